//! Streams of one reference over one host and one arena.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::panic::resume_unwind;
use std::ptr;

use libz_sys::{Z_OK, deflateEnd, deflateInit_, z_stream, zlibVersion};
use qemufile_core::GuestMemory;

use crate::assertion::Assertion;
use crate::callbacks;
use crate::fault::{Aftermath, Fault, FaultKind};
use crate::ffi::{ASSERTED, Call, FAULTED, File, Function, HostTable, LEFT, NAMES, RETURNED, View};
use crate::outcome::{Outcome, Stop, Undefined};
use crate::stream::{BUFFER, Condition, HostState, Leave, Slot, StreamState};
use crate::{Host, Reference};

/// Streams of one reference, numbered from 0 in order of creation.
///
/// Each of the functions is a method that returns exactly what C returned, errors as negative
/// numbers and ends of a stream as zero bytes included. A call that C leaves undefined is not
/// made: see [`Undefined`]. One arena stands for guest memory; its bytes are changed through the
/// caller's own handle.
pub struct Session<H: Host> {
    pub(crate) reference: Reference,
    pub(crate) table: HostTable,
    pub(crate) world: Box<HostState<H>>,
    compressors: Vec<Compressor>,
    /// Memory for a text on its way to C, which wants a zero behind it.
    pub(crate) text: Vec<u8>,
    /// Whether a call that makes or ends streams was broken off, so that references to channels
    /// cannot be counted.
    pub(crate) broken: bool,
}

/// A text constant of the reference, or nothing.
pub(crate) fn text(start: *const c_char) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: the shim gives string constants of the reference, which is loaded.
    unsafe { CStr::from_ptr(start) }.to_string_lossy().into_owned()
}

fn fault(call: &Call, kind: FaultKind) -> Fault {
    let (function, line) = (text(call.function_name), call.line);
    Fault { kind, function, line, detail: text(call.expression) }
}

/// A stream of zlib's. It points into itself once it is set up, so it never moves. Until then its
/// allocators are null, which its Rust type does not allow: hence it is never looked at here.
pub(crate) struct Compressor(Box<MaybeUninit<z_stream>>);

impl Compressor {
    pub(crate) fn new(level: i32) -> Option<Self> {
        let mut stream = Box::new(MaybeUninit::<z_stream>::zeroed());
        let len = i32::try_from(size_of::<z_stream>()).ok()?;
        // SAFETY: the structure is zeroed, so that zlib takes its own allocator; it stays where
        // it is, and is as long as `len` says.
        let code = unsafe { deflateInit_(stream.as_mut_ptr(), level, zlibVersion(), len) };
        (code == Z_OK).then_some(Self(stream))
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut z_stream {
        self.0.as_mut_ptr()
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: `new` has set the structure up, and nothing uses it any more.
        unsafe { deflateEnd(self.0.as_mut_ptr()) };
    }
}

impl<H: Host> Session<H> {
    /// A session without streams.
    #[must_use]
    pub fn new(reference: &Reference, arena: GuestMemory, host: H) -> Self {
        Self {
            reference: reference.clone(),
            table: callbacks::table::<H>(),
            world: Box::new(HostState::new(arena, host)),
            compressors: Vec::new(),
            text: Vec::new(),
            broken: false,
        }
    }

    /// The code that it runs.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The host that was given.
    #[must_use]
    pub fn host(&self) -> &H {
        &self.world.host
    }

    /// The host that was given.
    #[must_use]
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.world.host
    }

    /// The arena that was given.
    #[must_use]
    pub fn arena(&self) -> &GuestMemory {
        &self.world.arena
    }

    /// Bytes that all streams together have sent: the process-wide counter of QEMU, which is one
    /// per session here.
    #[must_use]
    pub fn counter(&self) -> u64 {
        self.table.transferred
    }

    /// Adds a compressor of a level of zlib's, 0 to 9, or -1 for its default; returns its number,
    /// counted from 0. It is reset, not made anew, for each call that uses it.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoLevel`] where zlib refuses.
    pub fn add_compressor(&mut self, level: i32) -> Outcome<usize> {
        let compressor = Compressor::new(level).ok_or(Undefined::NoLevel { level })?;
        self.compressors.push(compressor);
        Ok(self.compressors.len() - 1)
    }

    /// Drops all streams without closing them, drops all compressors, and sets the counter to 0.
    pub fn reset(&mut self) {
        self.drop_all();
    }

    /// Ends a trace as [`reset`](Self::reset) does, and tells what the reference has left behind:
    /// what no open stream leads to any more, and what was written to after it was freed.
    pub fn end(&mut self) -> Aftermath {
        let leaks = crate::memory::leaks(self);
        Aftermath { leaks, fault: self.drop_all() }
    }

    fn drop_all(&mut self) -> Option<Fault> {
        while let Some(slot) = self.world.slots.pop() {
            if slot.condition != Condition::Closed {
                self.discard(slot.file);
            }
        }
        self.compressors.clear();
        self.table.transferred = 0;
        self.broken = false;
        self.world.references.clear();
        self.world.received.clear();
        crate::memory::settle(&self.reference, &mut self.table)
    }

    /// Takes another arena.
    ///
    /// # Panics
    ///
    /// Where there are streams: they may have queued bytes of the arena that was.
    pub fn set_arena(&mut self, arena: GuestMemory) {
        assert!(self.world.slots.is_empty(), "the arena is changed between streams only");
        self.world.arena = arena;
    }

    /// What the original holds of a stream.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoStream`] and [`Undefined::BrokenStream`].
    pub fn state(&self, stream: usize) -> Outcome<StreamState> {
        Ok(self.open(stream)?.1)
    }

    /// How many streams were created, closed ones included.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.world.slots.len()
    }

    /// An open stream, and what it holds.
    fn open(&self, stream: usize) -> Result<(*mut File, StreamState), Undefined> {
        let slot = self.world.slots.get(stream).ok_or(Undefined::NoStream { stream })?;
        match slot.condition {
            Condition::Open => {}
            Condition::Broken => return Err(Undefined::BrokenStream { stream }),
            Condition::Closed => return Err(Undefined::NoStream { stream }),
        }
        let view = self.view(slot.file);
        let state = StreamState {
            writable: view.writable != 0,
            buf_index: view.index,
            buf_size: view.size,
            iovcnt: view.pieces,
            last_error: view.error,
        };
        Ok((slot.file, state))
    }

    /// An open stream whose cursor is in its buffer.
    pub(crate) fn sound(&self, stream: usize) -> Result<(*mut File, StreamState), Undefined> {
        let (file, state) = self.open(stream)?;
        let (index, size) = (state.buf_index, state.buf_size);
        let end = if state.writable {
            BUFFER
        } else {
            usize::try_from(size).unwrap_or(0).min(BUFFER + 1)
        };
        match usize::try_from(index) {
            Ok(at) if at <= end && end <= BUFFER => Ok((file, state)),
            _ => Err(Undefined::Cursor { stream, index, size }),
        }
    }

    /// An open stream that bytes can be put into.
    pub(crate) fn writing(&self, stream: usize) -> Result<(*mut File, StreamState), Undefined> {
        let (file, state) = self.sound(stream)?;
        if !state.writable {
            return Err(Undefined::Reads { stream });
        }
        if usize::try_from(state.buf_index) == Ok(BUFFER) && state.last_error == 0 {
            return Err(Undefined::Cursor { stream, index: state.buf_index, size: state.buf_size });
        }
        Ok((file, state))
    }

    pub(crate) fn compressor(&mut self, compressor: usize) -> Result<*mut z_stream, Undefined> {
        let found =
            self.compressors.get_mut(compressor).ok_or(Undefined::NoCompressor { compressor })?;
        Ok(found.as_mut_ptr())
    }

    /// The offset in its buffer of `len` bytes that the reference handed out, and a copy of them in
    /// `room`, which the reference no longer knows.
    pub(crate) fn handed_out(
        &self,
        address: *const u8,
        len: usize,
        mut room: Vec<u8>,
    ) -> Result<(usize, Vec<u8>), Undefined> {
        let offset = self.world.in_buffer(address as usize, len)?;
        // SAFETY: the bytes were just found in the buffer of a live stream, and no call runs.
        let bytes = unsafe { std::slice::from_raw_parts(address, len) };
        room.clear();
        room.extend_from_slice(bytes);
        Ok((offset, room))
    }

    /// The text of the error that the last call asked for.
    pub(crate) fn take_answer(&mut self) -> Option<String> {
        self.world.answer.take()
    }

    pub(crate) fn in_arena(&self, offset: usize, len: usize) -> Result<*mut u8, Undefined> {
        let arena = &self.world.arena;
        match offset.checked_add(len) {
            Some(end) if end <= arena.len() => Ok(arena.as_ptr().wrapping_add(offset)),
            _ => Err(Undefined::OutsideArena { offset, len, arena: arena.len() }),
        }
    }

    /// Makes a call whose arguments have been found defined.
    pub(crate) fn run(&mut self, mut call: Call) -> Outcome<Call> {
        self.world.leave = None;
        self.world.answer = None;
        self.table.context = (&raw mut *self.world).cast();
        let run = self.reference.table().run;
        // SAFETY: the table is complete and its context is the world of this `H`; streams,
        // compressors and ranges in `call` were checked by the method that made it. Neither the
        // world nor the table is touched from here until the shim returns.
        unsafe { run(&raw mut self.table, &raw mut call) };
        if call.ending == RETURNED {
            if !call.freed.is_null() && call.number & 0xffff_ffff == 0xdede_dede {
                // The result was taken from memory that the call had freed.
                return Err(Undefined::Fault(fault(&call, FaultKind::UseAfterFree)).into());
            }
            return Ok(call);
        }
        self.broken |= self.settle(&call);
        match (call.ending, self.world.leave.take()) {
            (ASSERTED, _) => {
                // An `unsigned int` fits.
                let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
                let site = Assertion {
                    function: text(call.function_name),
                    ordinal: number(call.ordinal),
                    of: number(call.of),
                    line: call.line,
                };
                let line = site.pinned_lines().first().copied().unwrap_or(0);
                Err(Stop::Asserted { line, expression: text(call.expression), site: site.into() })
            }
            (FAULTED, _) => Err(Undefined::Fault(fault(&call, FaultKind::of(call.fault))).into()),
            (LEFT, Some(Leave::Panic(panic))) => resume_unwind(panic),
            (LEFT, Some(Leave::Undefined(undefined))) => Err(undefined.into()),
            _ => {
                let function =
                    NAMES.get(call.function as usize).copied().unwrap_or("function of that number");
                Err(Undefined::NoFunction { function }.into())
            }
        }
    }

    /// Brings the slots in line with a call that did not return; whether it is one that makes or
    /// ends streams.
    fn settle(&mut self, call: &Call) -> bool {
        let constructor = [Function::NewInput, Function::NewOutput, Function::GetReturnPath]
            .iter()
            .any(|function| *function as u32 == call.function);
        if !call.made.is_null() && constructor {
            self.discard(call.made);
        }
        for slot in &mut self.world.slots {
            if slot.condition == Condition::Closed {
                continue;
            }
            if ptr::eq(slot.file, call.freed) {
                slot.condition = Condition::Closed;
            } else if (call.ending == LEFT || call.ending == FAULTED)
                && (ptr::eq(slot.file, call.file) || ptr::eq(slot.file, call.other))
            {
                slot.condition = Condition::Broken;
            }
        }
        constructor || call.function == Function::Fclose as u32
    }

    /// Numbers a stream that a call has made.
    pub(crate) fn adopt(&mut self, file: *mut File) -> usize {
        let buffer = self.view(file).buf as usize;
        self.world.slots.push(Slot { file, buffer, condition: Condition::Open });
        self.world.slots.len() - 1
    }

    /// Ends the number of a stream that a call has freed.
    pub(crate) fn retire(&mut self, stream: usize) {
        if let Some(slot) = self.world.slots.get_mut(stream) {
            slot.condition = Condition::Closed;
        }
    }

    pub(crate) fn view(&self, file: *mut File) -> View {
        let mut view = View {
            buf: ptr::null_mut(),
            writable: 0,
            index: 0,
            size: 0,
            pieces: 0,
            error: 0,
            channel: 0,
        };
        // SAFETY: `file` is a stream of this reference that has not been freed.
        unsafe { (self.reference.table().look)(file, &raw mut view) };
        view
    }

    fn discard(&mut self, file: *mut File) {
        // SAFETY: `file` is a stream of this reference that has not been freed, and no slot leads
        // to it any more; the table keeps memory of this reference's streams only.
        unsafe { (self.reference.table().discard)(&raw mut self.table, file) };
    }
}

impl<H: Host> Drop for Session<H> {
    fn drop(&mut self) {
        self.reset();
        // SAFETY: what the table keeps came from this reference, and nothing else refers to it.
        unsafe { (self.reference.table().empty)(&raw mut self.table) };
    }
}
