//! A channel whose waits are tokio's.

use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Channel, DescriptorChannel, Direction, null::closed};
use crate::pieces::Pieces;
use crate::sys;

type Reactor = Arc<AsyncFd<Arc<OwnedFd>>>;

/// A [`DescriptorChannel`] in non-blocking mode, registered with tokio's reactor: for
/// [`AsyncReader`](crate::AsyncReader) and [`AsyncWriter`](crate::AsyncWriter). Sockets and pipes;
/// a plain file is always ready and cannot be registered.
///
/// One task in each direction at a time, as in the original.
#[derive(Debug)]
pub struct TokioChannel {
    channel: DescriptorChannel,
    /// Taken out at a close, so that the descriptor is closed then and not later.
    reactor: RwLock<Option<Reactor>>,
    /// Wakers of the task that waits for input and of the one that waits for room. The reactor forgets
    /// them when it is dropped, so that a close wakes them itself.
    waiting: Mutex<[Option<Waker>; 2]>,
}

impl TokioChannel {
    /// Takes a descriptor over, and sets it to non-blocking. Within a tokio runtime with I/O.
    ///
    /// # Errors
    ///
    /// Where there is no runtime, or where the descriptor cannot be registered, as a plain file.
    ///
    /// # Panics
    ///
    /// Where tokio does: in a runtime that was built without I/O.
    pub fn new(descriptor: impl Into<OwnedFd>) -> io::Result<Self> {
        // `AsyncFd` panics without a runtime.
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(io::Error::new(ErrorKind::Unsupported, "no tokio runtime here"));
        }
        let channel = DescriptorChannel::new(descriptor)?;
        channel.set_blocking(false)?;
        let reactor = sys::register(channel.descriptor()?)?;
        Ok(Self {
            channel,
            reactor: RwLock::new(Some(Arc::new(reactor))),
            waiting: Mutex::new([None, None]),
        })
    }

    /// A share of the descriptor; see [`DescriptorChannel::descriptor`].
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] after a close.
    pub fn descriptor(&self) -> io::Result<Arc<OwnedFd>> {
        self.channel.descriptor()
    }

    /// Takes the descriptor out of tokio's reactor and gives it back, in non-blocking mode, after
    /// the streams over it are gone.
    ///
    /// # Errors
    ///
    /// As for [`DescriptorChannel::into_inner`].
    pub fn into_inner(self) -> io::Result<OwnedFd> {
        let Self { channel, reactor, .. } = self;
        drop(reactor);
        channel.into_inner()
    }

    /// A share of the registration, so that no lock is held while it is used.
    fn reactor(&self) -> io::Result<Reactor> {
        self.reactor.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)
    }

    fn waiting(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a waker in place of the one before. Dropping a waker may run a task's code, which may
    /// use this channel: no lock of ours is held then.
    fn keep(&self, direction: Direction, waker: Option<Waker>) {
        let before = std::mem::replace(&mut self.waiting()[direction as usize], waker);
        drop(before);
    }

    /// Tries `operation` if the reactor has seen the channel ready, and lets the reactor know if
    /// it was not.
    fn attempt(
        &self,
        interest: Interest,
        operation: impl FnOnce() -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.reactor()?.try_io(interest, |_| operation())
    }
}

impl Channel for TokioChannel {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.attempt(Interest::READABLE, || self.channel.read(into))
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        self.attempt(Interest::WRITABLE, || self.channel.write(pieces))
    }

    /// Unsupported: only an asynchronous stream can wait for it.
    fn wait(&self, _direction: Direction) -> io::Result<()> {
        Err(io::Error::new(
            ErrorKind::Unsupported,
            "a tokio channel is waited for by AsyncReader and AsyncWriter only",
        ))
    }

    fn poll_ready(&self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<()>> {
        // First, so that a close from here on finds the waker.
        self.keep(direction, Some(cx.waker().clone()));
        let reactor = self.reactor()?;
        let _ready = ready!(match direction {
            Direction::Input => reactor.poll_read_ready(cx),
            Direction::Output => reactor.poll_write_ready(cx),
        })?;
        self.keep(direction, None);
        Poll::Ready(Ok(()))
    }

    fn can_shutdown(&self) -> bool {
        self.channel.can_shutdown()
    }

    fn shutdown(&self) -> io::Result<()> {
        self.channel.shutdown()
    }

    fn close(&self) -> io::Result<()> {
        // The registration drops the reactor's wakers, after the lock is given back.
        let reactor = self.reactor.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(reactor);
        let waiting = std::mem::take(&mut *self.waiting());
        waiting.into_iter().flatten().for_each(Waker::wake);
        self.channel.close()
    }

    /// The channel stays non-blocking: `false` succeeds and `true` is unsupported.
    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        if blocking { Err(ErrorKind::Unsupported.into()) } else { Ok(()) }
    }

    fn passes_descriptors(&self) -> bool {
        self.channel.passes_descriptors()
    }

    fn read_with_descriptors(
        &self,
        into: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> io::Result<usize> {
        self.attempt(Interest::READABLE, || self.channel.read_with_descriptors(into, descriptors))
    }

    fn write_with_descriptors(
        &self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        self.attempt(Interest::WRITABLE, || self.channel.write_with_descriptors(bytes, descriptors))
    }
}
