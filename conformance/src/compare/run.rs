//! Lets a subject carry out a trace.

use super::verdict::Reason;
use crate::definedness::Definedness;
use crate::observation::{Observation, Value};
use crate::preflight::Preflight;
use crate::subject::Subject;
use crate::trace::{Op, Trace};
use crate::transcript::Transcript;

/// What `subject` does with `trace`.
///
/// Nothing is sent to it that the preflight found undefined or not applicable.
///
/// # Errors
///
/// [`Reason::Undefined`] and [`Reason::Unready`].
pub fn run(
    subject: &mut dyn Subject,
    trace: &Trace,
    preflight: &Preflight,
) -> Result<Transcript, Reason> {
    if let Some(undefined_op) = preflight.undefined_op {
        return Err(undefined_op.into());
    }
    subject.begin(&trace.world)?;
    let applicable = |definedness: &Definedness| *definedness != Definedness::NotApplicable;
    let asked: Vec<&Op> = trace
        .ops
        .iter()
        .zip(&preflight.definedness)
        .filter(|(_, definedness)| applicable(definedness))
        .map(|(op, _)| op)
        .collect();
    let mut answers = subject.steps(&asked).into_iter();
    let unanswered = || Observation::broken("the subject gave no answer");
    let mut steps: Vec<Observation> = preflight
        .definedness
        .iter()
        .map(|definedness| match definedness {
            Definedness::NotApplicable => Observation::skipped(),
            _ => answers.next().unwrap_or_else(unanswered),
        })
        .collect();
    let late = subject.finish();
    let asked = steps.iter_mut().rfind(|step| step.value != Value::SteppedOver);
    if let Some(last) = asked {
        last.events.extend(late);
    }
    Ok(Transcript { subject: subject.name().to_owned(), steps })
}

/// What the model with every defect does with `trace`: the preflight has it already.
#[must_use]
pub fn predicted(preflight: &Preflight) -> Transcript {
    Transcript { subject: crate::model::Model::FAITHFUL.to_owned(), steps: preflight.steps.clone() }
}
