//! What a run found: the one result of every command that compares.
//!
//! A [`Report`] is data and is written as JSON as it is; [`text`] and [`junit`] are views of it.

mod against_file;
mod cached_result;
pub mod junit;
pub mod sheet;
mod streams;
pub mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use conformance::compare::judge::Fault;
use conformance::compare::verdict::Divergence;
use conformance::explore::Counts;
use conformance::observation::Value;
use conformance::shrink::{Difference, Signature};
use conformance::streams::StreamReport;
use mutation::coverage::Coverage;
use mutation::score::Score;

pub use cached_result::{Basis, KeptError, Measured};

/// Version of the report's JSON form.
pub const FORMAT: u32 = 1;

/// Greatest share of inconclusive cases in a section that still shows something: 1 in so many.
const INCONCLUSIVE_ONE_IN: u64 = 100;

/// Failures that a section keeps.
pub const KEPT: usize = 20;

/// What a run found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of the form: [`FORMAT`].
    pub format: u32,
    /// What the subjects were compared with.
    pub oracle: Oracle,
    /// The subjects.
    pub subjects: Vec<String>,
    /// Seed of the generated cases.
    pub seed: Option<u64>,
    /// Which part of the run this is, `1/1` for all of it.
    pub shard: String,
    /// What was compared.
    pub sections: Vec<Section>,
    /// What is wrong.
    pub failures: Vec<Failure>,
    /// Input that could not be used, one message each.
    pub problems: Vec<String>,
    /// What was done with each stream.
    pub streams: Vec<StreamReport>,
    /// What the corpus finds of broken copies of the original, as it was last measured.
    pub mutants: Option<Measured<Score>>,
    /// What the corpus reaches of the original, as it was last measured.
    pub coverage: Option<Measured<Coverage>>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Duration of the run.
    pub seconds: f64,
}

/// What the subjects were compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oracle {
    /// Which kind.
    pub kind: OracleKind,
    /// The original's version, or the file's name.
    pub name: String,
    /// The release whose behaviour it has.
    pub release: String,
    /// SHA-256 of the C file or shared object.
    pub sha256: String,
    /// Whether it is the pinned original.
    pub pinned: bool,
    /// What would give a better one.
    pub mend: Option<String>,
}

/// Kinds of oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OracleKind {
    /// The original that is linked in.
    Live,
    /// A file, in a process of its own.
    File,
    /// Recorded transcripts of the original, and the model where there are none.
    Recorded,
}

/// One kind of input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its name: `corpus`, `streams` or `generated`.
    pub name: String,
    /// What is counted: `traces`, `streams` or `cases`.
    pub unit: String,
    /// Those on which all subjects agreed.
    pub agreed: u64,
    /// Those on which one diverged, or that are wrong in another way.
    pub diverged: u64,
    /// Those on which nothing can be said, by reason.
    pub inconclusive: BTreeMap<String, u64>,
    /// Those that need a function that the reference lacks, by that function; they are not among the
    /// others.
    #[serde(default)]
    pub not_applicable: BTreeMap<String, u64>,
    /// How long it took.
    pub seconds: f64,
    /// Whether it ended before it was due.
    pub cut_short: bool,
    /// What else is to be known, a sentence each.
    pub notes: Vec<String>,
    /// Those that come from files, one by one.
    pub items: Vec<Item>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The file.
    pub name: String,
    /// `agreed`, `diverged` or the reason why nothing can be said.
    pub outcome: String,
}

/// Something that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The section.
    pub section: String,
    /// The file, or the generated case.
    pub case: String,
    /// What is wrong, in one line.
    pub summary: String,
    /// The step and the operation at which it shows.
    pub step: Option<Step>,
    /// The function and the line of the file of `--reference` that it comes from, where that is known.
    pub place: Option<(String, u32)>,
    /// Where it does not repeat: how often it came again, of how many times the trace was run.
    pub flaky: Option<(u32, u32)>,
    /// Other subjects that diverged on this case.
    pub also: Vec<String>,
    /// Further failures of this kind in the section, among those kept.
    pub alike: u64,
    /// The smallest trace that shows it.
    pub trace: Option<String>,
    /// Operations in it.
    pub ops: Option<usize>,
    /// Whether nothing can be taken out of it.
    pub minimal: bool,
    /// The file that holds it.
    pub file: Option<String>,
    /// The command that shows it again.
    pub command: Option<String>,
}

/// Where a divergence shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Index of the operation.
    pub index: usize,
    /// The operation.
    pub op: String,
    /// Name of the oracle.
    pub oracle: String,
    /// What it did, a line for the value, for each event and for each state.
    pub expected: Vec<String>,
    /// Name of the subject.
    pub subject: String,
    /// What it did.
    pub actual: Vec<String>,
}

impl Step {
    /// With the oracle as what is expected.
    fn plain(divergence: &Divergence) -> Self {
        Self {
            index: divergence.step,
            op: clipped(&divergence.op.to_string()),
            oracle: divergence.oracle.clone(),
            expected: divergence.expected.lines(),
            subject: divergence.subject.clone(),
            actual: divergence.actual.lines(),
        }
    }
}

impl From<&Divergence> for Step {
    fn from(divergence: &Divergence) -> Self {
        let step = Self::plain(divergence);
        if against_file::is_about(divergence) { against_file::turned(step) } else { step }
    }
}

/// A long text's beginning.
fn clipped(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(crate) use against_file::sentence;

/// What differs, in a line, with the words of a subject that broke.
pub(crate) fn headline(divergence: &Divergence) -> String {
    if against_file::is_about(divergence) {
        return against_file::sentence(divergence);
    }
    let Signature { subject, op, difference } = Signature::of(divergence);
    let Difference::Value(expected, actual) = difference else {
        return Signature::of(divergence).to_string();
    };
    let words = |value: &Value| match value {
        Value::Broken(text) | Value::BrokenOnce(text) => Some(text.clone()),
        _ => None,
    };
    let seen = (&divergence.expected.value, &divergence.actual.value);
    match (words(seen.0), words(seen.1)) {
        (None, None) => Signature::of(divergence).to_string(),
        (first, second) => format!(
            "{subject} differs in {op}: {} instead of {}",
            second.unwrap_or(actual),
            first.unwrap_or(expected)
        ),
    }
}

impl Failure {
    /// Of what is wrong about one case: the first fault in full, the others by name.
    #[must_use]
    pub fn of(section: &str, case: &str, faults: &[Fault]) -> Self {
        let mut failure =
            Self { section: section.to_owned(), case: case.to_owned(), ..Self::default() };
        for fault in faults {
            let summary = match fault {
                Fault::Diverged(divergence) => {
                    if failure.step.is_none() && failure.summary.is_empty() {
                        failure.step = Some(divergence.as_ref().into());
                        failure.place = against_file::place(divergence);
                        headline(divergence)
                    } else {
                        failure.also.push(divergence.subject.clone());
                        continue;
                    }
                }
                Fault::Stale { reason } => {
                    format!("{reason}; `{} record` records it again", crate::program::name())
                }
                Fault::Undeclared { reason } => reason.clone(),
            };
            if failure.summary.is_empty() {
                failure.summary = summary;
            } else {
                failure.also.push(summary);
            }
        }
        failure
    }
}

impl Section {
    /// A section in which nothing was counted yet.
    #[must_use]
    pub fn new(name: &str, unit: &str) -> Self {
        Self { name: name.to_owned(), unit: unit.to_owned(), ..Self::default() }
    }

    /// Adds counted cases.
    pub fn add(&mut self, counts: &Counts) {
        self.agreed += counts.agreed;
        self.diverged += counts.diverged;
        for (kind, count) in &counts.inconclusive {
            *self.inconclusive.entry((*kind).to_owned()).or_default() += count;
        }
        for (function, count) in &counts.not_applicable {
            *self.not_applicable.entry((*function).to_owned()).or_default() += count;
        }
    }

    /// Cases on which nothing can be said.
    #[must_use]
    pub fn undecided(&self) -> u64 {
        self.inconclusive.values().sum()
    }

    /// All cases.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.agreed + self.diverged + self.undecided()
    }

    /// Whether so much is inconclusive that the section shows nothing.
    #[must_use]
    pub fn shows_nothing(&self) -> bool {
        self.undecided() * INCONCLUSIVE_ONE_IN > self.total()
    }

    /// Whether all is well.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.diverged == 0 && !self.shows_nothing()
    }
}

/// What the command line exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: everything conforms.
    Conforms,
    /// 1: something diverged, or too much is inconclusive.
    Diverged,
    /// 2: usage or input.
    BadInput,
    /// 3: something that was demanded is missing.
    Missing,
    /// 4: the report, or a file, could not be written.
    Unwritable,
    /// 130: interrupted before anything was found.
    Interrupted,
}

impl Status {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Conforms => 0,
            Self::Diverged => 1,
            Self::BadInput => 2,
            Self::Missing => 3,
            Self::Unwritable => 4,
            Self::Interrupted => 130,
        }
    }
}

impl Report {
    /// How the run ended. A divergence is more than bad input beside it.
    #[must_use]
    pub fn status(&self) -> Status {
        if !self.failures.is_empty() || !self.sections.iter().all(Section::conforms) {
            Status::Diverged
        } else if !self.problems.is_empty() {
            Status::BadInput
        } else if self.interrupted {
            Status::Interrupted
        } else {
            Status::Conforms
        }
    }

    /// The JSON form.
    ///
    /// # Errors
    ///
    /// None that a report is known to cause.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}
