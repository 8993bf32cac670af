//! Broken copies of the original, to measure what the corpus finds.
//!
//! A mutant is the original with one small change. Rules make most of them ([`by_rules`]), a
//! list by hand the others ([`handwritten`]). One whose object code is the original's, or another mutant's,
//! is dropped; each of the rest is run against the corpus in a process of its own, and the first
//! trace on which it differs from the original kills it. One that survives is either a hole in the
//! corpus, or equivalent: no caller can tell it from the original, and the list of
//! [`equivalent`] mutants says why.
//!
//! ```text
//! original --rules, list--> mutants --compiler--> shared objects --corpus--> score
//! ```
//!
//! Neither list holds text of the original: a place is a line and a column of the pinned file.

pub mod build;
pub mod coverage;
pub mod equivalent;
pub mod handwritten;
mod rules;
pub mod score;
pub mod search;
mod statements;
pub mod suite;
mod tokens;

use std::ops::Range;

/// One change of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go; none for an insertion.
    pub range: Range<usize>,
    /// What comes in their place.
    pub with: String,
}

/// The original with a small change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Its name: place and rule, or the name in the list.
    pub id: String,
    /// The function that is changed; the first one, where there are several.
    pub function: String,
    /// The rule; `hand` for one of the list.
    pub rule: String,
    /// The changes, which do not overlap.
    pub edits: Vec<Edit>,
}

impl Mutant {
    /// The text with the changes made.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut edits: Vec<&Edit> = self.edits.iter().collect();
        // From the end, so that the places of the others stay what they are.
        edits.sort_by_key(|edit| std::cmp::Reverse((edit.range.start, edit.range.end)));
        let mut changed = text.to_owned();
        for edit in edits {
            changed.replace_range(edit.range.clone(), &edit.with);
        }
        changed
    }
}

/// All mutants that the rules make of a C file, in the order of its text.
#[must_use]
pub fn by_rules(text: &str) -> Vec<Mutant> {
    rules::all(text)
}

/// The functions that a C file defines, in the order of its text.
#[must_use]
pub fn functions(text: &str) -> Vec<String> {
    let tokens = tokens::tokens(text);
    tokens::functions(&tokens).into_iter().map(|function| function.name.to_owned()).collect()
}

/// The function that a line belongs to: the last one that begins at or before it.
fn function_of_line(text: &str, line: usize) -> Option<String> {
    let tokens = tokens::tokens(text);
    let end = text.match_indices('\n').nth(line.checked_sub(1)?).map_or(text.len(), |(at, _)| at);
    let functions = tokens::functions(&tokens);
    let begun = functions
        .iter()
        .rev()
        .find(|function| tokens.get(function.from).is_some_and(|first| first.start <= end));
    begun.map(|function| function.name.to_owned())
}
