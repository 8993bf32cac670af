//! The model of a stream that writes: a buffer of its own, and a queue of pieces.

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::definedness::BUFFER;
use crate::trace::Quirk;

use super::queue::{MAX_PIECES, Origin, Piece, Queue};
use super::stream_io::{EIO, StreamIo};

/// Length of the header of compressed data.
const HEADER: usize = 4;

/// A zlib stream that is used again and again.
#[derive(Debug)]
pub(super) struct Compressor(Compress);

impl Compressor {
    pub(super) fn new(level: u8) -> Self {
        Self(Compress::new(Compression::new(level.into()), true))
    }

    /// Compresses `data` into `room`; the length, unless the room was too small.
    fn compress(&mut self, data: &[u8], room: &mut [u8]) -> Option<usize> {
        self.0.reset();
        let status = self.0.compress(data, room, FlushCompress::Finish).ok()?;
        (status == Status::StreamEnd).then(|| usize::try_from(self.0.total_out()).ok())?
    }
}

/// zlib's upper bound for the compressed length. C: `compressBound`.
pub(crate) fn compress_bound(len: usize) -> usize {
    len + (len >> 12) + (len >> 14) + (len >> 25) + 13
}

/// Bytes put into the buffer so far end at `index`; what is queued of them is in the queue.
#[derive(Debug)]
pub(super) struct Writer {
    buffer: Vec<u8>,
    index: usize,
    queue: Queue,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; BUFFER], index: 0, queue: Queue::new() }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn pieces(&self) -> usize {
        self.queue.pieces.len()
    }

    /// Bytes queued.
    pub(super) fn queued(&self) -> u64 {
        self.queue.len() as u64
    }

    /// Writes what is queued, unless the stream has failed: then everything stays as it is.
    pub(super) fn flush(&mut self, io: &mut StreamIo<'_>) {
        if io.failure.is_set() {
            return;
        }
        if !self.queue.pieces.is_empty() {
            // Borrowed bytes are looked at only now (row 9).
            let pieces: Vec<Vec<u8>> = self
                .queue
                .pieces
                .iter()
                .map(|piece| self.bytes_of(piece, &io.environment.arena))
                .collect();
            let worked = io.write_all(&pieces);
            if worked {
                io.environment.sent += self.queued();
            }
            let unsent = !worked && self.queue.has_marked_pieces();
            if unsent && !io.environment.triggers(Quirk::ReleaseUnsent) {
                self.queue.forget_marks();
            }
            self.queue.release(io.stream, &mut io.environment.world);
        }
        self.index = 0;
        self.queue.pieces.clear();
    }

    fn bytes_of(&self, piece: &Piece, arena: &[u8]) -> Vec<u8> {
        let memory = match piece.origin {
            Origin::Own => &self.buffer,
            Origin::Arena => arena,
        };
        memory[piece.offset..piece.offset + piece.len].to_vec()
    }

    /// Queues a piece, and flushes where that took the last place. Whether the queue was full,
    /// before or after.
    fn add(&mut self, io: &mut StreamIo<'_>, piece: Piece, may_free: bool) -> bool {
        if !self.queue.add(piece, may_free) {
            return true;
        }
        if self.queue.is_full() {
            self.flush(io);
            return true;
        }
        false
    }

    /// Queues `len` bytes of the buffer, from the index on. A full buffer is flushed.
    fn add_own(&mut self, io: &mut StreamIo<'_>, len: usize) {
        let piece = Piece { origin: Origin::Own, offset: self.index, len };
        if !self.add(io, piece, false) {
            self.index += len;
            if self.index == BUFFER {
                self.flush(io);
            }
        }
    }

    pub(super) fn put(&mut self, io: &mut StreamIo<'_>, bytes: &[u8]) {
        let mut left = bytes;
        while !left.is_empty() && !io.failure.is_set() {
            let (part, rest) = left.split_at(left.len().min(BUFFER - self.index));
            self.buffer[self.index..self.index + part.len()].copy_from_slice(part);
            self.add_own(io, part.len());
            left = rest;
        }
    }

    /// Puts bytes one by one, each of them looking for an error again (row 25).
    pub(super) fn put_bytes(&mut self, io: &mut StreamIo<'_>, bytes: &[u8]) {
        bytes.chunks(1).for_each(|byte| self.put(io, byte));
    }

    /// Queues a range of the arena by reference.
    pub(super) fn put_async(
        &mut self,
        io: &mut StreamIo<'_>,
        offset: usize,
        len: usize,
        may_free: bool,
    ) {
        if !io.failure.is_set() {
            self.add(io, Piece { origin: Origin::Arena, offset, len }, may_free);
        }
    }

    pub(super) fn put_counted_string(&mut self, io: &mut StreamIo<'_>, text: &[u8]) {
        self.put_bytes(io, &[u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        self.put(io, text);
    }

    /// Compresses `data` behind a header with the compressed length; the length of both, or -1
    /// where the buffer may be too small. Mended, also -1 where the stream has failed or fails.
    pub(super) fn put_compressed(
        &mut self,
        io: &mut StreamIo<'_>,
        compressor: usize,
        data: &[u8],
    ) -> i64 {
        let room = (BUFFER - HEADER).saturating_sub(self.index);
        if room < compress_bound(data.len()) {
            return -1;
        }
        if io.failure.is_set() && !io.environment.triggers(Quirk::TornCompression) {
            return -1;
        }
        let start = self.index + HEADER;
        let output = &mut self.buffer[start..start + room];
        let compressed = io.environment.compressors.get_mut(compressor);
        let Some(len) = compressed.and_then(|compressor| compressor.compress(data, output)) else {
            return -1;
        };
        let header = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        if io.environment.reproduces(Quirk::TornCompression) {
            let whole = self.index + HEADER;
            self.put_bytes(io, &header);
            if self.index != whole {
                // A part of the header went out alone, or none was put; the payload is taken from
                // where the index is now.
                io.environment.triggers(Quirk::TornCompression);
            }
            self.add_own(io, len);
        } else {
            if self.header_takes_last_place() {
                io.environment.triggers(Quirk::TornCompression);
            }
            self.buffer[start - HEADER..start].copy_from_slice(&header);
            self.add_own(io, HEADER + len);
        }
        if io.failure.is_set() && !io.environment.triggers(Quirk::TornCompression) {
            return -1;
        }
        i64::try_from(len + HEADER).unwrap_or(i64::MAX)
    }

    fn header_takes_last_place(&self) -> bool {
        let first = Piece { origin: Origin::Own, offset: self.index, len: 1 };
        self.queue.pieces.len() == MAX_PIECES - 1 && !self.queue.would_join(&first, false)
    }

    /// Moves what `source` has queued, and gives what the call returns: the count of bytes, or in
    /// the fixed setting the negative code of a stream that failed.
    pub(super) fn put_stream(&mut self, io: &mut StreamIo<'_>, source: &mut Self) -> i32 {
        let borrowed = source.queue.pieces.iter().any(|piece| piece.origin == Origin::Arena);
        if (borrowed || source.queue.has_marks() || io.failure.is_set())
            && !io.environment.triggers(Quirk::LossyPutStream)
        {
            return self.put_stream_whole(io, source);
        }
        let bytes = source.buffer[..source.index].to_vec();
        if bytes.is_empty() {
            return 0;
        }
        self.put(io, &bytes);
        if io.failure.is_set() && !io.environment.triggers(Quirk::LossyPutStream) {
            return error_code(io);
        }
        source.index = 0;
        source.queue.pieces.clear();
        i32::try_from(bytes.len()).unwrap_or(i32::MAX)
    }

    /// Moves all pieces in order, copying own bytes and passing borrowed ones on. Where this
    /// stream fails the source keeps everything.
    fn put_stream_whole(&mut self, io: &mut StreamIo<'_>, source: &mut Self) -> i32 {
        for (number, piece) in source.queue.pieces.iter().enumerate() {
            match piece.origin {
                Origin::Own => self.put(io, &source.bytes_of(piece, &io.environment.arena)),
                Origin::Arena => {
                    self.put_async(io, piece.offset, piece.len, source.queue.is_marked(number));
                }
            }
        }
        if io.failure.is_set() {
            return error_code(io);
        }
        let moved = source.queue.len();
        source.index = 0;
        source.queue.pieces.clear();
        source.queue.forget_marks();
        i32::try_from(moved).unwrap_or(i32::MAX)
    }
}

fn error_code(io: &StreamIo<'_>) -> i32 {
    if io.failure.code() < 0 { io.failure.code() } else { EIO }
}
