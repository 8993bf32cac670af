//! Sections of devices, and the subsections of the configuration.

use super::Walk;
use super::section::Section;
use crate::description::{Access, Field, Structure};
use crate::error::{Problem, WalkError};
use crate::format::{CAPABILITIES, UNUSED_CHUNK, command, record};
use crate::summary::FieldValue;

/// Fields that may be visited for each byte of the stream, and in the beginning: a description
/// can repeat fields of no length for ever.
const FIELDS_PER_BYTE: u64 = 64;
const FIELDS_AT_FIRST: u64 = 1 << 22;

/// Bytes from a footer to where its successor's id or command begins: mark, id, type.
const TO_NEXT: usize = 6;

/// Bytes of an element that an observer is shown.
const SHOWN: usize = 4096;

impl<'a> Walk<'a> {
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

    fn structure(&mut self, structure: &'a Structure, temporary: bool) -> Result<(), WalkError> {
        match (&structure.fields, structure.size) {
            (Some(fields), _) => fields.iter().try_for_each(|field| self.field(field))?,
            (None, Some(size)) => {
                self.path.push((structure.vmsd_name.as_deref().unwrap_or("data"), None));
                self.element("buffer", Access::Undescribed(size))?;
                self.path.pop();
            }
            (None, None) => {}
        }
        match &structure.vmsd_name {
            Some(name) => self.subsections(name, &structure.subsections, temporary),
            None => Ok(()),
        }
    }

    /// Takes all elements of a field. Where one is wrong, the path stays for the error.
    fn field(&mut self, field: &'a Field) -> Result<(), WalkError> {
        let elements = field.elements();
        for number in 0..elements {
            self.visit()?;
            let index = field.index.or_else(|| field.array_len.map(|_| number));
            self.path.push((&field.name, index));
            let begin = self.at();
            if let Some(inner) = &field.structure {
                self.structure(inner, field.kind == "tmp")?;
            } else if !field.list.is_empty() {
                self.list(field)?;
            } else {
                self.element(&field.kind, field.access())?;
                self.path.pop();
                continue;
            }
            let walked = self.at() - begin;
            if walked != field.size {
                let reason = format!("{walked} bytes, and {} are described", field.size);
                return Err(self.problem(begin, Problem::Description(reason)));
            }
            self.path.pop();
        }
        Ok(())
    }

    /// A list: a byte 1 in front of each element, and a byte 0 behind all of them.
    fn list(&mut self, field: &'a Field) -> Result<(), WalkError> {
        for element in field.list.iter().map(Some).chain([None]) {
            let at = self.at();
            let mark = self.ask(|loader| loader.get_byte())?;
            if mark != u8::from(element.is_some()) {
                let reason =
                    format!("a mark in a list is {mark}, expected {}", u8::from(element.is_some()));
                return Err(self.problem(at, Problem::Description(reason)));
            }
            if let Some(element) = element {
                self.structure(element, false)?;
            }
        }
        Ok(())
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

    fn element(&mut self, kind: &str, access: Access) -> Result<(), WalkError> {
        let at = self.at();
        if self.observed {
            return self.shown_element(kind, access, at);
        }
        self.take(access, at, &mut |_| {})
    }

    /// Takes an element, and shows it to the observer.
    fn shown_element(&mut self, kind: &str, access: Access, at: u64) -> Result<(), WalkError> {
        let mut bytes = Vec::new();
        self.take(access, at, &mut |piece| {
            let room = SHOWN.saturating_sub(bytes.len()).min(piece.len());
            bytes.extend_from_slice(&piece[..room]);
        })?;
        let path = self.field_path().unwrap_or_default();
        let len = self.at() - at;
        let field = FieldValue { path: &path, kind, offset: at, len, bytes: &bytes };
        self.observer.field(&field);
        Ok(())
    }

    fn take(
        &mut self,
        access: Access,
        at: u64,
        show: &mut dyn FnMut(&[u8]),
    ) -> Result<(), WalkError> {
        match access {
            Access::Byte => self.ask(|loader| loader.get_byte()).map(|byte| show(&[byte])),
            Access::Be16 => {
                self.ask(|loader| loader.get_be16()).map(|word| show(&word.to_be_bytes()))
            }
            Access::Be32(words) => (0..words).try_for_each(|_| {
                self.ask(|loader| loader.get_be32()).map(|word| show(&word.to_be_bytes()))
            }),
            Access::Be64(words) => (0..words).try_for_each(|_| {
                self.ask(|loader| loader.get_be64()).map(|word| show(&word.to_be_bytes()))
            }),
            Access::Unused(mut size) => {
                while size > 0 {
                    let chunk = size.min(UNUSED_CHUNK);
                    self.pass_shown(chunk, show)?;
                    size -= chunk;
                }
                Ok(())
            }
            Access::Buffer(size) => self.pass_shown(size, show),
            Access::Undescribed(size) => {
                self.summary.undescribed += 1;
                self.summary.first_undescribed.get_or_insert(at);
                self.pass_shown(size, show)
            }
        }
    }

    /// Looks whether a subsection of the structure `name` follows, and takes it; over and over.
    fn subsections(
        &mut self,
        name: &str,
        expected: &'a [Structure],
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
            self.observer.subsection(&found, version, at);
            self.path.push((subsection.vmsd_name.as_deref().unwrap_or_default(), None));
            self.structure(subsection, false)?;
            self.path.pop();
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
            let behind = self.at();
            let version = self.ask(|loader| loader.get_be32())?;
            if version != 1 {
                let what = "the version of a subsection of the configuration";
                return self.refuse(behind, what, 1, version);
            }
            match found.as_str() {
                "configuration/capabilities" => {
                    let count = self.ask(|loader| loader.get_be32())?;
                    let mut names = Vec::new();
                    for _ in 0..count {
                        let at = self.at();
                        let name = self.name()?;
                        if !CAPABILITIES.contains(&name.as_str()) {
                            let what = "the name of a capability";
                            return self.refuse(at, what, "one that QEMU knows", name);
                        }
                        self.shared_ignored |= name == "x-ignore-shared";
                        self.ram.mapped |= name == "mapped-ram";
                        // Each name costs the stream a byte at least; the note shows some.
                        if names.len() < 64 {
                            names.push(name);
                        }
                    }
                    self.note(format!("capabilities sent: {}", names.join(", ")));
                }
                "configuration/uuid" => {
                    let mut uuid = [0; 16];
                    for byte in &mut uuid {
                        *byte = self.ask(|loader| loader.get_byte())?;
                    }
                    self.note(format!("uuid sent: {}", crate::text::hex(&uuid)));
                }
                "configuration/target-page-bits" => {
                    let bits = self.ask(|loader| loader.get_be32())?;
                    if !(8..=16).contains(&bits) {
                        return self.refuse(
                            at,
                            "the number of bits of a page offset",
                            "8 to 16",
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
            let next = match self.ask(|loader| loader.peek_byte(0)) {
                Err(error) if self.footers.is_none() => {
                    let what = "a section without description and footer";
                    return Err(WalkError { problem: Problem::Unsupported(what), ..error });
                }
                next => next?,
            };
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
                command::name(u16::from_be_bytes([number[TO_NEXT], number[TO_NEXT + 1]])).is_some()
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
