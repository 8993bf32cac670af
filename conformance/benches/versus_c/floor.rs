//! The floor: the same bytes moved by `memcpy`, through a ring of 32 KiB, with no stream at all.

use std::hint::black_box;

use c_reference::bench::Loop;
use qemufile_core::IO_BUF_SIZE;

use crate::Error;
use crate::contender::Contender;
use crate::row::Row;

/// Copies as many bytes as the operation moves.
pub(crate) struct Floor {
    ring: Vec<u8>,
    other: Vec<u8>,
    at: usize,
    len: usize,
    reads: bool,
}

impl Floor {
    /// `None` where the operation copies nothing, or does something else with the bytes.
    pub(crate) fn open(row: &Row) -> Option<Self> {
        let len = match row.operation {
            Loop::PutByte | Loop::GetByte => 1,
            Loop::PutBe16 | Loop::GetBe16 => 2,
            Loop::PutBe32 | Loop::GetBe32 => 4,
            Loop::PutBe64 | Loop::GetBe64 => 8,
            Loop::PutBuffer | Loop::GetBuffer => row.len,
            Loop::PutString => row.len + 1,
            Loop::WriteStream | Loop::ReadStream => row.content.len(),
            Loop::GetString
            | Loop::GetInPlace
            | Loop::PeekSkip
            | Loop::PutPage
            | Loop::PutCompressed => return None,
        };
        let reads = row.operation.reads();
        Some(Self { ring: vec![1; IO_BUF_SIZE], other: vec![2; len], at: 0, len, reads })
    }

    #[inline]
    fn copy(&mut self, len: usize) {
        let mut done = 0;
        while done < len {
            let now = (len - done).min(IO_BUF_SIZE - self.at);
            let ring = &mut self.ring[self.at..self.at + now];
            let other = &mut self.other[done..done + now];
            if self.reads {
                other.copy_from_slice(ring);
            } else {
                ring.copy_from_slice(other);
            }
            done += now;
            self.at = (self.at + now) % IO_BUF_SIZE;
        }
    }

    /// Integers: one move each, of a length that the compiler knows.
    #[inline]
    fn integers<const N: usize>(&mut self, count: usize) {
        for _ in 0..count {
            let Some(ring) = self.ring.get_mut(self.at..self.at + N) else { return };
            if self.reads {
                self.other.copy_from_slice(ring);
            } else {
                ring.copy_from_slice(&self.other[..N]);
            }
            self.at = (self.at + N) % IO_BUF_SIZE;
            black_box(&mut self.other);
        }
    }
}

impl Contender for Floor {
    fn run(&mut self, count: usize) -> Result<u64, Error> {
        match self.len {
            1 => self.integers::<1>(count),
            2 => self.integers::<2>(count),
            4 => self.integers::<4>(count),
            8 => self.integers::<8>(count),
            len => {
                for _ in 0..count {
                    self.copy(black_box(len));
                    black_box(&mut self.ring);
                    black_box(&mut self.other);
                }
            }
        }
        Ok(0)
    }
}
