//! Mutants from a list that was written by hand: what only a careful eye would see.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Edit, Mutant, function_of_line};
use conformance::trace::text_form;

/// Version of the list's form.
pub const FORMAT: u32 = 1;

/// The list. Lines are those of the pinned original, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Version of the form: [`FORMAT`].
    pub format: u32,
    /// SHA-256 of the original that the lines are of.
    pub original: String,
    /// The mutants.
    pub mutants: Vec<Entry>,
}

/// One mutant of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What goes wrong with it.
    pub what: String,
    /// The changes.
    pub edits: Vec<Change>,
}

/// One change of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Change {
    /// Lines go, both included.
    Drop {
        /// The first.
        from: usize,
        /// The last.
        to: usize,
    },
    /// A line comes.
    Insert {
        /// The line that it comes before.
        before: usize,
        /// Its text.
        text: String,
    },
    /// Lines go to another place.
    Move {
        /// The first.
        from: usize,
        /// The last.
        to: usize,
        /// The line that they come before.
        before: usize,
    },
    /// Some characters of a line are exchanged.
    Replace {
        /// The line.
        line: usize,
        /// The first occurrence of this in it...
        find: String,
        /// ...becomes this.
        with: String,
    },
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The file cannot be read.
    #[error("{path}: {source}; it belongs to the project's tree", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not in the form.
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
    /// It is of another version, or of another original.
    #[error("{path}: {field} is {found}, expected {expected}", path = path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it has to say.
        expected: String,
    },
    /// An entry names what is not there.
    #[error("{path}: {name}: {reason}", path = path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads a RON file of this module's family.
pub(super) fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ListError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ListError::Read { path: path.to_owned(), source })?;
    text_form().from_str(&text).map_err(|error| ListError::Syntax {
        path: path.to_owned(),
        line: error.span.start.line,
        column: error.span.start.col,
        reason: conformance::trace::syntax_reason(&error.code),
    })
}

/// Refuses a file of another version or of another original.
pub(super) fn check_header(
    path: &Path,
    format: u32,
    original: &str,
    pinned: &str,
) -> Result<(), ListError> {
    let wrong = |field, found: String, expected: String| ListError::Header {
        path: path.to_owned(),
        field,
        found,
        expected,
    };
    if format != FORMAT {
        return Err(wrong("format", format.to_string(), FORMAT.to_string()));
    }
    if original != pinned {
        return Err(wrong("original", original.to_owned(), pinned.to_owned()));
    }
    Ok(())
}

/// The mutants of the list at `path`, of the original `text` with the SHA-256 `pinned`.
///
/// # Errors
///
/// [`ListError`], with the file and the place or the entry.
pub fn load(path: &Path, text: &str, pinned: &str) -> Result<Vec<Mutant>, ListError> {
    let list: List = read(path)?;
    check_header(path, list.format, &list.original, pinned)?;
    let mut mutants: Vec<Mutant> = Vec::new();
    for entry in &list.mutants {
        let wrong = |reason: String| ListError::Entry {
            path: path.to_owned(),
            name: entry.name.clone(),
            reason,
        };
        if mutants.iter().any(|mutant| mutant.id == entry.name) {
            return Err(wrong("the name stands twice".to_owned()));
        }
        mutants.push(mutant(entry, text).map_err(wrong)?);
    }
    Ok(mutants)
}

fn mutant(entry: &Entry, text: &str) -> Result<Mutant, String> {
    let mut edits = Vec::new();
    for change in &entry.edits {
        match change {
            Change::Drop { from, to } => {
                edits.push(Edit { range: lines(text, *from, *to)?, with: String::new() });
            }
            Change::Insert { before, text: line } => {
                let start = lines(text, *before, *before)?.start;
                edits.push(Edit { range: start..start, with: format!("{line}\n") });
            }
            Change::Move { from, to, before } => {
                let range = lines(text, *from, *to)?;
                let start = lines(text, *before, *before)?.start;
                edits.push(Edit { range: start..start, with: text[range.clone()].to_owned() });
                edits.push(Edit { range, with: String::new() });
            }
            Change::Replace { line, find, with } => {
                let range = lines(text, *line, *line)?;
                let at = text[range.clone()].find(find.as_str());
                let at = at.ok_or_else(|| format!("line {line} has no {find:?}"))? + range.start;
                edits.push(Edit { range: at..at + find.len(), with: with.clone() });
            }
        }
    }
    let place = match entry.edits.first() {
        Some(Change::Drop { from, .. } | Change::Move { from, .. }) => *from,
        Some(Change::Insert { before, .. }) => *before,
        Some(Change::Replace { line, .. }) => *line,
        None => return Err("an entry has at least one edit".to_owned()),
    };
    let function = function_of_line(text, place).unwrap_or_default();
    Ok(Mutant { id: entry.name.clone(), function, rule: "hand".to_owned(), edits })
}

/// The bytes of lines, the last line's end included.
fn lines(text: &str, from: usize, to: usize) -> Result<Range<usize>, String> {
    let start = |line: usize| match line {
        0 => None,
        1 => Some(0),
        line => text.match_indices('\n').nth(line - 2).map(|(at, _)| at + 1),
    };
    match (start(from), start(to + 1)) {
        (Some(from), Some(to)) if from <= to => Ok(from..to),
        _ => Err(format!("there are no lines {from} to {to}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "int f(void)\n{\n    a();\n    b(1);\n}\n";

    fn changed(edits: Vec<Change>) -> Result<String, String> {
        let entry = Entry { name: "name".to_owned(), what: String::new(), edits };
        mutant(&entry, TEXT).map(|mutant| mutant.apply(TEXT))
    }

    #[test]
    fn lines_are_dropped_inserted_and_moved() {
        assert_eq!(
            changed(vec![Change::Drop { from: 3, to: 3 }]).unwrap(),
            "int f(void)\n{\n    b(1);\n}\n"
        );
        let inserted = Change::Insert { before: 4, text: "    c();".to_owned() };
        assert_eq!(
            changed(vec![inserted]).unwrap(),
            "int f(void)\n{\n    a();\n    c();\n    b(1);\n}\n"
        );
        let moved = Change::Move { from: 4, to: 4, before: 3 };
        assert_eq!(changed(vec![moved]).unwrap(), "int f(void)\n{\n    b(1);\n    a();\n}\n");
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let replaced =
            |find: &str| Change::Replace { line: 4, find: find.to_owned(), with: "2".to_owned() };
        assert_eq!(
            changed(vec![replaced("1")]).unwrap(),
            "int f(void)\n{\n    a();\n    b(2);\n}\n"
        );
        assert!(changed(vec![replaced("7")]).unwrap_err().contains("line 4"));
        assert!(changed(vec![Change::Drop { from: 3, to: 30 }]).is_err());
        assert!(changed(Vec::new()).is_err());
    }
}
