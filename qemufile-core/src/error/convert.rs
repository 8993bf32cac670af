//! Errors as [`std::io::Error`], for callers that speak of I/O.

use std::io;

use super::{Cause, CloseError, Error, Misuse, ShutdownError, StreamError};

impl StreamError {
    fn io_kind(&self) -> io::ErrorKind {
        match self.cause() {
            Cause::EndOfStream { .. } => io::ErrorKind::UnexpectedEof,
            Cause::Channel { error, .. } => error.kind(),
            Cause::WouldBlock { .. } => io::ErrorKind::WouldBlock,
            Cause::Panicked { .. } => io::ErrorKind::Other,
            Cause::Cancelled => io::ErrorKind::BrokenPipe,
            Cause::Shutdown => io::ErrorKind::ConnectionAborted,
            Cause::Caller { .. } => {
                io::Error::from_raw_os_error(self.errno().wrapping_neg()).kind()
            }
        }
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Sink { error, .. } => error.kind(),
            Error::NoSpace { .. } => io::ErrorKind::StorageFull,
            Error::Gap { .. } | Error::NotBuffered { .. } | Error::Misuse(_) => {
                io::ErrorKind::InvalidInput
            }
            Error::Deflate(_) | Error::NoDescriptor => io::ErrorKind::Other,
            Error::Stream(cause) => cause.io_kind(),
            Error::Short(short) => short.cause.io_kind(),
        };
        Self::new(kind, error)
    }
}

impl From<Misuse> for io::Error {
    fn from(error: Misuse) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

impl From<CloseError> for io::Error {
    fn from(error: CloseError) -> Self {
        let kind = match (&error.stream, &error.channel) {
            (Some(stream), _) => stream.io_kind(),
            (None, Some(channel)) => channel.kind(),
            (None, None) => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<ShutdownError> for io::Error {
    fn from(error: ShutdownError) -> Self {
        match error {
            ShutdownError::Unsupported => Self::new(io::ErrorKind::Unsupported, error),
            ShutdownError::Failed(source) => source,
        }
    }
}
