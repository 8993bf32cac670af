//! Random traces that hold nothing undefined.
//!
//! A trace is grown one operation at a time beside the [model](crate::model), which says what each
//! candidate would be: what is undefined or not applicable is dropped, so the narrowing is the
//! [definedness](crate::definedness)'s own and not a second one. The model's cursors also tell where the
//! corners are: the last free piece, the last bytes of room, the bytes that are held.
//!
//! All chance comes from [`Choices`], in order and from nowhere else: the same choices give the
//! same trace, on every machine.

mod entropy;
mod ops;
mod world;

pub(crate) use entropy::Entropy;
pub use entropy::{Choices, Seeded};
pub use world::Profile;

use crate::preflight::Preflight;
use crate::trace::Trace;

/// The trace of a seed and a case number; the same pair gives the same trace.
#[must_use]
pub fn trace(seed: u64, case: u64) -> Trace {
    with_preflight(seed, case).0
}

/// The same, with its [preflight](Preflight::of), which comes for nothing.
#[must_use]
pub fn with_preflight(seed: u64, case: u64) -> (Trace, Preflight) {
    with_preflight_lacking(seed, case, &[])
}

/// The same without the operations that call one of the functions `lacks`.
#[must_use]
pub fn with_preflight_lacking(seed: u64, case: u64, lacks: &[&'static str]) -> (Trace, Preflight) {
    let (mut trace, preflight) = grown(&mut Seeded::new(seed, case), lacks);
    trace.origin = format!("generated: seed {seed}, case {case}");
    (trace, preflight)
}

/// A trace that follows `choices`.
#[must_use]
pub fn from_choices(choices: &mut dyn Choices) -> Trace {
    grown(choices, &[]).0
}

/// A trace about `profile` that follows `choices`.
#[must_use]
pub fn about(profile: Profile, choices: &mut dyn Choices) -> Trace {
    grown_about(profile, &mut Entropy::new(choices), &[]).0
}

fn grown(choices: &mut dyn Choices, lacks: &[&'static str]) -> (Trace, Preflight) {
    let mut entropy = Entropy::new(choices);
    let profile = Profile::choose(&mut entropy);
    grown_about(profile, &mut entropy, lacks)
}

fn grown_about(
    profile: Profile,
    entropy: &mut Entropy<'_>,
    lacks: &[&'static str],
) -> (Trace, Preflight) {
    let world = world::world(entropy, profile);
    let (ops, preflight) = ops::ops(entropy, profile, &world, lacks);
    let mut trace = Trace::new("generated", profile.cause(), world, ops);
    trace.quirks.clone_from(&preflight.triggered);
    (trace, preflight)
}
