//! What no recorded stream has: made by hand, from what QEMU's loaders ask for.

#![expect(clippy::expect_used, reason = "a test")]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use migration_stream::{
    CoreLoader, FieldValue, GuestMemory, Observer, Options, Plan, Planned, SectionRow, Start,
    Walked, channel, load, walk, walk_bytes,
};
use qemufile_core::MemoryChannel;
use tempfile::TempDir;

/// A stream up to the first record.
fn head(subsections: &[u8]) -> Vec<u8> {
    [b"QEVM\0\0\0\x03\x07\0\0\0\x04none", subsections].concat()
}

fn capabilities(names: &[&str]) -> Vec<u8> {
    let mut bytes = b"\x05\x1aconfiguration/capabilities\0\0\0\x01".to_vec();
    bytes.extend(u32::try_from(names.len()).expect("few").to_be_bytes());
    for name in names {
        bytes.push(u8::try_from(name.len()).expect("short"));
        bytes.extend(name.as_bytes());
    }
    bytes
}

fn command(number: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).expect("short");
    [&[8][..], &number.to_be_bytes(), &len.to_be_bytes(), body].concat()
}

/// A RAM section with its footer.
fn ram(kind: u8, payload: &[u8]) -> Vec<u8> {
    let start = b"\x03ram\0\0\0\0\0\0\0\x04".as_slice();
    let head = if kind == 1 { start } else { &[] };
    [&[kind, 0, 0, 0, 1], head, payload, &16_u64.to_be_bytes(), &[0x7e, 0, 0, 0, 1]].concat()
}

fn block(name: &str, len: u64) -> Vec<u8> {
    let name_len = u8::try_from(name.len()).expect("short");
    [&[name_len], name.as_bytes(), &len.to_be_bytes()].concat()
}

fn list(total: u64, blocks: &[u8]) -> Vec<u8> {
    [&(total | 4).to_be_bytes(), blocks].concat()
}

fn text(walked: &Walked) -> String {
    walked.end.as_ref().expect_err("it is refused").to_string()
}

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

/// Collects the fields of devices.
#[derive(Default)]
struct Fields(Vec<(String, Vec<u8>)>);

impl Observer for Fields {
    fn wants_fields(&self) -> bool {
        true
    }

    fn field(&mut self, field: &FieldValue<'_>) {
        self.0.push((field.path.to_owned(), field.bytes.to_vec()));
    }
}

fn device(payload: &[u8], fields: &str) -> Vec<u8> {
    let description = format!(
        "{{\"page_size\": 4096, \"devices\": [{{\"name\": \"dev\", \"instance_id\": 0, \
         \"vmsd_name\": \"dev\", \"version\": 1, \"fields\": [{fields}]}}]}}"
    );
    let section = [b"\x04\0\0\0\x02\x03dev\0\0\0\0\0\0\0\x01", payload, b"\x7e\0\0\0\x02"].concat();
    let len = u32::try_from(description.len()).expect("short").to_be_bytes();
    [head(&[]), section, vec![0, 6], len.to_vec(), description.into_bytes()].concat()
}

fn fields_of(stream: &[u8]) -> (Walked, Vec<(String, Vec<u8>)>) {
    let directory = Directory::of(&[("s.bin", stream)]);
    let loaded = load(&directory.path("s.bin")).expect("it is there");
    let planned = Planned::of(&loaded.files[0], &Options::default()).expect("it can be read");
    let mut fields = Fields::default();
    let walked = walk(&mut loaded.files[0].loader().expect("a file"), &planned.plan, &mut fields);
    (walked, fields.0)
}

/// Lists have a mark in front of each element; the text describes each, with the same keys.
#[test]
fn lists_and_arrays_with_nothing_in_them_are_read() {
    let element = "\"vmsd_name\": \"e\", \"version\": 1, \"fields\": [{\"name\": \"v\", \"type\": \"uint16\", \"size\": 2}]";
    let fields = format!(
        "{{\"name\": \"queue\", \"type\": \"qtailq\", {element}, {element}, \"size\": 7}}, \
         {{\"name\": \"sub\", \"index\": 0, \"type\": \"nullptr\", \"size\": 1}}, \
         {{\"name\": \"sub\", \"index\": 1, \"type\": \"uint8\", \"size\": 1}}"
    );
    let (walked, fields) = fields_of(&device(&[1, 0, 7, 1, 0, 8, 0, b'0', 9], &fields));
    assert_eq!(walked.end, Ok(()));
    assert_eq!((walked.summary.opaque, walked.summary.undescribed), (0, 0));
    let expected = [
        ("queue.v", vec![0, 7]),
        ("queue.v", vec![0, 8]),
        ("sub[0]", vec![b'0']),
        ("sub[1]", vec![9]),
    ];
    assert_eq!(fields, expected.map(|(path, bytes)| (path.to_owned(), bytes)));
}

#[test]
fn what_is_not_described_is_counted() {
    let field = "{\"name\": \"virtio\", \"type\": \"virtio\", \"size\": 3}";
    let (walked, fields) = fields_of(&device(&[1, 2, 3], field));
    assert_eq!(walked.end, Ok(()));
    assert_eq!((walked.summary.undescribed, walked.summary.first_undescribed), (1, Some(34)));
    assert_eq!(fields, [("virtio".to_owned(), vec![1, 2, 3])]);
}

/// The error names the field in which the walk stood.
#[test]
fn a_cut_device_names_its_field() {
    let field = "{\"name\": \"regs\", \"array_len\": 2, \"type\": \"uint32\", \"size\": 4}";
    let whole = device(&[1, 2, 3, 4, 5, 6, 7, 8], field);
    let plan = Plan {
        description: migration_stream::Description::find(&whole),
        len: Some(40),
        ..Plan::default()
    };
    assert!(plan.description.is_some());
    let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(&whole[..40])));
    let error = walk(&mut loader, &plan, &mut ()).end.expect_err("it is cut");
    assert_eq!((error.section.as_deref(), error.field.as_deref()), (Some("dev"), Some("regs[1]")));
}

/// Files beside each other.
struct Directory(TempDir);

impl Directory {
    fn of(files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).expect("a file can be written");
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

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
fn rows_of_a_described_stream_cover_it() {
    struct Rows(u64);
    impl Observer for Rows {
        fn row(&mut self, row: &SectionRow) {
            assert_eq!(row.offset, self.0, "{row:?}");
            self.0 += row.len;
        }
    }
    let stream = device(&[1], "{\"name\": \"a\", \"type\": \"uint8\", \"size\": 1}");
    let plan = Plan {
        description: migration_stream::Description::find(&stream),
        len: Some(stream.len() as u64),
        ..Plan::default()
    };
    let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(stream.clone())));
    let mut rows = Rows(0);
    assert_eq!(walk(&mut loader, &plan, &mut rows).end, Ok(()));
    assert_eq!(rows.0, stream.len() as u64);
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

#[test]
fn packets_that_nobody_here_unpacks_are_skipped() {
    for method in [4_u32, 8, 16] {
        let channel = multifd(&[packet(method << 1, &[0], &[], b"something")]);
        let walked = walk_channel(&channel, &mut GuestMemory::default());
        assert_eq!((walked.end, walked.position), (Ok(()), channel.len() as u64));
        assert!(walked.summary.notes[0].contains("skipped"), "{:?}", walked.summary.notes);
    }
}
