//! Which description a stream is walked by, and the first walk with it.

use std::path::PathBuf;
use std::sync::Arc;

use qemufile_core::MemoryChannel;

use serde::{Deserialize, Serialize};

use crate::description::{Description, MAX_DESCRIPTION};
use crate::error::StreamError;
use crate::file::{StreamFile, description_of};
use crate::loader::{CoreLoader, Loader};
use crate::summary::{Observer, Page, PageContent, SectionRow};
use crate::walk::{Plan, Walked, walk};

/// Descriptions of other streams that are tried.
const MAX_SIBLINGS: usize = 8;

/// Where the description of a stream comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DescriptionSource {
    /// It has one of its own.
    Own,
    /// Another stream's: its name.
    Borrowed(String),
    /// There is none that fits: devices were skipped up to their footers.
    Opaque,
}

/// What is used to walk streams.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stream that lends its description to those without.
    pub description_from: Option<PathBuf>,
    /// The only machine that is accepted, as a loader does that is one; any if absent.
    pub machine: Option<String>,
    /// Longest stream that is held in memory and given to all subjects, in bytes; longer ones are
    /// walked by the core only.
    pub subject_limit: u64,
    /// Sizes of reads to try besides the recorded ones and the whole, in bytes.
    pub chunks: Vec<std::num::NonZeroUsize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            description_from: None,
            machine: None,
            subject_limit: 16 << 20,
            chunks: [1, 7, 32_768].into_iter().filter_map(std::num::NonZeroUsize::new).collect(),
        }
    }
}

/// A stream that has been walked once.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it is walked by.
    pub plan: Plan,
    /// Where the description comes from.
    pub source: DescriptionSource,
    /// How the walk went.
    pub walked: Walked,
    /// Offsets of the whole pages in the stream.
    pub pages: Vec<u64>,
    /// Bytes of its packages.
    pub packages: Vec<Vec<u8>>,
}

/// Notes what the subjects' worlds and the rewriting need.
#[derive(Debug, Default)]
struct Notes {
    keep: bool,
    pages: Vec<u64>,
    packages: Vec<Vec<u8>>,
}

impl Observer for Notes {
    fn page(&mut self, page: Page<'_>) {
        if self.keep && matches!(page.content, PageContent::Whole(_)) {
            self.pages.push(page.at);
        }
    }

    fn package(&mut self, bytes: &[u8]) {
        if self.keep {
            self.packages.push(bytes.to_vec());
        }
    }
}

impl Planned {
    /// Walks a stream with the core by each description that comes into question: its own, else
    /// that of the options or of its siblings, else none. The first one by which the stream is
    /// accepted counts; where none is, the one that came farthest.
    ///
    /// # Errors
    ///
    /// [`StreamError`] where a file cannot be read, or the stream to borrow from has no
    /// description. That a stream is refused is no error here, but in [`Walked::end`].
    pub fn of(file: &StreamFile, options: &Options) -> Result<Self, StreamError> {
        if let Some(own) = description_of(&file.path)? {
            return Self::attempt(file, options, DescriptionSource::Own, Some(own));
        }
        let mut best: Option<Self> = None;
        for (name, description) in borrowed(file, options)? {
            let planned =
                Self::attempt(file, options, DescriptionSource::Borrowed(name), Some(description))?;
            if planned.walked.end.is_ok() {
                return Ok(planned);
            }
            best = best
                .filter(|best| planned.walked.position <= best.walked.position)
                .or(Some(planned));
        }
        let opaque = Self::attempt(file, options, DescriptionSource::Opaque, None)?;
        let farther = |best: &Self| {
            best.walked.position >= opaque.walked.position && opaque.walked.end.is_err()
        };
        Ok(best.filter(farther).unwrap_or(opaque))
    }

    fn attempt(
        file: &StreamFile,
        options: &Options,
        source: DescriptionSource,
        description: Option<Description>,
    ) -> Result<Self, StreamError> {
        let plan = Plan { description, len: file.size, machine: options.machine.clone() };
        let mut notes = Notes { keep: file.size <= options.subject_limit, ..Notes::default() };
        let walked = walk(&mut file.loader()?, &plan, &mut notes);
        Ok(Self { plan, source, walked, pages: notes.pages, packages: notes.packages })
    }
}

/// Descriptions of other streams that may fit, with their names.
fn borrowed(
    file: &StreamFile,
    options: &Options,
) -> Result<Vec<(String, Description)>, StreamError> {
    if let Some(path) = &options.description_from {
        let description = description_of(path)?
            .ok_or_else(|| StreamError::NoDescription { path: path.clone() })?;
        return Ok(vec![(path.display().to_string(), description)]);
    }
    let mut found: Vec<(String, Description)> = Vec::new();
    for path in &file.siblings {
        // A sibling that cannot be read has its own message.
        if let Ok(Some(description)) = description_of(path)
            && found.iter().all(|(_, other)| *other != description)
        {
            let name = path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            found.push((name, description));
        }
        if found.len() == MAX_SIBLINGS {
            break;
        }
    }
    Ok(found)
}

/// Tells `row` every record of a stream, in order; gives the totals.
///
/// # Errors
///
/// [`StreamError`] where the files cannot be used; [`StreamError::Walk`] where the stream is
/// broken, after the rows up to there.
pub fn dump(
    file: &StreamFile,
    options: &Options,
    row: &mut dyn FnMut(&SectionRow),
) -> Result<Planned, StreamError> {
    struct Rows<'a>(&'a mut dyn FnMut(&SectionRow));
    impl Observer for Rows<'_> {
        fn row(&mut self, row: &SectionRow) {
            (self.0)(row);
        }
    }
    let planned = Planned::of(file, options)?;
    match walk(&mut file.loader()?, &planned.plan, &mut Rows(row)).end {
        Ok(()) => Ok(planned),
        Err(error) => Err(StreamError::Walk { path: file.path.clone(), error }),
    }
}

/// Walks a stream in memory with the core, by its own description if it has one. For streams that
/// nobody vouches for.
#[must_use]
pub fn walk_bytes(bytes: &[u8]) -> Walked {
    let tail = bytes.len().saturating_sub(MAX_DESCRIPTION);
    let plan = Plan {
        description: Description::find(&bytes[tail..]),
        len: bytes.len() as u64,
        machine: None,
    };
    let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(bytes)));
    walk(&mut loader as &mut dyn Loader, &plan, &mut ())
}
