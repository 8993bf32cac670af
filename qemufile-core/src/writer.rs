//! The writing side.

use std::fmt;
use std::io::{self, SeekFrom, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;

use crate::channel::Channel;
use crate::config::Config;
use crate::endpoint::{Endpoint, Waiting, poll_ready_now};
use crate::error::{CloseError, Error, StreamError};
use crate::memory::GuestMemory;
use crate::reader::Reader;
use crate::stream::{HasEndpoint, Stream};

mod flushed;
mod later;
mod nonblocking;
pub(crate) mod output;
mod queue;
mod source;

pub use nonblocking::AsyncWriter;

use output::{Output, SlowPath};
use queue::AfterPush;
use source::Source;

/// Writes a migration stream to a channel, through a buffer of 32,768 bytes and a queue of up to
/// 64 pieces. C: a `QEMUFile` made by `qemu_file_new_output`.
///
/// All integers are big-endian. Bytes are queued and go out in one vectored write when the buffer
/// or the queue is full, or at a [`flush`](Self::flush). Pieces that follow each other in memory
/// become one; the lengths in each write are the original's.
///
/// The first error stays: from then on nothing is accepted, and every call returns it.
///
/// [`close`](Self::close) it. A writer that is dropped instead flushes, since bytes that were
/// accepted must not vanish, and [reports](crate::Report) what it could not write, since a drop
/// can return nothing; it leaves the channel open, which others may share.
///
/// ```
/// use std::sync::Arc;
/// use qemufile_core::{MemoryChannel, Writer};
///
/// let channel = Arc::new(MemoryChannel::new());
/// let mut writer = Writer::new(channel.clone());
/// writer.put_be32(0x5145_564d)?;
/// writer.put_counted_string(b"ram")?;
/// writer.close()?;
/// assert_eq!(channel.take_output(), b"QEVM\x03ram");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer(Output);

impl Writer {
    /// A stream that writes to `channel`. C: `qemu_file_new_output`, L122.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self::with_config(channel, &Config::default())
    }

    /// As [`new`](Self::new), with settings.
    #[must_use]
    pub fn with_config(channel: Arc<dyn Channel>, config: &Config) -> Self {
        Self::over(Endpoint::new(channel, config, Waiting::Block))
    }

    /// A stream that reads from the same channel, with an error state of its own. C:
    /// `qemu_file_get_return_path`, L117.
    #[must_use]
    pub fn return_path(&self) -> Reader {
        Reader::over(self.0.endpoint.opposite())
    }

    pub(crate) fn over(endpoint: Endpoint) -> Self {
        Self(Output::new(endpoint))
    }

    /// Queues one byte. C: `qemu_put_byte`, L450.
    ///
    /// # Errors
    ///
    /// The stream's first error, which may come from the flush of a full buffer or queue.
    #[inline]
    pub fn put_byte(&mut self, value: u8) -> Result<(), StreamError> {
        self.put(&[value])
    }

    /// Queues a big-endian 16-bit integer. C: `qemu_put_be16`, L626.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte).
    #[inline]
    pub fn put_be16(&mut self, value: u16) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes())
    }

    /// Queues a big-endian 32-bit integer. C: `qemu_put_be32`, L632.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte).
    #[inline]
    pub fn put_be32(&mut self, value: u32) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes())
    }

    /// Queues a big-endian 64-bit integer. C: `qemu_put_be64`, L640.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte).
    #[inline]
    pub fn put_be64(&mut self, value: u64) -> Result<(), StreamError> {
        self.put(&value.to_be_bytes())
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.0.extend(bytes) { Ok(()) } else { poll_ready_now(self.0.put_bytes(bytes)) }
    }

    /// Queues a copy of `bytes`. C: `qemu_put_buffer`, L427.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte).
    #[inline]
    pub fn put_buffer(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.0.extend(bytes) { Ok(()) } else { self.0.put_buffer_now(bytes) }
    }

    /// Queues a share of `bytes` as a piece of its own, without copying. C:
    /// `qemu_put_buffer_async`, L417.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte).
    pub fn put_shared(&mut self, bytes: impl Into<Bytes>) -> Result<(), StreamError> {
        poll_ready_now(self.0.put_shared(bytes.into()))
    }

    /// Queues a range of guest memory as a piece of its own, without copying: what is sent is what
    /// it holds at the flush. C: `qemu_put_buffer_async`, L417.
    ///
    /// With `may_free`, the range is given back to the system once it is written
    /// ([`Config::release_memory`]), as postcopy does with pages that were sent; use it on whole pages.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte), and [`Error::Misuse`] where the range leaves the memory or is
    /// reversed.
    #[inline]
    pub fn put_guest(
        &mut self,
        memory: &GuestMemory,
        range: Range<usize>,
        may_free: bool,
    ) -> Result<(), Error> {
        let source = Source::guest(memory, range.clone())?;
        match self.0.push(source, may_free) {
            Ok(AfterPush::Continue) => Ok(()),
            Ok(AfterPush::Flush) => Ok(self.0.flush_now()?),
            Err(SlowPath) => poll_ready_now(self.0.put_guest(memory, range, may_free)),
        }
    }

    /// Queues a string of up to 255 bytes, with its length in a byte before it. C:
    /// `qemu_put_counted_string`, L771.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte), and [`Error::Misuse`] where it is longer: nothing is
    /// queued then.
    #[inline]
    pub fn put_counted_string(&mut self, text: &[u8]) -> Result<(), Error> {
        self.put(&[output::counted(text)?])?;
        Ok(self.put_buffer(text)?)
    }

    /// Compresses `data` into the queue, behind its compressed length (be32); gives the length of
    /// both in bytes. C: `qemu_put_compression_data`, L702.
    ///
    /// # Errors
    ///
    /// [`Error::NoSpace`] where the buffer may not hold the result, [`Error::Deflate`], and the
    /// stream's first error. Nothing is queued then.
    #[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
    pub fn put_compressed(
        &mut self,
        compressor: &mut crate::Compressor,
        data: &[u8],
    ) -> Result<usize, Error> {
        let bound = crate::compress::bound(data.len());
        poll_ready_now(self.0.put_compressed(bound, |room| compressor.deflate(data, room)))
    }

    /// Moves what `source` has queued to the end of this queue, in order, and leaves it empty;
    /// how many bytes. Its own bytes are copied, borrowed ones are passed on. C:
    /// `qemu_put_qemu_file`, L726.
    ///
    /// # Errors
    ///
    /// As [`put_byte`](Self::put_byte). The source keeps its queue then.
    pub fn put_stream(&mut self, source: &mut Self) -> Result<usize, StreamError> {
        poll_ready_now(self.0.put_stream(&mut source.0))
    }

    /// Writes all that is queued. C: `qemu_fflush`, L265.
    ///
    /// # Errors
    ///
    /// The stream's first error. What was queued when a write failed is gone; how much of it the
    /// channel took is in the [`Cause`](crate::Cause).
    pub fn flush(&mut self) -> Result<(), StreamError> {
        self.0.flush_now()
    }

    /// Whether nothing is queued. C: `qemu_file_buffer_empty`, L743.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.queue.is_empty()
    }

    /// Bytes written by all streams that share the [counter](Config::transferred), and those
    /// queued here. C: `qemu_file_transferred`, L612.
    #[must_use]
    pub fn transferred(&self) -> u64 {
        self.0.transferred()
    }

    /// Flushes, then writes all of `bytes` at `offset` in the channel, past the queue and without
    /// moving the place where the stream goes on. The bytes are [counted](Self::transferred). C:
    /// `qemu_put_buffer_at` of QEMU 9.0.
    ///
    /// # Errors
    ///
    /// The stream's first error, which may be that of the flush: nothing is written then, unless
    /// [`unchecked_flush`](crate::Quirks::unchecked_flush).
    pub fn put_buffer_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), StreamError> {
        poll_ready_now(self.0.put_buffer_at(bytes, offset))
    }

    /// Flushes, then moves the channel's place; where it is then, in bytes from the start. C:
    /// `qemu_set_offset` of QEMU 9.0.
    ///
    /// # Errors
    ///
    /// The stream's first error, as for [`put_buffer_at`](Self::put_buffer_at), or that of the seek,
    /// which is the stream's from then on.
    pub fn set_offset(&mut self, to: SeekFrom) -> Result<u64, StreamError> {
        poll_ready_now(self.0.seek(to))
    }

    /// Flushes, and says where the channel is then, in bytes from the start. C: `qemu_get_offset`
    /// of QEMU 9.0.
    ///
    /// # Errors
    ///
    /// As for [`set_offset`](Self::set_offset).
    pub fn offset(&mut self) -> Result<u64, StreamError> {
        poll_ready_now(self.0.seek(SeekFrom::Current(0)))
    }

    /// Flushes, then sends a copy of `descriptor` with a space, which is not counted; the peer
    /// [receives](Reader::receive_descriptor) it at that byte. C: `qemu_file_put_fd` of QEMU 10.0,
    /// which crashes where the channel would block; this waits.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] unless [`Config::release`] is 10.0 or later. The stream's first error, as
    /// for [`put_buffer_at`](Self::put_buffer_at); one of the sending is
    /// [reported](crate::Notice::DescriptorFailed) as well.
    pub fn send_descriptor(&mut self, descriptor: impl AsFd) -> Result<(), Error> {
        poll_ready_now(self.0.send_descriptor(descriptor.as_fd()))
    }

    /// Flushes, then closes the channel, also for others who share it. C: `qemu_fclose`, L355.
    ///
    /// # Errors
    ///
    /// The stream's first error and the channel's last word, if there are any.
    pub fn close(mut self) -> Result<(), CloseError> {
        let flushed = self.0.flush_now();
        self.0.abandon();
        crate::reader::close(&self.0.endpoint, flushed.err())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let queued = self.0.queued();
        if let Err(error) = self.0.flush_now() {
            self.0.report_dropped(queued, Some(&error));
        }
    }
}

impl HasEndpoint for Writer {
    fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}

impl Stream for Writer {}

/// [`write`](Write::write) takes all bytes, as [`put_buffer`](Writer::put_buffer).
impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put_buffer(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(Self::flush(self)?)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(&self.0, f.debug_struct("Writer"))
    }
}

fn debug(output: &Output, mut f: fmt::DebugStruct<'_, '_>) -> fmt::Result {
    f.field("channel", output.endpoint.channel())
        .field("queued", &output.queued())
        .field("error", &output.endpoint.error())
        .finish_non_exhaustive()
}
