//! A channel to a child process.

use std::fmt;
use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shared_child::SharedChild;

use super::{Channel, DescriptorChannel, Direction, null::closed};
use crate::pieces::Pieces;

/// How long a child may take to end after its pipes are closed, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// A child process: what is written goes to its standard input, what is read comes from its
/// standard output. QEMU's `exec:`. C: `QIOChannelCommand`.
///
/// [`close`](Channel::close) closes both pipes and waits for the child, which has a minute to end
/// before it is killed, or its [`patience`](Self::patience); a child that fails makes the close
/// fail. A channel that is dropped without a close kills the child, so that none is left behind.
pub struct CommandChannel {
    child: SharedChild,
    input: Option<DescriptorChannel>,
    output: Option<DescriptorChannel>,
    ended: Mutex<bool>,
    patience: Duration,
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
        let child = SharedChild::spawn(&mut command)?;
        let output = child.take_stdin().map(DescriptorChannel::new).transpose()?;
        let input = child.take_stdout().map(DescriptorChannel::new).transpose()?;
        Ok(Self { child, input, output, ended: Mutex::new(false), patience: PATIENCE })
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

    /// The child's process id.
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

    fn reap(&self) -> io::Result<ExitStatus> {
        if let Some(status) = self.child.wait_timeout(self.patience)? {
            return Ok(status);
        }
        self.child.kill()?;
        self.child.wait()?;
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the child did not end after its pipes were closed; killed",
        ))
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

    fn close(&self) -> io::Result<()> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *ended {
            return Ok(());
        }
        *ended = true;
        let pipes = self.pipes().map(Channel::close).fold(Ok(()), Result::and);
        let status = self.reap()?;
        pipes?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("the child failed: {status}")))
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        if *self.ended.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(closed());
        }
        self.pipes().try_for_each(|pipe| pipe.set_blocking(blocking))
    }
}

impl Drop for CommandChannel {
    fn drop(&mut self) {
        if !*self.ended.lock().unwrap_or_else(PoisonError::into_inner) {
            // Nobody is left to tell if these fail, and the child is gone either way.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl fmt::Debug for CommandChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandChannel").field("id", &self.id()).finish_non_exhaustive()
    }
}
