//! How long a search from nothing takes to find a mutant.
//!
//! Generated cases, in the order of their numbers, are carried out by the original and by the
//! mutant until they differ; no corpus is used. The mutant's process is started before the clock.
//! A search takes turns with that process, so it keeps one processor busy and no more.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use conformance::compare::run::run;
use conformance::compare::verdict::{Verdict, compare};
use conformance::generate;
use conformance::isolate::{Isolated, ReferenceError, ReferenceFile};
use conformance::subject::Subject;

use super::suite::LIMIT;

/// Most that half of the mutants may take, in seconds.
pub const MEDIAN: f64 = 0.02;

/// Seconds after which a search is given up, and no mutant may still be missing.
pub const WORST: u64 = 10;

/// Searches that are shown: the slowest.
const SHOWN: usize = 5;

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
    /// The found ones, the slowest first.
    pub found: Vec<Searched>,
    /// Those that were not found before the end, by name.
    pub missed: Vec<String>,
    /// When a search was given up, in seconds.
    pub limit: f64,
}

/// A mutant that was found by searching.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// Its name.
    pub mutant: String,
    /// Number of the case that found it, from 0. It does not depend on the machine.
    pub case: u64,
    /// How long it took.
    pub seconds: f64,
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
///
/// # Errors
///
/// [`ReferenceError`] where the mutant's process cannot be had.
pub fn search(
    original: &mut dyn Subject,
    file: &ReferenceFile,
    seed: u64,
    limit: Duration,
) -> Result<Option<Found>, ReferenceError> {
    // A start of the process is no search.
    let mut mutant = Isolated::started(file.with_limit(LIMIT))?;
    let began = Instant::now();
    for case in 0.. {
        if began.elapsed() > limit {
            return Ok(None);
        }
        let (trace, preflight) = generate::with_preflight(seed, case);
        let (Ok(expected), Ok(actual)) =
            (run(original, &trace, &preflight), run(&mut mutant, &trace, &preflight))
        else {
            continue;
        };
        if matches!(compare(&trace, &expected, &actual), Verdict::Diverged(_)) {
            return Ok(Some(Found { case, after: began.elapsed() }));
        }
    }
    Ok(None)
}

impl Times {
    /// Of all searches, by name.
    #[must_use]
    pub fn new(seed: u64, limit: Duration, searches: &[(String, Option<Found>)]) -> Self {
        let mut found: Vec<Searched> = searches
            .iter()
            .filter_map(|(name, found)| {
                let Found { case, after } = (*found)?;
                Some(Searched { mutant: name.clone(), case, seconds: after.as_secs_f64() })
            })
            .collect();
        found.sort_by(|left, right| right.seconds.total_cmp(&left.seconds));
        // Of all, not of the found ones: what is missed took longest.
        let at = |tenths: usize| {
            let place = searches.len() * tenths / 10;
            found.iter().rev().nth(place).map_or(limit.as_secs_f64(), |found| found.seconds)
        };
        Self {
            seed,
            mutants: searches.len(),
            median: at(5),
            nine_tenths: at(9),
            worst: found.first().map_or(0.0, |found| found.seconds),
            missed: searches
                .iter()
                .filter(|(_, found)| found.is_none())
                .map(|(name, _)| name.clone())
                .collect(),
            found,
            limit: limit.as_secs_f64(),
        }
    }

    /// Why the goal is missed; nothing where it is met.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let slow = (self.median > MEDIAN).then(|| {
            format!("half of the mutants took {:.4} s, and {MEDIAN} s are the goal", self.median)
        });
        let missed =
            self.missed.iter().map(|name| format!("{name} was not found in {} s", self.limit));
        slow.into_iter().chain(missed).collect()
    }

    /// What does not depend on the machine, in one line: the numbers of the cases that found them.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut cases: Vec<u64> = self.found.iter().map(|found| found.case).collect();
        cases.sort_unstable();
        let by = |tenths: usize| {
            let place = (self.mutants * tenths / 10).min(self.mutants.saturating_sub(1));
            cases.get(place).map_or_else(|| "none".to_owned(), ToString::to_string)
        };
        format!(
            "search from nothing, seed {}: {} of {} found, half by case {}, nine tenths by case {}, the last by case {}",
            self.seed,
            cases.len(),
            self.mutants,
            by(5),
            by(9),
            by(10),
        )
    }

    /// The times as text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { median, nine_tenths, worst, found, missed, limit, .. } = self;
        let mut text = format!(
            "{}\nmedian {median:.4} s, nine tenths {nine_tenths:.4} s, worst {worst:.2} s, {} not found in {limit} s",
            self.summary(),
            missed.len()
        );
        for Searched { mutant, case, seconds } in found.iter().take(SHOWN) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\nslow: {mutant}, case {case}, {seconds:.2} s");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_counts_as_slowest() {
        let found = |case, after| Some(Found { case, after: Duration::from_millis(after) });
        let searches =
            [("a".to_owned(), found(3, 1)), ("b".to_owned(), None), ("c".to_owned(), None)];
        let times = Times::new(1, Duration::from_secs(10), &searches);
        assert_eq!((times.median, times.missed.len()), (10.0, 2));
        assert_eq!((times.worst, times.found[0].case), (0.001, 3));
        assert_eq!(times.faults().len(), 3, "{:?}", times.faults());
        assert!(times.summary().ends_with(
            "1 of 3 found, half by case none, nine tenths by case none, the last by case none"
        ));
    }

    #[test]
    fn the_goal_is_met_where_all_are_found_soon() {
        let searches: Vec<_> = (1..=10_u64)
            .map(|number| {
                let after = Duration::from_millis(number * number);
                (number.to_string(), Some(Found { case: number, after }))
            })
            .collect();
        let times = Times::new(1, Duration::from_secs(10), &searches);
        assert_eq!((times.median, times.nine_tenths, times.worst), (0.036, 0.1, 0.1));
        assert_eq!(times.faults(), ["half of the mutants took 0.0360 s, and 0.02 s are the goal"]);
        assert!(
            times.summary().ends_with(
                "10 of 10 found, half by case 6, nine tenths by case 10, the last by case 10"
            ),
            "{}",
            times.summary()
        );
        assert_eq!(Times::new(1, Duration::from_secs(10), &searches[..8]).faults().len(), 1);
        assert!(Times::new(1, Duration::from_secs(10), &searches[..4]).faults().is_empty());
    }
}
