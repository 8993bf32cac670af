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

/// Fills `into` with `from`, which is as long. Short copies are two moves that may overlap: calling
/// `memcpy` takes longer than they do.
#[inline]
pub(crate) fn copy(into: &mut [u8], from: &[u8]) {
    match from.len() {
        8..=16 => ends::<8>(into, from),
        17..=32 => ends::<16>(into, from),
        _ => into.copy_from_slice(from),
    }
}

/// Copies the first `N` bytes and the last `N`, which are all where there are at most twice as many.
#[inline]
fn ends<const N: usize>(into: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(bytes)) = (into.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *to = *bytes;
    }
    if let (Some(to), Some(bytes)) = (into.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *to = *bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_any_length_are_whole() {
        let from: Vec<u8> = (1..=64).collect();
        for len in 0..=from.len() {
            let mut into = vec![0; len];
            copy(&mut into, &from[..len]);
            assert_eq!(into, from[..len]);
        }
    }

    #[test]
    fn a_buffer_begins_on_a_cache_line() {
        assert_eq!(Buffer::zeroed().0.as_ptr() as usize % 64, 0);
    }
}
