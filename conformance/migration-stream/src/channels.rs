//! The further channels of a migration, beside its main one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::StreamError;
use crate::file::{StreamFile, open};

/// End of the name of a further channel.
const CHANNEL: &str = ".chan";

/// End of the name of its return path.
const REVERSE: &str = ".rev";

/// The further channels of the migration whose main channel is `stem`.bin, in the order of names.
pub(crate) fn of(stem: &Path) -> Vec<PathBuf> {
    let directory = match stem.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    };
    let Some(stem) = stem.file_name().map(|name| format!("{}.", name.to_string_lossy())) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&stem) && name.ends_with(CHANNEL)
        })
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

/// A further channel of a migration, on its own.
///
/// # Errors
///
/// [`StreamError`].
pub fn channel(path: &Path) -> Result<StreamFile, StreamError> {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut file = open(path, name, None, &[])?;
    let mut reverse = path.to_owned().into_os_string();
    reverse.push(REVERSE);
    file.reverse = Some(PathBuf::from(reverse)).filter(|path| path.is_file());
    Ok(file)
}

/// The main channel of the migration that `path` is a further channel of, if it lies beside it:
/// `NAME.bin` for `NAME.ch1.chan`.
pub(crate) fn main_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(CHANNEL)?;
    let (stem, _) = name.rsplit_once('.')?;
    Some(path.with_file_name(format!("{stem}.bin"))).filter(|main| main.is_file())
}
