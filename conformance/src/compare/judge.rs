//! Lets subjects carry out a trace and says of each whether it did what it had to.
//!
//! [`verdict`](crate::compare::verdict) has the rule which transcript is the oracle; here it is applied.

use crate::compare::run::{predicted, run};
use crate::compare::verdict::{Divergence, Reason, Verdict, compare, undeclared};
use crate::model::Model;
use crate::observation::{Observation, Value};
use crate::preflight::Preflight;
use crate::subject::{Core, Recorded, Subject};
use crate::trace::Trace;
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
        let broke = |observation: &Observation| matches!(observation.value, Value::Broken(_));
        let heavy = faults.iter().any(|fault| match fault {
            Self::Diverged(divergence) => broke(&divergence.expected) || broke(&divergence.actual),
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

    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Agree => {}
            Verdict::Diverged(divergence) => self.faults.push(Fault::Diverged(divergence)),
            Verdict::Inconclusive(reason) => self.inconclusive = Some(reason),
        }
    }
}

/// A subject that does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{subject} answers the same whatever it is asked, so its agreement would mean nothing: {reason}"
)]
pub struct Unfit {
    /// Name of the subject.
    pub subject: String,
    /// What it did.
    pub reason: String,
}

/// An oracle, and the subjects that are compared with it.
pub struct Judge {
    oracle: Oracle,
    subjects: Vec<Box<dyn Subject>>,
    fixed: Model,
}

impl Judge {
    /// Subjects before an oracle.
    ///
    /// # Errors
    ///
    /// [`Unfit`] names a subject that gives two different traces the same transcript.
    pub fn new(oracle: Oracle, mut subjects: Vec<Box<dyn Subject>>) -> Result<Self, Unfit> {
        for subject in &mut subjects {
            crate::compare::sanity::probe(subject.as_mut())?;
        }
        Ok(Self { oracle, subjects, fixed: Model::fixed() })
    }

    /// Judges one trace; `recording` is what is recorded of it.
    pub fn judge(&mut self, trace: &Trace, recording: Option<&Recording>) -> Judgement {
        let preflight = Preflight::of(trace);
        if let Some(undefined_op) = preflight.undefined_op {
            return Judgement::inconclusive(undefined_op.into());
        }
        let mut judgement = Judgement::default();
        let oracle = match &mut self.oracle {
            Oracle::Live(subject) => match run(subject.as_mut(), trace, &preflight) {
                Ok(transcript) => transcript,
                Err(reason) => return Judgement::inconclusive(reason),
            },
            Oracle::Recorded => match recording {
                Some(recording) => played(recording),
                None => predicted(&preflight),
            },
            Oracle::Model => predicted(&preflight),
        };
        if let (Oracle::Live(_), Some(recording)) = (&self.oracle, recording) {
            judgement.add(compare(trace, &oracle, &played(recording)));
        }
        let mut compared = matches!(self.oracle, Oracle::Live(_)) && recording.is_some();
        judgement.model_only = oracle.subject == Model::FAITHFUL;
        for subject in &mut self.subjects {
            let name = subject.name();
            if name == oracle.subject {
                continue;
            }
            compared = true;
            let predicted = is_fixed(name) && !preflight.triggered.is_empty();
            let verdict = if predicted {
                match run(&mut self.fixed, trace, &preflight) {
                    Ok(fixed) => settle(subject.as_mut(), trace, &preflight, &fixed),
                    Err(reason) => Verdict::Inconclusive(reason),
                }
            } else {
                settle(subject.as_mut(), trace, &preflight, &oracle)
            };
            judgement.add(verdict);
        }
        if !compared {
            judgement.inconclusive = Some(Reason::NoOracle);
        }
        judgement
    }

    /// As [`judge`](Self::judge), and refuses a recording that is of something else and a header
    /// that names other defects than those that are triggered.
    pub fn judge_file(&mut self, trace: &Trace, recording: Option<&Recording>) -> Judgement {
        let stale = recording.and_then(|recording| staleness(trace, recording));
        let usable = if stale.is_some() { None } else { recording };
        let mut judgement = self.judge(trace, usable);
        if let Some(reason) = stale {
            judgement.faults.push(Fault::Stale { reason });
        }
        let preflight = Preflight::of(trace);
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
        let mut all = Vec::new();
        if let Oracle::Live(subject) = &mut self.oracle {
            all.push(run(subject.as_mut(), trace, &preflight)?);
        }
        if !matches!(self.oracle, Oracle::Model) {
            all.extend(recording.map(played));
        }
        for subject in &mut self.subjects {
            all.push(run(subject.as_mut(), trace, &preflight)?);
        }
        if !preflight.triggered.is_empty() {
            all.push(run(&mut self.fixed, trace, &preflight)?);
        }
        Ok(all)
    }
}

fn is_fixed(name: &str) -> bool {
    name == Core::DEFAULT || name == Model::FIXED
}

fn played(recording: &Recording) -> Transcript {
    Transcript { subject: Recorded::NAME.to_owned(), steps: recording.steps.clone() }
}

/// The model's transcript is in the preflight already.
fn settle(
    subject: &mut dyn Subject,
    trace: &Trace,
    preflight: &Preflight,
    oracle: &Transcript,
) -> Verdict {
    if subject.name() == Model::FAITHFUL {
        return compare(trace, oracle, &predicted(preflight));
    }
    match run(subject, trace, preflight) {
        Ok(transcript) => compare(trace, oracle, &transcript),
        Err(reason) => Verdict::Inconclusive(reason),
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
