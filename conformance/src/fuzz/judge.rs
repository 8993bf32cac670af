//! Judgement over the inputs of the fuzz targets.

use std::borrow::Cow;
use std::fmt;

use crate::compare::stepper::{Step, Stepper};
use crate::compare::verdict::Reason;
use crate::definedness::Definedness;
use crate::observation::{Event, Observation};
use crate::subject::{Core, Subject};
use crate::trace::{QuirkSet, Trace};

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
            writeln!(
                f,
                "to shrink and keep it: qemufile-conformance promote ARTIFACT --name area-cause"
            )?;
        }
        Ok(())
    }
}

/// A set of subjects, the oracle first, that are led through one case after the other.
pub(super) type Panel = Vec<Box<dyn Subject>>;

/// Leads all of `panel` through `trace`, operation by operation, up to the first difference. What
/// is undefined in the original is left out; the oracle tells what that is from its own state.
pub(super) fn in_step(panel: &mut Panel, trace: &Trace, at_stake: &QuirkSet) -> Outcome {
    let mut members = panel.iter_mut().map(|member| member.as_mut() as &mut dyn Subject);
    let Some(oracle) = members.next() else { return Outcome::Inconclusive(Reason::NoOracle) };
    let (mut stepper, unready) = match Stepper::begin(oracle, members, &trace.world, at_stake) {
        Ok(begun) => begun,
        Err(unready) => return Outcome::Inconclusive(unready.into()),
    };
    if let Some(unready) = unready.into_iter().next() {
        return Outcome::Inconclusive(unready.into());
    }
    let mut left_out = Vec::new();
    let mut last = None;
    for (number, op) in trace.ops.iter().enumerate() {
        match stepper.oracle().definedness(op) {
            Some(Definedness::NotApplicable) => stepper.skip(),
            Some(Definedness::Undefined(_)) => left_out.push(number),
            Some(Definedness::Defined | Definedness::Assertion(_)) | None => {
                last = Some(op);
                let Step { expected, divergences } = stepper.step(op);
                if let Some(divergence) = divergences.into_iter().next() {
                    stepper.finish(None);
                    let shown = without(trace, &left_out, number + 1);
                    return Failure::outcome(divergence.to_string(), Some(shown));
                }
                stepper.recycle(expected);
            }
        }
    }
    if let Some(late) = stepper.finish(last).into_iter().next() {
        let what = format!("after the last operation: {late}");
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
            let broken = [waiting, yielding].into_iter().find(|step| step.is_broken());
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
