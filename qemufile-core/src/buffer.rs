//! The buffer of a stream.

use crate::IO_BUF_SIZE;

/// Bytes that begin on a cache line: copies of whole pages are slow where they straddle lines.
#[repr(align(64))]
pub(crate) struct Buffer(pub(crate) [u8; IO_BUF_SIZE]);

impl Buffer {
    pub(crate) fn zeroed() -> Box<Self> {
        Box::new(Self([0; IO_BUF_SIZE]))
    }
}
