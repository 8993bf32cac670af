//! What is known of a trace before any subject runs it.
//!
//! The model carries the trace out once. That tells which operations are undefined in the
//! original, which are skipped, and which defects are triggered.

use std::borrow::Cow;

use crate::definedness::{Definedness, Undefined};
use crate::model::Model;
use crate::observation::Observation;
use crate::subject::Playback;
use crate::trace::{Quirk, QuirkSet, Trace};

/// An operation that must not be sent to the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndefinedOp {
    /// Index of the operation.
    pub step: usize,
    /// Why.
    pub reason: Undefined,
}

/// What the faithful model says of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// What it observed at each operation, up to the first undefined one.
    pub steps: Vec<Observation>,
    /// Definedness of each of these operations.
    pub definedness: Vec<Definedness>,
    /// The first undefined operation.
    pub undefined_op: Option<UndefinedOp>,
    /// Defects that are triggered.
    pub triggered: QuirkSet,
}

impl Preflight {
    /// Lets the model carry out `trace`.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut model = Model::faithful();
        model.reset(&trace.world);
        let mut preflight = Self::default();
        for (step, op) in trace.ops.iter().enumerate() {
            let definedness = model.definedness(op);
            if let Definedness::Undefined(reason) = definedness {
                preflight.undefined_op = Some(UndefinedOp { step, reason });
                break;
            }
            preflight.definedness.push(definedness);
            preflight.steps.push(model.apply(op));
        }
        preflight.triggered.clone_from(model.triggered());
        preflight
    }

    /// The model, which plays what it did.
    #[must_use]
    pub fn playback(&self) -> Playback<'_> {
        Playback::new(Model::FAITHFUL, &Quirk::ALL, Cow::Borrowed(&self.steps))
    }
}

/// `trace` without the operations that are undefined in the original.
#[must_use]
pub fn defined_part(trace: &Trace) -> Trace {
    let mut model = Model::faithful();
    model.reset(&trace.world);
    let mut kept = trace.clone();
    kept.ops.retain(|op| {
        let defined = !matches!(model.definedness(op), Definedness::Undefined(_));
        if defined {
            model.apply(op);
        }
        defined
    });
    kept
}
