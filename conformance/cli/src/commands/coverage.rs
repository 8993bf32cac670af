//! `coverage`: what of the original the corpus reaches, and of the core its tests.

use std::fmt::Display;
use std::path::Path;

use crate::report::{Failure, Report, Section, Status};
use c_reference::Reference;
use mutation::coverage::{Coverage, core, measure};

use crate::arguments::{Coverage as Arguments, Format};
use crate::cached_result::COVERAGE;
use crate::setup::{Setup, original};
use crate::{Ended, Stop, files, output};

/// What makes clang count lines, branches and conditions.
const COUNTING: [&str; 3] = ["-fprofile-instr-generate", "-fcoverage-mapping", "-fcoverage-mcdc"];

pub(crate) fn run(arguments: &Arguments, setup: &Setup) -> Ended {
    let Some(export) = &arguments.export else {
        return Err(Stop::input("name what llvm-cov exported"));
    };
    files::regular(export)?;
    let lists = files::in_project("corpus/coverage")?;
    for list in ["core.ron", "unreachable.ron"] {
        files::regular(&lists.join(list))?;
    }
    if arguments.core {
        let coverage = core::measure(export, &lists.join("core.ron")).map_err(Stop::input)?;
        return show(&coverage, "coverage of the core", "bash ci/core-coverage", setup, |_| {});
    }
    let list = lists.join("unreachable.ron");
    let coverage =
        measure(export, "qemu-file.c", &list, c_reference::PIN.sha256).map_err(Stop::input)?;
    let measured = COVERAGE.made(coverage.clone(), true, &setup.output)?;
    show(&coverage, "coverage", COVERAGE.command, setup, |report| report.coverage = Some(measured))
}

/// Prints a coverage as text or as a report, to which `add` has something to add.
fn show<Place: Display>(
    coverage: &Coverage<Place>,
    name: &str,
    command: &str,
    setup: &Setup,
    add: impl FnOnce(&mut Report),
) -> Ended {
    let status = if coverage.passes() { Status::Conforms } else { Status::Diverged };
    if setup.format == Format::Text {
        output::print(coverage.text())?;
        return Ok(status);
    }
    let mut report = setup.report(None);
    let mut section = Section::new(name, "places");
    section.agreed = coverage.shares.values().map(|share| share.reached as u64).sum();
    section.diverged = coverage.missed.len() as u64;
    section.notes = coverage.summary().lines().map(str::to_owned).collect();
    report.sections.push(section);
    let missed = coverage.missed.iter().map(|place| (place.to_string(), "nothing reaches it"));
    let needless = coverage
        .needless
        .iter()
        .map(|place| (place.clone(), "listed as unreachable, and reached or not there"));
    report.failures.extend(missed.chain(needless).map(|(case, summary)| Failure {
        section: name.to_owned(),
        case,
        summary: summary.to_owned(),
        command: Some(command.to_owned()),
        ..Failure::default()
    }));
    add(&mut report);
    setup.conclude(report)
}

/// Compiles the original so that it counts. The compiler is `$CC`, which has to be a clang that
/// knows [`COUNTING`].
pub(crate) fn build(arguments: &Arguments) -> Ended {
    let Some(object) = &arguments.build else { return Err(Stop::input("name a shared object")) };
    let source = original(arguments.original.as_deref())?;
    let folder = object.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| Stop::unwritable(format!("{}: {error}", files::shown(object))))?;
    Reference::compile(&source, &COUNTING, object).map_err(Stop::input)?;
    Ok(Status::Conforms)
}
