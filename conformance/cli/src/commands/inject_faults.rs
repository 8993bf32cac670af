//! `inject-faults`: each call to the outside fails in turn.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use crate::report::{KEPT, Report, Section};
use conformance::compare::judge::{Fault, Judge};
use conformance::compare::verdict::Verdict;
use conformance::explore::Counts;
use conformance::fault_injection::{Budget, Kind, Points, Variant, each};
use conformance::preflight::Preflight;
use conformance::trace::Trace;
use conformance::{corpus, parallel, streams};

use crate::arguments::InjectFaults;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::setup::Setup;
use crate::triage::{Origin, Triage};
use crate::{Ended, Stop, files};

/// What the variants of one trace came to.
#[derive(Default)]
struct Injected {
    made: BTreeMap<Kind, u64>,
    points: Points,
    counts: Counts,
    failing: Vec<(Variant, Vec<Fault>)>,
}

pub(crate) fn run(arguments: &InjectFaults, setup: &Setup) -> Ended {
    let interrupt = Interrupt::noted();
    let mut report = setup.report(None);
    let (of_streams, of_traces): (Vec<PathBuf>, Vec<PathBuf>) =
        arguments.paths.iter().cloned().partition(|path| files::holds_streams(path));
    let all = arguments.paths.is_empty();
    if all || !of_traces.is_empty() {
        let traces = of_corpus(&of_traces, setup, &mut report)?;
        add("faults", &traces, arguments.budget(Budget::USUAL), setup, interrupt, &mut report)?;
    }
    if !interrupt.came() && (all || !of_streams.is_empty()) {
        let traces = of_files(&of_streams, setup, &mut report)?;
        let budget = arguments.budget(Budget::LARGE);
        add("stream faults", &traces, budget, setup, interrupt, &mut report)?;
    }
    setup.conclude(report)
}

fn of_corpus(
    paths: &[PathBuf],
    setup: &Setup,
    report: &mut Report,
) -> Result<Vec<(String, Trace)>, Stop> {
    let (paths, problems) = files::traces(paths, setup.shard)?;
    report.problems.extend(problems);
    let mut traces = Vec::new();
    for path in paths {
        match corpus::load(&path) {
            Ok(trace) => traces.push((path.display().to_string(), trace)),
            Err(error) => report.problems.push(error.to_string()),
        }
    }
    Ok(traces)
}

fn of_files(
    paths: &[PathBuf],
    setup: &Setup,
    report: &mut Report,
) -> Result<Vec<(String, Trace)>, Stop> {
    // What the newer and the odd streams add is in their format, not in what is read and written.
    let recorded = [files::in_project("corpus/streams").ok()].into_iter().flatten();
    let recorded: Vec<PathBuf> = recorded.filter(|_| paths.is_empty()).collect();
    let paths = if recorded.is_empty() { paths } else { &recorded };
    let (files, problems) = files::streams(paths, setup.shard)?;
    report.problems.extend(problems);
    let mut traces = Vec::new();
    for file in &files {
        match streams::traces(file, &streams::Options::default()) {
            Ok(made) => traces.extend(made.into_iter().map(|trace| {
                (format!("{} {}", file.path.display(), trace.cause.trim_end_matches('.')), trace)
            })),
            Err(problem) => report.problems.push(problem),
        }
    }
    Ok(traces)
}

/// Adds the section of the variants of some traces to a report.
fn add(
    name: &'static str,
    traces: &[(String, Trace)],
    budget: Budget,
    setup: &Setup,
    interrupt: Interrupt,
    report: &mut Report,
) -> Result<(), Stop> {
    let began = Instant::now();
    // One that cannot be had ends the run here, and not in every thread.
    setup.judge()?;
    let progress = Progress::of_files(name, traces.len(), interrupt)?;
    let swept = parallel::map(
        setup.jobs,
        traces,
        || setup.judge().ok(),
        |judge, _, (case, trace)| {
            progress.file(case.as_ref());
            match judge {
                Some(judge) if !interrupt.came() => Some(of_trace(judge, trace, budget, interrupt)),
                _ => None,
            }
        },
    );
    drop(progress);
    report.interrupted |= interrupt.came();
    let mut section = Section::new(name, "cases");
    section.cut_short = interrupt.came();
    let mut triage = Triage::new(setup);
    let mut made = Kind::ALL.map(|kind| (kind, 0_u64, 0_u64));
    for ((case, _), swept) in traces.iter().zip(swept) {
        let Some(swept) = swept else { continue };
        section.add(&swept.counts);
        for (kind, made, points) in &mut made {
            *made += swept.made.get(kind).copied().unwrap_or_default();
            *points += swept.points.get(kind).copied().unwrap_or_default();
        }
        for (mut variant, faults) in swept.failing {
            variant.trace.quirks = Preflight::of(&variant.trace).triggered;
            let case = format!("{case}: {}", variant.trace.cause);
            triage.add(report, name, &case, &variant.trace, &faults, &Origin::Generated);
        }
    }
    for (kind, made, points) in made.into_iter().filter(|(_, _, points)| *points > 0) {
        section.notes.push(format!("{made} of {points} ways in which {}", kind.name()));
    }
    section.seconds = began.elapsed().as_secs_f64();
    report.sections.push(section);
    Ok(())
}

fn of_trace(judge: &mut Judge, trace: &Trace, budget: Budget, interrupt: Interrupt) -> Injected {
    let mut swept = Injected::default();
    swept.points = each(trace, budget, &mut |variant| {
        if interrupt.came() {
            return;
        }
        *swept.made.entry(variant.kind).or_default() += 1;
        let judgement = judge.judge(&variant.trace, None);
        if !judgement.faults.is_empty() {
            swept.counts.diverged += 1;
            if swept.failing.len() < KEPT {
                swept.failing.push((variant, judgement.faults));
            }
        } else if let Some(reason) = judgement.inconclusive {
            swept.counts.add(&Verdict::Inconclusive(reason));
        } else {
            swept.counts.agreed += 1;
        }
    });
    swept
}
