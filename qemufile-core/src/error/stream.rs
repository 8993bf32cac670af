//! The error that a stream keeps.

use std::fmt;
use std::io;
use std::num::NonZeroI32;
use std::sync::Arc;

/// Text of an errno without Rust's suffix; C: `strerror`.
fn strerror(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

/// What a channel was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Waiting for data, or for room.
    Wait,
    /// Reading at an offset.
    ReadAt,
    /// Writing at an offset.
    WriteAt,
    /// Moving the place of reading or writing, or asking for it.
    Seek,
    /// Sending a descriptor.
    SendDescriptor,
    /// Receiving a descriptor.
    ReceiveDescriptor,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Wait => "wait",
            Self::ReadAt => "positioned read",
            Self::WriteAt => "positioned write",
            Self::Seek => "seek",
            Self::SendDescriptor => "sending a descriptor",
            Self::ReceiveDescriptor => "receiving a descriptor",
        })
    }
}

/// Why a stream has failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The channel has no more bytes.
    EndOfStream {
        /// Bytes that the channel was asked for.
        wanted: usize,
        /// Bytes that were still unread at that moment.
        available: usize,
    },
    /// An operation of the channel failed.
    Channel {
        /// Which one.
        operation: Operation,
        /// Bytes that were to be moved.
        wanted: usize,
        /// Bytes of them that the channel had taken before it failed; 0 for a read.
        done: usize,
        /// What the channel said.
        error: Arc<io::Error>,
    },
    /// A positioned operation would have blocked. Only with the quirk
    /// [`single_attempt`](crate::Quirks::single_attempt).
    WouldBlock {
        /// Which one.
        operation: Operation,
    },
    /// The channel panicked. How many bytes it had moved is not known.
    Panicked {
        /// What it was doing.
        operation: Operation,
    },
    /// The future of a put or a get was dropped when a part of the value had been moved. What
    /// follows would be read as the rest of it.
    Cancelled,
    /// Somebody shut the stream down.
    Shutdown,
    /// [`Stream::set_error`](crate::Stream::set_error) was called.
    Caller {
        /// The text that came with it.
        message: Option<String>,
    },
}

#[derive(Debug)]
struct Inner {
    code: NonZeroI32,
    cause: Cause,
}

/// The first error of a stream, which it keeps until it is closed. C: `last_error` and
/// `last_error_obj`.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct StreamError(Arc<Inner>);

/// `-EIO`, the code of everything that a channel does wrong.
const EIO: NonZeroI32 = NonZeroI32::new(-libc::EIO).unwrap();

impl StreamError {
    pub(crate) fn new(cause: Cause) -> Self {
        Self::with_code(EIO, cause)
    }

    pub(crate) fn with_code(code: NonZeroI32, cause: Cause) -> Self {
        Self(Arc::new(Inner { code, cause }))
    }

    pub(crate) fn channel(
        operation: Operation,
        wanted: usize,
        done: usize,
        error: io::Error,
    ) -> Self {
        Self::new(Cause::Channel { operation, wanted, done, error: Arc::new(error) })
    }

    /// Why the stream has failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// The stored code: `-EIO`, or what the caller of `set_error` gave, which may be positive.
    /// C: `qemu_file_get_error`, L205.
    #[must_use]
    pub fn errno(&self) -> i32 {
        self.0.code.get()
    }

    /// What came with the error: the channel's own words, or those of the caller.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match &self.0.cause {
            Cause::Channel { error, .. } => Some(error.to_string()),
            Cause::Caller { message } => message.clone(),
            Cause::EndOfStream { .. }
            | Cause::WouldBlock { .. }
            | Cause::Panicked { .. }
            | Cause::Cancelled
            | Cause::Shutdown => None,
        }
    }

    /// The message, or the text that the original makes up where there is none. C:
    /// `qemu_file_get_error_obj`, L140.
    #[must_use]
    pub fn text(&self) -> String {
        self.message().unwrap_or_else(|| {
            format!("Channel error: {}", strerror(self.0.code.get().wrapping_neg()))
        })
    }

    /// Whether the stream simply came to its end.
    #[must_use]
    pub fn is_end_of_stream(&self) -> bool {
        matches!(self.0.cause, Cause::EndOfStream { .. })
    }

    /// Whether the stream was shut down.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        matches!(self.0.cause, Cause::Shutdown)
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::EndOfStream { wanted, available } => {
                write!(
                    f,
                    "end of stream: {available} bytes unread, and none came of {wanted} asked for"
                )
            }
            Cause::Channel { operation, wanted, done, .. } => {
                write!(f, "{operation} failed, {done} of {wanted} bytes done: {}", self.text())
            }
            Cause::WouldBlock { operation } => write!(f, "{operation} would have blocked"),
            Cause::Panicked { operation } => write!(f, "the channel panicked: {operation}"),
            Cause::Cancelled => f.write_str("a put or get was dropped half-way"),
            Cause::Shutdown => f.write_str("the stream was shut down"),
            Cause::Caller { .. } => write!(f, "error {} was set: {}", self.errno(), self.text()),
        }
    }
}

impl std::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.cause {
            Cause::Channel { error, .. } => Some(error.as_ref()),
            _ => None,
        }
    }
}
