//! What a subject did with a trace, and its recorded form.
//!
//! A recorded transcript is a RON file beside its trace, named `area-cause.transcript.ron`. Its
//! header says of which trace (SHA-256 of the canonical text) and of which original (SHA-256 of
//! the file) it is, so that a stale one is recognised without running anything.

use serde::{Deserialize, Serialize};

use crate::observation::Observation;
use crate::trace::{Position, text_form};

/// Version of the transcript format that this crate reads and writes.
pub const FORMAT: u32 = 1;

/// The observations of one subject, one for each operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Name of the subject.
    pub subject: String,
    /// The observation of each operation.
    pub steps: Vec<Observation>,
}

/// A transcript of the original, on paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Version of the format: [`FORMAT`].
    pub format: u32,
    /// SHA-256 of the canonical text of the trace.
    pub trace: String,
    /// SHA-256 of the original that was observed.
    pub original: String,
    /// The observation of each operation.
    pub steps: Vec<Observation>,
}

/// Why a text is not a recorded transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The text is of another version of the format.
    #[error(
        "the transcript has format {found}, and format {FORMAT} is understood: record it again"
    )]
    Version {
        /// The version that the file names.
        found: u32,
    },
    /// The text is not in the form that the format has.
    #[error("line {}, column {}: {reason}", at.line, at.column)]
    Syntax {
        /// Where it goes wrong.
        at: Position,
        /// What was found, and what was expected.
        reason: String,
    },
    /// The transcript has no text form.
    #[error("the transcript cannot be written: {reason}")]
    Unwritable {
        /// Why.
        reason: String,
    },
}

/// The part of a recording that every version has.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

impl Recording {
    /// Of what a subject did: `trace` and `original` are SHA-256 in lower-case hexadecimal.
    #[must_use]
    pub fn new(trace: &str, original: &str, transcript: Transcript) -> Self {
        Self {
            format: FORMAT,
            trace: trace.to_owned(),
            original: original.to_owned(),
            steps: transcript.steps,
        }
    }

    /// Reads a recording from its text form.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Version`] before anything else is looked at, [`RecordingError::Syntax`]
    /// with line and column.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let syntax = |error: ron::error::SpannedError| RecordingError::Syntax {
            at: Position { line: error.span.start.line, column: error.span.start.col },
            reason: crate::trace::syntax_reason(&error.code),
        };
        let header: Header = text_form().from_str(text).map_err(syntax)?;
        if header.format != FORMAT {
            return Err(RecordingError::Version { found: header.format });
        }
        text_form().from_str(text).map_err(syntax)
    }

    /// The text form, one operation a line.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Unwritable`], which no transcript is known to cause.
    pub fn to_text(&self) -> Result<String, RecordingError> {
        let layout = ron::ser::PrettyConfig::new().depth_limit(2).indentor("    ").new_line("\n");
        let mut text = text_form()
            .to_string_pretty(self, layout)
            .map_err(|error| RecordingError::Unwritable { reason: error.to_string() })?;
        text.push('\n');
        Ok(text)
    }
}
