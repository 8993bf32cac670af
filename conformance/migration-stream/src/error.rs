//! What is wrong with a stream, or with the files beside it.

use std::io;
use std::path::PathBuf;

use crate::text::{Position, escaped};

/// Why a stream cannot be walked any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}{}: {problem}", place(section.as_deref(), field.as_deref()))]
pub struct WalkError {
    /// Offset in the stream, in bytes, of what could not be read or is wrong.
    pub offset: u64,
    /// Name of the section, if it lies in one.
    pub section: Option<String>,
    /// The field of the device that was being read, e.g. `env.regs[3]`, where a description names
    /// it.
    pub field: Option<String>,
    /// What it is.
    pub problem: Problem,
}

fn place(section: Option<&str>, field: Option<&str>) -> String {
    let field = field.map_or_else(String::new, |field| format!(", field {}", escaped(field)));
    section.map_or_else(String::new, |name| format!(" (section {}{field})", escaped(name)))
}

/// What a walk can stumble on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The stream is over too early.
    #[error(
        "the stream ends inside {wanted} bytes that are needed here: it is cut, or its channel failed"
    )]
    Ended {
        /// Bytes of the value that was asked for.
        wanted: usize,
    },
    /// The channel failed.
    #[error("the stream cannot be read: {}", escaped(_0))]
    Failed(String),
    /// A value that a loader refuses.
    #[error("{what} is {}, expected {expected}", escaped(found))]
    Unexpected {
        /// What the value is.
        what: &'static str,
        /// What would be right.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A size beyond what the walker takes on.
    #[error("{what} is {found}, and at most {limit} is taken on")]
    TooLarge {
        /// What the size is of.
        what: &'static str,
        /// The size.
        found: u64,
        /// The greatest that is accepted.
        limit: u64,
    },
    /// The device's payload is not what the JSON description says.
    #[error("the description does not fit: {}", escaped(_0))]
    Description(String),
    /// Something that only the machine's own loader can read.
    #[error("{0} cannot be read without the machine that wrote it")]
    Unsupported(&'static str),
    /// It is no migration stream, but something that may hold one.
    #[error("this is no migration stream but {0}")]
    Container(String),
    /// The subjects that read the stream did not do the same.
    #[error("the subjects disagree")]
    Diverged,
}

/// Why a stream file, or one beside it, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The file is not in its form.
    #[error("{}: line {}, column {}: {reason}", path.display(), at.line, at.column)]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        at: Position,
        /// What was found, and what was expected.
        reason: String,
    },
    /// The file says something that cannot be.
    #[error("{}: {field}: {reason}", path.display())]
    Meaning {
        /// The file.
        path: PathBuf,
        /// The field, e.g. `calls[3]`.
        field: String,
        /// What is wrong, what would be right.
        reason: String,
    },
    /// The stream that a description was to be taken from has none.
    #[error("{}: has no JSON description at its end: name a stream that has one", path.display())]
    NoDescription {
        /// The file.
        path: PathBuf,
    },
    /// The stream itself is broken.
    #[error("{}: {error}", path.display())]
    Walk {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        #[source]
        error: Box<WalkError>,
    },
}
