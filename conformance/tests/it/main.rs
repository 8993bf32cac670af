//! The library, in one program, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test")]

mod agreement;
mod common;
mod corpus;
mod documents;
mod fault_injection;
mod format;
mod fuzz_cases;
mod generator;
mod port;
mod scripted_host;
mod seeded_defects;
mod shrinking;
mod state_machine;
mod streams;
mod streams_damaged;
