//! The model of a writer's queue: pieces of memory, and the marks of those that may be freed.

use crate::observation::Place;
use crate::scripted_host::ScriptedHost;

/// Pieces that are queued before a flush. C: `MAX_IOV_SIZE`.
pub(super) const MAX_PIECES: usize = 64;

/// Where queued bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the stream's own buffer.
    Own,
    /// In guest memory.
    Arena,
}

/// Bytes that follow each other in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) origin: Origin,
    pub(super) offset: usize,
    pub(super) len: usize,
}

impl Piece {
    fn is_followed_by(&self, other: &Self) -> bool {
        self.origin == other.origin && self.offset + self.len == other.offset
    }

    fn place(&self, stream: usize) -> Place {
        match self.origin {
            Origin::Own => Place::Buffer { stream, offset: self.offset },
            Origin::Arena => Place::Arena(self.offset),
        }
    }
}

/// What is queued. The marks belong to the 64 places of the queue, not to the pieces: one may be
/// left behind when its piece goes (rows 14 and 19).
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) pieces: Vec<Piece>,
    marks: [bool; MAX_PIECES],
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { pieces: Vec::new(), marks: [false; MAX_PIECES] }
    }

    pub(super) fn is_full(&self) -> bool {
        self.pieces.len() >= MAX_PIECES
    }

    /// Sum of the lengths.
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len).sum()
    }

    pub(super) fn is_marked(&self, piece: usize) -> bool {
        self.marks[piece]
    }

    /// Whether any place is marked, that of a queued piece or not.
    pub(super) fn has_marks(&self) -> bool {
        self.marks.contains(&true)
    }

    /// Whether the piece of any queued place is marked.
    pub(super) fn has_marked_pieces(&self) -> bool {
        self.marks[..self.pieces.len()].contains(&true)
    }

    /// Whether `piece` would only make the last one longer: it begins where that ends, and the
    /// mark is the same.
    pub(super) fn would_join(&self, piece: &Piece, may_free: bool) -> bool {
        self.pieces.last().is_some_and(|last| {
            last.is_followed_by(piece) && self.marks[self.pieces.len() - 1] == may_free
        })
    }

    /// Queues a piece. Whether there was room.
    pub(super) fn add(&mut self, piece: Piece, may_free: bool) -> bool {
        if self.would_join(&piece, may_free) {
            if let Some(last) = self.pieces.last_mut() {
                last.len += piece.len;
            }
            return true;
        }
        if self.is_full() {
            return false;
        }
        if may_free {
            self.marks[self.pieces.len()] = true;
        }
        self.pieces.push(piece);
        true
    }

    /// Releases the marked pieces, neighbouring ones in one call, even with others queued between
    /// them (row 30); then no place is marked. Where no queued piece is marked, nothing happens.
    pub(super) fn release(&mut self, stream: usize, world: &mut ScriptedHost) {
        let mut ranges: Vec<Piece> = Vec::new();
        for (piece, marked) in self.pieces.iter().zip(&self.marks) {
            match ranges.last_mut() {
                _ if !marked => {}
                Some(last) if last.is_followed_by(piece) => last.len += piece.len,
                _ => ranges.push(*piece),
            }
        }
        if ranges.is_empty() {
            return;
        }
        for range in ranges {
            let place = range.place(stream);
            if let Err(errno) = world.release(place, range.len) {
                world.report_release(place, range.len, errno);
            }
        }
        self.forget_marks();
    }

    pub(super) fn forget_marks(&mut self) {
        self.marks = [false; MAX_PIECES];
    }
}
