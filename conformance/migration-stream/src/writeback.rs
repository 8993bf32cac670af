//! Writing a stream again: every operation of the loader becomes the one that QEMU's source has in
//! its place.

use qemufile_core::Writer;

use crate::loader::{Fault, Loader};

/// One operation of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put<'a> {
    /// C: `qemu_put_byte`.
    Byte(u8),
    /// C: `qemu_put_be16`.
    Be16(u16),
    /// C: `qemu_put_be32`.
    Be32(u32),
    /// C: `qemu_put_be64`.
    Be64(u64),
    /// C: `qemu_put_buffer`.
    Buffer(&'a [u8]),
    /// A length byte and a text. C: `qemu_put_counted_string`.
    CountedString(&'a [u8]),
    /// A whole page of guest memory. C: `qemu_put_buffer_async`, or a copy.
    Page(&'a [u8]),
}

impl Put<'_> {
    /// Bytes that it takes in the stream.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Byte(_) => 1,
            Self::Be16(_) => 2,
            Self::Be32(_) => 4,
            Self::Be64(_) => 8,
            Self::Buffer(bytes) | Self::Page(bytes) => bytes.len(),
            Self::CountedString(bytes) => bytes.len() + 1,
        }
    }

    /// Whether it takes none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Takes the operations of a source.
pub trait Sink {
    /// Carries out one.
    ///
    /// # Errors
    ///
    /// [`Fault`]; nothing more is asked then.
    fn put(&mut self, put: Put<'_>) -> Result<(), Fault>;

    /// What is read next is not at hand: the channel may be waited for. Who hands a live stream on
    /// writes out here all that is still queued.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    fn before_wait(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn put(&mut self, put: Put<'_>) -> Result<(), Fault> {
        (**self).put(put)
    }

    fn before_wait(&mut self) -> Result<(), Fault> {
        (**self).before_wait()
    }
}

/// Writes with the core: pages as pieces of their own, all else through the buffer, as QEMU's
/// source does. Flushes before the source of the stream is waited for.
impl Sink for Writer {
    fn put(&mut self, put: Put<'_>) -> Result<(), Fault> {
        let written = match put {
            Put::Byte(value) => self.put_byte(value),
            Put::Be16(value) => self.put_be16(value),
            Put::Be32(value) => self.put_be32(value),
            Put::Be64(value) => self.put_be64(value),
            Put::Buffer(bytes) => self.put_buffer(bytes),
            Put::CountedString(text) => self
                .put_byte(u8::try_from(text.len()).unwrap_or(u8::MAX))
                .and_then(|()| self.put_buffer(text)),
            Put::Page(page) => self.put_shared(page.to_vec()),
        };
        written.map_err(|error| Fault::Failed(error.to_string()))
    }

    fn before_wait(&mut self) -> Result<(), Fault> {
        self.flush().map_err(|error| Fault::Failed(error.to_string()))
    }
}

/// Loads from one loader, and writes what it gives: with a [`Writer`] as the sink a proxy between
/// two live ends.
///
/// ```
/// use std::sync::Arc;
/// use migration_stream::{CoreLoader, Echo, Plan, walk};
/// use qemufile_core::{MemoryChannel, Writer};
///
/// let stream = b"QEVM\0\0\0\x03\x08\0\x01\0\0\0".to_vec();
/// let to = Arc::new(MemoryChannel::new());
/// let from = CoreLoader::new(Arc::new(MemoryChannel::with_input(stream.clone())));
/// let mut echo = Echo::new(from, Writer::new(to.clone()));
/// walk(&mut echo, &Plan::default(), &mut ()).end?;
/// echo.into_sink().close()?;
/// assert_eq!(to.take_output(), stream);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Echo<L, S> {
    inner: L,
    sink: S,
    packaged: bool,
}

impl<L: Loader, S: Sink> Echo<L, S> {
    /// Gives to `sink` what it takes from `inner`.
    pub fn new(inner: L, sink: S) -> Self {
        Self { inner, sink, packaged: false }
    }

    /// What it wrote to.
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// Tells the sink, if an operation on `wanted` bytes may have to wait.
    fn ready(&mut self, wanted: usize) -> Result<(), Fault> {
        if !self.packaged && self.inner.buffered() < wanted {
            return self.sink.before_wait();
        }
        Ok(())
    }

    /// The bytes of a package were written when they were taken as a whole.
    fn put(&mut self, put: Put<'_>) -> Result<(), Fault> {
        if self.packaged { Ok(()) } else { self.sink.put(put) }
    }
}

impl<L: Loader, S: Sink> Loader for Echo<L, S> {
    fn peek_byte(&mut self, offset: usize) -> Result<u8, Fault> {
        self.ready(offset + 1)?;
        self.inner.peek_byte(offset)
    }

    fn peek_buffer(&mut self, into: &mut [u8], offset: usize) -> Result<(), Fault> {
        self.ready(offset + into.len())?;
        self.inner.peek_buffer(into, offset)
    }

    fn skip(&mut self, size: usize) -> Result<(), Fault> {
        self.ready(size)?;
        let mut skipped = vec![0; size];
        self.inner.peek_buffer(&mut skipped, 0)?;
        self.inner.skip(size)?;
        self.put(Put::Buffer(&skipped))
    }

    fn get_byte(&mut self) -> Result<u8, Fault> {
        self.ready(1)?;
        let value = self.inner.get_byte()?;
        self.put(Put::Byte(value)).map(|()| value)
    }

    fn get_be16(&mut self) -> Result<u16, Fault> {
        self.ready(2)?;
        let value = self.inner.get_be16()?;
        self.put(Put::Be16(value)).map(|()| value)
    }

    fn get_be32(&mut self) -> Result<u32, Fault> {
        self.ready(4)?;
        let value = self.inner.get_be32()?;
        self.put(Put::Be32(value)).map(|()| value)
    }

    fn get_be64(&mut self) -> Result<u64, Fault> {
        self.ready(8)?;
        let value = self.inner.get_be64()?;
        self.put(Put::Be64(value)).map(|()| value)
    }

    fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        self.ready(into.len())?;
        self.inner.get_buffer(into)?;
        self.put(Put::Buffer(into))
    }

    fn get_buffer_in_place(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        self.ready(into.len())?;
        self.inner.get_buffer_in_place(into)?;
        self.put(Put::Buffer(into))
    }

    fn get_counted_string(&mut self) -> Result<Vec<u8>, Fault> {
        self.ready(1)?;
        let len = usize::from(self.inner.peek_byte(0)?);
        self.ready(1 + len)?;
        let text = self.inner.get_counted_string()?;
        self.put(Put::CountedString(&text)).map(|()| text)
    }

    fn get_page(&mut self, into: &mut [u8], in_place: bool) -> Result<(), Fault> {
        self.ready(into.len())?;
        self.inner.get_page(into, in_place)?;
        self.put(Put::Page(into))
    }

    fn enter(&mut self, package: Vec<u8>) -> Result<(), Fault> {
        self.packaged = true;
        self.inner.enter(package)
    }

    fn leave(&mut self) -> Result<(), Fault> {
        self.packaged = false;
        self.inner.leave()
    }

    fn position(&self) -> u64 {
        self.inner.position()
    }

    fn buffered(&self) -> usize {
        self.inner.buffered()
    }
}
