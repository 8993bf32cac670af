//! The operations by which a stream is loaded, and the core's reader as one that has them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use qemufile_core::{Channel, Error, MemoryChannel, Reader, WrappedChannel};

use crate::error::Problem;

/// Why an operation of a loader gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The stream is over: so many bytes were asked for.
    Ended {
        /// Bytes of the value.
        wanted: usize,
    },
    /// The channel, or the operation itself, failed.
    Failed(String),
    /// The subjects behind the loader did not do the same.
    Diverged,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Ended { wanted } => Self::Ended { wanted },
            Fault::Failed(text) => Self::Failed(text),
            Fault::Diverged => Self::Diverged,
        }
    }
}

const NO_FILE: &str = "memory lies at fixed places (mapped-ram), and this is no file";

/// What QEMU's loaders ask of a stream. C: the `qemu_get_*` and `qemu_peek_*` functions.
///
/// After a fault nothing more is asked.
pub trait Loader {
    /// C: `qemu_peek_byte`, L586.
    ///
    /// # Errors
    ///
    /// [`Fault`], here and everywhere below: the stream ended or failed.
    fn peek_byte(&mut self, offset: usize) -> Result<u8, Fault>;

    /// C: `qemu_peek_buffer`, L475.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn peek_buffer(&mut self, into: &mut [u8], offset: usize) -> Result<(), Fault>;

    /// Skips bytes that were peeked at. C: `qemu_file_skip`, L460.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn skip(&mut self, size: usize) -> Result<(), Fault>;

    /// C: `qemu_get_byte`, L603.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_byte(&mut self) -> Result<u8, Fault>;

    /// C: `qemu_get_be16`, L646.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_be16(&mut self) -> Result<u16, Fault>;

    /// C: `qemu_get_be32`, L654.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_be32(&mut self) -> Result<u32, Fault>;

    /// C: `qemu_get_be64`, L664.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_be64(&mut self) -> Result<u64, Fault>;

    /// C: `qemu_get_buffer`, L523.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Fault>;

    /// C: `qemu_get_buffer_in_place`, L564. The bytes are copied out, so that all loaders agree.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_buffer_in_place(&mut self, into: &mut [u8]) -> Result<(), Fault>;

    /// C: `qemu_get_counted_string`, L757.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_counted_string(&mut self) -> Result<Vec<u8>, Fault>;

    /// Takes a whole page of guest memory: once postcopy listens in place, before by a copy.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn get_page(&mut self, into: &mut [u8], in_place: bool) -> Result<(), Fault> {
        if in_place { self.get_buffer_in_place(into) } else { self.get_buffer(into) }
    }

    /// Goes on with the bytes of a package, which have just been taken from the stream, as a
    /// stream of their own.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn enter(&mut self, package: Vec<u8>) -> Result<(), Fault>;

    /// Goes back to the stream that held the package.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte).
    fn leave(&mut self) -> Result<(), Fault>;

    /// Offset of the next byte in the outermost stream; operations that failed do not count.
    fn position(&self) -> u64;

    /// Bytes that are at hand: what asks for no more does not wait for the channel.
    fn buffered(&self) -> usize {
        0
    }

    /// Reads at a place of the file that the stream lies in, counted from the beginning of the
    /// file, and stays where it is. C: `qemu_get_buffer_at`.
    ///
    /// # Errors
    ///
    /// See [`peek_byte`](Self::peek_byte); where there is no file but a stream.
    fn read_at(&mut self, place: u64, into: &mut [u8]) -> Result<(), Fault> {
        let _ = (place, into);
        Err(Fault::Failed(NO_FILE.to_owned()))
    }

    /// Goes on at a place of the file. C: `qemu_set_offset`.
    ///
    /// # Errors
    ///
    /// As [`read_at`](Self::read_at).
    fn seek(&mut self, place: u64) -> Result<(), Fault> {
        let _ = place;
        Err(Fault::Failed(NO_FILE.to_owned()))
    }
}

/// Where a loader is, in bytes from the beginning of the outermost stream. For those who write a
/// [`Loader`].
#[derive(Debug)]
pub struct Offsets(
    /// One entry for the stream, and one for the package that it is in.
    Vec<u64>,
);

impl Default for Offsets {
    fn default() -> Self {
        Self::new()
    }
}

impl Offsets {
    /// At the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self(vec![0])
    }

    /// Offset of the next byte.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.0.last().copied().unwrap_or(0)
    }

    /// Goes on by `len` bytes.
    pub fn advance(&mut self, len: usize) {
        if let Some(position) = self.0.last_mut() {
            *position += len as u64;
        }
    }

    /// Goes to a place of the stream.
    pub fn set(&mut self, position: u64) {
        if let Some(last) = self.0.last_mut() {
            *last = position;
        }
    }

    /// Goes back by `len` bytes, to the beginning of a package that has been taken as a whole.
    pub fn enter(&mut self, len: usize) {
        self.0.push(self.current().saturating_sub(len as u64));
    }

    /// Goes to the end of the package; without one, nothing happens.
    pub fn leave(&mut self) {
        if self.0.len() > 1 {
            self.0.pop();
        }
    }
}

/// A file, read from a place of its own.
struct FileAt {
    file: Arc<File>,
    place: u64,
}

impl io::Read for FileAt {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(into, self.place)?;
        self.place += count as u64;
        Ok(count)
    }
}

/// Loads with the core's [`Reader`].
pub struct CoreLoader {
    reader: Reader,
    package: Option<Reader>,
    positions: Offsets,
    /// The file, and where the stream begins in it.
    file: Option<(Arc<File>, u64)>,
}

impl CoreLoader {
    /// Reads from `channel`.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self { reader: Reader::new(channel), package: None, positions: Offsets::new(), file: None }
    }

    /// Reads a file from byte `start` on, without moving the file's own position.
    #[must_use]
    pub fn of_file(file: Arc<File>, start: u64) -> Self {
        Self { file: Some((Arc::clone(&file), start)), ..Self::new(at(file, start)) }
    }

    fn reader(&mut self) -> &mut Reader {
        self.package.as_mut().unwrap_or(&mut self.reader)
    }

    fn taken<T>(&mut self, len: usize, result: Result<T, Error>) -> Result<T, Fault> {
        match result {
            Ok(value) => {
                self.positions.advance(len);
                Ok(value)
            }
            Err(error) => Err(fault(&error, len)),
        }
    }
}

fn at(file: Arc<File>, place: u64) -> Arc<dyn Channel> {
    Arc::new(WrappedChannel::split(FileAt { file, place }, io::sink()))
}

fn fault(error: &Error, wanted: usize) -> Fault {
    match error.stream() {
        Some(stream) if stream.is_end_of_stream() => Fault::Ended { wanted },
        _ => Fault::Failed(error.to_string()),
    }
}

impl Loader for CoreLoader {
    fn peek_byte(&mut self, offset: usize) -> Result<u8, Fault> {
        self.reader().peek_byte(offset).map_err(|error| fault(&error, 1))
    }

    fn peek_buffer(&mut self, into: &mut [u8], offset: usize) -> Result<(), Fault> {
        let found = self
            .reader()
            .peek_buffer(into.len(), offset)
            .map_err(|error| fault(&error, into.len()))?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn skip(&mut self, size: usize) -> Result<(), Fault> {
        let result = self.reader().skip(size);
        self.taken(size, result)
    }

    fn get_byte(&mut self) -> Result<u8, Fault> {
        let result = self.reader().get_byte();
        self.taken(1, result)
    }

    fn get_be16(&mut self) -> Result<u16, Fault> {
        let result = self.reader().get_be16();
        self.taken(2, result)
    }

    fn get_be32(&mut self) -> Result<u32, Fault> {
        let result = self.reader().get_be32();
        self.taken(4, result)
    }

    fn get_be64(&mut self) -> Result<u64, Fault> {
        let result = self.reader().get_be64();
        self.taken(8, result)
    }

    fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        let result = self.reader().get_buffer(into);
        self.taken(into.len(), result)
    }

    fn get_buffer_in_place(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        let mut copy = vec![0; into.len()];
        let result = match self.reader().get_buffer_in_place(&mut copy) {
            Ok(found) => {
                into.copy_from_slice(found);
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.taken(into.len(), result)
    }

    fn get_counted_string(&mut self) -> Result<Vec<u8>, Fault> {
        let result = self.reader().get_counted_string().map(<[u8]>::to_vec);
        let len = result.as_ref().map_or(1, |text| text.len() + 1);
        self.taken(len, result)
    }

    fn enter(&mut self, package: Vec<u8>) -> Result<(), Fault> {
        self.positions.enter(package.len());
        self.package = Some(Reader::new(Arc::new(MemoryChannel::with_input(package))));
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Fault> {
        self.positions.leave();
        self.package = None;
        Ok(())
    }

    fn position(&self) -> u64 {
        self.positions.current()
    }

    fn buffered(&self) -> usize {
        self.package.as_ref().unwrap_or(&self.reader).buffered().len()
    }

    fn read_at(&mut self, place: u64, into: &mut [u8]) -> Result<(), Fault> {
        let Some((file, _)) = &self.file else { return Err(Fault::Failed(NO_FILE.to_owned())) };
        match file.read_exact_at(into, place) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Fault::Ended { wanted: into.len() })
            }
            Err(error) => Err(Fault::Failed(error.to_string())),
        }
    }

    fn seek(&mut self, place: u64) -> Result<(), Fault> {
        let Some((file, start)) = &self.file else { return Err(Fault::Failed(NO_FILE.to_owned())) };
        self.reader = Reader::new(at(Arc::clone(file), place));
        self.positions.set(place.saturating_sub(*start));
        Ok(())
    }
}
