//! `promote`: from what a fuzzer found to a regression trace.

use std::path::Path;

use crate::report::{Status, headline};
use c_reference::Reference;
use conformance::compare::judge::Fault;
use conformance::corpus::recording_path;
use conformance::fuzz::{Case, Input, target};
use conformance::preflight::{Preflight, defined_part};
use conformance::record;
use conformance::shrink::Effort;
use conformance::subject::Original;
use conformance::trace::Trace;

use crate::arguments::Promote;
use crate::setup::Setup;
use crate::triage::smallest;
use crate::{Ended, Stop, files, output, program};

pub(crate) fn run(arguments: &Promote, setup: &Setup) -> Ended {
    check_name(&arguments.name)?;
    let folder = match &arguments.into {
        Some(folder) => folder.clone(),
        None => files::in_project("corpus")?.join("regressions"),
    };
    let place = folder.join(format!("{}.ron", arguments.name));
    if place.exists() {
        return Err(Stop::input(format!(
            "{}: is there already; choose another --name",
            files::shown(&place)
        )));
    }
    let name = arguments.target.clone().or_else(|| folder_of(&arguments.artifact));
    let mut trace = read(&arguments.artifact, name.as_deref())?;
    trace.origin = format!("fuzz: {}", name.as_deref().unwrap_or("an artifact"));
    let left_out = trace.ops.len();
    trace = defined_part(&trace);
    let left_out = left_out - trace.ops.len();
    if left_out > 0 {
        output::remark(format_args!(
            "{left_out} operations are undefined in the original, and are left out"
        ));
    }

    let trace = shrunk(trace, arguments.cause.as_deref(), setup)?;
    write(&place, &trace.to_text().map_err(Stop::input)?)?;
    transcribe(&place, &trace)?;
    Ok(Status::Conforms)
}

/// The name must say where and why: two words or more, with hyphens.
fn check_name(name: &str) -> Result<(), Stop> {
    let word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.contains('-') && name.split('-').all(word) {
        return Ok(());
    }
    Err(Stop::input(format!(
        "--name {name}: expected `area-cause`, in lower case, such as `peek-after-failed-refill`"
    )))
}

/// The target in whose folder an artifact lies.
fn folder_of(artifact: &Path) -> Option<String> {
    let artifact = artifact.canonicalize().ok()?;
    let folder = artifact.parent()?.file_name()?.to_str()?;
    target(folder).map(|target| target.name.to_owned())
}

fn read(artifact: &Path, name: Option<&str>) -> Result<Trace, Stop> {
    let bad = |reason: String| Stop::input(format!("{}: {reason}", files::shown(artifact)));
    files::regular(artifact)?;
    let bytes = std::fs::read(artifact).map_err(|error| bad(error.to_string()))?;
    let found = name
        .map(|name| target(name).ok_or_else(|| bad(format!("there is no fuzz target {name}"))))
        .transpose()?;
    match found.map(|target| target.input) {
        Some(Input::Stream) => Err(bad(format!(
            "is a stream, not a trace: reproduce it with `{} streams`, and keep it in corpus/fuzz/stream_walk",
            program::name()
        ))),
        Some(Input::Text) => {
            Trace::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| bad(error.to_string()))
        }
        Some(Input::Case(about)) => {
            let mut trace = Case::of(&bytes).0.map_err(|rejected| bad(rejected.to_string()))?;
            about.narrow(&mut trace);
            Ok(trace)
        }
        None => Case::of(&bytes).0.map_err(|rejected| bad(rejected.to_string())),
    }
}

/// The smallest trace that fails as `trace` does, with a header that says what it shows.
fn shrunk(mut trace: Trace, cause: Option<&str>, setup: &Setup) -> Result<Trace, Stop> {
    trace.quirks = Preflight::of(&trace).triggered;
    let judgement = setup.judge()?.judge(&trace, None);
    let divergence = judgement.faults.iter().find_map(|fault| match fault {
        Fault::Diverged(divergence) => Some(divergence.as_ref()),
        Fault::Stale { .. } | Fault::Undeclared { .. } => None,
    });
    let mut shows = "An input that a fuzzer made.".to_owned();
    if let Some(divergence) = divergence {
        shows = headline(divergence);
        if let Some(shrunk) = smallest(setup, &trace, divergence, Effort::default()) {
            output::remark(format_args!(
                "{} to {} operations: {shows}",
                trace.ops.len(),
                shrunk.trace.ops.len()
            ));
            trace = Trace { origin: trace.origin, ..shrunk.trace };
        }
    } else {
        output::remark("all subjects agree on it here: it is kept whole");
    }
    trace.cause = cause.map_or(shows, str::to_owned);
    trace.quirks = Preflight::of(&trace).triggered;
    trace.check().map_err(Stop::input)?;
    Ok(trace)
}

/// Writes the transcript beside the trace, where the pinned original is here.
fn transcribe(place: &Path, trace: &Trace) -> Result<(), Stop> {
    let Some(reference) = Reference::linked().filter(Reference::pinned) else {
        output::remark(format_args!(
            "the pinned original is not linked in: write the transcript later, with `{} record`",
            program::name()
        ));
        return Ok(());
    };
    let sha256 = reference.sha256().to_owned();
    let text =
        record::text(place, trace, &mut Original::new(reference), &sha256).map_err(Stop::input)?;
    write(&recording_path(place), &text)
}

fn write(place: &Path, text: &str) -> Result<(), Stop> {
    files::write(place, text)?;
    output::print(format_args!("written   {}\n", files::shown(place)))
}
