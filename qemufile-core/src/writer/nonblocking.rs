//! The writing side for asynchronous tasks.

use std::fmt;
use std::future::poll_fn;
use std::io::SeekFrom;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;

use super::output::Output;
use crate::channel::Channel;
use crate::config::Config;
use crate::endpoint::{Endpoint, Waiting};
use crate::error::{CloseError, Error, StreamError};
use crate::memory::GuestMemory;
use crate::reader::AsyncReader;
use crate::stream::{HasEndpoint, Stream};

/// A [`Writer`](crate::Writer) that suspends its task where that one blocks its thread, as the
/// original does in a coroutine. The queue, the flushes and the errors are the same code.
///
/// Needs no particular runtime: it waits by [`Channel::poll_ready`]. With the feature `tokio`,
/// `TokioChannel` is a channel for it.
///
/// A flush whose future is dropped half-way is taken up where it was by the next call. A put whose
/// future is dropped when a part of its bytes is queued has made the stream fail: see
/// [Cancellation](crate#cancellation).
///
/// [`close`](Self::close) it. A drop cannot wait: bytes that are queued then are lost, and
/// [reported](crate::Report).
pub struct AsyncWriter(Output);

impl AsyncWriter {
    /// Does what [`Writer::new`](crate::Writer::new) does.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self::with_config(channel, &Config::default())
    }

    /// Does what [`Writer::with_config`](crate::Writer::with_config) does.
    #[must_use]
    pub fn with_config(channel: Arc<dyn Channel>, config: &Config) -> Self {
        Self::over(Endpoint::new(channel, config, Waiting::Yield))
    }

    /// Does what [`Writer::return_path`](crate::Writer::return_path) does.
    #[must_use]
    pub fn return_path(&self) -> AsyncReader {
        AsyncReader::over(self.0.endpoint.opposite())
    }

    pub(crate) fn over(endpoint: Endpoint) -> Self {
        Self(Output::new(endpoint))
    }

    /// Does what [`Writer::put_byte`](crate::Writer::put_byte) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_byte`](crate::Writer::put_byte).
    pub async fn put_byte(&mut self, value: u8) -> Result<(), StreamError> {
        self.put(&[value]).await
    }

    /// Does what [`Writer::put_be16`](crate::Writer::put_be16) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_be16`](crate::Writer::put_be16).
    pub async fn put_be16(&mut self, value: u16) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes()).await
    }

    /// Does what [`Writer::put_be32`](crate::Writer::put_be32) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_be32`](crate::Writer::put_be32).
    pub async fn put_be32(&mut self, value: u32) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes()).await
    }

    /// Does what [`Writer::put_be64`](crate::Writer::put_be64) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_be64`](crate::Writer::put_be64).
    pub async fn put_be64(&mut self, value: u64) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes()).await
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.0.extend(bytes) { Ok(()) } else { self.0.put_bytes(bytes).await }
    }

    /// Does what [`Writer::put_buffer`](crate::Writer::put_buffer) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_buffer`](crate::Writer::put_buffer).
    pub async fn put_buffer(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.0.put_buffer(bytes).await
    }

    /// Does what [`Writer::put_shared`](crate::Writer::put_shared) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_shared`](crate::Writer::put_shared).
    pub async fn put_shared(&mut self, bytes: impl Into<Bytes>) -> Result<(), StreamError> {
        self.0.put_shared(bytes.into()).await
    }

    /// Does what [`Writer::put_guest`](crate::Writer::put_guest) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_guest`](crate::Writer::put_guest).
    pub async fn put_guest(
        &mut self,
        memory: &GuestMemory,
        range: Range<usize>,
        may_free: bool,
    ) -> Result<(), Error> {
        self.0.put_guest(memory, range, may_free).await
    }

    /// Does what [`Writer::put_counted_string`](crate::Writer::put_counted_string) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_counted_string`](crate::Writer::put_counted_string).
    pub async fn put_counted_string(&mut self, text: &[u8]) -> Result<(), Error> {
        self.0.put_counted_string(text).await
    }

    /// Does what [`Writer::put_compressed`](crate::Writer::put_compressed) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_compressed`](crate::Writer::put_compressed).
    #[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
    pub async fn put_compressed(
        &mut self,
        compressor: &mut crate::Compressor,
        data: &[u8],
    ) -> Result<usize, Error> {
        let bound = crate::compress::bound(data.len());
        self.0.put_compressed(bound, |room| compressor.deflate(data, room)).await
    }

    /// Does what [`Writer::put_stream`](crate::Writer::put_stream) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_stream`](crate::Writer::put_stream).
    pub async fn put_stream(&mut self, source: &mut Self) -> Result<usize, StreamError> {
        self.0.put_stream(&mut source.0).await
    }

    /// Does what [`Writer::flush`](crate::Writer::flush) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::flush`](crate::Writer::flush).
    pub async fn flush(&mut self) -> Result<(), StreamError> {
        self.0.flush().await
    }

    /// Does what [`Writer::is_empty`](crate::Writer::is_empty) does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.queue.is_empty()
    }

    /// Does what [`Writer::transferred`](crate::Writer::transferred) does.
    #[must_use]
    pub fn transferred(&self) -> u64 {
        self.0.transferred()
    }

    /// Does what [`Writer::put_buffer_at`](crate::Writer::put_buffer_at) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::put_buffer_at`](crate::Writer::put_buffer_at).
    pub async fn put_buffer_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), StreamError> {
        self.0.put_buffer_at(bytes, offset).await
    }

    /// Does what [`Writer::set_offset`](crate::Writer::set_offset) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::set_offset`](crate::Writer::set_offset).
    pub async fn set_offset(&mut self, to: SeekFrom) -> Result<u64, StreamError> {
        self.0.seek(to).await
    }

    /// Does what [`Writer::offset`](crate::Writer::offset) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::offset`](crate::Writer::offset).
    pub async fn offset(&mut self) -> Result<u64, StreamError> {
        self.0.seek(SeekFrom::Current(0)).await
    }

    /// Does what [`Writer::send_descriptor`](crate::Writer::send_descriptor) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::send_descriptor`](crate::Writer::send_descriptor).
    pub async fn send_descriptor(&mut self, descriptor: impl AsFd) -> Result<(), Error> {
        self.0.send_descriptor(descriptor.as_fd()).await
    }

    /// Does what [`Writer::close`](crate::Writer::close) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Writer::close`](crate::Writer::close).
    pub async fn close(mut self) -> Result<(), CloseError> {
        let flushed = self.0.flush().await;
        self.0.abandon();
        let channel = poll_fn(|cx| self.0.endpoint.channel().poll_close(cx)).await;
        crate::reader::closed(flushed.err(), channel)
    }
}

impl Drop for AsyncWriter {
    fn drop(&mut self) {
        self.0.report_dropped(self.0.queued(), self.0.endpoint.error().as_ref());
    }
}

impl HasEndpoint for AsyncWriter {
    fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}

impl Stream for AsyncWriter {}

impl fmt::Debug for AsyncWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(&self.0, f.debug_struct("AsyncWriter"))
    }
}
