//! Observations that were made before, played back as a subject.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::{Subject, Unready};
use crate::observation::{Event, Observation, Value};
use crate::trace::{Op, Quirk, World};
use crate::transcript::Recording;

/// The observations of one trace. Whoever plays them has made sure that they are of that trace.
pub struct Playback<'a> {
    name: &'static str,
    quirks: &'static [Quirk],
    steps: Cow<'a, [Observation]>,
    left: VecDeque<Observation>,
}

impl<'a> Playback<'a> {
    /// Name of a recording of the original.
    pub const RECORDED: &'static str = "recorded";

    /// Plays what the original did when `recording` was made.
    #[must_use]
    pub fn of_recording(recording: &'a Recording) -> Self {
        Self::new(Self::RECORDED, &Quirk::ALL, Cow::Borrowed(&recording.steps))
    }

    /// Plays `steps` under the name of the subject that made them.
    #[must_use]
    pub fn new(
        name: &'static str,
        quirks: &'static [Quirk],
        steps: Cow<'a, [Observation]>,
    ) -> Self {
        Self { name, quirks, steps, left: VecDeque::new() }
    }
}

impl Subject for Playback<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn quirks(&self) -> &[Quirk] {
        self.quirks
    }

    fn begin(&mut self, _world: &World) -> Result<(), Unready> {
        // What was skipped then is not asked for now either.
        self.left =
            self.steps.iter().filter(|step| step.value != Value::SteppedOver).cloned().collect();
        Ok(())
    }

    fn step(&mut self, _op: &Op) -> Observation {
        let missing = || Observation::broken("the recording ends before the trace");
        self.left.pop_front().unwrap_or_else(missing)
    }

    fn finish(&mut self) -> Vec<Event> {
        Vec::new()
    }
}
