//! What a walk saw.

use std::ops::{AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// Pages of guest memory, by the way in which they were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageCounts {
    /// Pages of one repeated byte.
    pub zero: u64,
    /// Whole pages.
    pub page: u64,
    /// Pages as a difference.
    pub xbzrle: u64,
    /// Pages compressed with zlib.
    pub compressed: u64,
    /// Pages at fixed places of the file.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mapped: u64,
    /// How many of all these leave their block's name out, as it is that of the page before.
    pub nameless: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl PageCounts {
    /// All pages.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.zero + self.page + self.xbzrle + self.compressed + self.mapped
    }
}

impl Sub for PageCounts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            zero: self.zero - other.zero,
            page: self.page - other.page,
            xbzrle: self.xbzrle - other.xbzrle,
            compressed: self.compressed - other.compressed,
            mapped: self.mapped - other.mapped,
            nameless: self.nameless - other.nameless,
        }
    }
}

impl AddAssign for PageCounts {
    fn add_assign(&mut self, other: Self) {
        self.zero += other.zero;
        self.page += other.page;
        self.xbzrle += other.xbzrle;
        self.compressed += other.compressed;
        self.mapped += other.mapped;
        self.nameless += other.nameless;
    }
}

/// Kind of a row in the table of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// Magic and version.
    Header,
    /// The configuration.
    Configuration,
    /// First record of a section that is sent over and over.
    Start,
    /// A further record of it.
    Part,
    /// Its last record.
    End,
    /// A section that is sent once.
    Full,
    /// A command.
    Command,
    /// A packet of a channel of packets (`multifd`).
    Packet,
    /// A descriptor that is handed on (`cpr-transfer`).
    Descriptor,
    /// End of a package.
    PackageEnd,
    /// End of the records.
    EndOfStream,
    /// The JSON description.
    Description,
}

/// One record of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectionRow {
    /// Offset of its first byte.
    pub offset: u64,
    /// Length in bytes, the footer included.
    pub len: u64,
    /// What it is.
    pub kind: RowKind,
    /// Id of the section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// Name of the section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Instance of the section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// Version of the section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Pages in it.
    #[serde(default)]
    pub pages: PageCounts,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Totals of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Rows of the table, the end of a package included.
    pub rows: u64,
    /// Sections that were begun.
    pub sections: u64,
    /// Section footers.
    pub footers: u64,
    /// Pages.
    pub pages: PageCounts,
    /// Looks for a subsection, after a structure.
    pub probes: u64,
    /// The same after temporary structures (`tmp`), which the description does not call structures.
    pub temporary_probes: u64,
    /// Subsections found by them.
    pub subsections: u64,
    /// Looks that found the byte of a subsection, and it belonged to another structure.
    pub foreign_subsections: u64,
    /// Sections that were skipped up to their footers, for want of a description that fits.
    pub opaque: u64,
    /// Fields whose parts the description does not have (`virtio`, for one): they were taken as
    /// bytes, and a loader that knows them reads them otherwise.
    #[serde(default)]
    pub undescribed: u64,
    /// Offset of the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_undescribed: Option<u64>,
    /// Offset of the first command that QEMU up to 10.2 does not have, and refuses; it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_command: Option<u64>,
    /// Times that the other channels of a migration with several (`multifd`) were waited for.
    #[serde(default)]
    pub channel_flushes: u64,
    /// Whether memory that source and destination share was left out (`x-ignore-shared`).
    #[serde(default)]
    pub shared_left_out: bool,
    /// Whether memory lies at fixed places of the file (`mapped-ram`).
    #[serde(default)]
    pub mapped: bool,
    /// Name of the machine in the configuration.
    pub machine: Option<String>,
    /// Bytes behind the last one that a loader takes.
    pub left_over: u64,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// A page, as the stream has it.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Name of its block.
    pub block: &'a str,
    /// Offset in the block, in bytes.
    pub offset: u64,
    /// Length of a page in bytes.
    pub size: usize,
    /// Offset in the stream of what is sent for it, in bytes.
    pub at: u64,
    /// What is sent for it.
    pub content: PageContent<'a>,
}

/// What is sent for a page.
#[derive(Clone, Copy, Debug)]
pub enum PageContent<'a> {
    /// One byte, repeated.
    Fill(u8),
    /// All of it.
    Whole(&'a [u8]),
    /// How it differs from what it was.
    Difference(&'a [u8]),
    /// All of it; the stream has it compressed.
    Inflated(&'a [u8]),
}

/// Beginning of a section.
#[derive(Clone, Copy, Debug)]
pub struct SectionHead<'a> {
    /// Offset of its first byte.
    pub offset: u64,
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: &'a str,
    /// Its instance.
    pub instance: u32,
    /// Its version.
    pub version: u32,
}

/// One element of a field of a device, as a stream has it.
#[derive(Clone, Copy, Debug)]
pub struct FieldValue<'a> {
    /// Its names from the device inward, e.g. `env.regs[3]`; in a subsection after the
    /// subsection's name and a colon.
    pub path: &'a str,
    /// Its type, as QEMU calls it.
    pub kind: &'a str,
    /// Offset in the stream, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
    /// Its bytes, up to the first 4096.
    pub bytes: &'a [u8],
}

/// Told what a walk meets, as it goes.
pub trait Observer {
    /// A record is complete.
    fn row(&mut self, row: &SectionRow) {
        let _ = row;
    }

    /// A section begins; its row comes when it is complete.
    fn section(&mut self, head: &SectionHead<'_>) {
        let _ = head;
    }

    /// Whether [`field`](Self::field) and [`subsection`](Self::subsection) are to be called.
    fn wants_fields(&self) -> bool {
        false
    }

    /// An element of a field of the device that began last.
    fn field(&mut self, field: &FieldValue<'_>) {
        let _ = field;
    }

    /// A subsection of that device.
    fn subsection(&mut self, name: &str, version: u32, offset: u64) {
        let _ = (name, version, offset);
    }

    /// A block of guest memory has this length in bytes.
    fn block(&mut self, name: &str, len: u64) {
        let _ = (name, len);
    }

    /// A page.
    fn page(&mut self, page: Page<'_>) {
        let _ = page;
    }

    /// The bytes of a package.
    fn package(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
}

/// Looks away.
impl Observer for () {}
