//! Writes the transcripts of the original beside their traces.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::compare::run::run;
use crate::compare::verdict::Reason;
use crate::preflight::Preflight;
use crate::subject::Subject;
use crate::trace::Trace;
use crate::transcript::{Recording, RecordingError};

/// What stands beside a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// What the original does now.
    Fresh,
    /// Something else.
    Stale,
    /// Nothing.
    Missing,
}

/// Why no transcript is recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The original cannot carry out the trace.
    #[error("{path}: nothing to record: {reason}", path = path.display())]
    Inconclusive {
        /// The trace.
        path: PathBuf,
        /// Why not.
        reason: Reason,
    },
    /// The transcript has no text form.
    #[error("{path}: {source}", path = path.display())]
    Unwritable {
        /// The transcript.
        path: PathBuf,
        /// Why not.
        source: RecordingError,
    },
    /// The file cannot be read or written.
    #[error("{path}: {source}; the file is as it was", path = path.display())]
    File {
        /// The transcript.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The text of the transcript of `trace`, which stands at `path`, by `original`.
///
/// # Errors
///
/// [`RecordError`] where the trace is undefined or cannot be carried out.
pub fn text(
    path: &Path,
    trace: &Trace,
    original: &mut dyn Subject,
    sha256: &str,
) -> Result<String, RecordError> {
    let preflight = Preflight::of(trace);
    let transcript = run(original, trace, &preflight)
        .map_err(|reason| RecordError::Inconclusive { path: path.to_owned(), reason })?;
    let unwritable = |source| RecordError::Unwritable { path: path.to_owned(), source };
    let hash = trace
        .hash()
        .map_err(|error| unwritable(RecordingError::Unwritable { reason: error.to_string() }))?;
    Recording::new(&hash, sha256, transcript).to_text().map_err(unwritable)
}

/// How what stands at `path` compares with `text`, byte for byte.
///
/// # Errors
///
/// [`RecordError::File`] where it cannot be read.
pub fn condition(path: &Path, text: &str) -> Result<Condition, RecordError> {
    match std::fs::read(path) {
        Ok(bytes) if bytes == text.as_bytes() => Ok(Condition::Fresh),
        Ok(_) => Ok(Condition::Stale),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Condition::Missing),
        Err(source) => Err(RecordError::File { path: path.to_owned(), source }),
    }
}

/// Writes a file whole or not at all: aside, in the same directory, then renamed.
///
/// # Errors
///
/// Of the file system; the file that was there is left as it was.
pub fn write_whole(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let directory =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut aside = tempfile::Builder::new().prefix(".conformance-").tempfile_in(directory)?;
    aside.write_all(bytes.as_ref())?;
    aside.as_file().sync_all()?;
    // A file made aside is private; what stands in a tree is not.
    aside.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    aside.persist(path)?;
    Ok(())
}
