//! The original, live.

use c_reference::{Host, Machine, Outcome, Piece, Reference, Source, Stop, Transfer as Moved};

use super::arena::Arenas;
use super::{Subject, Unready};
use crate::definedness::{self, Definedness, Role, Streams};
use crate::observation::{Direction, Event, Observation, Place, Placement, StreamState, Value};
use crate::scripted_host::{ScriptedHost, Transfer};
use crate::trace::{Op, World};

/// The original, or a file that stands in for it, in this process.
pub struct Original {
    reference: Reference,
    stage: Option<Machine<ScriptedHost>>,
    arenas: Arenas,
    /// Bytes of an operation that are made for it.
    room: Vec<u8>,
    /// Levels of the compressors that are made once one is used: most traces use none.
    levels: Vec<u8>,
}

impl Original {
    /// Name of the subject.
    pub const NAME: &'static str = "c";

    /// The code of `reference`.
    #[must_use]
    pub fn new(reference: Reference) -> Self {
        Self {
            reference,
            stage: None,
            arenas: Arenas::default(),
            room: Vec::new(),
            levels: Vec::new(),
        }
    }

    fn unready(reason: impl ToString) -> Unready {
        Unready { subject: Self::NAME, reason: reason.to_string() }
    }
}

/// The streams of the original, for the predicate.
struct Held<'a>(&'a Machine<ScriptedHost>);

impl Streams for Held<'_> {
    fn role(&self, stream: usize) -> Option<Role> {
        let state = self.0.state(stream).ok()?;
        Some(if state.writable { Role::Writing } else { Role::Reading })
    }

    fn index(&self, stream: usize) -> usize {
        self.0
            .state(stream)
            .ok()
            .and_then(|state| usize::try_from(state.buf_index).ok())
            .unwrap_or(0)
    }
}

impl Subject for Original {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// By what the original itself holds.
    fn definedness(&self, op: &Op) -> Option<Definedness> {
        self.stage.as_ref().map(|machine| definedness::of(op, &Held(machine)))
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        let arena = self.arenas.take(&world.arena).map_err(Self::unready)?;
        let machine = match self.stage.take() {
            Some(mut machine) => {
                machine.reset();
                machine.host_mut().reset(world);
                machine.set_arena(arena);
                machine
            }
            None => Machine::new(&self.reference, arena, ScriptedHost::new(world)),
        };
        self.levels.clone_from(&world.compressors);
        self.stage = Some(machine);
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Observation {
        let Some(machine) = &mut self.stage else {
            return Observation::broken("no trace was begun");
        };
        if let Err(misuse) = self.arenas.before(op) {
            return Observation::broken(misuse.to_string());
        }
        if let Op::PutCompressionData { .. } = op {
            for level in self.levels.drain(..) {
                // What zlib refuses is not there, which the call itself then says.
                let _ = machine.add_compressor(i32::from(level));
            }
        }
        let value = match call(machine, &mut self.room, op) {
            Ok(value) => value,
            Err(Stop::Asserted { line, .. }) => Value::Assertion { line },
            Err(Stop::Undefined(reason)) => Value::Broken(reason.to_string()),
        };
        let touched = match value {
            Value::Stream(made) => [Some(made), None],
            _ => op.streams(),
        };
        let events = machine.host_mut().take_events();
        let mut states = machine.host_mut().states();
        states
            .extend(touched.into_iter().flatten().filter_map(|stream| state(machine, stream).ok()));
        Observation { value, events, states }
    }

    fn recycle(&mut self, observation: Observation) {
        if let Some(machine) = &mut self.stage {
            machine.host_mut().recycle(observation);
        }
    }

    fn finish(&mut self) -> Vec<Event> {
        let Some(machine) = &mut self.stage else { return Vec::new() };
        let events = machine.host_mut().take_events();
        machine.reset();
        events
    }
}

fn state(machine: &mut Machine<ScriptedHost>, stream: usize) -> Outcome<StreamState> {
    let (error, text) = machine.get_error_obj(stream)?;
    let (transferred, empty) = if machine.state(stream)?.writable {
        (Some(machine.transferred(stream)?), Some(machine.buffer_empty(stream)?))
    } else {
        (None, None)
    };
    Ok(StreamState { stream, error, text, transferred, empty })
}

fn code(code: i32) -> Value {
    Value::Code(code.into())
}

fn byte(value: i32) -> Value {
    match u64::try_from(value) {
        Ok(value) => Value::Number(value),
        Err(_) => Value::Broken(format!("a byte of {value}")),
    }
}

fn error((code, text): (i32, Option<String>)) -> Value {
    Value::Error { code, text }
}

fn call(machine: &mut Machine<ScriptedHost>, room: &mut Vec<u8>, op: &Op) -> Outcome<Value> {
    Ok(match op {
        Op::NewInput { channel } => Value::Stream(machine.new_input(*channel)?),
        Op::NewOutput { channel } => Value::Stream(machine.new_output(*channel)?),
        Op::GetReturnPath { stream } => Value::Stream(machine.get_return_path(*stream)?),
        Op::GetChannel { stream } => Value::Channel(machine.get_ioc(*stream)?),
        Op::SetBlocking { stream, blocking } => {
            machine.set_blocking(*stream, *blocking)?;
            Value::Nothing
        }
        Op::Shutdown { stream } => code(machine.shutdown(*stream)?),
        Op::Close { stream } => code(machine.fclose(*stream)?),
        Op::GetError { stream } => code(machine.get_error(*stream)?),
        Op::GetErrorObj { stream } => error(machine.get_error_obj(*stream)?),
        Op::GetErrorObjAny { first, second } => error(machine.get_error_obj_any(*first, *second)?),
        Op::SetError { stream, code } => {
            machine.set_error(*stream, *code)?;
            Value::Nothing
        }
        Op::SetErrorObj { stream, code, text } => {
            machine.set_error_obj(*stream, *code, text.as_deref())?;
            Value::Nothing
        }
        Op::Flush { stream } => code(machine.fflush(*stream)?),
        Op::Transferred { stream } => Value::Number(machine.transferred(*stream)?),
        Op::BufferEmpty { stream } => Value::Flag(machine.buffer_empty(*stream)?),
        Op::ChangeArena { offset, data } => {
            match machine.arena().write_at(*offset, data.bytes(room)) {
                Ok(()) => Value::Nothing,
                Err(misuse) => Value::Broken(misuse.to_string()),
            }
        }
        _ => return take(machine, room, op),
    })
}

fn take(machine: &mut Machine<ScriptedHost>, room: &mut Vec<u8>, op: &Op) -> Outcome<Value> {
    Ok(match op {
        Op::PeekBuffer { stream, size, offset } => {
            let room = machine.host_mut().bytes();
            Value::Bytes(machine.peek_buffer(*stream, *size, *offset, room)?.into())
        }
        Op::GetBuffer { stream, size } => {
            let room = machine.host_mut().bytes();
            Value::Bytes(machine.get_buffer(*stream, *size, room)?.into())
        }
        Op::GetBufferInPlace { stream, size } => {
            let room = machine.host_mut().bytes();
            let found = machine.get_buffer_in_place(*stream, *size, room)?;
            let placement = match found.source {
                Source::Buffer { .. } => Placement::InPlace,
                Source::Null => Placement::Nowhere,
                Source::Copied => Placement::Copied,
            };
            Value::Placed { placement, bytes: found.bytes.into() }
        }
        Op::PeekByte { stream, offset } => byte(machine.peek_byte(*stream, *offset)?),
        Op::GetByte { stream } => byte(machine.get_byte(*stream)?),
        Op::GetBe16 { stream } => Value::Number(machine.get_be16(*stream)?.into()),
        Op::GetBe32 { stream } => Value::Number(machine.get_be32(*stream)?.into()),
        Op::GetBe64 { stream } => Value::Number(machine.get_be64(*stream)?),
        Op::GetCountedString { stream } => {
            let room = machine.host_mut().bytes();
            let found = machine.get_counted_string(*stream, room)?;
            Value::text(found.len, found.buffer)
        }
        Op::Skip { stream, size } => {
            machine.skip(*stream, *size)?;
            Value::Nothing
        }
        Op::GetToFd { stream, sink, size } => code(machine.get_to_fd(*stream, *sink, *size)?),
        _ => return put(machine, room, op),
    })
}

fn put(machine: &mut Machine<ScriptedHost>, room: &mut Vec<u8>, op: &Op) -> Outcome<Value> {
    match op {
        Op::PutBuffer { stream, data } => machine.put_buffer(*stream, data.bytes(room))?,
        Op::PutBufferAsync { stream, offset, len, may_free } => {
            machine.put_buffer_async(*stream, *offset, *len, *may_free)?;
        }
        Op::PutByte { stream, value } => machine.put_byte(*stream, *value)?,
        Op::PutBe16 { stream, value } => machine.put_be16(*stream, *value)?,
        Op::PutBe32 { stream, value } => machine.put_be32(*stream, *value)?,
        Op::PutBe64 { stream, value } => machine.put_be64(*stream, *value)?,
        Op::PutCountedString { stream, text } => {
            machine.put_counted_string(*stream, text.bytes(room))?;
        }
        Op::PutCompressionData { stream, compressor, data } => {
            let count = machine.put_compression_data(*stream, *compressor, data.bytes(room))?;
            return Ok(Value::Code(i64::try_from(count).unwrap_or(i64::MIN)));
        }
        Op::PutStream { stream, source } => {
            return Ok(code(machine.put_qemu_file(*stream, *source)?));
        }
        _ => return Ok(Value::Broken("no such call".to_owned())),
    }
    Ok(Value::Nothing)
}

fn moved(transfer: Transfer) -> Moved {
    match transfer {
        Transfer::Done(count) => Moved::Done(count),
        Transfer::WouldBlock => Moved::WouldBlock,
        Transfer::Failed(text) => Moved::Failed(text),
    }
}

fn place(place: c_reference::Place) -> Place {
    match place {
        c_reference::Place::Arena(offset) => Place::Arena(offset),
        c_reference::Place::Buffer { stream, offset } => Place::Buffer { stream, offset },
        c_reference::Place::Elsewhere => Place::Elsewhere,
    }
}

impl Host for ScriptedHost {
    fn read(&mut self, channel: usize, into: &mut [u8]) -> Moved {
        moved(self.read(channel, into))
    }

    fn write(&mut self, channel: usize, pieces: &[Piece<'_>]) -> Moved {
        let (mut lengths, mut bytes) = (self.lengths(), self.bytes());
        lengths.extend(pieces.iter().map(|piece| piece.len));
        pieces.iter().for_each(|piece| bytes.extend_from_slice(piece.bytes));
        moved(self.write(channel, lengths, bytes))
    }

    fn wait(&mut self, channel: usize, direction: c_reference::Direction, yielded: bool) {
        let direction = match direction {
            c_reference::Direction::Input => Direction::Input,
            c_reference::Direction::Output => Direction::Output,
        };
        self.wait(channel, direction, yielded);
    }

    fn in_coroutine(&mut self) -> bool {
        Self::in_coroutine(self)
    }

    fn can_shutdown(&mut self, channel: usize) -> bool {
        Self::can_shutdown(self, channel)
    }

    fn shutdown(&mut self, channel: usize) -> Result<(), String> {
        self.shutdown(channel)
    }

    fn close(&mut self, channel: usize) -> Result<(), String> {
        self.close(channel)
    }

    fn set_blocking(&mut self, channel: usize, blocking: bool) -> Result<(), String> {
        self.set_blocking(channel, blocking)
    }

    fn reference(&mut self, channel: usize) {
        self.reference(channel);
    }

    fn unreference(&mut self, channel: usize) {
        self.unreference(channel);
    }

    fn release(&mut self, at: c_reference::Place, len: usize) -> Result<(), i32> {
        self.release(place(at), len)
    }

    fn report(&mut self, text: &str) {
        self.report(text);
    }

    fn sink_write(&mut self, sink: usize, bytes: &[u8]) -> Result<usize, i32> {
        self.sink_write(sink, bytes)
    }

    fn closed(&mut self) {
        self.closed();
    }
}
