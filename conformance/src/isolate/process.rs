//! A child process that answers within a limit, or is ended.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use super::VERB;
use super::protocol::{MAX_MESSAGE, Reply, Request, send};
use super::sanitizer::{self, Report};

/// How a process failed to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It ended by a signal.
    Crashed(i32),
    /// It ended by itself, with this status where it gave one.
    Exited(Option<i32>),
    /// It did not answer in time, and was ended.
    Hung,
    /// A sanitizer ended it.
    Reported(Report),
    /// It gave no answer that can be understood.
    Gone(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed(signal) => write!(f, "crashed: {}", signal_name(*signal)),
            Self::Exited(Some(code)) => write!(f, "ended its process with status {code}"),
            Self::Exited(None) => f.write_str("ended its process"),
            Self::Hung => f.write_str("hung: no answer within the limit"),
            Self::Reported(report) => report.fmt(f),
            Self::Gone(reason) => f.write_str(reason),
        }
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

/// The process. It is ended when this is dropped.
pub(super) struct Process {
    child: Child,
    /// None when it is to end.
    requests: Option<ChildStdin>,
    replies: ChildStdout,
    /// What it says on standard error, where that is kept.
    said: Option<File>,
    /// Whether it has answered all that it was asked.
    fit: bool,
}

/// Time that a process has to end by itself, once nothing more will be asked.
const GRACE: Duration = Duration::from_secs(1);

impl Process {
    /// With `environment`, the object is built with sanitizers, and what they say is kept.
    pub(super) fn start(
        program: &Path,
        object: &Path,
        environment: &[(&'static str, String)],
    ) -> io::Result<Self> {
        let said = if environment.is_empty() { None } else { Some(tempfile::tempfile()?) };
        let stderr = match &said {
            Some(file) => Stdio::from(file.try_clone()?),
            None => Stdio::null(),
        };
        let mut child = Command::new(program)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .arg(VERB)
            .arg(object)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            // An interrupt at the terminal is for this process alone to act on.
            .process_group(0)
            .spawn()?;
        let (requests, replies) = (child.stdin.take(), child.stdout.take());
        match (requests, replies) {
            (Some(requests), Some(replies)) => {
                Ok(Self { child, requests: Some(requests), replies, said, fit: false })
            }
            _ => Err(io::Error::other("the process has no standard streams")),
        }
    }

    /// Sends a request and waits for the reply; afterwards the process is fit for the next one, or
    /// is to be dropped.
    pub(super) fn ask(&mut self, request: &Request<'_>, limit: Duration) -> Result<Reply, Broken> {
        self.fit = false;
        let Some(requests) = &mut self.requests else {
            return Err(Broken::Gone("is asked at its end".to_owned()));
        };
        match send(request, requests) {
            Ok(()) => self.reply(limit),
            Err(error) => Err(self.obituary(&error)),
        }
    }

    /// Waits for a reply.
    pub(super) fn reply(&mut self, limit: Duration) -> Result<Reply, Broken> {
        let until = Instant::now() + limit;
        let mut len = [0; 4];
        self.fill(&mut len, until)?;
        let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        if len > MAX_MESSAGE {
            return Err(Broken::Gone(format!("answered with a message of {len} bytes")));
        }
        let mut bytes = vec![0; len];
        self.fill(&mut bytes, until)?;
        let reply = rmp_serde::from_slice(&bytes)
            .map_err(|error| Broken::Gone(format!("answered what nobody understands: {error}")))?;
        self.fit = true;
        Ok(reply)
    }

    fn fill(&mut self, into: &mut [u8], until: Instant) -> Result<(), Broken> {
        let mut filled = 0;
        while filled < into.len() {
            let left = until.saturating_duration_since(Instant::now());
            let timeout =
                Timespec::try_from(left).map_err(|error| Broken::Gone(error.to_string()))?;
            let ready = poll(&mut [PollFd::new(&self.replies, PollFlags::IN)], Some(&timeout));
            match ready {
                Ok(0) => return Err(Broken::Hung),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(Broken::Gone(error.to_string())),
            }
            match self.replies.read(&mut into[filled..]) {
                Ok(0) => return Err(self.obituary(&io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.obituary(&error)),
            }
        }
        Ok(())
    }

    fn id(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Whether it runs. One that has ended is not waited for: its number, which is that of its
    /// group too, stays its own until then.
    fn runs(&self) -> bool {
        let Some(id) = self.id() else { return false };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        matches!(waitid(WaitId::Pid(id), options), Ok(None))
    }

    /// Ends the process, and all that the reference forked from it.
    fn kill(&self) {
        if let Some(id) = self.id() {
            // Both fail only where nobody is left.
            let _ = kill_process_group(id, Signal::KILL);
            let _ = kill_process(id, Signal::KILL);
        }
    }

    /// How a process ended that closed its side of the conversation.
    fn obituary(&mut self, error: &io::Error) -> Broken {
        // One that is ending keeps the status that it ends with; another must not be waited for.
        self.kill();
        let ended = self.child.wait();
        if let Some(report) = self.said.as_mut().and_then(sanitizer::report) {
            return Broken::Reported(report);
        }
        match ended {
            Ok(status) => match status.signal() {
                Some(signal) => Broken::Crashed(signal),
                None => Broken::Exited(status.code()),
            },
            Err(_) => Broken::Gone(error.to_string()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that is well sees the end of its requests and ends as a program does: what it counted
        // of the code that it ran is written then.
        drop(self.requests.take());
        let until = Instant::now() + GRACE;
        while self.fit && Instant::now() < until && self.runs() {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.kill();
        // It fails only where the process has been waited for.
        let _ = self.child.wait();
    }
}
