//! What can go wrong, by whose fault it is, with the numbers.
//!
//! | type | fault of | stays |
//! |---|---|---|
//! | [`StreamError`] | the channel, the peer, whoever shut the stream down | for the life of the stream |
//! | [`Misuse`] | the caller | no |
//! | [`Error`] | either of them, or a stream that ended early | as its cause says |
//! | [`CloseError`], [`ShutdownError`] | the channel | the stream is gone, or dead already |
//!
//! Each has an `errno`: the negative number that the original's call gives in its place, or 0
//! where the original says nothing at all.

mod convert;
mod stream;

use std::fmt;
use std::io;
use std::sync::Arc;

pub use stream::{Cause, Operation, StreamError};

/// A call that cannot be carried out, whatever the stream holds. Nothing was changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A peek beyond what the buffer can hold. C: the assertions L481, L482 and L591.
    #[error(
        "a peek of {size} bytes at offset {offset} does not fit the buffer of {} bytes",
        crate::IO_BUF_SIZE
    )]
    PeekOutOfRange {
        /// Bytes asked for.
        size: usize,
        /// Offset from the next unread byte.
        offset: usize,
    },
    /// A counted string holds at most 255 bytes. C: the assertion L775.
    #[error("a counted string of {len} bytes is longer than 255")]
    StringTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Descriptors are passed on from QEMU 10.0 on: [`Config::release`](crate::Config::release)
    /// says that the stream follows an earlier one.
    #[error("descriptors are passed on from QEMU 10.0 on, and the stream follows {release}")]
    NoDescriptors {
        /// The release that the stream follows.
        release: crate::Release,
    },
    /// A range whose end is before its start.
    #[error("a range from {start} to {end}")]
    ReversedRange {
        /// First byte.
        start: usize,
        /// End, before the first byte.
        end: usize,
    },
    /// A range that leaves its guest memory.
    #[error("{len} bytes at offset {offset} leave the guest memory of {memory} bytes")]
    OutsideMemory {
        /// First byte.
        offset: usize,
        /// Length in bytes.
        len: usize,
        /// Length of the memory in bytes.
        memory: usize,
    },
}

/// A stream that ended before a value was complete.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShortRead {
    /// Bytes that the value has.
    pub wanted: usize,
    /// Bytes that were there. All of them have been taken from the stream by a `get`, none by a
    /// `peek`.
    pub available: usize,
    /// Those bytes, unless they are in a buffer or at a writer of the caller's already.
    pub bytes: Vec<u8>,
    /// Why no more came.
    pub cause: StreamError,
}

/// Why a call gave no value, or did not finish.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream has failed, now or earlier.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The stream ended early.
    #[error("{} of {} bytes: {}", .0.available, .0.wanted, .0.cause)]
    Short(#[source] Box<ShortRead>),
    /// What was asked for does not begin in what is buffered, and one refill did not bring it.
    #[error("nothing at offset {offset}: {available} bytes are buffered")]
    Gap {
        /// Offset from the next unread byte.
        offset: usize,
        /// Bytes that are buffered.
        available: usize,
    },
    /// No descriptor came with the bytes so far. Only with the quirk
    /// [`descriptor_out_of_step`](crate::Quirks::descriptor_out_of_step).
    #[error("no descriptor came with the bytes so far")]
    NoDescriptor,
    /// A skip over more than is buffered. Nothing was skipped.
    #[error("cannot skip {wanted} bytes: {available} are buffered")]
    NotBuffered {
        /// Bytes to skip.
        wanted: usize,
        /// Bytes that are buffered.
        available: usize,
    },
    /// Compressed data might not fit what is left of the buffer. Nothing was queued.
    #[error("compression may need {needed} bytes, {available} are left in the buffer: flush first")]
    NoSpace {
        /// Bytes that the compressed data may need.
        needed: usize,
        /// Bytes that are left for it.
        available: usize,
    },
    /// The compressor failed. Nothing was queued.
    #[error("deflate failed: {0}")]
    Deflate(String),
    /// The descriptor or writer that the data was for failed.
    #[error("{written} of {wanted} bytes passed on: {error}")]
    Sink {
        /// Bytes to pass on.
        wanted: usize,
        /// Bytes of them that were passed on, and are taken from the stream.
        written: usize,
        /// What it said.
        #[source]
        error: Arc<io::Error>,
    },
    /// The caller asked for what cannot be.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

impl std::error::Error for ShortRead {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl fmt::Display for ShortRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes: {}", self.available, self.wanted, self.cause)
    }
}

impl Error {
    /// The stream's own error, if that is behind this one.
    #[must_use]
    pub fn stream(&self) -> Option<&StreamError> {
        match self {
            Self::Stream(error) => Some(error),
            Self::Short(short) => Some(&short.cause),
            _ => None,
        }
    }

    /// The negative errno that the original has for this: as the call's result, or as the stream's
    /// error after it. 0 where the original says nothing (a gap, a skip too far); `-EINVAL` where
    /// it aborts.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self {
            Self::Stream(error) => error.errno(),
            Self::Short(short) => short.cause.errno(),
            Self::Gap { .. } | Self::NotBuffered { .. } => 0,
            Self::NoSpace { .. } | Self::Deflate(_) | Self::NoDescriptor => -1,
            Self::Sink { error, .. } => -error.raw_os_error().unwrap_or(libc::EIO),
            Self::Misuse(_) => -libc::EINVAL,
        }
    }
}

/// What went wrong while a stream was closed. The channel is closed all the same.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CloseError {
    /// The stream's own error: what was queued may not have arrived.
    pub stream: Option<StreamError>,
    /// What closing the channel said.
    pub channel: Option<Arc<io::Error>>,
}

impl CloseError {
    /// An error of these two.
    #[must_use]
    pub fn new(stream: Option<StreamError>, channel: Option<Arc<io::Error>>) -> Self {
        Self { stream, channel }
    }

    /// What the original returns: the stream's code if that is negative, else -1 if closing the
    /// channel failed. A positive code is lost (row 21 of docs/BEHAVIOUR.md). C: `qemu_fclose`,
    /// L355.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self.stream.as_ref().map_or(0, StreamError::errno).min(0) {
            0 => -i32::from(self.channel.is_some()),
            code => code,
        }
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.stream, &self.channel) {
            (Some(stream), Some(channel)) => write!(f, "{stream}; closing the channel: {channel}"),
            (Some(stream), None) => stream.fmt(f),
            (None, Some(channel)) => write!(f, "closing the channel: {channel}"),
            (None, None) => f.write_str("closed"),
        }
    }
}

impl std::error::Error for CloseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match (&self.stream, &self.channel) {
            (Some(stream), _) => Some(stream),
            (None, Some(channel)) => Some(channel.as_ref()),
            (None, None) => None,
        }
    }
}

/// Why a channel could not be shut down. The stream is dead all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The channel cannot be shut down. C: `-ENOSYS`.
    #[error("the channel cannot be shut down")]
    Unsupported,
    /// The channel tried and failed. C: `-EIO`; the reason is lost there.
    #[error("shutting the channel down: {0}")]
    Failed(#[source] io::Error),
}

impl ShutdownError {
    /// What the original returns. C: `qemu_file_shutdown`, L63.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self {
            Self::Unsupported => -libc::ENOSYS,
            Self::Failed(_) => -libc::EIO,
        }
    }
}
