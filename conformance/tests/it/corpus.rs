//! The traces of the corpus, on every subject.

use std::collections::{BTreeMap, BTreeSet};

use conformance::compare::run::run;
use conformance::compare::stepper::first_divergence;
use conformance::compare::verdict::undeclared;
use conformance::model::Model;
use conformance::preflight::Preflight;
use conformance::registry::build;
use conformance::subject::{Core, Subject};
use conformance::trace::Trace;

/// Rows of `docs/BEHAVIOUR.md` that no trace can show: 10, 11 and 12 need a writing call on a reader,
/// which is undefined as a whole.
const OUT_OF_REACH: [u8; 3] = [10, 11, 12];

fn traces() -> BTreeMap<String, Trace> {
    let folder = test_support::project("corpus/traces");
    let mut traces = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".transcript.ron") || !name.ends_with(".ron") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let trace = Trace::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        traces.insert(name.trim_end_matches(".ron").to_owned(), trace);
    }
    traces
}

/// Runs all, and says at the end which failed.
fn all(mut check: impl FnMut(&Trace, &Preflight) -> Result<(), String>) {
    let traces = traces();
    assert!(traces.len() >= 60, "only {} traces were found", traces.len());
    let failures: Vec<String> = traces
        .iter()
        .filter_map(|(name, trace)| {
            Some(format!("{name}: {}", check(trace, &Preflight::of(trace)).err()?))
        })
        .collect();
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

fn agree(
    oracle: &mut dyn Subject,
    subject: &mut dyn Subject,
    trace: &Trace,
    preflight: &Preflight,
) -> Result<(), String> {
    match first_divergence(&mut *oracle, &mut *subject, trace, preflight) {
        Ok(None) => Ok(()),
        Ok(Some(divergence)) => Err(divergence.to_string()),
        Err(unready) => Err(unready.to_string()),
    }
}

#[test]
fn each_trace_names_the_defects_that_fire_and_holds_nothing_undefined() {
    all(|trace, preflight| match (preflight.undefined_op, undeclared(trace, preflight)) {
        (Some(undefined_op), _) => Err(format!("{undefined_op:?}")),
        (None, Some(triggered)) => {
            Err(format!("the header says {:?}, and {triggered:?} fire", trace.quirks))
        }
        (None, None) => Ok(()),
    });
}

#[test]
fn names_tell_area_and_cause_and_no_two_traces_are_the_same() {
    let traces = traces();
    let mut hashes = BTreeMap::new();
    for (name, trace) in &traces {
        assert!(name.split('-').count() >= 2, "{name} is not area-cause");
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{name}"
        );
        let body = (format!("{:?}", trace.world), format!("{:?}", trace.ops));
        if let Some(other) = hashes.insert(body, name.clone()) {
            panic!("{name} and {other} are the same trace");
        }
    }
}

#[test]
fn every_row_has_a_trace() {
    let shown: BTreeSet<u8> = traces().values().flat_map(|trace| trace.rows.clone()).collect();
    let missing: Vec<u8> =
        (1..=31).filter(|row| !shown.contains(row) && !OUT_OF_REACH.contains(row)).collect();
    assert!(missing.is_empty(), "rows without a trace: {missing:?}");
}

#[test]
fn all_subjects_agree_with_the_original() {
    let Some(sources) = crate::common::original() else { return };
    let mut original = build("c", &sources).unwrap();
    for name in [Model::FAITHFUL, Core::FAITHFUL, Core::DEFAULT, Model::FIXED] {
        let mut subject = build(name, &sources).unwrap();
        all(|trace, preflight| agree(&mut *original, &mut *subject, trace, preflight));
    }
}

#[test]
fn the_core_agrees_with_the_model() {
    for mut core in [Core::faithful(), Core::in_default_setting()] {
        all(|trace, preflight| agree(&mut preflight.playback(), &mut core, trace, preflight));
    }
}

#[test]
fn fixing_a_defect_changes_something_wherever_one_is_triggered() {
    let mut fixed = Model::fixed();
    all(|trace, preflight| {
        let fixed = run(&mut fixed, trace, preflight).map_err(|reason| reason.to_string())?;
        if preflight.triggered.is_empty() == (fixed.steps == preflight.steps) {
            Ok(())
        } else {
            Err("what the header says is triggered makes no difference".to_owned())
        }
    });
}
