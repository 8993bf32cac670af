//! What a file may be besides a stream: something that holds one.
//!
//! | what | how it is told | opened |
//! |---|---|---|
//! | `file:…,offset=N` of QEMU | zeros in front of the magic | yes |
//! | libvirt's save image | `LibvirtQemudSave` | yes |
//! | the same, not completed | `LibvirtQemudPart` | no: libvirt itself refuses it |
//! | gzip | `1f8b` | yes |
//! | xz, zstd | `fd377a585a00`, `28b52ffd` | with the feature `containers` |
//! | lzop, bzip2 | `894c5a4f`, `BZh` | no |
//! | qcow2 with internal snapshots | `514649fb` | no |

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StreamError;
use crate::format;
use crate::walk::Start;

/// Longest stream that is taken out of a container or a pipe, in bytes.
const MAX_TAKEN_OUT: u64 = 64 << 30;

/// Containers in each other that are opened.
const MAX_DEPTH: usize = 4;

/// Zeros in front of a stream that are skipped.
const MAX_OFFSET: u64 = 1 << 30;

/// Bytes by which a file is known.
const HEAD: usize = 128;

/// Where the bytes of a stream are.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In a file.
    Path(PathBuf),
    /// Taken out of a container or a pipe, into a file without a name.
    TakenOut(Arc<File>),
}

impl Source {
    /// The file, to be read by places.
    pub(crate) fn file(&self) -> io::Result<Arc<File>> {
        match self {
            Self::Path(path) => File::open(path).map(Arc::new),
            Self::TakenOut(file) => Ok(Arc::clone(file)),
        }
    }
}

/// A stream that was found in a file.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) source: Source,
    /// Where it begins.
    pub(crate) begin: u64,
    /// Its length in bytes.
    pub(crate) len: u64,
    /// Where in the format it begins.
    pub(crate) start: Start,
    /// What was opened on the way.
    pub(crate) notes: Vec<String>,
    /// What the file is, if it is no stream and cannot be opened.
    pub(crate) closed: Option<String>,
}

enum Seen {
    /// A stream, or nothing that is known.
    Stream(Start),
    /// It lies further behind.
    At(u64, String),
    /// It has to be decompressed.
    Compressed(Format),
    /// It cannot be opened.
    Closed(String),
}

#[derive(Clone, Copy)]
enum Format {
    Gzip,
    Xz,
    Zstd,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    fn decoder<'r>(self, packed: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
        match self {
            Self::Gzip => Ok(Box::new(flate2::read::MultiGzDecoder::new(packed))),
            #[cfg(feature = "containers")]
            Self::Xz => Ok(Box::new(liblzma::read::XzDecoder::new_multi_decoder(packed))),
            #[cfg(feature = "containers")]
            Self::Zstd => Ok(Box::new(zstd::stream::read::Decoder::new(packed)?)),
            #[cfg(not(feature = "containers"))]
            Self::Xz | Self::Zstd => {
                Err(io::Error::other("this build has no decoder for it (feature `containers`)"))
            }
        }
    }
}

/// Finds the stream in the file at `path`. What is no regular file is read once, to its end.
pub(crate) fn open(path: &Path) -> Result<Opened, StreamError> {
    find(path).map_err(|error| StreamError::Unreadable { path: path.to_owned(), error })
}

fn find(path: &Path) -> io::Result<Opened> {
    let mut file = File::open(path)?;
    let mut opened = Opened {
        source: Source::Path(path.to_owned()),
        begin: 0,
        len: file.metadata()?.len(),
        start: Start::Header,
        notes: Vec::new(),
        closed: None,
    };
    if !file.metadata()?.is_file() {
        (file, opened.len) = take_out(&mut file)?;
        opened.source = Source::TakenOut(Arc::new(file.try_clone()?));
    }
    for _ in 0..MAX_DEPTH {
        match look(&file, opened.begin, opened.len)? {
            Seen::Stream(start) => {
                opened.start = start;
                break;
            }
            Seen::At(place, note) => {
                opened.notes.push(note);
                opened.begin += place;
                opened.len = opened.len.saturating_sub(place);
            }
            Seen::Closed(what) => {
                opened.closed = Some(what);
                break;
            }
            Seen::Compressed(format) => {
                let name = format.name();
                file.seek(SeekFrom::Start(opened.begin))?;
                let (out, len, end) = match format.decoder(io::BufReader::new(&file)) {
                    Ok(mut decoder) => take_out_all(&mut decoder)?,
                    Err(error) => (tempfile::tempfile()?, 0, Err(error)),
                };
                match end {
                    Err(error) if len == 0 => {
                        opened.closed = Some(format!(
                            "compressed with {name}, which cannot be opened: {error}"
                        ));
                        break;
                    }
                    Err(error) => opened.notes.push(format!(
                        "compressed with {name}; the compression ends in an error behind {len} bytes: {error}"
                    )),
                    Ok(()) => opened.notes.push(format!("compressed with {name}: {len} bytes inside")),
                }
                (file, opened.begin, opened.len) = (out, 0, len);
                opened.source = Source::TakenOut(Arc::new(file.try_clone()?));
            }
        }
    }
    Ok(opened)
}

/// Copies all that comes into a file without a name.
fn take_out(from: &mut dyn Read) -> io::Result<(File, u64)> {
    let (file, len, end) = take_out_all(from)?;
    end.map(|()| (file, len))
}

/// As [`take_out`], with what came before an error.
fn take_out_all(from: &mut dyn Read) -> io::Result<(File, u64, io::Result<()>)> {
    let mut file = tempfile::tempfile()?;
    let mut piece = vec![0; 1 << 16];
    let mut len = 0_u64;
    loop {
        let count = match from.read(&mut piece) {
            Ok(0) => {
                file.set_len(len)?;
                return Ok((file, len, Ok(())));
            }
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                file.set_len(len)?;
                return Ok((file, len, Err(error)));
            }
        };
        len += count as u64;
        if len > MAX_TAKEN_OUT {
            let error = io::Error::other(format!("more than {MAX_TAKEN_OUT} bytes come out of it"));
            return Ok((file, len - count as u64, Err(error)));
        }
        if piece[..count].iter().all(|byte| *byte == 0) {
            // A hole: what packs well takes no room here either.
            file.seek(SeekFrom::Current(i64::try_from(count).unwrap_or_default()))?;
        } else {
            file.write_all(&piece[..count])?;
        }
    }
}

fn look(file: &File, begin: u64, len: u64) -> io::Result<Seen> {
    let mut head = [0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match file.read_at(&mut head[filled..], begin + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    let head = &head[..filled];
    Ok(if let Some(start) = start_of(head) {
        Seen::Stream(start)
    } else if head.starts_with(b"LibvirtQemudSave") {
        libvirt(head, len)
    } else if head.starts_with(b"LibvirtQemudPart") {
        Seen::Closed(
            "a save image of libvirt that was not completed (LibvirtQemudPart): save again"
                .to_owned(),
        )
    } else if head.starts_with(&[0x1f, 0x8b]) {
        Seen::Compressed(Format::Gzip)
    } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        Seen::Compressed(Format::Xz)
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Seen::Compressed(Format::Zstd)
    } else if head.starts_with(&[0x89, b'L', b'Z', b'O', 0]) {
        Seen::Closed("compressed with lzop: unpack it with `lzop -d` first".to_owned())
    } else if head.starts_with(b"BZh") {
        Seen::Closed("compressed with bzip2: unpack it with `bzip2 -d` first".to_owned())
    } else if head.starts_with(b"QFI\xfb") {
        Seen::Closed(qcow2(file, head)?)
    } else if head.starts_with(b"MVEQ") {
        Seen::Closed(
            "its mirror image: the magic is `MVEQ`, so that its words were swapped on the way"
                .to_owned(),
        )
    } else if head.first() == Some(&0) {
        match behind_zeros(file, begin, len)? {
            Some(place) => Seen::At(
                place,
                format!("the stream begins at byte {place} of the file (`file:…,offset={place}`)"),
            ),
            None => Seen::Stream(Start::Header),
        }
    } else {
        Seen::Stream(Start::Header)
    })
}

/// Where in the format a stream begins that begins with `head`.
pub(crate) fn start_of(head: &[u8]) -> Option<Start> {
    let word =
        head.get(..4).map_or(0, |word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    match word {
        format::MAGIC => return Some(Start::Header),
        format::multifd::MAGIC => return Some(Start::Multifd),
        format::cpr::MAGIC => return Some(Start::Cpr),
        _ => {}
    }
    // Only a command stands there without a header in front.
    let number = head.get(1..3).map_or(0, |word| u16::from_be_bytes([word[0], word[1]]));
    let is_command =
        head.first() == Some(&format::record::COMMAND) && format::command::name(number).is_some();
    is_command.then_some(Start::Records)
}

/// The place of a magic that has nothing but zeros in front of it.
fn behind_zeros(file: &File, begin: u64, len: u64) -> io::Result<Option<u64>> {
    let mut piece = vec![0; 1 << 16];
    let mut place = 0;
    while place < len.min(MAX_OFFSET) {
        let count = file.read_at(&mut piece, begin + place)?;
        if count == 0 {
            break;
        }
        if let Some(first) = piece[..count].iter().position(|byte| *byte != 0) {
            let place = place + first as u64;
            let mut word = [0; 8];
            let whole = file.read_exact_at(&mut word, begin + place).is_ok();
            let [a, b, c, d, e, f, g, h] = word;
            let is_stream = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
                == (format::MAGIC, format::VERSION);
            return Ok((whole && is_stream).then_some(place));
        }
        place += count as u64;
    }
    Ok(None)
}

/// A save image: magic 16 bytes, version 32, length of the text behind the header 32, whether the
/// guest ran 32, compression 32, and more, in the order of the machine that wrote it. The text is
/// the guest's XML; the header has had several lengths, 92 bytes mostly.
fn libvirt(head: &[u8], len: u64) -> Seen {
    const FIXED: usize = 36;
    let word = |at: usize| -> Option<u32> {
        let bytes: [u8; 4] = head.get(at..at + 4)?.try_into().ok()?;
        // A version is small: its order tells that of all words.
        let little = head.get(16..20).is_some_and(|version| version[0] != 0);
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let text = head.iter().skip(FIXED).position(|byte| *byte == b'<').map(|at| at + FIXED);
    let place = text.and_then(|text| Some(text as u64 + u64::from(word(20)?)));
    match place.filter(|place| *place <= len) {
        Some(place) => {
            let ran = if word(24) == Some(0) { "paused" } else { "running" };
            let note = format!(
                "a save image of libvirt: the stream begins at byte {place}, of a guest that was {ran}"
            );
            Seen::At(place, note)
        }
        None => Seen::Closed("a save image of libvirt whose header is cut".to_owned()),
    }
}

/// A disk image, with the names of the snapshots in it.
fn qcow2(file: &File, head: &[u8]) -> io::Result<String> {
    const MOST: u32 = 16;
    let word = |from: usize, len: usize| -> u64 {
        let bytes = head.get(from..from + len).unwrap_or_default();
        bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    let (count, mut place) = (word(60, 4), word(64, 8));
    let mut names = Vec::new();
    for _ in 0..count.min(MOST.into()) {
        // l1 64, l1 size 32, length of the id 16, of the name 16, date 64, clock 64, size 32,
        // length of what else there is 32; then that, the id, the name.
        let mut entry = [0; 40];
        if file.read_exact_at(&mut entry, place).is_err() {
            break;
        }
        let [id, name] =
            [12, 14].map(|at| u64::from(u16::from_be_bytes([entry[at], entry[at + 1]])));
        let size = u32::from_be_bytes([entry[32], entry[33], entry[34], entry[35]]);
        let extra = u64::from(u32::from_be_bytes([entry[36], entry[37], entry[38], entry[39]]));
        let mut text = vec![0; usize::try_from(name).unwrap_or_default()];
        if file.read_exact_at(&mut text, place + 40 + extra + id).is_err() {
            break;
        }
        names.push(format!("{:?} ({size} bytes of state)", String::from_utf8_lossy(&text)));
        place += (40 + extra + id + name).next_multiple_of(8);
    }
    let list = if names.is_empty() { "none could be read".to_owned() } else { names.join(", ") };
    Ok(format!(
        "a disk image (qcow2) with {count} internal snapshots: {list}; load one with `-loadvm NAME` and migrate to a file to get its stream"
    ))
}
