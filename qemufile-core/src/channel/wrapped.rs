//! A channel over anything that reads and writes.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Channel, Direction, descriptor::wait_for, null::closed};
use crate::IO_BUF_SIZE;
use crate::attempts::IDLE_WAITS;
use crate::pieces::Pieces;

/// One value for both directions, behind a lock.
pub struct Duplex<T>(Arc<Mutex<T>>);

impl<T> Duplex<T> {
    /// The value, locked.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Read> Read for Duplex<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.lock().read(into)
    }
}

impl<T: Write> Write for Duplex<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

impl<T> fmt::Debug for Duplex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Duplex")
    }
}

/// A writer, and what is on its way to it.
struct Sending<W> {
    writer: W,
    /// A copy of what is written: a `Write` takes slices, and a guest's memory is none.
    copy: Box<[u8]>,
    /// Bytes that the writer took may wait in it for a flush.
    unflushed: bool,
}

impl<W: Write> Sending<W> {
    fn flush(&mut self) -> io::Result<()> {
        if self.unflushed {
            self.writer.flush()?;
            self.unflushed = false;
        }
        Ok(())
    }
}

/// Adapts a reader and a writer, such as the two halves of a TLS stream.
///
/// [`new`](Self::new) takes one value that is both. It has one lock then: a thread that blocks in
/// a read keeps others from writing. For two threads, [`split`](Self::split) it, or let it fail
/// with [`WouldBlock`](ErrorKind::WouldBlock) and [wait on](Self::wait_on) its descriptor. The
/// writer is flushed after each write.
///
/// ```
/// use std::io::Cursor;
/// use std::sync::Arc;
/// use qemufile_core::{Reader, WrappedChannel};
///
/// let source = Cursor::new(b"\x00\x07".to_vec());
/// let mut reader = Reader::new(Arc::new(WrappedChannel::new(source)));
/// assert_eq!(reader.get_be16()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WrappedChannel<R, W> {
    reader: Mutex<R>,
    sending: Mutex<Sending<W>>,
    closed: AtomicBool,
    readiness: Option<OwnedFd>,
    timeout: Option<Duration>,
    shutdown: Option<Box<Hook>>,
    closing: Option<Box<Closing<W>>>,
}

type Hook = dyn Fn() -> io::Result<()> + Send + Sync;
type Closing<W> = dyn Fn(&mut W) -> io::Result<()> + Send + Sync;

impl<T: Read + Write + Send> WrappedChannel<Duplex<T>, Duplex<T>> {
    /// Wraps one value for both directions.
    #[must_use]
    pub fn new(inner: T) -> Self {
        let inner = Arc::new(Mutex::new(inner));
        Self::split(Duplex(inner.clone()), Duplex(inner))
    }
}

impl<R: Read + Send, W: Write + Send> WrappedChannel<R, W> {
    /// Wraps two halves, each with a lock of its own.
    #[must_use]
    pub fn split(reader: R, writer: W) -> Self {
        let copy = vec![0; IO_BUF_SIZE].into_boxed_slice();
        Self {
            reader: Mutex::new(reader),
            sending: Mutex::new(Sending { writer, copy, unflushed: false }),
            closed: AtomicBool::new(false),
            readiness: None,
            timeout: None,
            shutdown: None,
            closing: None,
        }
    }

    /// The descriptor beneath it, to wait on where an operation would block. Without one, that is
    /// an error.
    #[must_use]
    pub fn wait_on(self, descriptor: impl Into<OwnedFd>) -> Self {
        Self { readiness: Some(descriptor.into()), ..self }
    }

    /// Bounds each wait: one that takes longer fails with [`ErrorKind::TimedOut`].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// What shuts it down, while another thread may be blocked in it: as a rule the `shutdown` of
    /// a clone of the socket beneath.
    #[must_use]
    pub fn on_shutdown(self, hook: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { shutdown: Some(Box::new(hook)), ..self }
    }

    /// What says goodbye at a close, before the last flush: the `close_notify` of TLS.
    #[must_use]
    pub fn on_close(self, hook: impl Fn(&mut W) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { closing: Some(Box::new(hook)), ..self }
    }

    fn open(&self) -> io::Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(closed()) } else { Ok(()) }
    }

    fn sending(&self) -> MutexGuard<'_, Sending<W>> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Read + Send + 'static, W: Write + Send + 'static> Channel for WrappedChannel<R, W> {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.open()?;
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).read(into)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        self.open()?;
        let mut sending = self.sending();
        let sending = &mut *sending;
        sending.flush()?;
        let count = pieces.copy_front(&mut sending.copy);
        let written = sending.writer.write(&sending.copy[..count])?;
        if written > count {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("the wrapped writer claims {written} bytes where it was given {count}"),
            ));
        }
        sending.unflushed = true;
        match sending.flush() {
            Err(error)
                if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Err(error)
            }
            // The bytes are taken; the next write or the close flushes first.
            _ => Ok(written),
        }
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        match &self.readiness {
            Some(descriptor) => wait_for(descriptor, direction, self.timeout),
            None => Err(io::Error::new(
                ErrorKind::Unsupported,
                "the wrapped value would block, and has no descriptor to wait on",
            )),
        }
    }

    fn can_shutdown(&self) -> bool {
        self.shutdown.is_some()
    }

    fn shutdown(&self) -> io::Result<()> {
        match &self.shutdown {
            Some(hook) => hook(),
            None => Err(ErrorKind::Unsupported.into()),
        }
    }

    fn close(&self) -> io::Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let mut sending = self.sending();
        if let Some(goodbye) = &self.closing {
            goodbye(&mut sending.writer)?;
            sending.unflushed = true;
        }
        for _ in 0..IDLE_WAITS {
            match sending.flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(Direction::Output)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
        sending.flush()
    }

    /// Unsupported: the mode belongs to the wrapped value.
    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::Unsupported, "set the mode of the wrapped value itself"))
    }
}

impl<R, W> fmt::Debug for WrappedChannel<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedChannel").field("closed", &self.closed).finish_non_exhaustive()
    }
}
