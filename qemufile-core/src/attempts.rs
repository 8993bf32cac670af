//! What one attempt at a channel came to, and whether another one follows.

use std::future::poll_fn;
use std::io;
use std::time::{Duration, Instant};

use crate::channel::Direction;
use crate::endpoint::Endpoint;
use crate::error::{Operation, StreamError};

/// Times in a row that a channel may say "would block" right after its wait ended. A sound one
/// does so once in a while; one that never stops would hang the caller.
pub(crate) const IDLE_WAITS: u32 = 1 << 16;

/// So many interruptions in less than this are no signals but a channel that does nothing else.
const STORM: Duration = Duration::from_secs(1);

/// Sorts the outcomes of one channel operation that is tried until it moves a byte.
pub(crate) struct Attempts {
    operation: Operation,
    wanted: usize,
    done: usize,
    /// Times in a row that it would have blocked, and that it was interrupted.
    idle: u32,
    interrupted: u32,
    /// When the interruptions that are counted began.
    since: Option<Instant>,
}

impl Attempts {
    pub(crate) fn new(operation: Operation, wanted: usize, done: usize) -> Self {
        Self { operation, wanted, done, idle: 0, interrupted: 0, since: None }
    }

    /// What to do after one attempt.
    #[inline]
    pub(crate) fn settle(&mut self, outcome: io::Result<usize>) -> Result<Settled, StreamError> {
        match outcome {
            Ok(count)
                if count <= self.wanted - self.done
                    && (count > 0
                        || matches!(self.operation, Operation::Read | Operation::ReadAt)) =>
            {
                self.done += count;
                self.idle = 0;
                Ok(Settled::Transferred(count))
            }
            other => self.settle_exceptional(other),
        }
    }

    #[cold]
    fn settle_exceptional(&mut self, outcome: io::Result<usize>) -> Result<Settled, StreamError> {
        let left = self.wanted - self.done;
        let error = match outcome {
            Ok(0) => io::Error::new(
                io::ErrorKind::WriteZero,
                "the channel took none of the bytes, and said neither that it would block nor why",
            ),
            Ok(count) => io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the channel claims {count} bytes where {left} were asked for"),
            ),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                let since = *self.since.get_or_insert_with(Instant::now);
                if !self.is_storm(since.elapsed()) {
                    return Ok(Settled::Again);
                }
                error
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.idle < IDLE_WAITS => {
                self.idle += 1;
                return Ok(Settled::Blocked);
            }
            Err(error) => error,
        };
        Err(StreamError::channel(self.operation, self.wanted, self.done, error))
    }

    /// Counts an interruption, `elapsed` after the first that is counted: whether there were too many
    /// in too short a time. Signals interrupt a call that waits for hours as often as they like.
    fn is_storm(&mut self, elapsed: Duration) -> bool {
        self.interrupted += 1;
        if self.interrupted < IDLE_WAITS {
            return false;
        }
        self.interrupted = 0;
        self.since = None;
        elapsed < STORM
    }

    /// Waits after an attempt that would have blocked, as a task.
    pub(crate) async fn wait(&self, endpoint: &Endpoint) -> Result<(), StreamError> {
        let ready = poll_fn(|cx| endpoint.channel().poll_ready(cx, self.direction())).await;
        ready.map_err(|error| self.waited(error))
    }

    /// Waits as the stream does, where speed does not matter.
    pub(crate) async fn wait_either(&self, endpoint: &Endpoint) -> Result<(), StreamError> {
        if endpoint.blocks() { self.wait_now(endpoint) } else { self.wait(endpoint).await }
    }

    /// As [`wait`](Self::wait), for a stream that [blocks](Endpoint::blocks).
    #[cold]
    pub(crate) fn wait_now(&self, endpoint: &Endpoint) -> Result<(), StreamError> {
        endpoint.channel().wait(self.direction()).map_err(|error| self.waited(error))
    }

    /// Bytes moved so far, those of an earlier round of attempts included.
    pub(crate) fn done(&self) -> usize {
        self.done
    }

    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    fn direction(&self) -> Direction {
        match self.operation {
            Operation::Write | Operation::WriteAt | Operation::SendDescriptor => Direction::Output,
            _ => Direction::Input,
        }
    }

    fn waited(&self, error: io::Error) -> StreamError {
        StreamError::channel(Operation::Wait, self.wanted, self.done, error)
    }
}

/// What an attempt came to.
pub(crate) enum Settled {
    /// So many bytes were moved; of a read, 0 is the end.
    Transferred(usize),
    /// Try again at once.
    Again,
    /// Wait, then try again.
    Blocked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_never_gets_ready_is_given_up() {
        let mut attempts = Attempts::new(Operation::Read, 1, 0);
        for _ in 0..IDLE_WAITS {
            let settled = attempts.settle(Err(io::ErrorKind::WouldBlock.into()));
            assert!(matches!(settled, Ok(Settled::Blocked)));
        }
        assert!(attempts.settle(Err(io::ErrorKind::WouldBlock.into())).is_err());
    }

    #[test]
    fn interruptions_count_by_how_many_come_in_a_second() {
        for (elapsed, storm) in [(STORM, false), (STORM - Duration::from_nanos(1), true)] {
            let mut attempts = Attempts::new(Operation::Read, 1, 0);
            for _ in 0..3 {
                for _ in 1..IDLE_WAITS {
                    assert!(!attempts.is_storm(elapsed));
                }
                attempts.since = Some(Instant::now());
                assert_eq!(attempts.is_storm(elapsed), storm);
                assert!(attempts.since.is_none(), "and the next count begins anew");
            }
        }
    }
}
