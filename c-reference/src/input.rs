//! The functions that take bytes. Where one gives bytes out, `room` is memory for them: what it holds
//! is overwritten, and a caller who has bytes to give back saves an allocation.

use crate::ffi::{Call, Function};
use crate::outcome::{Outcome, Undefined};
use crate::{Host, Session};

/// What `qemu_get_buffer_in_place` gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// The bytes, as many as it said.
    pub bytes: Vec<u8>,
    /// Where they are.
    pub source: Source,
}

/// Where the bytes of [`InPlace`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the stream's own buffer, so many bytes from its start.
    Buffer {
        /// Bytes from the start of the buffer.
        offset: usize,
    },
    /// Copied to the caller's memory.
    Copied,
    /// Nowhere: the caller's pointer is NULL now. Only for 0 bytes.
    Null,
}

/// What `qemu_get_counted_string` gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedString {
    /// What it returned: 0 for an empty text, and for one that was cut short.
    pub len: usize,
    /// The caller's memory afterwards: 256 bytes, with zeros for all that the call did not write.
    pub buffer: Vec<u8>,
}

/// What the caller's memory holds before a text is read into it: no zero.
const UNTOUCHED: u8 = 0xee;

#[expect(clippy::cast_possible_truncation, reason = "the shim has widened a size_t")]
pub(crate) fn size(call: &Call) -> usize {
    call.number as usize
}

/// What stands behind the memory that the reference writes to, and has to stay.
const GUARD: [u8; 8] = [0xa5; 8];

fn emptied(mut room: Vec<u8>) -> Vec<u8> {
    room.clear();
    room
}

/// Memory of `len` bytes `fill`, with a guard behind it.
pub(crate) fn guarded(room: Vec<u8>, len: usize, fill: u8) -> Result<Vec<u8>, Undefined> {
    let mut memory = emptied(room);
    memory
        .try_reserve_exact(len.saturating_add(GUARD.len()))
        .map_err(|_| Undefined::NoMemory { len })?;
    memory.resize(len, fill);
    memory.extend(GUARD);
    Ok(memory)
}

/// The same memory after a call, without its guard.
pub(crate) fn unguarded(mut memory: Vec<u8>) -> Result<Vec<u8>, Undefined> {
    let len = memory.len() - GUARD.len();
    if memory[len..] != GUARD {
        return Err(Undefined::Overrun { len });
    }
    memory.truncate(len);
    Ok(memory)
}

impl<H: Host> Session<H> {
    /// Steps over `size` bytes that are buffered; does nothing where there are fewer.
    /// C: `qemu_file_skip`, L460.
    ///
    /// # Errors
    ///
    /// [`Undefined::Skip`] unless `size` is 0 to 32768.
    pub fn skip(&mut self, stream: usize, size: i32) -> Outcome<()> {
        let (file, _) = self.sound(stream)?;
        if !(0..=32768).contains(&size) {
            return Err(Undefined::Skip { size }.into());
        }
        self.run(Call { file, value: size.into(), ..Call::new(Function::Skip) })?;
        Ok(())
    }

    /// Up to `size` bytes that follow `offset` bytes from here, left in place.
    /// C: `qemu_peek_buffer`, L475.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L480, that `offset` is below 32768, L481, and that `size`
    /// is at most 32768 - `offset`, L482.
    pub fn peek_buffer(
        &mut self,
        stream: usize,
        size_wanted: usize,
        offset: usize,
        room: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        let (file, _) = self.sound(stream)?;
        let call =
            self.run(Call { file, len: size_wanted, offset, ..Call::new(Function::PeekBuffer) })?;
        match size(&call) {
            0 => Ok(emptied(room)),
            len => Ok(self.handed_out(call.address, len, room)?.1),
        }
    }

    /// `size` bytes; fewer where the stream ends or fails. C: `qemu_get_buffer`, L523.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L480; [`Undefined::NoMemory`], [`Undefined::Overrun`].
    pub fn get_buffer(
        &mut self,
        stream: usize,
        size_wanted: usize,
        room: Vec<u8>,
    ) -> Outcome<Vec<u8>> {
        let (file, _) = self.sound(stream)?;
        let mut copy = guarded(room, size_wanted, 0)?;
        let bytes = copy.as_mut_ptr().cast();
        let call =
            self.run(Call { file, bytes, len: size_wanted, ..Call::new(Function::GetBuffer) })?;
        copy = unguarded(copy)?;
        copy.truncate(size(&call));
        Ok(copy)
    }

    /// Up to `size` bytes, in the stream's buffer where they fit. C: `qemu_get_buffer_in_place`, L564.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L480; [`Undefined::NoMemory`], [`Undefined::Overrun`].
    pub fn get_buffer_in_place(
        &mut self,
        stream: usize,
        size_wanted: usize,
        room: Vec<u8>,
    ) -> Outcome<InPlace> {
        let (file, _) = self.sound(stream)?;
        let mut copy = guarded(room, size_wanted, 0)?;
        let bytes = copy.as_mut_ptr();
        let call = self.run(Call {
            file,
            bytes: bytes.cast(),
            len: size_wanted,
            ..Call::new(Function::GetBufferInPlace)
        })?;
        let len = size(&call);
        copy = unguarded(copy)?;
        if call.address.is_null() && len == 0 {
            return Ok(InPlace { bytes: emptied(copy), source: Source::Null });
        }
        if std::ptr::eq(call.address, bytes) {
            copy.truncate(len);
            return Ok(InPlace { bytes: copy, source: Source::Copied });
        }
        let (offset, bytes) = self.handed_out(call.address, len, copy)?;
        Ok(InPlace { bytes, source: Source::Buffer { offset } })
    }

    /// The byte that follows `offset` bytes from here; 0 where there is none.
    /// C: `qemu_peek_byte`, L586.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L590, and that `offset` is below 32768, L591;
    /// [`Undefined::PeekOffset`] for a negative one.
    pub fn peek_byte(&mut self, stream: usize, offset: i32) -> Outcome<i32> {
        let (file, state) = self.sound(stream)?;
        if offset < 0 && !state.writable {
            return Err(Undefined::PeekOffset { offset }.into());
        }
        let call =
            self.run(Call { file, value: offset.into(), ..Call::new(Function::PeekByte) })?;
        #[expect(clippy::cast_possible_truncation, reason = "the shim has widened an int")]
        Ok(call.number.cast_signed() as i32)
    }

    /// The next byte; 0 where there is none. C: `qemu_get_byte`, L603.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L590.
    pub fn get_byte(&mut self, stream: usize) -> Outcome<i32> {
        self.ask(stream, Function::GetByte)
    }

    /// The next two bytes, big-endian; a missing one is 0. C: `qemu_get_be16`, L646.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L590.
    pub fn get_be16(&mut self, stream: usize) -> Outcome<u32> {
        self.take(stream, Function::GetBe16)
    }

    /// The next four bytes, big-endian; a missing one is 0. C: `qemu_get_be32`, L654.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L590.
    pub fn get_be32(&mut self, stream: usize) -> Outcome<u32> {
        self.take(stream, Function::GetBe32)
    }

    /// The next eight bytes, big-endian; a missing one is 0. C: `qemu_get_be64`, L664.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L590.
    pub fn get_be64(&mut self, stream: usize) -> Outcome<u64> {
        let (file, _) = self.sound(stream)?;
        Ok(self.run(Call { file, ..Call::new(Function::GetBe64) })?.number)
    }

    /// The text behind one byte of length. C: `qemu_get_counted_string`, L757.
    ///
    /// # Errors
    ///
    /// Asserts that the stream reads, L590; [`Undefined::NoZero`], [`Undefined::Overrun`].
    pub fn get_counted_string(&mut self, stream: usize, room: Vec<u8>) -> Outcome<CountedString> {
        let (file, _) = self.sound(stream)?;
        let mut buffer = guarded(room, 256, UNTOUCHED)?;
        let bytes = buffer.as_mut_ptr().cast();
        let call = self.run(Call { file, bytes, ..Call::new(Function::GetCountedString) })?;
        buffer = unguarded(buffer)?;
        // The zero behind the text is the last byte that the call writes.
        match buffer.iter().rposition(|byte| *byte != UNTOUCHED) {
            Some(end) if buffer[end] == 0 => buffer[end..].fill(0),
            _ => return Err(Undefined::NoZero { stream }.into()),
        }
        Ok(CountedString { len: size(&call), buffer })
    }

    fn take(&mut self, stream: usize, function: Function) -> Outcome<u32> {
        let (file, _) = self.sound(stream)?;
        let call = self.run(Call { file, ..Call::new(function) })?;
        #[expect(clippy::cast_possible_truncation, reason = "the shim has widened an unsigned int")]
        Ok(call.number as u32)
    }
}
