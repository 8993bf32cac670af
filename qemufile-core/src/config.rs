//! The settings of a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::notice::{Log, Report};
use crate::quirks::Quirks;
use crate::release::Release;
use crate::release_memory::{Discard, ReleaseMemory};

/// Pieces that a writer queues before it flushes, unless [`Config::max_pieces`] says less. C:
/// `MAX_IOV_SIZE`, the smaller of `IOV_MAX` and 64.
pub const MAX_PIECES: usize = 64;

/// The settings of a stream. Its return path inherits them.
///
/// ```
/// use qemufile_core::{Config, Quirks, Release};
///
/// let config = Config::new().release(Release::V10_2).quirks(Quirks::FIXED.stale_peek(true));
/// assert_eq!(config.release, Release::V10_2);
/// assert!(Config::faithful(Release::V10_2).quirks.raw_read_failure);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The release of QEMU whose contract the stream follows; 8.2 by default.
    pub release: Release,
    /// Which defects of the original to reproduce; none by default.
    pub quirks: Quirks,
    /// Pieces that are queued before a flush, clamped to 1 to [`MAX_PIECES`]. [`MAX_PIECES`] by
    /// default; set it lower only where the host's `IOV_MAX` is lower.
    pub max_pieces: usize,
    /// Counts what was written. A counter of its own for each `Config::new()`; in QEMU all streams
    /// of the process share one, which a clone of the same counter gives.
    pub transferred: TransferCounter,
    /// Receives what no call can return; by default the `log` crate, at level `error`.
    pub reporter: Arc<dyn Report>,
    /// Gives guest memory back once it is written; by default by `MADV_DONTNEED`.
    pub release_memory: Arc<dyn ReleaseMemory>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            release: Release::default(),
            quirks: Quirks::default(),
            max_pieces: MAX_PIECES,
            transferred: TransferCounter::default(),
            reporter: Arc::new(Log),
            release_memory: Arc::new(Discard),
        }
    }
}

impl Config {
    /// The default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The default settings, with the contract of a release and every defect that it has.
    #[must_use]
    pub fn faithful(release: Release) -> Self {
        Self::new().release(release).quirks(Quirks::faithful(release))
    }

    /// Sets [`release`](Self::release).
    #[must_use]
    pub fn release(self, release: Release) -> Self {
        Self { release, ..self }
    }

    /// Sets [`quirks`](Self::quirks).
    #[must_use]
    pub fn quirks(self, quirks: Quirks) -> Self {
        Self { quirks, ..self }
    }

    /// Sets [`max_pieces`](Self::max_pieces).
    #[must_use]
    pub fn max_pieces(self, max_pieces: usize) -> Self {
        Self { max_pieces, ..self }
    }

    /// Sets [`transferred`](Self::transferred).
    #[must_use]
    pub fn transferred(self, transferred: TransferCounter) -> Self {
        Self { transferred, ..self }
    }

    /// Sets [`reporter`](Self::reporter).
    #[must_use]
    pub fn reporter(self, reporter: Arc<dyn Report>) -> Self {
        Self { reporter, ..self }
    }

    /// Sets [`release_memory`](Self::release_memory).
    #[must_use]
    pub fn release_memory(self, release_memory: Arc<dyn ReleaseMemory>) -> Self {
        Self { release_memory, ..self }
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
