//! Further channels of a migration.

#![expect(clippy::expect_used, reason = "a test")]

mod support;

use std::io::Write as _;
use std::sync::Arc;

use migration_stream::{
    CoreLoader, GuestMemory, Observer as _, Options, Plan, Planned, Start, Walked, channel, load,
    walk,
};
use qemufile_core::MemoryChannel;
use support::{Directory, block, head, list, ram, text};

const MAGIC: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1];

/// A packet of a channel: flags, pages, zero pages, payload.
fn packet(flags: u32, pages: &[u64], zeros: &[u64], payload: &[u8]) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).expect("few").to_be_bytes();
    let mut bytes = [&MAGIC[..], &flags.to_be_bytes(), &word(128), &word(pages.len())].concat();
    bytes.extend(word(payload.len()));
    bytes.extend(1_u64.to_be_bytes());
    bytes.extend(word(zeros.len()));
    bytes.extend([0; 28]);
    let mut name = [0; 256];
    name[0] = b'm';
    bytes.extend(name);
    let mut offsets = pages.iter().chain(zeros).copied();
    (0..128).for_each(|_| bytes.extend(offsets.next().unwrap_or(0).to_be_bytes()));
    [&bytes, payload].concat()
}

fn multifd(packets: &[Vec<u8>]) -> Vec<u8> {
    [&MAGIC[..], &[0; 56], &packets.concat()].concat()
}

fn walk_channel(bytes: &[u8], memory: &mut GuestMemory) -> Walked {
    let plan = Plan {
        start: Start::Multifd,
        len: Some(bytes.len() as u64),
        blocks: vec![("m".to_owned(), 1 << 20)],
        ..Plan::default()
    };
    memory.block("m", 1 << 20);
    walk(&mut CoreLoader::new(Arc::new(MemoryChannel::with_input(bytes))), &plan, memory)
}

#[test]
fn packets_are_plain_or_compressed_and_may_hold_the_state_of_a_device() {
    let pages = [[7_u8; 4096], [9; 4096]].concat();
    let mut state = [&MAGIC[..], &(1_u32 << 6).to_be_bytes(), b"vfio"].concat();
    state.extend([0; 252]);
    state.extend([0, 0, 0, 2, 0, 0, 0, 5, 1, 2, 3, 4, 5]);
    let mut channels = vec![multifd(&[packet(0, &[0, 8192], &[4096], &pages), state])];
    // The state of a compressor lasts as long as its channel, and no packet ends it.
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut packets = Vec::new();
    for (offset, page) in [0_u64, 8192].iter().zip(pages.chunks(4096)) {
        let before = zlib.get_ref().len();
        zlib.write_all(page).and_then(|()| zlib.flush()).expect("memory is written");
        packets.push(packet(1 << 1, &[*offset], &[], &zlib.get_ref()[before..]));
    }
    channels.push(multifd(&packets));
    #[cfg(feature = "containers")]
    {
        let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("an encoder");
        let mut packets = Vec::new();
        for (offset, page) in [0_u64, 8192].iter().zip(pages.chunks(4096)) {
            let before = zstd.get_ref().len();
            zstd.write_all(page).and_then(|()| zstd.flush()).expect("memory is written");
            packets.push(packet(2 << 1, &[*offset], &[], &zstd.get_ref()[before..]));
        }
        channels.push(multifd(&packets));
    }
    for channel in channels {
        let mut memory = GuestMemory::default();
        let walked = walk_channel(&channel, &mut memory);
        assert_eq!((walked.end, walked.position), (Ok(()), channel.len() as u64));
        let block = memory.block_bytes("m").expect("there is one");
        assert_eq!((block[0], block[4096], block[8192], block[12288]), (7, 0, 9, 0));
    }
}

#[test]
fn packets_that_qemu_refuses_are_refused() {
    let mut memory = GuestMemory::default();
    let mut refused = |bytes: &[u8], word: &str| {
        let text = text(&walk_channel(bytes, &mut memory));
        assert!(text.contains(word), "{text}");
    };
    let page = [7; 4096];
    refused(&multifd(&[packet(0, &[1 << 20], &[], &page)]), "the offset of a page");
    refused(&multifd(&[packet(0, &[u64::MAX], &[], &page)]), "the offset of a page");
    refused(&multifd(&[packet(0, &[0], &[], &page[1..])]), "the length of a multifd packet");
    refused(&multifd(&[packet(2, &[0], &[], b"no zlib")]), "a compressed multifd packet");
    refused(&multifd(&[packet(0, &[0], &[], &page)[..700].to_vec()]), "ends inside");
    refused(&multifd(&[vec![0; 12]]), "the magic of a multifd packet");
    let mut many = packet(0, &[], &[], &[]);
    many[16..20].copy_from_slice(&200_u32.to_be_bytes());
    refused(&multifd(&[many]), "the number of pages");
}

/// The channel of urgent pages knows its blocks from the main one.
#[test]
fn urgent_pages_need_the_blocks_of_the_main_channel() {
    let main = [head(&[]), ram(1, &list(8192, &block("m", 8192))), ram(3, &[]), vec![0]].concat();
    let entry = |word: u64, name: &[u8]| [&word.to_be_bytes(), name, &[5; 4096][..]].concat();
    let urgent = [entry(8, b"\x01m"), entry(4096 | 8 | 0x20, b"")].concat();
    let files =
        [("p.bin", main.as_slice()), ("p.ch1.chan", &urgent), ("p.ch2.chan", &urgent[..99])];
    let directory = Directory::of(&files);
    let loaded = load(&directory.path("p.bin")).expect("it is there");
    let file = &loaded.files[0];
    assert_eq!(file.channels.len(), 2);
    let options = Options::default();
    let main = Planned::of(file, &options).expect("it can be read");
    let walked = |number: usize| {
        let further = channel(&file.channels[number]).expect("it is there");
        Planned::of_channel(&further, &main, &options).expect("it can be read").walked
    };
    assert_eq!((walked(0).end, walked(0).summary.pages.page), (Ok(()), 2));
    assert!(walked(1).end.is_err());
    // Named by itself it finds the main one beside it.
    let alone = load(&directory.path("p.ch1.chan")).expect("it is there");
    let planned = Planned::of(&alone.files[0], &options).expect("it can be read");
    assert_eq!((planned.walked.end, planned.walked.summary.pages.page), (Ok(()), 2));
}

#[test]
fn packets_that_nobody_here_unpacks_are_skipped() {
    for method in [4_u32, 8, 16] {
        let channel = multifd(&[packet(method << 1, &[0], &[], b"something")]);
        let walked = walk_channel(&channel, &mut GuestMemory::default());
        assert_eq!((walked.end, walked.position), (Ok(()), channel.len() as u64));
        assert!(walked.summary.notes[0].contains("skipped"), "{:?}", walked.summary.notes);
    }
}
