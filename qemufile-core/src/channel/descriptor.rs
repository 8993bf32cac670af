//! Channels on file descriptors.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::retry_on_intr;
use rustix::net::Shutdown;

use super::{Channel, Direction, null::closed};
use crate::pieces::Pieces;
use crate::sys;

/// Any owned descriptor: a TCP or Unix socket, a file, either end of a pipe. C:
/// `QIOChannelSocket`, `QIOChannelFile`.
///
/// Sockets can be shut down, others cannot. A write to a socket whose peer is gone is an error,
/// never a signal; for a pipe that depends on the process, and Rust's programs ignore `SIGPIPE`.
///
/// ```
/// use std::sync::Arc;
/// use std::os::unix::net::UnixStream;
/// use qemufile_core::{DescriptorChannel, Reader, Writer};
///
/// let (ours, theirs) = UnixStream::pair()?;
/// let mut writer = Writer::new(Arc::new(DescriptorChannel::new(ours)?));
/// let mut reader = Reader::new(Arc::new(DescriptorChannel::new(theirs)?));
/// writer.put_be64(0x0123_4567_89ab_cdef)?;
/// writer.flush()?;
/// assert_eq!(reader.get_be64()?, 0x0123_4567_89ab_cdef);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DescriptorChannel {
    /// Operations under way keep the descriptor open, so that its number cannot become another
    /// file's under them.
    descriptor: Mutex<Option<Arc<OwnedFd>>>,
    is_socket: bool,
}

impl DescriptorChannel {
    /// Takes a descriptor over.
    ///
    /// # Errors
    ///
    /// Where the system cannot say what it is.
    pub fn new(descriptor: impl Into<OwnedFd>) -> io::Result<Self> {
        let descriptor = descriptor.into();
        let kind = FileType::from_raw_mode(fstat(&descriptor)?.st_mode);
        Ok(Self {
            descriptor: Mutex::new(Some(Arc::new(descriptor))),
            is_socket: kind == FileType::Socket,
        })
    }

    pub(super) fn open(&self) -> io::Result<Arc<OwnedFd>> {
        let descriptor = self.descriptor.lock().unwrap_or_else(PoisonError::into_inner);
        descriptor.clone().ok_or_else(closed)
    }
}

/// Blocks until `descriptor` is ready, or in a state that an operation will tell of.
pub(super) fn wait_for(descriptor: impl AsFd, direction: Direction) -> io::Result<()> {
    let events = match direction {
        Direction::Input => PollFlags::IN,
        Direction::Output => PollFlags::OUT,
    };
    retry_on_intr(|| poll(&mut [PollFd::new(&descriptor, events)], None))?;
    Ok(())
}

impl Channel for DescriptorChannel {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let descriptor = self.open()?;
        Ok(retry_on_intr(|| rustix::io::read(&descriptor, &mut *into))?)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        let descriptor = self.open()?;
        loop {
            match sys::write_pieces(descriptor.as_fd(), self.is_socket, pieces) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        wait_for(self.open()?.as_fd(), direction)
    }

    fn can_shutdown(&self) -> bool {
        self.is_socket
    }

    fn shutdown(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self.open()?, Shutdown::Both)?)
    }

    /// Closes the descriptor, at once or when the operation under way in another thread ends;
    /// what closing says is lost in the second case.
    fn close(&self) -> io::Result<()> {
        let taken = self.descriptor.lock().unwrap_or_else(PoisonError::into_inner).take();
        match taken.and_then(Arc::into_inner) {
            Some(descriptor) => sys::close(descriptor),
            None => Ok(()),
        }
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        let descriptor = self.open()?;
        let mut flags = fcntl_getfl(&descriptor)?;
        flags.set(OFlags::NONBLOCK, !blocking);
        Ok(fcntl_setfl(&descriptor, flags)?)
    }
}
