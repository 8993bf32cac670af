//! The tests of the streams, in one program: it is linked once, which is most of the work where
//! many small changes are tried.
#![allow(clippy::unwrap_used, reason = "tests")]

// Miri lacks the system calls of channels that are descriptors; the long properties take hours on it.
#[cfg(not(miri))]
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
#[cfg(not(miri))]
mod real_channels;
#[cfg(not(miri))]
mod shutdown;
mod std_traits;
mod support;
mod texts;
mod tokio;
#[cfg(not(miri))]
mod writing_model;
