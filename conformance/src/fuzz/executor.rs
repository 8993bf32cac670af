//! A fuzz target at work: its subjects, which are kept from input to input, and its stats.

use c_reference::Reference;

use crate::model::Model;
use crate::subject::{Core, Original};
use crate::trace::Trace;

use super::case::Case;
use super::judge::{self, Outcome, Pair};
use super::stats::Stats;
use super::target::{Input, Target};

/// Everything that a target needs to run inputs, one after the other.
pub struct Executor {
    target: &'static Target,
    work: Work,
    stats: Stats,
}

/// The subjects of a target.
enum Work {
    Differential(Box<Pair<Original, Core>>),
    Model(Box<(Pair<Model, Core>, Pair<Model, Core>)>),
    UndefinedOps(Box<[Core; 2]>),
    Walk,
    Text,
}

/// A target cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// There is no such target.
    #[error("there is no fuzz target `{0}`: see `conformance::fuzz::TARGETS`")]
    Unknown(String),
    /// It needs the original, which is not in this build.
    #[error("the target `{target}` compares with the original, and {absence}")]
    NoOriginal {
        /// The target.
        target: &'static str,
        /// Why the original is not here, and what mends it.
        absence: &'static str,
    },
}

impl Executor {
    /// Sets up the target of a name.
    ///
    /// # Errors
    ///
    /// [`Unusable`]: there is no such target, or no original to compare with.
    pub fn new(name: &str) -> Result<Self, Unusable> {
        let target =
            super::target::target(name).ok_or_else(|| Unusable::Unknown(name.to_owned()))?;
        let work = if target.needs_original {
            let oracle = Original::new(Reference::linked().ok_or(Unusable::NoOriginal {
                target: target.name,
                absence: c_reference::absence().unwrap_or("it does not say why"),
            })?);
            Work::Differential(Box::new(Pair { oracle, subject: Core::faithful() }))
        } else {
            match (target.input, target.name) {
                (Input::Stream, _) => Work::Walk,
                (Input::Text, _) => Work::Text,
                (Input::Case(_), "undefined_ops") => {
                    Work::UndefinedOps(Box::new([Core::faithful(), Core::in_default_setting()]))
                }
                (Input::Case(_), _) => Work::Model(Box::new((
                    Pair { oracle: Model::faithful(), subject: Core::faithful() },
                    Pair { oracle: Model::fixed(), subject: Core::in_default_setting() },
                ))),
            }
        };
        Ok(Self { target, work, stats: Stats::new(target.name) })
    }

    /// What was seen so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Judges the input that `bytes` are.
    pub fn run(&mut self, bytes: &[u8]) -> Outcome {
        let outcome = match self.work {
            Work::Walk => super::walk::judge(bytes),
            Work::Text => judge::text(bytes),
            _ => return self.run_case(Case::of(bytes)),
        };
        self.stats.add(&outcome);
        outcome
    }

    /// Judges a case; of a target that takes none, its text.
    pub fn run_case(&mut self, case: Case) -> Outcome {
        let outcome = match (case.0, self.target.input) {
            (Err(rejected), _) => Outcome::Rejected(rejected),
            (Ok(mut trace), Input::Case(about)) => {
                about.narrow(&mut trace);
                self.judge(&trace)
            }
            (Ok(trace), Input::Stream | Input::Text) => self.judge(&trace),
        };
        self.stats.add(&outcome);
        outcome
    }

    fn judge(&mut self, trace: &Trace) -> Outcome {
        match &mut self.work {
            Work::Differential(pair) => judge::lockstep(pair, trace),
            Work::Model(pairs) => match judge::lockstep(&mut pairs.0, trace) {
                Outcome::Conforms { .. } => judge::lockstep(&mut pairs.1, trace),
                other => other,
            },
            Work::UndefinedOps(cores) => judge::undefined_ops(cores.as_mut_slice(), trace),
            Work::Walk | Work::Text => {
                judge::text(format!("{:?}", Case(Ok(trace.clone()))).as_bytes())
            }
        }
    }
}
