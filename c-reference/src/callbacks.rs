//! What the shim calls: each callback turns C's arguments into a call of [`Host`].
//!
//! Every function here is given the `context` that [`Session`](crate::Session) sets before it
//! enters the shim: its own `HostState<H>`, which nothing else touches until the shim returns.
//! Pointers come from the shim, as `shim/host.h` describes them. A callback never unwinds: it
//! answers `LEAVE`, the shim goes back to its entry over frames of C, and the session goes on.

mod later;

use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use smallvec::SmallVec;

use crate::ffi::{FAILED, HostTable, Iovec, LEAVE, Text, WOULD_BLOCK, ZLIB};
use crate::outcome::Undefined;
use crate::stream::{HostState, Leave};
use crate::{Direction, Host, Piece, Place, Transfer};

/// Pieces of a write that need no memory of their own: as many as a stream queues. C:
/// `MAX_IOV_SIZE`.
const PIECES: usize = 64;

/// The table of callbacks for hosts of type `H`, with no context yet.
pub(crate) fn table<H: Host>() -> HostTable {
    HostTable {
        context: std::ptr::null_mut(),
        read: read::<H>,
        write_pieces: write_pieces::<H>,
        wait: wait::<H>,
        in_coroutine: in_coroutine::<H>,
        can_shutdown: can_shutdown::<H>,
        shutdown: shutdown::<H>,
        close: close::<H>,
        set_blocking: set_blocking::<H>,
        reference: reference::<H>,
        unreference: unreference::<H>,
        release: release::<H>,
        report: report::<H>,
        answer: answer::<H>,
        describe: describe::<H>,
        sink_write: sink_write::<H>,
        closed: closed::<H>,
        can_seek: later::can_seek::<H>,
        can_pass: later::can_pass::<H>,
        read_at: later::read_at::<H>,
        write_at: later::write_at::<H>,
        seek: later::seek::<H>,
        read_fds: later::read_fds::<H>,
        write_fds: later::write_fds::<H>,
        close_fd: later::close_fd::<H>,
        observed: later::observed::<H>,
        zlib: &raw const ZLIB,
        transferred: 0,
        heap: std::ptr::null_mut(),
    }
}

/// Runs `body` on the state behind `context`, and keeps panics out of C.
fn enter<H: Host>(
    context: *mut c_void,
    body: impl FnOnce(&mut HostState<H>) -> Result<isize, Undefined>,
) -> isize {
    // SAFETY: the context is the session's `HostState<H>`; the session waits for the shim, and
    // callbacks do not nest, so this is the only reference to it.
    let state = unsafe { &mut *context.cast::<HostState<H>>() };
    let leave = match catch_unwind(AssertUnwindSafe(|| body(state))) {
        Ok(Ok(answer)) => return answer,
        Ok(Err(undefined)) => Leave::Undefined(undefined),
        Err(panic) => Leave::Panic(panic),
    };
    state.leave = Some(leave);
    LEAVE
}

fn count(moved: usize, given: usize) -> Result<isize, Undefined> {
    match isize::try_from(moved) {
        Ok(answer) if moved <= given => Ok(answer),
        _ => Err(Undefined::TooMuchMoved { moved, given }),
    }
}

/// Leaves the text of a failure where C finds it.
fn fail<H>(state: &mut HostState<H>, text: String, place: *mut Text) -> isize {
    state.failure = text;
    let text = Text { start: state.failure.as_ptr().cast(), len: state.failure.len() };
    // SAFETY: the shim gives the address of a `struct text` of its own.
    unsafe { place.write(text) };
    FAILED
}

fn finish<H: Host>(
    context: *mut c_void,
    place: *mut Text,
    body: impl FnOnce(&mut H) -> Result<(), String>,
) -> isize {
    enter::<H>(context, |state| {
        Ok(match body(&mut state.host) {
            Ok(()) => 0,
            Err(text) => fail(state, text, place),
        })
    })
}

fn notify<H: Host>(context: *mut c_void, body: impl FnOnce(&mut H)) -> isize {
    enter::<H>(context, |state| {
        body(&mut state.host);
        Ok(0)
    })
}

/// The text behind `start`; bytes that are not UTF-8 are replaced.
///
/// # Safety
///
/// `len` bytes at `start` are readable; `start` may be null where `len` is 0.
unsafe fn text(start: *const c_char, len: usize) -> String {
    if len == 0 {
        return String::new();
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice::from_raw_parts(start.cast::<u8>(), len) };
    String::from_utf8_lossy(bytes).into_owned()
}

unsafe extern "C" fn read<H: Host>(
    context: *mut c_void,
    channel: usize,
    into: *mut u8,
    len: usize,
    failure: *mut Text,
) -> isize {
    enter::<H>(context, |state| {
        state.in_buffer(into as usize, len)?;
        // SAFETY: the bytes were just found in the buffer of a live stream, allocated zeroed; the
        // original waits and nothing else refers to them.
        let into = unsafe { slice::from_raw_parts_mut(into, len) };
        match state.host.read(channel, into) {
            Transfer::Done(moved) => count(moved, len),
            Transfer::WouldBlock => Ok(WOULD_BLOCK),
            Transfer::Failed(text) => Ok(fail(state, text, failure)),
        }
    })
}

unsafe extern "C" fn write_pieces<H: Host>(
    context: *mut c_void,
    channel: usize,
    pieces: *const Iovec,
    pieces_len: usize,
    failure: *mut Text,
) -> isize {
    enter::<H>(context, |state| {
        // SAFETY: the shim gives an array of so many elements, at least one.
        let list = unsafe { slice::from_raw_parts(pieces, pieces_len) };
        let places: SmallVec<[Place; PIECES]> =
            list.iter().map(|piece| state.place(piece.base as usize, piece.len)).collect();
        let mut staged = 0;
        for (place, piece) in places.iter().zip(list) {
            if let Place::Arena(offset) = *place {
                let end = staged + piece.len;
                if state.staging.len() < end {
                    state.staging.resize(end, 0);
                }
                state
                    .arena
                    .read_at(offset, &mut state.staging[staged..end])
                    .map_err(|_| Undefined::StrayAddress { len: piece.len })?;
                staged = end;
            }
        }
        let mut rest = state.staging.as_slice();
        let mut given = 0_usize;
        let mut shown = SmallVec::<[_; PIECES]>::new();
        for (place, piece) in places.into_iter().zip(list) {
            let bytes = match place {
                Place::Arena(_) => {
                    let (bytes, after) = rest.split_at(piece.len);
                    rest = after;
                    bytes
                }
                // SAFETY: the bytes were just found in the buffer of a live stream, and nobody
                // changes them until this callback returns.
                Place::Buffer { .. } => unsafe { slice::from_raw_parts(piece.base, piece.len) },
                Place::Elsewhere => &[],
            };
            given = given.saturating_add(piece.len);
            shown.push(Piece { place, len: piece.len, bytes });
        }
        let transfer = state.host.write(channel, &shown);
        drop(shown);
        match transfer {
            Transfer::Done(0) => Err(Undefined::WriteOfNothing { channel }),
            Transfer::Done(moved) => count(moved, given),
            Transfer::WouldBlock => Ok(WOULD_BLOCK),
            Transfer::Failed(text) => Ok(fail(state, text, failure)),
        }
    })
}

unsafe extern "C" fn wait<H: Host>(
    context: *mut c_void,
    channel: usize,
    output: c_int,
    yielded: c_int,
) -> isize {
    let direction = if output == 0 { Direction::Input } else { Direction::Output };
    notify::<H>(context, |host| host.wait(channel, direction, yielded != 0))
}

unsafe extern "C" fn in_coroutine<H: Host>(context: *mut c_void) -> isize {
    enter::<H>(context, |state| Ok(isize::from(state.host.in_coroutine())))
}

unsafe extern "C" fn can_shutdown<H: Host>(context: *mut c_void, channel: usize) -> isize {
    enter::<H>(context, |state| Ok(isize::from(state.host.can_shutdown(channel))))
}

unsafe extern "C" fn shutdown<H: Host>(
    context: *mut c_void,
    channel: usize,
    failure: *mut Text,
) -> isize {
    finish::<H>(context, failure, |host| host.shutdown(channel))
}

unsafe extern "C" fn close<H: Host>(
    context: *mut c_void,
    channel: usize,
    failure: *mut Text,
) -> isize {
    finish::<H>(context, failure, |host| host.close(channel))
}

unsafe extern "C" fn set_blocking<H: Host>(
    context: *mut c_void,
    channel: usize,
    blocking: c_int,
    failure: *mut Text,
) -> isize {
    finish::<H>(context, failure, |host| host.set_blocking(channel, blocking != 0))
}

unsafe extern "C" fn reference<H: Host>(context: *mut c_void, channel: usize) -> isize {
    enter::<H>(context, |state| {
        state.host.reference(channel);
        *state.references.entry(channel).or_insert(0) += 1;
        Ok(0)
    })
}

unsafe extern "C" fn unreference<H: Host>(context: *mut c_void, channel: usize) -> isize {
    enter::<H>(context, |state| {
        state.host.unreference(channel);
        *state.references.entry(channel).or_insert(0) -= 1;
        Ok(0)
    })
}

unsafe extern "C" fn release<H: Host>(
    context: *mut c_void,
    start: *mut c_void,
    len: usize,
    error: *mut c_int,
) -> isize {
    enter::<H>(context, |state| {
        let place = state.place(start as usize, len);
        Ok(errno(state.host.release(place, len).map(|()| 0), error))
    })
}

unsafe extern "C" fn report<H: Host>(
    context: *mut c_void,
    start: *const c_char,
    len: usize,
) -> isize {
    // SAFETY: the shim gives a text and its length.
    let text = unsafe { text(start, len) };
    notify::<H>(context, |host| host.report(&text))
}

unsafe extern "C" fn answer<H: Host>(
    context: *mut c_void,
    start: *const c_char,
    len: usize,
) -> isize {
    enter::<H>(context, |state| {
        // SAFETY: the shim gives a text and its length.
        state.answer = Some(unsafe { text(start, len) });
        Ok(0)
    })
}

/// Writes the name of the place at `address` and answers its length in bytes.
unsafe extern "C" fn describe<H: Host>(
    context: *mut c_void,
    address: *const c_void,
    into: *mut u8,
    room: usize,
) -> isize {
    let answer = enter::<H>(context, |state| {
        let name = state.place(address as usize, 0).to_string();
        let len = name.len().min(room);
        // SAFETY: the shim gives `room` writable bytes, and `len` is no more than that.
        unsafe { into.copy_from_nonoverlapping(name.as_ptr(), len) };
        count(len, room)
    });
    answer.max(0)
}

unsafe extern "C" fn sink_write<H: Host>(
    context: *mut c_void,
    sink: usize,
    bytes: *const u8,
    len: usize,
    error: *mut c_int,
) -> isize {
    enter::<H>(context, |state| {
        state.in_buffer(bytes as usize, len)?;
        // SAFETY: the bytes were just found in the buffer of a live stream, and nobody changes
        // them until this callback returns.
        let bytes = unsafe { slice::from_raw_parts(bytes, len) };
        match state.host.sink_write(sink, bytes) {
            Ok(moved) => count(moved, len),
            Err(code) => Ok(errno(Err(code), error)),
        }
    })
}

/// The callback's answer, with the errno left where C finds it.
fn errno(result: Result<isize, i32>, place: *mut c_int) -> isize {
    match result {
        Ok(answer) => answer,
        Err(code) => {
            // SAFETY: the shim gives the address of an `int` of its own.
            unsafe { place.write(code) };
            FAILED
        }
    }
}

unsafe extern "C" fn closed<H: Host>(context: *mut c_void) -> isize {
    notify::<H>(context, H::closed)
}
