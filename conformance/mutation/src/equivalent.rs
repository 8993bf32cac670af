//! Mutants that no caller can tell from the original, each with the reason.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::handwritten::{ListError, check_header, read};

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
