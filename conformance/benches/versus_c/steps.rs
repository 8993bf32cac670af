//! The calls that a real stream is made of, noted while the core loads it.

use std::path::Path;

use c_reference::bench::{Step, StepKind};
use conformance::streams::{CoreLoader, Fault, Loader, Observer, Options, Planned, load, walk};

use crate::Error;

/// Bytes of a page of guest memory.
const PAGE: usize = 4096;

struct Ignored;

impl Observer for Ignored {}

/// A loader that notes what it is asked.
struct Noting {
    loader: CoreLoader,
    steps: Vec<Step>,
}

/// All bytes of a stream, and the calls by which they are read.
///
/// # Errors
///
/// Where the stream cannot be read, or is not one that a loader takes to its last byte.
pub(crate) fn of(path: &Path) -> Result<(Vec<u8>, Vec<Step>), Error> {
    let loaded = load(path)?;
    let file = loaded.files.first().ok_or_else(|| format!("{}: no stream", path.display()))?;
    let plan = Planned::of(file, &Options::default())?.plan;
    let mut noting = Noting { loader: file.loader()?, steps: Vec::new() };
    walk(&mut noting, &plan, &mut Ignored).end?;
    let content = std::fs::read(path)?;
    let total: usize = noting.steps.iter().map(Step::advance).sum();
    if total != content.len() {
        let len = content.len();
        return Err(format!("{}: a loader takes {total} of {len} bytes", path.display()).into());
    }
    Ok((content, noting.steps))
}

impl Noting {
    fn note(&mut self, kind: StepKind, len: usize) {
        // A length that were cut would not add up.
        self.steps.push(Step { kind, len: u32::try_from(len).unwrap_or(0) });
    }
}

impl Loader for Noting {
    fn peek_byte(&mut self, offset: usize) -> Result<u8, Fault> {
        if offset == 0 {
            self.note(StepKind::Peek, 1);
        }
        self.loader.peek_byte(offset)
    }

    fn peek_buffer(&mut self, into: &mut [u8], offset: usize) -> Result<(), Fault> {
        self.loader.peek_buffer(into, offset)
    }

    fn skip(&mut self, size: usize) -> Result<(), Fault> {
        self.note(StepKind::Buffer, size);
        self.loader.skip(size)
    }

    fn get_byte(&mut self) -> Result<u8, Fault> {
        self.note(StepKind::Byte, 1);
        self.loader.get_byte()
    }

    fn get_be16(&mut self) -> Result<u16, Fault> {
        self.note(StepKind::Be16, 2);
        self.loader.get_be16()
    }

    fn get_be32(&mut self) -> Result<u32, Fault> {
        self.note(StepKind::Be32, 4);
        self.loader.get_be32()
    }

    fn get_be64(&mut self) -> Result<u64, Fault> {
        self.note(StepKind::Be64, 8);
        self.loader.get_be64()
    }

    fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        let kind = if into.len() == PAGE { StepKind::Page } else { StepKind::Buffer };
        self.note(kind, into.len());
        self.loader.get_buffer(into)
    }

    fn get_buffer_in_place(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        self.note(StepKind::Buffer, into.len());
        self.loader.get_buffer_in_place(into)
    }

    fn get_counted_string(&mut self) -> Result<Vec<u8>, Fault> {
        let text = self.loader.get_counted_string()?;
        self.note(StepKind::String, text.len() + 1);
        Ok(text)
    }

    fn enter(&mut self, _package: Vec<u8>) -> Result<(), Fault> {
        Err(Fault::Failed("a stream with a package is more than one stream".to_owned()))
    }

    fn leave(&mut self) -> Result<(), Fault> {
        self.loader.leave()
    }

    fn position(&self) -> u64 {
        self.loader.position()
    }
}
