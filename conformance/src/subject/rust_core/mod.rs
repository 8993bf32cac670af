//! The core: its readers and writers, or in a coroutine's world their asynchronous twins.

mod adapter;
mod calls;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use qemufile_core::{Compressor, Config, GuestMemory, Quirks, Stream, TransferCounter, compat};

use super::arena::Arenas;
use super::{Subject, Unready};
use crate::observation::{Event, Observation, StreamState, Value};
use crate::trace::{Op, Quirk, World};
use adapter::{ScriptedChannel, Shared};
use calls::{NonBlocking, Side, Waiting};

/// The Rust core.
pub struct Core {
    name: &'static str,
    quirks: Quirks,
    adapter: Option<Adapter>,
    arenas: Arenas,
}

/// Everything of one trace.
struct Adapter {
    shared: Shared,
    channels: Vec<Arc<ScriptedChannel>>,
    config: Config,
    arena: GuestMemory,
    /// Levels of the compressors that are made once one is used: most traces use none.
    levels: Vec<u8>,
    compressors: Vec<Compressor>,
    coroutine: bool,
    streams: Vec<Option<Side>>,
    /// Bytes of an operation that are made for it.
    room: Vec<u8>,
}

impl Core {
    /// Name of the core with every defect of the original.
    pub const FAITHFUL: &'static str = "core";

    /// Name of the core in its default setting.
    pub const DEFAULT: &'static str = "core-default";

    /// The core with every defect of the original.
    #[must_use]
    pub fn faithful() -> Self {
        Self {
            name: Self::FAITHFUL,
            quirks: Quirks::FAITHFUL,
            adapter: None,
            arenas: Arenas::default(),
        }
    }

    /// The core in its default setting.
    #[must_use]
    pub fn in_default_setting() -> Self {
        Self {
            name: Self::DEFAULT,
            quirks: Quirks::default(),
            adapter: None,
            arenas: Arenas::default(),
        }
    }
}

impl Subject for Core {
    fn name(&self) -> &'static str {
        self.name
    }

    fn quirks(&self) -> &[Quirk] {
        if self.quirks == Quirks::FAITHFUL { &Quirk::ALL } else { &[] }
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        let arena = self
            .arenas
            .take(&world.arena)
            .map_err(|error| Unready { subject: self.name, reason: error.to_string() })?;
        let mut adapter = match self.adapter.take() {
            Some(mut adapter) => {
                adapter.streams.clear();
                adapter.compressors.clear();
                adapter.shared.reset(world, &arena);
                adapter.config.transferred = TransferCounter::default();
                adapter.arena = arena;
                adapter
            }
            None => Adapter::new(self.quirks, Shared::new(world, arena.clone()), arena),
        };
        let channels = adapter.channels.len()..world.channels.len();
        adapter.channels.truncate(world.channels.len());
        adapter.channels.extend(
            channels.map(|channel| Arc::new(ScriptedChannel::new(adapter.shared.clone(), channel))),
        );
        adapter.levels.clone_from(&world.compressors);
        adapter.coroutine = world.coroutine;
        self.adapter = Some(adapter);
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Observation {
        let Some(adapter) = &mut self.adapter else {
            return Observation::broken("no trace was begun");
        };
        if let Err(misuse) = self.arenas.before(op) {
            return Observation::broken(misuse.to_string());
        }
        // A core that panics has diverged; the run goes on.
        match catch_unwind(AssertUnwindSafe(|| adapter.step(op))) {
            Ok(observation) => observation,
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                Observation::broken(format!("panic: {}", text.unwrap_or("without a text")))
            }
        }
    }

    fn recycle(&mut self, observation: Observation) {
        if let Some(adapter) = &self.adapter {
            adapter.shared.world().recycle(observation);
        }
    }

    fn finish(&mut self) -> Vec<Event> {
        let Some(adapter) = &mut self.adapter else { return Vec::new() };
        let events = adapter.shared.world().take_events();
        // A writer flushes when it is dropped, which the original has no word for.
        adapter.streams.clear();
        adapter.shared.world().take_events();
        events
    }
}

impl Adapter {
    fn new(quirks: Quirks, shared: Shared, arena: GuestMemory) -> Self {
        let config = Config::new()
            .quirks(quirks)
            .reporter(Arc::new(shared.clone()))
            .release_memory(Arc::new(shared.clone()));
        Self {
            shared,
            channels: Vec::new(),
            config,
            arena,
            levels: Vec::new(),
            compressors: Vec::new(),
            coroutine: false,
            streams: Vec::new(),
            room: Vec::new(),
        }
    }

    fn step(&mut self, op: &Op) -> Observation {
        if let Some(stream) = op.streams()[0] {
            self.shared.set_stream(stream);
        }
        let value = self.call(op).unwrap_or(Value::Refused);
        let touched = match value {
            Value::Stream(made) => [Some(made), None],
            _ => op.streams(),
        };
        let mut world = self.shared.world();
        let mut states = world.states();
        states.extend(touched.into_iter().flatten().filter_map(|stream| self.state(stream)));
        Observation { value, events: world.take_events(), states }
    }

    fn state(&self, number: usize) -> Option<StreamState> {
        let side = self.streams.get(number)?.as_ref()?;
        let (error, text) = compat::get_error_obj(side.stream());
        let (transferred, empty) = side.queue().unzip();
        Some(StreamState { stream: number, error, text, transferred, empty })
    }

    fn side(&mut self, stream: usize) -> Option<&mut Side> {
        self.streams.get_mut(stream)?.as_mut()
    }

    /// Adds a stream, and notes the reference that it took to its channel.
    fn open(&mut self, channel: usize, side: Side, before: usize) -> Value {
        if self.references(channel) > before {
            self.shared.world().reference(channel);
        }
        self.streams.push(Some(side));
        Value::Stream(self.streams.len() - 1)
    }

    fn references(&self, channel: usize) -> usize {
        self.channels.get(channel).map_or(0, Arc::strong_count)
    }

    fn channel_of(&self, stream: &dyn Stream) -> Option<usize> {
        let seen = Arc::as_ptr(stream.channel()).cast::<()>();
        self.channels.iter().position(|channel| Arc::as_ptr(channel).cast::<()>() == seen)
    }

    /// The operation; `None` where the types of the core do not allow it.
    fn call(&mut self, op: &Op) -> Option<Value> {
        Some(match op {
            Op::NewInput { channel } => {
                let before = self.references(*channel);
                let over = self.channels.get(*channel)?.clone();
                let side = Side::input(over, &self.config, self.coroutine);
                self.open(*channel, side, before)
            }
            Op::NewOutput { channel } => {
                let before = self.references(*channel);
                let over = self.channels.get(*channel)?.clone();
                let side = Side::output(over, &self.config, self.coroutine);
                self.open(*channel, side, before)
            }
            Op::GetReturnPath { stream } => {
                let channel = self.channel_of(self.streams.get(*stream)?.as_ref()?.stream())?;
                let before = self.references(channel);
                let side = self.side(*stream)?.return_path();
                self.open(channel, side, before)
            }
            Op::Close { stream } => {
                let channel = self.channel_of(self.streams.get(*stream)?.as_ref()?.stream())?;
                let before = self.references(channel);
                let code = self.streams.get_mut(*stream)?.take()?.close();
                // The core has no trace event; that its stream is gone is what the event says.
                if self.references(channel) < before {
                    self.shared.world().unreference(channel);
                    self.shared.world().closed();
                }
                Value::Code(code.into())
            }
            Op::GetChannel { stream } => {
                Value::Channel(self.channel_of(self.streams.get(*stream)?.as_ref()?.stream())?)
            }
            Op::GetErrorObjAny { first, second } => {
                let find = |stream: &Option<usize>| {
                    stream.and_then(|stream| Some(self.streams.get(stream)?.as_ref()?.stream()))
                };
                let (code, text) = compat::get_error_obj_any(find(first), find(second));
                Value::Error { code, text }
            }
            Op::ChangeArena { offset, data } => {
                self.arena.write_at(*offset, data.bytes(&mut self.room)).ok()?;
                Value::Nothing
            }
            Op::PutStream { stream, source } => {
                let mut from = self.streams.get_mut(*source)?.take()?;
                let moved = self.side(*stream).and_then(|side| side.put_stream(&mut from));
                *self.streams.get_mut(*source)? = Some(from);
                Value::Code(moved?)
            }
            Op::PutCompressionData { stream, compressor, data } => {
                let made = self.levels.drain(..).map(|level| Compressor::new(level.into()));
                self.compressors.extend(made);
                let compressor = self.compressors.get_mut(*compressor)?;
                let side = self.streams.get_mut(*stream)?.as_mut()?;
                Value::Code(side.put_compressed(compressor, data.bytes(&mut self.room))?)
            }
            _ => return self.call_stream(op),
        })
    }

    /// The operations of one stream.
    fn call_stream(&mut self, op: &Op) -> Option<Value> {
        let Self { shared, arena, streams, room, .. } = self;
        let side = streams.get_mut(op.streams()[0]?)?.as_mut()?;
        let stream = side.stream();
        Some(match op {
            Op::SetBlocking { blocking, .. } => {
                compat::set_blocking(stream, *blocking);
                Value::Nothing
            }
            Op::Shutdown { .. } => Value::Code(compat::shutdown(stream).into()),
            Op::GetError { .. } => Value::Code(compat::get_error(stream).into()),
            Op::GetErrorObj { .. } => {
                let (code, text) = compat::get_error_obj(stream);
                Value::Error { code, text }
            }
            Op::SetError { code, .. } => {
                compat::set_error(stream, *code);
                Value::Nothing
            }
            Op::SetErrorObj { code, text, .. } => {
                compat::set_error_obj(stream, *code, text.as_deref());
                Value::Nothing
            }
            Op::Flush { .. } => Value::Code(side.flush().into()),
            Op::Transferred { .. } => Value::Number(side.queue()?.0),
            Op::BufferEmpty { .. } => Value::Flag(side.queue()?.1),
            _ => match side {
                Side::Reader(reader) => Waiting::take(reader, shared, op)?,
                Side::Writer(writer) => Waiting::put(writer, arena, room, op)?,
                Side::AsyncReader(reader) => NonBlocking::take(reader, shared, op)?,
                Side::AsyncWriter(writer) => NonBlocking::put(writer, arena, room, op)?,
            },
        })
    }
}
