//! `explore`: generated traces.

use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use crate::report::{KEPT, Report, Section};
use conformance::explore::{End, Plan, Watch as _, explore};

use crate::arguments::{Explore, Format};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::setup::Setup;
use crate::triage::{Origin, Triage};
use crate::{Ended, Stop, output};

/// Name of the section.
const SECTION: &str = "generated";

/// Cases if nothing else is said.
pub(crate) const CASES: u64 = 200_000;

pub(crate) fn run(arguments: &Explore, setup: &Setup) -> Ended {
    let interrupt = Interrupt::noted();
    let seed = arguments.seed.unwrap_or_else(chance);
    if setup.format == Format::Text {
        // A run that is killed must be repeatable too.
        output::remark(format_args!("seed {seed}"));
    }
    let end = match arguments.seconds {
        Some(seconds) => End::At(Instant::now() + Duration::from_secs(seconds)),
        None => End::Cases(arguments.cases.unwrap_or(CASES)),
    };
    let mut report = setup.report(Some(seed));
    add(seed, end, setup, interrupt, &mut report)?;
    setup.conclude(report)
}

/// A seed that nobody chose. `RandomState` has keys of the system's randomness.
fn chance() -> u64 {
    let word = std::hash::RandomState::new().build_hasher().finish();
    // Short enough to be typed.
    word % 1_000_000_000
}

/// Adds the section of generated cases to a report.
pub(crate) fn add(
    seed: u64,
    end: End,
    setup: &Setup,
    interrupt: Interrupt,
    report: &mut Report,
) -> Result<(), Stop> {
    let began = Instant::now();
    let plan = Plan { seed, end, jobs: setup.jobs, shard: setup.shard, failures: KEPT };
    let progress = Progress::of_cases(&plan, interrupt)?;
    let explored = explore(&plan, &progress, &|| setup.judge())?;
    report.interrupted |= progress.stop();
    drop(progress);
    let mut section = Section::new(SECTION, "cases");
    section.add(&explored.counts);
    section.cut_short = explored.cut_short;
    let mut triage = Triage::new(setup);
    for failing in &explored.failing {
        let case = format!("seed {seed}, case {}", failing.case);
        triage.add(report, SECTION, &case, &failing.trace, &failing.faults, &Origin::Generated);
    }
    if matches!(setup.source, crate::setup::Source::Recorded) {
        section.notes.push(
            "nothing is recorded of generated cases: they were compared with the model".to_owned(),
        );
    }
    section.seconds = began.elapsed().as_secs_f64();
    report.sections.push(section);
    Ok(())
}
