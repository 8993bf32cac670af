//! Whatever carries out a trace: the core, the original, a recording, a model.
//!
//! All of them meet the same [`ScriptedHost`](crate::scripted_host::ScriptedHost) and answer each
//! operation with an [`Observation`]. The [registry](crate::registry) knows them by name.

mod arena;
mod playback;
mod reference;
mod rust_core;

pub use self::rust_core::Core;
pub use playback::Playback;
pub use reference::Original;

use crate::definedness::Definedness;
use crate::observation::{Event, Observation};
use crate::trace::{Op, Quirk, World};

/// Carries out the operations of a trace, one at a time.
///
/// The [stepper](crate::compare::stepper) drives it: `begin`, then `step` for every operation that
/// is [defined](crate::definedness) in the original or an assertion, then `finish`. A port of
/// `qemu-file.c` implements `name`, `begin`, `step` and `finish`, and says in `quirks` which of the
/// original's defects it keeps; `conformance/examples/port.rs` is one in 65 lines.
pub trait Subject {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// The defects of the original that it reproduces: all, if nothing is said. Where one of the
    /// others is triggered, the subject is compared with the model that has these and no more.
    fn quirks(&self) -> &[Quirk] {
        &Quirk::ALL
    }

    /// Whether `op` may be asked now, of a subject that can tell from its own state.
    fn definedness(&self, _op: &Op) -> Option<Definedness> {
        None
    }

    /// Whether it is the model that [`Preflight`](crate::preflight::Preflight) lets carry out every
    /// trace first, so that its answers are known.
    fn is_model(&self) -> bool {
        false
    }

    /// Whether each call is a round trip, so that a whole trace is better asked with
    /// [`steps`](Self::steps).
    fn prefers_batches(&self) -> bool {
        false
    }

    /// Drops everything and sets the stage for a new trace.
    ///
    /// # Errors
    ///
    /// [`Unready`] where the trace cannot be carried out at all.
    fn begin(&mut self, world: &World) -> Result<(), Unready>;

    /// Carries out one operation.
    fn step(&mut self, op: &Op) -> Observation;

    /// Carries out several, one after the other. A subject in another process is sent them at once.
    fn steps(&mut self, ops: &[&Op]) -> Vec<Observation> {
        ops.iter().map(|op| self.step(op)).collect()
    }

    /// Takes back an observation that is done with: the next ones use its memory.
    fn recycle(&mut self, _observation: Observation) {}

    /// Ends the trace. Streams that are still open are dropped without being closed; gives the
    /// events that came after the last operation, and before that.
    fn finish(&mut self) -> Vec<Event>;
}

/// Why a subject cannot carry out a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject} cannot run the trace: {reason}")]
pub struct Unready {
    /// Name of the subject.
    pub subject: &'static str,
    /// What is missing, and what mends it.
    pub reason: String,
}
