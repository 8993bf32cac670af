//! What readers do since QEMU 9.0: positioned reads, seeks, descriptors.

use std::collections::VecDeque;
use std::io::{self, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::Input;
use crate::endpoint::Endpoint;
use crate::error::{CloseError, Error, Operation, StreamError};
use crate::notice::Notice;
use crate::release::Release;

/// The byte that carries a descriptor.
const SERVICE: u8 = b' ';

/// Reads, and keeps the descriptors that come along. Up to 10.1 they are set to block.
#[cold]
pub(super) fn read_with_descriptors(
    endpoint: &Endpoint,
    room: &mut [u8],
    descriptors: &mut VecDeque<OwnedFd>,
) -> io::Result<usize> {
    let mut came = Vec::new();
    let outcome = endpoint.channel().read_with_descriptors(room, &mut came);
    if endpoint.config.release < Release::V10_2 {
        for descriptor in &came {
            // The descriptor is as useful if it stays as it is.
            let _ = fcntl_getfl(descriptor)
                .and_then(|flags| fcntl_setfl(descriptor, flags.difference(OFlags::NONBLOCK)));
        }
    }
    descriptors.extend(came);
    outcome
}

impl Input {
    /// Drops what is buffered and moves the channel's place. C: `qemu_set_offset`.
    pub(crate) fn set_offset(&mut self, to: SeekFrom) -> Result<u64, StreamError> {
        let to = match to {
            SeekFrom::Current(by) => SeekFrom::Current(by.saturating_sub_unsigned(self.ahead())),
            other => other,
        };
        self.index = 0;
        self.size = 0;
        self.endpoint.seek(to)
    }

    /// C: `qemu_get_offset`.
    pub(crate) fn offset(&self) -> Result<u64, StreamError> {
        let place = self.endpoint.seek(SeekFrom::Current(0))?;
        Ok(place.saturating_sub(self.ahead()))
    }

    /// Bytes by which the channel is ahead of the stream; with the quirk they do not count.
    fn ahead(&self) -> u64 {
        let buffered = self.buffered().len() as u64;
        if self.endpoint.config.quirks.channel_offset { 0 } else { buffered }
    }

    /// C: `qemu_file_get_fd`.
    pub(crate) async fn receive_descriptor(&mut self) -> Result<OwnedFd, Error> {
        self.endpoint.check_descriptors()?;
        if !self.endpoint.passes_descriptors {
            return Err(self.no_descriptor("does not support fd passing"));
        }
        if self.endpoint.config.quirks.descriptor_out_of_step {
            return self.first_descriptor().await;
        }
        let end_counts = self.endpoint.config.quirks.end_as_service_byte;
        let ([byte], count) = self.get_bytes().await;
        if count == 0 && !end_counts {
            return Err(self.missing(1, 0, &[], 0));
        }
        if byte == SERVICE {
            let first = self.descriptors.pop_front();
            return first.ok_or_else(|| self.no_descriptor("no FD come with service byte"));
        }
        // The original prints the byte itself, and a 0 ends its text.
        let shown = match byte {
            0 if end_counts => String::new(),
            _ if end_counts => format!("{})", String::from_utf8_lossy(&[byte])),
            _ => format!("{})", byte.escape_ascii()),
        };
        Err(self.no_descriptor(&format!("unexpected service byte: {byte}({shown}")))
    }

    /// Whatever the next byte is. C: `qemu_file_get_fd`, up to 10.2.
    async fn first_descriptor(&mut self) -> Result<OwnedFd, Error> {
        self.peek_byte(0).await;
        match self.descriptors.pop_front() {
            Some(descriptor) => {
                self.get_bytes::<1>().await;
                Ok(descriptor)
            }
            None if self.endpoint.failed() => Err(self.missing(1, 0, &[], 0)),
            None => Err(Error::NoDescriptor),
        }
    }

    fn no_descriptor(&self, what: &str) -> Error {
        let text = format!("{} {what}", self.endpoint.channel().name());
        let error = io::Error::new(io::ErrorKind::InvalidData, text);
        let error = StreamError::channel(Operation::ReceiveDescriptor, 1, 0, error);
        self.endpoint.fail_descriptor(error).into()
    }

    /// Closes the channel, and the descriptors that nobody received. C: `qemu_fclose`.
    pub(crate) fn close(mut self) -> Result<(), CloseError> {
        let closed = crate::reader::close(&self.endpoint, self.endpoint.error());
        for unclaimed in self.descriptors.drain(..) {
            let descriptor = unclaimed.as_raw_fd();
            self.endpoint.config.reporter.report(&Notice::UnclaimedDescriptor { descriptor });
        }
        closed
    }
}
