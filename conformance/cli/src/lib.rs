//! The command line, and the report that every command gives.
//!
//! | exit status | meaning |
//! |---|---|
//! | 0 | everything conforms |
//! | 1 | something diverged, or more than 1 case in 100 is inconclusive |
//! | 2 | bad usage, or input that cannot be used |
//! | 3 | a reference that was demanded is missing |
//! | 130 | interrupted before anything diverged |
#![forbid(unsafe_code)]

mod arguments;
mod cached_result;
mod commands;
mod ended;
mod files;
mod interrupt;
mod output;
mod progress;
pub mod report;
mod setup;
mod side_by_side;
mod triage;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use ended::{Ended, Stop};

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let Arguments { verb, common } = Arguments::parse();
    match commands::run(verb, common) {
        Ok(status) => status.code().into(),
        Err(Stop { status, message }) => {
            output::complain(&message);
            status.code().into()
        }
    }
}
