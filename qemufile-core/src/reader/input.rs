//! The reading buffer: when it is refilled, what moves, what is asked for.

use crate::IO_BUF_SIZE;
use crate::attempts::{Attempts, Settled};
use crate::buffer::{self, Buffer};
use crate::endpoint::Endpoint;
use crate::error::{Cause, Error, Misuse, Operation, ShortRead, StreamError};

use std::collections::VecDeque;
use std::ops::Range;
use std::os::fd::OwnedFd;

mod later;
use later::read_with_descriptors;
mod sink;

/// Unread bytes are `buffer[index..size]`.
pub(crate) struct Input {
    pub(crate) endpoint: Endpoint,
    buffer: Box<Buffer>,
    index: usize,
    size: usize,
    /// Descriptors that came in and were not received yet, in order. C: `fds`; from 10.0.
    descriptors: VecDeque<OwnedFd>,
}

/// Where the bytes of an in-place read are.
pub(crate) enum Found {
    InPlace(Range<usize>),
    /// In the caller's buffer, as many as this.
    Copied(usize),
}

impl Input {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let descriptors = VecDeque::new();
        Self { endpoint, buffer: Buffer::zeroed(), index: 0, size: 0, descriptors }
    }

    #[inline]
    pub(crate) fn buffered(&self) -> &[u8] {
        self.at(self.index..self.size)
    }

    #[inline]
    pub(crate) fn at(&self, range: Range<usize>) -> &[u8] {
        self.buffer.0.get(range).unwrap_or_default()
    }

    /// Takes the next `N` bytes, if they are buffered.
    #[inline]
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.buffer.0.get(self.index..)?.first_chunk::<N>()?;
        let end = self.index + N;
        if end > self.size {
            return None;
        }
        self.index = end;
        Some(bytes)
    }

    /// Fills `into`, if that many bytes are buffered.
    #[inline]
    pub(crate) fn take_into(&mut self, into: &mut [u8]) -> bool {
        let Some(bytes) = self.buffered().get(..into.len()) else { return false };
        buffer::copy(into, bytes);
        self.index += into.len();
        true
    }

    /// Takes the next `size` bytes where they are, if they fit the buffer and come before the stream
    /// fails; only for a stream that [blocks](Endpoint::blocks).
    ///
    /// Where the stream fails, nothing is lost by asking again: all is at the front by then.
    #[inline]
    pub(crate) fn take_in_place(&mut self, size: usize) -> Option<Range<usize>> {
        if size >= IO_BUF_SIZE {
            return None;
        }
        if self.size - self.index < size && !self.hold_now(size) {
            return None;
        }
        let found = self.index..self.index + size;
        self.index = found.end;
        Some(found)
    }

    /// Where `size` bytes at `offset` are, if they are buffered and may be looked at.
    #[inline]
    pub(crate) fn look(&self, size: usize, offset: usize) -> Option<Range<usize>> {
        let start = self.index.checked_add(offset)?;
        let end = start.checked_add(size)?;
        (end <= self.size && offset < IO_BUF_SIZE).then_some(start..end)
    }

    /// Takes a counted string, if it is buffered whole.
    #[inline]
    pub(crate) fn take_counted_string(&mut self) -> Option<Range<usize>> {
        let len = usize::from(*self.buffered().first()?);
        let start = self.index + 1;
        let end = start + len;
        if end > self.size {
            return None;
        }
        self.index = end;
        Some(start..end)
    }

    /// Refills the buffer by one read: what is unread moves to the front, the rest is asked for.
    /// C: `qemu_fill_buffer`, L301.
    pub(crate) async fn fill(&mut self) -> Result<(), StreamError> {
        if self.endpoint.blocks() {
            return self.fill_now();
        }
        let mut attempts = self.begin_fill()?;
        loop {
            match self.read(&mut attempts) {
                Ok(Settled::Blocked) => match attempts.wait(&self.endpoint).await {
                    Ok(()) => {}
                    Err(error) => return Err(self.endpoint.fail(error)),
                },
                other => return other.map(drop),
            }
        }
    }

    /// As [`fill`](Self::fill), for a stream that [blocks](Endpoint::blocks): no future is made.
    fn fill_now(&mut self) -> Result<(), StreamError> {
        let mut attempts = self.begin_fill()?;
        loop {
            match self.read(&mut attempts) {
                Ok(Settled::Blocked) => match attempts.wait_now(&self.endpoint) {
                    Ok(()) => {}
                    Err(error) => return Err(self.endpoint.fail(error)),
                },
                other => return other.map(drop),
            }
        }
    }

    fn begin_fill(&mut self) -> Result<Attempts, StreamError> {
        self.buffer.0.copy_within(self.index..self.size, 0);
        self.size -= self.index;
        self.index = 0;
        self.endpoint.check()?;
        Ok(Attempts::new(Operation::Read, IO_BUF_SIZE - self.size, 0))
    }

    /// Reads until bytes came, or the channel would block.
    fn read(&mut self, attempts: &mut Attempts) -> Result<Settled, StreamError> {
        let available = self.size;
        let error = loop {
            let calling = self.endpoint.calling(Operation::Read);
            let outcome = if self.endpoint.passes_descriptors {
                let room = &mut self.buffer.0[available..];
                read_with_descriptors(&self.endpoint, room, &mut self.descriptors)
            } else {
                self.endpoint.channel().read(&mut self.buffer.0[available..])
            };
            calling.done();
            match attempts.settle(outcome) {
                Ok(Settled::Transferred(0)) => {
                    let wanted = IO_BUF_SIZE - available;
                    break StreamError::new(Cause::EndOfStream { wanted, available });
                }
                Ok(Settled::Again) => {}
                Ok(settled) => {
                    if let Settled::Transferred(count) = settled {
                        self.size += count;
                    }
                    return Ok(settled);
                }
                Err(error) => break error,
            }
        };
        Err(self.endpoint.fail(error))
    }

    /// Where `size` bytes at `offset` are, or those of them that come before the stream fails.
    /// C: `qemu_peek_buffer`, L475.
    pub(crate) async fn peek(&mut self, size: usize, offset: usize) -> Range<usize> {
        // Past the buffered bytes nothing is read: the original compares unsigned (row 3).
        while self.size.checked_sub(self.index + offset).is_some_and(|available| available < size) {
            let stale = self.index + offset..self.size;
            if self.fill().await.is_err() {
                // With the quirk, the place where the bytes were.
                let stays = self.endpoint.config.quirks.stale_peek;
                return if stays { stale } else { self.shown(size, offset) };
            }
        }
        self.shown(size, offset)
    }

    /// Refills until `size` bytes are buffered; whether they are. For a stream that
    /// [blocks](Endpoint::blocks): no future is made.
    fn hold_now(&mut self, size: usize) -> bool {
        while self.size - self.index < size {
            if self.fill_now().is_err() {
                return false;
            }
        }
        true
    }

    /// What a peek shows of the bytes that are buffered.
    fn shown(&self, size: usize, offset: usize) -> Range<usize> {
        let start = self.index + offset;
        let end = self.size.min(start + size);
        start.min(end)..end
    }

    /// The range of a peek that was checked, or why it is not all there.
    pub(crate) async fn peek_exact(
        &mut self,
        size: usize,
        offset: usize,
    ) -> Result<Range<usize>, Error> {
        check_peek(size, offset)?;
        let found = self.peek(size, offset).await;
        if found.len() == size {
            return Ok(found);
        }
        Err(self.missing(size, found.len(), self.at(found), offset))
    }

    /// Why a value has `available` of its `wanted` bytes, given as `bytes` unless the caller has
    /// them.
    fn missing(&self, wanted: usize, available: usize, bytes: &[u8], offset: usize) -> Error {
        match self.endpoint.error() {
            Some(cause) => Error::Short(Box::new(ShortRead {
                wanted,
                available,
                bytes: bytes.to_vec(),
                cause,
            })),
            None => Error::Gap { offset, available: self.buffered().len() },
        }
    }

    /// As [`peek_byte`](Self::peek_byte), or why there is none.
    pub(crate) async fn peek_byte_exact(&mut self, offset: usize) -> Result<u8, Error> {
        check_peek(1, offset)?;
        match self.peek_byte(offset).await {
            Some(byte) => Ok(byte),
            None => Err(self.missing(1, 0, &[], offset)),
        }
    }

    /// The byte at `offset`, after at most one refill. C: `qemu_peek_byte`, L586.
    pub(crate) async fn peek_byte(&mut self, offset: usize) -> Option<u8> {
        if self.size - self.index <= offset {
            // A failure is in the stream's error from here on.
            let _ = self.fill().await;
        }
        self.buffered().get(offset).copied()
    }

    /// Skips `size` buffered bytes, or none. C: `qemu_file_skip`, L460.
    #[inline]
    pub(crate) fn skip(&mut self, size: usize) -> Result<(), Error> {
        let available = self.size - self.index;
        if size > available {
            return Err(Error::NotBuffered { wanted: size, available });
        }
        self.index += size;
        Ok(())
    }

    /// Takes up to `N` bytes one by one; how many came. C: `qemu_get_be16` and its kin, L646-670.
    pub(crate) async fn get_bytes<const N: usize>(&mut self) -> ([u8; N], usize) {
        let mut bytes = [0; N];
        let mut moving = self.endpoint.moving();
        for (at, byte) in bytes.iter_mut().enumerate() {
            match self.peek_byte(0).await {
                Some(value) => *byte = value,
                None => return (bytes, at),
            }
            self.index += 1;
            moving.arm();
        }
        moving.done();
        (bytes, N)
    }

    /// As [`get_bytes`](Self::get_bytes), all or an error.
    pub(crate) async fn get_exact<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, count) = self.get_bytes().await;
        if count == N {
            return Ok(bytes);
        }
        Err(self.missing(N, count, &bytes[..count], 0))
    }

    /// Takes bytes until `into` is full or the stream fails; how many came. C: `qemu_get_buffer`,
    /// L523.
    pub(crate) async fn get_buffer(&mut self, into: &mut [u8]) -> usize {
        let mut moving = self.endpoint.moving();
        let mut done = 0;
        while done < into.len() {
            let found = self.peek((into.len() - done).min(IO_BUF_SIZE), 0).await;
            let count = found.len();
            if count == 0 {
                break;
            }
            buffer::copy(&mut into[done..done + count], &self.buffer.0[found]);
            self.index += count;
            done += count;
            moving.arm();
        }
        moving.done();
        done
    }

    /// As [`get_buffer`](Self::get_buffer), all or an error.
    pub(crate) async fn get_buffer_exact(&mut self, into: &mut [u8]) -> Result<(), Error> {
        let count = self.get_buffer(into).await;
        self.counted(into.len(), count)
    }

    fn counted(&self, wanted: usize, count: usize) -> Result<(), Error> {
        if count == wanted { Ok(()) } else { Err(self.missing(wanted, count, &[], 0)) }
    }

    /// Takes bytes without copying them, if they fit the buffer and are all there. C:
    /// `qemu_get_buffer_in_place`, L564.
    pub(crate) async fn get_in_place(&mut self, into: &mut [u8]) -> Found {
        if into.len() < IO_BUF_SIZE {
            let found = self.peek(into.len(), 0).await;
            if found.len() == into.len() {
                self.index += found.len();
                return Found::InPlace(found);
            }
        }
        Found::Copied(self.get_buffer(into).await)
    }

    pub(crate) async fn get_in_place_exact<'a>(
        &'a mut self,
        into: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        match self.get_in_place(into).await {
            Found::InPlace(range) => Ok(self.at(range)),
            Found::Copied(count) => self.counted(into.len(), count).map(|()| &*into),
        }
    }

    /// Takes a length byte and that many bytes. C: `qemu_get_counted_string`, L757.
    pub(crate) async fn get_counted_string(&mut self) -> Result<&[u8], Error> {
        let [len] = match self.take() {
            Some(len) => len,
            None => self.get_exact().await?,
        };
        let mut moving = self.endpoint.moving();
        moving.arm();
        let wanted = usize::from(len);
        let found = self.peek(wanted, 0).await;
        moving.done();
        self.index += found.len();
        if found.len() < wanted {
            return Err(self.missing(wanted, found.len(), self.at(found), 0));
        }
        Ok(self.at(found))
    }

    /// Bytes for `BufRead`: the end of the stream is none, as there.
    pub(crate) async fn fill_if_empty(&mut self) -> std::io::Result<()> {
        if self.index == self.size {
            match self.fill().await {
                Err(error) if !error.is_end_of_stream() => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.index += count.min(self.size - self.index);
    }
}

pub(crate) fn check_peek(size: usize, offset: usize) -> Result<(), Misuse> {
    if offset < IO_BUF_SIZE && size <= IO_BUF_SIZE - offset {
        Ok(())
    } else {
        Err(Misuse::PeekOutOfRange { size, offset })
    }
}
