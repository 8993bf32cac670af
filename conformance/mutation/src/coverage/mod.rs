//! What of the original the corpus reaches: lines, branches, and conditions (MC/DC); and what of the
//! core its tests reach ([`core`]).
//!
//! `llvm-cov export` writes the counts as JSON; here they are compared with the list of what no
//! caller can reach, which names each place and the reason. A place that is listed and reached is
//! as wrong as one that is missed and not listed.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use conformance::trace::text_form;

pub mod core;
mod export;

use export::{Reached, exported};

/// Version of the list's form.
pub const FORMAT: u32 = 1;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// A line with code was run.
    Line,
    /// A branch was taken: one for each way of each condition.
    Branch,
    /// A condition decided alone (MC/DC).
    Condition,
}

/// A place of the file that is not reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Missed {
    /// What is not reached.
    pub measure: Measure,
    /// Line, from 1.
    pub line: u64,
    /// Which of the line's: column and way of a branch, column and number of a condition.
    pub which: String,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "lines",
            Self::Branch => "branches",
            Self::Condition => "conditions (MC/DC)",
        })
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L{} {:?} {}", self.line, self.measure, self.which)
    }
}

/// How many there are of one measure, and how many are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// All of them.
    pub all: usize,
    /// Those that are reached.
    pub reached: usize,
    /// Those that the list says cannot be.
    pub unreachable: usize,
}

/// What was reached. A place is one of the original's, or one of [the core's](core::Place).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage<Place = Missed> {
    /// Each measure.
    pub shares: BTreeMap<Measure, Share>,
    /// What is missed and not listed.
    pub missed: Vec<Place>,
    /// What is listed and reached, or not there.
    pub needless: Vec<String>,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoverageError {
    /// A file cannot be read.
    #[error("{path}: {source}; ci/coverage makes the export", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not in its form.
    #[error("{path}:{line}:{column}: {reason}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was expected.
        reason: String,
    },
    /// The export has no counts of the file.
    #[error("{path}: no counts of {file}: build it with -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc", path = path.display())]
    Absent {
        /// The export.
        path: PathBuf,
        /// The end of the file's name.
        file: String,
    },
}

/// The list of what cannot be reached.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    format: u32,
    original: String,
    places: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    reason: String,
    missed: Vec<(Measure, u64, String)>,
}

/// Reads the export at `path` and compares what it says of the file whose name ends with `file`
/// with the list at `list`, which has to be of the original with the SHA-256 `pinned`.
///
/// # Errors
///
/// [`CoverageError`], with the file and the place.
pub fn measure(
    path: &Path,
    file: &str,
    list: &Path,
    pinned: &str,
) -> Result<Coverage, CoverageError> {
    let mut files = exported(path)?.into_iter();
    let counted = files
        .find(|counted| counted.filename.ends_with(file))
        .ok_or_else(|| CoverageError::Absent { path: path.to_owned(), file: file.to_owned() })?;
    let listed = listed(list, pinned)?;
    let places = counted.places();
    let reached = |(place, reached): &Reached| (place.clone(), place.measure, *reached);
    Ok(judged(&[Measure::Line, Measure::Branch, Measure::Condition], &places, reached, &listed))
}

fn read(path: &Path) -> Result<String, CoverageError> {
    std::fs::read_to_string(path)
        .map_err(|source| CoverageError::Read { path: path.to_owned(), source })
}

fn listed(path: &Path, pinned: &str) -> Result<Vec<Missed>, CoverageError> {
    let list: List = list(path)?;
    if list.format != FORMAT || list.original != pinned {
        return Err(wrong(path, format!("expected format {FORMAT} and original {pinned}")));
    }
    reasoned(path, list.places.iter().map(|place| (&place.reason, &place.missed)))?;
    let places = list.places.into_iter().flat_map(|place| place.missed);
    Ok(places.map(|(measure, line, which)| Missed { measure, line, which }).collect())
}

fn list<List: serde::de::DeserializeOwned>(path: &Path) -> Result<List, CoverageError> {
    text_form().from_str(&read(path)?).map_err(|error| CoverageError::Syntax {
        path: path.to_owned(),
        line: error.span.start.line,
        column: error.span.start.col,
        reason: conformance::trace::syntax_reason(&error.code),
    })
}

fn wrong(path: &Path, reason: String) -> CoverageError {
    CoverageError::Syntax { path: path.to_owned(), line: 1, column: 1, reason }
}

/// Every entry of a list says why.
fn reasoned<'a, Place: fmt::Debug + 'a>(
    path: &Path,
    mut entries: impl Iterator<Item = (&'a String, &'a Place)>,
) -> Result<(), CoverageError> {
    match entries.find(|(reason, _)| reason.trim().is_empty()) {
        Some((_, place)) => Err(wrong(path, format!("{place:?} has no reason"))),
        None => Ok(()),
    }
}

/// Sorts places, each of which `reached` names, into those that were reached, those that `listed`
/// excuses and those that are missed.
fn judged<Found, Place: PartialEq + Clone + ToString>(
    measures: &[Measure],
    found: &[Found],
    reached: impl Fn(&Found) -> (Place, Measure, bool),
    listed: &[Place],
) -> Coverage<Place> {
    let mut shares: BTreeMap<Measure, Share> =
        measures.iter().map(|measure| (*measure, Share::default())).collect();
    let mut missed = Vec::new();
    let mut equivalent = vec![false; listed.len()];
    for (place, measure, reached) in found.iter().map(reached) {
        let share = shares.entry(measure).or_default();
        share.all += 1;
        if reached {
            share.reached += 1;
        } else if let Some(at) = listed.iter().position(|listed| *listed == place) {
            share.unreachable += 1;
            equivalent[at] = true;
        } else {
            missed.push(place);
        }
    }
    let needless = listed.iter().zip(equivalent).filter(|(_, equivalent)| !equivalent);
    let needless = needless.map(|(place, _)| place.to_string()).collect();
    Coverage { shares, missed, needless }
}

impl<Place: fmt::Display> Coverage<Place> {
    /// Whether all is reached that can be, and every measure was taken.
    #[must_use]
    pub fn passes(&self) -> bool {
        let taken = self.shares.values().all(|share| share.all > 0);
        self.missed.is_empty() && self.needless.is_empty() && taken
    }

    /// The shares, a line each.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for (measure, share) in &self.shares {
            let reachable = share.all - share.unreachable;
            let percent =
                if reachable == 0 { 0.0 } else { 100.0 * share.reached as f64 / reachable as f64 };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{measure}: {} of {} reached, {} cannot be: {:.2} %",
                share.reached, share.all, share.unreachable, percent,
            );
        }
        text
    }

    /// The shares as text, and what is missed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.summary();
        for place in &self.missed {
            let _ = writeln!(text, "missed: {place}");
        }
        for place in &self.needless {
            let _ = writeln!(text, "listed as unreachable, and reached or not there: {place}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(listed: &[Missed]) -> Coverage {
        let all = [Measure::Line, Measure::Branch, Measure::Condition];
        let reached = |(place, reached): &Reached| (place.clone(), place.measure, *reached);
        judged(&all, &export::counted().places(), reached, listed)
    }

    #[test]
    fn what_is_not_reached_is_named() {
        let coverage = judge(&[]);
        let missed: Vec<String> = coverage.missed.iter().map(ToString::to_string).collect();
        assert_eq!(missed, ["L4 Line ", "L3 Branch 5 false", "L3 Condition 5 condition 2"]);
        assert!(!coverage.passes());
    }

    #[test]
    fn a_list_excuses_what_is_missed_and_nothing_else() {
        let mut listed = judge(&[]).missed;
        assert!(judge(&listed).passes());
        listed.push(Missed { measure: Measure::Line, line: 2, which: String::new() });
        let coverage = judge(&listed);
        assert_eq!(coverage.needless, ["L2 Line "]);
        assert!(!coverage.passes());
    }
}
