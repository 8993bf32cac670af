//! The writing side for asynchronous tasks.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::output::Output;
use crate::channel::Channel;
use crate::config::Config;
use crate::error::{CloseError, Error, StreamError};
use crate::link::{Link, Linked, Stream, Waiting};
use crate::memory::GuestMemory;
use crate::reader::AsyncReader;

/// As [`Writer`](crate::Writer), but its waits are the task's, not the thread's: what the original
/// does in a coroutine. The queue, the flushes and the errors are the same code.
///
/// Needs no particular runtime: it waits by [`Channel::poll_ready`]. With the feature `tokio`,
/// `TokioChannel` is a channel for it.
///
/// A flush whose future is dropped half-way is taken up where it was by the next call. A put whose
/// future is dropped may have queued a part of its bytes.
///
/// [`close`](Self::close) it. A drop cannot wait: bytes that are queued then are lost, and
/// [reported](crate::Report).
pub struct AsyncWriter(Output);

impl AsyncWriter {
    /// As [`Writer::new`](crate::Writer::new).
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self::with_config(channel, &Config::default())
    }

    /// As [`Writer::with_config`](crate::Writer::with_config).
    #[must_use]
    pub fn with_config(channel: Arc<dyn Channel>, config: &Config) -> Self {
        Self::over(Link::new(channel, config, Waiting::Yield))
    }

    /// As [`Writer::return_path`](crate::Writer::return_path).
    #[must_use]
    pub fn return_path(&self) -> AsyncReader {
        AsyncReader::over(self.0.link.opposite())
    }

    pub(crate) fn over(link: Link) -> Self {
        Self(Output::new(link))
    }

    /// As [`Writer::put_byte`](crate::Writer::put_byte).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_byte(&mut self, value: u8) -> Result<(), StreamError> {
        self.put(&[value]).await
    }

    /// As [`Writer::put_be16`](crate::Writer::put_be16).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_be16(&mut self, value: u16) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes()).await
    }

    /// As [`Writer::put_be32`](crate::Writer::put_be32).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_be32(&mut self, value: u32) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes()).await
    }

    /// As [`Writer::put_be64`](crate::Writer::put_be64).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_be64(&mut self, value: u64) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes()).await
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.0.extend(bytes) { Ok(()) } else { self.0.put_bytes(bytes).await }
    }

    /// As [`Writer::put_buffer`](crate::Writer::put_buffer).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_buffer(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.0.put_buffer(bytes).await
    }

    /// As [`Writer::put_shared`](crate::Writer::put_shared).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_shared(&mut self, bytes: impl Into<Bytes>) -> Result<(), StreamError> {
        self.0.put_shared(bytes.into()).await
    }

    /// As [`Writer::put_guest`](crate::Writer::put_guest).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_guest(
        &mut self,
        memory: &GuestMemory,
        range: Range<usize>,
        may_free: bool,
    ) -> Result<(), Error> {
        self.0.put_guest(memory, range, may_free).await
    }

    /// As [`Writer::put_counted_string`](crate::Writer::put_counted_string).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_counted_string(&mut self, text: &[u8]) -> Result<(), Error> {
        self.0.put_counted_string(text).await
    }

    /// As [`Writer::put_compressed`](crate::Writer::put_compressed).
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "__compression")]
    pub async fn put_compressed(
        &mut self,
        compressor: &mut crate::Compressor,
        data: &[u8],
    ) -> Result<usize, Error> {
        let bound = crate::compress::bound(data.len());
        self.0.put_compressed(bound, |room| compressor.deflate(data, room)).await
    }

    /// As [`Writer::put_stream`](crate::Writer::put_stream).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn put_stream(&mut self, source: &mut Self) -> Result<usize, StreamError> {
        self.0.put_stream(&mut source.0).await
    }

    /// As [`Writer::flush`](crate::Writer::flush).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn flush(&mut self) -> Result<(), StreamError> {
        self.0.flush().await
    }

    /// As [`Writer::is_empty`](crate::Writer::is_empty).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.queue.is_empty()
    }

    /// As [`Writer::transferred`](crate::Writer::transferred).
    #[must_use]
    pub fn transferred(&self) -> u64 {
        self.0.transferred()
    }

    /// As [`Writer::close`](crate::Writer::close).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn close(mut self) -> Result<(), CloseError> {
        let flushed = self.0.flush().await;
        self.0.abandon();
        crate::reader::close(&self.0.link, flushed.err())
    }
}

impl Drop for AsyncWriter {
    fn drop(&mut self) {
        self.0.report_dropped(self.0.queued(), self.0.link.error().as_ref());
    }
}

impl Linked for AsyncWriter {
    fn link(&self) -> &Link {
        &self.0.link
    }
}

impl Stream for AsyncWriter {}

impl fmt::Debug for AsyncWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(&self.0, f.debug_struct("AsyncWriter"))
    }
}
