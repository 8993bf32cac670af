//! Sections: their heads, payloads and footers.

use super::{MAX_NAMES, Walk};
use crate::error::WalkError;
use crate::format::record;
use crate::summary::{RowKind, SectionRow};

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

impl Walk<'_> {
    pub(super) fn begin_section(&mut self, at: u64, kind: u8) -> Result<(), WalkError> {
        let id = self.ask(|loader| loader.get_be32())?;
        let name = self.counted_string()?;
        let instance = self.ask(|loader| loader.get_be32())?;
        let version = self.ask(|loader| loader.get_be32())?;
        let content = match name.as_str() {
            "ram" => SectionKind::Ram,
            "block" => SectionKind::Block,
            "dirty-bitmap" => SectionKind::DirtyBitmap,
            _ => SectionKind::Device,
        };
        let section = Section { id, name, instance, version, kind: content };
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
        let row = if kind == record::START { RowKind::Start } else { RowKind::Full };
        self.payload(at, row, &section, true)
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
        let before = self.summary.pages;
        let detail = match section.kind {
            SectionKind::Ram => self.ram_chunk()?,
            SectionKind::Block => self.block_chunk()?,
            SectionKind::DirtyBitmap => self.bitmap_chunk()?,
            SectionKind::Device => self.device(section, begins)?,
        };
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
