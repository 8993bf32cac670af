//! What the inspector says of the streams of the corpus.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use migration_stream::inspect::{Inspection, Value, diff, page, write_block};
use migration_stream::{DescriptionSource, GuestMemory, Options, Planned, StreamFile, load};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/streams").join(name)
}

fn file(name: &str) -> StreamFile {
    load(&corpus(name)).expect("the stream is in the corpus").files.remove(0)
}

fn inspected(file: &StreamFile) -> Inspection {
    Inspection::of(file, &Options::default(), &mut |_| ()).expect("it can be read")
}

fn named(name: &str) -> Inspection {
    inspected(&file(name))
}

/// Every device of a stream with a description has its fields, those of QEMU's script included.
#[test]
fn all_streams_show_their_devices_and_blocks() {
    for folder in ["", "10.0"] {
        for file in load(&corpus(folder)).expect("the corpus is there").files {
            let seen = inspected(&file);
            let refused = file.name.starts_with("derived-");
            assert_eq!(seen.breakage.is_some(), refused, "{}: {:?}", file.name, seen.breakage);
            assert!(!seen.blocks.is_empty() && seen.blocks.iter().all(|block| block.len > 0));
            let sent: u64 = seen.blocks.iter().map(|block| block.pages.total()).sum();
            let channels = seen.channels.iter().map(|channel| channel.summary.pages.total());
            let total = seen.summary.pages.total() + channels.sum::<u64>();
            let notes = seen.channels.iter().flat_map(|channel| &channel.summary.notes);
            // Without the feature `containers` nobody unpacks zstd.
            let skipped = notes.into_iter().any(|note| note.contains("skipped"));
            assert!(sent == total || skipped && sent < total, "{}: {sent}, {total}", file.name);
            assert!(!skipped || !cfg!(feature = "containers"), "{}", file.name);
            if seen.description == DescriptionSource::Own && !refused {
                let bare = seen.devices.iter().find(|device| device.fields.is_empty());
                assert_eq!(bare, None, "{}", file.name);
            }
            let json = serde_json::to_string(&seen).expect("it is plain");
            assert!(json.contains("\"blocks\""));
            let text = seen.text(true).to_string();
            assert!(text.lines().count() > seen.blocks.len() + seen.devices.len());
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{}", file.name);
        }
    }
}

#[test]
fn fields_have_names_types_and_values() {
    let seen = named("isapc-ran.bin");
    let cpu = seen.devices.iter().find(|device| device.name == "cpu").expect("there is a cpu");
    let field = |path: &str| cpu.fields.iter().find(|field| field.path == path);
    let eip = field("env.eip").expect("it has an instruction pointer");
    assert_eq!((eip.kind.as_str(), eip.len), ("uint64", 8));
    assert!(matches!(eip.value, Value::Unsigned(_, 8)));
    assert!(field("env.regs[3]").is_some());
    let bytes = fs::read(corpus("isapc-ran.bin")).expect("it is there");
    let at = usize::try_from(eip.offset).expect("small");
    let word = u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    assert_eq!(eip.value, Value::Unsigned(word, 8));
    assert!(seen.devices.iter().any(|device| !device.subsections.is_empty()));
    // A path names one element of a device.
    let paths: HashSet<&str> = cpu.fields.iter().map(|field| field.path.as_str()).collect();
    assert!(paths.len() * 10 >= cpu.fields.len() * 9);
}

#[test]
fn a_stream_differs_from_another_and_not_from_itself() {
    let (ran, stopped) = (named("isapc-ran.bin"), named("isapc-stopped.bin"));
    assert_eq!(diff(&ran, &ran), []);
    let differences = diff(&ran, &stopped);
    let what = |text: &str| differences.iter().any(|difference| difference.what.contains(text));
    assert!(what("cpu/0: env.eip") && what("block pc.ram, pages"), "{differences:?}");
    let pc = diff(&ran, &named("pc-ran.bin"));
    let text = |at: usize| pc[at].to_string();
    assert!(text(0).starts_with("machine: isapc | pc"), "{}", text(0));
    assert!(pc.iter().any(|difference| difference.left.is_none()));
}

/// Zeros that are not sent are zeros all the same.
#[test]
fn a_page_that_was_not_sent_is_one_of_zeros() {
    let of = |entries: &[u8]| {
        let list = [&0x2004_u64.to_be_bytes()[..], b"\x01m", &0x2000_u64.to_be_bytes()].concat();
        let head = b"QEVM\0\0\0\x03\x01\0\0\0\x01\x03ram\0\0\0\0\0\0\0\x04".as_slice();
        let stream = [head, &list, entries, &16_u64.to_be_bytes(), &[0]].concat();
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("s.bin");
        fs::write(&path, &stream).expect("it can be written");
        inspected(&load(&path).expect("it is there").files[0])
    };
    let fill = |word: u64, byte: u8| [&word.to_be_bytes()[..], b"\x01m", &[byte]].concat();
    let (nothing, zeros) = (of(&[]), of(&fill(0x1002, 0)));
    assert_eq!((nothing.breakage.as_ref(), zeros.breakage.as_ref()), (None, None));
    assert_eq!(diff(&nothing, &zeros), []);
    let whole = [&0x1008_u64.to_be_bytes()[..], b"\x01m", &[7; 4096]].concat();
    let sevens = of(&[fill(0x1002, 0), whole].concat());
    let differences = diff(&nothing, &sevens);
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].what, "block m, pages 0x1000");
    let block = &sevens.blocks[0];
    assert_eq!((block.pages.total(), block.distinct, block.repeated), (2, 1, 1));
}

#[test]
fn a_broken_stream_says_in_which_record_and_shows_the_bytes_around() {
    let breakage = named("derived-flipped.bin").breakage.expect("it is broken");
    assert_eq!((breakage.offset, breakage.section.as_deref()), (97, Some("ram")));
    assert!(breakage.record < 97 && breakage.around_from == 65);
    let bytes = fs::read(corpus("derived-flipped.bin")).expect("it is there");
    assert!(breakage.around.starts_with(&format!("{:02x}{:02x}", bytes[65], bytes[66])));
    assert!(breakage.to_string().contains(">7f"), "{breakage}");
    let closed = named("odd/lzop.bin");
    assert!(closed.breakage.expect("it is none").reason.contains("lzop"));
}

#[test]
fn a_block_and_a_page_are_as_after_loading() {
    let options = Options::default();
    for name in ["xbzrle.bin", "compress-1.bin", "10.0/q-xbzrle.bin", "10.0/q-file-offset.bin"] {
        let stream = file(name);
        let planned = Planned::of(&stream, &options).expect("it can be read");
        let memory = GuestMemory::of(&stream, &planned.plan).expect("it can be read");
        let (block, content) =
            memory.blocks().max_by_key(|(_, bytes)| bytes.len()).expect("there is one");
        let target = tempfile::NamedTempFile::new().expect("a file can be made");
        let len = write_block(&stream, &options, block, target.as_file()).expect("it is written");
        let written = fs::read(target.path()).expect("it is there");
        assert_eq!(len, content.len() as u64);
        assert!(written == content, "{name}: {block}");
        let last = content.chunks(4096).rposition(|page| page.iter().any(|byte| *byte != 0));
        let offset = last.expect("some page is not zero") * 4096;
        // Any address in the page will do.
        let (found, sent) =
            page(&stream, &options, block, offset as u64 + 77).expect("it can be read");
        assert_eq!(found.as_deref(), Some(&content[offset..offset + 4096]));
        assert!(!sent.is_empty());
        assert!(write_block(&stream, &options, "no such block", target.as_file()).is_err());
    }
    let seen = named("xbzrle.bin");
    assert!(seen.blocks.iter().any(|block| block.repeated > 0));
    let missing = page(&file("xbzrle.bin"), &options, "no such block", 0).expect("it can be read");
    assert_eq!(missing, (None, Vec::new()));
}

/// Names that would move a terminal's cursor are shown, and not obeyed.
#[test]
fn nothing_from_a_stream_reaches_a_terminal_unescaped() {
    let mut stream = b"QEVM\0\0\0\x03\x07\0\0\0\x04\x1b[2J".to_vec();
    stream.extend(b"\x04\0\0\0\x02\x04\x1b[1m\0\0\0\0\0\0\0\x01abc\x7e\0\0\0\x02\0");
    stream.extend(b"\x09\x1b\x1b");
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("s.bin");
    fs::write(&path, &stream).expect("it can be written");
    let seen = inspected(&load(&path).expect("it is there").files[0]);
    let text = seen.text(true).to_string();
    assert!(text.contains("\\u{1b}[2J") && text.contains("\\u{1b}[1m"), "{text}");
    assert!(!text.contains('\u{1b}'));
}
