//! One binary for all tests of the crate: linking is most of what building them takes.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

mod coverage;
mod faults;
mod queues;
mod reading;
mod references;
mod refusals;
mod releases;
mod right_edits;
mod sanitizers;
mod support;
mod writing;
