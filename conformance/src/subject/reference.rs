//! The original, live.

use c_reference::{
    Aftermath, Fault, Host, Outcome, Piece, Reference, Session, Source, Stop, Transfer as Moved,
    Undefined,
};

use super::arena::Arenas;
use super::{Subject, Unready};
use crate::definedness::{self, Definedness, Role, Streams};
use crate::observation::{Direction, Event, Observation, Place, Placement, StreamState, Value};
use crate::scripted_host::{ScriptedHost, Transfer};
use crate::trace::{Op, World};

/// The original, or a file that stands in for it, in this process.
pub struct Original {
    reference: Reference,
    stage: Option<Session<ScriptedHost>>,
    arenas: Arenas,
    /// Bytes of an operation that are made for it.
    room: Vec<u8>,
    /// Levels of the compressors that are made once one is used: most traces use none.
    levels: Vec<u8>,
    aftermath: Aftermath,
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
            aftermath: Aftermath::default(),
        }
    }

    /// What the last trace that was finished has left behind: objects that were not freed, and
    /// memory that was written to after it was.
    #[must_use]
    pub fn aftermath(&self) -> &Aftermath {
        &self.aftermath
    }

    fn unready(reason: impl ToString) -> Unready {
        Unready { subject: Self::NAME, reason: reason.to_string() }
    }
}

/// The streams of the original, for the predicate.
struct Held<'a>(&'a Session<ScriptedHost>);

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
        self.stage.as_ref().map(|session| definedness::of(op, &Held(session)))
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        let arena = self.arenas.take(&world.arena).map_err(Self::unready)?;
        let session = match self.stage.take() {
            Some(mut session) => {
                session.reset();
                session.host_mut().reset(world);
                session.set_arena(arena);
                session
            }
            None => Session::new(&self.reference, arena, ScriptedHost::new(world)),
        };
        self.levels.clone_from(&world.compressors);
        self.stage = Some(session);
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Observation {
        let Some(session) = &mut self.stage else {
            return Observation::broken("no trace was begun");
        };
        if let Err(misuse) = self.arenas.before(op) {
            return Observation::broken(misuse.to_string());
        }
        if let Op::PutCompressionData { .. } = op {
            for level in self.levels.drain(..) {
                // What zlib refuses is not there, which the call itself then says.
                let _ = session.add_compressor(i32::from(level));
            }
        }
        let mut defect = None;
        let value = match call(session, &mut self.room, op) {
            Ok(value) => value,
            Err(Stop::Asserted { line, site, .. }) => match &site.pinned_lines()[..] {
                [_] => Value::Assertion { line },
                lines => Value::AssertionAmong { lines: lines.to_vec() },
            },
            Err(Stop::Undefined(reason)) => {
                if let Undefined::Fault(fault) = &reason {
                    defect = Some(defect_of(fault));
                }
                Value::Broken(reason.to_string())
            }
        };
        let touched = match value {
            Value::Stream(made) => [Some(made), None],
            _ => op.streams(),
        };
        let mut events = session.host_mut().take_events();
        events.extend(defect);
        let mut states = session.host_mut().states();
        states
            .extend(touched.into_iter().flatten().filter_map(|stream| state(session, stream).ok()));
        Observation { value, events, states }
    }

    fn recycle(&mut self, observation: Observation) {
        if let Some(session) = &mut self.stage {
            session.host_mut().recycle(observation);
        }
    }

    fn finish(&mut self) -> Vec<Event> {
        let Some(session) = &mut self.stage else { return Vec::new() };
        let mut events = session.host_mut().take_events();
        self.aftermath = session.end();
        events.extend(self.aftermath.leaks.iter().map(|leak| Event::Defect {
            what: leak.to_string(),
            function: leak.function.clone(),
            line: leak.line,
        }));
        events.extend(self.aftermath.fault.iter().map(defect_of));
        events
    }
}

fn state(session: &mut Session<ScriptedHost>, stream: usize) -> Outcome<StreamState> {
    let (error, text) = session.get_error_obj(stream)?;
    let held = session.state(stream)?;
    let (transferred, empty) = if held.writable {
        let empty = match session.buffer_empty(stream) {
            // Versions from 9.1 on cannot be asked; the queue is there all the same.
            Err(Stop::Undefined(Undefined::NoFunction { .. })) => held.iovcnt == 0,
            answer => answer?,
        };
        (Some(session.transferred(stream)?), Some(empty))
    } else {
        (None, None)
    };
    Ok(StreamState { stream, error, text, transferred, empty })
}

fn defect_of(fault: &Fault) -> Event {
    Event::Defect { what: fault.to_string(), function: fault.function.clone(), line: fault.line }
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

fn call(session: &mut Session<ScriptedHost>, room: &mut Vec<u8>, op: &Op) -> Outcome<Value> {
    Ok(match op {
        Op::NewInput { channel } => Value::Stream(session.new_input(*channel)?),
        Op::NewOutput { channel } => Value::Stream(session.new_output(*channel)?),
        Op::GetReturnPath { stream } => Value::Stream(session.get_return_path(*stream)?),
        Op::GetChannel { stream } => Value::Channel(session.get_ioc(*stream)?),
        Op::SetBlocking { stream, blocking } => {
            session.set_blocking(*stream, *blocking)?;
            Value::Nothing
        }
        Op::Shutdown { stream } => code(session.shutdown(*stream)?),
        Op::Close { stream } => code(session.fclose(*stream)?),
        Op::GetError { stream } => code(session.get_error(*stream)?),
        Op::GetErrorObj { stream } => error(session.get_error_obj(*stream)?),
        Op::GetErrorObjAny { first, second } => error(session.get_error_obj_any(*first, *second)?),
        Op::SetError { stream, code } => {
            session.set_error(*stream, *code)?;
            Value::Nothing
        }
        Op::SetErrorObj { stream, code, text } => {
            session.set_error_obj(*stream, *code, text.as_deref())?;
            Value::Nothing
        }
        Op::Flush { stream } => code(session.fflush(*stream)?),
        Op::Transferred { stream } => Value::Number(session.transferred(*stream)?),
        Op::BufferEmpty { stream } => Value::Flag(session.buffer_empty(*stream)?),
        Op::ChangeArena { offset, data } => {
            match session.arena().write_at(*offset, data.bytes(room)) {
                Ok(()) => Value::Nothing,
                Err(misuse) => Value::Broken(misuse.to_string()),
            }
        }
        _ => return take(session, room, op),
    })
}

fn take(session: &mut Session<ScriptedHost>, room: &mut Vec<u8>, op: &Op) -> Outcome<Value> {
    Ok(match op {
        Op::PeekBuffer { stream, size, offset } => {
            let room = session.host_mut().bytes();
            Value::Bytes(session.peek_buffer(*stream, *size, *offset, room)?.into())
        }
        Op::GetBuffer { stream, size } => {
            let room = session.host_mut().bytes();
            Value::Bytes(session.get_buffer(*stream, *size, room)?.into())
        }
        Op::GetBufferInPlace { stream, size } => {
            let room = session.host_mut().bytes();
            let found = session.get_buffer_in_place(*stream, *size, room)?;
            let placement = match found.source {
                Source::Buffer { .. } => Placement::InPlace,
                Source::Null => Placement::Nowhere,
                Source::Copied => Placement::Copied,
            };
            Value::Placed { placement, bytes: found.bytes.into() }
        }
        Op::PeekByte { stream, offset } => byte(session.peek_byte(*stream, *offset)?),
        Op::GetByte { stream } => byte(session.get_byte(*stream)?),
        Op::GetBe16 { stream } => Value::Number(session.get_be16(*stream)?.into()),
        Op::GetBe32 { stream } => Value::Number(session.get_be32(*stream)?.into()),
        Op::GetBe64 { stream } => Value::Number(session.get_be64(*stream)?),
        Op::GetCountedString { stream } => {
            let room = session.host_mut().bytes();
            let found = session.get_counted_string(*stream, room)?;
            Value::text(found.len, found.buffer)
        }
        Op::Skip { stream, size } => {
            session.skip(*stream, *size)?;
            Value::Nothing
        }
        Op::GetToFd { stream, sink, size } => code(session.get_to_fd(*stream, *sink, *size)?),
        _ => return put(session, room, op),
    })
}

fn put(session: &mut Session<ScriptedHost>, room: &mut Vec<u8>, op: &Op) -> Outcome<Value> {
    match op {
        Op::PutBuffer { stream, data } => session.put_buffer(*stream, data.bytes(room))?,
        Op::PutBufferAsync { stream, offset, len, may_free } => {
            session.put_buffer_async(*stream, *offset, *len, *may_free)?;
        }
        Op::PutByte { stream, value } => session.put_byte(*stream, *value)?,
        Op::PutBe16 { stream, value } => session.put_be16(*stream, *value)?,
        Op::PutBe32 { stream, value } => session.put_be32(*stream, *value)?,
        Op::PutBe64 { stream, value } => session.put_be64(*stream, *value)?,
        Op::PutCountedString { stream, text } => {
            session.put_counted_string(*stream, text.bytes(room))?;
        }
        Op::PutCompressionData { stream, compressor, data } => {
            let count = session.put_compression_data(*stream, *compressor, data.bytes(room))?;
            return Ok(Value::Code(i64::try_from(count).unwrap_or(i64::MIN)));
        }
        Op::PutStream { stream, source } => {
            return Ok(code(session.put_qemu_file(*stream, *source)?));
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
