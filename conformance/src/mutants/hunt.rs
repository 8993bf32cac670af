//! How long a search from nothing takes to find a mutant.
//!
//! Generated cases, in the order of their numbers, are carried out by the original and by the
//! mutant until they differ; no corpus is used. The mutant's process is started before the clock.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::generate;
use crate::isolate::{Isolated, ReferenceFile};
use crate::run::run;
use crate::subject::Subject;
use crate::survey::Survey;
use crate::verdict::{Verdict, compare};

use super::battery::LIMIT;

/// Searches of all mutants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Seed of the cases.
    pub seed: u64,
    /// Mutants that were looked for.
    pub mutants: usize,
    /// Seconds until half of them were found, each alone.
    pub median: f64,
    /// Seconds of nine tenths.
    pub nine_tenths: f64,
    /// Seconds of the slowest that was found.
    pub worst: f64,
    /// Name of that one.
    pub slowest: String,
    /// Those that were not found before the end, by name.
    pub missed: Vec<String>,
    /// When a search was given up.
    pub limit: f64,
}

/// One search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Number of the case.
    pub case: u64,
    /// How long it took.
    pub after: Duration,
}

/// Looks for a mutant until it is found or `limit` has passed.
#[must_use]
pub fn hunt(
    original: &mut dyn Subject,
    file: &ReferenceFile,
    seed: u64,
    limit: Duration,
) -> Option<Found> {
    let mut mutant = Isolated::new(file.with_limit(LIMIT));
    // A start of the process is no search.
    let first = generate::trace(seed, u64::MAX);
    let survey = Survey::of(&first);
    if run(&mut mutant, &first, &survey).is_err() {
        return None;
    }
    let began = Instant::now();
    for case in 0.. {
        let after = began.elapsed();
        if after > limit {
            return None;
        }
        let trace = generate::trace(seed, case);
        let survey = Survey::of(&trace);
        let (Ok(expected), Ok(actual)) =
            (run(original, &trace, &survey), run(&mut mutant, &trace, &survey))
        else {
            continue;
        };
        if matches!(compare(&trace, &expected, &actual), Verdict::Diverged(_)) {
            return Some(Found { case, after: began.elapsed() });
        }
    }
    None
}

impl Times {
    /// Of all searches, by name.
    #[must_use]
    pub fn new(seed: u64, limit: Duration, searches: &[(String, Option<Found>)]) -> Self {
        let mut found: Vec<(f64, &str)> = searches
            .iter()
            .filter_map(|(name, found)| {
                found.map(|found| (found.after.as_secs_f64(), name.as_str()))
            })
            .collect();
        found.sort_by(|left, right| left.0.total_cmp(&right.0));
        // Of all, not of the found ones: what is missed took longest.
        let at = |tenths: usize| {
            found.get(searches.len() * tenths / 10).map_or(limit.as_secs_f64(), |found| found.0)
        };
        Self {
            seed,
            mutants: searches.len(),
            median: at(5),
            nine_tenths: at(9),
            worst: found.last().map_or(0.0, |found| found.0),
            slowest: found.last().map_or_else(String::new, |found| found.1.to_owned()),
            missed: searches
                .iter()
                .filter(|(_, found)| found.is_none())
                .map(|(name, _)| name.clone())
                .collect(),
            limit: limit.as_secs_f64(),
        }
    }

    /// The times as text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { seed, mutants, median, nine_tenths, worst, slowest, missed, limit } = self;
        let mut text = format!(
            "search from nothing, seed {seed}, {mutants} mutants: median {median:.4} s, nine tenths {nine_tenths:.4} s, \
             worst {worst:.2} s ({slowest}), {} not found in {limit} s",
            missed.len()
        );
        for name in missed {
            text.push_str("\nnot found: ");
            text.push_str(name);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_counts_as_slowest() {
        let found = |after| Some(Found { case: 0, after: Duration::from_millis(after) });
        let searches = [("a".to_owned(), found(1)), ("b".to_owned(), None), ("c".to_owned(), None)];
        let times = Times::new(1, Duration::from_secs(10), &searches);
        assert_eq!((times.median, times.missed.len()), (10.0, 2));
        assert_eq!(times.worst, 0.001);
        assert!(times.text().ends_with("not found: c"));
    }
}
