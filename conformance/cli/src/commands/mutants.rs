//! `mutants`: what the corpus finds of broken copies of the original.

use std::time::{Duration, Instant};

use crate::report::{Failure, Section, Status};
use c_reference::Reference;
use conformance::isolate::ReferenceFile;
use conformance::parallel;
use conformance::subject::Original;
use mutation::build::{Made, make};
use mutation::equivalent::ListFault;
use mutation::score::Score;
use mutation::search::{self, Times};
use mutation::suite::{LIMIT, Suite};
use mutation::{Mutant, by_rules, equivalent, functions, handwritten};

use crate::arguments::{Format, Mutants};
use crate::cached_result::MUTANTS;
use crate::interrupt::Interrupt;
use crate::setup::{Setup, absence, nothing, original};
use crate::{Ended, Stop, files, output, program};

/// Name of the section.
const SECTION: &str = "mutants";

/// Seed of a search from nothing: always the same, so that two runs can be compared.
const SEED: u64 = 1;

pub(crate) fn run(arguments: &Mutants, setup: &Setup) -> Ended {
    let began = Instant::now();
    let source = original(arguments.original.as_deref())?;
    if !Reference::linked().is_some_and(|reference| reference.pinned()) {
        return Err(Stop::missing(
            "mutants are made of the pinned original, and another file is linked in",
        ));
    }
    let text = std::fs::read_to_string(&source)
        .map_err(|error| Stop::input(format!("{}: {error}", files::shown(&source))))?;
    let place = files::in_project("corpus/mutants")?;
    for list in ["equivalent.ron", "handwritten.ron"] {
        files::regular(&place.join(list))?;
    }
    let sha256 = c_reference::PIN.sha256;
    let equivalents =
        equivalent::load(&place.join("equivalent.ron"), sha256).map_err(Stop::input)?;
    let mut mutants = by_rules(&text);
    mutants.extend(
        handwritten::load(&place.join("handwritten.ron"), &text, sha256).map_err(Stop::input)?,
    );
    let all = mutants.len();
    if let Some(part) = &arguments.only {
        mutants.retain(|mutant| mutant.function == *part || mutant.id.starts_with(part.as_str()));
    }
    let mut number: u64 = 0;
    mutants.retain(|_| {
        number += 1;
        setup.shard.has(number - 1)
    });
    let partial = mutants.len() < all;

    if mutants.is_empty() {
        return Err(match &arguments.only {
            Some(part) => Stop::input(format!("{part}: no mutant of that name, and no function")),
            None => nothing(setup.shard),
        });
    }
    if arguments.print {
        return print(&text, &mutants);
    }
    let kept = setup.output.join("mutants");
    let made = make(&text, &mutants, &kept, setup.jobs).map_err(Stop::input)?;
    let running = opened(&mutants, &made)?;
    // Until here a signal ends it at once: there is nothing to tell yet.
    let interrupt = Interrupt::noted();
    output::remark(format_args!(
        "{} mutants are to be run, made in {:.0} s",
        running.len(),
        began.elapsed().as_secs_f64()
    ));

    let mut linked = linked()?;
    let (paths, problems) = files::traces(&[], conformance::explore::Shard::WHOLE)?;
    problems.iter().for_each(|problem| output::complain(problem));
    let (suite, errors) = Suite::prepare(&paths, &mut linked);
    if let Some(error) = errors.first() {
        return Err(Stop::input(error));
    }
    let kills = parallel::map(
        setup.jobs,
        &running,
        || (),
        |(), _, (mutant, file)| {
            if interrupt.came() { None } else { Some(suite.kill(mutant, file)) }
        },
    );
    if interrupt.came() {
        return Ok(Status::Interrupted);
    }
    let kills = kills.into_iter().flatten().collect::<Result<Vec<_>, _>>().map_err(Stop::input)?;
    let tried: Vec<_> = running.iter().map(|(mutant, _)| *mutant).zip(kills).collect();
    let named: Vec<(&Mutant, Made)> = mutants.iter().zip(made).collect();
    let mut table = Score::new(&functions(&text), &named, &tried, &equivalents);
    if partial {
        // A part cannot tell what the whole list should hold.
        table.equivalents.retain(|fault| matches!(fault, ListFault::Killed(_)));
    }
    table.partial = partial;
    if let Some(seconds) = arguments.search {
        table.search =
            Some(search(&running, &equivalents, setup, interrupt, Duration::from_secs(seconds))?);
        if interrupt.came() {
            return Ok(Status::Interrupted);
        }
    }
    table.seconds = began.elapsed().as_secs_f64();
    conclude(table, setup)
}

fn linked() -> Result<Original, Stop> {
    Reference::linked().map(Original::new).ok_or_else(|| Stop::missing(absence()))
}

/// Prints the mutants' names instead of running them; of a single one, its whole text.
fn print(text: &str, mutants: &[Mutant]) -> Ended {
    if let [mutant] = mutants {
        output::print(mutant.apply(text))?;
        return Ok(Status::Conforms);
    }
    for mutant in mutants {
        output::print(format_args!("{}\t{}\n", mutant.id, mutant.function))?;
    }
    Ok(Status::Conforms)
}

fn opened<'a>(
    mutants: &'a [Mutant],
    made: &[Made],
) -> Result<Vec<(&'a Mutant, ReferenceFile)>, Stop> {
    let program = std::env::current_exe().map_err(Stop::input)?;
    let mut running = Vec::new();
    for (mutant, made) in mutants.iter().zip(made) {
        if let Made::Object(object) = made {
            let file = ReferenceFile::untried(object, &program, LIMIT).map_err(Stop::input)?;
            running.push((mutant, file));
        }
    }
    Ok(running)
}

/// Looks for every mutant that is not equivalent, on one processor each.
fn search(
    running: &[(&Mutant, ReferenceFile)],
    equivalents: &equivalent::Equivalents,
    setup: &Setup,
    interrupt: Interrupt,
    limit: Duration,
) -> Result<Times, Stop> {
    let wanted: Vec<&(&Mutant, ReferenceFile)> =
        running.iter().filter(|(mutant, _)| !equivalents.contains_key(&mutant.id)).collect();
    let reference = Reference::linked().ok_or_else(|| Stop::missing(absence()))?;
    let original = || Original::new(reference.clone());
    let searches = parallel::map(setup.jobs, &wanted, original, |original, _, (mutant, file)| {
        let found =
            if interrupt.came() { Ok(None) } else { search::search(original, file, SEED, limit) };
        found.map(|found| (mutant.id.clone(), found))
    });
    let searches = searches.into_iter().collect::<Result<Vec<_>, _>>().map_err(Stop::input)?;
    Ok(Times::new(SEED, limit, &searches))
}

fn conclude(table: Score, setup: &Setup) -> Ended {
    let whole = !table.partial;
    let measured = MUTANTS.made(table, whole, &setup.output)?;
    let table = &measured.result;
    if setup.format == Format::Text {
        output::print(format_args!(
            "mutants of the original against {} traces\n{}",
            measured.of.traces,
            table.text()
        ))?;
        return Ok(if table.passes() { Status::Conforms } else { Status::Diverged });
    }
    let mut report = setup.report(table.search.as_ref().map(|search| search.seed));
    let mut section = Section::new(SECTION, "mutants");
    section.agreed = table.total.killed as u64;
    section.diverged = table.total.survived as u64;
    section.seconds = table.seconds;
    section.notes.push(table.summary());
    section.notes.extend(table.search.as_ref().map(Times::summary));
    report.sections.push(section);
    let failure = |case: &str, summary: &str, command: String| Failure {
        section: SECTION.to_owned(),
        case: case.to_owned(),
        summary: summary.to_owned(),
        command: Some(command),
        ..Failure::default()
    };
    report.failures.extend(table.survivors.iter().map(|survivor| {
        let name = program::quoted(survivor.mutant.as_ref());
        let command = format!("{} mutants --print --only {name}", program::name());
        failure(
            &survivor.to_string(),
            "no trace kills it, and it is not listed as equivalent",
            command,
        )
    }));
    let faults = table.search.iter().flat_map(Times::faults);
    report.failures.extend(
        table
            .equivalents
            .iter()
            .map(ToString::to_string)
            .chain(faults)
            .map(|fault| failure("all mutants", &fault, MUTANTS.command.to_owned())),
    );
    report.mutants = Some(measured);
    setup.conclude(report)
}
