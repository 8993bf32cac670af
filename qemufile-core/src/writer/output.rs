//! The writing side: what is queued, when it is flushed, what a flush does.

use std::ops::Range;

use bytes::Bytes;

use super::queue::{AfterPush, Queue};
use super::source::{QueuedBytes, Source};
use crate::IO_BUF_SIZE;
use crate::attempts::{Attempts, Settled};
use crate::endpoint::Endpoint;
use crate::error::{Error, Misuse, Operation, StreamError};
use crate::memory::GuestMemory;
use crate::notice::Notice;

/// The length byte of a counted string. C: the assertion L775.
#[inline]
pub(super) fn counted(text: &[u8]) -> Result<u8, Misuse> {
    u8::try_from(text.len()).map_err(|_| Misuse::StringTooLong { len: text.len() })
}

pub(crate) struct Output {
    pub(crate) endpoint: Endpoint,
    pub(crate) queue: Queue,
    /// Bytes that the channel has of a flush that was begun and not ended: the future of an
    /// asynchronous writer was dropped in between.
    begun: Option<usize>,
}

/// The stream has failed, or a flush is left half-way.
pub(crate) struct SlowPath;

impl Output {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let queue = Queue::new(&endpoint.config);
        Self { endpoint, queue, begun: None }
    }

    /// Puts bytes the short way: into a run, on a stream that has not failed.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> bool {
        !self.endpoint.failed() && (self.queue.extend(bytes) || self.begin_with(bytes))
    }

    #[inline(never)]
    fn begin_with(&mut self, bytes: &[u8]) -> bool {
        self.begun.is_none() && self.queue.begin_with(bytes)
    }

    /// Whether what is put may be queued at once.
    #[inline]
    fn is_ready(&self) -> bool {
        !self.endpoint.failed() && self.begun.is_none()
    }

    /// The check of every put: no error, and no flush left half-way.
    async fn begin(&mut self) -> Result<(), StreamError> {
        if self.is_ready() {
            return Ok(());
        }
        self.endpoint.check()?;
        self.flush().await
    }

    async fn then(&mut self, then: AfterPush) -> Result<(), StreamError> {
        match then {
            AfterPush::Continue => self.endpoint.check(),
            AfterPush::Flush => self.flush().await,
        }
    }

    /// Writes all pieces, releases what may be released, empties the queue. C: `qemu_fflush`,
    /// L265.
    pub(crate) async fn flush(&mut self) -> Result<(), StreamError> {
        if self.endpoint.blocks() {
            return self.flush_now();
        }
        let mut attempts = self.begin_flush()?;
        let written = loop {
            match self.write(&mut attempts) {
                Ok(Settled::Blocked) => match attempts.wait(&self.endpoint).await {
                    Ok(()) => {}
                    failed => break failed,
                },
                other => break other.map(drop),
            }
        };
        self.end_flush(written)
    }

    /// As [`flush`](Self::flush), for a stream that [blocks](Endpoint::blocks): no future is made.
    pub(crate) fn flush_now(&mut self) -> Result<(), StreamError> {
        let mut attempts = self.begin_flush()?;
        let written = loop {
            match self.write(&mut attempts) {
                Ok(Settled::Blocked) => match attempts.wait_now(&self.endpoint) {
                    Ok(()) => {}
                    failed => break failed,
                },
                other => break other.map(drop),
            }
        };
        self.end_flush(written)
    }

    fn begin_flush(&mut self) -> Result<Attempts, StreamError> {
        self.endpoint.check()?;
        self.queue.close_run();
        Ok(Attempts::new(Operation::Write, self.queue.len(), self.begun.unwrap_or(0)))
    }

    /// Writes until all is written, or the channel would block. C: `qio_channel_writev_all`, as its
    /// callers see it.
    fn write(&mut self, attempts: &mut Attempts) -> Result<Settled, StreamError> {
        while attempts.done() < self.queue.len() {
            self.begun = Some(attempts.done());
            let calling = self.endpoint.calling(Operation::Write);
            let outcome = self.endpoint.channel().write(self.queue.pieces().after(attempts.done()));
            calling.done();
            if let Settled::Blocked = attempts.settle(outcome)? {
                return Ok(Settled::Blocked);
            }
        }
        Ok(Settled::Transferred(attempts.done()))
    }

    fn end_flush(&mut self, written: Result<(), StreamError>) -> Result<(), StreamError> {
        let sent = self.queue.len();
        // The queue is empty before any code of the caller's runs: if that panics, nothing of it is
        // written twice.
        let flushed = self.queue.take();
        self.begun = None;
        if written.is_ok() {
            self.endpoint.config.transferred.add(sent);
        }
        let keep = written.is_err() && !self.endpoint.config.quirks.release_unsent;
        if let Err(error) = written {
            self.endpoint.fail(error);
        }
        if keep {
            self.queue.clear_marks();
        } else {
            let config = &self.endpoint.config;
            flushed.release(|target| {
                if let Err(error) = config.release_memory.release(target) {
                    config.reporter.report(&Notice::ReleaseFailed { target, error: &error });
                }
            });
        }
        self.queue.recycle(flushed);
        self.endpoint.check()
    }

    /// C: `qemu_put_buffer`, L427.
    pub(crate) async fn put_buffer(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        self.begin().await?;
        let mut moving = self.endpoint.moving();
        while !bytes.is_empty() {
            let then = self.queue.put_front(&mut bytes);
            // Once all is queued, only the flush is left, which the next call goes on with.
            if bytes.is_empty() {
                moving.done();
                return self.then(then).await;
            }
            moving.arm();
            self.then(then).await?;
        }
        Ok(())
    }

    /// As [`put_buffer`](Self::put_buffer), for a stream that [blocks](Endpoint::blocks): no future is
    /// made.
    pub(crate) fn put_buffer_now(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        self.endpoint.check()?;
        while !bytes.is_empty() {
            match self.queue.put_front(&mut bytes) {
                AfterPush::Continue => self.endpoint.check()?,
                AfterPush::Flush => self.flush_now()?,
            }
        }
        Ok(())
    }

    /// As many `put_byte`s as there are bytes. C: `qemu_put_be16` and its kin, L626-644.
    pub(crate) async fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut moving = self.endpoint.moving();
        let mut done = 0;
        while done + 1 < bytes.len() {
            moving.arm();
            self.put_buffer(&bytes[done..=done]).await?;
            done += 1;
            if self.extend(&bytes[done..]) {
                done = bytes.len();
            }
        }
        moving.done();
        self.put_buffer(&bytes[done..]).await
    }

    pub(crate) async fn put_counted_string(&mut self, text: &[u8]) -> Result<(), Error> {
        let len = counted(text)?;
        self.begin().await?;
        let mut moving = self.endpoint.moving();
        if !text.is_empty() {
            moving.arm();
        }
        self.put_bytes(&[len]).await?;
        moving.done();
        Ok(self.put_buffer(text).await?)
    }

    /// Queues a source, if no flush has to come before it.
    #[inline]
    pub(crate) fn push(
        &mut self,
        source: Source<'_>,
        may_free: bool,
    ) -> Result<AfterPush, SlowPath> {
        if self.is_ready() { Ok(self.queue.push(source, may_free)) } else { Err(SlowPath) }
    }

    /// C: `qemu_put_buffer_async`, L417.
    async fn put_source(&mut self, source: Source<'_>, may_free: bool) -> Result<(), StreamError> {
        self.begin().await?;
        let then = self.queue.push(source, may_free);
        self.then(then).await
    }

    pub(crate) async fn put_shared(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.put_source(Source::Shared(bytes), false).await
    }

    pub(crate) async fn put_guest(
        &mut self,
        memory: &GuestMemory,
        range: Range<usize>,
        may_free: bool,
    ) -> Result<(), Error> {
        Ok(self.put_source(Source::guest(memory, range)?, may_free).await?)
    }

    /// Moves what `source` has queued to this stream; how many bytes. C: `qemu_put_qemu_file`,
    /// L726.
    pub(crate) async fn put_stream(&mut self, source: &mut Self) -> Result<usize, StreamError> {
        if source.begun.is_some() {
            source.flush().await?;
        }
        if self.endpoint.config.quirks.lossy_put_stream {
            return Ok(self.put_stream_lossy(source).await);
        }
        self.begin().await?;
        let moved = source.queue.len();
        let mut moving = self.endpoint.moving();
        moving.arm();
        for (moved, may_free) in source.queue.contents() {
            match moved {
                QueuedBytes::Buffered(bytes) => self.put_buffer(bytes).await?,
                QueuedBytes::Borrowed(elsewhere) => self.put_source(elsewhere, may_free).await?,
            }
        }
        moving.done();
        source.queue.clear();
        source.queue.clear_marks();
        Ok(moved)
    }

    async fn put_stream_lossy(&mut self, source: &mut Self) -> usize {
        let bytes = source.queue.buffered();
        let moved = bytes.len();
        if moved > 0 {
            // An error is this stream's from here on; the original does not look at it.
            let _ = self.put_buffer(bytes).await;
            source.queue.clear();
        }
        moved
    }

    /// Compresses `data` with `deflate` into the buffer, behind a big-endian length; gives the
    /// length of both. C: `qemu_put_compression_data`, L702.
    ///
    /// `deflate` fills the front of the room it is given and says how much of it.
    #[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
    pub(crate) async fn put_compressed(
        &mut self,
        bound: usize,
        deflate: impl FnOnce(&mut [u8]) -> Result<usize, Error>,
    ) -> Result<usize, Error> {
        const HEADER: usize = size_of::<u32>();
        let torn = self.endpoint.config.quirks.torn_compression;
        if !torn {
            self.begin().await?;
        } else if self.begun.is_some() {
            // The header would end the flush only after the payload is in its place.
            let _ = self.flush().await;
        }
        let room = self.queue.room();
        let available = room.len().saturating_sub(HEADER);
        let halves = room.split_at_mut_checked(HEADER);
        let Some((header, payload)) = halves.filter(|(_, payload)| payload.len() >= bound) else {
            return Err(Error::NoSpace { needed: bound, available });
        };
        let len = deflate(payload)?;
        // The room is less than 32 KiB.
        let bytes = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        if torn {
            // Errors of the header are the stream's; the original does not look at them.
            let _ = self.put_bytes(&bytes).await;
            self.push_torn(len).await;
        } else {
            header.copy_from_slice(&bytes);
            let then = self.queue.push_buffered(HEADER + len);
            self.then(then).await?;
        }
        Ok(HEADER + len)
    }

    #[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
    async fn push_torn(&mut self, len: usize) {
        let len = len.min(self.queue.room().len());
        let then = self.queue.push_buffered(len);
        let _ = self.then(then).await;
    }

    /// Bytes queued that the channel does not have.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len() - self.begun.unwrap_or(0)
    }

    pub(crate) fn transferred(&self) -> u64 {
        self.endpoint.config.transferred.get() + self.queue.len() as u64
    }

    /// Forgets the queue, when its loss has been told.
    pub(crate) fn abandon(&mut self) {
        self.queue.clear();
        self.begun = None;
    }

    /// Tells that `bytes` of the queue are lost, if there are any.
    pub(crate) fn report_dropped(&self, bytes: usize, error: Option<&StreamError>) {
        if bytes > 0 {
            self.endpoint.config.reporter.report(&Notice::Dropped { bytes, error });
        }
    }
}

const _: () = assert!(IO_BUF_SIZE <= u32::MAX as usize);
