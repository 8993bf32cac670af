//! The model, the core and the original, on generated traces.

use conformance::compare::stepper::first_divergence;
use conformance::generate;
use conformance::model::Model;
use conformance::registry::build;
use conformance::subject::{Core, Subject};

/// Generated cases of each comparison.
const CASES: u64 = 20_000;

/// Seed of the generated cases.
const SEED: u64 = 1;

/// Compares `subject` with `oracle`; with the model that the preflight ran, where there is none.
fn explore(mut oracle: Option<&mut dyn Subject>, subject: &mut dyn Subject) {
    for case in 0..CASES {
        let (trace, preflight) = generate::with_preflight(SEED, case);
        let mut known = preflight.playback();
        let oracle: &mut dyn Subject = match &mut oracle {
            Some(oracle) => &mut **oracle,
            None => &mut known,
        };
        if let Some(divergence) = first_divergence(oracle, subject, &trace, &preflight).unwrap() {
            panic!("{divergence}\n{}", crate::common::pasteable(&trace));
        }
    }
}

#[test]
fn the_model_agrees_with_the_original() {
    let Some(sources) = crate::common::original() else { return };
    let mut original = build("c", &sources).unwrap();
    explore(Some(&mut *original), &mut Model::faithful());
}

#[test]
fn the_faithful_core_agrees_with_the_model() {
    explore(None, &mut Core::faithful());
}

#[test]
fn the_default_core_agrees_with_the_model_or_with_its_prediction() {
    explore(None, &mut Core::in_default_setting());
}

#[test]
fn the_default_core_agrees_with_the_original_or_the_prediction() {
    let Some(sources) = crate::common::original() else { return };
    let mut original = build("c", &sources).unwrap();
    explore(Some(&mut *original), &mut Core::in_default_setting());
}
