//! What became of the inputs of one fuzz target.

use std::collections::BTreeMap;
use std::fmt;

use super::judge::Outcome;

/// Inputs between two lines of the stats.
const EVERY: u64 = 1 << 20;

/// Counts of one target, in one thread. Prints itself every 2^20 inputs and when it is dropped.
#[derive(Debug)]
pub struct Stats {
    target: &'static str,
    /// Inputs that were run.
    pub inputs: u64,
    /// Those that were no case, by [`Rejected::kind`](super::Rejected::kind).
    pub rejected: BTreeMap<&'static str, u64>,
    /// Those about which nothing can be said, by
    /// [`Reason::kind`](crate::compare::verdict::Reason::kind).
    pub inconclusive: BTreeMap<&'static str, u64>,
    /// Operations of the others.
    pub ops: u64,
    /// Operations that were left out because they are undefined in the original.
    pub left_out: u64,
}

impl Stats {
    /// Of no input yet.
    #[must_use]
    pub fn new(target: &'static str) -> Self {
        Self {
            target,
            inputs: 0,
            rejected: BTreeMap::new(),
            inconclusive: BTreeMap::new(),
            ops: 0,
            left_out: 0,
        }
    }

    /// Counts one input.
    pub fn add(&mut self, outcome: &Outcome) {
        self.inputs += 1;
        match outcome {
            Outcome::Rejected(rejected) => *self.rejected.entry(rejected.kind()).or_default() += 1,
            Outcome::Inconclusive(reason) => {
                *self.inconclusive.entry(reason.kind()).or_default() += 1;
            }
            Outcome::Conforms { ops, left_out } => {
                self.ops += ops;
                self.left_out += left_out;
            }
            Outcome::Failed(_) => {}
        }
        if self.inputs.is_multiple_of(EVERY) {
            self.print();
        }
    }

    fn print(&self) {
        eprintln!("{self}");
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share is shown with two digits")]
    let share = part as f64 / whole.max(1) as f64;
    100.0 * share
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rejected, inconclusive) =
            (self.rejected.values().sum(), self.inconclusive.values().sum());
        write!(
            f,
            "stats {}: {} inputs, {:.2} % rejected, {:.2} % inconclusive, {} operations, {:.2} % left out",
            self.target,
            self.inputs,
            percent(rejected, self.inputs),
            percent(inconclusive, self.inputs),
            self.ops,
            percent(self.left_out, self.ops),
        )?;
        for (kind, count) in self.rejected.iter().chain(&self.inconclusive) {
            write!(f, ", {kind} {count}")?;
        }
        Ok(())
    }
}

impl Drop for Stats {
    fn drop(&mut self) {
        if self.inputs > 0 {
            self.print();
        }
    }
}
