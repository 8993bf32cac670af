//! The channel that costs nothing.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Channel, Direction};
use crate::pieces::Pieces;

/// Swallows what is written, and is at its end when read. For sizing, and for benchmarks. C:
/// `QIOChannelNull`.
#[derive(Debug, Default)]
pub struct NullChannel {
    closed: AtomicBool,
}

impl NullChannel {
    /// An open one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn open(&self) -> io::Result<()> {
        if self.closed.load(Ordering::Relaxed) { Err(closed()) } else { Ok(()) }
    }
}

/// What an operation on a closed channel says.
pub(super) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the channel is closed")
}

impl Channel for NullChannel {
    fn read(&self, _into: &mut [u8]) -> io::Result<usize> {
        self.open().map(|()| 0)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        self.open().map(|()| pieces.total())
    }

    fn wait(&self, _direction: Direction) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Ok(())
    }
}
