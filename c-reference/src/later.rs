//! The functions that versions from 9.0 on have beside the rest.

use crate::Host;
use crate::ffi::{Call, Function, NAMES};
use crate::host::Whence;
use crate::input::{guarded, unguarded};
use crate::outcome::{Outcome, Undefined};
use crate::session::Session;

/// What `qemu_get_buffer_at` gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetBufferAt {
    /// What it returned: the length where all was read, else 0.
    pub len: usize,
    /// The caller's memory afterwards, as long as it was asked for; zeros where nothing was
    /// written.
    pub buffer: Vec<u8>,
    /// The error that it gave to the caller, which the newest version does instead of storing it.
    pub error: Option<String>,
}

impl<H: Host> Session<H> {
    /// Whether the channel reads and writes at an offset. C: `qemu_file_is_seekable`, from 9.0 on.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`], [`Undefined::NoFunction`].
    pub fn is_seekable(&mut self, stream: usize) -> Outcome<bool> {
        Ok(self.ask(stream, Function::IsSeekable)? != 0)
    }

    /// Flushes, and writes the bytes at an offset of the channel; a failure is the stream's error.
    /// On a stream that reads it writes too. C: `qemu_put_buffer_at`, from 9.0 on.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`], [`Undefined::NoFunction`]; [`Undefined::WriteOfNothing`] where
    /// a version that continues a short write would do so for ever.
    pub fn put_buffer_at(&mut self, stream: usize, bytes: &[u8], offset: i64) -> Outcome<()> {
        let (file, _) = self.sound(stream)?;
        self.world.lent = (bytes.as_ptr() as usize, bytes.len());
        // C takes the address as `const`.
        let (bytes, len) = (bytes.as_ptr().cast_mut().cast(), bytes.len());
        let put =
            self.run(Call { file, bytes, len, value: offset, ..Call::new(Function::PutBufferAt) });
        self.world.lent = (0, 0);
        put.map(drop)
    }

    /// Reads `size` bytes at an offset of the channel, all or none; the buffer stays as it is.
    /// C: `qemu_get_buffer_at`, from 9.0 on.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`], [`Undefined::NoFunction`], [`Undefined::NoMemory`],
    /// [`Undefined::Overrun`].
    pub fn get_buffer_at(
        &mut self,
        stream: usize,
        size: usize,
        offset: i64,
        room: Vec<u8>,
    ) -> Outcome<GetBufferAt> {
        let (file, _) = self.sound(stream)?;
        let mut buffer = guarded(room, size, 0)?;
        self.world.lent = (buffer.as_ptr() as usize, size);
        let bytes = buffer.as_mut_ptr().cast();
        let got = self.run(Call {
            file,
            bytes,
            len: size,
            value: offset,
            ..Call::new(Function::GetBufferAt)
        });
        self.world.lent = (0, 0);
        let len = crate::input::size(&got?);
        let error = self.take_answer();
        Ok(GetBufferAt { len, buffer: unguarded(buffer)?, error })
    }

    /// Flushes a stream that writes, or drops what a stream that reads has buffered, and moves the
    /// channel; a failure is the stream's error. C: `qemu_set_offset`, from 9.0 on.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`], [`Undefined::NoFunction`].
    pub fn set_offset(&mut self, stream: usize, offset: i64, whence: Whence) -> Outcome<()> {
        let (file, _) = self.sound(stream)?;
        let whence = match whence {
            Whence::Start => libc::SEEK_SET,
            Whence::Current => libc::SEEK_CUR,
            Whence::End => libc::SEEK_END,
        };
        // Each of the three is above 0.
        let whence = usize::try_from(whence).unwrap_or(0);
        self.run(Call { file, value: offset, offset: whence, ..Call::new(Function::SetOffset) })?;
        Ok(())
    }

    /// Flushes, and tells where the channel is: bytes that are buffered and not taken count as
    /// read. -1 where it cannot tell, which is the stream's error too. C: `qemu_get_offset`, from
    /// 9.0 on.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`], [`Undefined::NoFunction`].
    pub fn get_offset(&mut self, stream: usize) -> Outcome<i64> {
        let (file, _) = self.sound(stream)?;
        Ok(self.run(Call { file, ..Call::new(Function::GetOffset) })?.number.cast_signed())
    }

    /// Flushes, and sends a descriptor with one byte that is counted nowhere; 0 or -1.
    /// C: `qemu_file_put_fd`, from 10.0 on.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`], [`Undefined::NoFunction`]; [`Undefined::NullError`] where the
    /// channel takes nothing now.
    pub fn put_fd(&mut self, stream: usize, descriptor: i32) -> Outcome<i32> {
        let (file, _) = self.sound(stream)?;
        let call =
            self.run(Call { file, value: descriptor.into(), ..Call::new(Function::PutFd) })?;
        Ok(crate::output::int(&call))
    }

    /// Takes a descriptor that has come, with the byte that it came with; none where there is
    /// none. C: `qemu_file_get_fd`, from 10.0 on.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`], [`Undefined::NoFunction`]; asserts that the stream reads, if the
    /// channel passes descriptors.
    pub fn get_fd(&mut self, stream: usize) -> Outcome<Option<i32>> {
        let (file, _) = self.sound(stream)?;
        let call = self.run(Call { file, ..Call::new(Function::GetFd) })?;
        if crate::output::int(&call) != 0 {
            return Ok(None);
        }
        #[expect(clippy::cast_possible_truncation, reason = "the shim has widened an int")]
        let descriptor = call.offset.cast_signed() as i32;
        self.world.forget(descriptor);
        Ok(Some(descriptor))
    }

    /// Makes the channel block, or not: what the function that returns (from 10.2 on) said, and
    /// the text of the error that it gave.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`]; [`Undefined::NoFunction`] where it returns nothing.
    pub fn try_set_blocking(
        &mut self,
        stream: usize,
        blocking: bool,
    ) -> Outcome<(bool, Option<String>)> {
        let (file, _) = self.sound(stream)?;
        if self.reference.kinds().set_blocking_returns == 0 {
            let function = NAMES[Function::SetBlocking as usize];
            return Err(Undefined::NoFunction { function }.into());
        }
        let call = self.run(Call {
            file,
            value: blocking.into(),
            len: 1,
            ..Call::new(Function::SetBlocking)
        })?;
        // C's bool is one byte of the number.
        Ok((call.number & 0xff != 0, self.take_answer()))
    }
}
