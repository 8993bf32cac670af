//! What is wrong with a trace.

use migration_stream::text::Position;

use super::FORMAT;

/// Why a text is not a trace, or not one that can be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The text is of another version of the format.
    #[error(
        "the file has format {found}, and format {FORMAT} is understood: \
         use the version of this tool that wrote it, or write the trace again"
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
    /// The text is well formed, and says something that cannot be.
    #[error("{path}: {reason}")]
    Meaning {
        /// The field, e.g. `ops[3]`.
        path: String,
        /// What is wrong, what would be right.
        reason: String,
    },
    /// The trace has no text form.
    #[error("the trace cannot be written: {reason}")]
    Unwritable {
        /// Why.
        reason: String,
    },
}

/// What is wrong with a text, in words of the text and not of the library that reads it.
#[must_use]
pub fn syntax_reason(error: &ron::Error) -> String {
    match error {
        ron::Error::ExceededRecursionLimit => {
            "nested more deeply than any value of this form".to_owned()
        }
        ron::Error::NoSuchExtension(name) => format!("there is no extension `{name}`"),
        other => other
            .to_string()
            .replace(" for struct `Header`", "")
            .replace("struct `Header`", "a value in parentheses"),
    }
}

impl TraceError {
    pub(super) fn syntax(error: ron::error::SpannedError) -> Self {
        let at = Position { line: error.span.start.line, column: error.span.start.col };
        Self::Syntax { at, reason: syntax_reason(&error.code) }
    }
}
