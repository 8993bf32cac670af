//! Sections: their heads, payloads and footers.

use super::{MAX_NAMES, Walk};
use crate::error::{Problem, WalkError};
use crate::format::{self, record};
use crate::summary::{RowKind, SectionHead, SectionRow};

/// What kind of section an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    Ram,
    Block,
    DirtyBitmap,
    Device,
}

#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) instance: u32,
    pub(super) version: u32,
    pub(super) kind: SectionKind,
}

impl Section {
    /// One that began in another channel.
    pub(super) fn of(id: u32, name: &str) -> Self {
        let kind = SectionKind::of(name);
        Self { id, name: name.to_owned(), instance: 0, version: 0, kind }
    }
}

impl SectionKind {
    fn of(name: &str) -> Self {
        match name {
            "ram" => Self::Ram,
            "block" => Self::Block,
            "dirty-bitmap" => Self::DirtyBitmap,
            _ => Self::Device,
        }
    }
}

impl Walk<'_> {
    pub(super) fn begin_section(&mut self, at: u64, kind: u8) -> Result<(), WalkError> {
        let id = self.ask(|loader| loader.get_be32())?;
        let name = self.counted_string()?;
        let instance = self.ask(|loader| loader.get_be32())?;
        let version = self.ask(|loader| loader.get_be32())?;
        let kind_of = SectionKind::of(&name);
        let section = Section { id, name, instance, version, kind: kind_of };
        self.known_section(&section)?;
        if self.sections.len() >= MAX_NAMES {
            return self.too_large(
                at,
                "the number of sections",
                MAX_NAMES as u64 + 1,
                MAX_NAMES as u64,
            );
        }
        self.sections.insert(id, section.clone());
        self.summary.sections += 1;
        self.observer.section(&SectionHead {
            offset: at,
            id,
            name: &section.name,
            instance,
            version,
        });
        let row = if kind == record::START { RowKind::Start } else { RowKind::Full };
        self.payload(at, row, &section, true)
    }

    /// C: `qemu_loadvm_section_start_full`: a section of a known name has instance 0, and a version
    /// that its loader takes.
    fn known_section(&self, section: &Section) -> Result<(), WalkError> {
        let Some(versions) = format::versions(&section.name) else { return Ok(()) };
        // Instance and version have just been taken.
        let behind_name = self.at() - 8;
        let error = |offset, what, expected: String, found: u32| {
            let problem = Problem::Unexpected { what, expected, found: found.to_string() };
            let (section, field) = (Some(section.name.clone()), None);
            Err(WalkError { offset, section, field, problem })
        };
        if section.instance != 0 {
            return error(
                behind_name,
                "the instance of a section",
                "0".to_owned(),
                section.instance,
            );
        }
        if !versions.contains(&section.version) {
            let expected = match (versions.start(), versions.end()) {
                (least, most) if least == most => most.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            return error(behind_name + 4, "the version of a section", expected, section.version);
        }
        Ok(())
    }

    pub(super) fn continue_section(&mut self, at: u64, kind: u8) -> Result<(), WalkError> {
        let id = self.ask(|loader| loader.get_be32())?;
        let Some(section) = self.sections.get(&id).cloned() else {
            return self.refuse(at + 1, "the id of a section", "one that was begun", id);
        };
        let row = if kind == record::PART { RowKind::Part } else { RowKind::End };
        self.payload(at, row, &section, false)
    }

    fn payload(
        &mut self,
        at: u64,
        kind: RowKind,
        section: &Section,
        begins: bool,
    ) -> Result<(), WalkError> {
        self.section = Some(section.name.clone());
        self.path.clear();
        let before = self.summary.pages;
        let detail = match section.kind {
            SectionKind::Ram => self.ram_chunk()?,
            SectionKind::Block => self.block_chunk()?,
            SectionKind::DirtyBitmap => self.bitmap_chunk()?,
            SectionKind::Device => self.device(section, begins)?,
        };
        self.path.clear();
        self.footer(section)?;
        self.section = None;
        let offset = at;
        self.report(SectionRow {
            offset,
            len: self.at().saturating_sub(offset),
            kind,
            id: Some(section.id),
            name: Some(section.name.clone()),
            instance: begins.then_some(section.instance),
            version: begins.then_some(section.version),
            pages: self.summary.pages - before,
            detail,
        });
        Ok(())
    }

    /// Whether there are footers is a property of the machine, and nothing announces it: the first
    /// section tells.
    fn footer(&mut self, section: &Section) -> Result<(), WalkError> {
        let at = self.at();
        if self.footers.is_none() {
            let next = self.ask(|loader| loader.peek_byte(0))?;
            let is_record = next <= record::FULL || next == record::COMMAND;
            if !is_record && next != record::FOOTER {
                return self.refuse(
                    at,
                    "what follows a section",
                    "its footer (7e) or a record",
                    format_args!("{next:#04x}"),
                );
            }
            self.footers = Some(!is_record);
        }
        if self.footers == Some(false) {
            return Ok(());
        }
        let mark = self.ask(|loader| loader.get_byte())?;
        if mark != record::FOOTER {
            return self.refuse(
                at,
                "what follows a section",
                "its footer (7e)",
                format_args!("{mark:#04x}"),
            );
        }
        let id = self.ask(|loader| loader.get_be32())?;
        if id != section.id {
            return self.refuse(at + 1, "the id in a footer", section.id, id);
        }
        self.summary.footers += 1;
        Ok(())
    }

    /// Whether sections end in footers, as far as that is known.
    pub(super) fn has_footers(&self) -> bool {
        self.footers != Some(false)
    }
}
