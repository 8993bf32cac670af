//! The queue of a writer: a buffer, and pieces that lie in it or elsewhere.
//!
//! The original extends its last piece with every byte that is put. Here the bytes at the end of
//! the buffer form an *open run* that is turned into a piece only when another piece follows or
//! the queue is flushed, so that putting an integer is one bounds check and one store. The run
//! holds its slot from its first byte on: the pieces are the original's at any moment.

use crate::IO_BUF_SIZE;
use crate::config::{Config, ReleaseTarget};
use crate::pieces::{Pieces, Segment, Source};

pub(crate) struct Queue {
    buffer: Box<[u8; IO_BUF_SIZE]>,
    /// Where the next byte goes. C: `buf_index`.
    index: usize,
    /// Where the open run begins.
    run: usize,
    /// `IO_BUF_SIZE` while bytes at `index` extend an open run, else 0.
    limit: usize,
    segments: Vec<Segment>,
    /// Pieces queued, the open run's included. C: `iovcnt`.
    pieces: usize,
    max_pieces: usize,
    /// One mark for each piece. A mark may outlive its piece (row 19). C: `may_free`.
    may_free: u64,
}

/// What is to be done after something was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Then {
    Continue,
    /// The queue or the buffer is full.
    Flush,
}

impl Queue {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            buffer: crate::buffer(),
            index: 0,
            run: 0,
            limit: 0,
            segments: Vec::with_capacity(crate::MAX_PIECES),
            pieces: 0,
            max_pieces: config.max_pieces.clamp(1, crate::MAX_PIECES),
            may_free: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces == 0
    }

    /// Bytes of all pieces.
    pub(crate) fn len(&self) -> usize {
        let closed: usize = self.segments.iter().map(|segment| segment.source.len()).sum();
        closed + self.open_run().map_or(0, |run| run.len())
    }

    /// The bytes that were put into the buffer, pieces or not. C: `buf[0 .. buf_index]`.
    pub(crate) fn buffered(&self) -> &[u8] {
        &self.buffer[..self.index]
    }

    /// The bytes of a piece in the buffer.
    pub(crate) fn bytes(&self, start: usize, len: usize) -> &[u8] {
        self.buffer.get(start..start + len).unwrap_or_default()
    }

    /// Puts `bytes` if they extend the open run and do not fill the buffer.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> bool {
        let end = self.index + bytes.len();
        if end >= self.limit {
            return false;
        }
        let Some(room) = self.buffer.get_mut(self.index..end) else { return false };
        room.copy_from_slice(bytes);
        self.index = end;
        true
    }

    /// Room behind the bytes that were put. May be empty only on a stream that has failed.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[self.index..]
    }

    /// Whether one more piece would be one too many. Only on a stream that has failed.
    fn is_full(&self) -> bool {
        self.pieces >= self.max_pieces
    }

    fn is_marked(&self, piece: usize) -> bool {
        self.may_free >> piece & 1 == 1
    }

    /// Queues the next `len` bytes of the buffer, which are in place. C: `add_buf_to_iovec`, L407.
    pub(crate) fn push_buffered(&mut self, len: usize) -> Then {
        if self.limit == 0 {
            if self.is_full() {
                return Then::Flush;
            }
            // A mark that was left behind keeps later bytes out of this piece.
            let alone = self.is_marked(self.pieces);
            self.pieces += 1;
            if alone || self.is_full() {
                self.segments.push(Segment {
                    source: Source::Buffer { start: self.index, len },
                    joined: false,
                });
            } else {
                self.run = self.index;
                self.limit = IO_BUF_SIZE;
            }
            if self.is_full() {
                // The index stays: if the flush cannot be made, the bytes are overwritten.
                return Then::Flush;
            }
        }
        self.index += len;
        if self.index == IO_BUF_SIZE { Then::Flush } else { Then::Continue }
    }

    /// Queues bytes that lie elsewhere. C: `add_to_iovec`, L377.
    pub(crate) fn push(&mut self, source: Source, may_free: bool) -> Then {
        self.close_run();
        if self.joins(&source, may_free) {
            self.join(source);
        } else {
            if self.is_full() {
                return Then::Flush;
            }
            if may_free {
                self.may_free |= 1 << self.pieces;
            }
            self.segments.push(Segment { source, joined: false });
            self.pieces += 1;
        }
        if self.is_full() { Then::Flush } else { Then::Continue }
    }

    /// Whether `source` begins where the last piece ends, and is marked alike.
    fn joins(&self, source: &Source, may_free: bool) -> bool {
        let end =
            self.segments.last().and_then(|last| Some(last.source.address()? + last.source.len()));
        end.is_some() && end == source.address() && self.is_marked(self.pieces - 1) == may_free
    }

    fn join(&mut self, source: Source) {
        match (self.segments.last_mut().map(|last| &mut last.source), &source) {
            (
                Some(Source::Guest { memory, len, .. }),
                Source::Guest { memory: more, len: added, .. },
            ) if memory.is_same(more) => {
                *len += added;
            }
            _ => self.segments.push(Segment { source, joined: true }),
        }
    }

    /// What the open run is as a piece.
    pub(crate) fn open_run(&self) -> Option<Source> {
        (self.limit != 0).then(|| Source::Buffer { start: self.run, len: self.index - self.run })
    }

    /// Turns the open run into a piece, before a write or before another piece.
    pub(crate) fn close_run(&mut self) {
        if let Some(source) = self.open_run() {
            self.segments.push(Segment { source, joined: false });
            self.limit = 0;
        }
    }

    /// The pieces, once the open run is closed.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        Pieces::new(&self.buffer[..], &self.segments)
    }

    /// Empties the queue after a flush. Marks stay unless `release` cleared them.
    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        self.pieces = 0;
        self.index = 0;
        self.limit = 0;
    }

    pub(crate) fn clear_marks(&mut self) {
        self.may_free = 0;
    }

    /// The segments of the closed pieces in order, each with its piece's mark.
    pub(crate) fn marked_segments(&self) -> impl Iterator<Item = (&Source, bool)> {
        let mut piece = None;
        self.segments.iter().map(move |segment| {
            let at = match piece {
                Some(at) if segment.joined => at,
                Some(at) => at + 1,
                None => 0,
            };
            piece = Some(at);
            (&segment.source, self.is_marked(at))
        })
    }

    /// Hands the marked ranges to `release`, neighbours as one, and clears all marks if there was
    /// one. C: `qemu_iovec_release_ram`, L223.
    pub(crate) fn release(&mut self, mut release: impl FnMut(ReleaseTarget<'_>)) {
        let mut pending: Option<ReleaseTarget<'_>> = None;
        for (source, _) in self.marked_segments().filter(|(_, marked)| *marked) {
            let next = target(source);
            pending = Some(match pending {
                Some(before) => merge(before, next).unwrap_or_else(|| {
                    release(before);
                    next
                }),
                None => next,
            });
        }
        if let Some(last) = pending {
            release(last);
            self.may_free = 0;
        }
    }
}

fn target(source: &Source) -> ReleaseTarget<'_> {
    match source {
        Source::Buffer { start, len } => ReleaseTarget::Buffer { offset: *start, len: *len },
        Source::Shared(bytes) => ReleaseTarget::Shared { len: bytes.len() },
        Source::Guest { memory, offset, len } => {
            ReleaseTarget::Guest { memory, offset: *offset, len: *len }
        }
    }
}

/// The two as one range, if the second begins where the first ends.
fn merge<'a>(first: ReleaseTarget<'a>, second: ReleaseTarget<'a>) -> Option<ReleaseTarget<'a>> {
    match (first, second) {
        (
            ReleaseTarget::Guest { memory, offset, len },
            ReleaseTarget::Guest { memory: other, offset: start, len: more },
        ) if memory.is_same(other) && offset + len == start => {
            Some(ReleaseTarget::Guest { memory, offset, len: len + more })
        }
        (
            ReleaseTarget::Buffer { offset, len },
            ReleaseTarget::Buffer { offset: start, len: more },
        ) if offset + len == start => Some(ReleaseTarget::Buffer { offset, len: len + more }),
        _ => None,
    }
}
