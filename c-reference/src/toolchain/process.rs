//! Running a compiler within limits.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::CompileError;

/// What a compiler may say, in bytes; the rest is read and dropped.
const SAID: usize = 1 << 20;
/// Address space of each process of a compiler, in bytes.
const MEMORY: u64 = 4 << 30;
/// The longest file that a compiler may write, in bytes.
const FILE: u64 = 1 << 28;
/// How often the caller's flag is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// A compiler that has come to an end.
pub(super) struct Ended {
    pub(super) compiler: String,
    pub(super) success: bool,
    pub(super) out: String,
    pub(super) said: String,
}

/// Runs `compiler`, or the first usual one where it is empty, for `file`.
pub(super) fn run(
    compiler: &str,
    arguments: &[OsString],
    file: &Path,
    limit: Duration,
    cancel: Option<&AtomicBool>,
) -> Result<Ended, CompileError> {
    let candidates =
        if compiler.trim().is_empty() { vec!["cc", "gcc", "clang"] } else { vec![compiler.trim()] };
    for candidate in &candidates {
        // CC may carry flags or a wrapper: "ccache gcc".
        let mut words = candidate.split_whitespace().map(OsStr::new);
        let Some(program) = words.next() else { continue };
        let mut command = Command::new(program);
        command.args(words).args(arguments);
        match spawn(&mut command) {
            Ok(child) => return wait(child, candidate, file, limit, cancel),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(CompileError::Refused {
                    path: PathBuf::from(program),
                    compiler: (*candidate).to_owned(),
                    said: error.to_string(),
                    unknown: Vec::new(),
                });
            }
        }
    }
    Err(CompileError::NoCompiler { tried: candidates.join(", ") })
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    // Messages are read by their English words, and the group is ended as one.
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    // SAFETY: setrlimit may be called between fork and exec, and nothing else is.
    unsafe {
        command.pre_exec(|| {
            for (resource, most) in [(libc::RLIMIT_AS, MEMORY), (libc::RLIMIT_FSIZE, FILE)] {
                let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
                if libc::setrlimit(resource, &raw const limit) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    command.spawn()
}

/// The beginning of what comes, read to its end.
fn beginning(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read before a failure is what there is to show.
    let _ = from.by_ref().take(SAID as u64).read_to_end(&mut bytes);
    let _ = io::copy(&mut from, &mut io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait(
    mut child: Child,
    compiler: &str,
    file: &Path,
    limit: Duration,
    cancel: Option<&AtomicBool>,
) -> Result<Ended, CompileError> {
    let group = child.id().cast_signed();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let out = thread::spawn(move || stdout.map(beginning).unwrap_or_default());
    let said = thread::spawn(move || stderr.map(beginning).unwrap_or_default());
    let (tell, told) = channel();
    let waiter = thread::spawn(move || {
        // The other side may have gone on after the limit.
        let _ = tell.send(child.wait());
    });
    let begun = Instant::now();
    let (mut late, mut cancelled) = (false, false);
    let status = loop {
        match told.recv_timeout(GLANCE) {
            Ok(status) => break status,
            Err(RecvTimeoutError::Disconnected) => break Err(io::ErrorKind::BrokenPipe.into()),
            Err(RecvTimeoutError::Timeout) => {
                late |= begun.elapsed() > limit;
                cancelled |= cancel.is_some_and(|flag| flag.load(Ordering::Relaxed));
                if late || cancelled {
                    // SAFETY: a signal to the group that this function started; its leader has
                    // not been waited for, or the group is empty and the call fails.
                    unsafe { libc::kill(-group, libc::SIGKILL) };
                }
            }
        }
    };
    // None of them panics: they only read and wait.
    let (out, said) = (out.join().unwrap_or_default(), said.join().unwrap_or_default());
    let _ = waiter.join();
    let (path, compiler) = (file.to_owned(), compiler.to_owned());
    if cancelled {
        return Err(CompileError::Cancelled { path });
    }
    if late {
        return Err(CompileError::TooLong { path, compiler, limit });
    }
    match status {
        Ok(status) => Ok(Ended { compiler, success: status.success(), out, said }),
        Err(error) => Err(CompileError::Refused {
            path,
            compiler,
            said: error.to_string(),
            unknown: Vec::new(),
        }),
    }
}
