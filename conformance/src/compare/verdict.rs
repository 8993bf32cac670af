//! Whether a subject did what it had to.
//!
//! # Which transcript is the oracle
//!
//! | subject | oracle |
//! |---|---|
//! | one that reproduces every defect of the original | the original: live, or recorded |
//! | one that fixes some, before any of these is triggered | the same |
//! | one that fixes some, from there on | the model without the fixed defects |
//!
//! A subject says itself which defects it reproduces ([`quirks`](crate::subject::Subject::quirks)),
//! so a fix is predicted step by step, not ignored. Which defects a trace triggers is what the
//! faithful model found ([`Preflight::triggered`](crate::preflight::Preflight)); a trace of the
//! corpus says so in its header, and [`undeclared`] refuses one that says something else.

use std::collections::BTreeMap;
use std::fmt;

use crate::definedness::Undefined;
use crate::observation::Observation;
use crate::preflight::{Preflight, UndefinedOp};
use crate::subject::Unready;
use crate::trace::{Op, QuirkSet, Trace};
use crate::transcript::Transcript;

/// The outcome of one comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The subject did at every step what it had to.
    Agree,
    /// It did not.
    Diverged(Box<Divergence>),
    /// It cannot be said.
    Inconclusive(Reason),
}

/// The first step at which a subject did not do what it had to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Index of the operation.
    pub step: usize,
    /// The operation.
    pub op: Op,
    /// Name of the oracle.
    pub oracle: String,
    /// Name of the subject.
    pub subject: String,
    /// What the oracle did.
    pub expected: Observation,
    /// What the subject did.
    pub actual: Observation,
}

impl Divergence {
    /// Where `actual` is not what `expected` demands: the divergence of a step. This is the one
    /// place that decides it.
    #[must_use]
    pub fn between(
        step: usize,
        op: &Op,
        (oracle, expected): (&str, &Observation),
        (subject, actual): (&str, &Observation),
    ) -> Option<Self> {
        (!actual.conforms_to(expected)).then(|| Self {
            step,
            op: op.clone(),
            oracle: oracle.to_owned(),
            subject: subject.to_owned(),
            expected: expected.clone(),
            actual: actual.clone(),
        })
    }
}

/// Why nothing can be said about a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The trace holds an operation that is undefined in the original.
    #[error("operation {step} is undefined in the original: {reason}")]
    Undefined {
        /// Index of the operation.
        step: usize,
        /// Why it is undefined.
        reason: Undefined,
    },
    /// A subject cannot run the trace at all.
    #[error(transparent)]
    Unready(#[from] Unready),
    /// The reference lacks a function that the trace calls.
    #[error("the reference has no {function}")]
    NotApplicable {
        /// The function, as C spells it.
        function: &'static str,
    },
    /// There is neither the original nor a transcript of it.
    #[error(
        "no original and no transcript of it for this trace: see `qemufile-conformance doctor`"
    )]
    NoOracle,
    /// The transcripts are of different length, so they are not of the same trace.
    #[error("the oracle has {expected} steps, the subject {actual}: record the transcript again")]
    Length {
        /// Steps of the oracle.
        expected: usize,
        /// Steps of the subject.
        actual: usize,
    },
}

impl From<UndefinedOp> for Reason {
    fn from(undefined_op: UndefinedOp) -> Self {
        Self::Undefined { step: undefined_op.step, reason: undefined_op.reason }
    }
}

impl Reason {
    /// A name to count by.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Undefined { .. } => "undefined",
            Self::Unready(_) => "unready",
            Self::NotApplicable { .. } => "not-applicable",
            Self::NoOracle => "no-oracle",
            Self::Length { .. } => "length",
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "operation {}: {:?}", self.step, self.op)?;
        writeln!(f, "  {} (oracle): {:?}", self.oracle, self.expected)?;
        write!(f, "  {}: {:?}", self.subject, self.actual)
    }
}

/// Compares what a subject did with what the oracle did.
#[must_use]
pub fn compare(trace: &Trace, oracle: &Transcript, subject: &Transcript) -> Verdict {
    for ((step, op), (expected, actual)) in
        trace.ops.iter().enumerate().zip(oracle.steps.iter().zip(&subject.steps))
    {
        let (expected, actual) = ((&*oracle.subject, expected), (&*subject.subject, actual));
        if let Some(divergence) = Divergence::between(step, op, expected, actual) {
            return Verdict::Diverged(Box::new(divergence));
        }
    }
    let (expected, actual) = (oracle.steps.len(), subject.steps.len());
    if expected == actual {
        Verdict::Agree
    } else {
        Verdict::Inconclusive(Reason::Length { expected, actual })
    }
}

/// The defects that are triggered in a trace, where its header names others.
#[must_use]
pub fn undeclared(trace: &Trace, preflight: &Preflight) -> Option<QuirkSet> {
    (trace.quirks != preflight.triggered).then(|| preflight.triggered.clone())
}

/// How many comparisons came to which end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Subjects that agreed.
    pub agreed: u64,
    /// Subjects that diverged.
    pub diverged: u64,
    /// The others, by [`Reason::kind`].
    pub inconclusive: BTreeMap<&'static str, u64>,
    /// Those that need a function that the reference lacks, by that function. They are not among
    /// the inconclusive ones, nor in the total.
    pub not_applicable: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// Counts one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Agree => self.agreed += 1,
            Verdict::Diverged(_) => self.diverged += 1,
            Verdict::Inconclusive(Reason::NotApplicable { function }) => {
                *self.not_applicable.entry(function).or_default() += 1;
            }
            Verdict::Inconclusive(reason) => {
                *self.inconclusive.entry(reason.kind()).or_default() += 1;
            }
        }
    }

    /// Adds what another run counted.
    pub fn merge(&mut self, other: &Self) {
        self.agreed += other.agreed;
        self.diverged += other.diverged;
        for (kind, count) in &other.inconclusive {
            *self.inconclusive.entry(kind).or_default() += count;
        }
        for (function, count) in &other.not_applicable {
            *self.not_applicable.entry(function).or_default() += count;
        }
    }

    /// All verdicts counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.agreed + self.diverged + self.undecided()
    }

    /// The inconclusive ones.
    #[must_use]
    pub fn undecided(&self) -> u64 {
        self.inconclusive.values().sum()
    }
}
