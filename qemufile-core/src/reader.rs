//! The reading side.

use std::fmt;
use std::io::{self, BufRead, Read, SeekFrom, Write};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use crate::channel::Channel;
use crate::config::Config;
use crate::endpoint::{Endpoint, Waiting, poll_ready_now};
use crate::error::{CloseError, Error, StreamError};
use crate::memory::GuestMemory;
use crate::stream::{HasEndpoint, Stream};
use crate::writer::Writer;

pub(crate) mod input;
mod nonblocking;

pub use nonblocking::AsyncReader;

use input::Input;

/// Reads a migration stream from a channel, through a buffer of 32,768 bytes. C: a `QEMUFile`
/// made by `qemu_file_new_input`.
///
/// All integers are big-endian. A call that runs out of bytes takes what is there and says so in
/// its error, together with those bytes; from then on the stream has [an error](Stream::error),
/// and what is buffered can still be read. Looking past the end is such an error; reading up to
/// it exactly is none.
///
/// The calls that ask the channel for bytes, and how many each asks for, are the original's. Bytes
/// in the buffer when a reader is dropped are lost to the channel's other users; see
/// [`buffered`](Self::buffered).
///
/// ```
/// use std::sync::Arc;
/// use qemufile_core::{MemoryChannel, Reader};
///
/// let mut reader = Reader::new(Arc::new(MemoryChannel::with_input(*b"QEVM\0\0\0\x03")));
/// assert_eq!(reader.get_be32()?, 0x5145_564d);
/// assert_eq!(reader.get_be32()?, 3);
/// reader.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader(Input);

impl Reader {
    /// A stream that reads from `channel`. C: `qemu_file_new_input`, L127.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self::with_config(channel, &Config::default())
    }

    /// As [`new`](Self::new), with settings.
    #[must_use]
    pub fn with_config(channel: Arc<dyn Channel>, config: &Config) -> Self {
        Self(Input::new(Endpoint::new(channel, config, Waiting::Block)))
    }

    /// A stream that writes to the same channel, with an error state of its own. C:
    /// `qemu_file_get_return_path`, L117.
    #[must_use]
    pub fn return_path(&self) -> Writer {
        Writer::over(self.0.endpoint.opposite())
    }

    pub(crate) fn over(endpoint: Endpoint) -> Self {
        Self(Input::new(endpoint))
    }

    pub(crate) fn input(&mut self) -> &mut Input {
        &mut self.0
    }

    /// The bytes that were read from the channel and not yet taken.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.0.buffered()
    }

    /// Shows `size` bytes that begin `offset` bytes further on, without taking them.
    ///
    /// Refills the buffer until they are there. The original gives up without a refill where
    /// `offset` lies beyond what is buffered (row 3 of docs/BEHAVIOUR.md), and so does this. C:
    /// `qemu_peek_buffer`, L475.
    ///
    /// # Errors
    ///
    /// [`Error::Short`] with the bytes there are, [`Error::Gap`], and [`Error::Misuse`] unless
    /// `offset < 32768` and `size <= 32768 - offset`.
    #[inline]
    pub fn peek_buffer(&mut self, size: usize, offset: usize) -> Result<&[u8], Error> {
        let found = match self.0.look(size, offset) {
            Some(found) => found,
            None => poll_ready_now(self.0.peek_exact(size, offset))?,
        };
        Ok(self.0.at(found))
    }

    /// The byte `offset` bytes further on, without taking it. At most one refill, so that a gap
    /// may need several calls (row 4 of docs/BEHAVIOUR.md). C: `qemu_peek_byte`, L586.
    ///
    /// # Errors
    ///
    /// As [`peek_buffer`](Self::peek_buffer).
    #[inline]
    pub fn peek_byte(&mut self, offset: usize) -> Result<u8, Error> {
        match self.0.buffered().get(offset) {
            Some(byte) => Ok(*byte),
            None => poll_ready_now(self.0.peek_byte_exact(offset)),
        }
    }

    /// Skips `size` bytes that are buffered, as after a peek. C: `qemu_file_skip`, L460.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuffered`] where fewer are; none is skipped then.
    #[inline]
    pub fn skip(&mut self, size: usize) -> Result<(), Error> {
        self.0.skip(size)
    }

    /// Takes one byte. C: `qemu_get_byte`, L603.
    ///
    /// # Errors
    ///
    /// [`Error::Short`] where the stream fails first.
    #[inline]
    pub fn get_byte(&mut self) -> Result<u8, Error> {
        self.get().map(|[byte]| byte)
    }

    /// Takes a big-endian 16-bit integer. C: `qemu_get_be16`, L646.
    ///
    /// # Errors
    ///
    /// As [`get_byte`](Self::get_byte).
    #[inline]
    pub fn get_be16(&mut self) -> Result<u16, Error> {
        self.get().map(u16::from_be_bytes)
    }

    /// Takes a big-endian 32-bit integer. C: `qemu_get_be32`, L654.
    ///
    /// # Errors
    ///
    /// As [`get_byte`](Self::get_byte).
    #[inline]
    pub fn get_be32(&mut self) -> Result<u32, Error> {
        self.get().map(u32::from_be_bytes)
    }

    /// Takes a big-endian 64-bit integer. C: `qemu_get_be64`, L664.
    ///
    /// # Errors
    ///
    /// As [`get_byte`](Self::get_byte).
    #[inline]
    pub fn get_be64(&mut self) -> Result<u64, Error> {
        self.get().map(u64::from_be_bytes)
    }

    #[inline]
    fn get<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.0.take() {
            Some(bytes) => Ok(bytes),
            None => poll_ready_now(self.0.get_exact()),
        }
    }

    /// Fills `into`, through the buffer and by as many refills as it takes. C: `qemu_get_buffer`,
    /// L523.
    ///
    /// # Errors
    ///
    /// [`Error::Short`] where the stream fails first; the bytes that came are in `into`.
    #[inline]
    pub fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Error> {
        if self.0.take_into(into) { Ok(()) } else { poll_ready_now(self.0.get_buffer_exact(into)) }
    }

    /// Fills a range of guest memory, through the buffer, with one copy. The calls of the channel are
    /// those of [`get_buffer`](Self::get_buffer).
    ///
    /// # Errors
    ///
    /// As [`get_buffer`](Self::get_buffer), and [`Error::Misuse`] where the range leaves the memory
    /// or is reversed.
    #[inline]
    pub fn get_guest(&mut self, memory: &GuestMemory, range: Range<usize>) -> Result<(), Error> {
        poll_ready_now(self.0.get_guest(memory, range))
    }

    /// Takes `into.len()` bytes, without copying them if they are fewer than 32,768: then the
    /// result lies in the stream's buffer, else in `into`. C: `qemu_get_buffer_in_place`, L564.
    ///
    /// # Errors
    ///
    /// As [`get_buffer`](Self::get_buffer).
    #[inline]
    pub fn get_buffer_in_place<'a>(&'a mut self, into: &'a mut [u8]) -> Result<&'a [u8], Error> {
        match self.0.take_in_place(into.len()) {
            Some(found) => Ok(self.0.at(found)),
            None => poll_ready_now(self.0.get_in_place_exact(into)),
        }
    }

    /// Takes a string of up to 255 bytes, with its length in a byte before it. The bytes are the
    /// sender's: not checked, and any of them may be 0. C: `qemu_get_counted_string`, L757.
    ///
    /// # Errors
    ///
    /// [`Error::Short`] where the stream fails in the length, or in the string.
    #[inline]
    pub fn get_counted_string(&mut self) -> Result<&[u8], Error> {
        match self.0.take_counted_string() {
            Some(found) => Ok(self.0.at(found)),
            None => poll_ready_now(self.0.get_counted_string()),
        }
    }

    /// Passes `size` bytes on to a descriptor. C: `qemu_file_get_to_fd`, L807.
    ///
    /// # Errors
    ///
    /// [`Error::Short`] where the stream fails first. [`Error::Sink`] where the descriptor does,
    /// `EINTR` and `EAGAIN` included; the stream has not failed by it, what was not written is
    /// still unread, and the call can be repeated for the rest.
    pub fn get_to_fd(&mut self, fd: impl AsFd, size: usize) -> Result<(), Error> {
        poll_ready_now(self.0.get_to_fd(fd.as_fd(), size))
    }

    /// As [`get_to_fd`](Self::get_to_fd), to anything that can be written to.
    ///
    /// # Errors
    ///
    /// As [`get_to_fd`](Self::get_to_fd).
    pub fn get_to(&mut self, sink: &mut dyn Write, size: usize) -> Result<(), Error> {
        poll_ready_now(self.0.get_to(|bytes| sink.write(bytes), size))
    }

    /// Fills `into` with the channel's bytes from `offset` on. What is buffered, and the place where
    /// the stream goes on, are left alone. C: `qemu_get_buffer_at` of QEMU 9.0, which has the same
    /// result for no bytes and for a failure.
    ///
    /// # Errors
    ///
    /// The stream's first error. An end before the last byte is one.
    pub fn get_buffer_at(&mut self, into: &mut [u8], offset: u64) -> Result<(), StreamError> {
        poll_ready_now(self.0.endpoint.read_at(into, offset))
    }

    /// Drops what is buffered and moves the channel's place; where it is then, in bytes from the
    /// start. An error of the stream stays. C: `qemu_set_offset` of QEMU 9.0.
    ///
    /// # Errors
    ///
    /// That of the seek, which is the stream's from then on.
    pub fn set_offset(&mut self, to: SeekFrom) -> Result<u64, StreamError> {
        self.0.set_offset(to)
    }

    /// Where the next byte of the stream is, in bytes from the start of the channel. C:
    /// `qemu_get_offset` of QEMU 9.0, which says where the channel is:
    /// [`channel_offset`](crate::Quirks::channel_offset).
    ///
    /// # Errors
    ///
    /// As for [`set_offset`](Self::set_offset).
    pub fn offset(&mut self) -> Result<u64, StreamError> {
        self.0.offset()
    }

    /// Takes the space that carries a descriptor, and the descriptor. It is closed on `exec`. C:
    /// `qemu_file_get_fd` of QEMU 10.0.
    ///
    /// Descriptors that were not received are closed and
    /// [reported](crate::Notice::UnclaimedDescriptor) by [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] unless [`Config::release`] is 10.0 or later. [`Error::Short`] at the end of
    /// the stream. [`Error::Stream`] where the channel passes no descriptors, where another byte
    /// comes, which is consumed, or where none came with it; these are
    /// [reported](crate::Notice::DescriptorFailed) as well.
    pub fn receive_descriptor(&mut self) -> Result<OwnedFd, Error> {
        poll_ready_now(self.0.receive_descriptor())
    }

    /// Closes the stream and its channel, also for others who share it. C: `qemu_fclose`, L355.
    ///
    /// # Errors
    ///
    /// The stream's first error and the channel's last word, if there are any. A stream that was
    /// read up to its end and not beyond has no error.
    pub fn close(self) -> Result<(), CloseError> {
        self.0.close()
    }
}

/// Closes the channel of a stream whose last error is `stream`.
pub(crate) fn close(endpoint: &Endpoint, stream: Option<StreamError>) -> Result<(), CloseError> {
    closed(stream, endpoint.channel().close())
}

/// What a close came to.
pub(crate) fn closed(
    stream: Option<StreamError>,
    channel: io::Result<()>,
) -> Result<(), CloseError> {
    let channel = channel.err().map(Arc::new);
    if stream.is_none() && channel.is_none() { Ok(()) } else { Err(CloseError { stream, channel }) }
}

impl HasEndpoint for Reader {
    fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}

impl Stream for Reader {}

/// The end of the stream reads as no bytes, as everywhere in Rust; [`Stream::error`] knows of it.
impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// [`fill_buf`](BufRead::fill_buf) refills the buffer once, and only if it is empty.
impl BufRead for Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        poll_ready_now(self.0.fill_if_empty())?;
        Ok(self.0.buffered())
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(&self.0, f.debug_struct("Reader"))
    }
}

pub(crate) fn debug(input: &Input, mut f: fmt::DebugStruct<'_, '_>) -> fmt::Result {
    f.field("channel", input.endpoint.channel())
        .field("buffered", &input.buffered().len())
        .field("error", &input.endpoint.error())
        .finish_non_exhaustive()
}
