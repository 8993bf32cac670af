//! The code of the operations.

use crate::trace::{Data, Op, Segment};

use super::{Code, Decoder, Encoder, Fixed, MAX_SIZE, MAX_STREAMS, Own, enum_code};

/// First byte of the number of a stream that no operation so far has made.
const FAR: u8 = 0xf0;

/// Number of a stream: as a rule one of those that were made.
struct Stream;

impl Code<usize> for Stream {
    fn read(from: &mut Decoder<'_, '_>) -> Option<usize> {
        let byte = from.byte();
        if byte >= FAR {
            Some(from.size())
        } else {
            Some(usize::from(byte) % from.scope.streams.max(1))
        }
    }

    fn write(value: &usize, into: &mut Encoder) {
        match u8::try_from(*value) {
            Ok(near) if near < FAR && *value < into.scope.streams.max(1) => into.byte(near),
            _ => {
                into.byte(FAR);
                into.size(*value);
            }
        }
    }
}

/// An index into a list of the world's.
macro_rules! index {
    ($name:ident, $list:ident) => {
        struct $name;

        impl Code<usize> for $name {
            fn read(from: &mut Decoder<'_, '_>) -> Option<usize> {
                usize::from(from.byte()).checked_rem(from.scope.$list)
            }

            fn write(value: &usize, into: &mut Encoder) {
                into.byte(u8::try_from(*value).unwrap_or(u8::MAX));
            }
        }
    };
}

index!(Channel, channels);
index!(Sink, sinks);
index!(Compressor, compressors);

/// Bytes asked for.
struct Size;

impl Code<usize> for Size {
    fn read(from: &mut Decoder<'_, '_>) -> Option<usize> {
        Some(from.size().min(MAX_SIZE))
    }

    fn write(value: &usize, into: &mut Encoder) {
        into.limit("bytes in one call", *value, MAX_SIZE);
        into.size(*value);
    }
}

/// Any number.
struct Any;

impl Code<usize> for Any {
    fn read(from: &mut Decoder<'_, '_>) -> Option<usize> {
        Some(from.size())
    }

    fn write(value: &usize, into: &mut Encoder) {
        into.size(*value);
    }
}

/// A number that is small and positive as a rule: a size in the types of C.
impl Code<i32> for Size {
    fn read(from: &mut Decoder<'_, '_>) -> Option<i32> {
        // Two's complement: a negative one comes as a large one.
        let size = u32::try_from(from.size()).unwrap_or(u32::MAX);
        Some(i32::from_ne_bytes(size.to_ne_bytes()))
    }

    fn write(value: &i32, into: &mut Encoder) {
        let size = u32::from_ne_bytes(value.to_ne_bytes());
        into.size(usize::try_from(size).unwrap_or(usize::MAX));
    }
}

/// A text for C: without NULs.
struct Text;

impl Code<Data> for Text {
    fn read(from: &mut Decoder<'_, '_>) -> Option<Data> {
        let Data(mut segments) = Own::read(from)?;
        for segment in &mut segments {
            clear_of_zeros(segment);
        }
        Some(Data(segments))
    }

    fn write(value: &Data, into: &mut Encoder) {
        Own::write(value, into);
    }
}

fn clear_of_zeros(segment: &mut Segment) {
    let len = segment.len();
    match segment {
        Segment::Bytes(bytes) => {
            bytes.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = 1);
        }
        Segment::Repeat { byte, .. } => *byte = if *byte == 0 && len > 0 { 1 } else { *byte },
        Segment::Counting(0) => {}
        Segment::Counting(len) => *segment = Segment::Repeat { byte: 1, len: *len },
        Segment::Noise { .. } => {
            let zeros = Data::from(segment.clone()).to_vec().contains(&0);
            if zeros {
                *segment = Segment::Repeat { byte: 1, len };
            }
        }
    }
}

enum_code!(Op [36, 36 from 7] {
    NewInput { channel: Channel },
    NewOutput { channel: Channel },
    GetReturnPath { stream: Stream },
    GetChannel { stream: Stream },
    SetBlocking { stream: Stream, blocking: Own },
    Shutdown { stream: Stream },
    Close { stream: Stream },
    GetError { stream: Stream },
    GetErrorObj { stream: Stream },
    GetErrorObjAny { first: Maybe, second: Maybe },
    SetError { stream: Stream, code: Fixed },
    SetErrorObj { stream: Stream, code: Fixed, text: Own },
    PeekBuffer { stream: Stream, size: Size, offset: Any },
    GetBuffer { stream: Stream, size: Size },
    GetBufferInPlace { stream: Stream, size: Size },
    PeekByte { stream: Stream, offset: Size },
    GetByte { stream: Stream },
    GetBe16 { stream: Stream },
    GetBe32 { stream: Stream },
    GetBe64 { stream: Stream },
    GetCountedString { stream: Stream },
    Skip { stream: Stream, size: Size },
    GetToFd { stream: Stream, sink: Sink, size: Size },
    PutBuffer { stream: Stream, data: Own },
    PutBufferAsync { stream: Stream, offset: Any, len: Any, may_free: Own },
    PutByte { stream: Stream, value: Fixed },
    PutBe16 { stream: Stream, value: Fixed },
    PutBe32 { stream: Stream, value: Fixed },
    PutBe64 { stream: Stream, value: Fixed },
    PutCountedString { stream: Stream, text: Text },
    PutCompressionData { stream: Stream, compressor: Compressor, data: Own },
    PutStream { stream: Stream, source: Stream },
    Flush { stream: Stream },
    Transferred { stream: Stream },
    BufferEmpty { stream: Stream },
    ChangeArena { offset: Any, data: Own },
});

/// A stream, or none.
struct Maybe;

impl Code<Option<usize>> for Maybe {
    fn read(from: &mut Decoder<'_, '_>) -> Option<Option<usize>> {
        if from.byte() & 1 == 0 { Some(None) } else { Some(Some(Stream::read(from)?)) }
    }

    fn write(value: &Option<usize>, into: &mut Encoder) {
        into.byte(value.is_some().into());
        if let Some(stream) = value {
            Stream::write(stream, into);
        }
    }
}

/// The next operation; `None` where it names what the world does not have.
pub(in crate::fuzz) fn read(from: &mut Decoder<'_, '_>) -> Option<Op> {
    let mut op = <Own as Code<Op>>::read(from)?;
    let arena = from.scope.arena;
    match &mut op {
        Op::PutBufferAsync { offset, len, .. } => {
            *offset = offset.checked_rem(arena)?;
            *len = (*len).min(arena - *offset);
        }
        Op::ChangeArena { offset, data } => {
            *offset = offset.checked_rem(arena)?;
            *data = std::mem::take(data).truncated(arena - *offset);
        }
        _ => {}
    }
    if makes_stream(&op) { from.scope.make_stream().then_some(op) } else { Some(op) }
}

/// Writes an operation behind those that were written before.
pub(in crate::fuzz) fn write(op: &Op, into: &mut Encoder) {
    <Own as Code<Op>>::write(op, into);
    if makes_stream(op) && !into.scope.make_stream() {
        into.limit("streams", MAX_STREAMS + 1, MAX_STREAMS);
    }
}

/// Whether the operation makes a stream, if what it names is there.
pub(in crate::fuzz) fn makes_stream(op: &Op) -> bool {
    matches!(op, Op::NewInput { .. } | Op::NewOutput { .. } | Op::GetReturnPath { .. })
}
