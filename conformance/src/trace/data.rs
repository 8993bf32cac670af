//! Bytes that are short to write.

use std::cell::RefCell;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// Period of [`Segment::Counting`]: the greatest prime below 256.
const COUNTING_PERIOD: usize = 251;

/// Periods of [`Segment::Counting`], to copy from.
static COUNTING: [u8; 256 * COUNTING_PERIOD] = counting();

#[expect(clippy::cast_possible_truncation, reason = "the period is below 256")]
const fn counting() -> [u8; 256 * COUNTING_PERIOD] {
    let mut bytes = [0; 256 * COUNTING_PERIOD];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = (at % COUNTING_PERIOD) as u8;
        at += 1;
    }
    bytes
}

/// Noise as far as it was made.
struct Noise {
    seed: u64,
    more: ChaCha8Rng,
    bytes: Vec<u8>,
}

/// Seeds whose noise is kept: as many as a trace has, as a rule.
const MOST_NOISES: usize = 8;

/// Noise is made by so many bytes at once, a multiple of what the generator makes at once: it comes
/// to the same in whatever pieces it is asked for.
const STRIDE: usize = 4096;

thread_local! {
    /// Noise of the last seeds, the last one in front: each subject asks for the same again.
    static NOISES: RefCell<Vec<Noise>> = const { RefCell::new(Vec::new()) };
}

/// Shows the first `len` bytes of the noise of a seed, or more of them.
fn noise<T>(seed: u64, len: usize, show: impl FnOnce(&[u8]) -> T) -> T {
    NOISES.with_borrow_mut(|noises| {
        if let Some(at) = noises.iter().position(|noise| noise.seed == seed) {
            noises[..=at].rotate_right(1);
        } else {
            let oldest = if noises.len() == MOST_NOISES { noises.pop() } else { None };
            let mut bytes = oldest.map(|noise| noise.bytes).unwrap_or_default();
            bytes.clear();
            noises.insert(0, Noise { seed, more: ChaCha8Rng::seed_from_u64(seed), bytes });
        }
        let Noise { more, bytes, .. } = &mut noises[0];
        let made = bytes.len();
        if made < len {
            bytes.resize(len.next_multiple_of(STRIDE), 0);
            more.fill_bytes(&mut bytes[made..]);
        }
        show(bytes)
    })
}

/// A run of bytes, described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Segment {
    /// These bytes.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// So many bytes: 0, 1, .. 250, 0, ..
    Counting(usize),
    /// One byte, over and over.
    Repeat {
        /// The byte.
        byte: u8,
        /// How many.
        len: usize,
    },
    /// Pseudo-random bytes.
    Noise {
        /// Seed of ChaCha8.
        seed: u64,
        /// How many.
        len: usize,
    },
}

impl Segment {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Counting(len) | Self::Repeat { len, .. } | Self::Noise { len, .. } => *len,
        }
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes, beginning at `from`, as many as there are and have room; gives their number.
    fn copy_at(&self, from: usize, into: &mut [u8]) -> usize {
        let count = self.len().saturating_sub(from).min(into.len());
        let into = &mut into[..count];
        match self {
            Self::Bytes(bytes) => {
                into.copy_from_slice(bytes.get(from..from + count).unwrap_or(&[]));
            }
            Self::Counting(_) => {
                let start = from % COUNTING_PERIOD;
                for part in into.chunks_mut(COUNTING.len() - COUNTING_PERIOD) {
                    part.copy_from_slice(&COUNTING[start..start + part.len()]);
                }
            }
            Self::Repeat { byte, .. } => into.fill(*byte),
            Self::Noise { seed, .. } => {
                noise(*seed, from + count, |noise| {
                    into.copy_from_slice(noise.get(from..from + count).unwrap_or(&[]));
                });
            }
        }
        count
    }
}

/// Bytes as a list of [`Segment`]s, which follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Data(pub Vec<Segment>);

impl Data {
    /// Length in bytes; saturates, so that a length from a file can be judged before it is used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().fold(0, |sum, segment| sum.saturating_add(segment.len()))
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `len` bytes at most, in the form that they have.
    #[must_use]
    pub fn truncated(mut self, len: usize) -> Self {
        let mut left = len;
        for segment in &mut self.0 {
            let kept = segment.len().min(left);
            left -= kept;
            match segment {
                Segment::Bytes(bytes) => bytes.truncate(kept),
                Segment::Counting(len)
                | Segment::Repeat { len, .. }
                | Segment::Noise { len, .. } => *len = kept,
            }
        }
        self.0.retain(|segment| !segment.is_empty());
        self
    }

    /// The bytes themselves.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        self.copy_at(0, &mut bytes);
        bytes
    }

    /// The bytes, where they lie; or put into `room`, which is overwritten.
    #[must_use]
    pub fn bytes<'a>(&'a self, room: &'a mut Vec<u8>) -> &'a [u8] {
        match &self.0[..] {
            [] => &[],
            [Segment::Bytes(bytes)] => bytes,
            [Segment::Counting(len)] if *len <= COUNTING.len() => &COUNTING[..*len],
            _ => {
                room.resize(self.len(), 0);
                self.copy_at(0, room);
                room
            }
        }
    }

    /// Copies bytes, beginning at `from`, as many as there are and have room; gives their number.
    pub fn copy_at(&self, mut from: usize, into: &mut [u8]) -> usize {
        let mut count = 0;
        for segment in &self.0 {
            if count == into.len() {
                break;
            }
            count += segment.copy_at(from, &mut into[count..]);
            from = from.saturating_sub(segment.len());
        }
        count
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Self {
        Self(vec![Segment::Bytes(bytes.to_vec())])
    }
}

impl From<Segment> for Data {
    fn from(segment: Segment) -> Self {
        Self(vec![segment])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_has_a_prime_period() {
        let bytes = Data::from(Segment::Counting(20 * 251 + 7)).to_vec();
        assert_eq!(bytes.len(), 20 * 251 + 7);
        assert!(bytes.iter().enumerate().all(|(at, byte)| usize::from(*byte) == at % 251));
    }

    #[test]
    fn segments_follow_each_other() {
        let data = Data(vec![
            Segment::Bytes(b"ab".to_vec()),
            Segment::Repeat { byte: 7, len: 2 },
            Segment::Counting(3),
            Segment::Noise { seed: 1, len: 4 },
        ]);
        let bytes = data.to_vec();
        assert_eq!(&bytes[..7], b"ab\x07\x07\x00\x01\x02");
        assert_eq!((bytes.len(), data.len()), (11, 11));
    }

    /// Recorded transcripts hold what comes of these bytes: they must not change.
    #[test]
    fn noise_is_the_same_for_ever() {
        let bytes = Data::from(Segment::Noise { seed: 1, len: 8 }).to_vec();
        assert_eq!(bytes, [177, 13, 164, 140, 234, 76, 9, 103]);
        assert_ne!(Data::from(Segment::Noise { seed: 2, len: 8 }).to_vec(), bytes);
    }

    #[test]
    fn noise_is_the_same_in_whatever_pieces() {
        let len = 3 * STRIDE + 5;
        for seed in 0..2 * MOST_NOISES as u64 {
            let mut whole = vec![0; len];
            ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut whole);
            for (from, count) in [(0, 9), (STRIDE - 1, 2), (5, len - 5), (1, STRIDE)] {
                let mut part = vec![0; count];
                Data::from(Segment::Noise { seed, len }).copy_at(from, &mut part);
                assert_eq!(part, whole[from..from + count], "{seed} {from}");
                let other = Segment::Noise { seed: seed / 2, len: 1 };
                assert_eq!(Data::from(other).to_vec().len(), 1);
            }
        }
    }

    #[test]
    fn a_part_is_cut_from_the_whole() {
        let segments = [
            Segment::Bytes(b"abc".to_vec()),
            Segment::Counting(600),
            Segment::Repeat { byte: 9, len: 5 },
            Segment::Noise { seed: 3, len: 70 },
        ];
        let data = Data(segments.to_vec());
        let whole = data.to_vec();
        for from in 0..=whole.len() + 1 {
            for room in [0, 1, 4, 300, 1000] {
                let mut part = vec![0; room];
                let count = data.copy_at(from, &mut part);
                let expected = &whole[from.min(whole.len())..];
                assert_eq!(part[..count], expected[..room.min(expected.len())], "{from}, {room}");
            }
        }
        // Longer than what there is to copy from.
        let counting = Data::from(Segment::Counting(3 * COUNTING.len()));
        let mut part = vec![0; 2 * COUNTING.len()];
        assert_eq!(counting.copy_at(7, &mut part), part.len());
        let expected = |at: usize| (at + 7) % COUNTING_PERIOD;
        assert!(part.iter().enumerate().all(|(at, byte)| usize::from(*byte) == expected(at)));
    }

    #[test]
    fn bytes_lie_somewhere_or_are_put_into_the_room() {
        let mut room = vec![1; 9];
        for segment in [
            Segment::Bytes(b"abc".to_vec()),
            Segment::Counting(300),
            Segment::Repeat { byte: 4, len: 20 },
            Segment::Noise { seed: 3, len: 7 },
        ] {
            let data = Data::from(segment);
            assert_eq!(data.bytes(&mut room), data.to_vec());
        }
        assert!(Data::default().bytes(&mut room).is_empty());
    }
}
