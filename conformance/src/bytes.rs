//! Bytes that were seen, whole in memory and short on paper.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::trace::hex;

/// Longest byte string that a transcript holds in full.
const WHOLE: usize = 48;

/// Bytes shown at either end of a longer one.
const SHOWN: usize = 8;

/// Bytes that were seen.
///
/// A live subject's are whole and are compared byte for byte. In a transcript those longer than 48
/// bytes are written as length, SHA-256, and 8 bytes from either end; what is read back from there
/// compares with whole ones by length and hash, so nothing is hashed while subjects run.
#[derive(Clone)]
pub struct Bytes(Form);

#[derive(Clone, Serialize, Deserialize)]
enum Form {
    Whole(#[serde(with = "serde_bytes")] Vec<u8>),
    Short(Short),
}

/// On paper `Written`; in a binary form, from process to process, whole.
impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Written::from(self.clone()).serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Written::deserialize(deserializer).map(Self::from)
        } else {
            Form::deserialize(deserializer).map(Self)
        }
    }
}

/// A long byte string on paper.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Short {
    len: usize,
    sha256: String,
    #[serde(with = "serde_bytes")]
    head: Vec<u8>,
    #[serde(with = "serde_bytes")]
    tail: Vec<u8>,
}

impl Short {
    fn of(bytes: &[u8]) -> Self {
        let shown = SHOWN.min(bytes.len());
        Self {
            len: bytes.len(),
            sha256: hex(&Sha256::digest(bytes)),
            head: bytes[..shown].to_vec(),
            tail: bytes[bytes.len() - shown..].to_vec(),
        }
    }
}

impl Bytes {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Whole(bytes) => bytes.len(),
            Form::Short(short) => short.len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, unless they come from a transcript that holds them by their hash.
    #[must_use]
    pub fn whole(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Whole(bytes) => Some(bytes),
            Form::Short(_) => None,
        }
    }

    /// The memory that holds them, for another use; none where they are held by their hash.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Form::Whole(bytes) => bytes,
            Form::Short(_) => Vec::new(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Form::Whole(bytes))
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Whole(left), Form::Whole(right)) => left == right,
            (Form::Short(left), Form::Short(right)) => left == right,
            (Form::Whole(whole), Form::Short(short)) | (Form::Short(short), Form::Whole(whole)) => {
                whole.len() == short.len && Short::of(whole) == *short
            }
        }
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Whole(bytes) if bytes.len() <= WHOLE => {
                write!(f, "b\"{}\"", bytes.escape_ascii())
            }
            Form::Whole(bytes) => write!(
                f,
                "b\"{}\"..b\"{}\" ({} bytes)",
                bytes[..SHOWN].escape_ascii(),
                bytes[bytes.len() - SHOWN..].escape_ascii(),
                bytes.len()
            ),
            Form::Short(short) => write!(
                f,
                "b\"{}\"..b\"{}\" ({} bytes)",
                short.head.escape_ascii(),
                short.tail.escape_ascii(),
                short.len
            ),
        }
    }
}

/// The two ways in which a transcript writes bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Written {
    Whole(#[serde(with = "serde_bytes")] Vec<u8>),
    Long(Short),
}

impl From<Bytes> for Written {
    fn from(bytes: Bytes) -> Self {
        match bytes.0 {
            Form::Whole(bytes) if bytes.len() <= WHOLE => Self::Whole(bytes),
            Form::Whole(bytes) => Self::Long(Short::of(&bytes)),
            Form::Short(short) => Self::Long(short),
        }
    }
}

impl From<Written> for Bytes {
    fn from(written: Written) -> Self {
        match written {
            Written::Whole(bytes) => Self(Form::Whole(bytes)),
            Written::Long(short) => Self(Form::Short(short)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_string_compares_with_its_own_digest_only() {
        let whole: Bytes = vec![7; 100].into();
        let text = ron::to_string(&whole).unwrap();
        let digest: Bytes = ron::from_str(&text).unwrap();
        assert!(digest.whole().is_none());
        assert_eq!(whole, digest);
        let mut other = vec![7; 100];
        other[50] = 8;
        assert_ne!(Bytes::from(other), digest);
        assert_ne!(Bytes::from(vec![7; 99]), digest);
    }

    #[test]
    fn a_short_string_is_written_in_full() {
        let bytes: Bytes = b"a\x00\xff\""[..].into();
        let text = ron::to_string(&bytes).unwrap();
        let back: Bytes = ron::from_str(&text).unwrap();
        assert_eq!(back.whole(), Some(&b"a\x00\xff\""[..]));
    }
}
