//! What is the same in the help, in the documents and in the code: exit statuses, variables of the
//! environment, and the options that each command takes.

use std::fmt::Write as _;

use crate::report::Status;

/// Exit statuses, and what each means.
pub const STATUSES: [(Status, &str); 6] = [
    (Status::Conforms, "everything conforms"),
    (Status::Diverged, "something diverged, or more than 1 case in 100 is inconclusive"),
    (
        Status::BadInput,
        "bad usage, nothing selected, or input that cannot be used (the rest was still compared)",
    ),
    (Status::Missing, "something demanded is missing: the original, or what `doctor` looks for"),
    (Status::Unwritable, "the report, or a file, could not be written (in full)"),
    (Status::Interrupted, "interrupted by SIGINT, SIGTERM or SIGHUP before anything diverged"),
];

/// A variable of the environment.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// What reads it: `run`, or `build` of the crate.
    pub read_by: &'static str,
}

const fn run(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, meaning, read_by: "run" }
}

const fn build(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, meaning, read_by: "build" }
}

/// Every variable that the command, or its build, reads.
pub const VARIABLES: [Variable; 18] = [
    run("REQUIRE_C", "1: exit 3 where the live original is missing"),
    run("CC", "C compiler of references and mutants, with arguments; else cc, gcc, clang"),
    run("TMPDIR", "where references are compiled; must allow programs to be run. Else /tmp"),
    run("CARGO_TARGET_DIR", "failing cases go to `conformance` in it, without --output"),
    run("NO_COLOR", "no colours on a terminal"),
    run("CLICOLOR", "0: no colours on a terminal"),
    run("CLICOLOR_FORCE", "colours in files and pipes too"),
    run("TERM", "dumb: no colours"),
    run("CI", "set: colours on a terminal that is said to be dumb"),
    run("COLUMNS", "width of the help; the terminal's otherwise, at most 100"),
    run("LINES", "goes with COLUMNS"),
    run("LD_PRELOAD", "with libasan in it, a reference has no limit of addresses"),
    run("CARGO", "set by `cargo run`: commands are then shown as its commands"),
    run("CARGO_PKG_NAME", "goes with CARGO"),
    run("QEMUFILE_CONFORMANCE_GUARDED", "set for its own second process; not for users"),
    build("QEMU_FILE_C", "path of the original, or `none` to build without it"),
    build("QEMU_FILE_C_UNPINNED", "1: accept another file as the original"),
    build("CFLAGS", "of the linked original; CC, AR and others of the cc crate too"),
];

/// What stands below every help.
pub(crate) fn help() -> String {
    let mut text = "Exit status:\n".to_owned();
    // Writing to a string does not fail.
    for (status, meaning) in STATUSES {
        let _ = writeln!(text, "  {:<4} {meaning}", status.code());
    }
    text.push_str("\nEnvironment:\n");
    for variable in VARIABLES.iter().filter(|variable| variable.read_by == "run") {
        let _ = writeln!(text, "  {:<29} {}", variable.name, variable.meaning);
    }
    text.push_str("\nRead by the build: ");
    let names: Vec<_> =
        VARIABLES.iter().filter(|known| known.read_by == "build").map(|known| known.name).collect();
    text + &names.join(", ") + "."
}

/// The options that are common to several commands, by their names in [`Common`](crate::arguments).
pub(crate) const COMMON: [&str; 11] = [
    "reference",
    "release",
    "sanitize",
    "include",
    "cflags",
    "limit",
    "subjects",
    "format",
    "shard",
    "output",
    "jobs",
];

/// Those of them that a command takes.
pub(crate) fn taken_by(command: &str) -> &'static [&'static str] {
    match command {
        "check" | "explore" | "inject-faults" => &COMMON,
        "replay" => &[
            "reference",
            "release",
            "sanitize",
            "include",
            "cflags",
            "limit",
            "subjects",
            "format",
            "shard",
            "output",
        ],
        "streams" => &[
            "reference",
            "release",
            "sanitize",
            "include",
            "cflags",
            "limit",
            "subjects",
            "format",
            "shard",
            "jobs",
        ],
        "streams --dump" => &["format"],
        "shrink" | "explain" | "promote" => {
            &["reference", "release", "sanitize", "include", "cflags", "limit", "subjects"]
        }
        "record" | "export-seeds" | "mutants --print" => &["shard"],
        "coverage" => &["format", "output"],
        "mutants" => &["format", "shard", "output", "jobs"],
        "drift" => &["limit", "jobs"],
        "doctor" => &["reference", "release", "sanitize", "include", "cflags", "limit", "output"],
        _ => &[],
    }
}
