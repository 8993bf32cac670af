//! The model, the core and the original, on generated traces.

use conformance::compare::run::{judge, predicted, run};
use conformance::compare::verdict::{Counts, Verdict};
use conformance::generate;
use conformance::preflight::Preflight;
use conformance::subject::{Subject, build};
use conformance::trace::Trace;
use conformance::transcript::Transcript;

/// Generated cases of each comparison.
const CASES: u64 = 20_000;

/// Seed of the generated cases.
const SEED: u64 = 1;

fn explore(subject: &mut dyn Subject, mut oracle: impl FnMut(&Trace, &Preflight) -> Transcript) {
    let mut counts = Counts::default();
    for case in 0..CASES {
        let trace = generate::trace(SEED, case);
        let preflight = Preflight::of(&trace);
        let expected = oracle(&trace, &preflight);
        let verdict = judge(subject, &trace, &preflight, &expected);
        if let Verdict::Diverged(divergence) = &verdict {
            panic!("{divergence}\n{}", crate::common::pasteable(&trace));
        }
        counts.add(&verdict);
    }
    assert_eq!(counts.agreed, CASES, "{counts:?}");
}

#[test]
fn the_model_agrees_with_the_original() {
    let Some(sources) = crate::common::original() else { return };
    let mut original = build("c", &sources).unwrap();
    let mut model = build("model", &sources).unwrap();
    explore(&mut *model, |trace, preflight| run(&mut *original, trace, preflight).unwrap());
}

#[test]
fn the_faithful_core_agrees_with_the_model() {
    let mut core = build("core", &Default::default()).unwrap();
    explore(&mut *core, |_, preflight| predicted(preflight));
}

#[test]
fn the_default_core_agrees_with_the_original_or_the_prediction() {
    let mut core = build("core-default", &Default::default()).unwrap();
    let mut fixed = build("model-fixed", &Default::default()).unwrap();
    explore(&mut *core, |trace, preflight| {
        if preflight.triggered.is_empty() {
            predicted(preflight)
        } else {
            run(&mut *fixed, trace, preflight).unwrap()
        }
    });
}
