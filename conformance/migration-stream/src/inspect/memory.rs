//! Guest memory as a stream has it: how often each page was sent, and what it is in the end.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::os::unix::fs::FileExt as _;

use serde::Serialize;

use crate::summary::{Observer, Page, PageContent, PageCounts};
use crate::walk::apply_difference;

/// Pages in a part of the index.
const PART: u64 = 512;

/// Parts that are kept: 128 GiB of pages of 4 KiB, in 256 MiB of memory.
const MAX_PARTS: usize = 1 << 16;

/// Blocks that are kept.
const MAX_BLOCKS: usize = 4096;

/// A block of guest memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockInfo {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
    /// Pages of it in the stream, by the way in which they were sent.
    pub pages: PageCounts,
    /// How many different ones these are.
    pub distinct: u64,
    /// Pages that were sent more than once.
    pub repeated: u64,
}

/// What is known of the pages of a stream.
#[derive(Clone, Debug, Default)]
pub struct PageIndex {
    blocks: Vec<BlockInfo>,
    /// A hash of each page's content, by block and part; 0 for a page that was not sent. The low
    /// bit says whether it was sent again.
    parts: HashMap<(usize, u64), Box<[u64]>>,
    fills: BTreeMap<(u8, usize), u64>,
    page_size: u64,
    overflown: bool,
    compared_as_sent: bool,
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish() & !1 | 2
}

impl PageIndex {
    /// The blocks, in the order of the stream.
    #[must_use]
    pub fn blocks(&self) -> &[BlockInfo] {
        &self.blocks
    }

    /// Bytes in a page.
    #[must_use]
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// What it does not hold, in words.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let overflown = self.overflown.then_some(
            "memory is larger than what is kept of it: pages beyond are counted, and not compared",
        );
        let differences = self.compared_as_sent.then_some(
            "pages sent as a difference are compared as they were sent, not as they are in the end",
        );
        overflown.into_iter().chain(differences).map(str::to_owned)
    }

    /// The block's number, made known if it is new.
    fn number(&mut self, name: &str) -> Option<usize> {
        if let Some(number) = self.blocks.iter().position(|block| block.name == name) {
            return Some(number);
        }
        if self.blocks.len() == MAX_BLOCKS {
            self.overflown = true;
            return None;
        }
        self.blocks.push(BlockInfo { name: name.to_owned(), ..BlockInfo::default() });
        Some(self.blocks.len() - 1)
    }

    fn content(&mut self, page: &Page<'_>, before: u64) -> u64 {
        match page.content {
            PageContent::Fill(byte) => {
                *self.fills.entry((byte, page.size)).or_insert_with(|| hash(&vec![byte; page.size]))
            }
            PageContent::Whole(bytes) | PageContent::Inflated(bytes) => hash(bytes),
            PageContent::Difference(code) => {
                self.compared_as_sent = true;
                hash(&[&(before & !1).to_be_bytes(), code].concat())
            }
        }
    }

    /// Offsets of the pages of a block that have not the same content in both; a page that was not
    /// sent is one of zeros.
    pub(super) fn differing(&self, other: &Self, block: &str) -> (u64, Vec<u64>) {
        const SHOWN: usize = 16;
        let of = |index: &Self| index.blocks.iter().position(|info| info.name == block);
        let (Some(ours), Some(theirs)) = (of(self), of(other)) else { return (0, Vec::new()) };
        let parts = |index: &Self, number: usize| -> Vec<u64> {
            let keys = index.parts.keys().filter(|(of, _)| *of == number);
            keys.map(|(_, part)| *part).collect()
        };
        let mut all = [parts(self, ours), parts(other, theirs)].concat();
        all.sort_unstable();
        all.dedup();
        let size = self.page_size.max(other.page_size);
        let zeros = hash(&vec![0; usize::try_from(size).unwrap_or_default()]);
        let (mut count, mut shown) = (0, Vec::new());
        for part in all {
            let (left, right) = (self.parts.get(&(ours, part)), other.parts.get(&(theirs, part)));
            for place in 0..PART {
                let at = |part: Option<&Box<[u64]>>| {
                    let at = usize::try_from(place).unwrap_or_default();
                    part.map(|part| part[at] & !1).filter(|hash| *hash != 0).unwrap_or(zeros)
                };
                if at(left) != at(right) {
                    count += 1;
                    if shown.len() < SHOWN {
                        shown.push((part * PART + place) * size);
                    }
                }
            }
        }
        (count, shown)
    }
}

impl Observer for PageIndex {
    fn block(&mut self, name: &str, len: u64) {
        if let Some(number) = self.number(name) {
            self.blocks[number].len = len;
        }
    }

    fn page(&mut self, page: Page<'_>) {
        let Some(number) = self.number(page.block) else { return };
        self.page_size = page.size as u64;
        let counts = &mut self.blocks[number].pages;
        *match page.content {
            PageContent::Fill(_) => &mut counts.zero,
            PageContent::Whole(_) => &mut counts.page,
            PageContent::Difference(_) => &mut counts.xbzrle,
            PageContent::Inflated(_) => &mut counts.compressed,
        } += 1;
        let place = page.offset / self.page_size.max(1);
        let key = (number, place / PART);
        if self.parts.len() == MAX_PARTS && !self.parts.contains_key(&key) {
            self.overflown = true;
            return;
        }
        let at = usize::try_from(place % PART).unwrap_or_default();
        let before = self.parts.get(&key).map_or(0, |part| part[at]);
        let content = self.content(&page, before);
        let empty = || vec![0; usize::try_from(PART).unwrap_or_default()].into_boxed_slice();
        let part = self.parts.entry(key).or_insert_with(empty);
        part[at] = content | u64::from(before != 0);
        let info = &mut self.blocks[number];
        info.distinct += u64::from(before == 0);
        // The low bit says that the page was counted as repeated already.
        info.repeated += u64::from(before != 0 && before & 1 == 0);
    }
}

/// Writes a block of guest memory into a file, each page at its offset; pages that are not in the
/// stream are holes.
#[derive(Debug)]
pub struct BlockWriter<'a> {
    block: &'a str,
    into: &'a File,
    /// Length of the block in bytes; absent as long as the stream did not name it.
    pub len: Option<u64>,
    /// The first write that failed.
    pub end: io::Result<()>,
}

impl<'a> BlockWriter<'a> {
    /// Writes the block `block` into `into`.
    #[must_use]
    pub fn new(block: &'a str, into: &'a File) -> Self {
        Self { block, into, len: None, end: Ok(()) }
    }

    fn write(&self, page: &Page<'_>) -> io::Result<()> {
        match page.content {
            // A hole reads as zeros, unless the page was something else before.
            PageContent::Fill(byte) => {
                let mut now = vec![0; page.size];
                let read = self.into.read_exact_at(&mut now, page.offset).is_ok();
                if read && now.iter().all(|found| *found == byte) {
                    return Ok(());
                }
                self.into.write_all_at(&vec![byte; page.size], page.offset)
            }
            PageContent::Whole(bytes) | PageContent::Inflated(bytes) => {
                self.into.write_all_at(bytes, page.offset)
            }
            PageContent::Difference(code) => {
                let mut now = vec![0; page.size];
                self.into.read_exact_at(&mut now, page.offset)?;
                apply_difference(&mut now, code).map_err(io::Error::other)?;
                self.into.write_all_at(&now, page.offset)
            }
        }
    }
}

impl Observer for BlockWriter<'_> {
    fn block(&mut self, name: &str, len: u64) {
        if name == self.block {
            self.len = Some(len);
            if self.end.is_ok() {
                self.end = self.into.set_len(len);
            }
        }
    }

    fn page(&mut self, page: Page<'_>) {
        if page.block == self.block && self.end.is_ok() {
            self.end = self.write(&page);
        }
    }
}

/// Keeps one page of guest memory.
#[derive(Debug)]
pub struct OnePage<'a> {
    block: &'a str,
    offset: u64,
    /// What it is in the end; absent where the stream does not have it.
    pub content: Option<Vec<u8>>,
    /// Offsets in the stream of what was sent for it, the first 1024 ones.
    pub sent: Vec<u64>,
}

impl<'a> OnePage<'a> {
    /// Keeps the page at `offset` of the block `block`, or in which it lies.
    #[must_use]
    pub fn new(block: &'a str, offset: u64) -> Self {
        Self { block, offset, content: None, sent: Vec::new() }
    }
}

impl Observer for OnePage<'_> {
    fn page(&mut self, page: Page<'_>) {
        const MOST: usize = 1024;
        let inside = page.offset..page.offset.saturating_add(page.size as u64);
        if page.block != self.block || !inside.contains(&self.offset) {
            return;
        }
        if self.sent.len() < MOST {
            self.sent.push(page.at);
        }
        let content = self.content.get_or_insert_with(|| vec![0; page.size]);
        match page.content {
            PageContent::Fill(byte) => content.fill(byte),
            PageContent::Whole(bytes) | PageContent::Inflated(bytes) => {
                content.copy_from_slice(bytes);
            }
            PageContent::Difference(code) => {
                // The walk has applied it to another page already.
                let _ = apply_difference(content, code);
            }
        }
    }
}
