//! Shutting a stream down from another thread.

use std::fmt;
use std::sync::Weak;

use crate::channel::Channel;
use crate::config::Config;
use crate::error::{Cause, ShutdownError, StreamError};
use crate::notice::{Notice, Report};
use crate::release::Release;
use crate::sticky_error::StickyError;
use crate::sync::Arc;

/// Shuts a stream down from another thread.
///
/// It may outlive the stream, and keeps neither the stream nor its channel open.
#[derive(Clone)]
pub struct ShutdownHandle {
    channel: Weak<dyn Channel>,
    sticky: Arc<StickyError>,
    /// Where a shutdown that fails is reported, since 9.0.
    reporter: Option<std::sync::Arc<dyn Report>>,
}

impl ShutdownHandle {
    pub(crate) fn new(
        channel: &std::sync::Arc<dyn Channel>,
        sticky: Arc<StickyError>,
        config: &Config,
    ) -> Self {
        let reports = config.release >= Release::V9_0;
        let channel = std::sync::Arc::downgrade(channel);
        Self { channel, sticky, reporter: reports.then(|| config.reporter.clone()) }
    }

    /// Makes the stream fail, then shuts its channel down in both directions.
    ///
    /// In this order, so that whoever sees an effect of the shutdown (a read that ends, a write
    /// that fails) finds the error set before it, and takes no half-read page for a whole one. A
    /// channel that cannot be shut down leaves the stream dead all the same (row 22 of
    /// docs/BEHAVIOUR.md). C: `qemu_file_shutdown`, L63.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::Unsupported`] or [`ShutdownError::Failed`], both about the channel. One that
    /// nobody holds any more is closed, which is no error.
    pub fn shutdown(&self) -> Result<(), ShutdownError> {
        self.sticky.set(StreamError::new(Cause::Shutdown));
        let Some(channel) = self.channel.upgrade() else { return Ok(()) };
        if !channel.can_shutdown() {
            return Err(ShutdownError::Unsupported);
        }
        channel.shutdown().map_err(|error| {
            if let Some(reporter) = &self.reporter {
                reporter.report(&Notice::ShutdownFailed { error: &error });
            }
            ShutdownError::Failed(error)
        })
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
