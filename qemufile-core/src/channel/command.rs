//! A channel to a child process.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use shared_child::SharedChild;

use super::{Channel, DescriptorChannel, Direction, null::closed};
use crate::pieces::Pieces;

/// How long a child may take to end after its pipes are closed, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// A child process: what is written goes to its standard input, what is read comes from its
/// standard output. QEMU's `exec:`. C: `QIOChannelCommand`.
///
/// The child leads a process group of its own, so that what it starts ends with it; signals from a
/// terminal do not reach it.
///
/// [`close`](Channel::close) closes both pipes and waits for the child, which has a minute to end
/// before its group is killed, or its [`patience`](Self::patience); a child that fails makes the
/// close fail. A channel that is dropped without a close does the same, but in a thread, and nobody
/// is told. [`shutdown`](Channel::shutdown) kills the group at once.
pub struct CommandChannel {
    child: Arc<SharedChild>,
    input: Option<DescriptorChannel>,
    output: Option<DescriptorChannel>,
    closed: AtomicBool,
    patience: Duration,
    /// The close of an asynchronous stream.
    closing: Arc<Mutex<Closing>>,
}

/// What a thread that waits for the child tells the task that does.
#[derive(Default)]
struct Closing {
    running: bool,
    outcome: Option<io::Result<()>>,
    waker: Option<Waker>,
}

/// Kills the child's group. One that has ended is none to kill.
fn kill(child: &SharedChild) -> io::Result<()> {
    match i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        Some(group) if child.try_wait()?.is_none() => Ok(kill_process_group(group, Signal::KILL)?),
        _ => Ok(()),
    }
}

fn reap(child: &SharedChild, patience: Duration) -> io::Result<ExitStatus> {
    if let Some(status) = child.wait_timeout(patience)? {
        return Ok(status);
    }
    kill(child)?;
    child.wait()?;
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "the child did not end after its pipes were closed; killed",
    ))
}

/// Waits for the child, when its pipes are closed.
fn end(child: &SharedChild, patience: Duration, pipes: io::Result<()>) -> io::Result<()> {
    let status = reap(child, patience)?;
    pipes?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("the child failed: {status}")))
}

impl CommandChannel {
    /// Starts `command` with pipes in the directions asked for: `Output` to write to it, `Input`
    /// to read from it. The others stay as `command` says.
    ///
    /// # Errors
    ///
    /// Where the child cannot be started.
    pub fn spawn(mut command: Command, directions: &[Direction]) -> io::Result<Self> {
        if directions.contains(&Direction::Output) {
            command.stdin(Stdio::piped());
        }
        if directions.contains(&Direction::Input) {
            command.stdout(Stdio::piped());
        }
        let child = SharedChild::spawn(command.process_group(0))?;
        let output = child.take_stdin().map(DescriptorChannel::new).transpose()?;
        let input = child.take_stdout().map(DescriptorChannel::new).transpose()?;
        Ok(Self {
            child: Arc::new(child),
            input,
            output,
            closed: AtomicBool::new(false),
            patience: PATIENCE,
            closing: Arc::default(),
        })
    }

    /// Starts a line of shell, as QEMU does for `exec:`.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn shell(line: &str, directions: &[Direction]) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(line);
        Self::spawn(command, directions)
    }

    /// How long a close waits for the child before it kills it.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The child's process id, and its group's.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn toward(&self, direction: Direction) -> io::Result<&DescriptorChannel> {
        let (pipe, what) = match direction {
            Direction::Input => (&self.input, "the child's output is not connected"),
            Direction::Output => (&self.output, "the child's input is not connected"),
        };
        pipe.as_ref().ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, what))
    }

    fn pipes(&self) -> impl Iterator<Item = &DescriptorChannel> {
        self.input.iter().chain(&self.output)
    }

    fn close_pipes(&self) -> io::Result<()> {
        self.pipes().map(Channel::close).fold(Ok(()), Result::and)
    }

    fn closing(&self) -> MutexGuard<'_, Closing> {
        self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the child in a thread, and tells `closing`.
    fn end_aside(&self) -> io::Result<()> {
        let pipes = self.close_pipes();
        let (child, patience) = (self.child.clone(), self.patience);
        let closing = self.closing.clone();
        thread::Builder::new().spawn(move || {
            let outcome = end(&child, patience, pipes);
            let mut closing = closing.lock().unwrap_or_else(PoisonError::into_inner);
            closing.outcome = Some(outcome);
            let waker = closing.waker.take();
            drop(closing);
            let _ = waker.map(Waker::wake);
        })?;
        Ok(())
    }
}

impl Channel for CommandChannel {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.toward(Direction::Input)?.read(into)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        self.toward(Direction::Output)?.write(pieces)
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        self.toward(direction)?.wait(direction)
    }

    fn can_shutdown(&self) -> bool {
        true
    }

    /// Kills the child's group: its pipes end, and whoever is blocked in them wakes up.
    fn shutdown(&self) -> io::Result<()> {
        kill(&self.child)
    }

    fn close(&self) -> io::Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let pipes = self.close_pipes();
        end(&self.child, self.patience, pipes)
    }

    fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut closing = self.closing();
        let before = closing.waker.replace(cx.waker().clone());
        let outcome = closing.outcome.take();
        let running = closing.running;
        closing.running &= outcome.is_none();
        drop(closing);
        drop(before);
        if let Some(outcome) = outcome {
            return Poll::Ready(outcome);
        }
        if !running {
            if self.closed.swap(true, Ordering::AcqRel) {
                return Poll::Ready(Ok(()));
            }
            self.end_aside()?;
            self.closing().running = true;
        }
        Poll::Pending
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        self.pipes().try_for_each(|pipe| pipe.set_blocking(blocking))
    }
}

impl Drop for CommandChannel {
    fn drop(&mut self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            // Nobody is left to tell if the kill fails as well.
            self.end_aside().unwrap_or_else(|_| kill(&self.child).unwrap_or_default());
        }
    }
}

impl fmt::Debug for CommandChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandChannel").field("id", &self.id()).finish_non_exhaustive()
    }
}
