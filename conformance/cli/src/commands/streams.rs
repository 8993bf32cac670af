//! `streams`: migration streams.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::report::{Failure, Item, Report, Section, Status, text};
use conformance::explore::{Shard, Watch as _};
use conformance::streams::{
    Options, Planned, SectionRow, StreamFile, StreamReport, StreamVerdict, check, dump as walk,
};

use crate::arguments::{Common, Format, Streams};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::setup::Setup;
use crate::{Ended, Stop, files, output};

/// Name of the section.
const SECTION: &str = "streams";

pub(crate) fn run(arguments: &Streams, setup: &Setup) -> Ended {
    let interrupt = Interrupt::noted();
    let mut report = setup.report(None);
    add(arguments, setup, interrupt, &mut report)?;
    if setup.format == Format::Text && !report.streams.is_empty() {
        output::sheet(|f| text::streams(&report.streams, f))?;
    }
    setup.conclude(report)
}

fn options(arguments: &Streams) -> Options {
    Options { description_from: arguments.description_from.clone(), ..Options::default() }
}

/// Adds the section of the streams to a report.
pub(crate) fn add(
    arguments: &Streams,
    setup: &Setup,
    interrupt: Interrupt,
    report: &mut Report,
) -> Result<(), Stop> {
    let began = Instant::now();
    if let Some(lender) = &arguments.description_from {
        files::regular(lender)?;
    }
    let (streams, problems) = files::streams(&arguments.paths, setup.shard)?;
    report.problems.extend(problems);
    let progress = Progress::of_files(SECTION, streams.len(), interrupt)?;
    let checked = check_all(&streams, &options(arguments), setup, &progress)?;
    let mut section = Section::new(SECTION, "streams");
    if progress.stop() {
        report.interrupted = true;
        section.cut_short = true;
    }
    drop(progress);
    for (file, stream) in checked {
        enter(&mut section, report, setup, &file.path, stream);
    }
    section.seconds = began.elapsed().as_secs_f64();
    report.sections.push(section);
    Ok(())
}

/// Checks streams on several threads, each with subjects of its own; the result is in order.
fn check_all<'a>(
    streams: &'a [StreamFile],
    options: &Options,
    setup: &Setup,
    progress: &Progress,
) -> Result<Vec<(&'a StreamFile, StreamReport)>, Stop> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        let mut subjects = setup.all_subjects()?;
        while !progress.stop() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = streams.get(number) else { break };
            progress.file(&file.path);
            let report = check(file, &mut subjects, options);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, report));
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..setup.jobs.get()).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<(), Stop>(())
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    Ok(done
        .into_iter()
        .filter_map(|(number, report)| Some((streams.get(number)?, report)))
        .collect())
}

/// Counts what came of one stream.
fn enter(
    section: &mut Section,
    report: &mut Report,
    setup: &Setup,
    path: &Path,
    stream: StreamReport,
) {
    let name = path.display().to_string();
    let outcome = match &stream.verdict {
        StreamVerdict::Conforms | StreamVerdict::Refused { .. } => {
            section.agreed += 1;
            "agreed"
        }
        StreamVerdict::Undecided => {
            *section.inconclusive.entry("devices".to_owned()).or_default() += 1;
            "devices"
        }
        StreamVerdict::Diverged { reason, divergence } => {
            section.diverged += 1;
            report.failures.push(Failure {
                section: SECTION.to_owned(),
                case: name.clone(),
                summary: reason.clone(),
                step: divergence.as_deref().map(Into::into),
                command: Some(setup.command("streams", path)),
                ..Failure::default()
            });
            "diverged"
        }
        StreamVerdict::Broken { reason, .. } => {
            report.problems.push(format!("{name}: {reason}"));
            "unusable"
        }
        StreamVerdict::Unusable { reason } => {
            // The path is in most of the reasons.
            let named = reason.starts_with(&name);
            let problem = if named { reason.clone() } else { format!("{name}: {reason}") };
            report.problems.push(problem);
            "unusable"
        }
    };
    for unready in &stream.unready {
        section.notes.push(format!("{name}: {unready}"));
    }
    section.items.push(Item { name, outcome: outcome.to_owned() });
    report.streams.push(stream);
}

/// Prints the table of sections of each stream.
pub(crate) fn dump(arguments: &Streams, common: &Common) -> Ended {
    if common.format == Format::Junit {
        return Err(Stop::input("a dump is text or JSON: leave out --format junit"));
    }
    if let Some(lender) = &arguments.description_from {
        files::regular(lender)?;
    }
    let (streams, mut problems) = files::streams(&arguments.paths, Shard::WHOLE)?;
    for file in &streams {
        match common.format {
            Format::Json => dump_json(file, arguments, &mut problems)?,
            _ => dump_text(file, arguments, &mut problems)?,
        }
    }
    for problem in &problems {
        output::complain(problem);
    }
    Ok(if problems.is_empty() { Status::Conforms } else { Status::BadInput })
}

/// Walks a stream row by row. After the first row that cannot be printed no more are.
fn each_row(
    file: &StreamFile,
    arguments: &Streams,
    problems: &mut Vec<String>,
    print: impl Fn(&SectionRow) -> Result<(), Stop>,
) -> Result<Option<Planned>, Stop> {
    let mut printed = Ok(());
    let walked = walk(file, &options(arguments), &mut |row| {
        if printed.is_ok() {
            printed = print(row);
        }
    });
    printed?;
    match walked {
        Ok(planned) => Ok(Some(planned)),
        Err(error) => {
            problems.push(error.to_string());
            Ok(None)
        }
    }
}

fn dump_text(
    file: &StreamFile,
    arguments: &Streams,
    problems: &mut Vec<String>,
) -> Result<(), Stop> {
    let name = files::shown(&file.path);
    output::print(format_args!("{name}: {} bytes\n", file.size))?;
    output::sheet(text::section_titles)?;
    let row = |row: &SectionRow| output::sheet(|f| text::section_row(row, f));
    if let Some(planned) = each_row(file, arguments, problems, row)? {
        output::sheet(|f| text::stream_notes(&planned, f))?;
    }
    output::print("\n")
}

/// One object a row, in a line of its own, so that no table is held in memory.
fn dump_json(
    file: &StreamFile,
    arguments: &Streams,
    problems: &mut Vec<String>,
) -> Result<(), Stop> {
    let name = serde_json::Value::from(file.name.as_str());
    let row = |row: &SectionRow| {
        let row = serde_json::to_string(row).map_err(Stop::input)?;
        output::print_json(&format!("{{\"stream\":{name},\"row\":{row}}}\n"))
    };
    each_row(file, arguments, problems, row).map(drop)
}
