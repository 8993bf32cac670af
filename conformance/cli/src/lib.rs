//! The command line, and the report that every command gives.
//!
//! | exit status | meaning |
//! |---|---|
//! | 0 | everything conforms |
//! | 1 | something diverged, or more than 1 case in 100 is inconclusive |
//! | 2 | bad usage, nothing selected, or input that cannot be used |
//! | 3 | something demanded is missing: the original, or what `doctor` looks for |
//! | 4 | the report, or a file, could not be written (in full) |
//! | 130 | interrupted by SIGINT, SIGTERM or SIGHUP before anything diverged |
#![forbid(unsafe_code)]

mod arguments;
mod cached_result;
mod commands;
mod ended;
mod files;
mod guard;
mod interrupt;
mod output;
mod parse;
mod program;
mod progress;
pub mod report;
mod setup;
mod side_by_side;
pub mod tables;
mod triage;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::Arguments;
use ended::{Ended, Stop};

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    begin(words).unwrap_or_else(|Stop { status, message }| {
        output::complain(&message);
        status.code().into()
    })
}

fn begin(words: Vec<OsString>) -> Result<ExitCode, Stop> {
    if let [_, verb, object] = &words[..]
        && verb == conformance::isolate::VERB
    {
        conformance::isolate::serve(object.as_ref()).map_err(Stop::input)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Arguments { verb, common } = match parse::parse(words.clone()) {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error).map(|status| status.code().into()),
    };
    if commands::runs_foreign_code(verb.as_ref(), &common) && !guard::is_worker() {
        return guard::run(&words);
    }
    interrupt::install()?;
    commands::run(verb, common).map(|status| status.code().into())
}
