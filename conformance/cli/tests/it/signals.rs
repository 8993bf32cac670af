//! Signals, and references that fork or kill: nothing is left, neither a process nor a file.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::command::{End, NEIGHBOURS, changed, command, end_of, has_original, run, send, write};
use rustix::process::{Pid, Signal};
use tempfile::tempdir;

/// The line in which a single byte is put into the buffer.
const PUT_BYTE: usize = 456;

/// Processes whose environment has `mark`.
fn alive(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(mark)
        })
        .count()
}

fn temporary(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join("tmp")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Starts an exploration, with a folder for what is temporary, and a mark on all its processes.
fn start(directory: &Path, words: &[&str]) -> (Child, String) {
    let temporary = directory.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let mark = format!("MARK_OF_A_TEST={}", directory.display());
    let child = command(&directory.join("target"))
        .env("TMPDIR", &temporary)
        .env("MARK_OF_A_TEST", directory)
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (child, mark)
}

#[track_caller]
fn nothing_is_left(directory: &Path, mark: &str) {
    assert_eq!(alive(mark), 0, "processes are left");
    assert_eq!(temporary(directory), Vec::<String>::new());
}

#[test]
fn a_signal_ends_a_run_with_its_status_and_a_whole_report() {
    let directory = tempdir().unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let words = ["explore", "--seconds", "600", "--format", "json"];
        let (mut child, mark) = start(directory.path(), &words);
        send(&mut child, signal);
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(end_of(&mut child), End::Status(130), "{signal:?}");
        // It may have come before the run began.
        if !out.is_empty() {
            let report: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(report["interrupted"], true);
        }
        nothing_is_left(directory.path(), &mark);
    }
}

#[test]
fn a_signal_that_is_turned_off_stays_so() {
    let directory = tempdir().unwrap();
    let mut child = std::process::Command::new("bash")
        .args(["-c", "trap '' HUP; exec \"$@\"", "-", env!("CARGO_BIN_EXE_qemufile-conformance")])
        .args(["explore", "--seconds", "600"])
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    // As with nohup. The next signal shows that the first was not taken.
    let began = std::time::Instant::now();
    let ignores = |child: &Child| {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let mask = |name| {
            let mask = status.lines().find_map(|line: &str| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(mask.trim(), 16).unwrap()
        };
        mask("SigIgn:") & 1 == 1 && mask("SigCgt:") & (1 << 14) != 0
    };
    while !ignores(&child) {
        assert!(began.elapsed().as_secs() < 60);
        std::thread::yield_now();
    }
    rustix::process::kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    assert!(child.try_wait().unwrap().is_none());
    send(&mut child, Signal::TERM);
    assert_eq!(end_of(&mut child), End::Status(130));
}

#[test]
fn a_signal_while_a_reference_hangs_or_is_compiled_leaves_nothing() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let hang = changed(directory.path(), PUT_BYTE, ";", "; for (;;);");
    for (signal, twice) in
        [(Signal::INT, true), (Signal::TERM, true), (Signal::HUP, true), (Signal::TERM, false)]
    {
        let limit = if twice { "600" } else { "1" };
        let reference = hang.to_str().unwrap();
        let words = ["explore", "--seconds", "600", "--limit", limit, "--reference", reference];
        let (mut child, mark) = start(directory.path(), &words);
        send(&mut child, signal);
        // Wherever it is: at the compiler, at the start, or in the case that hangs.
        while twice && child.try_wait().unwrap().is_none() {
            let _ = rustix::process::kill_process(Pid::from_child(&child), signal);
        }
        // Where the first case that hangs was judged before the signal, it is told.
        assert!([End::Status(130), End::Status(1)].contains(&end_of(&mut child)), "{signal:?}");
        nothing_is_left(directory.path(), &mark);
    }
}

#[test]
fn what_a_reference_starts_ends_with_the_run() {
    if !has_original() {
        return;
    }
    for code in [
        "; if (!fork()) for (;;) pause();",
        // In a session of its own, and without its parent.
        "; if (!fork()) { setsid(); if (!fork()) for (;;) pause(); _exit(0); }",
    ] {
        let directory = tempdir().unwrap();
        let reference = forking(directory.path(), code);
        let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
        let trace = trace.to_str().unwrap();
        let (child, mark) = start(directory.path(), &["replay", trace, "--reference", &reference]);
        let said = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned()
            + &String::from_utf8_lossy(&said.stderr);
        assert!([0, 1].contains(&said.status.code().unwrap()), "{code}: {text}");
        nothing_is_left(directory.path(), &mark);
    }
}

#[test]
fn a_reference_that_kills_the_process_that_runs_it_is_told_and_leaves_nothing() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let reference =
        forking(directory.path(), "; if (!fork()) for (;;) pause(); kill(getppid(), SIGKILL);");
    let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    let trace = trace.to_str().unwrap();
    let (child, mark) = start(directory.path(), &["replay", trace, "--reference", &reference]);
    let said = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(2), "{err}");
    assert!(err.contains("signal 9 ended the run"), "{err}");
    nothing_is_left(directory.path(), &mark);
}

/// A copy of the original that forks, with what it needs of the system.
fn forking(directory: &Path, code: &str) -> String {
    let path = changed(directory, PUT_BYTE, ";", code);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("#include <unistd.h>\n#include <signal.h>\n{text}")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_folder_that_runs_no_programs_is_named_with_its_reason() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let folder = directory.path().join("mounted");
    fs::create_dir(&folder).unwrap();
    let reference = changed(directory.path(), 381, "==", "==");
    let said = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o noexec none \"$TMPDIR\" || exit 99; exec \"$@\"")
        .args(["-", env!("CARGO_BIN_EXE_qemufile-conformance"), "explore", "--cases", "5"])
        .args(["--reference", reference.to_str().unwrap()])
        .env("TMPDIR", &folder)
        .output();
    let said = match said {
        Ok(said) if said.status.code() != Some(99) && !said.stderr.starts_with(b"unshare:") => said,
        refused => {
            // Where nobody may mount anything; on the machines of this project anybody may.
            assert!(std::env::var_os("CI").is_none(), "{refused:?}");
            return eprintln!("nothing can be mounted here: {refused:?}");
        }
    };
    let err = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(2), "{err}");
    assert!(err.contains("noexec") && err.contains("TMPDIR"), "{err}");
    assert!(err.contains("failed to map segment"), "{err}");
}

#[test]
fn a_temporary_folder_that_cannot_be_written_is_named() {
    let directory = tempdir().unwrap();
    let file = write(directory.path(), "file", "");
    let trace = write(directory.path(), "a.c", "");
    let said = command(directory.path())
        .env("TMPDIR", &file)
        .args(["explore", "--cases", "5", "--reference", trace.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&said.stderr).contains("TMPDIR"));
    run(directory.path(), ["explore", "--cases", "5"]).expect(0);
}
