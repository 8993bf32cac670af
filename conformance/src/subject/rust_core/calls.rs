//! The calls of the core's streams, once for those that wait and once for those that yield.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use qemufile_core::compat::{self, InPlace};
use qemufile_core::{
    AsyncReader, AsyncWriter, Channel, Compressor, Config, Error, GuestMemory, Reader, Stream,
    Writer,
};

use super::adapter::{Shared, Sink};
use crate::Bytes;
use crate::observation::{Placement, Value};
use crate::trace::Op;

/// One stream of the core.
pub(super) enum Side {
    Reader(Reader),
    Writer(Writer),
    AsyncReader(AsyncReader),
    AsyncWriter(AsyncWriter),
}

/// Runs a future to its end: the world's channels are ready at the second poll.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

impl Side {
    pub(super) fn input(channel: Arc<dyn Channel>, config: &Config, coroutine: bool) -> Self {
        if coroutine {
            Self::AsyncReader(AsyncReader::with_config(channel, config))
        } else {
            Self::Reader(Reader::with_config(channel, config))
        }
    }

    pub(super) fn output(channel: Arc<dyn Channel>, config: &Config, coroutine: bool) -> Self {
        if coroutine {
            Self::AsyncWriter(AsyncWriter::with_config(channel, config))
        } else {
            Self::Writer(Writer::with_config(channel, config))
        }
    }

    pub(super) fn return_path(&self) -> Self {
        match self {
            Self::Reader(reader) => Self::Writer(reader.return_path()),
            Self::Writer(writer) => Self::Reader(writer.return_path()),
            Self::AsyncReader(reader) => Self::AsyncWriter(reader.return_path()),
            Self::AsyncWriter(writer) => Self::AsyncReader(writer.return_path()),
        }
    }

    pub(super) fn stream(&self) -> &dyn Stream {
        match self {
            Self::Reader(reader) => reader,
            Self::Writer(writer) => writer,
            Self::AsyncReader(reader) => reader,
            Self::AsyncWriter(writer) => writer,
        }
    }

    /// Of a stream that writes: bytes transferred, and whether nothing is queued.
    pub(super) fn queue(&self) -> Option<(u64, bool)> {
        match self {
            Self::Writer(writer) => Some((writer.transferred(), writer.is_empty())),
            Self::AsyncWriter(writer) => Some((writer.transferred(), writer.is_empty())),
            Self::Reader(_) | Self::AsyncReader(_) => None,
        }
    }

    pub(super) fn flush(&mut self) -> i32 {
        match self {
            Self::Writer(writer) => compat::fflush(writer),
            Self::AsyncWriter(writer) => run(compat::nonblocking::fflush(writer)),
            Self::Reader(_) | Self::AsyncReader(_) => compat::get_error(self.stream()),
        }
    }

    pub(super) fn close(self) -> i32 {
        match self {
            Self::Reader(reader) => compat::close_reader(reader),
            Self::Writer(writer) => compat::close_writer(writer),
            Self::AsyncReader(reader) => compat::nonblocking::close_reader(reader),
            Self::AsyncWriter(writer) => run(compat::nonblocking::close_writer(writer)),
        }
    }

    pub(super) fn put_stream(&mut self, source: &mut Self) -> Option<i64> {
        match (self, source) {
            (Self::Writer(to), Self::Writer(from)) => Some(compat::put_qemu_file(to, from)),
            (Self::AsyncWriter(to), Self::AsyncWriter(from)) => {
                Some(run(compat::nonblocking::put_qemu_file(to, from)))
            }
            _ => None,
        }
    }

    pub(super) fn put_compressed(
        &mut self,
        compressor: &mut Compressor,
        data: &[u8],
    ) -> Option<i64> {
        match self {
            Self::Writer(writer) => Some(compat::put_compression_data(writer, compressor, data)),
            Self::AsyncWriter(writer) => {
                Some(run(compat::nonblocking::put_compression_data(writer, compressor, data)))
            }
            Self::Reader(_) | Self::AsyncReader(_) => None,
        }
    }
}

/// A caller has no use for the error here: the state that is observed afterwards has it.
fn done<E>(_: Result<(), E>) -> Value {
    Value::Nothing
}

/// As [`done`], but a misuse is a call that was refused.
fn allowed(result: Result<(), Error>) -> Option<Value> {
    match result {
        Err(Error::Misuse(_)) => None,
        _ => Some(Value::Nothing),
    }
}

/// A copy of bytes that were handed out.
fn copied(shared: &Shared, found: &[u8]) -> Bytes {
    let mut bytes = shared.world().bytes();
    bytes.extend_from_slice(found);
    bytes.into()
}

/// Memory of a caller's: zeros.
fn room(shared: &Shared, size: usize) -> Vec<u8> {
    let mut room = shared.world().bytes();
    room.resize(size, 0);
    room
}

fn placed(shared: &Shared, found: &InPlace<'_>) -> Value {
    let (placement, bytes) = match found {
        InPlace::Buffer(bytes) => (Placement::InPlace, *bytes),
        InPlace::Null => (Placement::Nowhere, &[][..]),
        InPlace::Copied(bytes) => (Placement::Copied, *bytes),
    };
    Value::Placed { placement, bytes: copied(shared, bytes) }
}

/// The low bits of a value, as a C parameter of a narrower type takes them (row 28).
fn low<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut low = [0; N];
    low.copy_from_slice(&bytes[bytes.len() - N..]);
    low
}

/// The streams that wait.
pub(super) struct Waiting;

/// The streams that yield.
pub(super) struct NonBlocking;

macro_rules! calls {
    ($kind:ident, $reader:ty, $writer:ty, $compat:path, $run:path) => {
        impl $kind {
            /// An operation of a stream that reads; `None` where it has none such.
            pub(super) fn take(reader: &mut $reader, shared: &Shared, op: &Op) -> Option<Value> {
                use $compat as calls;
                Some(match op {
                    Op::PeekBuffer { size, offset, .. } => {
                        let found = $run(calls::peek_buffer(reader, *size, *offset)).ok()?;
                        Value::Bytes(copied(shared, found))
                    }
                    Op::GetBuffer { size, .. } => {
                        let mut into = room(shared, *size);
                        let count = $run(calls::get_buffer(reader, &mut into));
                        into.truncate(count);
                        Value::Bytes(into.into())
                    }
                    Op::GetBufferInPlace { size, .. } => {
                        let mut into = room(shared, *size);
                        let found = $run(calls::get_buffer_in_place(reader, &mut into));
                        let value = placed(shared, &found);
                        shared.world().recycle_bytes(into);
                        value
                    }
                    Op::PeekByte { offset, .. } => {
                        let offset = usize::try_from(*offset).ok()?;
                        Value::Number($run(calls::peek_byte(reader, offset)).ok()?.into())
                    }
                    Op::GetByte { .. } => Value::Number($run(calls::get_byte(reader)).into()),
                    Op::GetBe16 { .. } => Value::Number($run(calls::get_be16(reader)).into()),
                    Op::GetBe32 { .. } => Value::Number($run(calls::get_be32(reader)).into()),
                    Op::GetBe64 { .. } => Value::Number($run(calls::get_be64(reader))),
                    Op::GetCountedString { .. } => {
                        let mut memory = [0; 256];
                        let returned = $run(calls::get_counted_string(reader, &mut memory));
                        let mut seen = shared.world().bytes();
                        seen.extend_from_slice(&memory);
                        Value::text(returned, seen)
                    }
                    Op::Skip { size, .. } => {
                        calls::skip(reader, usize::try_from(*size).ok()?);
                        Value::Nothing
                    }
                    Op::GetToFd { sink, size, .. } => {
                        let mut sink = Sink::new(shared, *sink);
                        Value::Code($run(calls::get_to_fd(reader, &mut sink, *size)).into())
                    }
                    _ => return None,
                })
            }

            /// An operation of a stream that writes; `None` where it has none such.
            pub(super) fn put(
                writer: &mut $writer,
                arena: &GuestMemory,
                room: &mut Vec<u8>,
                op: &Op,
            ) -> Option<Value> {
                match op {
                    Op::PutBuffer { data, .. } => {
                        Some(done($run(writer.put_buffer(data.bytes(room)))))
                    }
                    Op::PutBufferAsync { offset, len, may_free, .. } => {
                        allowed($run(writer.put_guest(arena, *offset..*offset + *len, *may_free)))
                    }
                    Op::PutByte { value, .. } => {
                        let [byte] = low(&value.to_be_bytes());
                        Some(done($run(writer.put_byte(byte))))
                    }
                    Op::PutBe16 { value, .. } => {
                        let value = u16::from_be_bytes(low(&value.to_be_bytes()));
                        Some(done($run(writer.put_be16(value))))
                    }
                    Op::PutBe32 { value, .. } => Some(done($run(writer.put_be32(*value)))),
                    Op::PutBe64 { value, .. } => Some(done($run(writer.put_be64(*value)))),
                    Op::PutCountedString { text, .. } => {
                        allowed($run(writer.put_counted_string(text.bytes(room))))
                    }
                    _ => None,
                }
            }
        }
    };
}

calls!(Waiting, Reader, Writer, qemufile_core::compat, std::convert::identity);
calls!(NonBlocking, AsyncReader, AsyncWriter, qemufile_core::compat::nonblocking, run);
