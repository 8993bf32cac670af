//! What a reader, a writer and their handles share: the channel and the first error.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::num::NonZeroI32;
use std::pin::pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::channel::{Channel, Direction};
use crate::config::{Config, Notice};
use crate::error::{Cause, Operation, ShutdownError, StreamError};
use crate::sync::{Arc, AtomicI32, Mutex, Ordering};

/// Times in a row that a channel may say "would block" right after its wait ended. A sound one
/// does so once in a while; one that never stops would hang the caller.
pub(crate) const IDLE_WAITS: u32 = 1 << 16;

/// The first error. Set by any thread, never cleared.
#[derive(Debug)]
struct Sticky {
    /// Code of `first`, or 0: what the fast paths look at.
    code: AtomicI32,
    first: Mutex<Option<StreamError>>,
}

impl Sticky {
    fn new() -> Self {
        Self { code: AtomicI32::new(0), first: Mutex::new(None) }
    }

    fn get(&self) -> Option<StreamError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores `error` unless there is one; whether it was stored.
    fn set(&self, error: StreamError) -> bool {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_some() {
            return false;
        }
        let code = error.errno();
        *first = Some(error);
        self.code.store(code, Ordering::Release);
        true
    }
}

/// How a stream waits for its channel; C: what `qemu_in_coroutine` decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    /// The calling thread waits.
    Block,
    /// The calling task does.
    Yield,
}

/// Runs a future of a stream that waits by blocking, which never is pending.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    // Ready at the first poll: with `Waiting::Block` all waiting is done inside it.
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => {}
        }
    }
}

/// Public only because it stands in a sealed trait.
pub struct Link {
    channel: std::sync::Arc<dyn Channel>,
    sticky: Arc<Sticky>,
    pub(crate) config: Config,
    waiting: Waiting,
}

impl Link {
    pub(crate) fn new(
        channel: std::sync::Arc<dyn Channel>,
        config: &Config,
        waiting: Waiting,
    ) -> Self {
        Self { channel, sticky: Arc::new(Sticky::new()), config: config.clone(), waiting }
    }

    /// A link for the other direction: the same channel, no error yet.
    pub(crate) fn opposite(&self) -> Self {
        Self::new(self.channel.clone(), &self.config, self.waiting)
    }

    pub(crate) fn channel(&self) -> &std::sync::Arc<dyn Channel> {
        &self.channel
    }

    /// Whether there is an error, as far as this thread has to know: what happened before anything
    /// that it has seen. Nothing else is read by this, so the load need not order anything.
    #[inline]
    pub(crate) fn failed(&self) -> bool {
        self.sticky.code.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn error(&self) -> Option<StreamError> {
        // Asked after each page, as a rule to hear that there is none: that takes no lock.
        if self.failed() { self.sticky.get() } else { None }
    }

    #[inline]
    pub(crate) fn check(&self) -> Result<(), StreamError> {
        if self.failed() { self.error().map_or(Ok(()), Err) } else { Ok(()) }
    }

    /// Stores an error, or reports it where it is not the first; gives back the first.
    pub(crate) fn fail(&self, error: StreamError) -> StreamError {
        if self.sticky.set(error.clone()) {
            return error;
        }
        if let Some(text) = error.message() {
            self.config.reporter.report(&Notice::LaterError { text: &text });
        }
        self.error().unwrap_or(error)
    }

    pub(crate) fn handle(&self) -> ShutdownHandle {
        ShutdownHandle { channel: self.channel.clone(), sticky: self.sticky.clone() }
    }

    /// Whether this stream waits by blocking, so that no future of its is ever pending.
    #[inline]
    pub(crate) fn blocks(&self) -> bool {
        matches!(self.waiting, Waiting::Block)
    }
}

/// Sorts the outcomes of one channel operation that is tried until it moves a byte.
pub(crate) struct Attempts {
    operation: Operation,
    wanted: usize,
    done: usize,
    idle: u32,
}

impl Attempts {
    pub(crate) fn new(operation: Operation, wanted: usize, done: usize) -> Self {
        Self { operation, wanted, done, idle: 0 }
    }

    /// What to do after one attempt.
    #[inline]
    pub(crate) fn settle(&mut self, outcome: io::Result<usize>) -> Result<Settled, StreamError> {
        match outcome {
            Ok(count)
                if count <= self.wanted - self.done
                    && (count > 0 || matches!(self.operation, Operation::Read)) =>
            {
                self.done += count;
                self.idle = 0;
                Ok(Settled::Moved(count))
            }
            other => self.settle_oddly(other),
        }
    }

    #[cold]
    fn settle_oddly(&mut self, outcome: io::Result<usize>) -> Result<Settled, StreamError> {
        let left = self.wanted - self.done;
        let error = match outcome {
            Ok(0) => io::Error::new(
                io::ErrorKind::WriteZero,
                "the channel took none of the bytes, and said neither that it would block nor why",
            ),
            Ok(count) => io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the channel claims {count} bytes where {left} were asked for"),
            ),
            Err(error) if self.idle >= IDLE_WAITS => error,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.idle += 1;
                return Ok(Settled::Again);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.idle += 1;
                return Ok(Settled::Blocked);
            }
            Err(error) => error,
        };
        Err(StreamError::channel(self.operation, self.wanted, self.done, error))
    }

    /// Waits after an attempt that would have blocked, as a task.
    pub(crate) async fn wait(&self, link: &Link) -> Result<(), StreamError> {
        let ready = poll_fn(|cx| link.channel.poll_ready(cx, self.direction())).await;
        ready.map_err(|error| self.waited(error))
    }

    /// As [`wait`](Self::wait), for a stream that [blocks](Link::blocks).
    #[cold]
    pub(crate) fn wait_now(&self, link: &Link) -> Result<(), StreamError> {
        link.channel.wait(self.direction()).map_err(|error| self.waited(error))
    }

    /// Bytes moved so far, those of an earlier round of attempts included.
    pub(crate) fn done(&self) -> usize {
        self.done
    }

    fn direction(&self) -> Direction {
        match self.operation {
            Operation::Write => Direction::Output,
            _ => Direction::Input,
        }
    }

    fn waited(&self, error: io::Error) -> StreamError {
        StreamError::channel(Operation::Wait, self.wanted, self.done, error)
    }
}

/// What an attempt came to.
pub(crate) enum Settled {
    /// So many bytes were moved; of a read, 0 is the end.
    Moved(usize),
    /// Try again at once.
    Again,
    /// Wait, then try again.
    Blocked,
}

mod sealed {
    use super::Link;

    pub trait Linked {
        fn link(&self) -> &Link;
    }
}
pub(crate) use sealed::Linked;

/// What every stream has, whichever way it goes: its channel, its first error, its end.
///
/// Implemented by [`Reader`](crate::Reader), [`Writer`](crate::Writer) and their asynchronous
/// twins.
pub trait Stream: Linked {
    /// The first error, if there was one. C: `qemu_file_get_error`, L205, and
    /// `qemu_file_get_error_obj`, L140.
    fn error(&self) -> Option<StreamError> {
        self.link().error()
    }

    /// Makes the stream fail with `code`, a negative errno by custom, unless it has failed
    /// already: then a message is reported, and nothing stored. C: `qemu_file_set_error_obj`,
    /// L188, and `qemu_file_set_error`, L213.
    fn set_error(&self, code: NonZeroI32, message: Option<&str>) {
        let message = message.map(str::to_owned);
        self.link().fail(StreamError::with_code(code, Cause::Caller { message }));
    }

    /// Shuts the stream and its channel down. See [`ShutdownHandle::shutdown`]. C:
    /// `qemu_file_shutdown`, L63.
    ///
    /// # Errors
    ///
    /// As [`ShutdownHandle::shutdown`].
    fn shutdown(&self) -> Result<(), ShutdownError> {
        self.shutdown_handle().shutdown()
    }

    /// A handle to shut the stream down with, from any thread.
    fn shutdown_handle(&self) -> ShutdownHandle {
        self.link().handle()
    }

    /// The channel. C: `qemu_file_get_ioc`, L799.
    fn channel(&self) -> &std::sync::Arc<dyn Channel> {
        self.link().channel()
    }

    /// Changes the channel's blocking mode, which on most channels is the other direction's as
    /// well. C: `qemu_file_set_blocking`, L786, which loses the error.
    ///
    /// # Errors
    ///
    /// What the channel says. The stream has not failed by it.
    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.link().channel().set_blocking(blocking)
    }
}

/// The first error of either stream. C: `qemu_file_get_error_obj_any`, L166.
#[must_use]
pub fn error_of_either(
    first: Option<&dyn Stream>,
    second: Option<&dyn Stream>,
) -> Option<StreamError> {
    first.and_then(Stream::error).or_else(|| second.and_then(Stream::error))
}

/// Shuts a stream down from another thread.
///
/// Holds the channel, not the stream: it may outlive the stream.
#[derive(Clone)]
pub struct ShutdownHandle {
    channel: std::sync::Arc<dyn Channel>,
    sticky: Arc<Sticky>,
}

impl ShutdownHandle {
    /// Makes the stream fail, then shuts its channel down in both directions.
    ///
    /// In this order, so that whoever sees an effect of the shutdown (a read that ends, a write
    /// that fails) finds the error set before it, and takes no half-read page for a whole one. A
    /// channel that cannot be shut down leaves the stream dead all the same (row 22 of the
    /// behaviours). C: `qemu_file_shutdown`, L63.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::Unsupported`] or [`ShutdownError::Failed`], both about the channel.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        self.sticky.set(StreamError::new(Cause::Shutdown));
        if !self.channel.can_shutdown() {
            return Err(ShutdownError::Unsupported);
        }
        self.channel.shutdown().map_err(ShutdownError::Failed)
    }

    /// The stream's first error.
    #[must_use]
    pub fn error(&self) -> Option<StreamError> {
        self.sticky.get()
    }
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHandle").field("error", &self.error()).finish_non_exhaustive()
    }
}
