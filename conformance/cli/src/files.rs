//! Where the project's files are.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use conformance::corpus;
use conformance::explore::Shard;
use conformance::record::write_whole;
use conformance::streams::{StreamFile, load};

use crate::Stop;
use crate::report::sheet::one_line;

/// The project's directory as seen from here: this one, or the first above it that holds a corpus
/// beside a `Cargo.toml`.
fn project() -> Option<PathBuf> {
    let here = Path::new("");
    let is_project = |directory: &Path| {
        directory.join("corpus").is_dir() && directory.join("Cargo.toml").is_file()
    };
    if is_project(here) {
        return Some(here.to_owned());
    }
    let current = std::env::current_dir().ok()?;
    current.ancestors().find(|directory| is_project(directory)).map(Path::to_owned)
}

/// A directory of the project.
pub(crate) fn in_project(directory: &str) -> Result<PathBuf, Stop> {
    let found = project().map(|project| project.join(directory)).filter(|path| path.is_dir());
    found.ok_or_else(|| {
        Stop::input(format!(
            "no {directory} here: name a path, or go to the project's own directory"
        ))
    })
}

/// Where failing cases go if nothing is said.
pub(crate) fn output() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    let target = target.map_or_else(|| project().unwrap_or_default().join("target"), PathBuf::from);
    target.join("conformance")
}

/// Refuses what could be waited for without end, such as a FIFO or a device. What is not there is
/// told by whoever reads it.
pub(crate) fn regular(path: &Path) -> Result<(), Stop> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => Err(Stop::input(format!(
            "{}: neither a file nor a folder; write its contents to a file first",
            shown(path)
        ))),
        _ => Ok(()),
    }
}

/// As [`regular`], and takes a pipe that is open already, such as `/dev/stdin` or `/dev/fd/63`: it
/// has an end. One with a name may wait for a writer without end.
fn regular_or_pipe(path: &Path) -> Result<(), Stop> {
    let is_pipe = std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    if is_pipe && path.canonicalize().is_err() { Ok(()) } else { regular(path) }
}

/// A path in a message: in one line, whatever is in it.
pub(crate) fn shown(path: impl AsRef<Path>) -> String {
    one_line(&path.as_ref().display().to_string())
}

/// Writes a file, or says that it cannot be written.
pub(crate) fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), Stop> {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder
        .and_then(|()| write_whole(path, contents))
        .map_err(|error| Stop::unwritable(format!("{}: {error}", shown(path))))
}

/// The folders of the corpus that hold traces.
pub(crate) fn corpus_folders() -> Result<Vec<PathBuf>, Stop> {
    let mut folders = vec![in_project("corpus/traces")?];
    // There are no regressions until a fuzzer finds the first one.
    folders.extend(in_project("corpus/regressions").ok());
    Ok(folders)
}

/// The traces to do, of `paths` or of the corpus, and messages about paths that cannot be used.
pub(crate) fn traces(paths: &[PathBuf], shard: Shard) -> Result<(Vec<PathBuf>, Vec<String>), Stop> {
    let (found, errors) = match paths {
        [] => corpus::find(&corpus_folders()?),
        paths => corpus::find(paths),
    };
    let mine = (0..).zip(found).filter(|(number, _)| shard.has(*number)).map(|(_, path)| path);
    let mut problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let (mut traces, beside) = (Vec::new(), |path: &Path| corpus::recording_path(path));
    for path in mine {
        match regular(&path).and_then(|()| regular(&beside(&path))) {
            Ok(()) => traces.push(path),
            Err(Stop { message, .. }) => problems.push(message),
        }
    }
    Ok((traces, problems))
}

/// The streams to do, of `paths` or of the corpus, and messages about what cannot be used.
pub(crate) fn streams(
    paths: &[PathBuf],
    shard: Shard,
) -> Result<(Vec<StreamFile>, Vec<String>), Stop> {
    let corpus: Vec<PathBuf> = match paths {
        [] => {
            let all = in_project("corpus/streams")?;
            vec![all.clone(), all.join("10.0"), all.join("odd")]
        }
        _ => Vec::new(),
    };
    let (mut streams, mut problems) = (Vec::new(), Vec::new());
    for path in paths.iter().chain(&corpus) {
        if let Err(Stop { message, .. }) = regular_or_pipe(path) {
            problems.push(message);
            continue;
        }
        match load(path) {
            Ok(loaded) => {
                if loaded.files.is_empty() && loaded.broken.is_empty() {
                    problems.push(format!("{}: no stream (*.bin) in this directory", shown(path)));
                }
                streams.extend(loaded.files);
                problems.extend(loaded.broken.iter().map(ToString::to_string));
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    let mine = (0..).zip(streams).filter(|(number, _)| shard.has(*number)).map(|(_, file)| file);
    Ok((mine.collect(), problems))
}

/// Whether a path is a stream, or a directory with some.
pub(crate) fn holds_streams(path: &Path) -> bool {
    let is_stream = |path: &Path| path.extension().is_some_and(|end| end == "bin");
    is_stream(path)
        || std::fs::read_dir(path).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| is_stream(&entry.path())))
        })
}
