//! Bytes on their way into a queue.

use std::ops::Range;

use bytes::Bytes;

use crate::error::Misuse;
use crate::memory::GuestMemory;
use crate::pieces::Owner;

/// Bytes that lie outside the buffer, to be queued.
pub(crate) enum Source<'a> {
    Shared(Bytes),
    Guest { memory: &'a GuestMemory, offset: usize, len: usize },
}

impl<'a> Source<'a> {
    /// A range of guest memory, if it lies in it.
    #[inline]
    pub(crate) fn guest(memory: &'a GuestMemory, range: Range<usize>) -> Result<Self, Misuse> {
        let range = memory.range(range)?;
        Ok(Self::Guest { memory, offset: range.start, len: range.len() })
    }

    #[inline]
    pub(super) fn start(&self) -> usize {
        match self {
            Self::Shared(_) => 0,
            Self::Guest { offset, .. } => *offset,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Shared(bytes) => bytes.len(),
            Self::Guest { len, .. } => *len,
        }
    }

    /// Address of the first byte.
    #[inline]
    pub(super) fn address(&self) -> usize {
        match self {
            Self::Shared(bytes) => bytes.as_ptr() as usize,
            Self::Guest { memory, offset, .. } => memory.as_ptr() as usize + offset,
        }
    }

    /// Whether the bytes belong to `owner`. Shares are never compared: each is an owner of its own.
    #[inline]
    pub(super) fn is_of(&self, owner: &Owner) -> bool {
        match (self, owner) {
            (Self::Guest { memory, .. }, Owner::Guest(other)) => memory.is_same(other),
            _ => false,
        }
    }

    pub(super) fn into_owner(self) -> Owner {
        match self {
            Self::Shared(bytes) => Owner::Shared(bytes),
            Self::Guest { memory, .. } => Owner::Guest(memory.clone()),
        }
    }
}

/// Bytes that were queued, to be queued again elsewhere.
pub(crate) enum QueuedBytes<'a> {
    Buffered(&'a [u8]),
    Borrowed(Source<'a>),
}
