//! Bytes that are short to write.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// Period of [`Segment::Counting`]: the greatest prime below 256.
const COUNTING_PERIOD: usize = 251;

/// Some periods of [`Segment::Counting`], to copy from.
static COUNTING: [u8; 16 * COUNTING_PERIOD] = counting();

#[expect(clippy::cast_possible_truncation, reason = "the period is below 256")]
const fn counting() -> [u8; 16 * COUNTING_PERIOD] {
    let mut bytes = [0; 16 * COUNTING_PERIOD];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = (at % COUNTING_PERIOD) as u8;
        at += 1;
    }
    bytes
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

    fn append_to(&self, into: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => into.extend_from_slice(bytes),
            Self::Counting(len) => {
                let mut left = *len;
                while left > 0 {
                    let part = left.min(COUNTING.len());
                    into.extend_from_slice(&COUNTING[..part]);
                    left -= part;
                }
            }
            Self::Repeat { byte, len } => into.resize(into.len() + len, *byte),
            Self::Noise { seed, len } => {
                let start = into.len();
                into.resize(start + len, 0);
                ChaCha8Rng::seed_from_u64(*seed).fill_bytes(&mut into[start..]);
            }
        }
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

    /// The bytes themselves.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.0.iter().for_each(|segment| segment.append_to(&mut bytes));
        bytes
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
}
