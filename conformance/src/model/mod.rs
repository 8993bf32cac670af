//! The specification model: the behaviour of `docs/BEHAVIOUR.md` as plain code, slower and simpler than any subject.
//!
//! It is written from `docs/BEHAVIOUR.md`, and is right where the original is odd: each
//! defect is a [`Quirk`] that it reproduces or mends, and the quirks that *fire* (those that made
//! it act otherwise than fixed) are noted. So it does three things: it is a subject of its own; it
//! tells the [definedness] of each operation, as it knows every cursor; and with the
//! quirks fixed it predicts the core's default setting.

mod queue;
mod reader;
mod stream_io;
mod streams;
mod writer;

use crate::definedness::{self, Definedness, Role, Streams, Undefined};
use crate::observation::{Event, Observation, StreamState, Value};
use crate::subject::{Subject, Unready};
use crate::trace::{self, Op, Quirk, QuirkSet};
use stream_io::Environment;
use streams::{Body, Stream};
pub(crate) use writer::compress_bound;

/// The model, and the world that it runs in.
#[derive(Debug)]
pub struct Model {
    name: &'static str,
    quirks: &'static [Quirk],
    streams: Vec<Option<Stream>>,
    environment: Environment,
}

impl Model {
    /// Name of the model with every defect of the original.
    pub const FAITHFUL: &'static str = "model";

    /// Name of the model without any.
    pub const FIXED: &'static str = "model-fixed";

    /// Name of the model where it predicts what a subject without some defect has to do.
    pub const PREDICTION: &'static str = "model, without the defects that the subject fixes";

    /// The model with every defect of the original.
    #[must_use]
    pub fn faithful() -> Self {
        Self::named(Self::FAITHFUL, &Quirk::ALL)
    }

    /// The model without any.
    #[must_use]
    pub fn fixed() -> Self {
        Self::named(Self::FIXED, &[])
    }

    fn named(name: &'static str, quirks: &'static [Quirk]) -> Self {
        let environment = Environment::new(quirks.iter().copied().collect());
        Self { name, quirks, streams: Vec::new(), environment }
    }

    /// The model with some defects, to predict a subject that has these.
    #[must_use]
    pub fn predicting(quirks: QuirkSet) -> Self {
        let environment = Environment::new(quirks);
        Self { name: Self::PREDICTION, quirks: &[], streams: Vec::new(), environment }
    }

    /// Sets the stage for a trace in `world`.
    pub fn reset(&mut self, world: &trace::World) {
        self.streams.clear();
        self.environment.begin(world);
    }

    /// Defects that made a difference since the beginning of the trace.
    #[must_use]
    pub fn triggered(&self) -> &QuirkSet {
        &self.environment.triggered
    }

    /// What `op` would be now.
    #[must_use]
    pub fn definedness(&self, op: &Op) -> Definedness {
        definedness::of(op, self)
    }

    /// How many streams were made, the closed ones included.
    #[must_use]
    pub fn made(&self) -> usize {
        self.streams.len()
    }

    /// Bytes that a stream has read and not handed out; 0 of one that writes.
    #[must_use]
    pub fn held(&self, stream: usize) -> usize {
        match self.body(stream) {
            Some(Body::Reading(reader)) => reader.available(),
            _ => 0,
        }
    }

    /// Pieces that a stream has queued; 0 of one that reads.
    #[must_use]
    pub fn pieces(&self, stream: usize) -> usize {
        match self.body(stream) {
            Some(Body::Writing(writer)) => writer.pieces(),
            _ => 0,
        }
    }

    /// Whether a stream has failed.
    #[must_use]
    pub fn failed(&self, stream: usize) -> bool {
        self.streams
            .get(stream)
            .and_then(Option::as_ref)
            .is_some_and(|stream| stream.failure.is_set())
    }

    /// Carries out one operation, whatever its domain.
    pub fn apply(&mut self, op: &Op) -> Observation {
        let value = match self.definedness(op) {
            Definedness::NotApplicable => return Observation::skipped(),
            Definedness::Assertion(line) => Value::Assertion { line },
            // Mended, a stream may have more queued than the original has at this point.
            Definedness::Undefined(Undefined::CompressionIndex)
                if !self.environment.reproduces(Quirk::TornCompression) =>
            {
                self.carry_out(op)
            }
            Definedness::Undefined(reason) => Value::Broken(format!("undefined: {reason}")),
            Definedness::Defined => self.carry_out(op),
        };
        let touched = match value {
            Value::Stream(made) => [Some(made), None],
            _ => op.streams(),
        };
        let states =
            touched.into_iter().flatten().filter_map(|stream| self.state(stream)).collect();
        Observation { value, events: self.environment.world.take_events(), states }
    }

    fn body(&self, stream: usize) -> Option<&Body> {
        Some(&self.streams.get(stream)?.as_ref()?.body)
    }

    fn state(&self, number: usize) -> Option<StreamState> {
        let stream = self.streams.get(number)?.as_ref()?;
        let (transferred, empty) = match &stream.body {
            Body::Reading(_) => (None, None),
            Body::Writing(writer) => {
                (Some(self.environment.sent + writer.queued()), Some(writer.pieces() == 0))
            }
        };
        let (error, text) = stream.failure.describe();
        Some(StreamState { stream: number, error, text, transferred, empty })
    }
}

impl Streams for Model {
    fn role(&self, stream: usize) -> Option<Role> {
        Some(match self.body(stream)? {
            Body::Reading(_) => Role::Reading,
            Body::Writing(_) => Role::Writing,
        })
    }

    fn index(&self, stream: usize) -> usize {
        match self.body(stream) {
            Some(Body::Writing(writer)) => writer.index(),
            _ => 0,
        }
    }
}

impl Subject for Model {
    fn name(&self) -> &'static str {
        self.name
    }

    fn quirks(&self) -> &[Quirk] {
        self.quirks
    }

    fn is_model(&self) -> bool {
        self.name == Self::FAITHFUL
    }

    fn definedness(&self, op: &Op) -> Option<Definedness> {
        Some(Self::definedness(self, op))
    }

    fn begin(&mut self, world: &trace::World) -> Result<(), Unready> {
        self.reset(world);
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Observation {
        self.apply(op)
    }

    fn recycle(&mut self, observation: Observation) {
        self.environment.world.recycle(observation);
    }

    fn finish(&mut self) -> Vec<Event> {
        let events = self.environment.world.take_events();
        self.streams.clear();
        events
    }
}
