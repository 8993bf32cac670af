//! What no call can return.

use std::fmt;
use std::io;
use std::os::fd::RawFd;

use crate::error::StreamError;
use crate::release_memory::ReleaseTarget;

/// Something that happened where no call could return it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// An error came after the first one, which is kept. C: `error_report_err`, L194.
    LaterError {
        /// Its text.
        text: &'a str,
    },
    /// Memory could not be given back; its bytes were written. C: `error_report`, L246 and L252.
    ReleaseFailed {
        /// Which memory.
        target: ReleaseTarget<'a>,
        /// What the system said.
        error: &'a io::Error,
    },
    /// The channel could not be shut down. Since [`Release::V9_0`](crate::Release::V9_0). C:
    /// `error_report_err` in `qemu_file_shutdown`.
    ShutdownFailed {
        /// What the channel said.
        error: &'a io::Error,
    },
    /// A descriptor could not be sent or received. The error is the stream's as well, and where it
    /// is not the first one, [`LaterError`](Self::LaterError) follows. C: `error_report_err` in
    /// `qemu_file_put_fd` and `qemu_file_get_fd`.
    DescriptorFailed {
        /// The text.
        text: &'a str,
    },
    /// A descriptor came in and nobody [received](crate::Reader::receive_descriptor) it before the
    /// close, which closes it. C: `warn_report` in `qemu_fclose`.
    UnclaimedDescriptor {
        /// Its number.
        descriptor: RawFd,
    },
    /// A writer was dropped with bytes that did not reach the channel. Close it to get this as an
    /// error.
    Dropped {
        /// Bytes that were queued.
        bytes: usize,
        /// Why they were not written; `None` for an asynchronous writer that had not failed: it
        /// cannot wait while it is dropped.
        error: Option<&'a StreamError>,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LaterError { text } | Self::DescriptorFailed { text } => f.write_str(text),
            Self::ShutdownFailed { error } => write!(f, "{error}"),
            Self::UnclaimedDescriptor { descriptor } => {
                write!(f, "descriptor {descriptor} came in and was never received")
            }
            Self::ReleaseFailed { target, error } => write!(f, "cannot release {target}: {error}"),
            Self::Dropped { bytes, error: Some(error) } => {
                write!(f, "a writer was dropped with {bytes} bytes queued: {error}")
            }
            Self::Dropped { bytes, error: None } => {
                write!(
                    f,
                    "an asynchronous writer was dropped with {bytes} bytes queued: close it instead"
                )
            }
        }
    }
}

/// Receives what no call can return.
pub trait Report: Send + Sync + fmt::Debug {
    /// Takes one notice; its `Display` is the text for people.
    fn report(&self, notice: &Notice<'_>);
}

/// Hands notices to the `log` crate.
#[derive(Debug)]
pub(crate) struct Log;

impl Report for Log {
    fn report(&self, notice: &Notice<'_>) {
        log::error!("{notice}");
    }
}
