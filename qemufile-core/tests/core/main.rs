//! The tests of the streams, in one program: it is linked once, which is most of the work where
//! many small changes are tried.
#![allow(clippy::unwrap_used, reason = "tests")]

mod asynchronous;
mod behaviours;
mod cancellation;
mod compat;
mod compression;
mod errors;
mod later;
mod memory;
mod misbehaving;
mod panics;
mod pieces;
mod reading_model;
mod real_channels;
mod shutdown;
mod std_traits;
mod support;
mod texts;
mod tokio;
mod writing_model;
