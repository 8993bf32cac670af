//! What every stream has, whichever way it goes.

use std::io;
use std::num::NonZeroI32;

use crate::channel::Channel;
use crate::error::{Cause, ShutdownError, StreamError};
use crate::shutdown::ShutdownHandle;

mod sealed {
    use crate::endpoint::Endpoint;

    pub trait HasEndpoint {
        fn endpoint(&self) -> &Endpoint;
    }
}
pub(crate) use sealed::HasEndpoint;

/// What every stream has, whichever way it goes: its channel, its first error, its end.
///
/// Implemented by [`Reader`](crate::Reader), [`Writer`](crate::Writer) and their asynchronous
/// twins.
pub trait Stream: HasEndpoint {
    /// The first error, if there was one. C: `qemu_file_get_error`, L205, and
    /// `qemu_file_get_error_obj`, L140.
    fn error(&self) -> Option<StreamError> {
        self.endpoint().error()
    }

    /// Makes the stream fail with `code`, a negative errno by custom, unless it has failed
    /// already: then a message is reported, and nothing stored. C: `qemu_file_set_error_obj`,
    /// L188, and `qemu_file_set_error`, L213.
    fn set_error(&self, code: NonZeroI32, message: Option<&str>) {
        let message = message.map(str::to_owned);
        self.endpoint().fail(StreamError::with_code(code, Cause::Caller { message }));
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
        self.endpoint().handle()
    }

    /// The channel. C: `qemu_file_get_ioc`, L799.
    fn channel(&self) -> &std::sync::Arc<dyn Channel> {
        self.endpoint().channel()
    }

    /// Whether the channel can be read and written at an offset, and moved. C:
    /// `qemu_file_is_seekable` of QEMU 9.0.
    fn is_seekable(&self) -> bool {
        self.endpoint().is_seekable()
    }

    /// Changes the channel's blocking mode, which on most channels is the other direction's as
    /// well. C: `qemu_file_set_blocking`, L786, which loses the error.
    ///
    /// # Errors
    ///
    /// What the channel says. The stream has not failed by it.
    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.endpoint().channel().set_blocking(blocking)
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
