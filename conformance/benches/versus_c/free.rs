//! The channel that costs nothing, for the core and for std; `loops.c` has the same one.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use qemufile_core::{Channel, Chunk, Direction, Pieces};

/// Gives its content again and again, and takes all that is written.
#[derive(Debug)]
pub(crate) struct Free {
    content: Vec<u8>,
    position: AtomicUsize,
    /// Its first answer is repeated without a copy: the buffer still holds it.
    repeats: bool,
    /// What is written goes into the sum.
    keeps: bool,
    sum: AtomicU64,
}

impl Free {
    pub(crate) fn new(content: &[u8], repeats: bool, keeps: bool) -> Self {
        Self {
            content: content.to_vec(),
            position: AtomicUsize::new(0),
            repeats,
            keeps,
            sum: AtomicU64::new(0),
        }
    }

    pub(crate) fn give(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut position = self.position.load(Ordering::Relaxed);
        if self.repeats && position > 0 {
            return if into.len() == self.content.len() {
                Ok(into.len())
            } else {
                Err(io::Error::other("a read that the repeated content does not fit"))
            };
        }
        if position == self.content.len() {
            position = 0;
        }
        let left = &self.content[position..];
        let count = left.len().min(into.len());
        into[..count].copy_from_slice(&left[..count]);
        self.position.store(position + count, Ordering::Relaxed);
        Ok(count)
    }

    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    pub(crate) fn keep(&self, bytes: &[u8]) {
        let mut sum = self.sum();
        for byte in bytes {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.sum.store(sum, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, number: usize) {
        self.sum.fetch_add(number as u64, Ordering::Relaxed);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

impl Channel for Free {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.give(into)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        if self.keeps {
            for chunk in pieces.iter().flat_map(|piece| piece.chunks()) {
                match chunk {
                    Chunk::Private(bytes) => self.keep(bytes),
                    other => {
                        let mut bytes = Vec::new();
                        other.copy_to(&mut bytes);
                        self.keep(&bytes);
                    }
                }
            }
        }
        Ok(pieces.total())
    }

    fn wait(&self, _direction: Direction) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Ok(())
    }
}
