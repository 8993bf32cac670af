//! Which description a stream is walked by, and the first walk with it.

use std::path::PathBuf;
use std::sync::Arc;

use qemufile_core::MemoryChannel;

use serde::{Deserialize, Serialize};

use crate::channels;
use crate::description::{Description, Found, MAX_DESCRIPTION};
use crate::error::{Problem, StreamError, WalkError};
use crate::file::{StreamFile, description_of};
use crate::loader::{CoreLoader, Loader};
use crate::summary::{Observer, Page, PageContent, SectionHead, SectionRow, Summary};
use crate::walk::{MAX_NAMES, Plan, Start, Walked, walk};

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
    /// Blocks of guest memory, with their lengths in bytes.
    pub blocks: Vec<(String, u64)>,
    /// Sections that were begun, by id.
    pub sections: Vec<(u32, String)>,
    /// What was set aside on the way, and why.
    pub notes: Vec<String>,
}

/// Notes what the subjects' worlds and the rewriting need.
#[derive(Debug, Default)]
struct Notes {
    keep: bool,
    pages: Vec<u64>,
    packages: Vec<Vec<u8>>,
    blocks: Vec<(String, u64)>,
    sections: Vec<(u32, String)>,
}

impl Observer for Notes {
    fn section(&mut self, head: &SectionHead<'_>) {
        if self.sections.len() < MAX_NAMES {
            self.sections.push((head.id, head.name.to_owned()));
        }
    }

    fn block(&mut self, name: &str, len: u64) {
        if self.blocks.len() < MAX_NAMES {
            self.blocks.push((name.to_owned(), len));
        }
    }

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

/// Devices of a description that may misfit before all of it is set aside.
const MAX_MISFITS: usize = 8;

impl Planned {
    /// Walks a stream with the core by each description that comes into question: its own, else
    /// that of the options or of its siblings, else none. The first one by which the stream is
    /// accepted counts; where none is, the one that came farthest. QEMU believes no description:
    /// what misfits is set aside, and noted.
    ///
    /// # Errors
    ///
    /// [`StreamError`] where a file cannot be read, or the stream to borrow from has no
    /// description. That a stream is refused is no error here, but in [`Walked::end`].
    pub fn of(file: &StreamFile, options: &Options) -> Result<Self, StreamError> {
        let main =
            channels::main_of(&file.path).map(|main| channels::channel(&main)).transpose()?;
        match main {
            // A further channel, named by itself: what it needs to know is in the main one.
            Some(main) => {
                let main = Self::with(&main, options, &Plan::default())?;
                Self::of_channel(file, &main, options)
            }
            None => Self::with(file, options, &Plan::default()),
        }
    }

    /// As [`of`](Self::of), of a further channel of a migration whose main channel was walked.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn of_channel(
        file: &StreamFile,
        main: &Self,
        options: &Options,
    ) -> Result<Self, StreamError> {
        // What has no magic and begins with no command can only be pages.
        let start = if file.start == Start::Header { Start::Pages } else { file.start };
        let base = Plan {
            page_size: Some(main.walked.page_size),
            blocks: main.blocks.clone(),
            sections: main.sections.clone(),
            start,
            ..Plan::default()
        };
        Self::with(file, options, &base)
    }

    fn with(file: &StreamFile, options: &Options, base: &Plan) -> Result<Self, StreamError> {
        let base = Plan {
            len: Some(file.size),
            machine: options.machine.clone(),
            start: if base.start == Start::Header { file.start } else { base.start },
            resumed: resumed(file),
            ..base.clone()
        };
        if let Some(what) = &file.closed {
            return Ok(Self::closed(base, what.clone()));
        }
        let attempt = |source, description| {
            let plan = Plan { description, ..base.clone() };
            Self::attempt(file, options, source, plan)
        };
        let mut notes = file.notes.clone();
        let mut own = None;
        match file.description()? {
            Found::Usable(description) => {
                notes.extend(description.notes.iter().cloned());
                let planned = attempt(DescriptionSource::Own, Some(description))?;
                let planned = planned.without_misfits(file, options)?;
                if planned.walked.end.is_ok() {
                    let absent = planned.walked.summary.opaque;
                    if absent > 0 && planned.notes.is_empty() {
                        notes.push(format!(
                            "{absent} sections are not in the description: skipped up to their footers"
                        ));
                    }
                    return Ok(planned.noting(notes));
                }
                own = Some(planned);
            }
            Found::Unusable(reason) => {
                notes.push(format!("the description at the end cannot be used: {reason}"));
            }
            Found::Nothing => {}
        }
        let mut best = own.clone();
        if own.is_none() {
            for (name, description) in borrowed(file, options)? {
                let planned = attempt(DescriptionSource::Borrowed(name), Some(description))?;
                if planned.walked.end.is_ok() {
                    return Ok(planned.noting(notes));
                }
                best = best
                    .filter(|best| planned.walked.position <= best.walked.position)
                    .or(Some(planned));
            }
        }
        let opaque = attempt(DescriptionSource::Opaque, None)?;
        if let (Ok(()), Some(own)) = (&opaque.walked.end, &own) {
            notes.extend(own.walked.end.as_ref().err().map(|error| {
                format!("the stream's own description is set aside, as QEMU believes none: {error}")
            }));
        }
        let better = |best: &Self| {
            let farther = best.walked.position >= opaque.walked.position
                || cut_in_the_same_section(&best.walked, &opaque.walked);
            opaque.walked.end.is_err() && (farther || own.is_some())
        };
        Ok(best.filter(better).unwrap_or(opaque).noting(notes))
    }

    /// Walks again without the devices whose description misfits, one at a time.
    fn without_misfits(
        mut self,
        file: &StreamFile,
        options: &Options,
    ) -> Result<Self, StreamError> {
        let mut plan = self.plan.clone();
        let mut notes = Vec::new();
        for _ in 0..MAX_MISFITS {
            let (Err(error), Some(description)) = (&self.walked.end, &mut plan.description) else {
                break;
            };
            let Some(section) = error.section.clone() else { break };
            let before = description.devices.len();
            description.devices.retain(|device| device.name != section);
            if description.devices.len() == before {
                break;
            }
            notes.push(format!(
                "the description of {section} is set aside, as QEMU believes none: {error}"
            ));
            let again = Self::attempt(file, options, self.source.clone(), plan.clone())?;
            if again.walked.end.is_ok() {
                return Ok(again.noting(notes));
            }
            if again.walked.position <= self.walked.position {
                break;
            }
            self.walked.position = again.walked.position;
            if let (Err(error), Err(next)) = (&mut self.walked.end, again.walked.end) {
                // Only where to look for the next device; what is said stays the first misfit.
                error.section = next.section;
            }
        }
        Self::attempt(file, options, self.source, self.plan)
    }

    fn noting(mut self, mut notes: Vec<String>) -> Self {
        notes.append(&mut self.notes);
        Self { notes, ..self }
    }

    fn closed(plan: Plan, what: String) -> Self {
        let problem = Problem::Container(what);
        let error = WalkError { offset: 0, section: None, field: None, problem };
        let walked =
            Walked { summary: Summary::default(), position: 0, page_size: 0, end: Err(error) };
        Self {
            plan,
            source: DescriptionSource::Opaque,
            walked,
            pages: Vec::new(),
            packages: Vec::new(),
            blocks: Vec::new(),
            sections: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn attempt(
        file: &StreamFile,
        options: &Options,
        source: DescriptionSource,
        plan: Plan,
    ) -> Result<Self, StreamError> {
        let mut seen = Notes { keep: file.size <= options.subject_limit, ..Notes::default() };
        let walked = walk(&mut file.loader()?, &plan, &mut seen);
        let Notes { pages, packages, blocks, sections, .. } = seen;
        let notes = Vec::new();
        Ok(Self { plan, source, walked, pages, packages, blocks, sections, notes })
    }
}

/// Whether two walks found the stream cut, both in the same section. The one with a description
/// knows the field; the other has looked ahead for a footer, and so has come to the end.
fn cut_in_the_same_section(left: &Walked, right: &Walked) -> bool {
    let cut = |of: &Walked| match &of.end {
        Err(WalkError { section, problem: Problem::Ended { .. }, .. }) => section.clone(),
        _ => None,
    };
    cut(left).is_some_and(|section| cut(right) == Some(section))
}

/// Whether one of the further channels resumes postcopy.
fn resumed(file: &StreamFile) -> bool {
    let records = |path: &PathBuf| {
        channels::channel(path).is_ok_and(|channel| channel.start == Start::Records)
    };
    file.channels.iter().any(records)
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
        Err(error) => Err(StreamError::Walk { path: file.path.clone(), error: Box::new(error) }),
    }
}

impl Plan {
    /// For a stream in memory: its own description, if it can be used, its length, and where in the
    /// format it begins.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let tail = bytes.len().saturating_sub(MAX_DESCRIPTION);
        Self {
            description: Description::find(&bytes[tail..]),
            len: Some(bytes.len() as u64),
            start: crate::container::start_of(bytes).unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Walks a stream in memory with the core, by its own description if it has one. For streams that
/// nobody vouches for.
#[must_use]
pub fn walk_bytes(bytes: &[u8]) -> Walked {
    let plan = Plan::of_bytes(bytes);
    let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(bytes)));
    walk(&mut loader as &mut dyn Loader, &plan, &mut ())
}
