//! Giving guest memory back to the system once it is written.

use std::fmt;
use std::io;

use crate::memory::GuestMemory;

/// Memory that a writer gives back after it was written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ReleaseTarget<'a> {
    /// Guest memory queued with `may_free`, as a range of its mapping.
    Guest {
        /// The mapping.
        memory: &'a GuestMemory,
        /// First byte.
        offset: usize,
        /// Length in bytes.
        len: usize,
    },
    /// A range of the stream's own buffer: only with the quirk
    /// [`lossy_put_stream`](crate::Quirks::lossy_put_stream), by a mark that was left behind.
    Buffer {
        /// First byte.
        offset: usize,
        /// Length in bytes.
        len: usize,
    },
    /// Shared bytes: only with the same quirk.
    Shared {
        /// Length in bytes.
        len: usize,
    },
}

impl fmt::Display for ReleaseTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest { offset, len, .. } => {
                write!(f, "{len} bytes at offset {offset} of guest memory")
            }
            Self::Buffer { offset, len } => {
                write!(f, "{len} bytes at offset {offset} of the stream's buffer")
            }
            Self::Shared { len } => write!(f, "{len} shared bytes"),
        }
    }
}

/// Gives memory back to the system. C: `qemu_madvise` with `QEMU_MADV_DONTNEED`.
pub trait ReleaseMemory: Send + Sync + fmt::Debug {
    /// Releases one range. Neighbouring ranges of one flush come as one.
    ///
    /// # Errors
    ///
    /// What the system says; it is reported, and the flush goes on.
    fn release(&self, target: ReleaseTarget<'_>) -> io::Result<()>;
}

/// Releases by `madvise(MADV_DONTNEED)`; refuses what is not guest memory.
#[derive(Debug)]
pub(crate) struct Discard;

impl ReleaseMemory for Discard {
    fn release(&self, target: ReleaseTarget<'_>) -> io::Result<()> {
        match target {
            ReleaseTarget::Guest { memory, offset, len } => memory.discard(offset, len),
            ReleaseTarget::Buffer { .. } | ReleaseTarget::Shared { .. } => {
                Err(io::ErrorKind::InvalidInput.into())
            }
        }
    }
}
