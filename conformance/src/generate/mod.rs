//! Random traces that hold nothing undefined.
//!
//! A trace is grown one operation at a time beside the [model](crate::model), which says what each
//! candidate would be: what is undefined or not applicable is dropped, so the narrowing is the
//! [domain](crate::domain)'s own and not a second one. The model's cursors also tell where the
//! corners are: the last free piece, the last bytes of room, the bytes that are held.
//!
//! All chance comes from [`Choices`], in order and from nowhere else: the same choices give the
//! same trace, on every machine.

mod dice;
mod grow;
mod setting;

pub(crate) use dice::Dice;
pub use dice::{Choices, Seeded};
pub use setting::Theme;

use crate::survey::Survey;
use crate::trace::Trace;

/// The trace of a seed and a case number; the same pair gives the same trace.
#[must_use]
pub fn trace(seed: u64, case: u64) -> Trace {
    surveyed(seed, case).0
}

/// The same, with its [survey](Survey::of), which comes for nothing.
#[must_use]
pub fn surveyed(seed: u64, case: u64) -> (Trace, Survey) {
    let (mut trace, survey) = grown(&mut Seeded::new(seed, case));
    trace.origin = format!("generated: seed {seed}, case {case}");
    (trace, survey)
}

/// A trace that follows `choices`.
#[must_use]
pub fn from_choices(choices: &mut dyn Choices) -> Trace {
    grown(choices).0
}

/// A trace about `theme` that follows `choices`.
#[must_use]
pub fn about(theme: Theme, choices: &mut dyn Choices) -> Trace {
    grown_about(theme, &mut Dice::new(choices)).0
}

fn grown(choices: &mut dyn Choices) -> (Trace, Survey) {
    let mut dice = Dice::new(choices);
    let theme = Theme::choose(&mut dice);
    grown_about(theme, &mut dice)
}

fn grown_about(theme: Theme, dice: &mut Dice<'_>) -> (Trace, Survey) {
    let world = setting::world(dice, theme);
    let (ops, survey) = grow::ops(dice, theme, &world);
    let mut trace = Trace::new("generated", theme.cause(), world, ops);
    trace.quirks.clone_from(&survey.fired);
    (trace, survey)
}
