//! Which lines of its file a reference passes through, where it was compiled to tell
//! ([`Options::coverage`](crate::Options::coverage)).

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::fs;
use std::path::{Path, PathBuf};

use addr2line::gimli;
use object::{Object as _, ObjectSection as _};

use crate::flags::ORIGINAL_NAME;
use crate::{Host, Session};

/// Why lines cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoverageError {
    /// The reference was not compiled with coverage.
    #[error("this reference does not tell its lines: compile it with coverage")]
    Untold,
    /// The shared object has no debugging information that can be read.
    #[error("{path}: {reason}; compile it again with -g", path = path.display())]
    Unreadable {
        /// The object.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

unsafe extern "C" fn tell(blocks: *mut c_void, block: u32) {
    // SAFETY: the shim gives back the address that `take_blocks` gave it.
    unsafe { &mut *blocks.cast::<Vec<u32>>() }.push(block);
}

impl<H: Host> Session<H> {
    /// Blocks of the file that this thread has passed through since it last asked, in any session
    /// of the reference: each is an address in the shared object. `None` where the reference does
    /// not tell.
    pub fn take_blocks(&mut self) -> Option<Vec<u32>> {
        let ask = self.reference.table().blocks?;
        let mut blocks: Vec<u32> = Vec::new();
        // SAFETY: `tell` is given the address of the vector, which nothing else refers to
        // meanwhile.
        unsafe { ask(tell, (&raw mut blocks).cast()) };
        blocks.sort_unstable();
        Some(blocks)
    }
}

/// The lines of the file that `blocks` of the shared object at `path` begin in.
///
/// # Errors
///
/// [`CoverageError::Unreadable`].
pub fn lines_of(path: &Path, blocks: &[u32]) -> Result<BTreeSet<u32>, CoverageError> {
    let wrong = |reason: String| CoverageError::Unreadable { path: path.to_owned(), reason };
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let file = object::File::parse(&*bytes).map_err(|error| wrong(error.to_string()))?;
    let section = |id: gimli::SectionId| {
        let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
        let endian = if file.is_little_endian() {
            gimli::RunTimeEndian::Little
        } else {
            gimli::RunTimeEndian::Big
        };
        Ok::<_, gimli::Error>(gimli::EndianSlice::new(data.unwrap_or_default(), endian))
    };
    let context = gimli::Dwarf::load(section)
        .and_then(addr2line::Context::from_dwarf)
        .map_err(|error| wrong(error.to_string()))?;
    let mut lines = BTreeSet::new();
    for block in blocks {
        let found =
            context.find_location((*block).into()).map_err(|error| wrong(error.to_string()))?;
        let Some(location) = found else { continue };
        let is_of_file = location.file.is_some_and(|file| {
            Path::new(file).file_name().is_some_and(|name| name == ORIGINAL_NAME)
        });
        if let (true, Some(line)) = (is_of_file, location.line) {
            lines.insert(line);
        }
    }
    Ok(lines)
}
