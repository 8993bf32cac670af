//! Whether a comparison can say no: asks a subject two questions that have different answers, and
//! shows the judge differences that were planted.
//!
//! A subject that plays something back, or says yes to everything, would agree with any oracle and
//! prove nothing. It is found here, before it is compared with anything.

use crate::compare::run::{predicted, run};
use crate::compare::verdict::{Verdict, compare};
use crate::observation::{Event, Observation, Value};
use crate::preflight::Preflight;
use crate::subject::Subject;
use crate::trace::{Channel, Data, Op, Trace, World};
use crate::transcript::Transcript;

/// A trace that reads and writes `value`.
fn question(value: u8) -> Trace {
    let input = Data::from(&[value; 4][..]);
    let world =
        World { channels: vec![Channel { input, ..Channel::default() }], ..World::default() };
    let ops = vec![
        Op::NewInput { channel: 0 },
        Op::GetByte { stream: 0 },
        Op::SetError { stream: 0, code: -i32::from(value) },
        Op::NewOutput { channel: 0 },
        Op::PutByte { stream: 1, value: value.into() },
        Op::Flush { stream: 1 },
    ];
    Trace::new("probe", "Every answer depends on one number.", world, ops)
}

/// Steps whose answers must differ between two questions: a value, a state, an event.
const TELLING: [usize; 3] = [1, 2, 5];

/// A subject that does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{subject} answers the same whatever it is asked, so its agreement would mean nothing: {reason}"
)]
pub struct Vacuous {
    /// Name of the subject.
    pub subject: String,
    /// What it did.
    pub reason: String,
}

/// Refuses a subject that answers two different traces alike.
///
/// # Errors
///
/// [`Vacuous`], with the operation that was answered alike.
pub fn probe(subject: &mut dyn Subject) -> Result<(), Vacuous> {
    let vacuous = |subject: &dyn Subject, reason: String| Vacuous {
        subject: subject.name().to_owned(),
        reason,
    };
    let mut answers: Vec<Transcript> = Vec::new();
    for value in [1, 2] {
        let trace = question(value);
        match run(subject, &trace, &Preflight::of(&trace)) {
            Ok(transcript) => answers.push(transcript),
            Err(reason) => return Err(vacuous(subject, reason.to_string())),
        }
    }
    let [first, second] = &answers[..] else { return Ok(()) };
    for step in TELLING {
        if first.steps.get(step) == second.steps.get(step) {
            return Err(vacuous(
                subject,
                format!("operation {step} of the probe gave the same twice"),
            ));
        }
    }
    Ok(())
}

/// A difference that the comparison did not notice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a planted difference was not noticed, so no agreement means anything: {0}")]
pub struct Unnoticed(String);

/// Plants differences of every kind into a transcript and has the comparison find each of them at
/// its step; gives their number.
///
/// # Errors
///
/// [`Unnoticed`] names the first one that was passed over.
pub fn self_test() -> Result<usize, Unnoticed> {
    let trace = question(1);
    let oracle = predicted(&Preflight::of(&trace));
    let mut planted = 0;
    for step in 0..oracle.steps.len() {
        for (what, damage) in DAMAGES {
            let mut subject = oracle.clone();
            if subject.steps.get_mut(step).is_none_or(|observation| !damage(observation)) {
                continue;
            }
            planted += 1;
            match compare(&trace, &oracle, &subject) {
                Verdict::Diverged(found) if found.step == step => {}
                verdict => {
                    return Err(Unnoticed(format!("{what} at operation {step}: {verdict:?}")));
                }
            }
        }
    }
    Ok(planted)
}

/// Changes an observation; false where there is nothing to change.
type Damage = fn(&mut Observation) -> bool;

const DAMAGES: [(&str, Damage); 8] = [
    ("another value", |observation| {
        observation.value = Value::Broken("planted".to_owned());
        true
    }),
    ("a refusal", |observation| {
        observation.value = Value::Refused;
        true
    }),
    ("an event too many", |observation| {
        observation.events.push(Event::Closed);
        true
    }),
    ("an event too few", |observation| observation.events.pop().is_some()),
    ("other bytes written", |observation| {
        observation.events.iter_mut().any(|event| match event {
            Event::Write { bytes, .. } => {
                *bytes = vec![0xa5; bytes.len()].into();
                true
            }
            _ => false,
        })
    }),
    ("other pieces written", |observation| {
        observation.events.iter_mut().any(|event| match event {
            Event::Write { lengths, .. } => {
                lengths.push(0);
                true
            }
            _ => false,
        })
    }),
    ("another error", |observation| {
        observation.states.first_mut().is_some_and(|state| {
            state.error -= 1;
            true
        })
    }),
    ("a state too few", |observation| observation.states.pop().is_some()),
];
