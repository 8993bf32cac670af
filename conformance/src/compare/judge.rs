//! Whole traces: which oracle there is, and what is wrong about a trace.

use std::borrow::Cow;

use super::run::run;
use super::sanity::{Vacuous, probe};
use super::stepper::Stepper;
use super::verdict::{Divergence, Reason, undeclared};
use crate::definedness::Definedness;
use crate::model::Model;
use crate::observation::Observation;
use crate::preflight::Preflight;
use crate::subject::{Playback, Subject};

use crate::trace::{Op, Quirk, Trace};
use crate::transcript::{Recording, Transcript};

/// What the subjects are compared with.
pub enum Oracle {
    /// The original, or a file that stands in for it.
    Live(Box<dyn Subject>),
    /// The recorded transcript of each trace; the model, for a trace that has none.
    Recorded,
    /// The model, whatever is recorded.
    Model,
}

/// What is wrong about a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A subject diverged.
    Diverged(Box<Divergence>),
    /// The recorded transcript is not of this trace, or not of the pinned original.
    Stale {
        /// What it is not of.
        reason: String,
    },
    /// The header of the trace names other defects than those that are triggered.
    Undeclared {
        /// What the header has to say.
        reason: String,
    },
}

impl Fault {
    /// How much it counts towards the end of a run, an ordinary divergence being 1. Where somebody
    /// crashed or hung, each further case costs much and tells little.
    #[must_use]
    pub fn weight(faults: &[Self]) -> usize {
        let heavy = faults.iter().any(|fault| match fault {
            Self::Diverged(divergence) => {
                divergence.expected.is_broken() || divergence.actual.is_broken()
            }
            Self::Stale { .. } | Self::Undeclared { .. } => false,
        });
        if heavy { 5 } else { 1 }
    }
}

/// What was found about one trace.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// What is wrong, one entry for each subject that diverged.
    pub faults: Vec<Fault>,
    /// Why nothing could be said, where nothing could.
    pub inconclusive: Option<Reason>,
    /// Whether the model stood in for the original.
    pub model_only: bool,
}

impl Judgement {
    fn inconclusive(reason: Reason) -> Self {
        Self { inconclusive: Some(reason), ..Self::default() }
    }
}

/// An oracle, and the subjects that are compared with it.
pub struct Judge {
    oracle: Oracle,
    subjects: Vec<Box<dyn Subject>>,
    lacks: Vec<&'static str>,
}

impl Judge {
    /// Subjects before an oracle.
    ///
    /// # Errors
    ///
    /// [`Vacuous`] names a subject that gives two different traces the same transcript.
    pub fn new(oracle: Oracle, mut subjects: Vec<Box<dyn Subject>>) -> Result<Self, Vacuous> {
        for subject in &mut subjects {
            probe(subject.as_mut())?;
        }
        Ok(Self::unchecked(oracle, subjects))
    }

    /// As [`new`](Self::new), of subjects that are not complete yet: nobody asks whether they answer
    /// at all, so agreement may mean nothing.
    #[must_use]
    pub fn unchecked(oracle: Oracle, subjects: Vec<Box<dyn Subject>>) -> Self {
        Self { oracle, subjects, lacks: Vec::new() }
    }

    /// With an oracle that lacks these functions: traces that call one are not applicable.
    #[must_use]
    pub fn lacking(self, lacks: Vec<&'static str>) -> Self {
        Self { lacks, ..self }
    }

    /// What the oracle can be asked of a trace: a question that it does not know is left out, as it
    /// changes nothing; any other function that it lacks leaves nothing to compare.
    fn applicable<'p>(
        &self,
        trace: &Trace,
        preflight: &'p Preflight,
    ) -> Result<Cow<'p, Preflight>, Reason> {
        let mut narrowed = Cow::Borrowed(preflight);
        for (step, op) in trace.ops.iter().enumerate() {
            let Some(function) = op.calls_one_of(&self.lacks) else { continue };
            if !matches!(op, Op::BufferEmpty { .. }) {
                return Err(Reason::NotApplicable { function });
            }
            let narrowed = narrowed.to_mut();
            narrowed.definedness[step] = Definedness::NotApplicable;
            narrowed.steps[step] = Observation::skipped();
        }
        Ok(narrowed)
    }

    /// The functions that the oracle lacks.
    #[must_use]
    pub fn lacks(&self) -> &[&'static str] {
        &self.lacks
    }

    /// Judges one trace; `recording` is what is recorded of it.
    pub fn judge(&mut self, trace: &Trace, recording: Option<&Recording>) -> Judgement {
        self.judge_prepared(trace, &Preflight::of(trace), recording)
    }

    /// As [`judge`](Self::judge), of a trace whose preflight was done.
    pub fn judge_prepared(
        &mut self,
        trace: &Trace,
        preflight: &Preflight,
        recording: Option<&Recording>,
    ) -> Judgement {
        self.step_through(trace, preflight, recording).unwrap_or_else(Judgement::inconclusive)
    }

    fn step_through(
        &mut self,
        trace: &Trace,
        preflight: &Preflight,
        recording: Option<&Recording>,
    ) -> Result<Judgement, Reason> {
        if let Some(undefined_op) = preflight.undefined_op {
            return Err(undefined_op.into());
        }
        let preflight = &*self.applicable(trace, preflight)?;
        if let Some(recording) = recording.filter(|known| known.steps.len() != trace.ops.len()) {
            let (expected, actual) = (recording.steps.len(), trace.ops.len());
            return Err(Reason::Length { expected, actual });
        }
        let mut recorded = recording.map(Playback::of_recording);
        let mut batch;
        let mut known = preflight.playback();
        let mut known_again = preflight.playback();
        let mut subjects: Vec<&mut dyn Subject> = Vec::new();
        let model_only = match &self.oracle {
            Oracle::Live(_) => false,
            Oracle::Recorded => recording.is_none(),
            Oracle::Model => true,
        };
        let oracle: &mut dyn Subject = match (&mut self.oracle, &mut recorded) {
            (Oracle::Live(subject), recorded) => {
                subjects.extend(recorded.as_mut().map(|recorded| recorded as &mut dyn Subject));
                if subject.prefers_batches() {
                    let steps = run(subject.as_mut(), trace, preflight)?.steps;
                    batch = Playback::new(subject.name(), &Quirk::ALL, steps.into());
                    &mut batch
                } else {
                    subject.as_mut()
                }
            }
            (Oracle::Recorded, Some(recorded)) => recorded,
            (Oracle::Recorded | Oracle::Model, _) => &mut known,
        };
        // The model has carried the trace out already, and is not compared with itself.
        let mut known_again = Some(&mut known_again);
        for subject in &mut self.subjects {
            if !subject.is_model() {
                subjects.push(subject.as_mut());
            } else if let Some(known) = known_again.take_if(|_| !model_only) {
                subjects.push(known);
            }
        }
        if subjects.is_empty() {
            return Err(Reason::NoOracle);
        }
        let (stepper, unready) =
            Stepper::begin(oracle, subjects, &trace.world, &preflight.triggered)?;
        let divergences = stepper.run(trace, preflight);
        Ok(Judgement {
            faults: divergences.into_iter().map(|found| Fault::Diverged(Box::new(found))).collect(),
            inconclusive: unready.into_iter().next().map(Reason::Unready),
            model_only,
        })
    }

    /// As [`judge`](Self::judge), and refuses a recording that is of something else and a header
    /// that names other defects than those that are triggered.
    pub fn judge_file(&mut self, trace: &Trace, recording: Option<&Recording>) -> Judgement {
        let stale = recording.and_then(|recording| staleness(trace, recording));
        let usable = if stale.is_some() { None } else { recording };
        let preflight = Preflight::of(trace);
        let mut judgement = self.judge_prepared(trace, &preflight, usable);
        if let Some(reason) = stale {
            judgement.faults.push(Fault::Stale { reason });
        }
        if preflight.undefined_op.is_none()
            && let Some(triggered) = undeclared(trace, &preflight)
        {
            let reason = format!(
                "the defects that are triggered are {triggered:?}, and the header names {:?}",
                trace.quirks
            );
            judgement.faults.push(Fault::Undeclared { reason });
        }
        judgement
    }

    /// The first divergence of the subject of a name; `None` where it agrees or nothing can be said.
    pub fn divergence(&mut self, trace: &Trace, subject: &str) -> Option<Divergence> {
        self.judge(trace, None).faults.into_iter().find_map(|fault| match fault {
            Fault::Diverged(divergence) if divergence.subject == subject => Some(*divergence),
            _ => None,
        })
    }

    /// What each subject does with a trace, the oracle first.
    ///
    /// # Errors
    ///
    /// [`Reason`] where the trace cannot be carried out.
    pub fn transcripts(
        &mut self,
        trace: &Trace,
        recording: Option<&Recording>,
    ) -> Result<Vec<Transcript>, Reason> {
        let preflight = Preflight::of(trace);
        if let Some(undefined_op) = preflight.undefined_op {
            return Err(undefined_op.into());
        }
        let preflight = self.applicable(trace, &preflight)?.into_owned();
        let mut all = Vec::new();
        if let Oracle::Live(subject) = &mut self.oracle {
            all.push(run(subject.as_mut(), trace, &preflight)?);
        }
        if !matches!(self.oracle, Oracle::Model) {
            all.extend(recording.map(|recording| Transcript {
                subject: Playback::RECORDED.to_owned(),
                steps: recording.steps.clone(),
            }));
        }
        for subject in &mut self.subjects {
            all.push(run(subject.as_mut(), trace, &preflight)?);
        }
        if !preflight.triggered.is_empty() {
            all.push(run(&mut Model::fixed(), trace, &preflight)?);
        }
        Ok(all)
    }
}

/// Why a recording cannot be used for a trace.
#[must_use]
pub fn staleness(trace: &Trace, recording: &Recording) -> Option<String> {
    match trace.hash() {
        Ok(hash) if hash != recording.trace => {
            Some("the trace was changed after its transcript was recorded".to_owned())
        }
        Err(error) => Some(error.to_string()),
        Ok(_) if recording.original != c_reference::PIN.sha256 => {
            Some(format!("the transcript is of another original, SHA-256 {}", recording.original))
        }
        Ok(_) => None,
    }
}
