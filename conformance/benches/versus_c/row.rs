//! The rows of the table: what is called, with what, and what is aimed at.

use std::path::Path;
use std::sync::Arc;

use c_reference::bench::{Loop, PAGE, PAGES, Step};
use qemufile_core::IO_BUF_SIZE;

use crate::Error;
use crate::free::Free;
use crate::steps;

/// Text of the counted strings: as long as the names of most devices and blocks.
const TEXT: &[u8; 15] = b"0000:00:02.0/vg";

/// Streams that are read and written whole: mostly pages, and mostly devices.
const STREAMS: [&str; 2] = ["iterative", "isapc-stopped"];

/// One operation.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) operation: Loop,
    /// Bytes in each call, where that is a parameter.
    pub(crate) len: usize,
    pub(crate) content: Vec<u8>,
    pub(crate) steps: Vec<Step>,
    pub(crate) goals: Goals,
}

/// What a row is to reach.
#[derive(Clone, Copy)]
pub(crate) struct Goals {
    /// So many times as fast as the original, at least.
    pub(crate) times_original: f64,
    /// So much of the speed of `memcpy`, at least.
    pub(crate) of_memcpy: Option<f64>,
    /// Whether std does the same work: it copies nothing where the original copies, from 32 KiB on.
    pub(crate) std: bool,
}

impl Row {
    fn new(name: impl Into<String>, operation: Loop, content: Vec<u8>, times: f64) -> Self {
        let goals = Goals { times_original: times, of_memcpy: None, std: true };
        Self { name: name.into(), operation, len: 0, content, steps: Vec::new(), goals }
    }

    fn with_len(self, len: usize) -> Self {
        Self { len, ..self }
    }

    /// The channel that gives the content, or takes what is written.
    pub(crate) fn channel(&self, keeps: bool) -> Arc<Free> {
        let repeats = self.operation.reads() && self.operation != Loop::ReadStream;
        Arc::new(Free::new(&self.content, repeats, keeps))
    }

    /// Memory for what is read.
    pub(crate) fn room(&self) -> Vec<u8> {
        vec![0; self.len.max(self.content.len()) + 1]
    }
}

/// Bytes without a pattern that a predictor or a compressor could use, but the same each time.
fn noise(len: usize) -> Vec<u8> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()[3]
    })
    .take(len)
    .collect()
}

/// Pages that compress about as a guest's do: words from a small set.
fn pages() -> Vec<u8> {
    noise(PAGES * PAGE).into_iter().map(|byte| if byte < 160 { 0 } else { byte & 15 }).collect()
}

fn strings() -> Vec<u8> {
    let mut one = vec![15];
    one.extend_from_slice(TEXT);
    one.repeat(IO_BUF_SIZE / one.len())
}

fn size(len: usize) -> String {
    match len {
        0x10_0000 => "1 MiB".to_owned(),
        len if len >= 1024 => format!("{} KiB", len / 1024),
        len => format!("{len} B"),
    }
}

/// The rows whose name is wanted, in the order of the table.
pub(crate) fn all(streams: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Row>, Error> {
    let buffer = || noise(IO_BUF_SIZE);
    let mut rows = vec![
        Row::new("put byte", Loop::PutByte, Vec::new(), 4.0),
        Row::new("put be16", Loop::PutBe16, Vec::new(), 1.0),
        Row::new("put be32", Loop::PutBe32, Vec::new(), 10.0),
        Row::new("put be64", Loop::PutBe64, Vec::new(), 20.0),
        Row::new("get byte", Loop::GetByte, buffer(), 2.5),
        Row::new("get be16", Loop::GetBe16, buffer(), 1.0),
        Row::new("get be32", Loop::GetBe32, buffer(), 10.0),
        Row::new("get be64", Loop::GetBe64, buffer(), 20.0),
    ];
    for len in [16, 256, 4096, 32_768, 1 << 20] {
        let mut put =
            Row::new(format!("put {}", size(len)), Loop::PutBuffer, noise(len), 1.0).with_len(len);
        let mut get =
            Row::new(format!("get {}", size(len)), Loop::GetBuffer, buffer(), 1.0).with_len(len);
        for row in [&mut put, &mut get] {
            if len == 16 {
                row.goals.times_original = 2.0;
            }
            row.goals.of_memcpy = (len >= 4096).then_some(0.95);
            row.goals.std = len < IO_BUF_SIZE;
        }
        rows.extend([put, get]);
    }
    let mut text = TEXT.to_vec();
    text.push(0);
    rows.extend([
        Row::new("get 4 KiB in place", Loop::GetInPlace, buffer(), 1.0).with_len(4096),
        Row::new("peek and skip 16 B", Loop::PeekSkip, buffer(), 1.0).with_len(16),
        Row::new("put string of 15", Loop::PutString, text, 1.0).with_len(TEXT.len()),
        Row::new("get string of 15", Loop::GetString, strings(), 1.0),
        Row::new("put page by reference", Loop::PutPage, pages(), 3.0),
        Row::new("put page compressed", Loop::PutCompressed, pages(), 1.0),
    ]);
    for name in STREAMS {
        let verbs = [("write", Loop::WriteStream), ("read", Loop::ReadStream)]
            .map(|(verb, operation)| (format!("{verb} {name}"), operation));
        if !verbs.iter().any(|(name, _)| wanted(name)) {
            continue;
        }
        let (content, steps) = steps::of(&streams.join(name).with_extension("bin"))?;
        for (name, operation) in verbs {
            let row = Row::new(name, operation, content.clone(), 2.0);
            rows.push(Row { steps: steps.clone(), ..row });
        }
    }
    rows.retain(|row| wanted(&row.name));
    Ok(rows)
}
