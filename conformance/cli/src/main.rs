//! The command line of the workspace: see `qemufile-conformance --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    qemufile_conformance::main()
}
