//! `inspect` from end to end: what it prints, what it exits with, what it writes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::run;
use tempfile::tempdir;

fn corpus(name: &str) -> PathBuf {
    test_support::project("corpus/streams").join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A stream of one block with one page, whose name is `name`.
fn hostile(name: &[u8]) -> Vec<u8> {
    let mut stream = b"QEVM\0\0\0\x03\x01\0\0\0\x02\x03ram\0\0\0\0\0\0\0\x04".to_vec();
    let len = [u8::try_from(name.len()).unwrap()];
    stream.extend(0x1004_u64.to_be_bytes());
    stream.extend([&len[..], name, &0x1000_u64.to_be_bytes()].concat());
    stream.extend(0x10_u64.to_be_bytes());
    stream.extend(b"\x03\0\0\0\x02");
    stream.extend(0x08_u64.to_be_bytes());
    stream.extend([&len[..], name, &[0x77; 0x1000]].concat());
    stream.extend(0x10_u64.to_be_bytes());
    stream.push(0);
    stream
}

#[test]
fn blocks_devices_and_fields_are_shown() {
    let directory = tempdir().unwrap();
    let stream = corpus("isapc-ran.bin");
    let said = run(directory.path(), ["inspect", text(&stream)]).expect(0);
    assert!(said.out.contains("block pc.ram: 1048576 bytes"), "{}", said.out);
    assert!(said.out.contains("device cpu/0, version 12"), "{}", said.out);
    assert!(said.out.contains("  subsection "), "{}", said.out);
    assert!(said.out.ends_with("the stream is whole\n"), "{}", said.out);
    assert!(!said.out.contains("env.eip"));
    let said = run(directory.path(), ["inspect", text(&stream), "--fields"]).expect(0);
    assert!(said.out.contains("  env.eip: uint64 = 0x"), "{}", said.out);
    let seen = run(directory.path(), ["inspect", text(&stream), "--json"]).expect(0).report();
    assert_eq!(seen["blocks"][0]["name"], "pc.ram");
    assert_eq!(seen["breakage"], serde_json::Value::Null);
    let devices = seen["devices"].as_array().unwrap();
    let cpu = devices.iter().find(|device| device["name"] == "cpu").unwrap();
    let fields = cpu["fields"].as_array().unwrap();
    assert!(fields.iter().any(|field| field["path"] == "env.eip" && field["value"].is_u64()));
}

#[test]
fn a_broken_stream_is_shown_up_to_where_it_breaks() {
    let directory = tempdir().unwrap();
    let whole = fs::read(corpus("isapc-ran.bin")).unwrap();
    let seen = run(directory.path(), ["inspect", text(&corpus("isapc-ran.bin")), "--json"])
        .expect(0)
        .report();
    let devices = seen["devices"].as_array().unwrap();
    let cpu = devices.iter().find(|device| device["name"] == "cpu").unwrap();
    let eip = cpu["fields"].as_array().unwrap().iter().find(|field| field["path"] == "env.eip");
    let at = eip.unwrap()["offset"].as_u64().unwrap();
    let cut = directory.path().join("cut.bin");
    fs::write(&cut, &whole[..usize::try_from(at).unwrap() + 3]).unwrap();
    let cut = text(&cut);
    let said = run(directory.path(), ["inspect", cut]).expect(2);
    assert!(said.out.contains("the stream breaks in the record at byte"), "{}", said.out);
    assert!(said.out.contains("(section cpu): the stream ends inside"), "{}", said.out);
    let report = run(directory.path(), ["inspect", cut, "--json"]).expect(2).report();
    let breakage = &report["breakage"];
    assert_eq!(breakage["section"], "cpu");
    assert_eq!(breakage["record"], cpu["offset"]);
    assert_eq!(breakage["offset"], at + 3);
    // With the description of another stream of the machine the field has its name.
    let lender = corpus("isapc-ran.bin");
    let words = ["inspect", cut, "--description-from", text(&lender), "--json"];
    let report = run(directory.path(), words).expect(2).report();
    let breakage = &report["breakage"];
    assert_eq!(breakage["field"], "env.eip");
    assert_eq!(breakage["offset"], at);
}

#[test]
fn two_streams_are_compared() {
    let directory = tempdir().unwrap();
    let (ran, stopped) = (corpus("isapc-ran.bin"), corpus("isapc-stopped.bin"));
    let same = run(directory.path(), ["inspect", "--diff", text(&ran), text(&ran)]).expect(0);
    assert_eq!(same.out, "");
    let words = ["inspect", "--diff", text(&ran), text(&stopped)];
    let said = run(directory.path(), words).expect(1);
    assert!(said.out.contains("cpu/0: env.eip: 0x"), "{}", said.out);
    assert!(said.out.contains("block pc.ram, pages 0x"), "{}", said.out);
    let report = run(directory.path(), words.iter().chain(&["--json"])).expect(1).report();
    let all = report["differences"].as_array().unwrap();
    assert_eq!(all.len(), said.out.lines().count());
    assert!(all.iter().any(|difference| difference["what"] == "cpu/0: env.eip"));
    // One bit of memory is enough; two streams that break in the same place are not called whole.
    let mut bytes = hostile(b"pc.ram");
    let (first, second) = (directory.path().join("a.bin"), directory.path().join("b.bin"));
    fs::write(&first, &bytes).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    fs::write(&second, &bytes).unwrap();
    let said = run(directory.path(), ["inspect", "--diff", text(&first), text(&second)]).expect(1);
    assert_eq!(said.out, "block pc.ram, pages 0x0: 1 pages | other content\n");
    fs::write(&first, &bytes[..at]).unwrap();
    let said = run(directory.path(), ["inspect", "--diff", text(&first), text(&first)]).expect(2);
    assert_eq!(said.err.matches("the stream ends inside").count(), 2, "{}", said.err);
}

#[test]
fn memory_goes_to_a_file_and_a_failure_leaves_an_older_one() {
    let directory = tempdir().unwrap();
    let (stream, out) = (corpus("isapc-ran.bin"), directory.path().join("ram"));
    let ram = |block: &str, stream: &Path| {
        run(directory.path(), ["inspect", text(stream), "--ram", block, "--out", text(&out)])
    };
    let said = ram("pc.ram", &stream).expect(0);
    assert!(said.out.contains("1048576 bytes of pc.ram"), "{}", said.out);
    let memory = fs::read(&out).unwrap();
    assert_eq!(memory.len(), 1 << 20);
    assert!(ram("no.ram", &stream).expect(2).err.contains("no block \"no.ram\""));
    assert_eq!(fs::read(&out).unwrap(), memory);
    let page =
        run(directory.path(), ["inspect", text(&stream), "--page", "pc.ram:0x10010", "--json"]);
    let page = page.expect(0).report();
    assert_eq!(page["offset"], 0x10000);
    let expected = migration_stream::text::hex(&memory[0x10000..0x11000]);
    assert_eq!(page["content"], expected);
    // A broken stream gives what it has, where nothing is lost by that.
    let cut = directory.path().join("cut.bin");
    let whole = fs::read(&stream).unwrap();
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    assert!(ram("pc.ram", &cut).expect(2).err.contains("left as it is"));
    assert_eq!(fs::read(&out).unwrap(), memory);
    fs::remove_file(&out).unwrap();
    assert!(ram("pc.ram", &cut).expect(2).err.contains("holds what came before"));
    assert_eq!(fs::read(&out).unwrap().len(), 1 << 20);
    let said =
        run(directory.path(), ["inspect", text(&stream), "--ram", "pc.ram", "--out", "/dev/full"]);
    assert!(said.expect(2).err.contains("neither a file nor a folder"));
}

#[test]
fn a_page_is_shown_or_it_is_said_why_not() {
    let directory = tempdir().unwrap();
    let stream = directory.path().join("small.bin");
    fs::write(&stream, hostile(b"a:b")).unwrap();
    let page = |address: &str| run(directory.path(), ["inspect", text(&stream), "--page", address]);
    let said = page("a:b:0xfff").expect(0);
    assert!(said.out.starts_with("a:b:0x0, 4096 bytes, sent at byte 7"), "{}", said.out);
    assert!(said.out.contains("         ff0: 77 77"), "{}", said.out);
    assert!(page("c:0").expect(2).err.contains("there are: a:b"));
    assert!(page("a:b:4096").expect(2).err.contains("has 4096 bytes"));
    for wrong in ["a", "a:", "a:-1", "a:0x", "a:99999999999999999999"] {
        page(wrong).expect(2);
    }
}

#[test]
fn nothing_of_a_stream_reaches_a_terminal_unescaped() {
    let directory = tempdir().unwrap();
    let stream = directory.path().join("hostile.bin");
    fs::write(&stream, hostile(b"\x1b[2J\n\x07")).unwrap();
    let hostile = text(&stream);
    for words in [
        &["inspect", hostile][..],
        &["inspect", hostile, "--fields"],
        &["inspect", hostile, "--json"],
        &["inspect", hostile, "--page", "x:0"],
        &["inspect", hostile, "--ram", "\x1b[2J", "--out", "x"],
        &["inspect", "--diff", hostile, text(&corpus("isapc-ran.bin"))],
    ] {
        let said = run(directory.path(), words);
        assert!(said.status < 3, "{words:?}: {}", said.err);
        let all = said.out + &said.err;
        assert!(all.contains("\\u{1b}[2J") || all.contains("\\u001b[2J"), "{words:?}: {all}");
        assert!(all.chars().all(|letter| letter == '\n' || !letter.is_control()), "{all:?}");
    }
}

#[test]
fn wrong_usage_of_inspect_exits_with_2() {
    let directory = tempdir().unwrap();
    let stream = corpus("isapc-ran.bin");
    let stream = text(&stream);
    for words in [
        &["inspect"][..],
        &["inspect", "--diff", stream],
        &["inspect", stream, "--diff", stream, stream],
        &["inspect", stream, "--ram", "pc.ram"],
        &["inspect", stream, "--out", "x"],
        &["inspect", stream, "--page", "pc.ram:0", "--ram", "pc.ram", "--out", "x"],
        &["inspect", "/no/such/stream.bin"],
        &["inspect", text(directory.path())],
    ] {
        run(directory.path(), words).expect(2);
    }
}
