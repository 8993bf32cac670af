//! The model, the core and the original, on generated traces.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use conformance::generate;
use conformance::run::{judge, run, surveyed};
use conformance::subject::{Subject, build};
use conformance::survey::Survey;
use conformance::trace::Trace;
use conformance::transcript::Transcript;
use conformance::verdict::{Counts, Verdict};

/// Generated cases of each comparison.
const CASES: u64 = 20_000;

/// Seed of the generated cases.
const SEED: u64 = 1;

fn explore(subject: &mut dyn Subject, mut oracle: impl FnMut(&Trace, &Survey) -> Transcript) {
    let mut counts = Counts::default();
    for case in 0..CASES {
        let trace = generate::trace(SEED, case);
        let survey = Survey::of(&trace);
        let expected = oracle(&trace, &survey);
        let verdict = judge(subject, &trace, &survey, &expected);
        if let Verdict::Diverged(divergence) = &verdict {
            panic!("{divergence}\n{}", common::pasteable(&trace));
        }
        counts.add(&verdict);
    }
    assert_eq!(counts.agreed, CASES, "{counts:?}");
}

#[test]
fn the_model_agrees_with_the_original() {
    let Some(sources) = common::original() else { return };
    let mut original = build("c", &sources).unwrap();
    let mut model = build("model", &sources).unwrap();
    explore(&mut *model, |trace, survey| run(&mut *original, trace, survey).unwrap());
}

#[test]
fn the_faithful_core_agrees_with_the_model() {
    let mut core = build("core", &Default::default()).unwrap();
    explore(&mut *core, |_, survey| surveyed(survey));
}

#[test]
fn the_default_core_agrees_with_the_original_or_the_prediction() {
    let mut core = build("core-default", &Default::default()).unwrap();
    let mut mended = build("model-mended", &Default::default()).unwrap();
    explore(&mut *core, |trace, survey| {
        if survey.fired.is_empty() {
            surveyed(survey)
        } else {
            run(&mut *mended, trace, survey).unwrap()
        }
    });
}
