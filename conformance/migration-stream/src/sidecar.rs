//! The files beside a stream: who wrote it, how it was written, how it was read.
//!
//! | file | what |
//! |---|---|
//! | `MANIFEST.json` | all streams of the directory: machine, hashes, whether QEMU accepts them |
//! | `NAME.writev.json` | each vectored write of the source: lengths of the pieces, bytes written |
//! | `NAME.readv.json` | each read of the destination: bytes wanted, bytes got |
//! | `NAME.chunks.json` | what came through a socket at a time, in either direction |
//! | `NAME.rev.bin` | the return path |

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::StreamError;
use crate::text::Position;

/// Greatest length of such a file, in bytes.
const MAX_LEN: u64 = 64 << 20;

/// One read of the recorded destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedRead {
    /// Bytes asked for.
    pub wanted: usize,
    /// Bytes given; 0 is the end of the stream, -1 "nothing yet".
    pub got: i64,
}

/// One write of the recorded source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedWrite {
    /// Lengths of the pieces, in bytes.
    pub lengths: Vec<usize>,
    /// Bytes taken; -1 for "no room yet".
    pub written: i64,
}

/// What came through a socket at a time, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunks {
    /// From the source to the destination.
    pub forward: Vec<usize>,
    /// On the return path.
    pub reverse: Vec<usize>,
}

/// Part of guest memory after the stream was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MemoryHash {
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// What is used of `MANIFEST.json`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) files: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) command: Option<String>,
    pub(crate) accepted_by_qemu: Option<bool>,
    pub(crate) return_path_file: Option<FileHash>,
    #[serde(default)]
    pub(crate) verification: std::collections::BTreeMap<String, Verification>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FileHash {
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Verification {
    pub(crate) guest_memory: Option<MemoryHash>,
}

impl Entry {
    /// The machine of the command line, without its properties.
    pub(crate) fn machine(&self) -> Option<String> {
        let mut words = self.command.as_deref()?.split_whitespace();
        words.by_ref().find(|word| matches!(*word, "-machine" | "-M"))?;
        words.next()?.split(',').next().map(str::to_owned)
    }

    pub(crate) fn memory(&self) -> Option<MemoryHash> {
        self.verification.values().find_map(|run| run.guest_memory.clone())
    }
}

#[derive(Deserialize)]
struct Calls<Call> {
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct ChunkList {
    chunks: Vec<(String, i64, f64)>,
}

/// Reads a JSON file; `None` where there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StreamError> {
    let unreadable = |error| StreamError::Unreadable { path: path.to_owned(), error };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = Vec::new();
    file.take(MAX_LEN + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_LEN {
        return Err(meaning(
            path,
            "length",
            format!("more than {MAX_LEN} bytes, which is the limit"),
        ));
    }
    serde_json::from_slice(&text).map(Some).map_err(|error| StreamError::Syntax {
        path: path.to_owned(),
        at: Position { line: error.line(), column: error.column() },
        reason: error.to_string(),
    })
}

pub(crate) fn meaning(path: &Path, field: &str, reason: String) -> StreamError {
    StreamError::Meaning { path: path.to_owned(), field: field.to_owned(), reason }
}

/// The recorded reads, which must add up to the stream's length.
pub(crate) fn reads(path: &Path, size: u64) -> Result<Option<Vec<RecordedRead>>, StreamError> {
    let Some(file) = read_json::<Calls<(String, usize, i64)>>(path)? else { return Ok(None) };
    let mut reads = Vec::with_capacity(file.calls.len());
    let mut total = 0_u64;
    for (number, (_, wanted, got)) in file.calls.into_iter().enumerate() {
        if got < -1 || u64::try_from(got).is_ok_and(|got| got > wanted as u64) {
            return Err(meaning(
                path,
                &format!("calls[{number}]"),
                format!("{got} bytes of {wanted}, expected -1 to {wanted}"),
            ));
        }
        total = total.saturating_add(u64::try_from(got).unwrap_or(0));
        reads.push(RecordedRead { wanted, got });
    }
    adds_up(path, total, size)?;
    Ok(Some(reads))
}

/// The recorded writes, which must add up to the stream's length.
pub(crate) fn writes(path: &Path, size: u64) -> Result<Option<Vec<RecordedWrite>>, StreamError> {
    let Some(file) = read_json::<Calls<(String, Vec<usize>, i64)>>(path)? else { return Ok(None) };
    let mut writes = Vec::with_capacity(file.calls.len());
    let mut total = 0_u64;
    for (number, (_, lengths, written)) in file.calls.into_iter().enumerate() {
        let sum = lengths.iter().fold(0_u64, |sum, len| sum.saturating_add(*len as u64));
        if written == 0 || written < -1 || u64::try_from(written).is_ok_and(|written| written > sum)
        {
            return Err(meaning(
                path,
                &format!("calls[{number}]"),
                format!("{written} bytes of {sum}, expected -1 or 1 to {sum}"),
            ));
        }
        total = total.saturating_add(u64::try_from(written).unwrap_or(0));
        writes.push(RecordedWrite { lengths, written });
    }
    adds_up(path, total, size)?;
    Ok(Some(writes))
}

fn adds_up(path: &Path, total: u64, size: u64) -> Result<(), StreamError> {
    if total == size {
        return Ok(());
    }
    Err(meaning(
        path,
        "calls",
        format!("they add up to {total} bytes, and the stream has {size}: record them together"),
    ))
}

/// The recorded chunks; ends and failures are left out.
pub(crate) fn chunks(path: &Path) -> Result<Option<Chunks>, StreamError> {
    let Some(file) = read_json::<ChunkList>(path)? else { return Ok(None) };
    let mut chunks = Chunks::default();
    for (number, (direction, len, _)) in file.chunks.into_iter().enumerate() {
        let list = match direction.as_str() {
            "fwd" => &mut chunks.forward,
            "rev" => &mut chunks.reverse,
            other => {
                return Err(meaning(
                    path,
                    &format!("chunks[{number}]"),
                    format!("direction {other:?}, expected fwd or rev"),
                ));
            }
        };
        if let Ok(len @ 1..) = usize::try_from(len) {
            list.push(len);
        }
    }
    Ok(Some(chunks))
}
