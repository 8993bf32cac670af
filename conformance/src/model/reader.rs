//! The model of a stream that reads: the bytes it holds, and how many of them were handed out.

use crate::definedness::BUFFER;
use crate::observation::Placement;
use crate::trace::Quirk;

use super::stream_io::{EIO, StreamIo};

/// Bytes that were read from the channel, of which `index` are handed out.
#[derive(Debug, Default)]
pub(super) struct Reader {
    held: Vec<u8>,
    index: usize,
}

/// What a peek gives.
struct Peeked {
    /// The bytes that a caller expects.
    right: Vec<u8>,
    /// The bytes that the original gives instead (row 1).
    stale: Option<Vec<u8>>,
}

impl Peeked {
    /// The bytes that the caller gets.
    fn hand_out(self, io: &mut StreamIo<'_>) -> Vec<u8> {
        match self.stale {
            Some(stale) if io.environment.triggers(Quirk::StalePeek) => stale,
            _ => self.right,
        }
    }
}

impl Reader {
    /// Bytes held and not handed out.
    pub(super) fn available(&self) -> usize {
        self.held.len() - self.index
    }

    /// One refill: what was handed out goes, then one read into all the room there is, unless the
    /// stream has failed. Whether bytes came.
    fn refill(&mut self, io: &mut StreamIo<'_>) -> bool {
        self.held.drain(..self.index);
        self.index = 0;
        if io.failure.is_set() {
            return false;
        }
        let old = self.held.len();
        self.held.resize(BUFFER, 0);
        let count = io.read(&mut self.held[old..]);
        self.held.truncate(old + count.unwrap_or(0));
        count.is_some()
    }

    /// Looks at `size` bytes, `offset` bytes ahead; refills until they are there or a refill fails.
    /// Where `offset` leaves a gap after the bytes held, nothing is read at all (row 3).
    fn look(&mut self, io: &mut StreamIo<'_>, size: usize, offset: usize) -> Peeked {
        let nothing = Peeked { right: Vec::new(), stale: None };
        if offset > self.available() {
            return nothing;
        }
        let mut memory = None;
        let mut refills = 0;
        while self.available() - offset < size {
            if refills == 0 && self.index > 0 {
                memory = Some((self.index, self.held.clone()));
            }
            if !self.refill(io) {
                break;
            }
            memory = None;
            refills += 1;
        }
        let count = size.min(self.available() - offset);
        if count == 0 {
            return nothing;
        }
        let first = self.index + offset;
        let right = self.held[first..first + count].to_vec();
        // The first refill failed: the original looks where the bytes were before they moved to
        // the front. What it finds there is the moved bytes, and behind them what was there before.
        let stale = memory.map(|(index, mut memory)| {
            memory[..self.held.len()].copy_from_slice(&self.held);
            memory[index + offset..index + offset + count].to_vec()
        });
        Peeked { right, stale }
    }

    pub(super) fn peek(&mut self, io: &mut StreamIo<'_>, size: usize, offset: usize) -> Vec<u8> {
        self.look(io, size, offset).hand_out(io)
    }

    pub(super) fn get(&mut self, io: &mut StreamIo<'_>, size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < size {
            let part = self.peek(io, (size - bytes.len()).min(BUFFER), 0);
            if part.is_empty() {
                break;
            }
            self.skip(part.len());
            bytes.extend(part);
        }
        bytes
    }

    /// The bytes, and where they are: in place where all came, and they are fewer than the buffer
    /// holds (row 26). A short look is thrown away, and with it its wrong bytes (row 2).
    pub(super) fn get_in_place(
        &mut self,
        io: &mut StreamIo<'_>,
        size: usize,
    ) -> (Placement, Vec<u8>) {
        if size < BUFFER {
            let looked = self.look(io, size, 0);
            if looked.right.len() == size {
                let placement =
                    if self.available() == 0 { Placement::Nowhere } else { Placement::InPlace };
                self.skip(size);
                return (placement, looked.hand_out(io));
            }
        }
        (Placement::Copied, self.get(io, size))
    }

    /// One byte, `offset` ahead, after one refill at most; 0 where it is not there (row 4).
    pub(super) fn peek_byte(&mut self, io: &mut StreamIo<'_>, offset: usize) -> u8 {
        if offset >= self.available() {
            self.refill(io);
        }
        self.held.get(self.index + offset).copied().unwrap_or(0)
    }

    /// One byte; 0 at the end, where nothing is consumed.
    pub(super) fn get_byte(&mut self, io: &mut StreamIo<'_>) -> u8 {
        let byte = self.peek_byte(io, 0);
        self.skip(1);
        byte
    }

    /// `count` bytes, 8 at most, the first the most significant.
    pub(super) fn get_word(&mut self, io: &mut StreamIo<'_>, count: usize) -> u64 {
        (0..count).fold(0, |word, _| word << 8 | u64::from(self.get_byte(io)))
    }

    /// What the call returns, and the bytes that it wrote before the NUL.
    pub(super) fn get_counted_string(&mut self, io: &mut StreamIo<'_>) -> (usize, Vec<u8>) {
        let len = usize::from(self.get_byte(io));
        let bytes = self.get(io, len);
        (if bytes.len() == len { len } else { 0 }, bytes)
    }

    /// Moves on by `size` bytes, or not at all where fewer are held (row 6).
    pub(super) fn skip(&mut self, size: usize) {
        if size <= self.available() {
            self.index += size;
        }
    }

    /// Moves `size` bytes to a descriptor; 0, or a negative errno (row 20).
    pub(super) fn get_to_fd(&mut self, io: &mut StreamIo<'_>, sink: usize, size: usize) -> i32 {
        let mut left = size;
        while left > 0 {
            if self.available() == 0 {
                if !self.refill(io) {
                    return EIO;
                }
                continue;
            }
            let ready = &self.held[self.index..][..self.available().min(left)];
            match io.environment.world.sink_write(sink, ready) {
                Err(errno) => return -errno,
                Ok(0) => return EIO,
                Ok(count) => {
                    self.index += count;
                    left -= count;
                }
            }
        }
        0
    }
}
