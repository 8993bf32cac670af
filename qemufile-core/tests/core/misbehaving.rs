//! Random channels that break every rule: no call panics, and each one ends.

use crate::support::{ALL, Step, channel, pattern};
use proptest::prelude::*;
use qemufile_core::{Config, GuestMemory, IO_BUF_SIZE, Quirks, Reader, Stream, Writer, compat};

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..50_usize).prop_map(Step::Move),
        2 => (0..70_000_usize).prop_map(Step::Move),
        2 => Just(Step::Block),
        2 => Just(Step::Interrupt),
        1 => (0..200_i32).prop_map(Step::Fail),
        1 => prop_oneof![Just(0), 1..40_000_usize, Just(usize::MAX)].prop_map(Step::Claim),
        2 => Just(ALL),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Get(usize),
    Peek(usize, usize),
    Skip(usize),
    Integers,
    String,
    PassOn(usize),
    Put(usize),
    Borrow(usize, usize, bool),
    Flush,
}

fn op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![0..50_usize, 32_760..32_780_usize, 0..80_000_usize, Just(usize::MAX)];
    prop_oneof![
        size().prop_map(|size| Op::Get(size.min(100_000))),
        (size(), size()).prop_map(|(size, offset)| Op::Peek(size, offset)),
        size().prop_map(Op::Skip),
        Just(Op::Integers),
        Just(Op::String),
        size().prop_map(Op::PassOn),
        size().prop_map(|size| Op::Put(size.min(100_000))),
        (size(), size(), any::<bool>()).prop_map(|(from, to, free)| Op::Borrow(from, to, free)),
        Just(Op::Flush),
    ]
}

fn read(reader: &mut Reader, op: &Op) {
    match *op {
        Op::Get(size) => {
            let mut into = vec![0; size];
            let _ = reader.get_buffer(&mut into);
            let _ = compat::get_buffer_in_place(reader, &mut into);
        }
        Op::Peek(size, offset) => {
            let _ = reader.peek_buffer(size, offset);
            let _ = compat::peek_buffer(reader, size, offset);
            let _ = reader.peek_byte(offset);
        }
        Op::Skip(size) => compat::skip(reader, size),
        Op::Integers | Op::Put(_) => {
            compat::get_byte(reader);
            let _ = reader.get_be16();
            compat::get_be32(reader);
            let _ = reader.get_be64();
        }
        Op::String | Op::Borrow(..) => {
            let _ = reader.get_counted_string();
            compat::get_counted_string(reader, &mut [0; 256]);
        }
        // At the latest the end of the channel's input ends it.
        Op::PassOn(size) => {
            let _ = reader.get_to(&mut std::io::sink(), size.min(1 << 20));
        }
        Op::Flush => {
            let _ = std::io::BufRead::fill_buf(reader);
        }
    }
    assert!(reader.buffered().len() <= IO_BUF_SIZE);
}

fn write(writer: &mut Writer, memory: &GuestMemory, op: &Op) {
    let _ = match *op {
        Op::Get(size) | Op::Put(size) => writer.put_buffer(&pattern(size)).is_ok(),
        Op::Peek(size, _) | Op::Skip(size) | Op::PassOn(size) => {
            writer.put_shared(vec![1; size.min(100)]).is_ok()
        }
        Op::Integers => writer.put_be64(1).is_ok() && writer.put_be16(1).is_ok(),
        Op::String => writer.put_counted_string(b"text").is_ok(),
        Op::Borrow(from, to, may_free) => writer.put_guest(memory, from..to, may_free).is_ok(),
        Op::Flush => writer.flush().is_ok(),
    };
}

proptest! {
    #![proptest_config(crate::support::cases(300))]

    #[test]
    fn a_reader_survives_any_channel(
        steps in prop::collection::vec(step(), 0..30),
        every in step(),
        wait_fails: bool,
        faithful: bool,
        ops in prop::collection::vec(op(), 1..20),
    ) {
        let mut scripted = channel(pattern(100_000)).reads(steps).every_read(every).quiet();
        if wait_fails {
            scripted = scripted.wait_error(9);
        }
        let config = if faithful { Config::faithful(qemufile_core::Release::V8_2) } else { Config::default() };
        let mut reader = Reader::with_config(scripted.shared(), &config);
        for op in &ops {
            read(&mut reader, op);
        }
        let error = reader.error();
        prop_assert_eq!(reader.close().is_err(), error.is_some());
    }

    #[test]
    fn a_writer_survives_any_channel(
        steps in prop::collection::vec(step(), 0..30),
        every in step(),
        wait_fails: bool,
        faithful: bool,
        max_pieces in prop_oneof![0..70_usize, Just(usize::MAX)],
        ops in prop::collection::vec(op(), 1..20),
    ) {
        // One byte at a time is sound, and slow.
        let every = if let Step::Move(1..8) = every { Step::Move(4096) } else { every };
        let mut scripted = channel([]).writes(steps).every_write(every).quiet();
        if wait_fails {
            scripted = scripted.wait_error(9);
        }
        let quirks = if faithful { Quirks::FAITHFUL } else { Quirks::FIXED };
        let mut config = scripted.config(quirks);
        config.max_pieces = max_pieces;
        let memory = GuestMemory::anonymous(65_536).unwrap();
        let mut writer = Writer::with_config(scripted.shared(), &config);
        for op in &ops {
            write(&mut writer, &memory, op);
        }
        let _ = writer.close();
    }
}
