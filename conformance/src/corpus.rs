//! Finds and reads traces and what stands beside them.
//!
//! A trace is a file `NAME.ron`, its recorded transcript `NAME.transcript.ron` beside it. A
//! directory is walked in the order of the names, symbolic links are not followed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::trace::{Trace, TraceError};
use crate::transcript::{Recording, RecordingError};

/// What a recorded transcript's name ends with.
const TRANSCRIPT: &str = ".transcript.ron";

/// Why a file of the corpus cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The file or directory cannot be read.
    #[error("{path}: {source}; name a trace, or a directory with traces", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory has no trace in it.
    #[error("{path}: no trace (*.ron) in this directory", path = path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The file is not a trace.
    #[error("{}", placed(path, .source.position(), source))]
    Trace {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TraceError,
    },
    /// The file is not a recorded transcript.
    #[error("{}", placed(path, .source.position(), source))]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RecordingError,
    },
}

/// `file:line:column: message`, as compilers write it.
fn placed(
    path: &Path,
    position: Option<(usize, usize, &str)>,
    error: &dyn std::error::Error,
) -> String {
    let path = path.display();
    match position {
        Some((line, column, reason)) => format!("{path}:{line}:{column}: {reason}"),
        None => format!("{path}: {error}"),
    }
}

trait Positioned {
    fn position(&self) -> Option<(usize, usize, &str)>;
}

impl Positioned for TraceError {
    fn position(&self) -> Option<(usize, usize, &str)> {
        match self {
            Self::Syntax { at, reason } => Some((at.line, at.column, reason)),
            _ => None,
        }
    }
}

impl Positioned for RecordingError {
    fn position(&self) -> Option<(usize, usize, &str)> {
        match self {
            Self::Syntax { at, reason } => Some((at.line, at.column, reason)),
            _ => None,
        }
    }
}

/// The traces under `paths`, each path in turn; a file is taken for a trace whatever its name.
///
/// What cannot be walked is in the second list, and the rest is found all the same.
#[must_use]
pub fn find(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<InputError>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = (found.len(), errors.len());
        walk(path, &mut found, &mut errors);
        if before == (found.len(), errors.len()) {
            errors.push(InputError::Empty { path: path.clone() });
        }
    }
    (found, errors)
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>, errors: &mut Vec<InputError>) {
    let entries =
        fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<fs::DirEntry>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(source) => {
            errors.push(InputError::Read { path: directory.to_owned(), source });
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, found, errors),
            Ok(kind) if kind.is_file() && is_trace(&path) => found.push(path),
            Ok(_) => {}
            Err(source) => errors.push(InputError::Read { path, source }),
        }
    }
}

fn is_trace(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("ron")) && !is_recording(path)
}

/// Whether a path has the name of a recorded transcript.
#[must_use]
pub fn is_recording(path: &Path) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.ends_with(TRANSCRIPT))
}

/// Where the recorded transcript of a trace stands.
#[must_use]
pub fn recording_path(trace: &Path) -> PathBuf {
    let mut name = trace.file_stem().unwrap_or_default().to_owned();
    name.push(TRANSCRIPT);
    trace.with_file_name(name)
}

/// Reads a trace.
///
/// # Errors
///
/// [`InputError`] with the file, and line and column or the field.
pub fn load(path: &Path) -> Result<Trace, InputError> {
    let text = read(path)?;
    Trace::parse(&text).map_err(|source| InputError::Trace { path: path.to_owned(), source })
}

/// Reads what is recorded of the trace at `path`; `None` where nothing is.
///
/// # Errors
///
/// [`InputError`] with the transcript's file, line and column.
pub fn load_recording(path: &Path) -> Result<Option<Recording>, InputError> {
    let path = recording_path(path);
    if !path.exists() {
        return Ok(None);
    }
    let text = read(&path)?;
    Recording::parse(&text).map(Some).map_err(|source| InputError::Recording { path, source })
}

/// One hash of many: SHA-256 of the hashes of traces, in their order.
#[must_use]
pub fn digest(hashes: &[String]) -> String {
    use sha2::Digest as _;
    crate::trace::hex(&sha2::Sha256::digest(hashes.concat()))
}

fn read(path: &Path) -> Result<String, InputError> {
    fs::read_to_string(path).map_err(|source| InputError::Read { path: path.to_owned(), source })
}

/// Recorded transcripts under `paths` whose traces are not there; files among the paths have none.
#[must_use]
pub fn orphans(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut orphans = Vec::new();
    let mut directories: Vec<PathBuf> =
        paths.iter().filter(|path| path.is_dir()).cloned().collect();
    while let Some(directory) = directories.pop() {
        // One that cannot be read was named when its traces were looked for.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(path);
            } else if is_recording(&path) && !trace_path(&path).exists() {
                orphans.push(path);
            }
        }
    }
    orphans.sort();
    orphans
}

/// Where the trace of a recorded transcript stands.
fn trace_path(recording: &Path) -> PathBuf {
    let name = recording.file_name().and_then(OsStr::to_str).unwrap_or_default();
    recording.with_file_name(format!("{}.ron", name.trim_end_matches(TRANSCRIPT)))
}
