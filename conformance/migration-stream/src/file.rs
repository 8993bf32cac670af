//! Streams on disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::channels;
use crate::container::{self, Source};
use crate::description::{Description, Found, MAX_DESCRIPTION};
use crate::error::StreamError;
use crate::format::{self, record};
use crate::loader::CoreLoader;
use crate::sidecar::{
    self, Chunks, Entry, Manifest, MemoryHash, RecordedRead, RecordedWrite, meaning,
};
use crate::walk::Start;

/// Name of the file that lists a directory's streams.
const MANIFEST: &str = "MANIFEST.json";

/// End of a stream's name, and of its return path's.
const STREAM: &str = ".bin";
const REVERSE: &str = ".rev.bin";

/// A stream with what is known of it.
#[derive(Clone, Debug)]
pub struct StreamFile {
    /// Name of the file, without the directory.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Length of the stream in bytes, without what stands in front of it in the file.
    pub size: u64,
    /// Offset of the stream in the file, or in what was taken out of it.
    pub begin: u64,
    /// Where in the format it begins.
    pub start: Start,
    /// What had to be opened to get at it.
    pub notes: Vec<String>,
    /// What the file is, if it is no stream and cannot be opened.
    pub closed: Option<String>,
    /// Further channels of the same migration: `NAME.*.chan`.
    pub channels: Vec<PathBuf>,
    source: Source,
    /// The machine: from its configuration, else from the manifest.
    pub machine: Option<String>,
    /// Whether QEMU accepted it; absent where nobody says.
    pub accepted: Option<bool>,
    /// How the destination read it.
    pub reads: Option<Vec<RecordedRead>>,
    /// How the source wrote it.
    pub writes: Option<Vec<RecordedWrite>>,
    /// How it came through a socket.
    pub chunks: Option<Chunks>,
    /// The return path.
    pub reverse: Option<PathBuf>,
    /// Other streams of the manifest that have the same machine.
    pub siblings: Vec<PathBuf>,
    /// What guest memory held after it was loaded.
    pub memory: Option<MemoryHash>,
}

/// What a path gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The streams that can be used, by name.
    pub files: Vec<StreamFile>,
    /// What is wrong with the others.
    pub broken: Vec<StreamError>,
}

/// Loads the streams of a directory, or one stream: each with its sidecars, and with its entry of
/// the `MANIFEST.json` in the same directory. All of these may be missing.
///
/// # Errors
///
/// [`StreamError`] where the path or the manifest cannot be used; what is wrong with a single
/// stream is in [`Loaded::broken`].
pub fn load(path: &Path) -> Result<Loaded, StreamError> {
    let unreadable = |error| StreamError::Unreadable { path: path.to_owned(), error };
    let single = !fs::metadata(path).map_err(unreadable)?.is_dir();
    let directory = if single { path.parent().unwrap_or(Path::new("")) } else { path };
    let entries = manifest(directory)?;
    let machines: Vec<(PathBuf, Option<String>)> = entries
        .values()
        .filter(|entry| entry.accepted_by_qemu != Some(false))
        .map(|entry| {
            let path = directory.join(&entry.file);
            let machine = machine_of(&path).or_else(|| entry.machine());
            (path, machine)
        })
        .collect();
    let mut paths =
        if single { vec![path.to_owned()] } else { streams_in(directory).map_err(unreadable)? };
    if !single {
        paths.extend(entries.keys().map(|name| directory.join(name)));
    }
    paths.sort();
    paths.dedup();
    let mut loaded = Loaded::default();
    for path in paths {
        let name =
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let entry = entries.get(&name);
        match open(&path, name, entry, &machines) {
            Ok(file) => loaded.files.push(file),
            Err(error) => loaded.broken.push(error),
        }
    }
    Ok(loaded)
}

/// The entries of a directory's manifest, by name; none where there is no manifest.
fn manifest(directory: &Path) -> Result<BTreeMap<String, Entry>, StreamError> {
    let path = directory.join(MANIFEST);
    let Some(manifest) = sidecar::read_json::<Manifest>(&path)? else { return Ok(BTreeMap::new()) };
    let mut entries = BTreeMap::new();
    for (number, entry) in manifest.files.into_iter().enumerate() {
        let field = format!("files[{number}].file");
        let reverse = entry.return_path_file.iter().map(|reverse| &reverse.file);
        if let Some(name) = reverse.chain([&entry.file]).find(|name| !is_plain(name)) {
            return Err(meaning(
                &path,
                &field,
                format!("{name:?} is no plain name of a file in this directory"),
            ));
        }
        if let Some(twice) = entries.insert(entry.file.clone(), entry) {
            return Err(meaning(&path, &field, format!("{:?} is listed twice", twice.file)));
        }
    }
    Ok(entries)
}

fn is_plain(name: &str) -> bool {
    let path = Path::new(name);
    path.file_name().is_some_and(|file| file == name) && path.components().count() == 1
}

fn streams_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name =
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if name.ends_with(STREAM) && !name.ends_with(REVERSE) && path.is_file() {
            paths.push(path);
        }
    }
    Ok(paths)
}

pub(crate) fn open(
    path: &Path,
    name: String,
    entry: Option<&Entry>,
    machines: &[(PathBuf, Option<String>)],
) -> Result<StreamFile, StreamError> {
    let opened = container::open(path)?;
    let size = opened.len;
    let stem = path.with_file_name(name.strip_suffix(STREAM).unwrap_or(&name));
    let beside = |end: &str| {
        let mut name = stem.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    let reverse = beside(REVERSE);
    let reverse = reverse.is_file().then_some(reverse);
    if let Some(entry) = entry {
        verify(path, entry.size, &entry.sha256)?;
        if let Some(hash) = &entry.return_path_file {
            verify(&path.with_file_name(&hash.file), hash.size, &hash.sha256)?;
        }
    }
    let machine =
        machine_in(&opened.source, opened.begin).or_else(|| entry.and_then(Entry::machine));
    let siblings = machines
        .iter()
        .filter(|(other, of)| entry.is_some() && other != path && of.is_some() && *of == machine)
        .map(|(other, _)| other.clone())
        .collect();
    Ok(StreamFile {
        size,
        accepted: entry.and_then(|entry| entry.accepted_by_qemu),
        reads: sidecar::reads(&beside(".readv.json"), size)?,
        writes: sidecar::writes(&beside(".writev.json"), size)?,
        chunks: sidecar::chunks(&beside(".chunks.json"))?,
        memory: entry.and_then(Entry::memory),
        path: path.to_owned(),
        begin: opened.begin,
        start: opened.start,
        notes: opened.notes,
        closed: opened.closed,
        channels: channels::of(&stem),
        source: opened.source,
        name,
        machine,
        reverse,
        siblings,
    })
}

/// Compares a file with its entry in the manifest.
fn verify(path: &Path, size: u64, sha256: &str) -> Result<(), StreamError> {
    let unreadable = |error| StreamError::Unreadable { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    let mut len = 0_u64;
    loop {
        let count = file.read(&mut chunk).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        hash.update(&chunk[..count]);
        len += count as u64;
    }
    let found = crate::text::hex(&hash.finalize());
    if (len, found.as_str()) == (size, sha256) {
        return Ok(());
    }
    Err(meaning(
        path,
        "content",
        format!(
            "{len} bytes with SHA-256 {found}; the manifest has {size} bytes with {sha256}: take both from the same place"
        ),
    ))
}

/// The machine in a stream's configuration.
fn machine_of(path: &Path) -> Option<String> {
    machine_in(&Source::Path(path.to_owned()), 0)
}

fn machine_in(source: &Source, begin: u64) -> Option<String> {
    const HEAD: usize = 13;
    const LONGEST: usize = 255;
    let mut head = vec![0; HEAD + LONGEST];
    let count = source.file().ok()?.read_at(&mut head, begin).ok()?;
    head.truncate(count);
    let (head, rest) = head.split_at_checked(HEAD)?;
    let (magic, version) = (format::MAGIC.to_be_bytes(), format::VERSION.to_be_bytes());
    if head[..4] != magic || head[4..8] != version || head[8] != record::CONFIGURATION {
        return None;
    }
    let len = u32::from_be_bytes([head[9], head[10], head[11], head[12]]);
    let name = rest.get(..usize::try_from(len).ok()?)?;
    Some(String::from_utf8_lossy(name).into_owned())
}

impl StreamFile {
    /// All its bytes, if there are at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StreamError::Unreadable`]; [`StreamError::Meaning`] where it is longer.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, StreamError> {
        if self.size > limit {
            return Err(too_long(&self.path, limit));
        }
        self.read_whole()
    }

    /// At most `len` bytes from offset `from` of the stream on; fewer at its end.
    ///
    /// # Errors
    ///
    /// [`StreamError::Unreadable`].
    pub fn read_part(&self, from: u64, len: u64) -> Result<Vec<u8>, StreamError> {
        let unreadable = |error| StreamError::Unreadable { path: self.path.clone(), error };
        let len = len.min(self.size.saturating_sub(from)).min(MAX_DESCRIPTION as u64);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
        read_at(&*self.file()?, &mut bytes, self.begin.saturating_add(from)).map_err(unreadable)?;
        Ok(bytes)
    }

    /// All bytes of its return path, if it has one and there are at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_reverse(&self, limit: u64) -> Result<Option<Vec<u8>>, StreamError> {
        self.reverse.as_deref().map(|path| read(path, limit)).transpose()
    }

    /// Loads it from disk with the core, without holding it in memory.
    ///
    /// # Errors
    ///
    /// [`StreamError::Unreadable`].
    pub fn loader(&self) -> Result<CoreLoader, StreamError> {
        Ok(CoreLoader::of_file(self.file()?, self.begin))
    }

    fn read_whole(&self) -> Result<Vec<u8>, StreamError> {
        let unreadable = |error| StreamError::Unreadable { path: self.path.clone(), error };
        let mut bytes = vec![0; usize::try_from(self.size).unwrap_or_default()];
        read_at(&*self.file()?, &mut bytes, self.begin).map_err(unreadable)?;
        Ok(bytes)
    }

    fn file(&self) -> Result<Arc<File>, StreamError> {
        let unreadable = |error| StreamError::Unreadable { path: self.path.clone(), error };
        self.source.file().map_err(unreadable)
    }

    /// Its description, and what is wrong with it if it cannot be used.
    ///
    /// # Errors
    ///
    /// [`StreamError::Unreadable`].
    pub fn description(&self) -> Result<Found, StreamError> {
        let tail = self.size.min(MAX_DESCRIPTION as u64);
        let bytes = self.read_part(self.size - tail, tail)?;
        Ok(Description::look(&bytes))
    }
}

/// All bytes of a file that has at most `limit`.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, StreamError> {
    let unreadable = |error| StreamError::Unreadable { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(path, limit));
    }
    Ok(bytes)
}

fn too_long(path: &Path, limit: u64) -> StreamError {
    meaning(path, "length", format!("more than {limit} bytes, which is what is held in memory"))
}

/// Fills `bytes` from a place of a file; what lies behind its end stays as it is.
fn read_at(file: &File, bytes: &mut [u8], place: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], place + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The description at the end of a stream.
pub(crate) fn description_of(path: &Path) -> Result<Option<Description>, StreamError> {
    let tail = || {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(MAX_DESCRIPTION as u64)))?;
        let mut tail = Vec::new();
        file.take(MAX_DESCRIPTION as u64).read_to_end(&mut tail)?;
        Ok(tail)
    };
    let tail = tail().map_err(|error| StreamError::Unreadable { path: path.to_owned(), error })?;
    Ok(Description::find(&tail))
}
