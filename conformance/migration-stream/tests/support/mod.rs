//! Streams made by hand, piece by piece.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::fs;
use std::path::PathBuf;

use migration_stream::Walked;
use tempfile::TempDir;

/// A stream up to the first record.
pub(crate) fn head(subsections: &[u8]) -> Vec<u8> {
    [b"QEVM\0\0\0\x03\x07\0\0\0\x04none", subsections].concat()
}

pub(crate) fn capabilities(names: &[&str]) -> Vec<u8> {
    let mut bytes = b"\x05\x1aconfiguration/capabilities\0\0\0\x01".to_vec();
    bytes.extend(u32::try_from(names.len()).expect("few").to_be_bytes());
    for name in names {
        bytes.push(u8::try_from(name.len()).expect("short"));
        bytes.extend(name.as_bytes());
    }
    bytes
}

pub(crate) fn command(number: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).expect("short");
    [&[8][..], &number.to_be_bytes(), &len.to_be_bytes(), body].concat()
}

/// A RAM section with its footer.
pub(crate) fn ram(kind: u8, payload: &[u8]) -> Vec<u8> {
    let start = b"\x03ram\0\0\0\0\0\0\0\x04".as_slice();
    let head = if kind == 1 { start } else { &[] };
    [&[kind, 0, 0, 0, 1], head, payload, &16_u64.to_be_bytes(), &[0x7e, 0, 0, 0, 1]].concat()
}

pub(crate) fn block(name: &str, len: u64) -> Vec<u8> {
    let name_len = u8::try_from(name.len()).expect("short");
    [&[name_len], name.as_bytes(), &len.to_be_bytes()].concat()
}

pub(crate) fn list(total: u64, blocks: &[u8]) -> Vec<u8> {
    [&(total | 4).to_be_bytes(), blocks].concat()
}

pub(crate) fn text(walked: &Walked) -> String {
    walked.end.as_ref().expect_err("it is refused").to_string()
}

/// Files beside each other.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn of(files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).expect("a file can be written");
        }
        Self(directory)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
