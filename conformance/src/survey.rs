//! What is known of a trace before any subject runs it.
//!
//! The model carries the trace out once. That tells which operations are undefined in the
//! original, which are stepped over, and which defects fire.

use crate::domain::{Domain, Undefined};
use crate::model::Model;
use crate::observation::Observation;
use crate::trace::{QuirkSet, Trace};

/// An operation that must not be sent to the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// Index of the operation.
    pub step: usize,
    /// Why.
    pub reason: Undefined,
}

/// What the faithful model says of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// What it observed at each operation, up to the first undefined one.
    pub steps: Vec<Observation>,
    /// Domain of each of these operations.
    pub domains: Vec<Domain>,
    /// The first undefined operation.
    pub forbidden: Option<Forbidden>,
    /// Defects that fire.
    pub fired: QuirkSet,
}

impl Survey {
    /// Lets the model carry out `trace`.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut model = Model::faithful();
        model.reset(&trace.world);
        let mut survey = Self::default();
        for (step, op) in trace.ops.iter().enumerate() {
            let domain = model.domain(op);
            if let Domain::Undefined(reason) = domain {
                survey.forbidden = Some(Forbidden { step, reason });
                break;
            }
            survey.domains.push(domain);
            survey.steps.push(model.apply(op));
        }
        survey.fired.clone_from(model.fired());
        survey
    }
}

/// `trace` without the operations that are undefined in the original.
#[must_use]
pub fn defined_part(trace: &Trace) -> Trace {
    let mut model = Model::faithful();
    model.reset(&trace.world);
    let mut kept = trace.clone();
    kept.ops.retain(|op| {
        let defined = !matches!(model.domain(op), Domain::Undefined(_));
        if defined {
            model.apply(op);
        }
        defined
    });
    kept
}
