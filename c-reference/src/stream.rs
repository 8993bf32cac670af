//! The streams of one session, and where an address lies among them.

use std::any::Any;
use std::collections::BTreeMap;

use qemufile_core::GuestMemory;

use crate::Place;
use crate::ffi::File;
use crate::outcome::Undefined;

/// Length of a stream's buffer in every version of the file.
pub(crate) const BUFFER: usize = 32768;

/// What can be seen of a stream between two calls, as the original holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// Whether it writes. C: `is_writable`.
    pub writable: bool,
    /// Bytes of the buffer taken, or filled where it writes. C: `buf_index`.
    pub buf_index: i32,
    /// Bytes of the buffer read in; 0 where it writes. C: `buf_size`.
    pub buf_size: i32,
    /// Pieces queued. C: `iovcnt`.
    pub iovcnt: u32,
    /// The first error, 0 where there was none. C: `last_error`.
    pub last_error: i32,
}

/// A stream by its number: what is left of it.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) file: *mut File,
    /// Address of its buffer.
    pub(crate) buffer: usize,
    pub(crate) condition: Condition,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Open,
    /// A call on it was broken off; it waits to be given back.
    Broken,
    /// The original has freed it.
    Closed,
}

/// Why a callback wants its call to end.
pub(crate) enum Leave {
    Panic(Box<dyn Any + Send>),
    Undefined(Undefined),
}

/// All that callbacks reach.
pub(crate) struct HostState<H> {
    pub(crate) host: H,
    pub(crate) arena: GuestMemory,
    pub(crate) slots: Vec<Slot>,
    pub(crate) leave: Option<Leave>,
    /// Text of a channel's failure, until C has copied it.
    pub(crate) failure: String,
    /// Text of the error that a call asked for.
    pub(crate) answer: Option<String>,
    /// Bytes of the arena on their way to the host: nobody holds a `&[u8]` on the arena itself.
    pub(crate) staging: Vec<u8>,
    /// References to each channel, taken less dropped.
    pub(crate) references: BTreeMap<usize, i64>,
    /// Descriptors that came, and were neither closed nor handed out.
    pub(crate) received: Vec<i32>,
    /// Address and length of the memory that the caller has given to the call that runs.
    pub(crate) lent: (usize, usize),
}

impl<H> HostState<H> {
    pub(crate) fn new(arena: GuestMemory, host: H) -> Self {
        Self {
            host,
            arena,
            slots: Vec::new(),
            leave: None,
            failure: String::new(),
            answer: None,
            staging: Vec::new(),
            references: BTreeMap::new(),
            received: Vec::new(),
            lent: (0, 0),
        }
    }

    /// Where the `len` bytes at `address` lie, all of them.
    pub(crate) fn place(&self, address: usize, len: usize) -> Place {
        if let Some(offset) = inside(self.arena.as_ptr() as usize, self.arena.len(), address, len) {
            return Place::Arena(offset);
        }
        let open =
            self.slots.iter().enumerate().filter(|(_, slot)| slot.condition != Condition::Closed);
        for (stream, slot) in open {
            if let Some(offset) = inside(slot.buffer, BUFFER, address, len) {
                return Place::Buffer { stream, offset };
            }
        }
        Place::Elsewhere
    }

    /// Demands that bytes lie in the memory that the caller has given.
    pub(crate) fn in_lent(&self, address: usize, len: usize) -> Result<(), Undefined> {
        let (start, room) = self.lent;
        inside(start, room, address, len).map(drop).ok_or(Undefined::StrayAddress { len })
    }

    /// A descriptor has been closed, or handed out.
    pub(crate) fn forget(&mut self, descriptor: i32) {
        if let Some(at) = self.received.iter().position(|one| *one == descriptor) {
            self.received.swap_remove(at);
        }
    }

    /// Demands that bytes which the reference hands out lie in the buffer of a stream.
    pub(crate) fn in_buffer(&self, address: usize, len: usize) -> Result<usize, Undefined> {
        match self.place(address, len) {
            Place::Buffer { offset, .. } => Ok(offset),
            _ => Err(Undefined::StrayAddress { len }),
        }
    }
}

/// The offset of a range in a block that holds all of it.
fn inside(block: usize, block_len: usize, address: usize, len: usize) -> Option<usize> {
    let offset = address.checked_sub(block)?;
    (offset.checked_add(len)? <= block_len).then_some(offset)
}
