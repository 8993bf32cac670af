//! The queue of a writer: a buffer, and pieces that lie in it or elsewhere.
//!
//! The original extends its last piece with every byte that is put. Here the bytes at the end of
//! the buffer form an *open run* that is turned into a piece only when another piece follows or
//! the queue is flushed, so that putting an integer is one bounds check and one store. The run
//! counts as a piece from its first byte on: the pieces are the original's at any moment.
//!
//! ```text
//! no run     |  bytes of pieces  |              room                |
//!            0             end_of_pieces                 run_end = IO_BUF_SIZE
//!
//! a run      |  bytes of pieces  |   open run   |       room        |
//!            0               run_start       run_end           IO_BUF_SIZE
//!
//!            |<---------- buffered() ---------->|   C: buf[0 .. buf_index]
//! ```
//!
//! `piece_bytes` is the length of all pieces but the run, those that lie elsewhere included.

use crate::IO_BUF_SIZE;
use crate::buffer::{self, Buffer};
use crate::config::Config;
use crate::pieces::{Backing, Owner, Pieces, Segment};

use super::flushed::{Flushed, marked_segments};
use super::source::{QueuedBytes, Source};

pub(crate) struct Queue {
    buffer: Box<Buffer>,
    /// End of the open run, where its next byte goes; the end of the buffer while there is no run,
    /// so that one comparison tells whether bytes extend it.
    run_end: usize,
    /// End of the pieces in the buffer, where the next byte goes while there is no run.
    end_of_pieces: usize,
    /// Whether there is an open run.
    has_run: bool,
    /// First byte of the open run.
    run_start: usize,
    segments: Vec<Segment>,
    /// Owners of the segments, in order of their first.
    owners: Vec<Owner>,
    /// Sum of the segments' lengths.
    piece_bytes: usize,
    /// Pieces queued, the open run included. C: `iovcnt`.
    pieces: usize,
    max_pieces: usize,
    /// One mark for each piece. A mark may outlive its piece (row 19). C: `may_free`.
    may_free: u64,
}

/// What is to be done after something was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterPush {
    Continue,
    /// The queue or the buffer is full.
    Flush,
}

impl Queue {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            buffer: Buffer::zeroed(),
            run_end: IO_BUF_SIZE,
            end_of_pieces: 0,
            has_run: false,
            run_start: 0,
            segments: Vec::with_capacity(crate::MAX_PIECES),
            owners: Vec::new(),
            piece_bytes: 0,
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
        self.piece_bytes + if self.has_run { self.run_end - self.run_start } else { 0 }
    }

    /// The bytes that were put into the buffer, pieces or not. C: `buf[0 .. buf_index]`.
    pub(crate) fn buffered(&self) -> &[u8] {
        &self.buffer.0[..self.buffered_end()]
    }

    /// Puts `bytes` if they extend the open run and do not fill the buffer.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> bool {
        let end = match self.run_end.checked_add(bytes.len()) {
            Some(end) if end < IO_BUF_SIZE => end,
            _ => return false,
        };
        let Some(room) = self.buffer.0.get_mut(self.run_end..end) else { return false };
        buffer::copy(room, bytes);
        self.run_end = end;
        true
    }

    /// Puts `bytes` into a new run, if they neither fill the buffer nor need the last free piece.
    #[inline]
    pub(crate) fn begin_with(&mut self, bytes: &[u8]) -> bool {
        if self.has_run || self.is_crowded() || bytes.is_empty() || !self.fits(bytes.len()) {
            return false;
        }
        self.pieces += 1;
        self.begin_run();
        self.extend(bytes)
    }

    /// Whether one more piece fills the queue, or takes over a mark.
    fn is_crowded(&self) -> bool {
        self.pieces + 1 >= self.max_pieces || self.is_marked(self.pieces)
    }

    /// Whether a new run of `len` bytes leaves room in the buffer.
    fn fits(&self, len: usize) -> bool {
        len < IO_BUF_SIZE - self.end_of_pieces
    }

    fn begin_run(&mut self) {
        self.has_run = true;
        self.run_start = self.end_of_pieces;
        self.run_end = self.end_of_pieces;
    }

    fn buffered_end(&self) -> usize {
        if self.has_run { self.run_end } else { self.end_of_pieces }
    }

    /// Room behind the bytes that were put. May be empty only on a stream that has failed.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        let index = self.buffered_end();
        &mut self.buffer.0[index..]
    }

    /// Whether one more piece would be one too many. Only on a stream that has failed.
    fn is_full(&self) -> bool {
        self.pieces >= self.max_pieces
    }

    fn is_marked(&self, piece: usize) -> bool {
        self.may_free >> piece & 1 == 1
    }

    /// Puts as many of `bytes` as there is room for, and takes them from its front.
    pub(crate) fn put_front(&mut self, bytes: &mut &[u8]) -> AfterPush {
        let room = self.room();
        let (now, later) = bytes.split_at(bytes.len().min(room.len()));
        buffer::copy(&mut room[..now.len()], now);
        *bytes = later;
        self.push_buffered(now.len())
    }

    /// Queues the next `len` bytes of the buffer, which are in place. C: `add_buf_to_iovec`, L407.
    pub(crate) fn push_buffered(&mut self, len: usize) -> AfterPush {
        if !self.has_run {
            if self.is_full() {
                return AfterPush::Flush;
            }
            // A mark that was left behind keeps later bytes out of this piece.
            let alone = self.is_marked(self.pieces);
            self.pieces += 1;
            if alone || self.is_full() {
                self.close(self.end_of_pieces, len);
            } else {
                self.begin_run();
            }
            if self.is_full() {
                // The index stays: if the flush cannot be made, the bytes are overwritten.
                return AfterPush::Flush;
            }
        }
        *(if self.has_run { &mut self.run_end } else { &mut self.end_of_pieces }) += len;
        if self.buffered_end() == IO_BUF_SIZE { AfterPush::Flush } else { AfterPush::Continue }
    }

    /// Queues bytes that lie elsewhere. C: `add_to_iovec`, L377.
    #[inline]
    pub(crate) fn push(&mut self, source: Source<'_>, may_free: bool) -> AfterPush {
        self.close_run();
        match self.continues(&source, may_free) {
            Some(true) => self.lengthen(source.len()),
            Some(false) => self.push_segment(source, true),
            None if self.is_full() => return AfterPush::Flush,
            None => {
                self.may_free |= u64::from(may_free) << self.pieces;
                self.pieces += 1;
                self.push_segment(source, false);
            }
        }
        if self.is_full() { AfterPush::Flush } else { AfterPush::Continue }
    }

    /// Whether `source` begins where the last piece ends, and is marked alike; then, whether it is
    /// also of the same owner.
    #[inline]
    fn continues(&self, source: &Source<'_>, may_free: bool) -> Option<bool> {
        let last = self.segments.last()?;
        let owner = self.backing().owner(last)?;
        (end_of(last, owner) == source.address() && self.is_marked(self.pieces - 1) == may_free)
            .then(|| source.is_of(owner))
    }

    #[inline]
    fn lengthen(&mut self, more: usize) {
        if let Some(last) = self.segments.last_mut() {
            last.len += more;
            self.piece_bytes += more;
        }
    }

    #[inline]
    fn push_segment(&mut self, source: Source<'_>, joined: bool) {
        let (start, len) = (source.start(), source.len());
        if !self.owners.last().is_some_and(|owner| source.is_of(owner)) {
            self.owners.push(source.into_owner());
        }
        // There are at most as many as calls since the last flush.
        let owner = u32::try_from(self.owners.len() - 1).ok();
        self.segments.push(Segment { owner, joined, start, len });
        self.piece_bytes += len;
    }

    /// Makes a piece of bytes in the buffer.
    #[inline]
    fn close(&mut self, start: usize, len: usize) {
        self.segments.push(Segment { owner: None, joined: false, start, len });
        self.piece_bytes += len;
    }

    /// Turns the open run into a piece, before a write or before another piece.
    #[inline]
    pub(crate) fn close_run(&mut self) {
        if self.has_run {
            self.has_run = false;
            self.end_of_pieces = self.run_end;
            self.run_end = IO_BUF_SIZE;
            self.close(self.run_start, self.end_of_pieces - self.run_start);
        }
    }

    fn backing(&self) -> Backing<'_> {
        Backing { buffer: &self.buffer.0, owners: &self.owners }
    }

    /// The pieces, once the open run is closed.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        Pieces::new(self.backing(), &self.segments, self.piece_bytes)
    }

    /// Takes all pieces out, after their flush. Marks of pieces go with them; what was left behind
    /// stays.
    pub(crate) fn take(&mut self) -> Flushed {
        let of_pieces = !u64::MAX.unbounded_shl(u32::try_from(self.pieces).unwrap_or(u32::MAX));
        let flushed = Flushed {
            segments: std::mem::take(&mut self.segments),
            owners: std::mem::take(&mut self.owners),
            may_free: self.may_free,
        };
        if self.may_free & of_pieces != 0 {
            self.may_free = 0;
        }
        self.clear();
        flushed
    }

    /// Takes the room of pieces back.
    pub(crate) fn recycle(&mut self, mut flushed: Flushed) {
        flushed.segments.clear();
        flushed.owners.clear();
        self.segments = flushed.segments;
        self.owners = flushed.owners;
    }

    /// Empties the queue. Marks stay.
    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        self.owners.clear();
        self.piece_bytes = 0;
        self.pieces = 0;
        self.end_of_pieces = 0;
        self.has_run = false;
        self.run_end = IO_BUF_SIZE;
    }

    pub(crate) fn clear_marks(&mut self) {
        self.may_free = 0;
    }

    /// All that is queued, in order, each with its piece's mark.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (QueuedBytes<'_>, bool)> {
        let run = self
            .has_run
            .then(|| self.buffer.0.get(self.run_start..self.run_end).unwrap_or_default());
        let closed = marked_segments(&self.segments, self.may_free).map(|(segment, marked)| {
            let Segment { start, len, .. } = *segment;
            let moved = match self.backing().owner(segment) {
                None => {
                    QueuedBytes::Buffered(self.buffer.0.get(start..start + len).unwrap_or_default())
                }
                Some(Owner::Shared(bytes)) => QueuedBytes::Borrowed(Source::Shared(bytes.clone())),
                Some(Owner::Guest(memory)) => {
                    QueuedBytes::Borrowed(Source::Guest { memory, offset: start, len })
                }
            };
            (moved, marked)
        });
        closed.chain(run.map(|run| (QueuedBytes::Buffered(run), false)))
    }
}

/// Address of the byte behind a segment that `owner` has.
fn end_of(segment: &Segment, owner: &Owner) -> usize {
    let base = match owner {
        Owner::Shared(bytes) => bytes.as_ptr() as usize,
        Owner::Guest(memory) => memory.as_ptr() as usize,
    };
    base + segment.start + segment.len
}
