//! What the two directions are built on: the channel, the settings and the first error.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::channel::Channel;
use crate::config::Config;
use crate::error::{Cause, Misuse, Operation, StreamError};
use crate::notice::Notice;
use crate::release::Release;
use crate::shutdown::ShutdownHandle;
use crate::sticky_error::StickyError;
use crate::sync::Arc;

/// How a stream waits for its channel; C: what `qemu_in_coroutine` decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    /// The calling thread waits.
    Block,
    /// The calling task does.
    Yield,
}

/// Runs a future of a stream that [blocks](Endpoint::blocks). Such a future is ready at its first
/// poll: all waiting is done inside it.
pub(crate) fn poll_ready_now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => {}
        }
    }
}

/// Makes the stream fail when it is dropped before it is [done](Self::done), which is when the
/// channel that is called meanwhile panics. Costs nothing where it does not.
pub(crate) struct Calling<'a> {
    sticky: &'a StickyError,
    operation: Operation,
}

impl Calling<'_> {
    #[inline]
    pub(crate) fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Calling<'_> {
    #[cold]
    fn drop(&mut self) {
        let operation = self.operation;
        self.sticky.set(StreamError::new(Cause::Panicked { operation }));
    }
}

/// Makes the stream fail when it is dropped before it is [done](Self::done), with the future that
/// holds it. What it guards has then moved a part of a value.
pub(crate) struct Unfinished {
    sticky: Arc<StickyError>,
    armed: bool,
}

impl Unfinished {
    /// From here on a part of a value is moved.
    pub(crate) fn arm(&mut self) {
        self.armed = true;
    }

    /// All went its way, well or not: a failure is the stream's error already.
    pub(crate) fn done(mut self) {
        self.armed = false;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.armed {
            self.sticky.set(StreamError::new(Cause::Cancelled));
        }
    }
}

/// One direction of a channel: the channel, its settings, its first error. Public only because a
/// sealed trait names it.
pub struct Endpoint {
    channel: std::sync::Arc<dyn Channel>,
    sticky: Arc<StickyError>,
    pub(crate) config: Config,
    waiting: Waiting,
    /// Whether the channel passes descriptors, asked once. C: `can_pass_fd`; from 10.0.
    pub(crate) passes_descriptors: bool,
}

impl Endpoint {
    pub(crate) fn new(
        channel: std::sync::Arc<dyn Channel>,
        config: &Config,
        waiting: Waiting,
    ) -> Self {
        let passes_descriptors = config.release >= Release::V10_0 && channel.passes_descriptors();
        let sticky = Arc::new(StickyError::new());
        Self { channel, sticky, config: config.clone(), waiting, passes_descriptors }
    }

    /// The endpoint of the other direction: the same channel, no error yet.
    pub(crate) fn opposite(&self) -> Self {
        Self::new(self.channel.clone(), &self.config, self.waiting)
    }

    pub(crate) fn channel(&self) -> &std::sync::Arc<dyn Channel> {
        &self.channel
    }

    /// Whether the stream has [an error](StickyError::is_set).
    #[inline]
    pub(crate) fn failed(&self) -> bool {
        self.sticky.is_set()
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

    /// As [`fail`](Self::fail), for an error in passing a descriptor, which is reported as well.
    pub(crate) fn fail_descriptor(&self, error: StreamError) -> StreamError {
        self.config.reporter.report(&Notice::DescriptorFailed { text: &error.text() });
        self.fail(error)
    }

    /// Whether the release passes descriptors at all.
    pub(crate) fn check_descriptors(&self) -> Result<(), Misuse> {
        let release = self.config.release;
        if release < Release::V10_0 { Err(Misuse::NoDescriptors { release }) } else { Ok(()) }
    }

    /// Guards a call of the channel's code, which may panic.
    #[inline]
    pub(crate) fn calling(&self, operation: Operation) -> Calling<'_> {
        Calling { sticky: &self.sticky, operation }
    }

    /// Guards an operation on a value, once it is [armed](Unfinished::arm).
    pub(crate) fn moving(&self) -> Unfinished {
        Unfinished { sticky: self.sticky.clone(), armed: false }
    }

    pub(crate) fn handle(&self) -> ShutdownHandle {
        ShutdownHandle::new(&self.channel, self.sticky.clone(), &self.config)
    }

    /// Whether this stream waits by blocking, so that no future of its is ever pending.
    #[inline]
    pub(crate) fn blocks(&self) -> bool {
        matches!(self.waiting, Waiting::Block)
    }
}
