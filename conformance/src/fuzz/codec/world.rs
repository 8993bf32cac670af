//! The code of a world.

use std::num::{NonZeroI32, NonZeroUsize};

use crate::trace::{
    Answer, Channel, Data, ReadStep, ReleaseStep, Segment, Shutdown, SinkStep, World, WriteStep,
};

use super::{Code, Decoder, Encoder, Fixed, Own, enum_code, struct_code};

/// Most channels in a case, and most descriptors and compressors: each costs memory in every
/// subject.
const MAX_PARTS: usize = 8;

/// Greatest arena, in bytes: it is filled anew for each case and each subject.
const MAX_ARENA: usize = 1 << 18;

/// A length that [`Decoder::afford`] grants.
struct Length;

impl Code<usize> for Length {
    fn read(from: &mut Decoder<'_, '_>) -> Option<usize> {
        let len = from.size();
        Some(from.afford(len))
    }

    fn write(value: &usize, into: &mut Encoder) {
        into.scope.data = into.scope.data.saturating_add(*value);
        into.limit("bytes of data", into.scope.data, super::MAX_DATA);
        into.size(*value);
    }
}

/// Bytes as they are.
struct Raw;

impl Code<Vec<u8>> for Raw {
    fn read(from: &mut Decoder<'_, '_>) -> Option<Vec<u8>> {
        let len = Length::read(from)?;
        Some(from.take(len).to_vec())
    }

    fn write(value: &Vec<u8>, into: &mut Encoder) {
        Length::write(&value.len(), into);
        into.bytes.extend(value);
    }
}

impl Code<NonZeroUsize> for Own {
    fn read(from: &mut Decoder<'_, '_>) -> Option<NonZeroUsize> {
        Some(NonZeroUsize::new(from.size()).unwrap_or(NonZeroUsize::MIN))
    }

    fn write(value: &NonZeroUsize, into: &mut Encoder) {
        into.size(value.get());
    }
}

/// An errno: positive.
impl Code<NonZeroI32> for Own {
    fn read(from: &mut Decoder<'_, '_>) -> Option<NonZeroI32> {
        let code: i32 = Fixed::read(from)?;
        NonZeroI32::new((code & i32::MAX).max(1))
    }

    fn write(value: &NonZeroI32, into: &mut Encoder) {
        Fixed::write(&value.get(), into);
    }
}

/// A level of zlib's.
struct Level;

impl Code<u8> for Level {
    fn read(from: &mut Decoder<'_, '_>) -> Option<u8> {
        Some(from.byte() % 10)
    }

    fn write(value: &u8, into: &mut Encoder) {
        into.byte(*value);
    }
}

/// A list of a few.
struct Few<C>(std::marker::PhantomData<C>);

impl<T, C: Code<T>> Code<Vec<T>> for Few<C> {
    fn read(from: &mut Decoder<'_, '_>) -> Option<Vec<T>> {
        let len = usize::from(from.byte()) % (MAX_PARTS + 1);
        (0..len).map(|_| C::read(from)).collect()
    }

    fn write(value: &Vec<T>, into: &mut Encoder) {
        into.limit("channels, descriptors or compressors", value.len(), MAX_PARTS);
        into.byte(u8::try_from(value.len()).unwrap_or(u8::MAX));
        value.iter().for_each(|element| C::write(element, into));
    }
}

enum_code!(Segment [4] {
    Bytes(bytes: Raw),
    Counting(len: Length),
    Repeat { byte: Fixed, len: Length },
    Noise { seed: Fixed, len: Length },
});

impl Code<Data> for Own {
    fn read(from: &mut Decoder<'_, '_>) -> Option<Data> {
        Some(Data(Self::read(from)?))
    }

    fn write(value: &Data, into: &mut Encoder) {
        Self::write(&value.0, into);
    }
}

enum_code!(ReadStep [4] { Take(most: Own), Block, Fail(why: Own), End });
enum_code!(WriteStep [3] { Take(most: Own), Block, Fail(why: Own) });
enum_code!(SinkStep [3] { Take(most: Own), Nothing, Fail(why: Own) });
enum_code!(ReleaseStep [2] { Works, Fail(why: Own) });
enum_code!(Shutdown [3] { Works, Unsupported, Fails(why: Own) });
enum_code!(Answer [2] { Works, Fails(why: Own) });

struct_code!(Channel {
    input: Own,
    reads: Own,
    rest: Own,
    writes: Own,
    shutdown: Own,
    close: Own,
    set_blocking: Own,
    blocking: Own,
});

/// What is guest memory at the beginning.
struct Arena;

impl Code<Data> for Arena {
    fn read(from: &mut Decoder<'_, '_>) -> Option<Data> {
        Some(<Own as Code<Data>>::read(from)?.truncated(MAX_ARENA))
    }

    fn write(value: &Data, into: &mut Encoder) {
        into.limit("bytes of guest memory", value.len(), MAX_ARENA);
        Own::write(value, into);
    }
}

struct_code!(World {
    arena: Arena,
    coroutine: Own,
    channels: Few<Own>,
    sinks: Few<Own>,
    compressors: Few<Level>,
    releases: Own,
});
