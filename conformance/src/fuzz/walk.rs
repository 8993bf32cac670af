//! Judgement over hostile migration streams.

use std::io::{self, Read};
use std::sync::Arc;

use qemufile_core::WrappedChannel;

use super::judge::{Failure, Outcome};
use crate::streams::{CoreLoader, Plan, walk, walk_bytes};

/// Bytes that the second walk gets at most with one read: no divisor of anything in the format.
const PIECE: usize = 7;

/// A stream that comes in small pieces.
struct Pieces {
    bytes: Vec<u8>,
    position: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut left = &self.bytes[self.position..];
        let len = into.len().min(PIECE);
        let count = left.read(&mut into[..len])?;
        self.position += count;
        Ok(count)
    }
}

/// Walks a stream twice, whole and in pieces. It may be refused for any reason, but in both ways
/// for the same, at a place that is in it.
pub(super) fn judge(bytes: &[u8]) -> Outcome {
    let whole = walk_bytes(bytes);
    let plan = Plan::of_bytes(bytes);
    let channel = WrappedChannel::split(Pieces { bytes: bytes.to_vec(), position: 0 }, io::sink());
    let pieces = walk(&mut CoreLoader::new(Arc::new(channel)), &plan, &mut ());
    if whole != pieces {
        return Failure::outcome(
            format!(
                "the walk depends on how the stream arrives:\n  whole:     {whole:?}\n  in pieces: {pieces:?}"
            ),
            None,
        );
    }
    let refused_at = whole.end.as_ref().err().map_or(0, |error| error.offset);
    if whole.position.max(refused_at) > bytes.len() as u64 {
        return Failure::outcome(
            format!("the walk left its {} bytes: {whole:?}", bytes.len()),
            None,
        );
    }
    Outcome::Conforms { ops: 0, left_out: 0 }
}
