//! The counts that `llvm-cov export` writes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{CoverageError, Measure, Missed, read};

/// What `llvm-cov export` writes, as far as it is needed.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<Counted>,
}

#[derive(Deserialize)]
pub(super) struct Counted {
    pub(super) filename: String,
    segments: Vec<(u64, u64, u64, bool, bool, bool)>,
    #[serde(default)]
    branches: Vec<Branch>,
    #[serde(default)]
    mcdc_records: Vec<Decision>,
}

/// From and to line and column, times true, times false, and three fields of llvm's own.
type Branch = (u64, u64, u64, u64, u64, u64, u64, u64, u64);

/// From and to line and column, two fields of llvm's own, and which conditions were shown.
type Decision = (u64, u64, u64, u64, u64, u64, Vec<bool>);

/// The files that an export counts.
pub(super) fn exported(path: &Path) -> Result<Vec<Counted>, CoverageError> {
    let text = read(path)?;
    let export: Export = serde_json::from_str(&text).map_err(|error| CoverageError::Syntax {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        reason: error.to_string(),
    })?;
    Ok(export.data.into_iter().flat_map(|data| data.files).collect())
}

/// A place, and whether it was reached.
pub(super) type Reached = (Missed, bool);

/// Lines with code: the greatest count of the regions on each, as llvm-cov's own tables have it.
fn lines(counted: &Counted) -> Vec<Reached> {
    let last = counted.segments.last().map_or(0, |segment| segment.0);
    let mut wrapped: Option<(u64, bool)> = None;
    let mut at = 0;
    let mut found = Vec::new();
    for line in 1..=last {
        let from = at;
        while counted.segments.get(at).is_some_and(|segment| segment.0 == line) {
            at += 1;
        }
        let here = &counted.segments[from..at];
        let entries = here.iter().filter(|(_, _, _, has, entry, gap)| *has && *entry && !gap);
        let starts: Vec<u64> = entries.map(|segment| segment.2).collect();
        let goes_on = wrapped.filter(|(_, has)| *has).map(|(count, _)| count);
        let skipped = here.first().is_some_and(|segment| !segment.3 && segment.4);
        if !skipped && let Some(count) = starts.iter().copied().chain(goes_on).max() {
            found.push((Missed { measure: Measure::Line, line, which: String::new() }, count > 0));
        }
        if let Some(segment) = here.last() {
            wrapped = Some((segment.2, segment.3 && !segment.5));
        }
    }
    found
}

fn branches(counted: &Counted) -> Vec<Reached> {
    let of = |line: u64, column: u64, way: &str, count: u64| {
        (Missed { measure: Measure::Branch, line, which: format!("{column} {way}") }, count > 0)
    };
    let mut sums: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
    for (line, column, _, _, truly, falsely, ..) in &counted.branches {
        let sum = sums.entry((*line, *column)).or_default();
        sum.0 += truly;
        sum.1 += falsely;
    }
    sums.into_iter()
        .flat_map(|((line, column), (truly, falsely))| {
            [of(line, column, "true", truly), of(line, column, "false", falsely)]
        })
        .collect()
}

fn conditions(counted: &Counted) -> Vec<Reached> {
    let records = counted.mcdc_records.iter();
    records
        .flat_map(|(line, column, .., covered)| {
            (1..).zip(covered).map(move |(number, covered): (usize, _)| {
                let which = format!("{column} condition {number}");
                (Missed { measure: Measure::Condition, line: *line, which }, *covered)
            })
        })
        .collect()
}

impl Counted {
    /// All places of the file: lines, branches, conditions.
    pub(super) fn places(&self) -> Vec<Reached> {
        [lines(self), branches(self), conditions(self)].concat()
    }
}

#[cfg(test)]
pub(super) fn counted() -> Counted {
    Counted {
        filename: "a.c".to_owned(),
        // Lines 2 to 6 run once, but for a region from line 3 into line 4 that never does.
        segments: vec![
            (2, 1, 1, true, true, false),
            (3, 20, 0, true, true, false),
            (4, 30, 1, true, false, false),
            (6, 2, 0, false, false, false),
        ],
        branches: vec![(3, 5, 3, 9, 2, 0, 0, 0, 4)],
        mcdc_records: vec![(3, 5, 3, 20, 0, 5, vec![true, false])],
    }
}
