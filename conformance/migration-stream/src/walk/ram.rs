//! Sections of guest memory.

use std::collections::HashMap;

use super::{MAX_NAMES, Postcopy, Walk};
use crate::error::{Problem, WalkError};
use crate::format::ram;
use crate::summary::{Page, PageContent};

/// Blocks of guest memory, and what a chunk leaves for the next one.
#[derive(Debug, Default)]
pub(super) struct Ram {
    blocks: HashMap<String, u64>,
    /// Block of the last page, which crosses sections.
    last: Option<String>,
    page: Vec<u8>,
    code: Vec<u8>,
    /// Sizes of the host's pages, each a bit, where postcopy was announced.
    pub(super) page_sizes: Option<u64>,
    /// Whether blocks lie at fixed places of the file.
    pub(super) mapped: bool,
    /// Where the last entry begins.
    pub(super) entry: u64,
}

impl Ram {
    pub(super) fn new(blocks: &[(String, u64)]) -> Self {
        Self { blocks: blocks.iter().cloned().collect(), ..Self::default() }
    }

    pub(super) fn len_of(&self, block: &str) -> Option<u64> {
        self.blocks.get(block).copied()
    }
}

/// Greatest length of a zlib stream that holds a page of `size` bytes. C: zlib's `compressBound`.
fn compress_bound(size: u64) -> u64 {
    size + (size >> 12) + (size >> 14) + (size >> 25) + 13
}

impl Walk<'_> {
    /// Takes the entries of a chunk up to its end.
    pub(super) fn ram_chunk(&mut self) -> Result<String, WalkError> {
        let mut detail = String::new();
        loop {
            let at = self.at();
            self.ram.entry = at;
            let word = self.ask(|loader| loader.get_be64())?;
            let (flags, value) = (word & (self.page_size - 1), word & !(self.page_size - 1));
            if flags & (ram::ZERO | ram::PAGE | ram::XBZRLE | ram::COMPRESSED) != 0 {
                self.ram_page(at, flags, value)?;
                continue;
            }
            match flags & !ram::CONTINUE {
                ram::BLOCKS => detail = self.ram_blocks(at, value)?,
                ram::CHANNELS_FLUSHED => self.summary.channel_flushes += 1,
                ram::HOOK => {
                    self.note(format!(
                        "byte {at}: a hook of the RDMA transport; its work is not in the stream"
                    ));
                }
                ram::END => return Ok(detail),
                _ => {
                    return self.refuse(
                        at,
                        "the flags of a RAM entry",
                        "2, 4, 8, 10, 40, 80, 100 or 200 (hexadecimal)",
                        format_args!("{flags:x}"),
                    );
                }
            }
        }
    }

    /// The list of blocks: names and lengths until the total is used up.
    fn ram_blocks(&mut self, at: u64, total: u64) -> Result<String, WalkError> {
        let mut left = total;
        while left > 0 {
            let begin = self.at();
            let name = self.name()?;
            let len = self.ask(|loader| loader.get_be64())?;
            if len > left {
                return self.refuse(
                    begin,
                    "the length of a RAM block",
                    format_args!("at most {left}, what the list has left"),
                    len,
                );
            }
            if self.ram.blocks.len() >= MAX_NAMES {
                return self.too_large(
                    at,
                    "the number of RAM blocks",
                    MAX_NAMES as u64 + 1,
                    MAX_NAMES as u64,
                );
            }
            left -= len;
            self.observer.block(&name, len);
            self.ram.blocks.insert(name.clone(), len);
            if self.ram.mapped {
                self.mapped_block(&name, len)?;
                continue;
            }
            if let Some(size) = self.page_size_of_block()? {
                self.note(format!("block {name} is in pages of {size} bytes"));
            }
            if self.shared_ignored {
                let address = self.ask(|loader| loader.get_be64())?;
                self.note(format!("block {name} at guest address {address:#x}"));
            }
        }
        Ok(format!("{} blocks, {total} bytes", self.ram.blocks.len()))
    }

    /// Once postcopy was announced, a block in other than the host's smallest pages carries their
    /// size. Nothing says so, but the word that stands there cannot be anything else: neither a
    /// name nor an entry begins with it. C: `parse_ramblock`.
    fn page_size_of_block(&mut self) -> Result<Option<u64>, WalkError> {
        let Some(sizes) = self.ram.page_sizes.filter(|sizes| sizes.count_ones() > 1) else {
            return Ok(None);
        };
        let mut word = [0; 8];
        self.ask(|loader| loader.peek_buffer(&mut word, 0))?;
        let size = u64::from_be_bytes(word);
        if !size.is_power_of_two() || size < self.page_size || size & sizes == 0 {
            return Ok(None);
        }
        self.ask(|loader| loader.get_be64()).map(Some)
    }

    fn ram_page(&mut self, at: u64, flags: u64, offset: u64) -> Result<(), WalkError> {
        if flags & ram::CONTINUE == 0 {
            self.ram.last = Some(self.name()?);
        }
        let Some(block) = self.ram.last.take() else {
            return self.refuse(
                at,
                "the block of a page",
                "a name",
                "that of the page before, and there is none",
            );
        };
        let result = self.page_of(&block, at, flags, offset);
        self.ram.last = Some(block);
        self.summary.pages.nameless += u64::from(flags & ram::CONTINUE != 0);
        result
    }

    fn page_of(&mut self, block: &str, at: u64, flags: u64, offset: u64) -> Result<(), WalkError> {
        let Some(len) = self.ram.blocks.get(block).copied() else {
            return self.refuse(at, "the block of a page", "one of the list", block);
        };
        if len < self.page_size || offset > len - self.page_size {
            return self.refuse(
                at,
                "the offset of a page",
                format_args!("a page inside {block} of {len} bytes"),
                offset,
            );
        }
        let mut page = std::mem::take(&mut self.ram.page);
        let mut code = std::mem::take(&mut self.ram.code);
        let result = self.page_content(&mut page, &mut code, at, flags);
        if let Ok((at, content)) = result {
            let size = usize::try_from(self.page_size).unwrap_or_default();
            self.observer.page(Page { block, offset, size, at, content });
        }
        let result = result.map(|_| ());
        (self.ram.page, self.ram.code) = (page, code);
        result
    }

    fn page_content<'b>(
        &mut self,
        page: &'b mut Vec<u8>,
        code: &'b mut Vec<u8>,
        at: u64,
        flags: u64,
    ) -> Result<(u64, PageContent<'b>), WalkError> {
        let size = usize::try_from(self.page_size).unwrap_or_default();
        match flags & !ram::CONTINUE {
            ram::ZERO => {
                let at = self.at();
                let fill = self.ask(|loader| loader.get_byte())?;
                if fill != 0 {
                    // Releases up to 8.1 took any value; none has ever sent one.
                    return self.refuse(at, "the value of a zero page", 0, fill);
                }
                self.summary.pages.zero += 1;
                Ok((at, PageContent::Fill(fill)))
            }
            ram::PAGE => {
                let (at, in_place) = (self.at(), self.postcopy >= Postcopy::Listening);
                page.resize(size, 0);
                self.ask(|loader| loader.get_page(page, in_place))?;
                self.summary.pages.page += 1;
                Ok((at, PageContent::Whole(page)))
            }
            ram::XBZRLE => {
                let begin = self.at();
                let encoding = self.ask(|loader| loader.get_byte())?;
                let len = self.ask(|loader| loader.get_be16())?;
                if encoding != 1 {
                    return self.refuse(begin, "the encoding of an xbzrle page", 1, encoding);
                }
                if u64::from(len) > self.page_size {
                    return self.refuse(
                        begin + 1,
                        "the length of an xbzrle page",
                        format_args!("at most {size}"),
                        len,
                    );
                }
                let at = self.at();
                code.resize(usize::from(len), 0);
                self.ask(|loader| loader.get_buffer_in_place(code))?;
                page.resize(size, 0);
                if let Err(reason) = apply_difference(page, code) {
                    return self.refuse(
                        at,
                        "an xbzrle page",
                        "runs that stay inside the page",
                        reason,
                    );
                }
                self.summary.pages.xbzrle += 1;
                Ok((at, PageContent::Difference(code)))
            }
            ram::COMPRESSED => {
                let begin = self.at();
                let len = self.ask(|loader| loader.get_be32())?;
                let most = compress_bound(self.page_size);
                if u64::from(len) > most {
                    return self.refuse(
                        begin,
                        "the length of a compressed page",
                        format_args!("at most {most}"),
                        len,
                    );
                }
                let at = self.at();
                code.resize(len as usize, 0);
                self.ask(|loader| loader.get_buffer(code))?;
                page.resize(size, 0);
                if let Err(reason) = inflate(page, code) {
                    return self.refuse(
                        at,
                        "a compressed page",
                        format_args!("a zlib stream of {size} bytes"),
                        reason,
                    );
                }
                self.summary.pages.compressed += 1;
                Ok((at, PageContent::Inflated(page)))
            }
            flags => {
                let reason = Problem::Unexpected {
                    what: "the flags of a RAM entry",
                    expected: "one kind of page".to_owned(),
                    found: format!("{flags:x}"),
                };
                Err(self.problem(at, reason))
            }
        }
    }
}

/// Fills a page from a zlib stream that holds it, and nothing else.
fn inflate(page: &mut [u8], code: &[u8]) -> Result<(), String> {
    let mut state = flate2::Decompress::new(true);
    match state.decompress(code, page, flate2::FlushDecompress::Finish) {
        Ok(flate2::Status::StreamEnd) if state.total_out() == page.len() as u64 => Ok(()),
        Ok(_) => Err(format!("one of {} bytes, or one without its end", state.total_out())),
        Err(error) => Err(error.to_string()),
    }
}

/// One number of an xbzrle page: 7 bits a byte, the low ones first, two bytes at most.
fn run_length(code: &mut &[u8]) -> Option<usize> {
    let (first, rest) = code.split_first()?;
    *code = rest;
    if first & 0x80 == 0 {
        return Some(usize::from(*first));
    }
    let (second, rest) = code.split_first()?;
    *code = rest;
    (second & 0x80 == 0).then(|| usize::from(first & 0x7f) | usize::from(*second) << 7)
}

/// Applies an xbzrle page to what the page was: counts of unchanged and of new bytes take turns,
/// and the new bytes follow their count.
///
/// # Errors
///
/// What is wrong with it; the page is then changed in part.
pub fn apply_difference(page: &mut [u8], code: &[u8]) -> Result<(), &'static str> {
    let mut code = code;
    let mut at = 0;
    let mut first = true;
    while !code.is_empty() {
        let unchanged = run_length(&mut code).ok_or("a count that is cut or too long")?;
        if unchanged == 0 && !first {
            return Err("an empty run of unchanged bytes");
        }
        first = false;
        at += unchanged;
        let new = run_length(&mut code).ok_or("a run of unchanged bytes at the end")?;
        if new == 0 {
            return Err("an empty run of new bytes");
        }
        let target = page.get_mut(at..at + new).ok_or("a run that leaves the page")?;
        target.copy_from_slice(code.get(..new).ok_or("new bytes that are cut")?);
        code = &code[new..];
        at += new;
    }
    Ok(())
}
