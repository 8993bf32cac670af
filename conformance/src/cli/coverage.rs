//! `coverage`: what of the original the corpus reaches.

use c_reference::Reference;
use conformance::coverage::measure;
use conformance::report::{Failure, Section, Status};

use super::arguments::{Coverage, Format};
use super::measured::COVERAGE;
use super::setup::{Setup, absence};
use super::{Ended, Stop, files, output};

/// What makes clang count lines, branches and conditions.
const COUNTING: [&str; 3] = ["-fprofile-instr-generate", "-fcoverage-mapping", "-fcoverage-mcdc"];

/// Name of the section.
const SECTION: &str = "coverage";

pub(crate) fn run(arguments: &Coverage, setup: &Setup) -> Ended {
    let Some(export) = &arguments.export else {
        return Err(Stop::input("name what llvm-cov exported"));
    };
    let list = files::in_project("corpus/coverage")?.join("unreachable.ron");
    let coverage =
        measure(export, "qemu-file.c", &list, c_reference::PIN.sha256).map_err(Stop::input)?;
    let measured = COVERAGE.made(coverage, true, &setup.output)?;
    let coverage = &measured.result;
    let status = if coverage.passes() { Status::Conforms } else { Status::Diverged };
    if setup.format == Format::Text {
        output::print(coverage.text());
        return Ok(status);
    }
    let mut report = setup.report(None);
    let mut section = Section::new(SECTION, "places");
    section.agreed = coverage.shares.values().map(|share| share.reached as u64).sum();
    section.diverged = coverage.missed.len() as u64;
    section.notes = coverage.summary().lines().map(str::to_owned).collect();
    report.sections.push(section);
    let missed = coverage.missed.iter().map(|place| (place.to_string(), "no trace reaches it"));
    let needless = coverage
        .needless
        .iter()
        .map(|place| (place.clone(), "listed as unreachable, and reached or not there"));
    report.failures.extend(missed.chain(needless).map(|(case, summary)| Failure {
        section: SECTION.to_owned(),
        case,
        summary: summary.to_owned(),
        command: Some(COVERAGE.command.to_owned()),
        ..Failure::default()
    }));
    report.coverage = Some(measured);
    setup.conclude(report)
}

/// Compiles the original so that it counts. The compiler is `$CC`, which has to be a clang that
/// knows [`COUNTING`].
pub(crate) fn build(arguments: &Coverage) -> Ended {
    let Some(object) = &arguments.build else { return Err(Stop::input("name a shared object")) };
    let source = c_reference::original_path().ok_or_else(|| Stop::missing(absence()))?;
    Reference::compile(source, &COUNTING, object).map_err(Stop::input)?;
    Ok(Status::Conforms)
}
