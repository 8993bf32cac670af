//! The buffer of a stream.

use crate::IO_BUF_SIZE;

/// Bytes of a cache line, and of a page.
const LINE: usize = 64;
const PAGE: usize = 4096;

/// Bytes that begin on a cache line: copies of whole pages are slow where they straddle lines.
#[repr(align(64))]
pub(crate) struct Buffer(pub(crate) [u8; IO_BUF_SIZE]);

impl Buffer {
    pub(crate) fn zeroed() -> Box<Self> {
        Box::new(Self([0; IO_BUF_SIZE]))
    }
}

/// From so many bytes on, glibc's `memcpy` leaves a copy to one string instruction (`rep movsb`).
const LONG: usize = 2048;

/// Fills `into` with `from`, which is as long. Short copies are two moves that may overlap: calling
/// `memcpy` takes longer than they do.
#[inline]
pub(crate) fn copy(into: &mut [u8], from: &[u8]) {
    match from.len() {
        8..=16 => ends::<8>(into, from),
        17..=32 => ends::<16>(into, from),
        0..=LONG => into.copy_from_slice(from),
        _ => copy_long(into, from),
    }
}

/// Copies in parts where the string instruction crawls: on AMD's processors it takes two to twenty
/// times as long where a copy goes less than a cache line further into its page.
fn copy_long(into: &mut [u8], from: &[u8]) {
    let further = (into.as_ptr() as usize).wrapping_sub(from.as_ptr() as usize) % PAGE;
    if !(1..LINE).contains(&further) {
        return into.copy_from_slice(from);
    }
    for (into, from) in into.chunks_mut(LONG).zip(from.chunks(LONG)) {
        into.copy_from_slice(from);
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
        let from: Vec<u8> = (1..=251).cycle().take(3 * LONG).collect();
        for len in (0..=64).chain([LONG - 1, LONG, LONG + 1, 2 * LONG, 3 * LONG - 1, 3 * LONG]) {
            for further in [0, 1, LINE - 1, LINE] {
                let mut into = vec![0; PAGE + further + len];
                let start = (from.as_ptr() as usize + further).wrapping_sub(into.as_ptr() as usize);
                let place = start % PAGE..start % PAGE + len;
                copy(&mut into[place.clone()], &from[..len]);
                assert_eq!(into[place], from[..len]);
            }
        }
    }

    #[test]
    fn a_buffer_begins_on_a_cache_line() {
        assert_eq!(Buffer::zeroed().0.as_ptr() as usize % 64, 0);
    }
}
