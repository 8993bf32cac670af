//! What is measured: the original, the core, std and the floor, each over a stream of its own.

use c_reference::bench::Bench;

use crate::Error;
use crate::row::Row;

/// One of them, set up for one row.
pub(crate) trait Contender {
    /// Goes round `count` times; the sum of what was read, or written and kept, so far.
    fn run(&mut self, count: usize) -> Result<u64, Error>;
}

/// The original.
pub(crate) struct Original(Bench);

impl Original {
    pub(crate) fn open(row: &Row, keeps: bool) -> Result<Self, Error> {
        Ok(Self(Bench::open(row.operation, row.len, &row.content, &row.steps, keeps)?))
    }
}

impl Contender for Original {
    fn run(&mut self, count: usize) -> Result<u64, Error> {
        Ok(self.0.run(count)?)
    }
}

/// Calls `work` so many times, with a counter from 0, in a loop that is a function of its own: its
/// registers are not those of other loops. The sum of what it gives.
#[inline(never)]
pub(crate) fn repeat<S>(
    stream: &mut S,
    count: usize,
    mut work: impl FnMut(&mut S, usize) -> Result<u64, Error>,
) -> Result<u64, Error> {
    let mut sum = 0_u64;
    for i in 0..count {
        sum = sum.wrapping_add(work(stream, i)?);
    }
    Ok(sum)
}

/// Nothing to add to a sum.
#[inline]
pub(crate) fn done<E: Into<Error>>(result: Result<(), E>) -> Result<u64, Error> {
    result.map(|()| 0).map_err(Into::into)
}

fn front<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

pub(crate) fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes(front(bytes))
}

pub(crate) fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(front(bytes))
}

pub(crate) fn be64(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(front(bytes))
}
