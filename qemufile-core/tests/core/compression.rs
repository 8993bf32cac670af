//! Compressed pages: that they inflate, and with C's zlib, that they are QEMU's own bytes.
#![cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]

use std::fs::File;
use std::sync::Arc;

use crate::support::{channel, pattern};
use flate2::{Decompress, FlushDecompress, Status};
use qemufile_core::{
    Compressor, DescriptorChannel, Error, IO_BUF_SIZE, MemoryChannel, Quirks, Reader, Stream,
    Writer,
};

const STREAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus/streams/compress-1.bin");
const PAGE: usize = 4096;

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut page = Vec::with_capacity(IO_BUF_SIZE);
    let mut decompress = Decompress::new(true);
    let status = decompress.decompress_vec(bytes, &mut page, FlushDecompress::Finish).unwrap();
    assert_eq!((status, decompress.total_in()), (Status::StreamEnd, bytes.len() as u64));
    page
}

/// What `put_compressed` writes: a length, and so many bytes.
fn compress(compressor: &mut Compressor, data: &[u8]) -> Vec<u8> {
    let channel = Arc::new(MemoryChannel::new());
    let mut writer = Writer::new(channel.clone());
    let count = writer.put_compressed(compressor, data).unwrap();
    writer.close().unwrap();
    let written = channel.take_output();
    assert_eq!(written.len(), count);
    let (header, payload) = written.split_at(4);
    assert_eq!(header, u32::try_from(payload.len()).unwrap().to_be_bytes());
    payload.to_vec()
}

/// Pages that a compressor finds easy, middling and impossible.
fn pages() -> [Vec<u8>; 4] {
    let mut state = 1_u32;
    let noise = (0..PAGE).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    [vec![0; PAGE], pattern(PAGE), noise.collect(), b"page ".repeat(1000)]
}

#[test]
fn levels_inflate_to_what_they_were() {
    for level in [0, 1, 6, 9, 10, u32::MAX] {
        let mut compressor = Compressor::new(level);
        for page in pages() {
            let bytes = compress(&mut compressor, &page);
            assert!(inflate(&bytes) == page, "level {level}");
            if level == 0 {
                assert_eq!(bytes.len(), page.len() + 11, "stored, with its frame");
            }
        }
        assert_eq!(inflate(&compress(&mut compressor, &[])), []);
    }
}

#[test]
fn a_compressor_starts_afresh_each_time() {
    let mut reused = Compressor::new(6);
    for page in pages().iter().chain(&pages()) {
        let bytes = compress(&mut reused, page);
        assert!(bytes == compress(&mut Compressor::new(6), page));
    }
    // Nor does one that had no room leave a trace.
    let mut writer = Writer::new(Arc::new(MemoryChannel::new()));
    writer.put_buffer(&vec![0; IO_BUF_SIZE - 100]).unwrap();
    writer.put_compressed(&mut reused, &pages()[1]).unwrap_err();
    assert!(compress(&mut reused, &pages()[1]) == compress(&mut Compressor::new(6), &pages()[1]));
}

/// Walks the RAM sections of a stream; all zlib records, and how many other pages there are.
fn zlib_records(reader: &mut Reader) -> Result<(Vec<Vec<u8>>, usize), Error> {
    let (mut records, mut others) = (Vec::new(), 0);
    assert_eq!((reader.get_be32()?, reader.get_be32()?), (0x5145_564d, 3));
    loop {
        match reader.get_byte()? {
            // The configuration: a machine's name.
            7 => {
                let len = reader.get_be32()?;
                reader.get_buffer(&mut vec![0; usize::try_from(len).unwrap()])?;
                continue;
            }
            1 => {
                reader.get_be32()?;
                assert_eq!(reader.get_counted_string()?, b"ram");
                reader.get_be64()?;
            }
            2 | 3 => {
                reader.get_be32()?;
            }
            // The devices: behind them there is no more memory.
            4 => return Ok((records, others)),
            other => panic!("no such record: {other}"),
        }
        loop {
            let word = reader.get_be64()?;
            let (value, flags) = (word & !0xfff, word & 0xfff);
            if flags & 0x10 != 0 {
                break;
            }
            if flags & 0x04 != 0 {
                let mut left = value;
                while left > 0 {
                    reader.get_counted_string()?;
                    left -= reader.get_be64()?;
                }
                continue;
            }
            if flags & 0x20 == 0 {
                reader.get_counted_string()?;
            }
            match flags & !0x20 {
                0x002 => {
                    reader.get_byte()?;
                    others += 1;
                }
                0x008 => {
                    reader.get_buffer(&mut [0; PAGE])?;
                    others += 1;
                }
                0x100 => {
                    let len = usize::try_from(reader.get_be32()?).unwrap();
                    let mut record = vec![0; len];
                    records.push(reader.get_buffer_in_place(&mut record)?.to_vec());
                }
                other => panic!("no such page: {other:#x}"),
            }
        }
        assert_eq!(reader.get_byte()?, 0x7e);
        reader.get_be32()?;
    }
}

#[test]
fn the_bytes_are_qemus_own() {
    let file = File::open(STREAM).unwrap();
    let mut reader = Reader::new(Arc::new(DescriptorChannel::new(file).unwrap()));
    let (records, others) = zlib_records(&mut reader).unwrap();
    assert_eq!((records.len(), others), (26, 289), "as its manifest says");
    let mut compressor = Compressor::new(1);
    for record in &records {
        let page = inflate(record);
        assert_eq!(page.len(), PAGE);
        let again = compress(&mut compressor, &page);
        if cfg!(feature = "zlib") {
            assert!(again == *record, "{} bytes differ", record.len());
        }
        assert!(inflate(&again) == page);
    }
    let different = records
        .iter()
        .filter(|record| compress(&mut Compressor::new(9), &inflate(record)) != **record);
    assert!(different.count() > 0, "the level is to be seen in the bytes");
}

#[test]
fn room_is_judged_by_the_bound() {
    // C's bound for a page, and the header before it.
    let needed = PAGE + 1 + 13;
    for (left, fits) in [(needed + 4, true), (needed + 3, false)] {
        for quirks in crate::support::SETTINGS {
            let scripted = channel([]).shared();
            let mut writer = Writer::with_config(scripted.clone(), &scripted.config(quirks));
            let front = pattern(IO_BUF_SIZE - left);
            writer.put_buffer(&front).unwrap();
            let result = writer.put_compressed(&mut Compressor::new(0), &pattern(PAGE));
            match result {
                Ok(count) => assert!(fits && count == PAGE + 15, "{count}"),
                Err(Error::NoSpace { needed: n, available }) => {
                    assert!(!fits && n == needed && available == left - 4);
                }
                Err(error) => panic!("{error:?}"),
            }
            writer.flush().unwrap();
            let len = scripted.written().len();
            assert_eq!(len, front.len() + if fits { PAGE + 15 } else { 0 });
        }
    }
    let mut writer = Writer::new(Arc::new(MemoryChannel::new()));
    let error = writer.put_compressed(&mut Compressor::new(9), &vec![0; 1 << 20]).unwrap_err();
    assert!(matches!(error, Error::NoSpace { available, .. } if available == IO_BUF_SIZE - 4));
    assert!(writer.error().is_none() && writer.is_empty());
}

#[test]
fn a_fixed_stream_keeps_header_and_payload_together() {
    for before in 0..64 {
        let scripted = channel([]).shared();
        let mut writer = Writer::with_config(scripted.clone(), &scripted.config(Quirks::FIXED));
        for _ in 0..before {
            writer.put_shared(vec![1, 2]).unwrap();
        }
        let count = writer.put_compressed(&mut Compressor::new(1), &pattern(PAGE)).unwrap();
        writer.flush().unwrap();
        let written = scripted.written();
        assert_eq!(written.len(), before * 2 + count);
        assert!(inflate(&written[before * 2 + 4..]) == pattern(PAGE), "behind {before} pieces");
    }
}
