//! A process that cleans up after the one that does the work.
//!
//! A reference is foreign code: it may fork, leave its session, or kill the process that runs it.
//! So a command that runs one does its work in a second process, and this first one stays behind:
//! it hands on signals, and at the end, whatever the end was, ends what is still running and removes
//! what is left in the temporary directory.
//!
//! ```text
//! guard --> worker: the command --> __reference --> whatever the reference starts
//! ```

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use signal_hook::consts::{SIGCHLD, SIGQUIT};
use signal_hook::iterator::Signals;

use crate::report::Status;
use crate::{Stop, interrupt};

/// Says to a worker, by the guard's process number, that it is one.
const VARIABLE: &str = "QEMUFILE_CONFORMANCE_GUARDED";

/// Whether this process is a worker, which then ends with its guard.
pub(crate) fn is_worker() -> bool {
    let guard = std::env::var(VARIABLE).ok().and_then(|guard| guard.parse::<i32>().ok());
    let parent = || rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get());
    if guard.is_none() || guard != parent() {
        return false;
    }
    #[cfg(target_os = "linux")]
    {
        // Where it fails a guard that is killed leaves its worker to end by itself.
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    }
    guard == parent()
}

/// Runs the command of this process's arguments in a worker, and cleans up after it.
pub(crate) fn run(words: &[OsString]) -> Result<ExitCode, Stop> {
    let signals = interrupt::wanted().chain([SIGQUIT, SIGCHLD]);
    let mut signals = Signals::new(signals).map_err(Stop::input)?;
    let directory = tempfile::Builder::new().prefix("qemufile-conformance-").tempdir();
    let directory = directory.map_err(|error| {
        Stop::unwritable(format!(
            "no temporary directory to compile in: {error}; set TMPDIR to one that can be written"
        ))
    })?;
    adopt();
    let program = std::env::current_exe().map_err(Stop::input)?;
    let worker = Command::new(program)
        .arg0(words.first().map_or_else(|| env!("CARGO_PKG_NAME").into(), OsString::clone))
        .args(words.iter().skip(1))
        .env(VARIABLE, std::process::id().to_string())
        .env("TMPDIR", directory.path())
        // A signal from the terminal comes to this process, which hands it on, once.
        .process_group(0)
        .spawn()
        .map_err(|error| Stop::input(format!("the command cannot be started again: {error}")))?;
    let worker = Pid::from_child(&worker);
    let ended = wait_for(worker, &mut signals);
    end_the_rest();
    ended
}

/// Whatever loses its parent below this process becomes its child.
fn adopt() {
    #[cfg(target_os = "linux")]
    {
        // Where it fails what left its process group is not found.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// Waits for the worker, and hands signals on to it.
fn wait_for(worker: Pid, signals: &mut Signals) -> Result<ExitCode, Stop> {
    let mut handed_on = Vec::new();
    let failed = |error: rustix::io::Errno| Stop::input(format!("the command is lost: {error}"));
    for signal in signals.forever() {
        if signal != SIGCHLD {
            handed_on.push(signal);
            if let Some(signal) = Signal::from_named_raw(signal) {
                // It may have ended just now.
                let _ = kill_process(worker, signal);
            }
            continue;
        }
        while let Some((child, status)) = wait(WaitOptions::NOHANG).map_err(failed)? {
            if child != worker {
                continue;
            }
            if let Some(status) = status.exit_status() {
                return Ok(u8::try_from(status).unwrap_or(u8::MAX).into());
            }
            if let Some(signal) = status.terminating_signal() {
                // It came before the worker was ready for it, or is one that is not waited for.
                if handed_on.contains(&signal) {
                    return Ok(Status::Interrupted.code().into());
                }
                return Err(Stop {
                    status: Status::BadInput,
                    message: format!(
                        "signal {signal} ended the run before its report was complete; a reference can do that to the process that runs it"
                    ),
                });
            }
        }
    }
    Err(failed(rustix::io::Errno::CHILD))
}

/// Ends what is left of the worker's children, of theirs, and so on.
fn end_the_rest() {
    loop {
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
        // One that ends leaves its children to this process: they are next.
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Children of this process.
fn children() -> Vec<Pid> {
    let this = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let number = process.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read_to_string(process.path().join("stat")).ok()?;
            // The name, in parentheses, may hold anything.
            let parent = line.rsplit_once(')')?.1.split_whitespace().nth(1)?;
            if parent == this { Pid::from_raw(number) } else { None }
        })
        .collect()
}
