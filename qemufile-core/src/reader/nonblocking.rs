//! The reading side for asynchronous tasks.

use std::fmt;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::Arc;

use super::input::Input;
use crate::channel::Channel;
use crate::config::Config;
use crate::error::{CloseError, Error};
use crate::link::{Link, Linked, Stream, Waiting};
use crate::writer::AsyncWriter;

/// As [`Reader`](crate::Reader), but its waits are the task's, not the thread's: what the original
/// does in a coroutine. The buffer, the refills and the errors are the same code.
///
/// Needs no particular runtime: it waits by [`Channel::poll_ready`]. With the feature `tokio`,
/// `TokioChannel` is a channel for it.
///
/// A future that is dropped before it is done has taken the bytes that it had taken; only peeks
/// can be dropped without loss.
pub struct AsyncReader(Input);

impl AsyncReader {
    /// As [`Reader::new`](crate::Reader::new).
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self::with_config(channel, &Config::default())
    }

    /// As [`Reader::with_config`](crate::Reader::with_config).
    #[must_use]
    pub fn with_config(channel: Arc<dyn Channel>, config: &Config) -> Self {
        Self(Input::new(Link::new(channel, config, Waiting::Yield)))
    }

    /// As [`Reader::return_path`](crate::Reader::return_path).
    #[must_use]
    pub fn return_path(&self) -> AsyncWriter {
        AsyncWriter::over(self.0.link.opposite())
    }

    pub(crate) fn over(link: Link) -> Self {
        Self(Input::new(link))
    }

    pub(crate) fn input(&mut self) -> &mut Input {
        &mut self.0
    }

    /// As [`Reader::buffered`](crate::Reader::buffered).
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.0.buffered()
    }

    /// As [`Reader::peek_buffer`](crate::Reader::peek_buffer).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn peek_buffer(&mut self, size: usize, offset: usize) -> Result<&[u8], Error> {
        let found = self.0.peek_exact(size, offset).await?;
        Ok(self.0.at(found))
    }

    /// As [`Reader::peek_byte`](crate::Reader::peek_byte).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn peek_byte(&mut self, offset: usize) -> Result<u8, Error> {
        self.0.peek_byte_exact(offset).await
    }

    /// As [`Reader::skip`](crate::Reader::skip).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn skip(&mut self, size: usize) -> Result<(), Error> {
        self.0.skip(size)
    }

    /// As [`Reader::get_byte`](crate::Reader::get_byte).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_byte(&mut self) -> Result<u8, Error> {
        self.get().await.map(|[byte]| byte)
    }

    /// As [`Reader::get_be16`](crate::Reader::get_be16).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_be16(&mut self) -> Result<u16, Error> {
        self.get().await.map(u16::from_be_bytes)
    }

    /// As [`Reader::get_be32`](crate::Reader::get_be32).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_be32(&mut self) -> Result<u32, Error> {
        self.get().await.map(u32::from_be_bytes)
    }

    /// As [`Reader::get_be64`](crate::Reader::get_be64).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_be64(&mut self) -> Result<u64, Error> {
        self.get().await.map(u64::from_be_bytes)
    }

    async fn get<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.0.take() {
            Some(bytes) => Ok(bytes),
            None => self.0.get_exact().await,
        }
    }

    /// As [`Reader::get_buffer`](crate::Reader::get_buffer).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Error> {
        self.0.get_buffer_exact(into).await
    }

    /// As [`Reader::get_buffer_in_place`](crate::Reader::get_buffer_in_place).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_buffer_in_place<'a>(
        &'a mut self,
        into: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        self.0.get_in_place_exact(into).await
    }

    /// As [`Reader::get_counted_string`](crate::Reader::get_counted_string).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_counted_string(&mut self) -> Result<&[u8], Error> {
        self.0.get_counted_string().await
    }

    /// As [`Reader::get_to_fd`](crate::Reader::get_to_fd). The descriptor is written to as it is:
    /// one that blocks, blocks the task's thread.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_to_fd(&mut self, fd: impl AsFd, size: usize) -> Result<(), Error> {
        self.0.get_to_fd(fd.as_fd(), size).await
    }

    /// As [`Reader::get_to`](crate::Reader::get_to).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn get_to<W: Write>(&mut self, sink: &mut W, size: usize) -> Result<(), Error> {
        self.0.get_to(|bytes| sink.write(bytes), size).await
    }

    /// As [`Reader::close`](crate::Reader::close).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn close(self) -> Result<(), CloseError> {
        super::close(&self.0.link, self.0.link.error())
    }
}

impl Linked for AsyncReader {
    fn link(&self) -> &Link {
        &self.0.link
    }
}

impl Stream for AsyncReader {}

impl fmt::Debug for AsyncReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(&self.0, f.debug_struct("AsyncReader"))
    }
}
