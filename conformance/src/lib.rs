//! Compares the Rust core with QEMU's original C, byte for byte and call for call.
//!
//! Data flows one way: a [trace] is carried out by [subjects](subject), each of which gives a
//! [transcript] of [observations](observation); two transcripts give a [verdict](compare).
//!
//! | module | what |
//! |---|---|
//! | [`trace`] | the trace, and its text format |
//! | [`scripted_host`] | what the operations meet: the scripts of the world at work |
//! | [`definedness`] | which operations are defined in the original |
//! | [`model`] | the behaviour of `docs/BEHAVIOUR.md` as plain code |
//! | [`preflight`] | what the model says of a trace before it is run |
//! | [`subject`] | whatever carries out a trace |
//! | [`registry`] | the subjects of this crate, by name |
//! | [`observation`] | what is observed of an operation |
//! | [`transcript`] | what is observed of a trace, and its recorded form |
//! | [`compare`] | subjects beside an oracle, and the verdict |
//! | [`generate`] | traces from a seed |
//! | [`explore`] | judges generated traces, many at a time |
//! | [`shrink`] | makes a failing trace as small as it gets |
//! | [`isolate`] | a reference in a process of its own |
//! | [`corpus`] | traces on disk |
//! | [`record`] | writes the transcripts of the original |
//! | [`streams`] | real migration streams |
//! | [`fault_injection`] | traces in which each call to the outside fails in turn |
//! | [`fuzz`] | traces from a fuzzer's bytes, and the judge of each fuzz target |
#![forbid(unsafe_code)]

mod bytes;
pub mod compare;
pub mod corpus;
pub mod definedness;
pub mod explore;
pub mod fault_injection;
pub mod fuzz;
pub mod generate;
pub mod isolate;
pub mod model;
pub mod observation;
pub mod parallel;
pub mod preflight;
pub mod record;
pub mod registry;
pub mod scripted_host;
pub mod shrink;
pub mod streams;
pub mod subject;
pub mod trace;
pub mod transcript;

pub use bytes::Bytes;
