//! Judgement over the inputs of the fuzz targets.

use std::borrow::Cow;
use std::fmt;

use crate::compare::verdict::{Divergence, Reason};
use crate::definedness::Definedness;
use crate::model::Model;
use crate::observation::{Event, Observation, Value};
use crate::subject::{Core, Original, Subject};
use crate::trace::{Op, Trace};

use super::case::{Case, Rejected};

/// What became of one input.
#[derive(Debug)]
pub enum Outcome {
    /// All is well.
    Conforms {
        /// Operations in the trace.
        ops: u64,
        /// Those of them that were left out, because they are undefined in the original.
        left_out: u64,
    },
    /// The bytes are no input of this target.
    Rejected(Rejected),
    /// Nothing can be said.
    Inconclusive(Reason),
    /// A defect was found.
    Failed(Box<Failure>),
}

/// A defect, and the trace that shows it. Its `Display` is what a person needs to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub what: String,
    /// The trace, without the operations that were left out.
    pub trace: Option<Trace>,
}

impl Failure {
    pub(super) fn outcome(what: impl Into<String>, trace: Option<Trace>) -> Outcome {
        Outcome::Failed(Box::new(Self { what: what.into(), trace }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        if let Some(trace) = &self.trace {
            writeln!(f, "\n{:?}", Case(Ok(trace.clone())))?;
            writeln!(f, "to shrink and keep it: conformance promote ARTIFACT --name area-cause")?;
        }
        Ok(())
    }
}

/// A subject that also knows which operations are defined in the original.
pub(super) trait Oracle: Subject {
    fn definedness(&self, op: &Op) -> Definedness;
}

impl Oracle for Original {
    fn definedness(&self, op: &Op) -> Definedness {
        self.definedness(op)
    }
}

impl Oracle for Model {
    fn definedness(&self, op: &Op) -> Definedness {
        self.definedness(op)
    }
}

/// A subject, and who judges it.
pub(super) struct Pair<O, S> {
    pub(super) oracle: O,
    pub(super) subject: S,
}

/// What one step came to.
enum Step {
    Agree,
    LeftOut,
    Diverged(Box<Divergence>),
}

impl<O: Oracle, S: Subject> Pair<O, S> {
    fn begin(&mut self, trace: &Trace) -> Result<(), Reason> {
        self.oracle.begin(&trace.world)?;
        self.subject.begin(&trace.world)?;
        Ok(())
    }

    fn step(&mut self, step: usize, op: &Op) -> Step {
        match self.oracle.definedness(op) {
            Definedness::NotApplicable => return Step::Agree,
            Definedness::Undefined(_) => return Step::LeftOut,
            Definedness::Defined | Definedness::Assertion(_) => {}
        }
        let expected = self.oracle.step(op);
        let actual = self.subject.step(op);
        if actual.conforms_to(&expected) {
            self.oracle.recycle(expected);
            self.subject.recycle(actual);
            Step::Agree
        } else {
            self.diverged(step, op, expected, actual)
        }
    }

    fn diverged(&self, step: usize, op: &Op, expected: Observation, actual: Observation) -> Step {
        Step::Diverged(Box::new(Divergence {
            step,
            op: op.clone(),
            oracle: self.oracle.name().to_owned(),
            subject: self.subject.name().to_owned(),
            expected,
            actual,
        }))
    }

    /// What happens after the last operation must agree as well.
    fn finish(&mut self) -> Option<[Vec<Event>; 2]> {
        let ends = [self.oracle.finish(), self.subject.finish()];
        (ends[0] != ends[1]).then_some(ends)
    }
}

/// Runs both over `trace`, operation by operation, up to the first difference.
pub(super) fn lockstep<O: Oracle, S: Subject>(pair: &mut Pair<O, S>, trace: &Trace) -> Outcome {
    if let Err(reason) = pair.begin(trace) {
        return Outcome::Inconclusive(reason);
    }
    let mut left_out = Vec::new();
    for (number, op) in trace.ops.iter().enumerate() {
        match pair.step(number - left_out.len(), op) {
            Step::Agree => {}
            Step::LeftOut => left_out.push(number),
            Step::Diverged(divergence) => {
                pair.finish();
                let shown = without(trace, &left_out, number + 1);
                return Failure::outcome(divergence.to_string(), Some(shown));
            }
        }
    }
    if let Some([expected, actual]) = pair.finish() {
        let what = format!(
            "after the last operation:\n  {} (oracle): {expected:?}\n  {}: {actual:?}",
            pair.oracle.name(),
            pair.subject.name()
        );
        return Failure::outcome(what, Some(without(trace, &left_out, trace.ops.len())));
    }
    Outcome::Conforms { ops: trace.ops.len() as u64, left_out: left_out.len() as u64 }
}

/// The first `len` operations of `trace`, but for those at the indices `left_out`.
fn without(trace: &Trace, left_out: &[usize], len: usize) -> Trace {
    let mut number = 0..len;
    let mut kept = trace.clone();
    kept.ops.truncate(len);
    kept.ops
        .retain(|_| number.next().is_some_and(|number| left_out.binary_search(&number).is_err()));
    kept
}

/// Runs the core in both settings over all of `trace`, undefined operations included: it may
/// refuse, it must not break, and whether it waits or yields must make no other difference.
pub(super) fn undefined_ops(cores: &mut [Core], trace: &Trace) -> Outcome {
    for core in cores {
        let mut other = Cow::Borrowed(&trace.world);
        other.to_mut().coroutine = !trace.world.coroutine;
        let mut seen = Vec::new();
        for world in [&trace.world, &*other] {
            if let Err(unready) = core.begin(world) {
                return Outcome::Inconclusive(unready.into());
            }
            let steps: Vec<Observation> = trace.ops.iter().map(|op| core.step(op)).collect();
            core.finish();
            seen.push(steps);
        }
        for (number, (waiting, yielding)) in seen[0].iter().zip(&seen[1]).enumerate() {
            let broken =
                [waiting, yielding].into_iter().find(|step| matches!(step.value, Value::Broken(_)));
            let what = match broken {
                Some(broken) => format!("{} at operation {number}: {broken:?}", core.name()),
                None if unwaited(waiting) == unwaited(yielding) => continue,
                None => format!(
                    "{} at operation {number} differs in a coroutine and outside:\n  {waiting:?}\n  {yielding:?}",
                    core.name()
                ),
            };
            return Failure::outcome(what, Some(without(trace, &[], number + 1)));
        }
    }
    Outcome::Conforms { ops: trace.ops.len() as u64, left_out: 0 }
}

/// An observation, whether its waits were yields left aside.
fn unwaited(step: &Observation) -> Observation {
    let mut step = step.clone();
    for event in &mut step.events {
        if let Event::Wait { yielded, .. } = event {
            *yielded = false;
        }
    }
    step
}

/// Reads a text as a trace and as a transcript: what is accepted must come back the same from its
/// own canonical text, and what is refused must say why.
pub(super) fn text(bytes: &[u8]) -> Outcome {
    let text = &*String::from_utf8_lossy(bytes);
    match Trace::parse(text) {
        Ok(trace) => {
            let again = trace.to_text().and_then(|canonical| Trace::parse(&canonical));
            if again.as_ref() != Ok(&trace) {
                return Failure::outcome(
                    format!("the canonical text gives another trace: {again:?}"),
                    Some(trace),
                );
            }
        }
        Err(error) if error.to_string().is_empty() => {
            return Failure::outcome("a text is refused without a reason", None);
        }
        Err(_) => {}
    }
    if let Ok(recording) = crate::transcript::Recording::parse(text) {
        let again = recording
            .to_text()
            .and_then(|canonical| crate::transcript::Recording::parse(&canonical));
        if again.as_ref() != Ok(&recording) {
            return Failure::outcome(
                format!("the canonical text gives another transcript: {again:?}"),
                None,
            );
        }
    }
    Outcome::Conforms { ops: 0, left_out: 0 }
}
