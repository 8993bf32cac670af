//! Traces from a fuzzer's bytes, and the judge of each fuzz target.
//!
//! `fuzz/` holds targets of a few lines that hand bytes to an [`Executor`]; what they mean ([`Case`]),
//! how they are changed ([`mutate`], [`cross`]) and what is right ([`Executor::run`]) is here, and is
//! tested without a fuzzing engine. [`TARGETS`] is the one list of them.

mod case;
mod codec;
mod executor;
mod judge;
mod mutate;
mod stats;
mod target;
mod walk;

pub use case::{Case, Rejected, Unfit, VERSION, encode};
pub use executor::{Executor, Unusable};
pub use judge::{Failure, Outcome};
pub use mutate::{Engine, cross, mutate};
pub use stats::Stats;
pub use target::{About, Input, TARGETS, Target, target};
