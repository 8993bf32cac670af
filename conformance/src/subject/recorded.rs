//! What the original did when it was recorded.

use std::collections::VecDeque;

use super::{Subject, Unready};
use crate::observation::{Event, Observation, Value};
use crate::trace::{Op, World};
use crate::transcript::Recording;

/// A recording, played back. It is of one trace: whoever plays it has compared
/// [`Recording::trace`] with the hash of the trace.
pub struct Recorded {
    steps: Vec<Observation>,
    left: VecDeque<Observation>,
}

impl Recorded {
    /// Name of the subject.
    pub const NAME: &'static str = "recorded";

    /// Plays `recording` back.
    #[must_use]
    pub fn new(recording: &Recording) -> Self {
        Self { steps: recording.steps.clone(), left: VecDeque::new() }
    }
}

impl Subject for Recorded {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn begin(&mut self, _world: &World) -> Result<(), Unready> {
        // What was skipped when it was recorded is not asked for now either.
        self.left =
            self.steps.iter().filter(|step| step.value != Value::SteppedOver).cloned().collect();
        Ok(())
    }

    fn step(&mut self, _op: &Op) -> Observation {
        self.left.pop_front().unwrap_or_else(|| Observation {
            value: Value::Broken("the recording ends before the trace".to_owned()),
            events: Vec::new(),
            states: Vec::new(),
        })
    }

    fn finish(&mut self) -> Vec<Event> {
        Vec::new()
    }
}
