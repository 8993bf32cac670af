//! The command line from end to end. One program, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test")]

mod away;
mod bad_input;
mod cached_result;
mod command;
mod commands;
mod defects;
mod documents;
mod drift;
mod edits;
mod fuzz_targets;
mod independence;
mod inspect;
mod junit;
mod mutants;
mod plot;
mod printed;
mod promote;
mod record;
mod reference;
mod signals;
mod unwritable;
mod usage;
