//! The frame: header, configuration, records, description.

use super::{Flow, Postcopy, Start, Walk};
use crate::error::{Problem, WalkError};
use crate::format::{self, record};
use crate::loader::{Fault, Loader};
use crate::summary::RowKind;

/// Longest name of a machine.
const MAX_MACHINE: u32 = 4096;

/// Whether a loader that is `own` takes the machine of a configuration. C:
/// `configuration_post_load` compares no more than what was sent, up to a NUL.
fn is_machine(sent: &str, own: &str) -> bool {
    match sent.split_once('\0') {
        Some((sent, _)) => own == sent,
        None => own.starts_with(sent),
    }
}

impl Walk<'_> {
    pub(super) fn run(&mut self) -> Result<(), WalkError> {
        match self.plan.start {
            Start::Header => self.walk_header(),
            Start::Records => self.records(),
            Start::Pages => self.walk_pages(),
            Start::Multifd => self.walk_multifd(),
            Start::Cpr => self.walk_cpr(),
        }
    }

    fn walk_header(&mut self) -> Result<(), WalkError> {
        let magic = self.ask(|loader| loader.get_be32())?;
        if magic != format::MAGIC {
            return self.refuse(
                0,
                "the magic",
                "5145564d, a migration stream",
                format_args!("{magic:08x}"),
            );
        }
        let version = self.ask(|loader| loader.get_be32())?;
        if version != format::VERSION {
            return self.refuse(4, "the version", format::VERSION, version);
        }
        self.row(0, RowKind::Header, format!("version {version}"));
        let at = self.at();
        let first = self.ask(|loader| loader.get_byte())?;
        if first == record::CONFIGURATION {
            self.configuration(at)?;
        } else if self.record(at, first)? == Flow::Over {
            return self.description();
        }
        self.records()
    }

    /// Takes records up to the end of the stream.
    fn records(&mut self) -> Result<(), WalkError> {
        loop {
            let at = self.at();
            match self.next_record() {
                Ok(Flow::More) => {}
                Ok(Flow::Over) => return self.description(),
                Err(error) => return self.pause(at, error),
            }
        }
    }

    /// Where postcopy runs, a channel that breaks is no failure: QEMU pauses, and goes on with
    /// another. C: `postcopy_pause_incoming`.
    fn pause(&mut self, record: u64, error: WalkError) -> Result<(), WalkError> {
        let between = error.offset == record && self.plan.start == Start::Records;
        let ended = matches!(error.problem, Problem::Ended { .. });
        if ended && self.postcopy == Postcopy::Running && (self.plan.resumed || between) {
            self.note(format!(
                "byte {}: the channel ends while postcopy runs; QEMU pauses here, and another channel goes on",
                error.offset
            ));
            self.section = None;
            return Ok(());
        }
        Err(error)
    }

    /// Takes the pages of a channel that has nothing else, up to its end.
    fn walk_pages(&mut self) -> Result<(), WalkError> {
        let before = self.summary.pages;
        let end = loop {
            let at = self.at();
            match self.ram_chunk() {
                Ok(_) => {}
                Err(error) => break self.pause_pages(at, error),
            }
        };
        let pages = self.summary.pages - before;
        self.row_of_pages(pages);
        end
    }

    fn pause_pages(&self, chunk: u64, error: WalkError) -> Result<(), WalkError> {
        // The channel has no end mark: it is over between two entries.
        let between = error.offset == chunk.max(self.ram.entry);
        match error.problem {
            Problem::Ended { .. } if between => Ok(()),
            _ => Err(error),
        }
    }

    /// Takes the next record of the stream, or of a package.
    pub(super) fn next_record(&mut self) -> Result<Flow, WalkError> {
        let at = self.at();
        let kind = self.ask(|loader| loader.get_byte())?;
        self.record(at, kind)
    }

    fn record(&mut self, at: u64, kind: u8) -> Result<Flow, WalkError> {
        match kind {
            record::END_OF_STREAM => {
                self.row(at, RowKind::EndOfStream, String::new());
                return Ok(Flow::Over);
            }
            record::START | record::FULL => self.begin_section(at, kind)?,
            record::PART | record::END => self.continue_section(at, kind)?,
            record::COMMAND => return self.command(at),
            _ => {
                return self.refuse(
                    at,
                    "the type of a record",
                    "0 to 4, or 8",
                    format_args!("{kind:#04x}"),
                );
            }
        }
        Ok(Flow::More)
    }

    fn configuration(&mut self, at: u64) -> Result<(), WalkError> {
        let begin = self.at();
        let len = self.ask(|loader| loader.get_be32())?;
        if len > MAX_MACHINE {
            return self.too_large(
                begin,
                "the length of the machine's name",
                len.into(),
                MAX_MACHINE.into(),
            );
        }
        let mut name = vec![0; len as usize];
        self.ask(|loader| loader.get_buffer(&mut name))?;
        let name = String::from_utf8_lossy(&name).into_owned();
        if let Some(machine) =
            self.plan.machine.as_ref().filter(|machine| !is_machine(&name, machine))
        {
            return self.refuse(begin + 4, "the machine", machine, name);
        }
        self.summary.machine = Some(name.clone());
        self.configuration_subsections()?;
        self.summary.shared_left_out = self.shared_ignored;
        self.summary.mapped = self.ram.mapped;
        self.row(at, RowKind::Configuration, name);
        Ok(())
    }

    /// Takes the description, of which QEMU believes nothing: a wrong type, a wrong length and a
    /// missing end are all accepted.
    fn description(&mut self) -> Result<(), WalkError> {
        let at = self.at();
        let expected = match self.plan.len {
            Some(len) => at < len,
            None => self.postcopy < Postcopy::Listening,
        };
        if !expected {
            return Ok(());
        }
        let Some(kind) = self.accepted(|loader| loader.get_byte())? else { return Ok(()) };
        if kind != record::DESCRIPTION {
            self.note(format!(
                "byte {at}: a description (06) was expected behind the records, found {kind:02x}"
            ));
            return Ok(());
        }
        let Some(len) = self.accepted(|loader| loader.get_be32())? else { return Ok(()) };
        let mut left = len as usize;
        let mut chunk = [0; format::DESCRIPTION_CHUNK];
        while left > 0 {
            let size = left.min(chunk.len());
            if self.accepted(|loader| loader.get_buffer(&mut chunk[..size]))?.is_none() {
                return Ok(());
            }
            left -= size;
        }
        self.row(at, RowKind::Description, format!("{len} bytes of JSON"));
        Ok(())
    }

    /// As [`ask`](Self::ask), where the end of the stream does no harm.
    fn accepted<T>(
        &mut self,
        operation: impl FnOnce(&mut dyn Loader) -> Result<T, Fault>,
    ) -> Result<Option<T>, WalkError> {
        match operation(&mut *self.loader) {
            Ok(value) => Ok(Some(value)),
            Err(Fault::Ended { .. }) => {
                self.note("the description is cut".to_owned());
                Ok(None)
            }
            Err(fault) => Err(self.fault(fault)),
        }
    }
}
