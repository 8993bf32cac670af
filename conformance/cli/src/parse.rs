//! From the words of the command line to [`Arguments`], or to what is wrong with them.

use std::ffi::OsString;

use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use crate::arguments::{Arguments, Verb};
use crate::tables::{COMMON, taken_by};

/// Takes the words of a command line apart, the program's name among them.
pub(crate) fn parse(words: Vec<OsString>) -> Result<Arguments, clap::Error> {
    // Without styles what is complained of can be told from them, and be escaped.
    let mut command = command().styles(Styles::plain());
    let matches = match command.try_get_matches_from_mut(words.clone()) {
        Err(error) if !error.use_stderr() => self::command().try_get_matches_from(words)?,
        parsed => parsed?,
    };
    let arguments = Arguments::from_arg_matches(&matches)?;
    refuse_what_is_not_taken(&mut command, &matches, &arguments)?;
    Ok(arguments)
}

/// The command line. A common option is shown only by the commands that take it.
fn command() -> Command {
    let command = Arguments::command();
    let common: Vec<Arg> = command.get_arguments().cloned().collect();
    let names: Vec<String> =
        command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| {
        let taken = taken_by(name);
        let strangers = common.iter().filter(|option| {
            let id = option.get_id().as_str();
            COMMON.contains(&id) && !taken.contains(&id)
        });
        // They are still understood, so that the complaint can say what is wrong.
        command.mut_subcommand(name, |verb| {
            strangers.fold(verb, |verb, option| verb.arg(option.clone().hide(true)))
        })
    })
}

fn refuse_what_is_not_taken(
    command: &mut Command,
    matches: &ArgMatches,
    arguments: &Arguments,
) -> Result<(), clap::Error> {
    let name = match &arguments.verb {
        Some(Verb::Streams(streams)) if streams.dump => "streams --dump",
        Some(Verb::Coverage(coverage)) if coverage.build.is_some() => "coverage --build",
        Some(Verb::Mutants(mutants)) if mutants.print => "mutants --print",
        _ => matches.subcommand_name().unwrap_or("check"),
    };
    let given = |option: &str| {
        matches.value_source(option).is_some_and(|source| source == ValueSource::CommandLine)
    };
    let stranger = COMMON.iter().find(|option| given(option) && !taken_by(name).contains(option));
    let Some(stranger) = stranger else { return Ok(()) };
    let option = if *stranger == "subjects" { "subject" } else { stranger };
    Err(command.error(ErrorKind::ArgumentConflict, format!("{name} does not take --{option}")))
}
