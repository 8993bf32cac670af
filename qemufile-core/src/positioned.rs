//! Reading and writing at an offset, and moving a channel's place: what mapped-ram does.

use std::io::{self, SeekFrom};
use std::num::NonZeroI32;

use crate::attempts::{Attempts, Settled};
use crate::endpoint::Endpoint;
use crate::error::{Cause, Operation, StreamError};

/// `-EAGAIN`, the code of a positioned operation that would have blocked, up to 11.0.
const EAGAIN: NonZeroI32 = NonZeroI32::new(-libc::EAGAIN).unwrap();

impl Endpoint {
    /// Whether the channel is seekable. C: `qemu_file_is_seekable`.
    pub(crate) fn is_seekable(&self) -> bool {
        self.channel().seekable()
    }

    /// Writes all of `bytes` at `offset`; a failure is the stream's error. C: the second half of
    /// `qemu_put_buffer_at`.
    pub(crate) async fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StreamError> {
        let mut attempts = Attempts::new(Operation::WriteAt, bytes.len(), 0);
        let all = |at: usize| self.channel().write_at(&bytes[at..], place(offset, at));
        self.transfer(&mut attempts, bytes.len(), all).await?;
        self.config.transferred.add(bytes.len());
        Ok(())
    }

    /// Fills `into` from `offset` on; a failure is the stream's error. C: `qemu_get_buffer_at`.
    pub(crate) async fn read_at(&self, into: &mut [u8], offset: u64) -> Result<(), StreamError> {
        self.check()?;
        let wanted = into.len();
        let mut attempts = Attempts::new(Operation::ReadAt, wanted, 0);
        let all = |at: usize| self.channel().read_at(&mut into[at..], place(offset, at));
        self.transfer(&mut attempts, wanted, all).await
    }

    async fn transfer(
        &self,
        attempts: &mut Attempts,
        wanted: usize,
        mut attempt: impl FnMut(usize) -> io::Result<usize>,
    ) -> Result<(), StreamError> {
        let operation = attempts.operation();
        let once = self.config.quirks.single_attempt;
        let mut untried = once;
        // An attempt for no bytes at all is made up to 11.0.
        while untried || attempts.done() < wanted {
            let before = attempts.done();
            let outcome = attempt(before);
            let error = match outcome {
                Ok(count) if once && count < wanted => partial(operation, count, wanted),
                Ok(0) if wanted == 0 => return Ok(()),
                other => match attempts.settle(other) {
                    Ok(Settled::Transferred(0)) => StreamError::channel(
                        operation,
                        wanted,
                        before,
                        io::Error::new(
                            io::ErrorKind::UnexpectedEof,
                            "Unexpected end-of-file before all data were read",
                        ),
                    ),
                    Ok(Settled::Transferred(_)) => {
                        untried = false;
                        continue;
                    }
                    Ok(Settled::Again) => continue,
                    Ok(Settled::Blocked) if once => {
                        StreamError::with_code(EAGAIN, Cause::WouldBlock { operation })
                    }
                    Ok(Settled::Blocked) => match attempts.wait_either(self).await {
                        Ok(()) => continue,
                        Err(error) => error,
                    },
                    Err(error) => error,
                },
            };
            return Err(self.fail(error));
        }
        Ok(())
    }

    /// Moves the channel's place, and says where it is; a failure is the stream's error. C:
    /// `qio_channel_io_seek` in `qemu_set_offset` and `qemu_get_offset`.
    pub(crate) fn seek(&self, to: SeekFrom) -> Result<u64, StreamError> {
        self.channel()
            .seek(to)
            .map_err(|error| self.fail(StreamError::channel(Operation::Seek, 0, 0, error)))
    }
}

/// The offset of byte `at` of a transfer. One that is too large is the channel's to refuse.
fn place(offset: u64, at: usize) -> u64 {
    offset.saturating_add(at as u64)
}

/// What the original says of an attempt that moved a part.
fn partial(operation: Operation, count: usize, wanted: usize) -> StreamError {
    let (name, kind) = match operation {
        Operation::WriteAt => ("write", io::ErrorKind::WriteZero),
        _ => ("read", io::ErrorKind::UnexpectedEof),
    };
    let text = format!("Partial {name} of size {count}, expected {wanted}");
    StreamError::channel(operation, wanted, count, io::Error::new(kind, text))
}
