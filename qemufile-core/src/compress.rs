//! The compressor of `put_compressed`.

use std::fmt;

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::error::Error;

/// A zlib compressor that is used again and again. C: a `z_stream` after `deflateInit`.
///
/// Each use starts afresh, so that no page depends on the one before it.
///
/// With the feature `zlib` (the default) the bytes are those of C's `deflate`. With `zlib-rs` or
/// `miniz-oxide` alone they are not: only what they inflate to is the same.
pub struct Compressor {
    compress: Compress,
    level: u32,
}

impl Compressor {
    /// A compressor of a level from 0 (stored) to 9 (smallest); what is above counts as 9.
    #[must_use]
    pub fn new(level: u32) -> Self {
        let level = level.min(9);
        Self { compress: Compress::new(Compression::new(level), true), level }
    }

    /// Compresses all of `data` into the front of `room`, as one zlib stream; how many bytes. C:
    /// `qemu_compress_data`, L673.
    pub(crate) fn deflate(&mut self, data: &[u8], room: &mut [u8]) -> Result<usize, Error> {
        self.compress.reset();
        match self.compress.compress(data, room, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => {
                // Counted since the reset, and no more than the room.
                Ok(usize::try_from(self.compress.total_out()).unwrap_or(room.len()).min(room.len()))
            }
            outcome => Err(Error::Deflate(format!("{outcome:?} instead of the stream's end"))),
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("level", &self.level).finish_non_exhaustive()
    }
}

/// Bytes that `len` bytes may take at most; C: zlib's `compressBound`.
pub(crate) fn bound(len: usize) -> usize {
    len.saturating_add(len >> 12)
        .saturating_add(len >> 14)
        .saturating_add(len >> 25)
        .saturating_add(13)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_an_error() {
        // No caller can bring it about: they ask `bound` first.
        let error = Compressor::new(1).deflate(&[7; 100], &mut [0; 4]).unwrap_err();
        assert!(error.to_string().starts_with("deflate failed: Ok("), "{error}");
    }
}
