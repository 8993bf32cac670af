//! Channels: what a stream reads from and writes to.

use std::any::Any;
use std::fmt;
use std::io::{self, SeekFrom};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::task::{Context, Poll};

use crate::pieces::Pieces;

mod command;
mod descriptor;
mod memory;
mod null;
#[cfg(feature = "tokio")]
mod tokio;
mod wrapped;

pub use command::CommandChannel;
pub use descriptor::DescriptorChannel;
pub use memory::MemoryChannel;
pub use null::NullChannel;
#[cfg(feature = "tokio")]
pub use tokio::TokioChannel;
pub use wrapped::{Duplex, WrappedChannel};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the channel: wait until there is something to read. C: `G_IO_IN`.
    Input,
    /// To the channel: wait until there is room. C: `G_IO_OUT`.
    Output,
}

/// A pipe with up to two directions, shared by the streams over it. C: `QIOChannel`.
///
/// All methods take `&self`: one thread may read while another writes and a third shuts down. Each
/// is one attempt; the streams loop, wait and resume.
///
/// # Implementing one
///
/// * An operation that cannot go on now fails with [`io::ErrorKind::WouldBlock`]; the stream then
///   waits for the direction and tries again.
/// * [`io::ErrorKind::Interrupted`] is tried again at once.
/// * After [`close`](Self::close), operations fail; a second close succeeds.
/// * What breaks these rules (more bytes than asked for, a write of nothing, readiness that never
///   comes true) is turned into an error of the stream, never a panic or an endless loop.
pub trait Channel: Any + Send + Sync + fmt::Debug {
    /// Reads up to `into.len()` bytes; fewer are normal, 0 is the end of the stream. C:
    /// `qio_channel_read`.
    ///
    /// # Errors
    ///
    /// Any error; its text is kept as the stream's message.
    fn read(&self, into: &mut [u8]) -> io::Result<usize>;

    /// Writes the front of `pieces`, at least one byte and at most all; says how much. There is
    /// always something to write. C: `qio_channel_writev`.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize>;

    /// Blocks until the direction may be ready. C: `qio_channel_wait`.
    ///
    /// # Errors
    ///
    /// Where waiting is impossible. The stream fails with this error.
    fn wait(&self, direction: Direction) -> io::Result<()>;

    /// As [`wait`](Self::wait), without blocking: for asynchronous streams, one task in each
    /// direction. C: `qio_channel_yield`. By default it blocks.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    fn poll_ready(&self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(self.wait(direction))
    }

    /// Whether [`shutdown`](Self::shutdown) is possible. C: `QIO_CHANNEL_FEATURE_SHUTDOWN`.
    fn can_shutdown(&self) -> bool {
        false
    }

    /// Ends both directions at once; whoever is blocked in them wakes up. C:
    /// `qio_channel_shutdown` with `QIO_CHANNEL_SHUTDOWN_BOTH`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] by default.
    fn shutdown(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Closes the channel for all who share it. C: `qio_channel_close`.
    ///
    /// # Errors
    ///
    /// What the system says of it, such as a write that failed late.
    fn close(&self) -> io::Result<()>;

    /// As [`close`](Self::close), without blocking: for asynchronous writers, which poll it until it
    /// is done. By default it blocks.
    ///
    /// # Errors
    ///
    /// As for [`close`](Self::close).
    fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(self.close())
    }

    /// Sets whether operations block instead of failing with [`io::ErrorKind::WouldBlock`]. C:
    /// `qio_channel_set_blocking`.
    ///
    /// # Errors
    ///
    /// Where the mode cannot be changed.
    fn set_blocking(&self, blocking: bool) -> io::Result<()>;

    /// What the channel is called where the original's texts name it. C: the field `name`.
    fn name(&self) -> String {
        "channel".to_owned()
    }

    /// Whether [`read_at`](Self::read_at), [`write_at`](Self::write_at) and [`seek`](Self::seek)
    /// are possible; they are not by default. C: `QIO_CHANNEL_FEATURE_SEEKABLE`.
    fn seekable(&self) -> bool {
        false
    }

    /// Reads up to `into.len()` bytes from `offset` on, and leaves the channel's place alone; 0 is
    /// the end of the file. C: `qio_channel_pread`.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); [`io::ErrorKind::Unsupported`] by default.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let _ = (into, offset);
        Err(unsupported("the channel cannot be read at an offset"))
    }

    /// Writes the front of `bytes` at `offset`, and leaves the channel's place alone; how many. C:
    /// `qio_channel_pwrite`.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); [`io::ErrorKind::Unsupported`] by default.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let _ = (bytes, offset);
        Err(unsupported("the channel cannot be written to at an offset"))
    }

    /// Moves the place where the next read or write goes on; the new one, in bytes from the start.
    /// C: `qio_channel_io_seek`.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); [`io::ErrorKind::Unsupported`] by default.
    fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        let _ = to;
        Err(unsupported("the channel cannot seek"))
    }

    /// Whether descriptors can be sent and received along with bytes; they cannot by default. A
    /// stream asks once, when it is made. C: `QIO_CHANNEL_FEATURE_FD_PASS`.
    fn passes_descriptors(&self) -> bool {
        false
    }

    /// As [`read`](Self::read), and appends the descriptors that came with the bytes, closed on
    /// `exec`. C: `qio_channel_readv_full`.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), and none is appended then; [`io::ErrorKind::Unsupported`] by
    /// default.
    fn read_with_descriptors(
        &self,
        into: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> io::Result<usize> {
        let _ = (into, descriptors);
        Err(unsupported("the channel passes no descriptors"))
    }

    /// Writes the front of `bytes`, and with its first byte all of `descriptors`; how many bytes.
    /// C: `qio_channel_writev_full`.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write), and none is sent then; [`io::ErrorKind::Unsupported`] by
    /// default.
    fn write_with_descriptors(
        &self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        let _ = (bytes, descriptors);
        Err(unsupported("the channel passes no descriptors"))
    }
}

impl dyn Channel {
    /// The channel by its type, if it is of that type: what [`Stream::channel`](crate::Stream::channel)
    /// gives is some channel.
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use std::sync::Arc;
    /// use qemufile_core::{DescriptorChannel, Stream, Writer};
    ///
    /// let writer = Writer::new(Arc::new(DescriptorChannel::new(UnixStream::pair()?.0)?));
    /// let channel = writer.channel().downcast_ref::<DescriptorChannel>().expect("it is one");
    /// let socket = channel.descriptor()?;
    /// # let _: &std::os::fd::OwnedFd = &socket;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn downcast_ref<T: Channel>(&self) -> Option<&T> {
        let any: &dyn Any = self;
        any.downcast_ref()
    }
}

fn unsupported(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, text)
}
