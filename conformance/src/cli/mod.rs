//! Commands, and what they have in common.

mod arguments;
mod cached_result;
mod check;
mod coverage;
mod doctor;
mod explain;
mod explore;
mod export_seeds;
mod files;
mod inject_faults;
mod interrupt;
mod mutants;
mod output;
mod progress;
mod promote;
mod record;
mod replay;
mod setup;
mod shrink;
mod streams;
mod triage;

use std::process::ExitCode;

use arguments::{Arguments, Verb};
use clap::Parser as _;
use conformance::report::Status;
use setup::Setup;

/// Why a command ends early, and how.
#[derive(Debug)]
pub(crate) struct Stop {
    /// How.
    pub(crate) status: Status,
    /// Why, and what mends it.
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn input(message: impl ToString) -> Self {
        Self { status: Status::BadInput, message: message.to_string() }
    }

    pub(crate) fn missing(message: impl ToString) -> Self {
        Self { status: Status::Missing, message: message.to_string() }
    }

    pub(crate) fn unfit(unfit: &conformance::compare::judge::Unfit) -> Self {
        Self { status: Status::Diverged, message: unfit.to_string() }
    }
}

/// How a command ended, or why it ended early.
pub(crate) type Ended = Result<Status, Stop>;

/// Runs the command of the process's arguments.
pub(crate) fn main() -> ExitCode {
    let Arguments { verb, common } = Arguments::parse();
    match run(verb, common) {
        Ok(status) => status.code().into(),
        Err(Stop { status, message }) => {
            output::complain(&message);
            status.code().into()
        }
    }
}

fn run(verb: Option<Verb>, common: arguments::Common) -> Ended {
    let Some(verb) = verb else { return check::run(&Setup::new(common)?) };
    match verb {
        Verb::Check => check::run(&Setup::new(common)?),
        Verb::Replay { paths } => replay::run(&paths, &Setup::new(common)?),
        Verb::Explore(arguments) => explore::run(&arguments, &Setup::new(common)?),
        Verb::Shrink { trace, explain } => shrink::run(&trace, explain, &Setup::new(common)?),
        Verb::Explain { trace, width } => explain::run(&trace, width, &Setup::new(common)?),
        Verb::Record(arguments) => record::run(&arguments, &common),
        Verb::Streams(arguments) if arguments.dump => streams::dump(&arguments, &common),
        Verb::Streams(arguments) => streams::run(&arguments, &Setup::new(common)?),
        Verb::Doctor => doctor::run(&common),
        Verb::Coverage(arguments) if arguments.build.is_some() => coverage::build(&arguments),
        Verb::Coverage(arguments) => coverage::run(&arguments, &Setup::new(common)?),
        Verb::ExportSeeds(arguments) => export_seeds::run(&arguments, &common),
        Verb::Mutants(arguments) => mutants::run(&arguments, &Setup::new(common)?),
        Verb::Promote(arguments) => promote::run(&arguments, &Setup::new(common)?),
        Verb::InjectFaults(arguments) => inject_faults::run(&arguments, &Setup::new(common)?),
        Verb::Isolated { object } => {
            conformance::isolate::serve(&object).map_err(Stop::input)?;
            Ok(Status::Conforms)
        }
    }
}
