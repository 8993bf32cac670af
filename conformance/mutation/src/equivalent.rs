//! Mutants that no caller can tell from the original, each with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Mutant;
use super::build::Made;
use super::handwritten::{ListError, check_header, read};
use super::suite::{LEAST, Tried};

/// The list. A reason may hold for several mutants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    original: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    reason: String,
    mutants: Vec<String>,
}

/// Names of mutants and why each cannot be told from the original.
pub type Equivalents = BTreeMap<String, String>;

/// Reads the list of equivalent mutants at `path`, of the original with the SHA-256 `pinned`.
///
/// # Errors
///
/// [`ListError`], with the file and the place or the entry.
pub fn load(path: &Path, pinned: &str) -> Result<Equivalents, ListError> {
    let file: File = read(path)?;
    check_header(path, file.format, &file.original, pinned)?;
    let mut equivalents = Equivalents::new();
    for entry in file.entries {
        for name in entry.mutants {
            let wrong = |reason: &str| ListError::Entry {
                path: path.to_owned(),
                name: name.clone(),
                reason: reason.to_owned(),
            };
            if entry.reason.trim().is_empty() {
                return Err(wrong("there is no reason"));
            }
            if equivalents.insert(name.clone(), entry.reason.clone()).is_some() {
                return Err(wrong("the name stands twice"));
            }
        }
    }
    Ok(equivalents)
}

/// What is wrong with the list of equivalent mutants, or with the measurement as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListFault {
    /// No mutant has this name.
    Unknown(String),
    /// A trace kills this one.
    Killed(String),
    /// This one is not run with this compiler.
    NotRun(String),
    /// This function has no mutant.
    NoMutant(String),
    /// So few mutants compile that they prove little.
    TooFew(usize),
}

impl fmt::Display for ListFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "the list of equivalent mutants names {name}, and there is no such mutant"
            ),
            Self::Killed(name) => {
                write!(f, "{name} is listed as equivalent, and a trace kills it")
            }
            Self::NotRun(name) => {
                write!(f, "{name} is listed as equivalent, which is not run with this compiler")
            }
            Self::NoMutant(function) => write!(f, "{function} has no mutant"),
            Self::TooFew(count) => {
                write!(f, "{count} mutants compile, and fewer than {LEAST} prove little")
            }
        }
    }
}

/// What the list of equivalent mutants says that is not so.
pub(crate) fn faults_of(
    equivalents: &Equivalents,
    made: &[(&Mutant, Made)],
    tried: &[Tried<'_>],
) -> Vec<ListFault> {
    let known: BTreeSet<&str> = made.iter().map(|(mutant, _)| mutant.id.as_str()).collect();
    let killed: BTreeSet<&str> = tried
        .iter()
        .filter(|(_, kill)| kill.is_some())
        .map(|(mutant, _)| mutant.id.as_str())
        .collect();
    let needless: BTreeSet<&str> = made
        .iter()
        .filter(|(_, made)| !matches!(made, Made::Object(_)))
        .map(|(mutant, _)| mutant.id.as_str())
        .collect();
    equivalents
        .keys()
        .filter_map(|name| {
            if !known.contains(name.as_str()) {
                Some(ListFault::Unknown(name.clone()))
            } else if killed.contains(name.as_str()) {
                Some(ListFault::Killed(name.clone()))
            } else if needless.contains(name.as_str()) {
                Some(ListFault::NotRun(name.clone()))
            } else {
                None
            }
        })
        .collect()
}
