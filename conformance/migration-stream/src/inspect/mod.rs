//! What a person with a failed migration wants to see of a stream.
//!
//! ```no_run
//! use std::path::Path;
//! use migration_stream::{Options, load};
//! use migration_stream::inspect::{Inspection, diff};
//!
//! let options = Options::default();
//! let of = |path: &str| {
//!     let file = load(Path::new(path))?.files.remove(0);
//!     Inspection::of(&file, &options, &mut |_| ())
//! };
//! let (source, destination) = (of("before.bin")?, of("after.bin")?);
//! println!("{}", source.text(true));
//! for difference in diff(&source, &destination) {
//!     println!("{difference}");
//! }
//! # Ok::<(), migration_stream::StreamError>(())
//! ```

mod diff;
mod memory;
mod render;
mod value;

use serde::Serialize;

pub use diff::{Difference, diff};
pub use memory::{BlockInfo, BlockWriter, OnePage, PageIndex};
pub use value::{FieldInfo, Value};

use crate::channels::channel;
use crate::error::{StreamError, WalkError};
use crate::file::StreamFile;
use crate::loader::CoreLoader;
use crate::plan::{DescriptionSource, Options, Planned};
use crate::return_path::messages;
use crate::summary::{FieldValue, Observer, Page, SectionHead, SectionRow, Summary};
use crate::text::hex;
use crate::walk::walk;

/// Fields that are kept of a stream.
const MAX_FIELDS: usize = 1 << 20;

/// Sections that are kept of a stream.
const MAX_DEVICES: usize = 1 << 16;

/// Rows that are kept of a stream.
const MAX_ROWS: usize = 1 << 16;

/// Messages of a return path that are kept.
const MAX_MESSAGES: usize = 1 << 16;

/// Bytes that are shown in front of a place and behind it.
const AROUND: u64 = 32;

/// Longest return path that is read, in bytes.
const MAX_REVERSE: u64 = 64 << 20;

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Name of its section.
    pub name: String,
    /// Instance of its section.
    pub instance: u32,
    /// Version of its section.
    pub version: u32,
    /// Offset of its section in the stream, in bytes.
    pub offset: u64,
    /// The subsections that were sent, in their order.
    pub subsections: Vec<SubsectionInfo>,
    /// Its fields, in their order; none where no description fits.
    pub fields: Vec<FieldInfo>,
}

/// A subsection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubsectionInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Offset in the stream, in bytes.
    pub offset: u64,
}

/// Where a stream breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breakage {
    /// Offset of what is wrong, in bytes.
    pub offset: u64,
    /// Why, with section and field.
    pub reason: String,
    /// Name of the section.
    pub section: Option<String>,
    /// The field in which the loader stood.
    pub field: Option<String>,
    /// Offset of the record that it lies in: what was read before it is whole.
    pub record: u64,
    /// Offset of the first of the bytes around.
    pub around_from: u64,
    /// The bytes around, in hexadecimal.
    pub around: String,
}

/// A further channel of the migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelInfo {
    /// Name of the file.
    pub name: String,
    /// What the walk saw.
    pub summary: Summary,
    /// Why it breaks, if it does.
    pub broken: Option<String>,
}

/// All that is known of a stream. Its pages are counted and hashed, not kept.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Name of the file.
    pub name: String,
    /// Length of the stream in bytes.
    pub size: u64,
    /// Where the description came from.
    pub description: DescriptionSource,
    /// Totals.
    pub summary: Summary,
    /// Blocks of guest memory.
    pub blocks: Vec<BlockInfo>,
    /// Devices, in the order of the stream.
    pub devices: Vec<DeviceInfo>,
    /// Records, in the order of the stream.
    pub rows: Vec<SectionRow>,
    /// Further channels.
    pub channels: Vec<ChannelInfo>,
    /// Messages of the return path, each in a line.
    pub messages: Vec<String>,
    /// Where it breaks, if it does.
    pub breakage: Option<Breakage>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// Its pages.
    #[serde(skip)]
    pub pages: PageIndex,
}

/// Collects what a walk meets.
struct Collector<'a> {
    pages: PageIndex,
    devices: Vec<DeviceInfo>,
    rows: Vec<SectionRow>,
    fields: usize,
    /// Offset of the record that is being read.
    record: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Observer for Collector<'_> {
    fn row(&mut self, row: &SectionRow) {
        self.record = row.offset + row.len;
        (self.progress)(self.record);
        if self.rows.len() < MAX_ROWS {
            self.rows.push(row.clone());
        }
    }

    fn section(&mut self, head: &SectionHead<'_>) {
        self.record = head.offset;
        if self.devices.len() == MAX_DEVICES {
            return;
        }
        self.devices.push(DeviceInfo {
            name: head.name.to_owned(),
            instance: head.instance,
            version: head.version,
            offset: head.offset,
            subsections: Vec::new(),
            fields: Vec::new(),
        });
    }

    fn wants_fields(&self) -> bool {
        self.fields < MAX_FIELDS
    }

    fn field(&mut self, field: &FieldValue<'_>) {
        self.fields += 1;
        let Some(device) = self.devices.last_mut().filter(|_| self.fields <= MAX_FIELDS) else {
            return;
        };
        device.fields.push(FieldInfo {
            path: field.path.to_owned(),
            kind: field.kind.to_owned(),
            offset: field.offset,
            len: field.len,
            value: Value::of(field),
        });
    }

    fn subsection(&mut self, name: &str, version: u32, offset: u64) {
        if let Some(device) = self.devices.last_mut() {
            device.subsections.push(SubsectionInfo { name: name.to_owned(), version, offset });
        }
    }

    fn block(&mut self, name: &str, len: u64) {
        self.pages.block(name, len);
    }

    fn page(&mut self, page: Page<'_>) {
        (self.progress)(page.at);
        self.pages.page(page);
    }
}

impl Inspection {
    /// Looks at a stream, at its further channels, and at its return path. `progress` is told the
    /// offset up to which the stream is read, over and over.
    ///
    /// # Errors
    ///
    /// [`StreamError`] where a file cannot be read. That the stream breaks is no error here, but in
    /// [`breakage`](Self::breakage).
    pub fn of(
        file: &StreamFile,
        options: &Options,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, StreamError> {
        let planned = Planned::of(file, options)?;
        let mut collector = Collector {
            pages: PageIndex::default(),
            devices: Vec::new(),
            rows: Vec::new(),
            fields: 0,
            record: 0,
            progress,
        };
        if file.closed.is_none() {
            walk(&mut file.loader()?, &planned.plan, &mut collector);
        }
        let record = collector.record;
        let channels = Self::further(file, options, &planned, &mut collector)?;
        let mut notes: Vec<String> =
            planned.notes.iter().chain(&planned.walked.summary.notes).cloned().collect();
        notes.extend(collector.pages.notes());
        if collector.fields > MAX_FIELDS {
            notes.push(format!("{} fields, of which {MAX_FIELDS} are kept", collector.fields));
        }
        let breakage = match &planned.walked.end {
            Ok(()) => None,
            Err(error) => Some(Breakage::of(file, error, record)?),
        };
        let messages = Self::reverse(file, &mut notes)?;
        // What has entries of its own is listed with those.
        let listed =
            |device: &DeviceInfo| !matches!(&*device.name, "ram" | "block" | "dirty-bitmap");
        collector.devices.retain(listed);
        Ok(Self {
            name: file.name.clone(),
            size: file.size,
            description: planned.source,
            summary: planned.walked.summary,
            blocks: collector.pages.blocks().to_vec(),
            devices: collector.devices,
            rows: collector.rows,
            channels,
            messages,
            breakage,
            notes,
            pages: collector.pages,
        })
    }

    fn further(
        file: &StreamFile,
        options: &Options,
        main: &Planned,
        collector: &mut Collector<'_>,
    ) -> Result<Vec<ChannelInfo>, StreamError> {
        let mut channels = Vec::new();
        for path in &file.channels {
            let further = channel(path)?;
            let planned = Planned::of_channel(&further, main, options)?;
            let mut pages = std::mem::take(&mut collector.pages);
            walk(&mut further.loader()?, &planned.plan, &mut pages);
            collector.pages = pages;
            channels.push(ChannelInfo {
                name: further.name,
                broken: planned.walked.end.err().map(|error| error.to_string()),
                summary: planned.walked.summary,
            });
        }
        Ok(channels)
    }

    fn reverse(file: &StreamFile, notes: &mut Vec<String>) -> Result<Vec<String>, StreamError> {
        let Some(bytes) = file.read_reverse(MAX_REVERSE)? else { return Ok(Vec::new()) };
        let len = bytes.len() as u64;
        let channel = qemufile_core::MemoryChannel::with_input(bytes);
        match messages(&mut CoreLoader::new(std::sync::Arc::new(channel)), len) {
            Ok(messages) => {
                Ok(messages.iter().take(MAX_MESSAGES).map(ToString::to_string).collect())
            }
            Err(error) => {
                notes.push(format!("return path: {error}"));
                Ok(Vec::new())
            }
        }
    }
}

impl Breakage {
    fn of(file: &StreamFile, error: &WalkError, record: u64) -> Result<Self, StreamError> {
        let from = error.offset.saturating_sub(AROUND);
        Ok(Self {
            offset: error.offset,
            reason: error.to_string(),
            section: error.section.clone(),
            field: error.field.clone(),
            record,
            around_from: from,
            around: hex(&file.read_part(from, 2 * AROUND)?),
        })
    }
}

/// Writes a block of a stream, and of its further channels, into a file.
///
/// # Errors
///
/// [`StreamError`] where a file cannot be read or written, where there is no such block, or where
/// the stream breaks; then the file holds what came before.
pub fn write_block(
    file: &StreamFile,
    options: &Options,
    block: &str,
    into: &std::fs::File,
) -> Result<u64, StreamError> {
    let mut writer = BlockWriter::new(block, into);
    let end = observe(file, options, &mut writer)?;
    let unreadable = |error| StreamError::Unreadable { path: file.path.clone(), error };
    writer.end.map_err(unreadable)?;
    let Some(len) = writer.len else {
        let missing = format!("the stream has no block {block:?}");
        return Err(unreadable(std::io::Error::new(std::io::ErrorKind::NotFound, missing)));
    };
    match end {
        Ok(()) => Ok(len),
        Err(error) => Err(StreamError::Walk { path: file.path.clone(), error: Box::new(error) }),
    }
}

/// What a stream, and its further channels, have of the page at `offset` of a block; with the
/// offsets in the stream of what was sent for it.
///
/// # Errors
///
/// [`StreamError`] where a file cannot be read.
pub fn page(
    file: &StreamFile,
    options: &Options,
    block: &str,
    offset: u64,
) -> Result<(Option<Vec<u8>>, Vec<u64>), StreamError> {
    let mut page = OnePage::new(block, offset);
    // What is broken behind the page does not matter for it.
    let _ = observe(file, options, &mut page)?;
    Ok((page.content, page.sent))
}

/// Walks a stream, then its further channels.
fn observe(
    file: &StreamFile,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Result<(), WalkError>, StreamError> {
    let planned = Planned::of(file, options)?;
    walk(&mut file.loader()?, &planned.plan, observer);
    for path in &file.channels {
        let further = channel(path)?;
        let plan = Planned::of_channel(&further, &planned, options)?.plan;
        walk(&mut further.loader()?, &plan, observer);
    }
    Ok(planned.walked.end)
}
