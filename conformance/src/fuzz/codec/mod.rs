//! Values from any bytes, and the bytes that give them back.
//!
//! Reading never fails for want of bytes (what is missing reads as zeros) and brings what it reads
//! into range, so nearly every input is a case. Writing is its exact inverse for values in range:
//! `read(write(value)) == value`.

pub(super) mod op;
pub(super) mod world;

use arbitrary::Unstructured;

/// Greatest number of elements in a list, operations excepted.
pub(super) const MAX_LIST: usize = 64;

/// Greatest number of bytes that one case describes, all its data together. Keeps a case cheap.
pub(super) const MAX_DATA: usize = 1 << 20;

/// Greatest number of bytes that one call asks for.
pub(super) const MAX_SIZE: usize = 1 << 18;

/// Greatest number of streams that the operations of a case make, from version 2 on: to set one up
/// takes as long as a dozen other operations.
pub(super) const MAX_STREAMS: usize = 8;

/// Sizes that are written as one byte though they are large: those at which something changes in
/// the original. The order is part of the coding: never change it, only in a new version.
const CORNERS: [usize; 29] = [
    255, 256, 257, 512, 1023, 1024, 2048, 4095, 4096, 4097, 8192, 12288, 16383, 16384, 32704,
    32738, 32739, 32760, 32763, 32764, 32765, 32766, 32767, 32768, 32769, 65535, 65536, 65537,
    131_072,
];

/// First byte of a size that stands in [`CORNERS`].
const CORNER: u8 = 224;

/// First bytes of sizes that follow in 2, 4 and 8 bytes.
const WIDE: [u8; 3] = [253, 254, 255];

/// What the parts of a case must know of one another.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Version of the coding, from 1.
    pub(super) version: u8,
    pub(super) channels: usize,
    pub(super) sinks: usize,
    pub(super) compressors: usize,
    pub(super) arena: usize,
    /// Streams that operations so far have made, at most.
    pub(super) streams: usize,
    /// Bytes described so far.
    pub(super) data: usize,
}

impl Scope {
    /// Counts a stream; whether there may be one more.
    pub(super) fn make_stream(&mut self) -> bool {
        let room = self.version < 2 || self.streams < MAX_STREAMS;
        self.streams += usize::from(room);
        room
    }
}

/// Any bytes, from front to back.
pub(super) struct Decoder<'a, 'b> {
    bytes: &'b mut Unstructured<'a>,
    pub(super) scope: Scope,
}

impl<'a, 'b> Decoder<'a, 'b> {
    pub(super) fn new(bytes: &'b mut Unstructured<'a>, scope: Scope) -> Self {
        Self { bytes, scope }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next bytes, as a number of a fixed width; zeros where they are missing.
    pub(super) fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let mut fixed = [0; N];
        let there = self.take(N);
        fixed[..there.len()].copy_from_slice(there);
        fixed
    }

    pub(super) fn byte(&mut self) -> u8 {
        let [byte] = self.fixed();
        byte
    }

    pub(super) fn size(&mut self) -> usize {
        let byte = self.byte();
        let wide = match byte {
            byte if byte < CORNER => return byte.into(),
            byte if byte < WIDE[0] => return CORNERS[usize::from(byte - CORNER)],
            byte if byte == WIDE[0] => u16::from_le_bytes(self.fixed()).into(),
            byte if byte == WIDE[1] => u32::from_le_bytes(self.fixed()).into(),
            _ => u64::from_le_bytes(self.fixed()),
        };
        usize::try_from(wide).unwrap_or(usize::MAX)
    }

    /// `len` bytes, or as many as there are.
    pub(super) fn take(&mut self, len: usize) -> &'a [u8] {
        let len = len.min(self.bytes.len());
        self.bytes.bytes(len).unwrap_or(&[])
    }

    /// `len`, or as much of it as a case may still describe.
    pub(super) fn afford(&mut self, len: usize) -> usize {
        let len = len.min(MAX_DATA - self.scope.data.min(MAX_DATA));
        self.scope.data += len;
        len
    }
}

/// Bytes being written. What cannot be read back is noted in `lost`.
#[derive(Default)]
pub(super) struct Encoder {
    pub(super) bytes: Vec<u8>,
    pub(super) scope: Scope,
    /// The first thing that is out of the range of this coding.
    pub(super) lost: Option<String>,
}

impl Encoder {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn size(&mut self, size: usize) {
        if let Ok(byte) = u8::try_from(size)
            && byte < CORNER
        {
            return self.byte(byte);
        }
        if let Some(corner) = CORNERS.iter().position(|corner| *corner == size)
            && let Ok(corner) = u8::try_from(corner)
        {
            return self.byte(CORNER + corner);
        }
        if let Ok(size) = u16::try_from(size) {
            self.byte(WIDE[0]);
            self.bytes.extend(size.to_le_bytes());
        } else if let Ok(size) = u32::try_from(size) {
            self.byte(WIDE[1]);
            self.bytes.extend(size.to_le_bytes());
        } else {
            self.byte(WIDE[2]);
            self.bytes.extend((size as u64).to_le_bytes());
        }
    }

    /// Notes that `found` is more than `limit`, if so.
    pub(super) fn limit(&mut self, what: &str, found: usize, limit: usize) {
        if found > limit {
            self.lose(|| format!("{found} {what}, and a fuzz case has {limit} at most"));
        }
    }

    pub(super) fn lose(&mut self, why: impl FnOnce() -> String) {
        if self.lost.is_none() {
            self.lost = Some(why());
        }
    }
}

/// How a `T` is read and written. `None`: what was read cannot be in this scope, and is left out.
pub(super) trait Code<T> {
    fn read(from: &mut Decoder<'_, '_>) -> Option<T>;
    fn write(value: &T, into: &mut Encoder);
}

/// The code of a type that has only one.
pub(super) struct Own;

/// Numbers of a fixed width: as they lie in memory, so that a value that the engine saw in a
/// comparison is found in the input.
pub(super) struct Fixed;

macro_rules! fixed {
    ($($type:ty),*) => {$(
        impl Code<$type> for Fixed {
            fn read(from: &mut Decoder<'_, '_>) -> Option<$type> {
                Some(<$type>::from_le_bytes(from.fixed()))
            }

            fn write(value: &$type, into: &mut Encoder) {
                into.bytes.extend(value.to_le_bytes());
            }
        }
    )*};
}

fixed!(u8, u32, u64, i32);

impl Code<bool> for Own {
    fn read(from: &mut Decoder<'_, '_>) -> Option<bool> {
        Some(from.byte() & 1 == 1)
    }

    fn write(value: &bool, into: &mut Encoder) {
        into.byte((*value).into());
    }
}

/// A text without NULs.
impl Code<String> for Own {
    fn read(from: &mut Decoder<'_, '_>) -> Option<String> {
        let len = from.size();
        let len = from.afford(len);
        Some(String::from_utf8_lossy(from.take(len)).replace('\0', ""))
    }

    fn write(value: &String, into: &mut Encoder) {
        into.size(value.len());
        into.scope.data += value.len();
        into.bytes.extend(value.as_bytes());
    }
}

impl<T> Code<Option<T>> for Own
where
    Self: Code<T>,
{
    fn read(from: &mut Decoder<'_, '_>) -> Option<Option<T>> {
        if from.byte() & 1 == 0 { Some(None) } else { Some(Some(<Self as Code<T>>::read(from)?)) }
    }

    fn write(value: &Option<T>, into: &mut Encoder) {
        into.byte(value.is_some().into());
        if let Some(value) = value {
            <Self as Code<T>>::write(value, into);
        }
    }
}

impl<T> Code<Vec<T>> for Own
where
    Self: Code<T>,
{
    fn read(from: &mut Decoder<'_, '_>) -> Option<Vec<T>> {
        let len = from.size() % (MAX_LIST + 1);
        let mut list = Vec::new();
        for _ in 0..len {
            if from.is_empty() {
                break;
            }
            list.extend(<Self as Code<T>>::read(from));
        }
        Some(list)
    }

    fn write(value: &Vec<T>, into: &mut Encoder) {
        into.limit("elements in a list", value.len(), MAX_LIST);
        into.size(value.len());
        value.iter().for_each(|element| <Self as Code<T>>::write(element, into));
    }
}

/// Gives a struct the code of its fields, in order.
macro_rules! struct_code {
    ($type:ident { $($field:ident: $code:ty),* $(,)? }) => {
        impl Code<$type> for Own {
            fn read(from: &mut Decoder<'_, '_>) -> Option<$type> {
                Some($type { $($field: <$code>::read(from)?),* })
            }

            fn write(value: &$type, into: &mut Encoder) {
                $(<$code>::write(&value.$field, into);)*
            }
        }
    };
}

/// Gives an enum the code of its variants: a byte, taken modulo their number, and the fields.
///
/// The order is part of the coding. In brackets stands how many variants each version has, and which
/// of them the byte 0 means, where that is not the first: a variant is added at the end, in a new
/// version, and the inputs of older ones mean what they did.
macro_rules! enum_code {
    ($type:ident [$($count:literal $(from $first:literal)?),*] {
        $($variant:ident $({ $($field:ident: $code:ty),* $(,)? })? $(($only:ident: $value:ty))?),* $(,)?
    }) => {
        impl Code<$type> for Own {
            fn read(from: &mut Decoder<'_, '_>) -> Option<$type> {
                #[derive(Clone, Copy)]
                enum Tag { $($variant),* }
                const TAGS: &[Tag] = &[$(Tag::$variant),*];
                const VERSIONS: &[(usize, usize)] = &[$(($count, 0 $(+ $first)?)),*];
                const { assert!(VERSIONS[VERSIONS.len() - 1].0 == TAGS.len()) };
                let version = usize::from(from.scope.version).clamp(1, VERSIONS.len());
                let (count, first) = VERSIONS[version - 1];
                match TAGS[(usize::from(from.byte()) + first) % count] {
                    $(Tag::$variant => Some($type::$variant
                        $({ $($field: <$code>::read(from)?),* })?
                        $((<$value>::read(from)?))?
                    ),)*
                }
            }

            fn write(value: &$type, into: &mut Encoder) {
                #[derive(Clone, Copy)]
                enum Tag { $($variant),* }
                const VERSIONS: &[(u8, u8)] = &[$(($count, 0 $(+ $first)?)),*];
                const { assert!(2 * VERSIONS[VERSIONS.len() - 1].0 as usize <= u8::MAX as usize) };
                let (count, first) = VERSIONS[VERSIONS.len() - 1];
                match value {
                    $($type::$variant $({ $($field),* })? $(($only))? => {
                        into.byte((Tag::$variant as u8 + count - first) % count);
                        $($(<$code>::write($field, into);)*)?
                        $(<$value>::write($only, into);)?
                    })*
                }
            }
        }
    };
}

pub(super) use {enum_code, struct_code};
