//! What no recorded stream has: made by hand, from what QEMU's loaders ask for.

#![expect(clippy::expect_used, reason = "a test")]

mod support;

use std::fs;

use migration_stream::{GuestMemory, Options, Planned, load, walk_bytes};
use support::{Directory, block, capabilities, command, head, list, ram, text};

#[test]
fn commands_that_nobody_knows_are_skipped_by_their_length() {
    let stream = [head(&[]), command(12, b"abc"), command(0x7fff, &[]), vec![0]].concat();
    let walked = walk_bytes(&stream);
    assert_eq!((walked.end, walked.position), (Ok(()), stream.len() as u64));
    assert!(walked.summary.notes[0].contains("command 12"), "{:?}", walked.summary.notes);
    assert_eq!(walked.summary.unknown_command, Some(17));
    let walked = walk_bytes(&[head(&[]), command(0, &[]), vec![0]].concat());
    assert!(text(&walked).contains("the number of a command is 0"));
    let walked = walk_bytes(&[head(&[]), command(11, b"x"), vec![0]].concat());
    assert!(text(&walked).contains("the length of a command is 1, expected 0"));
}

/// Once postcopy was announced, blocks in huge pages carry the size of these.
#[test]
fn a_block_list_carries_page_sizes_after_the_advice() {
    const HUGE: u64 = 2 << 20;
    let advice = |sizes: u64| command(3, &[sizes.to_be_bytes(), 4096_u64.to_be_bytes()].concat());
    let huge = [block("huge", HUGE), HUGE.to_be_bytes().to_vec()].concat();
    let blocks = [block("small", 4096), huge.clone(), block("last", 4096)].concat();
    let records = |advice: Vec<u8>, blocks: &[u8], total: u64| {
        [head(&[]), advice, ram(1, &list(total, blocks)), ram(3, &[]), vec![0]].concat()
    };
    let walked = walk_bytes(&records(advice(HUGE | 4096), &blocks, HUGE + 8192));
    assert_eq!(walked.end, Ok(()));
    assert_eq!(walked.summary.notes, ["block huge is in pages of 2097152 bytes"]);
    // The last block of a list is followed by an entry instead.
    let walked = walk_bytes(&records(advice(HUGE | 4096), &huge, HUGE));
    assert_eq!(walked.end, Ok(()));
    let walked = walk_bytes(&records(advice(4096), &huge, HUGE));
    assert!(text(&walked).contains("flags of a RAM entry"));
}

#[test]
fn shared_memory_is_left_out_and_said_to_be() {
    let blocks = [block("m", 8192), 0x1000_u64.to_be_bytes().to_vec()].concat();
    let stream = [
        head(&capabilities(&["x-ignore-shared"])),
        ram(1, &list(8192, &blocks)),
        ram(3, &[]),
        vec![0],
    ]
    .concat();
    let walked = walk_bytes(&stream);
    assert_eq!(walked.end, Ok(()));
    assert!(walked.summary.shared_left_out);
}

/// A stream behind `begin` bytes of a file, with all its pages at fixed places.
fn mapped(begin: usize) -> Vec<u8> {
    const PAGES: u64 = 1 << 20;
    let mut stream = vec![0; begin];
    stream.extend(head(&capabilities(&["mapped-ram"])));
    stream.extend(b"\x01\0\0\0\x01\x03ram\0\0\0\0\0\0\0\x04");
    stream.extend(list(3 * 4096, &block("m", 3 * 4096)));
    let bitmap = stream.len() as u64 + 28;
    stream.extend(1_u32.to_be_bytes());
    [4096, bitmap, PAGES].iter().for_each(|word| stream.extend(word.to_be_bytes()));
    stream.extend([0b101, 0, 0, 0, 0, 0, 0, 0]);
    stream.resize(1 << 20, 0xee);
    stream.extend([[1; 4096], [2; 4096], [3; 4096]].concat());
    stream.extend([&16_u64.to_be_bytes()[..], &[0x7e, 0, 0, 0, 1]].concat());
    stream.extend([ram(3, &[]), vec![0]].concat());
    stream
}

#[test]
fn memory_at_fixed_places_is_read_also_behind_an_offset() {
    for begin in [0, 5000] {
        let stream = mapped(begin);
        let directory = Directory::of(&[("m.bin", &stream)]);
        let loaded = load(&directory.path("m.bin")).expect("it is there");
        let file = &loaded.files[0];
        assert_eq!(file.begin, begin as u64);
        let planned = Planned::of(file, &Options::default()).expect("it can be read");
        assert_eq!(planned.walked.end, Ok(()));
        assert_eq!(planned.walked.position, file.size);
        assert_eq!(planned.walked.summary.pages.mapped, 2);
        let memory = GuestMemory::of(file, &planned.plan).expect("it can be read");
        let block = memory.block_bytes("m").expect("there is one");
        assert_eq!((block[0], block[4096], block[8192]), (1, 0, 3));
    }
    // From a pipe nothing can be read at a place.
    assert!(text(&walk_bytes(&mapped(0))).contains("this is no file"));
}

/// What comes through a pipe is read once, and then as a file.
#[test]
fn a_pipe_is_read() {
    let directory = Directory::of(&[]);
    let path = directory.path("pipe.bin");
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo is there");
    assert!(made.success());
    let stream = mapped(0);
    let writer = std::thread::spawn({
        let (path, stream) = (path.clone(), stream.clone());
        move || fs::write(path, stream)
    });
    let loaded = load(&path).expect("it is there");
    writer.join().expect("no panic").expect("it is read");
    assert_eq!(loaded.files[0].size, stream.len() as u64);
    let planned = Planned::of(&loaded.files[0], &Options::default()).expect("it can be read");
    assert_eq!(planned.walked.end, Ok(()));
}

#[test]
fn a_uuid_and_page_bits_are_read() {
    let uuid = [b"\x05\x12configuration/uuid\0\0\0\x01".as_slice(), &[0xab; 16]].concat();
    let bits = |bits: u8| {
        [b"\x05\x1econfiguration/target-page-bits\0\0\0\x01\0\0\0".as_slice(), &[bits]].concat()
    };
    let walked = walk_bytes(&[head(&[uuid, bits(14)].concat()), vec![0]].concat());
    assert_eq!((walked.end, walked.page_size), (Ok(()), 1 << 14));
    assert!(walked.summary.notes[0].contains(&"ab".repeat(16)), "{:?}", walked.summary.notes);
    let walked = walk_bytes(&[head(&bits(40)), vec![0]].concat());
    assert!(text(&walked).contains("bits of a page offset is 40"));
}

#[test]
fn a_block_section_is_read() {
    let word = |word: u64| word.to_be_bytes();
    let chunk = [&word(5 << 9 | 1)[..], b"\x02d0", &[7; 1 << 20]].concat();
    let zeros = [&word(2 << 9 | 1 | 8)[..], b"\x02d0"].concat();
    let payload = [&chunk[..], &zeros, &word(50 << 9 | 4), &word(2)].concat();
    let begin = b"\x01\0\0\0\x03\x05block\0\0\0\0\0\0\0\x01".as_slice();
    let stream = [&head(&[]), begin, &payload, b"\x7e\0\0\0\x03\0"].concat();
    let walked = walk_bytes(&stream);
    assert_eq!((walked.end, walked.position), (Ok(()), stream.len() as u64));
    let instance = b"\x01\0\0\0\x03\x05block\0\0\0\x01\0\0\0\x01".as_slice();
    let walked = walk_bytes(&[&head(&[]), instance, &payload, b"\x7e\0\0\0\x03\0"].concat());
    assert!(text(&walked).contains("the instance of a section is 1"));
}

#[test]
fn flags_that_qemu_refuses_are_refused() {
    for flags in [0_u64, 1, 0x400, 0x800] {
        let walked = walk_bytes(&[head(&[]), ram(1, &flags.to_be_bytes()), vec![0]].concat());
        assert!(text(&walked).contains("the flags of a RAM entry"), "{flags:x}");
    }
}

#[test]
fn postcopy_has_an_order() {
    let advice = command(3, &[4096_u64.to_be_bytes(), 4096_u64.to_be_bytes()].concat());
    let discard_of = |len: u64| {
        command(6, &[b"\0\x01m\0".as_slice(), &0_u64.to_be_bytes(), &len.to_be_bytes()].concat())
    };
    let discard = discard_of(4096);
    let (listen, run) = (command(4, &[]), command(5, &[]));
    let end = |commands: &[&Vec<u8>]| {
        let commands: Vec<u8> = commands.iter().flat_map(|bytes| (*bytes).clone()).collect();
        let blocks = ram(1, &list(8192, &block("m", 8192)));
        walk_bytes(&[head(&[]), blocks, commands, vec![0]].concat()).end
    };
    assert_eq!(end(&[&advice, &discard, &discard, &listen, &run]), Ok(()));
    assert_eq!(end(&[&advice, &listen, &run]), Ok(()));
    for wrong in [
        &[&listen][..],
        &[&discard],
        &[&advice, &advice],
        &[&advice, &run],
        &[&advice, &listen, &discard],
        &[&advice, &listen, &run, &run],
    ] {
        let text = end(wrong).expect_err("it is out of order").to_string();
        assert!(text.contains("the state of postcopy"), "{text}");
    }
    let refused = |commands: &[&Vec<u8>], word: &str| {
        let text = end(commands).expect_err("it is refused").to_string();
        assert!(text.contains(word), "{text}");
    };
    refused(&[&advice, &discard_of(8193)], "a range to discard is 0x0+0x2001");
    refused(&[&command(10, b"\x01x")], "the block of a command is x");
    refused(&[&command(10, b"\0")], "the length of a command");
    refused(&[&command(2, &[0; 4])], "a ping");
    assert_eq!(end(&[&command(1, &[]), &command(2, &[0; 4]), &command(10, b"\x01m")]), Ok(()));
}

/// QEMU compares names as C strings, and takes no other value for a zero page than zero.
#[test]
fn names_end_at_a_nul_and_zero_pages_are_zero() {
    let start = b"\x01\0\0\0\x01\x05ram\0x\0\0\0\0\0\0\0\x04".as_slice();
    let named = |fill: u8| {
        let page = [&2_u64.to_be_bytes()[..], b"\x03m\0y", &[fill]].concat();
        let chunk = [&list(4096, &block("m", 4096)), &page, &16_u64.to_be_bytes()[..]].concat();
        walk_bytes(&[&head(&[]), start, &chunk, b"\x7e\0\0\0\x01\0"].concat())
    };
    assert_eq!(named(0).end, Ok(()));
    assert!(text(&named(8)).contains("the value of a zero page is 8"));
    let version = b"\x01\0\0\0\x01\x05ram\0x\0\0\0\0\0\0\0\x05".as_slice();
    let walked = walk_bytes(&[&head(&[]), version].concat());
    assert_eq!(walked.end.expect_err("it is refused").offset, 32);
}
