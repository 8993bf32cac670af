//! Bytes passed on: to guest memory, to a descriptor, to another sink.

use std::ops::Range;
use std::os::fd::BorrowedFd;

use super::Input;
use crate::IO_BUF_SIZE;
use crate::error::Error;
use crate::memory::GuestMemory;

impl Input {
    /// As [`get_buffer_exact`](Self::get_buffer_exact), into guest memory, with one copy.
    pub(crate) async fn get_guest(
        &mut self,
        memory: &GuestMemory,
        range: Range<usize>,
    ) -> Result<(), Error> {
        let range = memory.range(range)?;
        let (mut at, wanted) = (range.start, range.len());
        let mut moving = self.endpoint.moving();
        while at < range.end {
            let found = self.peek((range.end - at).min(IO_BUF_SIZE), 0).await;
            let count = found.len();
            if count == 0 {
                break;
            }
            memory.write_at(at, &self.buffer.0[found])?;
            self.index += count;
            at += count;
            moving.arm();
        }
        moving.done();
        self.counted(wanted, at - range.start)
    }

    /// Passes `size` bytes on to `write`, each with one call of as many as are buffered; the bytes
    /// that a failing sink did not take stay unread. C: `qemu_file_get_to_fd`, L807.
    pub(crate) async fn get_to(
        &mut self,
        mut write: impl FnMut(&[u8]) -> std::io::Result<usize>,
        size: usize,
    ) -> Result<(), Error> {
        let mut written = 0;
        while written < size {
            if self.index == self.size {
                let mut moving = self.endpoint.moving();
                if written > 0 {
                    moving.arm();
                }
                let filled = self.fill().await;
                moving.done();
                if filled.is_err() {
                    return Err(self.missing(size, written, &[], 0));
                }
                continue;
            }
            let buffered = self.buffered();
            let offered = &buffered[..buffered.len().min(size - written)];
            let error = match write(offered) {
                Ok(0) => {
                    std::io::Error::new(std::io::ErrorKind::WriteZero, "the sink took no byte")
                }
                Ok(count) if count <= offered.len() => {
                    self.index += count;
                    written += count;
                    continue;
                }
                Ok(count) => std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    format!("the sink claims {count} bytes where {} were offered", offered.len()),
                ),
                Err(error) => error,
            };
            return Err(Error::Sink { wanted: size, written, error: error.into() });
        }
        Ok(())
    }

    pub(crate) async fn get_to_fd(&mut self, fd: BorrowedFd<'_>, size: usize) -> Result<(), Error> {
        self.get_to(|bytes| Ok(rustix::io::write(fd, bytes)?), size).await
    }
}
