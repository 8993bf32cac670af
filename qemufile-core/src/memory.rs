//! Guest memory: bytes that change while they are sent, and that a flush may discard.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::error::Misuse;
use crate::sys::Mapping;

/// Memory of a guest. It is shared and may change at any time, so that no `&[u8]` over it exists.
///
/// Clones are handles to the same bytes. Offsets count from the start of the mapping.
///
/// [`anonymous`](Self::anonymous) makes a mapping of its own; [`from_owner`](Self::from_owner)
/// takes in any `mmap`ed region by contract, and with the feature `vm-memory`,
/// `from_region` takes in one of that crate's without `unsafe`.
///
/// ```
/// use qemufile_core::GuestMemory;
///
/// let memory = GuestMemory::anonymous(8192)?;
/// memory.write_at(4096, b"page")?;
/// let mut seen = [0; 4];
/// memory.read_at(4096, &mut seen)?;
/// assert_eq!(&seen, b"page");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GuestMemory {
    mapping: Arc<Mapping>,
}

impl GuestMemory {
    /// Maps `len` zeroed bytes, page-aligned, private to this process.
    ///
    /// # Errors
    ///
    /// What `mmap` says; [`io::ErrorKind::OutOfMemory`] as a rule.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        Ok(Self::from_mapping(Arc::new(Mapping::anonymous(len)?)))
    }

    pub(crate) fn from_mapping(mapping: Arc<Mapping>) -> Self {
        Self { mapping }
    }

    /// Length in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.mapping.len()
    }

    /// Whether the mapping has no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Address of the first byte. Bytes behind it may change at any time.
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.mapping.base().as_ptr()
    }

    /// Whether `other` is a handle to the same mapping.
    #[must_use]
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mapping, &other.mapping)
    }

    /// Copies bytes out, beginning at `offset`. A byte that changes meanwhile is seen old or new.
    ///
    /// # Errors
    ///
    /// [`Misuse::OutsideMemory`] where the range leaves the mapping; nothing is copied.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), Misuse> {
        self.checked(offset, into.len())?;
        self.mapping.load(offset, into);
        Ok(())
    }

    /// Copies bytes in, beginning at `offset`.
    ///
    /// # Errors
    ///
    /// [`Misuse::OutsideMemory`] where the range leaves the mapping; nothing is copied.
    pub fn write_at(&self, offset: usize, from: &[u8]) -> Result<(), Misuse> {
        self.checked(offset, from.len())?;
        self.mapping.store(offset, from);
        Ok(())
    }

    /// Gives the whole pages inside `offset .. offset + len` back to the system
    /// (`MADV_DONTNEED`). A page that the range covers in part is kept: its other bytes may not
    /// have been sent.
    ///
    /// # Errors
    ///
    /// `EINVAL` where `offset` is not on a page boundary, and what else `madvise` says.
    pub fn discard(&self, offset: usize, len: usize) -> io::Result<()> {
        let range = self.checked(offset, len)?;
        let beyond = (self.as_ptr() as usize).wrapping_add(range.end) % rustix::param::page_size();
        let whole = len.saturating_sub(beyond);
        self.mapping.discard(offset, whole)
    }

    /// A range of the caller's, if it lies in the memory.
    #[inline]
    pub(crate) fn range(&self, Range { start, end }: Range<usize>) -> Result<Range<usize>, Misuse> {
        match end.checked_sub(start) {
            Some(len) => self.checked(start, len),
            None => Err(Misuse::ReversedRange { start, end }),
        }
    }

    #[inline]
    pub(crate) fn checked(&self, offset: usize, len: usize) -> Result<Range<usize>, Misuse> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len() => Ok(offset..end),
            _ => Err(Misuse::OutsideMemory { offset, len, memory: self.len() }),
        }
    }
}
