//! What writers do since QEMU 9.0: positioned writes, seeks, descriptors.

use std::io::SeekFrom;
use std::os::fd::BorrowedFd;

use super::output::Output;
use crate::attempts::{Attempts, Settled};
use crate::error::{Error, Operation, StreamError};

impl Output {
    /// Flushes before an operation on the channel itself. With the quirk, the operation follows
    /// whatever came of it.
    async fn flush_before(&mut self) -> Result<(), StreamError> {
        match self.flush().await {
            Err(error) if !self.endpoint.config.quirks.unchecked_flush => Err(error),
            _ => Ok(()),
        }
    }

    /// C: `qemu_put_buffer_at`.
    pub(crate) async fn put_buffer_at(
        &mut self,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), StreamError> {
        self.endpoint.check()?;
        self.flush_before().await?;
        self.endpoint.write_at(bytes, offset).await?;
        self.endpoint.check()
    }

    /// C: `qemu_set_offset`; with `SeekFrom::Current(0)`, `qemu_get_offset`.
    pub(crate) async fn seek(&mut self, to: SeekFrom) -> Result<u64, StreamError> {
        self.flush_before().await?;
        self.endpoint.seek(to)
    }

    /// Sends a space with `descriptor`, past the queue and not counted. C: `qemu_file_put_fd`,
    /// which crashes where the channel would block.
    pub(crate) async fn send_descriptor(
        &mut self,
        descriptor: BorrowedFd<'_>,
    ) -> Result<(), Error> {
        self.endpoint.check_descriptors()?;
        self.flush_before().await?;
        let mut attempts = Attempts::new(Operation::SendDescriptor, 1, 0);
        let error = loop {
            let outcome = self.endpoint.channel().write_with_descriptors(b" ", &[descriptor]);
            match attempts.settle(outcome) {
                Ok(Settled::Transferred(_)) => return Ok(()),
                Ok(Settled::Again) => {}
                Ok(Settled::Blocked) => match attempts.wait_either(&self.endpoint).await {
                    Ok(()) => {}
                    Err(error) => break error,
                },
                Err(error) => break error,
            }
        };
        Err(self.endpoint.fail_descriptor(error).into())
    }
}
