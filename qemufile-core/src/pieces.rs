//! What a flush hands to a channel: at most 64 pieces, each one contiguous range of memory.

use std::fmt;

use bytes::Bytes;

use crate::memory::GuestMemory;

/// The owner of bytes that lie outside the stream's own buffer.
#[derive(Debug)]
pub(crate) enum Owner {
    /// A share of bytes that nobody changes.
    Shared(Bytes),
    /// A mapping.
    Guest(GuestMemory),
}

/// A stretch of queued bytes with one owner. A piece is one segment and those joined to it.
///
/// It is plain data, so that queueing one counts no references and clearing a queue drops none:
/// the owners stand in a list of their own, in which neighbours that are the same are one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Index of the owner; `None` for the stream's own buffer.
    pub(crate) owner: Option<u32>,
    /// Touches the segment before it and belongs to the same piece.
    pub(crate) joined: bool,
    /// First byte, counted from the start of the buffer, the share or the mapping.
    pub(crate) start: usize,
    /// Length in bytes.
    pub(crate) len: usize,
}

/// The memory that segments point into.
#[derive(Clone, Copy)]
pub(crate) struct Backing<'a> {
    pub(crate) buffer: &'a [u8],
    pub(crate) owners: &'a [Owner],
}

impl<'a> Backing<'a> {
    /// The owner of a segment; `None` where it lies in the buffer.
    pub(crate) fn owner(&self, segment: &Segment) -> Option<&'a Owner> {
        self.owners.get(segment.owner? as usize)
    }

    fn chunk(&self, &Segment { start, len, .. }: &Segment, owner: Option<&'a Owner>) -> Chunk<'a> {
        let of = |bytes: &'a [u8]| bytes.get(start..start + len).unwrap_or_default();
        match owner {
            None => Chunk::Private(of(self.buffer)),
            Some(Owner::Shared(bytes)) => Chunk::Private(of(bytes)),
            Some(Owner::Guest(memory)) => Chunk::Guest { memory, offset: start, len },
        }
    }
}

/// One stretch of a [`Piece`] that has a single owner.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Chunk<'a> {
    /// Bytes that nobody changes.
    Private(&'a [u8]),
    /// Bytes of a guest, which may change while they are copied.
    Guest {
        /// The mapping.
        memory: &'a GuestMemory,
        /// First byte, counted from the start of the mapping.
        offset: usize,
        /// Length in bytes.
        len: usize,
    },
}

impl Chunk<'_> {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Private(bytes) => bytes.len(),
            Self::Guest { len, .. } => *len,
        }
    }

    /// Whether the chunk has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the bytes as they are now.
    pub fn copy_to(&self, into: &mut Vec<u8>) {
        let start = into.len();
        into.resize(start + self.len(), 0);
        self.copy_front(&mut into[start..]);
    }

    /// Fills the front of `into`; how many bytes.
    fn copy_front(&self, into: &mut [u8]) -> usize {
        let count = self.len().min(into.len());
        match *self {
            Self::Private(bytes) => into[..count].copy_from_slice(&bytes[..count]),
            Self::Guest { memory, offset, .. } => {
                // The range was checked when it was queued, and mappings do not shrink.
                let _ = memory.read_at(offset, &mut into[..count]);
            }
        }
        count
    }

    fn front(self, count: usize) -> Self {
        match self {
            Self::Private(bytes) => Self::Private(&bytes[..count.min(bytes.len())]),
            Self::Guest { memory, offset, len } => {
                Self::Guest { memory, offset, len: len.min(count) }
            }
        }
    }

    fn skip(self, taken: usize) -> Self {
        match self {
            Self::Private(bytes) => Self::Private(bytes.get(taken..).unwrap_or_default()),
            Self::Guest { memory, offset, len } => {
                let taken = taken.min(len);
                Self::Guest { memory, offset: offset + taken, len: len - taken }
            }
        }
    }
}

/// One element of a vectored write: bytes that follow each other in memory. C: `struct iovec`.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    backing: Backing<'a>,
    segments: &'a [Segment],
    /// Bytes at the front that are not of it: they were written already.
    taken: usize,
    len: usize,
}

impl<'a> Piece<'a> {
    /// Length in bytes; never 0 in what a channel is given.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the piece has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Address of the first byte, for the `iovec` of a system call. Bytes of a guest may change
    /// while they are read there.
    ///
    /// All [`len`](Self::len) bytes are readable until the write for which the channel was given
    /// the pieces returns.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.chunks().next().map_or(std::ptr::null(), |chunk| match chunk {
            Chunk::Private(bytes) => bytes.as_ptr(),
            Chunk::Guest { memory, offset, .. } => {
                memory.as_ptr().cast_const().wrapping_add(offset)
            }
        })
    }

    /// The bytes, one chunk for each owner. They follow each other in memory; most pieces have one.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let Self { backing, segments, mut taken, len: mut left } = *self;
        segments.iter().filter_map(move |segment| {
            let chunk = backing.chunk(segment, backing.owner(segment));
            let rest = chunk.skip(taken).front(left);
            taken = taken.saturating_sub(chunk.len());
            left -= rest.len();
            (!rest.is_empty()).then_some(rest)
        })
    }

    /// Appends the bytes as they are now.
    pub fn copy_to(&self, into: &mut Vec<u8>) {
        self.chunks().for_each(|chunk| chunk.copy_to(into));
    }
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} bytes)", self.len())
    }
}

/// The pieces of one write, in order; empty ones are left out. C: the array that
/// `qio_channel_writev_all` passes on.
///
/// A view that is cheap to copy: it borrows the stream's queue. A
/// [`PieceList`](crate::PieceList) makes one of other bytes, to try a channel without a stream.
#[derive(Clone, Copy)]
pub struct Pieces<'a> {
    backing: Backing<'a>,
    segments: &'a [Segment],
    /// Where the view ends, in bytes from the start of the segments.
    end: usize,
    /// Where it begins: what is before was written already.
    taken: usize,
}

impl<'a> Pieces<'a> {
    /// The view of segments whose lengths come to `len`.
    pub(crate) fn new(backing: Backing<'a>, segments: &'a [Segment], len: usize) -> Self {
        Self { backing, segments, end: len, taken: 0 }
    }

    /// What is left after the first `count` bytes.
    #[must_use]
    pub(crate) fn after(self, count: usize) -> Self {
        Self { taken: self.taken.saturating_add(count).min(self.end), ..self }
    }

    /// The first `count` bytes, and those after them; a piece that the cut goes through is on both
    /// sides. All bytes are on the first side where there are no more than `count`.
    #[must_use]
    pub fn split_at(self, count: usize) -> (Self, Self) {
        let rest = self.after(count);
        (Self { end: rest.taken, ..self }, rest)
    }

    /// The pieces that have bytes left, the first one cut where a partial write ended.
    pub fn iter(&self) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let Self { backing, mut segments, mut taken, .. } = *self;
        let mut left = self.total();
        std::iter::from_fn(move || {
            loop {
                let (_, rest) = segments.split_first()?;
                let joined = rest.iter().take_while(|segment| segment.joined).count();
                let (piece, others) = segments.split_at_checked(joined + 1)?;
                segments = others;
                let whole = piece.iter().map(|segment| segment.len).sum();
                let cut = taken.min(whole);
                taken -= cut;
                let len = left.min(whole - cut);
                left -= len;
                if len > 0 {
                    return Some(Piece { backing, segments: piece, taken: cut, len });
                }
            }
        })
    }

    /// Sum of the pieces' lengths in bytes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.end - self.taken
    }

    /// Fills the front of `into` with the first bytes as they are now; how many.
    pub fn copy_front(&self, into: &mut [u8]) -> usize {
        let mut done = 0;
        for chunk in self.iter().flat_map(|piece| piece.chunks()) {
            done += chunk.copy_front(&mut into[done..]);
        }
        done
    }

    /// All bytes, as they are now.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.total());
        self.iter().for_each(|piece| piece.copy_to(&mut bytes));
        bytes
    }
}

impl fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|piece| piece.len())).finish()
    }
}
