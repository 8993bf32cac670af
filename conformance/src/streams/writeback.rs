//! Writing a stream again: every operation of the loader is turned into the one that QEMU's source
//! has in its place.

use std::collections::VecDeque;

use crate::observation::{Event, Observation, Outcome};
use crate::trace::{self, Data, Op, Segment, World};

use migration_stream::{Fault, Put, RecordedWrite, Sink};

use super::flush_inference::WriteLayout;
use super::lockstep::Lockstep;

/// Pages that can lie in the arena at a time: more than a queue holds, so that a page stays as it
/// is until it is written.
const SLOTS: usize = qemufile_core::MAX_PIECES + 2;

/// What has to come out.
pub(super) struct Expected<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) writes: Option<&'a [RecordedWrite]>,
    pub(super) layout: &'a WriteLayout,
    pub(super) page_size: usize,
}

/// The world to write in: one channel, and room for the pages.
pub(super) fn world(layout: &WriteLayout, page_size: usize) -> World {
    World {
        arena: Data::from(Segment::Repeat { byte: 0, len: SLOTS * page_size }),
        channels: vec![trace::Channel {
            writes: layout.answers.clone(),
            ..trace::Channel::default()
        }],
        ..World::default()
    }
}

/// Writes on all subjects, and compares what reaches the channel.
pub(super) struct Rewriter<'a, 'e> {
    lockstep: Lockstep<'a>,
    expected: &'e Expected<'e>,
    stream: usize,
    flushes: VecDeque<u64>,
    position: u64,
    slot: usize,
    written: usize,
    writes: usize,
    difference: Option<String>,
}

impl<'a, 'e> Rewriter<'a, 'e> {
    /// Writes nothing before it is opened.
    pub(super) fn new(lockstep: Lockstep<'a>, expected: &'e Expected<'e>) -> Self {
        Self {
            lockstep,
            expected,
            stream: 0,
            flushes: expected.layout.flushes.iter().copied().collect(),
            position: 0,
            slot: 0,
            written: 0,
            writes: 0,
            difference: None,
        }
    }

    /// Opens channel 0 for writing.
    pub(super) fn open(&mut self) -> Result<(), Fault> {
        self.stream = 0;
        self.step(&Op::NewOutput { channel: 0 })
    }

    /// Opens channel 0 for reading, to write what goes back.
    pub(super) fn open_returning(&mut self) -> Result<(), Fault> {
        self.stream = 1;
        self.step(&Op::NewInput { channel: 0 })?;
        self.step(&Op::GetReturnPath { stream: 0 })
    }

    /// The subjects it writes on.
    pub(super) fn lockstep(&mut self) -> &mut Lockstep<'a> {
        &mut self.lockstep
    }

    /// What did not come out as it should.
    pub(super) fn take_difference(&mut self) -> Option<String> {
        self.difference.take()
    }

    /// Writes seen so far.
    pub(super) fn writes(&self) -> usize {
        self.writes
    }

    fn is_referenced(&self, len: usize) -> bool {
        len == self.expected.page_size
            && (self.expected.writes.is_none()
                || self.expected.layout.referenced.contains(&self.position))
    }

    fn flush_here(&mut self) -> Result<(), Fault> {
        match self.flushes.front() {
            Some(at) if *at < self.position => {
                let reason = format!(
                    "byte {at}: the recorded source flushed here, and no operation ends here: the next one ends at {}",
                    self.position
                );
                self.differ(reason)
            }
            Some(at) if *at == self.position => {
                self.flushes.pop_front();
                self.step(&Op::Flush { stream: self.stream })
            }
            _ => Ok(()),
        }
    }

    fn differ(&mut self, reason: String) -> Result<(), Fault> {
        self.difference = Some(reason);
        Err(Fault::Diverged)
    }

    /// Writes what is still queued, closes all streams, and demands that nothing is missing.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        self.step(&Op::Flush { stream: self.stream })?;
        for stream in (0..=self.stream).rev() {
            self.step(&Op::Close { stream })?;
        }
        let (len, written) = (self.expected.bytes.len(), self.written);
        if written != len {
            return self
                .differ(format!("byte {written}: nothing more was written, expected {len} bytes"));
        }
        match self.expected.writes.map(<[RecordedWrite]>::len) {
            Some(recorded) if recorded != self.writes => {
                self.differ(format!("{} writes, and QEMU made {recorded}", self.writes))
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, op: &Op) -> Result<(), Fault> {
        let seen = self.lockstep.step(op)?;
        self.look(&seen)
    }

    fn look(&mut self, seen: &Observation) -> Result<(), Fault> {
        for event in &seen.events {
            let Event::Write { lengths, bytes, outcome, .. } = event else { continue };
            let at = self.written;
            if let Some(recorded) = self.expected.writes {
                let Some(recorded) = recorded.get(self.writes) else {
                    return self.differ(format!(
                        "byte {at}: write {} is one more than QEMU made",
                        self.writes
                    ));
                };
                if let Some(reason) = compare_pieces(lengths, &recorded.lengths) {
                    return self.differ(format!("byte {at}: write {}: {reason}", self.writes));
                }
            }
            let whole = bytes.whole().unwrap_or_default();
            if self.expected.bytes.get(at..).is_none_or(|rest| !rest.starts_with(whole)) {
                return self.differ(format!(
                    "byte {at}: write {} has other bytes than the stream",
                    self.writes
                ));
            }
            self.writes += 1;
            if let Outcome::Done(count) = outcome {
                self.written += count;
            }
        }
        Ok(())
    }
}

impl Sink for Rewriter<'_, '_> {
    fn put(&mut self, put: Put<'_>) -> Result<(), Fault> {
        let stream = self.stream;
        match put {
            Put::Byte(value) => self.step(&Op::PutByte { stream, value: value.into() })?,
            Put::Be16(value) => self.step(&Op::PutBe16 { stream, value: value.into() })?,
            Put::Be32(value) => self.step(&Op::PutBe32 { stream, value })?,
            Put::Be64(value) => self.step(&Op::PutBe64 { stream, value })?,
            Put::CountedString(text) if !text.contains(&0) => {
                self.step(&Op::PutCountedString { stream, text: text.into() })?;
            }
            Put::CountedString(text) => {
                // As C's string it would end at its first NUL.
                self.step(&Op::PutByte {
                    stream,
                    value: i32::try_from(text.len()).unwrap_or(i32::MAX),
                })?;
                self.step(&Op::PutBuffer { stream, data: text.into() })?;
            }
            Put::Page(page) if self.is_referenced(page.len()) => {
                let offset = self.slot * self.expected.page_size;
                self.slot = (self.slot + 1) % SLOTS;
                self.step(&Op::ChangeArena { offset, data: page.into() })?;
                self.step(&Op::PutBufferAsync {
                    stream,
                    offset,
                    len: page.len(),
                    may_free: false,
                })?;
            }
            Put::Buffer(bytes) | Put::Page(bytes) => {
                self.step(&Op::PutBuffer { stream, data: bytes.into() })?;
            }
        }
        self.position += put.len() as u64;
        self.flush_here()
    }
}

/// The first piece in which a write differs from QEMU's.
fn compare_pieces(lengths: &[usize], recorded: &[usize]) -> Option<String> {
    let piece = lengths.iter().zip(recorded).position(|(ours, theirs)| ours != theirs);
    let counts = format!("it has {} pieces, and QEMU's had {}", lengths.len(), recorded.len());
    match piece {
        Some(piece) => Some(format!(
            "piece {piece} has {} bytes, and QEMU's had {}; {counts}",
            lengths[piece], recorded[piece]
        )),
        None if lengths.len() != recorded.len() => Some(counts),
        None => None,
    }
}
