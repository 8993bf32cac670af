//! Values of fields.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::summary::FieldValue;
use crate::text::{escaped, hex};

/// A value, by the type that QEMU calls the field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// An unsigned number, with its length in bytes.
    Unsigned(u64, u8),
    /// A signed number.
    Signed(i64),
    /// Yes or no.
    Bool(bool),
    /// An element of an array of pointers that is missing (`nullptr`).
    Null,
    /// Bytes, up to the first 4096 of all.
    Bytes {
        /// The bytes.
        shown: Vec<u8>,
        /// How many there are.
        len: u64,
    },
}

impl Value {
    pub(super) fn of(field: &FieldValue<'_>) -> Self {
        let bytes = field.bytes;
        let unsigned = || bytes.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        let bits = u32::try_from(bytes.len()).unwrap_or(8) * 8;
        let signed = || match bits {
            1..=63 => (unsigned() << (64 - bits)).cast_signed() >> (64 - bits),
            _ => unsigned().cast_signed(),
        };
        let kind = field.kind.strip_suffix(" equal").unwrap_or(field.kind);
        match (kind, bytes) {
            ("bool", [byte]) => Self::Bool(*byte != 0),
            ("nullptr", _) => Self::Null,
            ("int8" | "int16" | "int32" | "int64" | "int32 le" | "timer", [_, ..])
                if bytes.len() <= 8 =>
            {
                Self::Signed(signed())
            }
            ("uint8" | "uint16" | "uint32" | "uint64", [_, ..]) if bytes.len() <= 8 => {
                Self::Unsigned(unsigned(), u8::try_from(bytes.len()).unwrap_or(8))
            }
            _ => Self::Bytes { shown: bytes.to_vec(), len: field.len },
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(number, len) => {
                write!(f, "{number:#0width$x}", width = usize::from(*len) * 2 + 2)
            }
            Self::Signed(number) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::Bytes { shown, len } => {
                f.write_str(&hex(shown))?;
                match len.saturating_sub(shown.len() as u64) {
                    0 => Ok(()),
                    more => write!(f, ".. and {more} bytes more"),
                }
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unsigned(number, _) => serializer.serialize_u64(*number),
            Self::Signed(number) => serializer.serialize_i64(*number),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Null => serializer.serialize_none(),
            Self::Bytes { .. } => serializer.serialize_str(&self.to_string()),
        }
    }
}

/// One element of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldInfo {
    /// Its names from the device inward, e.g. `env.regs[3]`.
    pub path: String,
    /// Its type, as QEMU calls it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Offset in the stream, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
    /// Its value.
    pub value: Value,
}

impl fmt::Display for FieldInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} = {}", escaped(&self.path), escaped(&self.kind), self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_sign_and_the_width_of_their_type() {
        let value = |kind: &str, bytes: &[u8]| {
            let len = bytes.len() as u64;
            Value::of(&FieldValue { path: "", kind, offset: 0, len, bytes }).to_string()
        };
        assert_eq!(value("uint16", &[0, 7]), "0x0007");
        assert_eq!(value("uint64", &[0xff; 8]), "0xffffffffffffffff");
        assert_eq!(value("int32", &[0xff, 0xff, 0xff, 0xfe]), "-2");
        assert_eq!(value("int8", &[0x80]), "-128");
        assert_eq!(value("int64", &[0xff; 8]), "-1");
        assert_eq!(value("int32 equal", &[0, 0, 0, 3]), "3");
        assert_eq!(value("bool", &[1]), "true");
        assert_eq!(value("nullptr", b"0"), "null");
        assert_eq!(value("buffer", &[1, 2]), "0102");
        let long = FieldValue { path: "", kind: "virtio", offset: 0, len: 9, bytes: &[1] };
        assert_eq!(Value::of(&long).to_string(), "01.. and 8 bytes more");
    }
}
