//! The command line of the workspace: see `conformance --help`.
//!
//! | exit status | meaning |
//! |---|---|
//! | 0 | everything conforms |
//! | 1 | something diverged, or more than 1 case in 100 is inconclusive |
//! | 2 | bad usage, or input that cannot be used |
//! | 3 | a reference that was demanded is missing |
//! | 130 | interrupted before anything diverged |
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
