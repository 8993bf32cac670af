//! How a command ends.

use crate::report::Status;

/// Why a command ends early, and how.
#[derive(Debug)]
pub(crate) struct Stop {
    /// How.
    pub(crate) status: Status,
    /// Why, and what helps.
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn input(message: impl ToString) -> Self {
        Self { status: Status::BadInput, message: message.to_string() }
    }

    pub(crate) fn missing(message: impl ToString) -> Self {
        Self { status: Status::Missing, message: message.to_string() }
    }

    pub(crate) fn unwritable(message: impl ToString) -> Self {
        Self { status: Status::Unwritable, message: message.to_string() }
    }

    pub(crate) fn vacuous(vacuous: &conformance::compare::sanity::Vacuous) -> Self {
        Self { status: Status::Diverged, message: vacuous.to_string() }
    }
}

/// How a command ended, or why it ended early.
pub(crate) type Ended = Result<Status, Stop>;
