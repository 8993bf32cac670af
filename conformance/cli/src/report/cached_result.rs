//! What was measured of the harness itself, by a command of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use conformance::record::write_whole;

/// What a measurement is of. Hashes are SHA-256 in lower-case hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Hash of the original.
    pub original: String,
    /// Number of traces in the corpus.
    pub traces: usize,
    /// Hash of the hashes of these traces.
    pub corpus: String,
    /// Hash of the lists beside the corpus that the measurement goes by.
    pub lists: String,
}

/// A measurement, and when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured<T> {
    /// The command that makes it again.
    pub command: String,
    /// When it was made, in seconds since 1970.
    pub at: u64,
    /// What it is of.
    pub of: Basis,
    /// Whether that is what is here now. The harness itself is not part of it.
    pub current: bool,
    /// What came of it.
    pub result: T,
}

/// Why a measurement cannot be kept, or what is kept cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}; `{command}` makes it", path = path.display())]
pub struct KeptError {
    path: PathBuf,
    reason: String,
    command: String,
}

impl<T> Measured<T> {
    /// A measurement that was made just now.
    #[must_use]
    pub fn now(command: &str, of: Basis, result: T) -> Self {
        // A clock before 1970 tells nothing.
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { command: command.to_owned(), at, of, current: true, result }
    }

    /// Writes it to a file, for reports of other commands.
    ///
    /// # Errors
    ///
    /// [`KeptError`], with the file.
    pub fn keep(&self, path: &Path) -> Result<(), KeptError>
    where
        T: Serialize,
    {
        let made = serde_json::to_string_pretty(self).map_err(io::Error::other);
        let directory = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|text| {
            directory?;
            write_whole(path, &(text + "\n"))
        })
        .map_err(|error| KeptError {
            path: path.to_owned(),
            reason: error.to_string(),
            command: self.command.clone(),
        })
    }

    /// Reads what was kept; `None` where nothing was. It is current where it is of `now`.
    ///
    /// # Errors
    ///
    /// [`KeptError`] where the file is not in the form of this version.
    pub fn kept(path: &Path, command: &str, now: &Basis) -> Result<Option<Self>, KeptError>
    where
        T: DeserializeOwned,
    {
        let wrong = |reason: String| KeptError {
            path: path.to_owned(),
            reason,
            command: command.to_owned(),
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let mut measured: Self =
                    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
                measured.current = measured.of == *now;
                Ok(Some(measured))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(wrong(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn basis(corpus: &str) -> Basis {
        Basis { corpus: corpus.to_owned(), ..Basis::default() }
    }

    #[test]
    fn what_was_kept_of_another_corpus_is_not_current() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/kept.json");
        let kept = |now: &str| Measured::<u32>::kept(&path, "make it", &basis(now)).unwrap();
        assert_eq!(kept("a"), None);
        let measured = Measured::now("make it", basis("a"), 7);
        measured.keep(&path).unwrap();
        assert_eq!(kept("a"), Some(measured.clone()));
        assert_eq!(kept("b"), Some(Measured { current: false, ..measured }));
        std::fs::write(&path, "{}").unwrap();
        let error = Measured::<u32>::kept(&path, "make it", &basis("a")).unwrap_err().to_string();
        assert!(error.contains("kept.json") && error.contains("`make it`"), "{error}");
    }
}
