//! Pieces of one's own.

use std::ops::Range;

use bytes::Bytes;

use crate::error::Misuse;
use crate::memory::GuestMemory;
use crate::pieces::{Backing, Owner, Pieces, Segment};

/// Bytes to hand to a [`Channel`](crate::Channel) as [`Pieces`] without a stream: in a channel's own
/// tests, or for what a channel sends of its own accord.
///
/// ```
/// use qemufile_core::{Channel, MemoryChannel, PieceList};
///
/// let channel = MemoryChannel::new();
/// let list = PieceList::new().bytes(b"head".to_vec()).bytes(b"body".to_vec());
/// let (front, rest) = list.pieces().split_at(6);
/// channel.write(rest)?;
/// channel.write(front)?;
/// assert_eq!(channel.take_output(), b"dyheadbo");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct PieceList {
    owners: Vec<Owner>,
    segments: Vec<Segment>,
    len: usize,
}

impl PieceList {
    /// A list of no pieces.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes as a piece.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let len = bytes.len();
        self.push(Owner::Shared(bytes), 0, len)
    }

    /// Adds a range of guest memory as a piece.
    ///
    /// # Errors
    ///
    /// [`Misuse`] where the range leaves the memory or is reversed.
    pub fn guest(self, memory: &GuestMemory, range: Range<usize>) -> Result<Self, Misuse> {
        let range = memory.range(range)?;
        Ok(self.push(Owner::Guest(memory.clone()), range.start, range.len()))
    }

    fn push(mut self, owner: Owner, start: usize, len: usize) -> Self {
        let number = u32::try_from(self.owners.len()).ok();
        self.owners.push(owner);
        self.segments.push(Segment { owner: number, joined: false, start, len });
        self.len += len;
        self
    }

    /// The view that a channel is given.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'_> {
        let backing = Backing { buffer: &[], owners: &self.owners };
        Pieces::new(backing, &self.segments, self.len)
    }
}
