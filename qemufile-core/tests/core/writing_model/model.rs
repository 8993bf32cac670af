//! A queue that is a plain list of address ranges, extended as bytes come, and a flush that sends
//! it by the script.

use std::collections::VecDeque;

use qemufile_core::{IO_BUF_SIZE, Quirks};

use crate::support::{Event, Step};

/// One address space for all: guest memory begins at 0, the others far behind it.
pub(crate) const SHARED: usize = 1 << 40;
const BUFFER: usize = 1 << 41;

#[derive(Clone, Copy, Debug)]
struct Range {
    start: usize,
    len: usize,
}

pub(crate) struct Model {
    quirks: Quirks,
    max_pieces: usize,
    buffer: Vec<u8>,
    index: usize,
    pieces: Vec<Range>,
    /// One mark for each slot, whether there is a piece in it or not.
    marks: [bool; 64],
    pub(crate) failed: bool,
    pub(crate) counted: usize,
    script: VecDeque<Step>,
    pub(crate) events: Vec<Event>,
    /// Bytes that an error spoke of, or that were dropped with it.
    pub(crate) lost: usize,
}

/// What lies at the addresses that are not the model's own.
pub(crate) struct World {
    pub(crate) guest: Vec<u8>,
    pub(crate) shared: Vec<u8>,
}

impl Model {
    pub(crate) fn new(quirks: Quirks, max_pieces: usize, script: &[Step]) -> Self {
        Self {
            quirks,
            max_pieces,
            buffer: vec![0; IO_BUF_SIZE],
            index: 0,
            pieces: Vec::new(),
            marks: [false; 64],
            failed: false,
            counted: 0,
            script: script.iter().copied().collect(),
            events: Vec::new(),
            lost: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn queued(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len).sum()
    }

    /// Adds a range; whether it was flushed at once.
    fn add(&mut self, world: &World, start: usize, len: usize, may_free: bool) -> bool {
        let slot = self.pieces.len();
        match self.pieces.last_mut() {
            Some(last) if last.start + last.len == start && self.marks[slot - 1] == may_free => {
                last.len += len;
            }
            _ => {
                self.marks[slot] |= may_free;
                self.pieces.push(Range { start, len });
            }
        }
        let full = self.pieces.len() == self.max_pieces;
        if full {
            self.flush(world);
        }
        full
    }

    pub(crate) fn put(&mut self, world: &World, mut bytes: &[u8]) {
        while !self.failed && !bytes.is_empty() {
            let count = bytes.len().min(IO_BUF_SIZE - self.index);
            self.buffer[self.index..self.index + count].copy_from_slice(&bytes[..count]);
            if !self.add(world, BUFFER + self.index, count, false) {
                self.index += count;
                if self.index == IO_BUF_SIZE {
                    self.flush(world);
                }
            }
            bytes = &bytes[count..];
        }
    }

    pub(crate) fn put_each(&mut self, world: &World, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.put(world, &[*byte]));
    }

    pub(crate) fn borrow(&mut self, world: &World, start: usize, len: usize, may_free: bool) {
        if !self.failed {
            self.add(world, start, len, may_free);
        }
    }

    fn bytes(&self, world: &World, range: Range) -> Vec<u8> {
        let (base, from) = match range.start {
            BUFFER.. => (BUFFER, &self.buffer),
            SHARED.. => (SHARED, &world.shared),
            _ => (0, &world.guest),
        };
        from[range.start - base..][..range.len].to_vec()
    }

    pub(crate) fn flush(&mut self, world: &World) {
        if self.failed {
            return;
        }
        if !self.pieces.is_empty() {
            let whole = self.send(world);
            self.release(whole);
        }
        self.pieces.clear();
        self.index = 0;
    }

    /// Writes until all is written or a write fails; whether all was.
    fn send(&mut self, world: &World) -> bool {
        let mut rest: Vec<Vec<u8>> =
            self.pieces.iter().map(|piece| self.bytes(world, *piece)).collect();
        let mut done = 0;
        loop {
            rest.retain(|piece| !piece.is_empty());
            if rest.is_empty() {
                self.counted += done;
                return true;
            }
            let pieces = rest.clone();
            let total: usize = pieces.iter().map(Vec::len).sum();
            let write = |given| self.events.push(Event::Write { pieces, given });
            match self.script.pop_front().unwrap_or(Step::Move(usize::MAX)) {
                Step::Move(limit) => {
                    let mut count = limit.min(total);
                    write(Ok(count));
                    done += count;
                    for piece in &mut rest {
                        let cut = count.min(piece.len());
                        piece.drain(..cut);
                        count -= cut;
                    }
                }
                Step::Block => {
                    write(Err(std::io::ErrorKind::WouldBlock));
                    self.events.push(Event::Wait(qemufile_core::Direction::Output));
                }
                Step::Interrupt => write(Err(std::io::ErrorKind::Interrupted)),
                Step::Fail(errno) => {
                    write(Err(std::io::Error::from_raw_os_error(errno).kind()));
                    self.failed = true;
                    self.lost = total;
                    return false;
                }
                Step::Claim(_) => unreachable!("not in these scripts"),
            }
        }
    }

    fn release(&mut self, whole: bool) {
        if !whole && !self.quirks.release_unsent {
            self.marks = [false; 64];
            return;
        }
        let mut ranges: Vec<Range> = Vec::new();
        for (piece, _) in self.pieces.iter().zip(self.marks).filter(|(_, marked)| *marked) {
            match ranges.last_mut() {
                Some(last) if last.start + last.len == piece.start => last.len += piece.len,
                _ => ranges.push(*piece),
            }
        }
        if !ranges.is_empty() {
            self.marks = [false; 64];
        }
        self.events.extend(ranges.iter().map(|range| match range.start {
            BUFFER.. => Event::ReleaseBuffer { offset: range.start - BUFFER, len: range.len },
            _ => Event::Release { offset: range.start, len: range.len },
        }));
    }

    /// Moves `source` to the end; the count, or `None` where this one has failed.
    pub(crate) fn put_stream(&mut self, world: &World, source: &mut Self) -> Option<usize> {
        if self.quirks.lossy_put_stream {
            let bytes = source.buffer[..source.index].to_vec();
            if !bytes.is_empty() {
                self.put(world, &bytes);
                source.index = 0;
                source.pieces.clear();
            }
            return Some(bytes.len());
        }
        let moved = source.queued();
        for (piece, may_free) in source.pieces.iter().zip(source.marks) {
            if piece.start >= BUFFER {
                self.put(world, &source.bytes(world, *piece));
            } else {
                self.borrow(world, piece.start, piece.len, may_free);
            }
        }
        if self.failed {
            return None;
        }
        source.pieces.clear();
        source.index = 0;
        source.marks = [false; 64];
        Some(moved)
    }
}
