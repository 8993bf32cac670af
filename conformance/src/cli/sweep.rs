//! `sweep`: each call to the outside fails in turn.

use std::path::PathBuf;
use std::time::Instant;

use conformance::explore::Counts;
use conformance::judge::{Fault, Judge};
use conformance::report::{KEPT, Report, Section};
use conformance::sweep::{Kind, Variant, each};
use conformance::verdict::Verdict;
use conformance::{corpus, parallel};

use super::failing::{Gathering, Origin};
use super::interrupt::Interrupt;
use super::setup::Setup;
use super::{Ended, Stop, files};

/// What the variants of one trace came to.
struct Swept {
    kinds: Vec<Kind>,
    counts: Counts,
    failing: Vec<(Variant, Vec<Fault>)>,
    problem: Option<String>,
}

pub(crate) fn run(paths: &[PathBuf], setup: &Setup) -> Ended {
    let interrupt = Interrupt::noted()?;
    let mut report = setup.report(None);
    sweep(paths, setup, &interrupt, &mut report)?;
    setup.conclude(report)
}

/// Adds the section of the variants of all traces of `paths`, or of the corpus, to a report.
fn sweep(
    paths: &[PathBuf],
    setup: &Setup,
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<(), Stop> {
    let began = Instant::now();
    let (traces, problems) = files::traces(paths, setup.shard)?;
    report.problems.extend(problems);
    // One that cannot be had ends the run here, and not in every thread.
    setup.judge()?;
    let swept = parallel::map(
        setup.jobs,
        &traces,
        || setup.judge().ok(),
        |judge, _, path| match judge {
            Some(judge) if !interrupt.came() => Some(of_trace(judge, path, interrupt)),
            _ => None,
        },
    );
    report.interrupted |= interrupt.came();
    let mut section = Section::new("sweeps", "cases");
    section.cut_short = interrupt.came();
    let mut gathering = Gathering::new(setup);
    let mut made = Kind::ALL.map(|kind| (kind, 0_u64));
    for (path, swept) in traces.iter().zip(swept) {
        let Some(swept) = swept else { continue };
        report.problems.extend(swept.problem);
        section.add(&swept.counts);
        for (kind, count) in &mut made {
            *count += swept.kinds.iter().filter(|made| *made == kind).count() as u64;
        }
        for (variant, faults) in &swept.failing {
            let case = format!("{}: {}", path.display(), variant.trace.cause);
            gathering.add(report, "sweeps", &case, &variant.trace, faults, &Origin::Generated);
        }
    }
    for (kind, count) in made {
        section.notes.push(format!("{count} cases in which {}", kind.name()));
    }
    section.seconds = began.elapsed().as_secs_f64();
    report.sections.push(section);
    Ok(())
}

fn of_trace(judge: &mut Judge, path: &std::path::Path, interrupt: &Interrupt) -> Swept {
    let mut swept =
        Swept { kinds: Vec::new(), counts: Counts::default(), failing: Vec::new(), problem: None };
    let trace = match corpus::load(path) {
        Ok(trace) => trace,
        Err(error) => {
            swept.problem = Some(error.to_string());
            return swept;
        }
    };
    each(&trace, &mut |variant| {
        if interrupt.came() {
            return;
        }
        swept.kinds.push(variant.kind);
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
