//! Guest memory at fixed places of a file (`mapped-ram`, QEMU 9.0 and later).

use super::Walk;
use crate::error::WalkError;
use crate::format::mapped;
use crate::summary::{Page, PageContent};

/// Bytes of a bitmap that are held at a time.
const PIECE: usize = 4096;

impl Walk<'_> {
    /// Takes what follows the length of a block: version 32, page size 64, place of the bitmap 64,
    /// place of the pages 64. Then the pages that the bitmap names are read at their places, and
    /// the stream goes on behind all of them. C: `parse_ramblock_mapped_ram`.
    pub(super) fn mapped_block(&mut self, name: &str, len: u64) -> Result<(), WalkError> {
        const HEAD: usize = 28;
        let at = self.at();
        let mut head = [0; HEAD];
        self.ask(|loader| loader.get_buffer(&mut head))?;
        let word = |from: usize, len: usize| {
            head[from..from + len].iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
        };
        let (version, page_size, bits, pages) = (word(0, 4), word(4, 8), word(12, 8), word(20, 8));
        if version > mapped::VERSION.into() {
            return self.refuse(at, "the version of a mapped block", mapped::VERSION, version);
        }
        if page_size != self.page_size {
            return self.refuse(
                at + 4,
                "the page size of a mapped block",
                self.page_size,
                page_size,
            );
        }
        if bits == 0 && pages == 0 && self.shared_ignored {
            self.note(format!("block {name} is shared, and not in the file"));
            return Ok(());
        }
        if pages % mapped::ALIGNMENT != 0 {
            return self.refuse(
                at + 20,
                "the place of the pages of a mapped block",
                "a multiple of 1048576",
                pages,
            );
        }
        let Some(end) = pages.checked_add(len) else {
            return self.too_large(
                at + 20,
                "the place of the pages of a mapped block",
                pages,
                u64::MAX - len,
            );
        };
        self.mapped_pages(name, len, bits, pages)?;
        let before = self.at();
        self.ask(|loader| loader.seek(end))?;
        if self.at() < before {
            let what = "the place behind the pages of a mapped block";
            return self.refuse(at + 20, what, format_args!("{before} or more"), self.at());
        }
        Ok(())
    }

    fn mapped_pages(
        &mut self,
        name: &str,
        len: u64,
        bits: u64,
        pages: u64,
    ) -> Result<(), WalkError> {
        let size = usize::try_from(self.page_size).unwrap_or_default();
        let count = len / self.page_size;
        let bytes = count.div_ceil(64) * 8;
        let mut page = vec![0; size];
        let mut piece = [0; PIECE];
        let mut from = 0;
        while from < bytes {
            let here = usize::try_from(bytes - from).unwrap_or(PIECE).min(PIECE);
            let place = bits.saturating_add(from);
            self.ask(|loader| loader.read_at(place, &mut piece[..here]))?;
            let set = (0_u64..).zip(piece[..here].iter()).flat_map(|(byte, bits)| {
                (0..8_u64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| byte * 8 + bit)
            });
            for number in set.map(|bit| from * 8 + bit).take_while(|number| *number < count) {
                let offset = number * self.page_size;
                let at = pages + offset;
                self.ask(|loader| loader.read_at(at, &mut page))?;
                self.summary.pages.mapped += 1;
                let content = PageContent::Whole(&page);
                self.observer.page(Page { block: name, offset, size, at, content });
            }
            from += here as u64;
        }
        Ok(())
    }
}
