//! What a flush hands to a channel: at most 64 pieces, each one contiguous range of memory.

use std::fmt;

use bytes::Bytes;

use crate::memory::GuestMemory;

/// Where the bytes of a segment lie.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In the stream's own buffer.
    Buffer { start: usize, len: usize },
    /// In bytes that the stream owns a share of.
    Shared(Bytes),
    /// In guest memory.
    Guest { memory: GuestMemory, offset: usize, len: usize },
}

impl Source {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Buffer { len, .. } | Self::Guest { len, .. } => *len,
            Self::Shared(bytes) => bytes.len(),
        }
    }

    /// Address of the first byte; `None` in the stream's own buffer, which nothing else touches.
    pub(crate) fn address(&self) -> Option<usize> {
        match self {
            Self::Buffer { .. } => None,
            Self::Shared(bytes) => Some(bytes.as_ptr() as usize),
            Self::Guest { memory, offset, .. } => Some(memory.as_ptr() as usize + offset),
        }
    }
}

/// A stretch of queued bytes with one owner. A piece is one segment and those joined to it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) source: Source,
    /// Touches the segment before it and belongs to the same piece.
    pub(crate) joined: bool,
}

/// One stretch of a [`Piece`] that has a single owner.
#[derive(Clone, Copy, Debug)]
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
    buffer: &'a [u8],
    segments: &'a [Segment],
    /// Bytes at the front that were written already.
    taken: usize,
}

impl<'a> Piece<'a> {
    /// Length in bytes; never 0 in what a channel is given.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.source.len()).sum::<usize>() - self.taken
    }

    /// Whether the piece has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, one chunk for each owner. They follow each other in memory; most pieces have one.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut taken = self.taken;
        let buffer = self.buffer;
        self.segments.iter().filter_map(move |segment| {
            let chunk = match &segment.source {
                Source::Buffer { start, len } => {
                    Chunk::Private(buffer.get(*start..start + len).unwrap_or_default())
                }
                Source::Shared(bytes) => Chunk::Private(bytes),
                Source::Guest { memory, offset, len } => {
                    Chunk::Guest { memory, offset: *offset, len: *len }
                }
            };
            let rest = chunk.skip(taken);
            taken = taken.saturating_sub(chunk.len());
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

/// The pieces of one write, in order; those without bytes are left out. C: the array that
/// `qio_channel_writev_all` passes on.
///
/// A view that is cheap to copy: it borrows the stream's queue.
#[derive(Clone, Copy)]
pub struct Pieces<'a> {
    buffer: &'a [u8],
    segments: &'a [Segment],
    /// Bytes at the front that were written already.
    taken: usize,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(buffer: &'a [u8], segments: &'a [Segment]) -> Self {
        Self { buffer, segments, taken: 0 }
    }

    /// What is left after the first `count` bytes.
    #[must_use]
    pub(crate) fn after(self, count: usize) -> Self {
        Self { taken: self.taken.saturating_add(count), ..self }
    }

    /// The pieces that have bytes left, the first one cut where a partial write ended.
    pub fn iter(&self) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let Self { buffer, mut segments, mut taken } = *self;
        std::iter::from_fn(move || {
            loop {
                let (_, rest) = segments.split_first()?;
                let joined = rest.iter().take_while(|segment| segment.joined).count();
                let (piece, others) = segments.split_at_checked(joined + 1)?;
                segments = others;
                let len = piece.iter().map(|segment| segment.source.len()).sum();
                let cut = taken.min(len);
                taken -= cut;
                if cut < len {
                    return Some(Piece { buffer, segments: piece, taken: cut });
                }
            }
        })
    }

    /// Sum of the pieces' lengths in bytes.
    #[must_use]
    pub fn total(&self) -> usize {
        let all: usize = self.segments.iter().map(|segment| segment.source.len()).sum();
        all.saturating_sub(self.taken)
    }

    /// Whether no piece has a byte left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
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
