//! Pieces that a channel of somebody else's makes, cuts and passes on.

use std::io;
use std::sync::{Arc, Mutex};

use crate::support::pattern;
use proptest::prelude::*;
use qemufile_core::{
    Channel, Direction, GuestMemory, MemoryChannel, Misuse, PieceList, Pieces, Writer,
};

fn list(lengths: &[usize]) -> (PieceList, Vec<u8>) {
    let all = pattern(lengths.iter().sum());
    let memory = GuestMemory::anonymous(all.len().max(1)).unwrap();
    memory.write_at(0, &all).unwrap();
    let mut start = 0;
    let mut list = PieceList::new();
    for (at, len) in lengths.iter().enumerate() {
        list = if at % 2 == 0 {
            list.bytes(all[start..start + len].to_vec())
        } else {
            list.guest(&memory, start..start + len).unwrap()
        };
        start += len;
    }
    (list, all)
}

/// What the pieces are, and that all views of them agree.
fn seen(pieces: Pieces<'_>) -> Vec<Vec<u8>> {
    let each: Vec<Vec<u8>> = pieces
        .iter()
        .map(|piece| {
            let mut bytes = Vec::new();
            piece.copy_to(&mut bytes);
            assert_eq!(bytes.len(), piece.len());
            assert!(!piece.is_empty() && !piece.as_ptr().is_null());
            bytes
        })
        .collect();
    assert_eq!(pieces.to_vec(), each.concat());
    assert_eq!(pieces.total(), each.concat().len());
    each
}

proptest! {
    #![proptest_config(crate::support::cases(200))]

    #[test]
    fn the_two_sides_of_a_cut_are_all_bytes(
        lengths in prop::collection::vec(0..20_usize, 0..8), first in 0..100_usize, second in 0..100_usize,
    ) {
        let (list, all) = list(&lengths);
        let (front, rest) = list.pieces().split_at(first);
        let cut = first.min(all.len());
        prop_assert_eq!(seen(front).concat(), &all[..cut]);
        prop_assert_eq!(seen(rest).concat(), &all[cut..]);
        let (middle, last) = rest.split_at(second);
        let end = (cut + second).min(all.len());
        prop_assert_eq!(seen(middle).concat(), &all[cut..end]);
        prop_assert_eq!(seen(last).concat(), &all[end..]);
        let mut into = [0; 30];
        let count = middle.copy_front(&mut into);
        prop_assert_eq!(&into[..count], &all[cut..end][..(end - cut).min(30)]);
    }
}

#[test]
fn a_piece_is_where_its_bytes_are() {
    let memory = GuestMemory::anonymous(100).unwrap();
    let bytes = bytes::Bytes::from(pattern(10));
    let list = PieceList::new().bytes(bytes.clone()).guest(&memory, 5..50).unwrap();
    let places: Vec<_> = list.pieces().iter().map(|piece| piece.as_ptr()).collect();
    assert_eq!(places, [bytes.as_ptr(), memory.as_ptr().cast_const().wrapping_add(5)]);
    let (_, rest) = list.pieces().split_at(12);
    let place = rest.iter().next().unwrap().as_ptr();
    assert_eq!(place, memory.as_ptr().cast_const().wrapping_add(7));
    assert_eq!(format!("{:?}", list.pieces()), "[10, 45]");
    assert!(format!("{list:?}").contains("PieceList"));
    let misuse = PieceList::new().guest(&memory, 50..101).unwrap_err();
    assert!(matches!(misuse, Misuse::OutsideMemory { .. }));
}

/// Passes on so many bytes with each write: what a rate limit does.
#[derive(Debug)]
struct Limited(MemoryChannel, usize, Mutex<Vec<usize>>);

impl Channel for Limited {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        let (front, _) = pieces.split_at(self.1);
        self.2.lock().unwrap().push(front.total());
        self.0.write(front)
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        self.0.wait(direction)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.0.set_blocking(blocking)
    }
}

#[test]
fn a_channel_that_limits_what_passes_copies_nothing() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    memory.write_at(0, &pattern(4096)).unwrap();
    let channel = Arc::new(Limited(MemoryChannel::new(), 1000, Mutex::default()));
    let mut writer = Writer::new(channel.clone());
    writer.put_be64(7).unwrap();
    writer.put_guest(&memory, 0..4096, false).unwrap();
    writer.close().unwrap();
    assert_eq!(channel.0.take_output(), [&7_u64.to_be_bytes()[..], &pattern(4096)].concat());
    assert_eq!(*channel.2.lock().unwrap(), [1000, 1000, 1000, 1000, 104]);
}

#[test]
fn a_cut_goes_through_a_piece_of_many_owners() {
    let channel = Arc::new(Limited(MemoryChannel::new(), 1000, Mutex::default()));
    let mut writer = Writer::new(channel.clone());
    let shared = bytes::Bytes::from(pattern(2100));
    for part in 0..3 {
        // Each touches the one before, so that they are one piece.
        writer.put_shared(shared.slice(part * 700..(part + 1) * 700)).unwrap();
    }
    writer.close().unwrap();
    assert_eq!(channel.0.take_output(), pattern(2100));
    assert_eq!(*channel.2.lock().unwrap(), [1000, 1000, 100]);
}
