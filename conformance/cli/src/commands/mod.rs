//! The commands, one file each.

mod check;
mod coverage;
mod doctor;
mod drift;
mod explain;
mod explore;
mod export_seeds;
mod inject_faults;
mod inspect;
mod mutants;
mod promote;
mod record;
mod replay;
mod shrink;
mod streams;

use crate::Ended;
use crate::arguments::{Common, Verb};
use crate::setup::Setup;

/// Whether a command compiles or runs code that somebody gave.
pub(crate) fn runs_foreign_code(verb: Option<&Verb>, common: &Common) -> bool {
    common.reference.is_some()
        || matches!(verb, Some(Verb::Mutants(_) | Verb::Coverage(_) | Verb::Drift(_)))
}

/// Runs a command; without one, [`check`].
pub(crate) fn run(verb: Option<Verb>, common: Common) -> Ended {
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
        Verb::Inspect(arguments) => inspect::run(&arguments),
        Verb::Doctor => doctor::run(&common),
        Verb::Drift(arguments) => drift::run(&arguments, &common),
        Verb::Coverage(arguments) if arguments.build.is_some() => coverage::build(&arguments),
        Verb::Coverage(arguments) => coverage::run(&arguments, &Setup::new(common)?),
        Verb::ExportSeeds(arguments) => export_seeds::run(&arguments, &common),
        Verb::Mutants(arguments) => mutants::run(&arguments, &Setup::new(common)?),
        Verb::Promote(arguments) => promote::run(&arguments, &Setup::new(common)?),
        Verb::InjectFaults(arguments) => inject_faults::run(&arguments, &Setup::new(common)?),
    }
}
