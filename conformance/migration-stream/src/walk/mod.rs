//! The walk: a loader without devices.
//!
//! It takes a stream apart by the operations that QEMU 7.2 uses, in its order, so that its channel
//! sees the very reads that QEMU makes. Sections of devices have no length of their own: they are
//! read by the [description](Description), or skipped up to their footer.

use std::collections::HashMap;

use crate::description::Description;
use crate::error::{Problem, WalkError};
use crate::format::PAGE_SIZE;
use crate::loader::{Fault, Loader};
use crate::summary::{Observer, PageCounts, RowKind, SectionRow, Summary};
use ram::Ram;
use section::Section;

mod block;
mod command;
mod cpr;
mod device;
mod frame;
mod mapped;
mod multifd;
mod ram;
mod section;

pub use ram::apply_difference;

/// Greatest number of sections, and of blocks, that are kept in mind.
pub(crate) const MAX_NAMES: usize = 1 << 16;

/// Greatest number of notes.
const MAX_NOTES: usize = 256;

/// Bytes that are taken at once where the stream has more.
const BULK: usize = 1 << 20;

/// Where in the format a stream begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the magic, as migrations and files do.
    #[default]
    Header,
    /// With a record and without a magic: the channel by which a postcopy migration is resumed.
    Records,
    /// With an entry of RAM: the channel of urgent pages (`postcopy-preempt`), whose blocks are
    /// known from the main channel.
    Pages,
    /// With the head of a channel of packets (`multifd`).
    Multifd,
    /// With the head of what a QEMU hands to its successor on the same host (`cpr-transfer`).
    Cpr,
}

/// What is known of a stream before it is walked.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What its devices wrote; without it their sections are skipped up to their footers.
    pub description: Option<Description>,
    /// Length of the stream in bytes: a loader looks for a description behind the last record
    /// only if there is something. Absent for a live stream: then a description is expected,
    /// unless postcopy has begun, as QEMU expects it.
    pub len: Option<u64>,
    /// The only machine that is accepted; any if absent.
    pub machine: Option<String>,
    /// Bytes in a page of guest memory, where neither the description nor the configuration says;
    /// 4096 if absent.
    pub page_size: Option<u64>,
    /// Where in the format the stream begins.
    pub start: Start,
    /// Whether a stream that ends while postcopy runs is at its end: the migration goes on through
    /// another channel.
    pub resumed: bool,
    /// Blocks of guest memory that an earlier channel of the same migration named, with their
    /// lengths in bytes.
    pub blocks: Vec<(String, u64)>,
    /// Sections that an earlier channel of the same migration began, by id.
    pub sections: Vec<(u32, String)>,
}

/// How far a walk came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// What it saw up to there.
    pub summary: Summary,
    /// Offset of the first byte that was not taken.
    pub position: u64,
    /// Bytes in a page of guest memory.
    pub page_size: u64,
    /// Whether a loader accepts the stream, else where and why not.
    pub end: Result<(), WalkError>,
}

/// Walks a stream from its magic to the last byte that a loader takes.
pub fn walk(loader: &mut dyn Loader, plan: &Plan, observer: &mut dyn Observer) -> Walked {
    let mut walk = Walk::new(loader, plan, observer);
    let end = walk.run();
    let (position, page_size) = (walk.loader.position(), walk.page_size);
    let mut summary = walk.summary;
    summary.left_over = plan.len.unwrap_or(position).saturating_sub(position);
    Walked { summary, position, page_size, end }
}

/// The text up to the first NUL.
fn c_string(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Whether there are more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    More,
    Over,
}

/// How far postcopy has come. C: `PostcopyState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Postcopy {
    None,
    Advised,
    Discarding,
    Listening,
    Running,
}

struct Walk<'a> {
    loader: &'a mut dyn Loader,
    observer: &'a mut dyn Observer,
    plan: &'a Plan,
    summary: Summary,
    sections: HashMap<u32, Section>,
    section: Option<String>,
    ram: Ram,
    page_size: u64,
    shared_ignored: bool,
    postcopy: Postcopy,
    /// Whether the return path has been opened.
    returns: bool,
    packaged: bool,
    fields: u64,
    /// The fields that stand around the next byte, with the index in an array.
    path: Vec<(&'a str, Option<u64>)>,
    /// Whether the observer wants to be told of fields.
    observed: bool,
    footers: Option<bool>,
    bulk: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn new(loader: &'a mut dyn Loader, plan: &'a Plan, observer: &'a mut dyn Observer) -> Self {
        let described = plan.description.as_ref().and_then(|description| description.page_size);
        let page_size = described.or(plan.page_size).unwrap_or(PAGE_SIZE);
        let observed = observer.wants_fields();
        Self {
            loader,
            observer,
            plan,
            summary: Summary::default(),
            sections: plan
                .sections
                .iter()
                .map(|(id, name)| (*id, Section::of(*id, name)))
                .collect(),
            section: None,
            ram: Ram::new(&plan.blocks),
            page_size,
            shared_ignored: false,
            postcopy: match plan.start {
                Start::Header => Postcopy::None,
                _ => Postcopy::Running,
            },
            returns: plan.start != Start::Header,
            packaged: false,
            fields: 0,
            path: Vec::new(),
            observed,
            footers: None,
            bulk: Vec::new(),
        }
    }

    fn problem(&self, offset: u64, problem: Problem) -> WalkError {
        WalkError { offset, section: self.section.clone(), field: self.field_path(), problem }
    }

    fn refuse<T>(
        &self,
        offset: u64,
        what: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> Result<T, WalkError> {
        let (expected, found) = (expected.to_string(), found.to_string());
        Err(self.problem(offset, Problem::Unexpected { what, expected, found }))
    }

    fn too_large<T>(
        &self,
        offset: u64,
        what: &'static str,
        found: u64,
        limit: u64,
    ) -> Result<T, WalkError> {
        Err(self.problem(offset, Problem::TooLarge { what, found, limit }))
    }

    /// The field that is being read, e.g. `env.regs[3]`.
    fn field_path(&self) -> Option<String> {
        let mut text = String::new();
        for (name, index) in &self.path {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(name);
            if let Some(index) = index {
                text.push_str(&format!("[{index}]"));
            }
        }
        (!text.is_empty()).then_some(text)
    }

    fn fault(&self, fault: Fault) -> WalkError {
        self.problem(self.loader.position(), fault.into())
    }

    /// Asks the loader.
    fn ask<T>(
        &mut self,
        operation: impl FnOnce(&mut dyn Loader) -> Result<T, Fault>,
    ) -> Result<T, WalkError> {
        operation(&mut *self.loader).map_err(|fault| self.fault(fault))
    }

    fn at(&self) -> u64 {
        self.loader.position()
    }

    /// Takes bytes that nobody looks at, at once as far as memory is not the stream's to spend.
    fn pass(&mut self, len: u64) -> Result<(), WalkError> {
        self.pass_shown(len, &mut |_| {})
    }

    /// As [`pass`](Self::pass), with somebody who looks.
    fn pass_shown(&mut self, mut len: u64, show: &mut dyn FnMut(&[u8])) -> Result<(), WalkError> {
        while len > 0 {
            let chunk = usize::try_from(len).unwrap_or(BULK).min(BULK);
            let mut bulk = std::mem::take(&mut self.bulk);
            if bulk.len() < chunk {
                bulk.resize(chunk, 0);
            }
            let result = self.ask(|loader| loader.get_buffer(&mut bulk[..chunk]));
            if result.is_ok() {
                show(&bulk[..chunk]);
            }
            self.bulk = bulk;
            result?;
            len -= chunk as u64;
        }
        Ok(())
    }

    /// A string with its length in a byte before it, taken as two operations. A NUL ends it, as it
    /// does where QEMU compares it.
    fn name(&mut self) -> Result<String, WalkError> {
        let len = usize::from(self.ask(|loader| loader.get_byte())?);
        let mut bytes = [0; 255];
        self.ask(|loader| loader.get_buffer(&mut bytes[..len]))?;
        Ok(c_string(&bytes[..len]))
    }

    /// As [`name`](Self::name), taken as one operation.
    fn counted_string(&mut self) -> Result<String, WalkError> {
        let bytes = self.ask(|loader| loader.get_counted_string())?;
        Ok(c_string(&bytes))
    }

    fn row_of_pages(&mut self, pages: PageCounts) {
        self.report(SectionRow {
            offset: 0,
            len: self.at(),
            kind: RowKind::Part,
            id: None,
            name: Some("ram".to_owned()),
            instance: None,
            version: None,
            pages,
            detail: "urgent pages".to_owned(),
        });
    }

    fn row(&mut self, offset: u64, kind: RowKind, detail: String) {
        self.report(SectionRow {
            offset,
            len: self.at().saturating_sub(offset),
            kind,
            id: None,
            name: None,
            instance: None,
            version: None,
            pages: PageCounts::default(),
            detail,
        });
    }

    /// Adds to the notes, as long as they are few: a stream does not say how much memory it costs.
    fn note(&mut self, text: String) {
        if self.summary.notes.len() < MAX_NOTES {
            self.summary.notes.push(text);
        }
    }

    fn report(&mut self, row: SectionRow) {
        self.summary.rows += 1;
        self.observer.row(&row);
    }
}
