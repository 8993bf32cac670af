//! Compares the Rust core with QEMU's original C, byte for byte and call for call.
//!
//! Data flows one way: a [trace] is carried out by [subjects](subject), each of which gives a
//! [transcript] of [observations](observation); two transcripts give a [verdict].
//!
//! | module | what |
//! |---|---|
//! | [`trace`] | the trace, and its text format |
//! | [`world`] | what the operations meet: the scripts at work |
//! | [`domain`] | which operations are defined in the original |
//! | [`model`] | the contract as plain code |
//! | [`survey`] | what the model says of a trace before it is run |
//! | [`subject`] | whatever carries out a trace, by name |
//! | [`run`] | lets a subject carry out a trace |
//! | [`observation`] | what is seen of an operation |
//! | [`transcript`] | what is seen of a trace, and its recorded form |
//! | [`verdict`] | whether a subject did what it had to |
//! | [`generate`] | traces from a seed |
//! | [`judge`] | an oracle, and the subjects that are compared with it |
//! | [`probe`] | whether a comparison can say no |
//! | [`explore`] | judges generated traces, many at a time |
//! | [`shrink`] | makes a failing trace as small as it gets |
//! | [`explain`] | the subjects side by side |
//! | [`isolate`] | a reference in a process of its own |
//! | [`corpus`] | traces on disk |
//! | [`record`] | writes the transcripts of the original |
//! | [`streams`] | real migration streams |
//! | [`report`] | what a run found, as data, text and JUnit |
//! | [`sweep`] | traces in which each call to the outside fails in turn |
//! | [`coverage`] | what of the original the corpus reaches |
//! | [`mutants`] | broken copies of the original, and what the corpus finds of them |
//! | [`fuzz`] | traces from a fuzzer's bytes, and the judge of each fuzz target |
#![forbid(unsafe_code)]

mod bytes;
#[cfg(feature = "tools")]
pub mod corpus;
#[cfg(feature = "tools")]
pub mod coverage;
pub mod domain;
#[cfg(feature = "tools")]
pub mod explain;
#[cfg(feature = "tools")]
pub mod explore;
pub mod fuzz;
pub mod generate;
#[cfg(feature = "tools")]
pub mod isolate;
#[cfg(feature = "tools")]
pub mod judge;
pub mod model;
#[cfg(feature = "tools")]
pub mod mutants;
pub mod observation;
#[cfg(feature = "tools")]
pub mod parallel;
#[cfg(feature = "tools")]
pub mod probe;
#[cfg(feature = "tools")]
pub mod record;
#[cfg(feature = "tools")]
pub mod report;
pub mod run;
#[cfg(feature = "tools")]
pub mod shrink;
pub mod streams;
pub mod subject;
pub mod survey;
#[cfg(feature = "tools")]
pub mod sweep;
pub mod trace;
pub mod transcript;
pub mod verdict;
pub mod world;

pub use bytes::Bytes;
