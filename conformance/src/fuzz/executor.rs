//! A fuzz target at work: its subjects, which are kept from input to input, and its stats.

use c_reference::Reference;

use crate::model::Model;
use crate::subject::{Core, Original, Subject};
use crate::trace::{Quirk, QuirkSet, Trace};

use super::case::Case;
use super::judge::{self, Outcome, Panel};
use super::stats::Stats;
use super::target::{Input, Target};

/// Everything that a target needs to run inputs, one after the other.
pub struct Executor {
    target: &'static Target,
    work: Work,
    stats: Stats,
    all_quirks: QuirkSet,
}

/// The subjects of a target.
enum Work {
    Compare(Panel),
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
            Work::Compare(vec![Box::new(oracle), Box::new(Core::faithful())])
        } else {
            let cores = [Core::faithful(), Core::in_default_setting()];
            match target.input {
                Input::Stream => Work::Walk,
                Input::Text => Work::Text,
                Input::Case(_) if target.undefined_ops => Work::UndefinedOps(Box::new(cores)),
                Input::Case(_) => {
                    let mut panel: Panel = vec![Box::new(Model::faithful())];
                    panel.extend(cores.map(|core| Box::new(core) as Box<dyn Subject>));
                    Work::Compare(panel)
                }
            }
        };
        Ok(Self { target, work, stats: Stats::new(target.name), all_quirks: Quirk::faithful() })
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
            Work::Compare(panel) => judge::in_step(panel, trace, &self.all_quirks),
            Work::UndefinedOps(cores) => judge::undefined_ops(cores.as_mut_slice(), trace),
            Work::Walk | Work::Text => {
                judge::text(format!("{:?}", Case(Ok(trace.clone()))).as_bytes())
            }
        }
    }
}
