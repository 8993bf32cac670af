//! Subjects led through the same operations, step by step, beside an oracle.
//!
//! This is the one comparison of the crate: whole traces, fuzz cases and migration streams go
//! through it. At each step a subject owes the oracle's observation. Once a defect was triggered
//! that only one of the two reproduces ([`Subject::quirks`]), it owes what the model does with the
//! subject's own defects instead, so a fixed defect is predicted, not overlooked.

use super::verdict::Divergence;
use crate::definedness::Definedness;
use crate::model::Model;
use crate::observation::Observation;
use crate::preflight::Preflight;
use crate::subject::{Subject, Unready};
use crate::trace::{Op, Quirk, QuirkSet, Trace, World};

/// An oracle and its subjects in the middle of a trace.
pub struct Stepper<'m> {
    oracle: &'m mut (dyn Subject + 'm),
    subjects: Vec<Member<'m>>,
    predictors: Vec<Predictor>,
    step: usize,
}

/// A subject that is compared.
struct Member<'m> {
    subject: &'m mut (dyn Subject + 'm),
    /// Index of the predictor that has this subject's defects; none where they are the oracle's.
    predictor: Option<usize>,
    diverged: bool,
}

/// The model with the defects of one or more subjects.
struct Predictor {
    model: Model,
    /// Defects that either the subjects or the oracle reproduces, but not both.
    disputed: QuirkSet,
    observation: Observation,
}

impl Predictor {
    /// Whether the oracle's answer may no longer be the subjects'.
    fn decides(&self) -> bool {
        !self.disputed.is_disjoint(self.model.triggered())
    }
}

/// What a step came to.
#[derive(Debug)]
pub struct Step {
    /// What the oracle did.
    pub expected: Observation,
    /// The subjects whose first difference this step is.
    pub divergences: Vec<Divergence>,
}

impl<'m> Stepper<'m> {
    /// Sets the stage of `world` for all. A subject that is not ready is left out, with the reason
    /// in the second part. `at_stake` are the defects that the trace may trigger: all, where nothing
    /// is known of it.
    ///
    /// # Errors
    ///
    /// [`Unready`] where the oracle is not ready.
    pub fn begin(
        oracle: &'m mut (dyn Subject + 'm),
        subjects: impl IntoIterator<Item = &'m mut (dyn Subject + 'm)>,
        world: &World,
        at_stake: &QuirkSet,
    ) -> Result<(Self, Vec<Unready>), Unready> {
        oracle.begin(world)?;
        let mut unready = Vec::new();
        let stepper = Self::before(oracle, subjects, world, at_stake, &mut unready);
        Ok((stepper, unready))
    }

    /// As [`begin`](Self::begin), with the first that is ready as the oracle; `None` where nobody is.
    pub fn begin_any(
        members: impl IntoIterator<Item = &'m mut (dyn Subject + 'm)>,
        world: &World,
        at_stake: &QuirkSet,
    ) -> (Option<Self>, Vec<Unready>) {
        let mut unready = Vec::new();
        let mut members = members.into_iter();
        let oracle = members.find_map(|member| match member.begin(world) {
            Ok(()) => Some(member),
            Err(reason) => {
                unready.push(reason);
                None
            }
        });
        let stepper =
            oracle.map(|oracle| Self::before(oracle, members, world, at_stake, &mut unready));
        (stepper, unready)
    }

    /// Of an oracle that has begun.
    fn before(
        oracle: &'m mut (dyn Subject + 'm),
        subjects: impl IntoIterator<Item = &'m mut (dyn Subject + 'm)>,
        world: &World,
        at_stake: &QuirkSet,
        unready: &mut Vec<Unready>,
    ) -> Self {
        let mut stepper = Self { oracle, subjects: Vec::new(), predictors: Vec::new(), step: 0 };
        for subject in subjects {
            match subject.begin(world) {
                Ok(()) => {
                    let predictor = stepper.predictor(subject.quirks(), world, at_stake);
                    stepper.subjects.push(Member { subject, predictor, diverged: false });
                }
                Err(reason) => unready.push(reason),
            }
        }
        stepper
    }

    fn predictor(&mut self, own: &[Quirk], world: &World, at_stake: &QuirkSet) -> Option<usize> {
        let oracle = self.oracle.quirks();
        let disputed: QuirkSet = at_stake
            .iter()
            .filter(|quirk| own.contains(quirk) != oracle.contains(quirk))
            .copied()
            .collect();
        if disputed.is_empty() {
            return None;
        }
        let known = self.predictors.iter().position(|known| known.disputed == disputed);
        Some(known.unwrap_or_else(|| {
            let mut model = Model::predicting(own.iter().copied().collect());
            model.reset(world);
            let observation = Observation::skipped();
            self.predictors.push(Predictor { model, disputed, observation });
            self.predictors.len() - 1
        }))
    }

    /// Names of those who take part, the oracle first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.oracle.name())
            .chain(self.subjects.iter().map(|member| member.subject.name()))
    }

    /// The oracle.
    #[must_use]
    pub fn oracle(&self) -> &(dyn Subject + 'm) {
        &*self.oracle
    }

    /// Steps done so far.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.step
    }

    /// Passes over an operation that is not applicable: nobody is asked.
    pub fn skip(&mut self) {
        self.step += 1;
    }

    /// Lets all carry out `op` and compares.
    pub fn step(&mut self, op: &Op) -> Step {
        let expected = self.oracle.step(op);
        self.compare(op, expected, |subject| subject.step(op))
    }

    /// As [`step`](Self::step), of the last operation: what follows from the end of the trace
    /// belongs to it.
    pub fn last_step(&mut self, op: &Op) -> Step {
        let last = |subject: &mut (dyn Subject + 'm)| {
            let mut observation = subject.step(op);
            observation.events.extend(subject.finish());
            observation
        };
        let expected = last(self.oracle);
        self.compare(op, expected, last)
    }

    fn compare(
        &mut self,
        op: &Op,
        expected: Observation,
        mut ask: impl FnMut(&mut (dyn Subject + 'm)) -> Observation,
    ) -> Step {
        for predictor in &mut self.predictors {
            predictor.observation = predictor.model.apply(op);
        }
        let mut divergences = Vec::new();
        for member in &mut self.subjects {
            if member.diverged {
                continue;
            }
            let actual = ask(member.subject);
            let predictor = member
                .predictor
                .and_then(|index| self.predictors.get(index))
                .filter(|predictor| predictor.decides());
            let (oracle, owed) = match predictor {
                Some(predictor) => (Model::PREDICTION, &predictor.observation),
                None => (self.oracle.name(), &expected),
            };
            let subject = member.subject.name();
            match Divergence::between(self.step, op, (oracle, owed), (subject, &actual)) {
                None => member.subject.recycle(actual),
                Some(divergence) => {
                    member.diverged = true;
                    divergences.push(divergence);
                }
            }
        }
        self.step += 1;
        Step { expected, divergences }
    }

    /// Lets all carry out a whole trace of which nothing is undefined; the divergences, one a subject
    /// at most.
    #[must_use]
    pub fn run(mut self, trace: &Trace, preflight: &Preflight) -> Vec<Divergence> {
        let applicable = |definedness: &Definedness| *definedness != Definedness::NotApplicable;
        let last = preflight.definedness.iter().rposition(applicable);
        let mut divergences = Vec::new();
        for (index, (op, definedness)) in trace.ops.iter().zip(&preflight.definedness).enumerate() {
            if !applicable(definedness) {
                self.skip();
                continue;
            }
            let step = if Some(index) == last { self.last_step(op) } else { self.step(op) };
            divergences.extend(step.divergences);
            self.recycle(step.expected);
        }
        divergences
    }

    /// Gives an observation of the oracle back, for its memory to be used again.
    pub fn recycle(&mut self, observation: Observation) {
        self.oracle.recycle(observation);
    }

    /// Ends the trace for all, after an operation that was not known to be the last one. What
    /// follows from the end has to be the same; a difference is a divergence of `op`, which was the
    /// last.
    pub fn finish(&mut self, op: Option<&Op>) -> Vec<Divergence> {
        let only = |events| Observation { events, ..Observation::skipped() };
        let expected = only(self.oracle.finish());
        let mut divergences = Vec::new();
        for member in &mut self.subjects {
            let actual = only(member.subject.finish());
            if let (false, Some(op)) = (member.diverged, op) {
                let step = self.step.saturating_sub(1);
                let (oracle, subject) = (self.oracle.name(), member.subject.name());
                divergences.extend(Divergence::between(
                    step,
                    op,
                    (oracle, &expected),
                    (subject, &actual),
                ));
            }
        }
        divergences
    }
}

/// The first difference of `subject` from `oracle` in a trace of which nothing is undefined.
///
/// # Errors
///
/// [`Unready`] where one of them cannot run the trace.
pub fn first_divergence<'m>(
    oracle: &'m mut (dyn Subject + 'm),
    subject: &'m mut (dyn Subject + 'm),
    trace: &Trace,
    preflight: &Preflight,
) -> Result<Option<Divergence>, Unready> {
    let (stepper, unready) = Stepper::begin(oracle, [subject], &trace.world, &preflight.triggered)?;
    match unready.into_iter().next() {
        Some(unready) => Err(unready),
        None => Ok(stepper.run(trace, preflight).into_iter().next()),
    }
}
