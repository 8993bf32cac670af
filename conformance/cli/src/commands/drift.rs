//! `drift`: what releases of QEMU do otherwise than 8.2.0, and whether that is what is known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use c_reference::Release;
use conformance::compare::judge::{Fault, Judgement};
use conformance::compare::verdict::Reason;
use conformance::corpus;
use conformance::explore::{End, Plan, Shard, Watch, explore};
use conformance::trace::text_form;
use serde::Deserialize;

use crate::arguments::{Common, Drift};
use crate::interrupt::Interrupt;
use crate::report::{Status, sentence};
use crate::setup::{Setup, Source};
use crate::{Ended, Stop, files, output};

/// Version of the form of `corpus/drift.ron`.
const FORMAT: u32 = 1;

/// Always the same cases.
const SEED: u64 = 1;

/// `corpus/drift.ron`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    format: u32,
    releases: Vec<Expected>,
}

/// What a release does otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    release: String,
    /// Functions of 8.2.0 that it lacks.
    lacks: Vec<String>,
    drifts: Vec<Drifting>,
}

/// One change of behaviour.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drifting {
    /// What is different, as a report says it.
    what: String,
    /// Why it is.
    why: String,
    /// The traces of the corpus in which it shows.
    traces: Vec<String>,
}

/// What was found of a file.
#[derive(Default)]
struct Found {
    agreed: u64,
    not_applicable: u64,
    /// Traces that drift, and what in them.
    drifted: BTreeMap<String, BTreeSet<String>>,
    /// Generated cases, and those that drift.
    cases: u64,
    drifted_cases: u64,
    in_cases: BTreeSet<String>,
    /// What cannot be judged.
    problems: Vec<String>,
}

struct Silent(Interrupt);

impl Watch for Silent {
    fn done(&self, _cases: u64) {}

    fn stop(&self) -> bool {
        self.0.came()
    }
}

pub(crate) fn run(arguments: &Drift, common: &Common) -> Ended {
    let interrupt = Interrupt::noted();
    let known = known(&files::in_project("corpus")?.join("drift.ron"))?;
    let files = match &arguments.files[..] {
        [] => releases()?,
        given => given.to_vec(),
    };
    let mut met = BTreeSet::new();
    let mut unexpected = 0;
    let titles = ["agree", "drift", "n. a.", "cases", "drift"];
    let titles: String = titles.iter().map(|title| format!("{title:>7}")).collect();
    output::print(format_args!("{:<8}{titles}  file\n", "release"))?;
    for path in files {
        let setup = Setup::new(Common { reference: Some(path.clone()), ..common.clone() })?;
        let Source::File(file) = &setup.source else { continue };
        let release = setup.oracle.release.clone();
        if arguments.files.is_empty() && !met.insert(release.clone()) {
            continue;
        }
        met.insert(release.clone());
        let found = examine(&setup, arguments.cases, interrupt)?;
        if interrupt.came() {
            return Ok(Status::Interrupted);
        }
        let Found { agreed, not_applicable, cases, drifted_cases, .. } = found;
        output::print(format_args!(
            "{release:<8}{agreed:>7}{:>7}{not_applicable:>7}{cases:>7}{drifted_cases:>7}  {}\n",
            found.drifted.len(),
            files::shown(&path)
        ))?;
        let expected = known.releases.iter().find(|expected| expected.release == release);
        for (what, why) in expected
            .into_iter()
            .flat_map(|expected| &expected.drifts)
            .map(|drift| (&drift.what, &drift.why))
        {
            output::print(format_args!("{:<8}known: {what}: {why}\n", ""))?;
        }
        for line in differences(&found, &file.lacks(), expected) {
            unexpected += 1;
            output::print(format_args!("{:<8}not expected: {line}\n", ""))?;
        }
    }
    let missing: Vec<String> = arguments
        .require
        .iter()
        .map(Release::to_string)
        .filter(|release| !met.contains(release))
        .collect();
    if unexpected > 0 {
        output::print(format_args!(
            "drifts otherwise than corpus/drift.ron says: {unexpected} differences\n"
        ))?;
        return Ok(Status::Diverged);
    }
    if !missing.is_empty() {
        return Err(Stop::missing(format!(
            "no file of QEMU {}: ci/original puts those that it finds in place",
            missing.join(", ")
        )));
    }
    if met.is_empty() {
        return Err(Stop::missing("no file of any release is here: run ci/original"));
    }
    output::print("drifts as corpus/drift.ron says\n")?;
    Ok(Status::Conforms)
}

fn known(path: &Path) -> Result<Known, Stop> {
    let shown = files::shown(path);
    let text =
        std::fs::read_to_string(path).map_err(|error| Stop::input(format!("{shown}: {error}")))?;
    let known: Known = text_form().from_str(&text).map_err(|error| {
        let at = error.span.start;
        Stop::input(format!("{shown}:{}:{}: {}", at.line, at.col, error.code))
    })?;
    if known.format != FORMAT {
        return Err(Stop::input(format!("{shown}: format is {}, expected {FORMAT}", known.format)));
    }
    Ok(known)
}

/// The files of releases that are here: the original, and what `ci/original` has put beside it.
fn releases() -> Result<Vec<PathBuf>, Stop> {
    let mut found: Vec<PathBuf> =
        c_reference::original_path().into_iter().map(Path::to_owned).collect();
    let folder = files::in_project("c-reference")?.join("original");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut beside: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .filter(|path| path.file_name().is_some_and(|name| name != "qemu-file.c"))
        .collect();
    beside.sort();
    found.append(&mut beside);
    Ok(found)
}

fn whats(judgement: &[Fault]) -> BTreeSet<String> {
    let what = |fault: &Fault| match fault {
        Fault::Diverged(divergence) => sentence(divergence),
        Fault::Stale { reason } | Fault::Undeclared { reason } => reason.clone(),
    };
    judgement.iter().map(what).collect()
}

fn examine(setup: &Setup, cases: u64, interrupt: Interrupt) -> Result<Found, Stop> {
    let mut found = Found::default();
    let (traces, problems) = files::traces(&[], Shard::WHOLE)?;
    found.problems = problems;
    let mut judge = setup.judge()?;
    for path in &traces {
        if interrupt.came() {
            return Ok(found);
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let trace = match corpus::load(path) {
            Ok(trace) => trace,
            Err(error) => {
                found.problems.push(error.to_string());
                continue;
            }
        };
        let Judgement { faults, inconclusive, .. } = judge.judge(&trace, None);
        match inconclusive {
            _ if !faults.is_empty() => {
                found.drifted.insert(name, whats(&faults));
            }
            Some(Reason::NotApplicable { .. }) => found.not_applicable += 1,
            Some(reason) => found.problems.push(format!("{name}: {reason}")),
            None => found.agreed += 1,
        }
    }
    let plan = Plan {
        seed: SEED,
        end: End::Cases(cases),
        jobs: setup.jobs,
        shard: Shard::WHOLE,
        // Drift shows in many cases, and all are looked at.
        failures: usize::MAX,
    };
    let explored = explore(&plan, &Silent(interrupt), &|| setup.judge())?;
    found.cases = explored.counts.total();
    found.drifted_cases = explored.counts.diverged;
    found.in_cases = explored.failing.iter().flat_map(|failing| whats(&failing.faults)).collect();
    if explored.counts.undecided() > 0 {
        found
            .problems
            .push(format!("{} generated cases are inconclusive", explored.counts.undecided()));
    }
    Ok(found)
}

/// What is not as it is known.
fn differences(found: &Found, lacks: &[&str], expected: Option<&Expected>) -> Vec<String> {
    let mut lines = found.problems.clone();
    let none = Expected { release: String::new(), lacks: Vec::new(), drifts: Vec::new() };
    let expected = expected.unwrap_or(&none);
    let known: BTreeSet<&str> = expected.lacks.iter().map(String::as_str).collect();
    let lacks: BTreeSet<&str> = lacks.iter().copied().collect();
    lines.extend(lacks.difference(&known).map(|name| format!("it has no {name}")));
    lines.extend(known.difference(&lacks).map(|name| format!("it has {name}")));
    let drifts = |what: &str| expected.drifts.iter().find(|drift| drift.what == what);
    for (trace, whats) in &found.drifted {
        for what in whats {
            if !drifts(what).is_some_and(|drift| drift.traces.contains(trace)) {
                lines.push(format!("{trace}: {what}"));
            }
        }
    }
    for drift in &expected.drifts {
        let shows = |trace: &&String| {
            found.drifted.get(*trace).is_some_and(|whats| whats.contains(&drift.what))
        };
        let quiet = drift.traces.iter().filter(|trace| !shows(trace));
        lines.extend(quiet.map(|trace| format!("{trace} does not show: {}", drift.what)));
    }
    let strange = found.in_cases.iter().filter(|what| drifts(what).is_none());
    lines.extend(strange.map(|what| format!("in generated cases of seed {SEED}: {what}")));
    lines
}
