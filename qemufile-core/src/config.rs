//! The settings of a stream.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::StreamError;
use crate::memory::GuestMemory;
use crate::quirks::Quirks;

/// Pieces that a writer queues before it flushes, unless [`Config::max_pieces`] says less. C:
/// `MAX_IOV_SIZE`, the smaller of `IOV_MAX` and 64.
pub const MAX_PIECES: usize = 64;

/// The settings of a stream. Its return path inherits them.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which defects of the original to reproduce; none by default.
    pub quirks: Quirks,
    /// Pieces that are queued before a flush, clamped to 1 to [`MAX_PIECES`].
    /// [`MAX_PIECES`] by default; set it lower only where the host's `IOV_MAX` is lower.
    pub max_pieces: usize,
    /// Counts what was written. A counter of its own for each `Config::default()`; in QEMU all
    /// streams of the process share one, which a clone of the same counter gives.
    pub transferred: TransferCounter,
    /// Receives what no call can return; by default the `log` crate is, at level `error`.
    pub reporter: Arc<dyn Report>,
    /// Gives guest memory back once it is written; by default by `MADV_DONTNEED`.
    pub release: Arc<dyn Release>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            quirks: Quirks::default(),
            max_pieces: MAX_PIECES,
            transferred: TransferCounter::default(),
            reporter: Arc::new(Log),
            release: Arc::new(Discard),
        }
    }
}

impl Config {
    /// The default, with every defect of the original.
    #[must_use]
    pub fn faithful() -> Self {
        Self { quirks: Quirks::FAITHFUL, ..Self::default() }
    }
}

/// Bytes written by all streams that share it. C: `mig_stats.qemu_file_transferred`.
#[derive(Clone, Debug, Default)]
pub struct TransferCounter(Arc<AtomicU64>);

impl TransferCounter {
    /// Bytes counted so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::SeqCst);
    }
}

/// Something that happened where no call could return it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// An error came after the first one, which is kept. C: `error_report_err`, L194.
    LaterError {
        /// Its text.
        text: &'a str,
    },
    /// Memory could not be given back; its bytes were written. C: `error_report`, L246 and L252.
    ReleaseFailed {
        /// Which memory.
        target: ReleaseTarget<'a>,
        /// What the system said.
        error: &'a io::Error,
    },
    /// A writer was dropped with bytes that did not reach the channel. Close it to get this as an
    /// error.
    Dropped {
        /// Bytes that were queued.
        bytes: usize,
        /// Why they were not written; `None` for an asynchronous writer that had not failed: it
        /// cannot wait while it is dropped.
        error: Option<&'a StreamError>,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LaterError { text } => f.write_str(text),
            Self::ReleaseFailed { target, error } => write!(f, "cannot release {target}: {error}"),
            Self::Dropped { bytes, error: Some(error) } => {
                write!(f, "a writer was dropped with {bytes} bytes queued: {error}")
            }
            Self::Dropped { bytes, error: None } => {
                write!(
                    f,
                    "an asynchronous writer was dropped with {bytes} bytes queued: close it instead"
                )
            }
        }
    }
}

/// Receives what no call can return.
pub trait Report: Send + Sync + fmt::Debug {
    /// Takes one notice; its `Display` is the text for people.
    fn report(&self, notice: &Notice<'_>);
}

/// Hands notices to the `log` crate.
#[derive(Debug)]
struct Log;

impl Report for Log {
    fn report(&self, notice: &Notice<'_>) {
        log::error!("{notice}");
    }
}

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
    /// [`lossy_put_stream`](Quirks::lossy_put_stream), by a mark that was left behind.
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
pub trait Release: Send + Sync + fmt::Debug {
    /// Releases one range. Neighbouring ranges of one flush come as one.
    ///
    /// # Errors
    ///
    /// What the system says; it is reported, and the flush goes on.
    fn release(&self, target: ReleaseTarget<'_>) -> io::Result<()>;
}

/// Releases by `madvise(MADV_DONTNEED)`; refuses what is not guest memory.
#[derive(Debug)]
struct Discard;

impl Release for Discard {
    fn release(&self, target: ReleaseTarget<'_>) -> io::Result<()> {
        match target {
            ReleaseTarget::Guest { memory, offset, len } => memory.discard(offset, len),
            ReleaseTarget::Buffer { .. } | ReleaseTarget::Shared { .. } => {
                Err(io::ErrorKind::InvalidInput.into())
            }
        }
    }
}
