//! All `unsafe` code of the crate: guest mappings and vectored writes on raw descriptors.
//!
//! Three things cannot be said in safe Rust:
//!
//! * Guest memory changes while it is looked at (other threads, a running guest). It is therefore
//!   never a `&[u8]`; its bytes are copied by the kernel or by the C library's `memcpy`.
//! * A piece of a vectored write may lie in guest memory, so it cannot be an `IoSlice`. The array
//!   for `writev` and `sendmsg` is built here from addresses that the borrowed [`Pieces`] keep
//!   alive.
//! * `madvise` and `mmap` take addresses.
//!
//! # Why `memcpy` may copy what others change
//!
//! A copy between Rust's own places must not race. This one is made by compiled code of another
//! language, called through a pointer that the compiler cannot see through (it is read as
//! volatile). What such code does has to be something that Rust code could do, as for inline
//! assembly, and that is all the compiler knows of it. The machine's plain loads and stores, of
//! whatever width and in whatever order, do no more than relaxed atomic loads and stores of single
//! bytes could: each byte is read and written whole, once or more often. Relaxed atomics may race,
//! so that this may, with other such copies, with atomics of a byte, with volatile accesses, with
//! the kernel and with the guest. Because only bytes are ever assumed, no two sizes are mixed.
//!
//! Under Miri, which sees through everything, the bytes are relaxed atomics in fact.
//!
//! Everything else that the crate asks of the system goes through `rustix`.

use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::memory::GuestMemory;
use crate::pieces::Pieces;

/// What keeps the bytes mapped.
enum Owner {
    /// Mapped here, unmapped here.
    Anonymous,
    /// Kept alive by a value of the caller's.
    Caller {
        _keeps_alive: Box<dyn Any + Send + Sync>,
        /// Told of offset and length of what is written.
        dirty: Option<Box<dyn Fn(usize, usize) + Send + Sync>>,
    },
}

impl Owner {
    fn caller(owner: impl Any + Send + Sync) -> Self {
        Self::Caller { _keeps_alive: Box::new(owner), dirty: None }
    }
}

/// Copies `len` bytes, of which those at one end may change meanwhile.
///
/// # Safety
///
/// As for `ptr::copy_nonoverlapping`, but for races with accesses that are atomic or volatile, or
/// not made by Rust code.
#[cfg(not(miri))]
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) {
    type Copy = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void;
    static COPY: Copy = libc::memcpy;
    // SAFETY: the static is there, and is never written to.
    let copy = unsafe { ptr::read_volatile(&raw const COPY) };
    // SAFETY: the caller's contract; for races, see the head of this module.
    unsafe { copy(to.cast(), from.cast(), len) };
}

/// As the other one, for Miri: one byte at a time.
///
/// # Safety
///
/// As for the other one.
#[cfg(miri)]
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) {
    use std::sync::atomic::{AtomicU8, Ordering};
    for at in 0..len {
        // SAFETY: the caller's contract; a byte is as large and aligned as its atomic.
        let (to, from) = unsafe {
            (AtomicU8::from_ptr(to.add(at)), AtomicU8::from_ptr(from.cast_mut().add(at)))
        };
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// `len` bytes at `base` that stay mapped, readable and writable for the life of this value.
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    owner: Owner,
}

// SAFETY: the bytes are reached only by copies that may race, or by the kernel, from any thread.
unsafe impl Send for Mapping {}
// SAFETY: as for `Send`: no method hands out a reference to the bytes.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(crate) fn anonymous(len: usize) -> io::Result<Self> {
        if len == 0 {
            return Ok(Self { base: NonNull::dangling(), len, owner: Owner::caller(()) });
        }
        // SAFETY: a new private mapping at an address of the kernel's choice touches no memory
        // that anybody holds.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => {
                Ok(Self { base, len, owner: Owner::Anonymous })
            }
            _ => Err(io::Error::last_os_error()),
        }
    }

    #[inline]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where `len` bytes at `offset` begin, if all of them lie in the mapping.
    fn address(&self, offset: usize, len: usize) -> Option<*mut u8> {
        let end = offset.checked_add(len)?;
        (end <= self.len).then(|| self.base.as_ptr().wrapping_add(offset))
    }

    /// Copies bytes out, starting at `offset`; none where they leave the mapping.
    pub(crate) fn load(&self, offset: usize, into: &mut [u8]) {
        let Some(from) = self.address(offset, into.len()) else { return };
        // SAFETY: the bytes were just found to lie in the mapping, which is readable as long as
        // `self` lives. `into` is exclusive, so that it lies elsewhere: nobody may have a slice over
        // the mapping (the contract of `from_owner`).
        unsafe { copy(into.as_mut_ptr(), from, into.len()) };
    }

    /// Copies bytes in, starting at `offset`; none where they leave the mapping.
    pub(crate) fn store(&self, offset: usize, from: &[u8]) {
        let Some(to) = self.address(offset, from.len()) else { return };
        #[cfg(not(miri))]
        let source = from.as_ptr();
        // Miri's copy looks at both ends as atomics, for which a shared slice may not be used.
        #[cfg(miri)]
        let mut own = from.to_vec();
        #[cfg(miri)]
        let source = own.as_mut_ptr().cast_const();
        // SAFETY: as in `load`; the mapping is writable.
        unsafe { copy(to, source, from.len()) };
        if let Owner::Caller { dirty: Some(mark), .. } = &self.owner {
            mark(offset, from.len());
        }
    }

    /// Gives the pages of `len` bytes at `offset` back to the system; they read as the mapping's
    /// origin says (zero, where it is anonymous) from then on.
    pub(crate) fn discard(&self, offset: usize, len: usize) -> io::Result<()> {
        let Some(start) = self.address(offset, len) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // SAFETY: the bytes lie in the mapping. They may change at any time by contract, so that
        // the kernel changes them is nothing new to anybody.
        let rc = unsafe { libc::madvise(start.cast(), len, libc::MADV_DONTNEED) };
        if rc < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if matches!(self.owner, Owner::Anonymous) {
            // SAFETY: `anonymous` mapped exactly these bytes, and nobody can reach them any more.
            unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
        }
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping").field("base", &self.base).field("len", &self.len).finish()
    }
}

impl GuestMemory {
    /// Takes in memory that somebody else has mapped: `len` bytes at `base`, kept by `owner`.
    ///
    /// `owner` is dropped when the last clone is, and when nothing queued refers to it any more.
    ///
    /// # Safety
    ///
    /// * The bytes stay mapped, readable and writable until `owner` is dropped.
    /// * No `&[u8]` or `&mut [u8]` over them exists while this value or a clone of it does. Other
    ///   Rust code reaches them by atomic accesses of bytes or by volatile accesses only, as
    ///   `vm-memory` does; a plain access, through a raw pointer too, would be a data race.
    /// * Every page that the range touches may be discarded (`MADV_DONTNEED`) at any time.
    pub unsafe fn from_owner<T: Any + Send + Sync>(
        base: NonNull<u8>,
        len: usize,
        owner: T,
    ) -> Self {
        Self::from_mapping(Arc::new(Mapping { base, len, owner: Owner::caller(owner) }))
    }

    /// Takes in a region of [`vm-memory`](vm_memory), with the right to discard its pages.
    ///
    /// What is written to it, by [`write_at`](Self::write_at) and by
    /// [`Reader::get_guest`](crate::Reader::get_guest), is marked in the region's bitmap.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::PermissionDenied`] unless the region is mapped readable and writable.
    #[cfg(feature = "vm-memory")]
    pub fn from_region<B>(region: Arc<vm_memory::MmapRegion<B>>) -> io::Result<Self>
    where
        B: vm_memory::bitmap::Bitmap + Send + Sync + 'static,
    {
        const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;
        if region.prot() & BOTH != BOTH {
            let text = "the region is not mapped readable and writable";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        let base = NonNull::new(region.as_ptr()).unwrap_or(NonNull::dangling());
        let len = region.size();
        let bitmap = region.clone();
        // The region stays mapped until its last `Arc` is dropped, of which the owner is one. It is
        // readable and writable, and `vm-memory` gives out no references to its bytes, which it
        // treats as volatile: what `from_owner` asks for.
        let owner = Owner::Caller {
            _keeps_alive: Box::new(region),
            dirty: Some(Box::new(move |offset, len| bitmap.bitmap().mark_dirty(offset, len))),
        };
        Ok(Self::from_mapping(Arc::new(Mapping { base, len, owner })))
    }
}

/// Writes the front of `pieces` by one `writev`, or on a socket by one `sendmsg` that raises no
/// signal.
pub(crate) fn write_pieces(
    descriptor: BorrowedFd<'_>,
    is_socket: bool,
    pieces: Pieces<'_>,
) -> io::Result<usize> {
    let mut count = 0;
    let mut vector = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; crate::MAX_PIECES];
    for (element, piece) in vector.iter_mut().zip(pieces.iter()) {
        // The chunks of a piece touch: the kernel may take them as one.
        *element = libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
        count += 1;
    }
    let written = if is_socket {
        // SAFETY: `msghdr` is plain data, for which all zeros mean "nothing".
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = vector.as_mut_ptr();
        message.msg_iovlen = count;
        // SAFETY: each element of the vector names bytes that `pieces` borrows, in one mapping or
        // in several that touch, all of them readable for the length of this call.
        unsafe { libc::sendmsg(descriptor.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) }
    } else {
        // At most 64.
        let count = libc::c_int::try_from(count).unwrap_or(0);
        // SAFETY: as for `sendmsg`.
        unsafe { libc::writev(descriptor.as_raw_fd(), vector.as_ptr(), count) }
    };
    usize::try_from(written).map_err(|_| io::Error::last_os_error())
}

/// Closes a descriptor and says what the system says of it, which dropping it does not.
pub(crate) fn close(descriptor: OwnedFd) -> io::Result<()> {
    // SAFETY: the descriptor is owned and given up here; after `close` its number is free, also
    // where it reports an error.
    let rc = unsafe { libc::close(descriptor.into_raw_fd()) };
    if rc < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Registers a descriptor with the tokio runtime of the caller.
#[cfg(feature = "tokio")]
pub(crate) fn register(
    descriptor: Arc<OwnedFd>,
) -> io::Result<tokio::io::unix::AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: the `Arc` lives in the registration and keeps the descriptor open for as long; an
    // `OwnedFd` behind it never changes its number.
    unsafe { tokio::io::unix::AsyncFd::register(descriptor) }.map_err(io::Error::from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_leaves_the_mapping_is_not_touched() {
        const PAGE: usize = 4096;
        let mapping = Mapping::anonymous(2 * PAGE).unwrap();
        for (offset, len) in [(PAGE, 2 * PAGE), (PAGE, usize::MAX), (3 * PAGE, 0)] {
            assert!(mapping.address(offset, len).is_none());
            let error = mapping.discard(offset, len).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        assert!(mapping.address(0, 2 * PAGE).is_some());
        mapping.store(2 * PAGE - 2, &[1, 2, 3]);
        let mut bytes = [9; 2];
        mapping.load(2 * PAGE - 2, &mut bytes);
        assert_eq!(bytes, [0; 2], "all or nothing");
        bytes = [9; 2];
        mapping.load(2 * PAGE - 1, &mut bytes);
        assert_eq!(bytes, [9; 2]);
    }
}
