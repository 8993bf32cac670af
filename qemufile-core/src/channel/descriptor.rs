//! Channels on file descriptors.

use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat, tell};
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, getsockname,
};

use super::{Channel, Direction, null::closed};
use crate::pieces::Pieces;
use crate::sys;

/// Any owned descriptor: a TCP or Unix socket, a file, either end of a pipe. C:
/// `QIOChannelSocket`, `QIOChannelFile`.
///
/// Sockets can be shut down, others cannot; files are seekable; Unix sockets pass descriptors, at most
/// 16 at once (the system may close those beyond). A write to a socket whose peer is gone is an error,
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
    is_unix_socket: bool,
    is_seekable: bool,
    timeout: Option<Duration>,
}

impl DescriptorChannel {
    /// Takes a descriptor over.
    ///
    /// # Errors
    ///
    /// Where the system cannot say what it is.
    pub fn new(descriptor: impl Into<OwnedFd>) -> io::Result<Self> {
        let descriptor = descriptor.into();
        let is_socket = FileType::from_raw_mode(fstat(&descriptor)?.st_mode) == FileType::Socket;
        let is_unix_socket =
            is_socket && getsockname(&descriptor)?.address_family() == AddressFamily::UNIX;
        let is_seekable = tell(&descriptor).is_ok();
        let descriptor = Mutex::new(Some(Arc::new(descriptor)));
        Ok(Self { descriptor, is_socket, is_unix_socket, is_seekable, timeout: None })
    }

    /// Bounds each wait for the descriptor: one that takes longer fails with
    /// [`io::ErrorKind::TimedOut`], and so does the stream. That bounds the flush of a dropped writer
    /// as well. The descriptor is set to non-blocking and stays so, since only a wait has a bound.
    ///
    /// Without this, a stream waits for ever, whatever `SO_RCVTIMEO` and `SO_SNDTIMEO` say: to a
    /// stream, an operation that ran into them is one that would block.
    ///
    /// # Errors
    ///
    /// Where the mode cannot be changed.
    pub fn with_timeout(mut self, timeout: Duration) -> io::Result<Self> {
        self.set_blocking(false)?;
        self.timeout = Some(timeout);
        Ok(self)
    }

    /// A share of the descriptor, for what this crate does not do: options of a socket, its peer's
    /// name, or waiting. The channel closes it only when the share is gone.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] after a close.
    pub fn descriptor(&self) -> io::Result<Arc<OwnedFd>> {
        let descriptor = self.descriptor.lock().unwrap_or_else(PoisonError::into_inner);
        descriptor.clone().ok_or_else(closed)
    }

    /// Gives the descriptor back, as it is, after the streams over it are gone.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] after a close; [`io::ErrorKind::ResourceBusy`] where a
    /// [share](Self::descriptor) of it is left.
    pub fn into_inner(self) -> io::Result<OwnedFd> {
        let descriptor = self.descriptor()?;
        drop(self);
        Arc::into_inner(descriptor).ok_or_else(|| io::ErrorKind::ResourceBusy.into())
    }
}

/// Descriptors that come with one read, at most. C: `SOCKET_MAX_FDS`.
const MAX_DESCRIPTORS: usize = 16;

/// What came is closed on `exec`: at once where the system can, else a moment later.
#[cfg(not(target_vendor = "apple"))]
const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const RECEIVE: RecvFlags = RecvFlags::empty();

/// Blocks until `descriptor` is ready, or in a state that an operation will tell of.
pub(super) fn wait_for(
    descriptor: impl AsFd,
    direction: Direction,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let events = match direction {
        Direction::Input => PollFlags::IN,
        Direction::Output => PollFlags::OUT,
    };
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let ready = retry_on_intr(|| {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        poll(&mut [PollFd::new(&descriptor, events)], left.as_ref())
    })?;
    if ready == 0 {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "the channel was not ready in time"));
    }
    Ok(())
}

impl Channel for DescriptorChannel {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let descriptor = self.descriptor()?;
        Ok(retry_on_intr(|| rustix::io::read(&descriptor, &mut *into))?)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        let descriptor = self.descriptor()?;
        loop {
            match sys::write_pieces(descriptor.as_fd(), self.is_socket, pieces) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        wait_for(self.descriptor()?.as_fd(), direction, self.timeout)
    }

    fn can_shutdown(&self) -> bool {
        self.is_socket
    }

    fn shutdown(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self.descriptor()?, Shutdown::Both)?)
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

    /// [Unsupported](io::ErrorKind::Unsupported) is blocking [with a timeout](Self::with_timeout).
    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        if blocking && self.timeout.is_some() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let descriptor = self.descriptor()?;
        let mut flags = fcntl_getfl(&descriptor)?;
        flags.set(OFlags::NONBLOCK, !blocking);
        Ok(fcntl_setfl(&descriptor, flags)?)
    }

    fn seekable(&self) -> bool {
        self.is_seekable
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let descriptor = self.descriptor()?;
        Ok(retry_on_intr(|| rustix::io::pread(&descriptor, &mut *into, offset))?)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let descriptor = self.descriptor()?;
        Ok(retry_on_intr(|| rustix::io::pwrite(&descriptor, bytes, offset))?)
    }

    fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => rustix::fs::SeekFrom::Start(at),
            SeekFrom::Current(by) => rustix::fs::SeekFrom::Current(by),
            SeekFrom::End(by) => rustix::fs::SeekFrom::End(by),
        };
        Ok(rustix::fs::seek(self.descriptor()?, to)?)
    }

    fn passes_descriptors(&self) -> bool {
        self.is_unix_socket
    }

    fn read_with_descriptors(
        &self,
        into: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> io::Result<usize> {
        let descriptor = self.descriptor()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = retry_on_intr(|| {
            rustix::net::recvmsg(&descriptor, &mut [IoSliceMut::new(into)], &mut control, RECEIVE)
        })?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(came) = message {
                descriptors.extend(came);
            }
        }
        #[cfg(target_vendor = "apple")]
        for descriptor in &*descriptors {
            rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
        }
        Ok(received.bytes)
    }

    fn write_with_descriptors(
        &self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        let descriptor = self.descriptor()?;
        if descriptors.len() > MAX_DESCRIPTORS {
            let text = format!("at most {MAX_DESCRIPTORS} descriptors can be sent at once");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        // There is room for as many as this.
        control.push(SendAncillaryMessage::ScmRights(descriptors));
        Ok(retry_on_intr(|| {
            let bytes = [IoSlice::new(bytes)];
            rustix::net::sendmsg(&descriptor, &bytes, &mut control, SendFlags::NOSIGNAL)
        })?)
    }
}
