//! The reading side for asynchronous tasks.

use std::fmt;
use std::io::{SeekFrom, Write};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::input::Input;
use crate::channel::Channel;
use crate::config::Config;
use crate::endpoint::{Endpoint, Waiting};
use crate::error::{CloseError, Error, StreamError};
use crate::memory::GuestMemory;
use crate::stream::{HasEndpoint, Stream};
use crate::writer::AsyncWriter;

/// A [`Reader`](crate::Reader) that suspends its task where that one blocks its thread, as the
/// original does in a coroutine. The buffer, the refills and the errors are the same code.
///
/// Needs no particular runtime: it waits by [`Channel::poll_ready`]. With the feature `tokio`,
/// `TokioChannel` is a channel for it.
///
/// A future that is dropped before it is done is harmless while nothing of its value is taken, as
/// in a peek. Where a part is, the stream has failed from then on: see
/// [Cancellation](crate#cancellation).
pub struct AsyncReader(Input);

impl AsyncReader {
    /// Does what [`Reader::new`](crate::Reader::new) does.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self::with_config(channel, &Config::default())
    }

    /// Does what [`Reader::with_config`](crate::Reader::with_config) does.
    #[must_use]
    pub fn with_config(channel: Arc<dyn Channel>, config: &Config) -> Self {
        Self(Input::new(Endpoint::new(channel, config, Waiting::Yield)))
    }

    /// Does what [`Reader::return_path`](crate::Reader::return_path) does.
    #[must_use]
    pub fn return_path(&self) -> AsyncWriter {
        AsyncWriter::over(self.0.endpoint.opposite())
    }

    pub(crate) fn over(endpoint: Endpoint) -> Self {
        Self(Input::new(endpoint))
    }

    pub(crate) fn input(&mut self) -> &mut Input {
        &mut self.0
    }

    /// Does what [`Reader::buffered`](crate::Reader::buffered) does.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.0.buffered()
    }

    /// Does what [`Reader::peek_buffer`](crate::Reader::peek_buffer) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::peek_buffer`](crate::Reader::peek_buffer).
    pub async fn peek_buffer(&mut self, size: usize, offset: usize) -> Result<&[u8], Error> {
        let found = self.0.peek_exact(size, offset).await?;
        Ok(self.0.at(found))
    }

    /// Does what [`Reader::peek_byte`](crate::Reader::peek_byte) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::peek_byte`](crate::Reader::peek_byte).
    pub async fn peek_byte(&mut self, offset: usize) -> Result<u8, Error> {
        self.0.peek_byte_exact(offset).await
    }

    /// Does what [`Reader::skip`](crate::Reader::skip) does.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::skip`](crate::Reader::skip).
    pub fn skip(&mut self, size: usize) -> Result<(), Error> {
        self.0.skip(size)
    }

    /// Does what [`Reader::get_byte`](crate::Reader::get_byte) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_byte`](crate::Reader::get_byte).
    pub async fn get_byte(&mut self) -> Result<u8, Error> {
        self.get().await.map(|[byte]| byte)
    }

    /// Does what [`Reader::get_be16`](crate::Reader::get_be16) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_be16`](crate::Reader::get_be16).
    pub async fn get_be16(&mut self) -> Result<u16, Error> {
        self.get().await.map(u16::from_be_bytes)
    }

    /// Does what [`Reader::get_be32`](crate::Reader::get_be32) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_be32`](crate::Reader::get_be32).
    pub async fn get_be32(&mut self) -> Result<u32, Error> {
        self.get().await.map(u32::from_be_bytes)
    }

    /// Does what [`Reader::get_be64`](crate::Reader::get_be64) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_be64`](crate::Reader::get_be64).
    pub async fn get_be64(&mut self) -> Result<u64, Error> {
        self.get().await.map(u64::from_be_bytes)
    }

    async fn get<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.0.take() {
            Some(bytes) => Ok(bytes),
            None => self.0.get_exact().await,
        }
    }

    /// Does what [`Reader::get_buffer`](crate::Reader::get_buffer) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_buffer`](crate::Reader::get_buffer).
    pub async fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Error> {
        self.0.get_buffer_exact(into).await
    }

    /// Does what [`Reader::get_guest`](crate::Reader::get_guest) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_guest`](crate::Reader::get_guest).
    pub async fn get_guest(
        &mut self,
        memory: &GuestMemory,
        range: Range<usize>,
    ) -> Result<(), Error> {
        self.0.get_guest(memory, range).await
    }

    /// Does what [`Reader::get_buffer_in_place`](crate::Reader::get_buffer_in_place) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_buffer_in_place`](crate::Reader::get_buffer_in_place).
    pub async fn get_buffer_in_place<'a>(
        &'a mut self,
        into: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        self.0.get_in_place_exact(into).await
    }

    /// Does what [`Reader::get_counted_string`](crate::Reader::get_counted_string) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_counted_string`](crate::Reader::get_counted_string).
    pub async fn get_counted_string(&mut self) -> Result<&[u8], Error> {
        self.0.get_counted_string().await
    }

    /// Does what [`Reader::get_to_fd`](crate::Reader::get_to_fd) does, and waits as a task. The descriptor is written to as it is:
    /// one that blocks, blocks the task's thread.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_to_fd`](crate::Reader::get_to_fd).
    pub async fn get_to_fd(&mut self, fd: impl AsFd, size: usize) -> Result<(), Error> {
        self.0.get_to_fd(fd.as_fd(), size).await
    }

    /// Does what [`Reader::get_to`](crate::Reader::get_to) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_to`](crate::Reader::get_to).
    pub async fn get_to<W: Write>(&mut self, sink: &mut W, size: usize) -> Result<(), Error> {
        self.0.get_to(|bytes| sink.write(bytes), size).await
    }

    /// Does what [`Reader::get_buffer_at`](crate::Reader::get_buffer_at) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::get_buffer_at`](crate::Reader::get_buffer_at).
    pub async fn get_buffer_at(&mut self, into: &mut [u8], offset: u64) -> Result<(), StreamError> {
        self.0.endpoint.read_at(into, offset).await
    }

    /// Does what [`Reader::set_offset`](crate::Reader::set_offset) does.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::set_offset`](crate::Reader::set_offset).
    pub fn set_offset(&mut self, to: SeekFrom) -> Result<u64, StreamError> {
        self.0.set_offset(to)
    }

    /// Does what [`Reader::offset`](crate::Reader::offset) does.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::offset`](crate::Reader::offset).
    pub fn offset(&mut self) -> Result<u64, StreamError> {
        self.0.offset()
    }

    /// Does what [`Reader::receive_descriptor`](crate::Reader::receive_descriptor) does, and waits as a task.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::receive_descriptor`](crate::Reader::receive_descriptor).
    pub async fn receive_descriptor(&mut self) -> Result<OwnedFd, Error> {
        self.0.receive_descriptor().await
    }

    /// Does what [`Reader::close`](crate::Reader::close) does. A [`CommandChannel`](crate::CommandChannel)
    /// blocks the task's thread here until its child ends.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::close`](crate::Reader::close).
    pub fn close(self) -> Result<(), CloseError> {
        self.0.close()
    }
}

impl HasEndpoint for AsyncReader {
    fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}

impl Stream for AsyncReader {}

impl fmt::Debug for AsyncReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(&self.0, f.debug_struct("AsyncReader"))
    }
}
