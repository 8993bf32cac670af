//! Callbacks of what versions from 9.0 on call: transfers at an offset, and descriptors.

use std::ffi::{c_int, c_void};
use std::slice;

use super::{count, enter, fail, notify};
use crate::ffi::{MOST_DESCRIPTORS, Text, WOULD_BLOCK};
use crate::host::{ChannelCall, Whence};
use crate::outcome::Undefined;
use crate::stream::HostState;
use crate::{Host, Transfer};

/// What C finds for `transfer` of at most `given` bytes.
fn transferred<H>(
    state: &mut HostState<H>,
    transfer: Transfer,
    given: usize,
    failure: *mut Text,
) -> Result<isize, Undefined> {
    match transfer {
        Transfer::Done(moved) => count(moved, given),
        Transfer::WouldBlock => Ok(WOULD_BLOCK),
        Transfer::Failed(text) => Ok(fail(state, text, failure)),
    }
}

pub(super) unsafe extern "C" fn can_seek<H: Host>(context: *mut c_void, channel: usize) -> isize {
    enter::<H>(context, |state| Ok(isize::from(state.host.can_seek(channel))))
}

pub(super) unsafe extern "C" fn can_pass<H: Host>(context: *mut c_void, channel: usize) -> isize {
    enter::<H>(context, |state| Ok(isize::from(state.host.can_pass(channel))))
}

pub(super) unsafe extern "C" fn read_at<H: Host>(
    context: *mut c_void,
    channel: usize,
    into: *mut u8,
    len: usize,
    offset: i64,
    failure: *mut Text,
) -> isize {
    enter::<H>(context, |state| {
        state.in_lent(into as usize, len)?;
        let into = if len == 0 {
            &mut []
        } else {
            // SAFETY: the bytes were just found in memory that the caller has lent to the call,
            // and which nothing else refers to while it runs.
            unsafe { slice::from_raw_parts_mut(into, len) }
        };
        let transfer = state.host.read_at(channel, into, offset);
        transferred(state, transfer, len, failure)
    })
}

pub(super) unsafe extern "C" fn write_at<H: Host>(
    context: *mut c_void,
    channel: usize,
    bytes: *const u8,
    len: usize,
    offset: i64,
    failure: *mut Text,
) -> isize {
    enter::<H>(context, |state| {
        state.in_lent(bytes as usize, len)?;
        let bytes = if len == 0 {
            &[]
        } else {
            // SAFETY: the bytes were just found in memory that the caller has lent to the call.
            unsafe { slice::from_raw_parts(bytes, len) }
        };
        let transfer = state.host.write_at(channel, bytes, offset);
        transferred(state, transfer, len, failure)
    })
}

pub(super) unsafe extern "C" fn seek<H: Host>(
    context: *mut c_void,
    channel: usize,
    offset: i64,
    whence: c_int,
    failure: *mut Text,
) -> i64 {
    let mut place = -1;
    let answer = enter::<H>(context, |state| {
        let whence = match whence {
            libc::SEEK_SET => Whence::Start,
            libc::SEEK_CUR => Whence::Current,
            libc::SEEK_END => Whence::End,
            whence => return Err(Undefined::NoWhence { whence }),
        };
        match state.host.seek(channel, offset, whence) {
            Ok(there) => {
                place = i64::try_from(there).map_err(|_| Undefined::NoPlace { place: there })?;
                Ok(0)
            }
            Err(text) => Ok(fail(state, text, failure)),
        }
    });
    match answer {
        0 => place,
        crate::ffi::LEAVE => i64::MIN,
        _ => -1,
    }
}

pub(super) unsafe extern "C" fn read_fds<H: Host>(
    context: *mut c_void,
    channel: usize,
    into: *mut u8,
    len: usize,
    preserve_blocking: c_int,
    descriptors: *mut c_int,
    descriptors_len: *mut usize,
    failure: *mut Text,
) -> isize {
    enter::<H>(context, |state| {
        state.in_buffer(into as usize, len)?;
        // SAFETY: the bytes were just found in the buffer of a live stream, allocated zeroed; the
        // original waits and nothing else refers to them.
        let into = unsafe { slice::from_raw_parts_mut(into, len) };
        let mut came = Vec::new();
        let transfer =
            state.host.read_with_descriptors(channel, into, preserve_blocking != 0, &mut came);
        if came.len() > MOST_DESCRIPTORS {
            return Err(Undefined::TooMuchMoved { moved: came.len(), given: MOST_DESCRIPTORS });
        }
        state.received.extend_from_slice(&came);
        // SAFETY: the shim gives room for so many numbers, and for their count.
        unsafe {
            descriptors.copy_from_nonoverlapping(came.as_ptr(), came.len());
            descriptors_len.write(came.len());
        }
        transferred(state, transfer, len, failure)
    })
}

pub(super) unsafe extern "C" fn write_fds<H: Host>(
    context: *mut c_void,
    channel: usize,
    bytes: *const u8,
    len: usize,
    descriptors: *const c_int,
    descriptors_len: usize,
    failure: *mut Text,
) -> isize {
    enter::<H>(context, |state| {
        // SAFETY: the shim gives the one piece of the original's call, and its descriptors.
        let (bytes, descriptors) = unsafe {
            (slice::from_raw_parts(bytes, len), slice::from_raw_parts(descriptors, descriptors_len))
        };
        let transfer = state.host.write_with_descriptors(channel, bytes, descriptors);
        if matches!(transfer, Transfer::WouldBlock | Transfer::Done(0)) {
            // The original takes the text of an error that is not there.
            return Err(Undefined::NullError);
        }
        transferred(state, transfer, len, failure)
    })
}

pub(super) unsafe extern "C" fn close_fd<H: Host>(
    context: *mut c_void,
    descriptor: c_int,
) -> isize {
    enter::<H>(context, |state| {
        state.forget(descriptor);
        state.host.close_descriptor(descriptor);
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn observed<H: Host>(
    context: *mut c_void,
    call: u32,
    error: c_int,
) -> isize {
    let call = match call {
        0 => ChannelCall::Read,
        1 => ChannelCall::Write,
        2 => ChannelCall::Shutdown,
        _ => ChannelCall::Close,
    };
    notify::<H>(context, |host| host.observed(call, error))
}
