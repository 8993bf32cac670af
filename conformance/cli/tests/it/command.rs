//! The command line under test, and directories to run it in.

use std::ffi::OsStr;
use std::fs;
use std::io::{PipeReader, PipeWriter, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal};

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
pub(crate) fn command(target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qemufile-conformance"));
    for variable in ["REQUIRE_C", "CARGO", "CARGO_PKG_NAME", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    // Failing cases go to its folder `conformance`; an option would go before the verb, and not
    // every verb takes it.
    command.stdin(Stdio::null()).env("CARGO_TARGET_DIR", target);
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

/// An export of llvm-cov that reaches a little.
pub(crate) const EXPORT: &str = r#"{"data": [{"files": [{"filename": "/a/qemu-file.c",
    "segments": [[90, 1, 7, true, true, false], [92, 1, 0, true, true, false], [93, 2, 0, false, false, false]],
    "branches": [[90, 5, 90, 9, 1, 0, 0, 0, 4]],
    "mcdc_records": []}]}]}"#;

/// The smallest stream of the corpus that has been sent and not answered.
pub(crate) fn stream() -> PathBuf {
    let entries = fs::read_dir(test_support::project("corpus/streams")).unwrap();
    let streams = entries.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.to_str().unwrap();
        name.ends_with(".bin") && !name.ends_with(".rev.bin")
    });
    streams.min_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Status(i32),
    Signal(i32),
    /// Not within a minute; it was killed.
    Hang,
}

/// Waits for a process, with a limit.
pub(crate) fn end_of(child: &mut Child) -> End {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(120) {
        if let Some(status) = child.try_wait().unwrap() {
            return match status.code() {
                Some(code) => End::Status(code),
                None => End::Signal(status.signal().unwrap_or(0)),
            };
        }
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    End::Hang
}

/// A pipe that takes nothing more, as long as nobody reads from it.
pub(crate) fn stuffed() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    for size in [4096, 1] {
        while writer.write(&vec![0; size]).is_ok() {}
    }
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

/// Waits until a process handles a signal itself, and sends it.
pub(crate) fn send(child: &mut Child, signal: Signal) {
    let began = Instant::now();
    let status = format!("/proc/{}/status", child.id());
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not handle {signal:?}");
        assert!(child.try_wait().unwrap().is_none(), "it ended before the signal");
        let text = fs::read_to_string(&status).unwrap_or_default();
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        if caught >> (signal.as_raw() - 1) & 1 == 1 {
            break;
        }
        thread::yield_now();
    }
    rustix::process::kill_process(Pid::from_child(child), signal).unwrap();
}
