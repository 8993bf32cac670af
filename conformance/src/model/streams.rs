//! The model's streams, and which of their operations each [`Op`] is.

use crate::bytes::Bytes;
use crate::observation::Value;
use crate::trace::Op;

use super::Model;
use super::reader::Reader;
use super::stream_io::{EIO, Environment, Failure, StreamIo};
use super::writer::Writer;

/// An open stream.
#[derive(Debug)]
pub(super) struct Stream {
    channel: usize,
    pub(super) failure: Failure,
    pub(super) body: Body,
}

/// The side of a stream.
#[derive(Debug)]
pub(super) enum Body {
    Reading(Reader),
    Writing(Writer),
}

/// `-ENOSYS`: the channel cannot be shut down.
const ENOSYS: i64 = -38;

/// What a close that fails gives.
const FAILED: i64 = -1;

impl Model {
    fn open(&mut self, channel: usize, body: Body) -> Value {
        self.environment.world.reference(channel);
        self.streams.push(Some(Stream { channel, failure: Failure::default(), body }));
        Value::Stream(self.streams.len() - 1)
    }

    /// Carries out an operation whose domain is defined.
    pub(super) fn carry_out(&mut self, op: &Op) -> Value {
        match op {
            Op::NewInput { channel } => self.open(*channel, Body::Reading(Reader::default())),
            Op::NewOutput { channel } => self.open(*channel, Body::Writing(Writer::new())),
            Op::GetErrorObjAny { first, second } => self.error_of_any([*first, *second]),
            Op::ChangeArena { offset, data } => {
                let bytes = data.to_vec();
                self.environment.arena[*offset..*offset + bytes.len()].copy_from_slice(&bytes);
                Value::Nothing
            }
            Op::PutStream { stream, source } => self.put_stream(*stream, *source),
            _ => {
                let Some(number) = op.streams()[0] else { return Value::SteppedOver };
                let Some(mut stream) = self.streams.get_mut(number).and_then(Option::take) else {
                    return Value::SteppedOver;
                };
                match op {
                    Op::GetReturnPath { .. } => {
                        let body = match stream.body {
                            Body::Reading(_) => Body::Writing(Writer::new()),
                            Body::Writing(_) => Body::Reading(Reader::default()),
                        };
                        let channel = stream.channel;
                        self.streams[number] = Some(stream);
                        self.open(channel, body)
                    }
                    Op::Close { .. } => stream.close(number, &mut self.environment),
                    _ => {
                        let value = stream.carry_out(op, number, &mut self.environment);
                        self.streams[number] = Some(stream);
                        value
                    }
                }
            }
        }
    }

    fn error_of_any(&self, streams: [Option<usize>; 2]) -> Value {
        let found = streams
            .into_iter()
            .flatten()
            .filter_map(|stream| self.streams.get(stream)?.as_ref())
            .find(|stream| stream.failure.is_set());
        let (code, text) = found.map_or((0, None), |stream| stream.failure.describe());
        Value::Error { code, text }
    }

    fn put_stream(&mut self, number: usize, source: usize) -> Value {
        let Some(mut from) = self.streams.get_mut(source).and_then(Option::take) else {
            return Value::SteppedOver;
        };
        let value = match (self.streams.get_mut(number).and_then(Option::as_mut), &mut from.body) {
            (
                Some(Stream { channel, failure, body: Body::Writing(writer) }),
                Body::Writing(from),
            ) => {
                let mut io = StreamIo {
                    stream: number,
                    channel: *channel,
                    failure,
                    environment: &mut self.environment,
                };
                Value::Code(writer.put_stream(&mut io, from).into())
            }
            _ => Value::SteppedOver,
        };
        self.streams[source] = Some(from);
        value
    }
}

impl Stream {
    fn flush(&mut self, number: usize, environment: &mut Environment) -> i64 {
        if let Body::Writing(writer) = &mut self.body {
            let mut io = StreamIo {
                stream: number,
                channel: self.channel,
                failure: &mut self.failure,
                environment,
            };
            writer.flush(&mut io);
        }
        self.failure.code().into()
    }

    /// The channel is closed for all who share it, whatever the flush came to (row 21).
    fn close(mut self, number: usize, environment: &mut Environment) -> Value {
        let flushed = self.flush(number, environment);
        let closed = if environment.world.close(self.channel).is_ok() { 0 } else { FAILED };
        environment.world.unreference(self.channel);
        environment.world.closed();
        Value::Code(if flushed >= 0 { closed } else { flushed })
    }

    /// The error comes before the question whether the channel can be shut down at all (row 22).
    fn shutdown(&mut self, environment: &mut Environment) -> i64 {
        self.failure.set(EIO, None, &mut environment.world);
        if !environment.world.can_shutdown(self.channel) {
            return ENOSYS;
        }
        if environment.world.shutdown(self.channel).is_ok() { 0 } else { EIO.into() }
    }

    fn carry_out(&mut self, op: &Op, number: usize, environment: &mut Environment) -> Value {
        match op {
            Op::GetChannel { .. } => return Value::Channel(self.channel),
            Op::SetBlocking { blocking, .. } => {
                // The original does not look at what comes of it.
                let _ = environment.world.set_blocking(self.channel, *blocking);
                return Value::Nothing;
            }
            Op::Shutdown { .. } => return Value::Code(self.shutdown(environment)),
            Op::GetError { .. } => return Value::Code(self.failure.code().into()),
            Op::GetErrorObj { .. } => {
                let (code, text) = self.failure.describe();
                return Value::Error { code, text };
            }
            Op::SetError { code, .. } => {
                self.failure.set(*code, None, &mut environment.world);
                return Value::Nothing;
            }
            Op::SetErrorObj { code, text, .. } => {
                self.failure.set(*code, text.as_deref(), &mut environment.world);
                return Value::Nothing;
            }
            Op::Flush { .. } => return Value::Code(self.flush(number, environment)),
            _ => {}
        }
        let mut io = StreamIo {
            stream: number,
            channel: self.channel,
            failure: &mut self.failure,
            environment,
        };
        match &mut self.body {
            Body::Reading(reader) => take(reader, &mut io, op),
            Body::Writing(writer) => put(writer, &mut io, op),
        }
    }
}

fn bytes(bytes: Vec<u8>) -> Bytes {
    bytes.into()
}

/// The operations of a stream that reads.
fn take(reader: &mut Reader, io: &mut StreamIo<'_>, op: &Op) -> Value {
    match op {
        Op::PeekBuffer { size, offset, .. } => Value::Bytes(bytes(reader.peek(io, *size, *offset))),
        Op::GetBuffer { size, .. } => Value::Bytes(bytes(reader.get(io, *size))),
        Op::GetBufferInPlace { size, .. } => {
            let (placement, found) = reader.get_in_place(io, *size);
            Value::Placed { placement, bytes: bytes(found) }
        }
        Op::PeekByte { offset, .. } => {
            Value::Number(reader.peek_byte(io, usize::try_from(*offset).unwrap_or(0)).into())
        }
        Op::GetByte { .. } => Value::Number(reader.get_byte(io).into()),
        Op::GetBe16 { .. } => Value::Number(reader.get_word(io, 2)),
        Op::GetBe32 { .. } => Value::Number(reader.get_word(io, 4)),
        Op::GetBe64 { .. } => Value::Number(reader.get_word(io, 8)),
        Op::GetCountedString { .. } => {
            let (returned, found) = reader.get_counted_string(io);
            Value::text(returned, found)
        }
        Op::Skip { size, .. } => {
            reader.skip(usize::try_from(*size).unwrap_or(0));
            Value::Nothing
        }
        Op::GetToFd { sink, size, .. } => Value::Code(reader.get_to_fd(io, *sink, *size).into()),
        _ => Value::SteppedOver,
    }
}

/// The operations of a stream that writes. Values are cut to their width (row 28).
fn put(writer: &mut Writer, io: &mut StreamIo<'_>, op: &Op) -> Value {
    match op {
        Op::PutBuffer { data, .. } => writer.put(io, &data.to_vec()),
        Op::PutBufferAsync { offset, len, may_free, .. } => {
            writer.put_async(io, *offset, *len, *may_free);
        }
        Op::PutByte { value, .. } => writer.put_bytes(io, &value.to_be_bytes()[3..]),
        Op::PutBe16 { value, .. } => writer.put_bytes(io, &value.to_be_bytes()[2..]),
        Op::PutBe32 { value, .. } => writer.put_bytes(io, &value.to_be_bytes()),
        Op::PutBe64 { value, .. } => writer.put_bytes(io, &value.to_be_bytes()),
        Op::PutCountedString { text, .. } => writer.put_counted_string(io, &text.to_vec()),
        Op::PutCompressionData { compressor, data, .. } => {
            return Value::Code(writer.put_compressed(io, *compressor, &data.to_vec()));
        }
        Op::Transferred { .. } => return Value::Number(io.environment.sent + writer.queued()),
        Op::BufferEmpty { .. } => return Value::Flag(writer.pieces() == 0),
        _ => return Value::SteppedOver,
    }
    Value::Nothing
}
