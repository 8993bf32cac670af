//! The command line under test, and directories to run it in.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the command said.
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Fails, with everything that was said, where the status is another.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// The report, of a run with `--format json`.
    pub(crate) fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// The command, with failing cases kept in the directory for tests.
pub(crate) fn command(output: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qemufile-conformance"));
    command.env_remove("REQUIRE_C").stdin(Stdio::null()).arg("--output").arg(output);
    command
}

/// Runs the command.
pub(crate) fn run(
    directory: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Said {
    let output = command(&directory.join("failing")).args(arguments).output().unwrap();
    Said {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A trace that reads two bytes, then nine of the eight that are left: row 1.
pub(crate) const STALE_PEEK: &str = r#"(
    format: 1,
    origin: "hand",
    cause: "A first refill that fails leaves the peek at the place before the move.",
    rows: [1],
    quirks: [StalePeek],
    world: (channels: [(input: [Counting(10)])]),
    ops: [
        NewInput(channel: 0),
        GetBuffer(stream: 0, size: 2),
        GetBuffer(stream: 0, size: 9),
    ],
)
"#;

/// A trace that writes two neighbouring runs of bytes, with a few calls that do not matter.
pub(crate) const NEIGHBOURS: &str = r#"(
    format: 1,
    origin: "hand",
    cause: "Bytes that are put one after the other go out as one piece.",
    world: (arena: [Counting(64)], channels: [(input: [Counting(4)]), ()]),
    ops: [
        NewInput(channel: 0),
        GetByte(stream: 0),
        NewOutput(channel: 1),
        GetError(stream: 1),
        PutBe16(stream: 1, value: 4660),
        PutBuffer(stream: 1, data: [Counting(100)]),
        GetByte(stream: 0),
        Flush(stream: 1),
        Close(stream: 1),
        Close(stream: 0),
    ],
)
"#;

/// Writes a file below a directory.
pub(crate) fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// Whether the original is linked in; says so where it is not, and fails where it is demanded.
pub(crate) fn has_original() -> bool {
    test_support::original().is_some()
}

/// A copy of the original with one change in one line.
pub(crate) fn changed(directory: &Path, line: usize, from: &str, to: &str) -> PathBuf {
    let original = fs::read_to_string(c_reference::original_path().unwrap()).unwrap();
    let mut lines: Vec<String> = original.lines().map(str::to_owned).collect();
    let there = &mut lines[line - 1];
    assert!(there.contains(from), "line {line} of the original has no {from:?}");
    *there = there.replacen(from, to, 1);
    write(directory, "changed.c", &(lines.join("\n") + "\n"))
}
