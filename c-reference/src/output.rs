//! The functions that make, close and question streams, and those that put bytes.

use crate::ffi::{Call, Function, MOST_SINK, Text};
use crate::outcome::{Outcome, Undefined};
use crate::{Host, Session};

/// The result of a C function that returns `int`.
#[expect(clippy::cast_possible_truncation, reason = "the shim has widened an int")]
pub(crate) fn int(call: &Call) -> i32 {
    call.number.cast_signed() as i32
}

/// # Errors
///
/// Each method returns [`Stop`](crate::Stop) instead of a value where the call is not defined
/// for the stream, or where an assertion of the original fails.
impl<H: Host> Session<H> {
    /// A stream that reads. C: `qemu_file_new_input`, L127.
    ///
    /// # Errors
    ///
    /// None of its own; see [`Undefined`] for what a host or another version can cause.
    pub fn new_input(&mut self, channel: usize) -> Outcome<usize> {
        self.make(Call { channel, ..Call::new(Function::NewInput) })
    }

    /// A stream that writes. C: `qemu_file_new_output`, L122.
    ///
    /// # Errors
    ///
    /// None of its own; see [`Undefined`] for what a host or another version can cause.
    pub fn new_output(&mut self, channel: usize) -> Outcome<usize> {
        self.make(Call { channel, ..Call::new(Function::NewOutput) })
    }

    /// A stream in the other direction over the same channel. C: `qemu_file_get_return_path`, L117.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn get_return_path(&mut self, stream: usize) -> Outcome<usize> {
        let (file, _) = self.sound(stream)?;
        self.make(Call { file, ..Call::new(Function::GetReturnPath) })
    }

    fn make(&mut self, call: Call) -> Outcome<usize> {
        let made = self.run(call)?.made;
        Ok(self.adopt(made))
    }

    /// Marks the stream as failed and shuts its channel down; 0 or a negative errno.
    /// C: `qemu_file_shutdown`, L63.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn shutdown(&mut self, stream: usize) -> Outcome<i32> {
        self.ask(stream, Function::Shutdown)
    }

    /// The first error and its text; 0 and no text where there was none.
    /// C: `qemu_file_get_error_obj`, L140.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn get_error_obj(&mut self, stream: usize) -> Outcome<(i32, Option<String>)> {
        let code = self.ask(stream, Function::GetErrorObj)?;
        Ok((code, self.take_answer()))
    }

    /// The first error of one stream, else of the other; either may be absent.
    /// C: `qemu_file_get_error_obj_any`, L166.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn get_error_obj_any(
        &mut self,
        first: Option<usize>,
        second: Option<usize>,
    ) -> Outcome<(i32, Option<String>)> {
        let mut call = Call::new(Function::GetErrorObjAny);
        if let Some(stream) = first {
            call.file = self.sound(stream)?.0;
        }
        if let Some(stream) = second {
            call.other = self.sound(stream)?.0;
        }
        let code = int(&self.run(call)?);
        Ok((code, self.take_answer()))
    }

    /// Sets the error, unless one is set; a text that is not kept is reported.
    /// C: `qemu_file_set_error_obj`, L188.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn set_error_obj(&mut self, stream: usize, code: i32, text: Option<&str>) -> Outcome<()> {
        let (file, _) = self.sound(stream)?;
        let text = text.map_or(Text { start: std::ptr::null(), len: 0 }, |text| Text {
            start: text.as_ptr().cast(),
            len: text.len(),
        });
        self.run(Call { file, value: code.into(), text, ..Call::new(Function::SetErrorObj) })?;
        Ok(())
    }

    /// The first error; 0 where there was none. C: `qemu_file_get_error`, L205.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn get_error(&mut self, stream: usize) -> Outcome<i32> {
        self.ask(stream, Function::GetError)
    }

    /// Sets the error, unless one is set. C: `qemu_file_set_error`, L213.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn set_error(&mut self, stream: usize, code: i32) -> Outcome<()> {
        let (file, _) = self.sound(stream)?;
        self.run(Call { file, value: code.into(), ..Call::new(Function::SetError) })?;
        Ok(())
    }

    /// Sends what is queued; the stream's error, or 0. C: `qemu_fflush`, L265.
    ///
    /// # Errors
    ///
    /// [`Undefined::WriteOfNothing`] where the host would keep it busy for ever.
    pub fn fflush(&mut self, stream: usize) -> Outcome<i32> {
        self.ask(stream, Function::Fflush)
    }

    /// Flushes, closes the channel and ends the stream. C: `qemu_fclose`, L355.
    ///
    /// # Errors
    ///
    /// As for [`fflush`](Self::fflush).
    pub fn fclose(&mut self, stream: usize) -> Outcome<i32> {
        let code = self.ask(stream, Function::Fclose)?;
        self.retire(stream);
        Ok(code)
    }

    /// Queues `len` bytes of the arena by reference. C: `qemu_put_buffer_async`, L417.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutsideArena`] and [`Undefined::Reads`].
    pub fn put_buffer_async(
        &mut self,
        stream: usize,
        offset: usize,
        len: usize,
        may_free: bool,
    ) -> Outcome<()> {
        let (file, _) = self.writing(stream)?;
        let bytes = self.in_arena(offset, len)?.cast();
        self.run(Call {
            file,
            bytes,
            len,
            value: may_free.into(),
            ..Call::new(Function::PutBufferAsync)
        })?;
        Ok(())
    }

    /// Queues a copy of the bytes. C: `qemu_put_buffer`, L427.
    ///
    /// # Errors
    ///
    /// [`Undefined::Reads`].
    pub fn put_buffer(&mut self, stream: usize, bytes: &[u8]) -> Outcome<()> {
        let (file, _) = self.writing(stream)?;
        // C takes the address as `const`.
        let (bytes, len) = (bytes.as_ptr().cast_mut().cast(), bytes.len());
        self.run(Call { file, bytes, len, ..Call::new(Function::PutBuffer) })?;
        Ok(())
    }

    /// Queues the low byte of `value`. C: `qemu_put_byte`, L450.
    ///
    /// # Errors
    ///
    /// [`Undefined::Reads`].
    pub fn put_byte(&mut self, stream: usize, value: i32) -> Outcome<()> {
        self.put(stream, value.into(), Function::PutByte)
    }

    /// Queues the low 16 bits of `value`, big-endian. C: `qemu_put_be16`, L626.
    ///
    /// # Errors
    ///
    /// [`Undefined::Reads`].
    pub fn put_be16(&mut self, stream: usize, value: u32) -> Outcome<()> {
        self.put(stream, value.into(), Function::PutBe16)
    }

    /// Queues `value`, big-endian. C: `qemu_put_be32`, L632.
    ///
    /// # Errors
    ///
    /// [`Undefined::Reads`].
    pub fn put_be32(&mut self, stream: usize, value: u32) -> Outcome<()> {
        self.put(stream, value.into(), Function::PutBe32)
    }

    /// Queues `value`, big-endian. C: `qemu_put_be64`, L640.
    ///
    /// # Errors
    ///
    /// [`Undefined::Reads`].
    pub fn put_be64(&mut self, stream: usize, value: u64) -> Outcome<()> {
        self.put(stream, value.cast_signed(), Function::PutBe64)
    }

    /// Bytes sent by all streams, and queued by this one. C: `qemu_file_transferred`, L612.
    ///
    /// # Errors
    ///
    /// Asserts that the stream writes, L617.
    pub fn transferred(&mut self, stream: usize) -> Outcome<u64> {
        let (file, _) = self.sound(stream)?;
        Ok(self.run(Call { file, ..Call::new(Function::Transferred) })?.number)
    }

    /// Compresses the bytes into the buffer behind their length; the bytes queued, or -1 where
    /// there is no room. C: `qemu_put_compression_data`, L702.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoCompressor`], [`Undefined::CompressionIndex`] and [`Undefined::Reads`].
    pub fn put_compression_data(
        &mut self,
        stream: usize,
        compressor: usize,
        bytes: &[u8],
    ) -> Outcome<isize> {
        let (file, state) = self.writing(stream)?;
        if state.buf_index > 32764 {
            return Err(Undefined::CompressionIndex { index: state.buf_index }.into());
        }
        let stream = self.compressor(compressor)?;
        let (bytes, len) = (bytes.as_ptr().cast_mut().cast(), bytes.len());
        let call =
            self.run(Call { file, stream, bytes, len, ..Call::new(Function::PutCompressionData) })?;
        #[expect(clippy::cast_possible_truncation, reason = "the shim has widened a ssize_t")]
        Ok(call.number.cast_signed() as isize)
    }

    /// Puts what `source` has in its buffer into `destination`, and empties `source`; the bytes
    /// moved. C: `qemu_put_qemu_file`, L726.
    ///
    /// # Errors
    ///
    /// [`Undefined::SameStream`], and [`Undefined::Reads`] for the destination.
    pub fn put_qemu_file(&mut self, destination: usize, source: usize) -> Outcome<i32> {
        let (file, _) = self.writing(destination)?;
        let (other, _) = self.sound(source)?;
        if destination == source {
            return Err(Undefined::SameStream { stream: source }.into());
        }
        Ok(int(&self.run(Call { file, other, ..Call::new(Function::PutQemuFile) })?))
    }

    /// Whether nothing is queued. C: `qemu_file_buffer_empty`, L743.
    ///
    /// # Errors
    ///
    /// Asserts that the stream writes, L745.
    pub fn buffer_empty(&mut self, stream: usize) -> Outcome<bool> {
        Ok(self.ask(stream, Function::BufferEmpty)? != 0)
    }

    /// Puts the text behind one byte of length. C takes a text up to its first NUL, and so does
    /// this. C: `qemu_put_counted_string`, L771.
    ///
    /// # Errors
    ///
    /// Asserts that the text is shorter than 256 bytes, L775; [`Undefined::Reads`].
    pub fn put_counted_string(&mut self, stream: usize, text: &[u8]) -> Outcome<()> {
        let (file, _) = self.writing(stream)?;
        let mut terminated = std::mem::take(&mut self.text);
        terminated.clear();
        terminated.extend_from_slice(text);
        terminated.push(0);
        let bytes = terminated.as_mut_ptr().cast();
        let put = self.run(Call { file, bytes, ..Call::new(Function::PutCountedString) });
        self.text = terminated;
        put.map(drop)
    }

    /// Makes the channel block, or not. C: `qemu_file_set_blocking`, L786.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn set_blocking(&mut self, stream: usize, blocking: bool) -> Outcome<()> {
        let (file, _) = self.sound(stream)?;
        self.run(Call { file, value: blocking.into(), ..Call::new(Function::SetBlocking) })?;
        Ok(())
    }

    /// The number of the channel. C: `qemu_file_get_ioc`, L799.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`].
    pub fn get_ioc(&mut self, stream: usize) -> Outcome<usize> {
        let (file, _) = self.sound(stream)?;
        let call = self.run(Call { file, ..Call::new(Function::GetIoc) })?;
        #[expect(clippy::cast_possible_truncation, reason = "the shim has widened an address")]
        Ok(call.number as usize)
    }

    /// Copies `size` bytes to a sink; 0 or a negative errno. C: `qemu_file_get_to_fd`, L807.
    ///
    /// # Errors
    ///
    /// [`Undefined::Writes`] where a stream that writes has bytes queued; with none, it asserts
    /// that the stream reads, L307. [`Undefined::NoSink`].
    pub fn get_to_fd(&mut self, stream: usize, sink: usize, size: usize) -> Outcome<i32> {
        let (file, state) = self.sound(stream)?;
        if state.writable && state.buf_index > 0 && size > 0 {
            return Err(Undefined::Writes { stream }.into());
        }
        let value = i64::try_from(sink)
            .ok()
            .filter(|_| sink <= MOST_SINK)
            .ok_or(Undefined::NoSink { sink, most: MOST_SINK })?;
        Ok(int(&self.run(Call { file, value, len: size, ..Call::new(Function::GetToFd) })?))
    }

    fn put(&mut self, stream: usize, value: i64, function: Function) -> Outcome<()> {
        let (file, _) = self.writing(stream)?;
        self.run(Call { file, value, ..Call::new(function) })?;
        Ok(())
    }

    pub(crate) fn ask(&mut self, stream: usize, function: Function) -> Outcome<i32> {
        let (file, _) = self.sound(stream)?;
        Ok(int(&self.run(Call { file, ..Call::new(function) })?))
    }
}
