//! Sections of devices, and the subsections of the configuration.

use super::Walk;
use super::section::Section;
use crate::description::{Access, Structure};
use crate::error::{Problem, WalkError};
use crate::format::{UNUSED_CHUNK, command, record};

/// Fields that may be visited for each byte of the stream, and in the beginning: a description
/// can repeat fields of no length for ever.
const FIELDS_PER_BYTE: u64 = 64;
const FIELDS_AT_FIRST: u64 = 1 << 22;

/// Bytes from a footer to where its successor's id or command begins: mark, id, type.
const TO_NEXT: usize = 6;

impl Walk<'_> {
    /// Takes the payload of a device: by its description, else up to its footer.
    pub(super) fn device(&mut self, section: &Section, begins: bool) -> Result<String, WalkError> {
        let begin = self.at();
        let plan = self.plan;
        let device =
            plan.description.as_ref().and_then(|all| all.device(&section.name, section.instance));
        let Some(device) = device.filter(|_| begins) else {
            self.opaque(section)?;
            self.summary.opaque += 1;
            return Ok(format!("opaque payload of {} bytes", self.at() - begin));
        };
        if let Some(version) = device.content.version.filter(|version| *version != section.version)
        {
            let reason = format!("it has version {version}, the section {}", section.version);
            return Err(self.problem(begin, Problem::Description(reason)));
        }
        self.structure(&device.content, false)?;
        Ok(format!("payload of {} bytes", self.at() - begin))
    }

    fn structure(&mut self, structure: &Structure, temporary: bool) -> Result<(), WalkError> {
        match (&structure.fields, structure.size) {
            (Some(fields), _) => {
                for field in fields {
                    for _ in 0..field.elements() {
                        self.visit()?;
                        let begin = self.at();
                        let Some(inner) = &field.structure else {
                            self.element(field.access())?;
                            continue;
                        };
                        self.structure(inner, field.kind == "tmp")?;
                        let walked = self.at() - begin;
                        if walked != field.size {
                            let reason = format!(
                                "{} has {walked} bytes, and {} are described",
                                field.name, field.size
                            );
                            return Err(self.problem(begin, Problem::Description(reason)));
                        }
                    }
                }
            }
            (None, Some(size)) => self.pass(size)?,
            (None, None) => {}
        }
        match &structure.vmsd_name {
            Some(name) => self.subsections(name, &structure.subsections, temporary),
            None => Ok(()),
        }
    }

    fn visit(&mut self) -> Result<(), WalkError> {
        self.fields += 1;
        let at = self.at();
        let most = FIELDS_AT_FIRST.saturating_add(at.saturating_mul(FIELDS_PER_BYTE));
        if self.fields > most {
            self.too_large(at, "the number of fields", self.fields, most)
        } else {
            Ok(())
        }
    }

    fn element(&mut self, access: Access) -> Result<(), WalkError> {
        match access {
            Access::Byte => self.ask(|loader| loader.get_byte()).map(|_| ()),
            Access::Be16 => self.ask(|loader| loader.get_be16()).map(|_| ()),
            Access::Be32(words) => {
                (0..words).try_for_each(|_| self.ask(|loader| loader.get_be32()).map(|_| ()))
            }
            Access::Be64(words) => {
                (0..words).try_for_each(|_| self.ask(|loader| loader.get_be64()).map(|_| ()))
            }
            Access::Unused(mut size) => {
                while size > 0 {
                    let chunk = size.min(UNUSED_CHUNK);
                    self.pass(chunk)?;
                    size -= chunk;
                }
                Ok(())
            }
            Access::Buffer(size) => self.pass(size),
        }
    }

    /// Looks whether a subsection of the structure `name` follows, and takes it; over and over.
    fn subsections(
        &mut self,
        name: &str,
        expected: &[Structure],
        temporary: bool,
    ) -> Result<(), WalkError> {
        let mut expected = expected.iter();
        while let Some(found) = self.look_for_subsection(name, temporary)? {
            let at = self.at();
            let Some(subsection) =
                expected.next().filter(|next| next.vmsd_name.as_deref() == Some(&found))
            else {
                let reason = format!("it has no subsection {found} here");
                return Err(self.problem(at, Problem::Description(reason)));
            };
            self.take_subsection_name(found.len())?;
            let version = self.ask(|loader| loader.get_be32())?;
            if subsection.version.is_some_and(|described| described != version) {
                let reason = format!("subsection {found} has version {version}");
                return Err(self.problem(at, Problem::Description(reason)));
            }
            self.summary.subsections += 1;
            self.structure(subsection, false)?;
        }
        match expected.next() {
            None => Ok(()),
            Some(missing) => {
                let missing = missing.vmsd_name.as_deref().unwrap_or("without a name");
                let reason = format!("subsection {missing} is missing");
                Err(self.problem(self.at(), Problem::Description(reason)))
            }
        }
    }

    /// The look-ahead after each structure: the type, the length, the name. Nothing is taken. C:
    /// the same peeks as in `vmstate_subsection_load`.
    fn look_for_subsection(
        &mut self,
        name: &str,
        temporary: bool,
    ) -> Result<Option<String>, WalkError> {
        if temporary {
            self.summary.temporary_probes += 1;
        } else {
            self.summary.probes += 1;
        }
        if self.ask(|loader| loader.peek_byte(0))? != record::SUBSECTION {
            return Ok(None);
        }
        let len = usize::from(self.ask(|loader| loader.peek_byte(1))?);
        if len > name.len() {
            let mut found = [0; 255];
            self.ask(|loader| loader.peek_buffer(&mut found[..len], 2))?;
            if found[..len].starts_with(name.as_bytes()) {
                return Ok(Some(String::from_utf8_lossy(&found[..len]).into_owned()));
            }
        }
        self.summary.foreign_subsections += 1;
        Ok(None)
    }

    fn take_subsection_name(&mut self, len: usize) -> Result<(), WalkError> {
        self.ask(|loader| loader.skip(1))?;
        self.ask(|loader| loader.skip(1))?;
        self.ask(|loader| loader.skip(len))
    }

    /// The configuration's subsections are few and known, so that they need no description.
    pub(super) fn configuration_subsections(&mut self) -> Result<(), WalkError> {
        while let Some(found) = self.look_for_configuration()? {
            let at = self.at();
            self.take_subsection_name(found.len())?;
            self.ask(|loader| loader.get_be32())?;
            match found.as_str() {
                "configuration/capabilities" => {
                    let count = self.ask(|loader| loader.get_be32())?;
                    let mut names = Vec::new();
                    for _ in 0..count {
                        let name = self.name()?;
                        self.shared_ignored |= name == "x-ignore-shared";
                        // Each name costs the stream a byte at least; the note shows some.
                        if names.len() < 64 {
                            names.push(name);
                        }
                    }
                    self.note(format!("capabilities sent: {}", names.join(", ")));
                }
                "configuration/uuid" => {
                    let mut uuid = [0; 16];
                    self.ask(|loader| loader.get_buffer(&mut uuid))?;
                    self.note(format!("uuid sent: {}", crate::text::hex(&uuid)));
                }
                "configuration/target-page-bits" => {
                    let bits = self.ask(|loader| loader.get_be32())?;
                    if !(10..=16).contains(&bits) {
                        return self.refuse(
                            at,
                            "the number of bits of a page offset",
                            "10 to 16",
                            bits,
                        );
                    }
                    self.page_size = 1 << bits;
                }
                _ => {
                    return self.refuse(
                        at,
                        "a subsection of the configuration",
                        "capabilities, uuid or target-page-bits",
                        found,
                    );
                }
            }
        }
        Ok(())
    }

    fn look_for_configuration(&mut self) -> Result<Option<String>, WalkError> {
        let probes = self.summary.probes;
        let foreign = self.summary.foreign_subsections;
        let found = self.look_for_subsection("configuration", false);
        // Those of the devices are counted, and this is none.
        self.summary.probes = probes;
        self.summary.foreign_subsections = foreign;
        found
    }

    /// Passes over a payload byte by byte until its own footer and another record follow.
    fn opaque(&mut self, section: &Section) -> Result<(), WalkError> {
        if !self.has_footers() {
            return Err(self.problem(
                self.at(),
                Problem::Unsupported("a section without description and footer"),
            ));
        }
        loop {
            let next = self.ask(|loader| loader.peek_byte(0))?;
            if next == record::FOOTER && self.closes(section.id)? {
                return Ok(());
            }
            self.ask(|loader| loader.get_byte())?;
        }
    }

    /// Whether the next bytes are the footer of section `id`, and a record behind it.
    fn closes(&mut self, id: u32) -> Result<bool, WalkError> {
        let mut ahead = [0; TO_NEXT + 5 + 255];
        let mut look = |walk: &mut Self, len: usize| -> Result<Vec<u8>, WalkError> {
            walk.ask(|loader| loader.peek_buffer(&mut ahead[..len], 0))?;
            Ok(ahead[..len].to_vec())
        };
        let footer = look(self, TO_NEXT)?;
        if footer[1..5] != id.to_be_bytes() {
            return Ok(false);
        }
        let word =
            |bytes: &[u8]| bytes.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        Ok(match footer[TO_NEXT - 1] {
            record::END_OF_STREAM => true,
            record::PART | record::END => {
                let next = look(self, TO_NEXT + 4)?;
                self.sections.contains_key(&word(&next[TO_NEXT..]))
            }
            record::COMMAND => {
                let number = look(self, TO_NEXT + 2)?;
                (command::OPEN_RETURN_PATH..=command::RECEIVED_BITMAP)
                    .contains(&u16::from_be_bytes([number[TO_NEXT], number[TO_NEXT + 1]]))
            }
            record::START | record::FULL => {
                let len = usize::from(look(self, TO_NEXT + 5)?[TO_NEXT + 4]);
                let name = look(self, TO_NEXT + 5 + len)?;
                len > 0 && name[TO_NEXT + 5..].iter().all(|byte| (0x20..0x7f).contains(byte))
            }
            _ => false,
        })
    }
}
