//! Traces from a fuzzer's bytes, and the judge of each fuzz target.
//!
//! `fuzz/` holds targets of a few lines that hand bytes to a [`Bench`]; what they mean ([`Case`]),
//! how they are changed ([`mutate`], [`cross`]) and what is right ([`Bench::run`]) is here, and is
//! tested without a fuzzing engine. [`TARGETS`] is the one list of them.

mod bench;
mod case;
mod code_op;
mod code_world;
mod coding;
mod judge;
mod mutate;
mod tally;
mod target;
mod walk;

pub use bench::{Bench, Unusable};
pub use case::{Case, Rejected, Unfit, VERSION, encode};
pub use judge::{Failure, Outcome};
pub use mutate::{Engine, cross, mutate};
pub use tally::Tally;
pub use target::{About, Input, TARGETS, Target, target};
