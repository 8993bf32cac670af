//! The channels of a migration with several (`multifd`): packets of pages.

use super::Walk;
use crate::error::{Problem, WalkError};
use crate::format::multifd;
use crate::summary::{Page, PageContent, PageCounts, RowKind, SectionRow};

/// Longest state of a device in one packet that is taken on, in bytes.
const MAX_STATE: u64 = 1 << 32;

/// Bytes of a name in a packet.
const NAME: usize = 256;

/// What unpacks a channel: its state lasts as long as the channel.
enum Inflater {
    Nothing,
    Zlib(Box<flate2::Decompress>),
    #[cfg(feature = "containers")]
    Zstd(Box<zstd::stream::raw::Decoder<'static>>),
}

/// The head of a packet of pages.
struct Packet {
    at: u64,
    flags: u32,
    pages: u64,
    zeros: u64,
    payload: u64,
    number: u64,
    block: String,
    offsets: Vec<u64>,
}

fn word(bytes: &[u8], from: usize, len: usize) -> u64 {
    bytes[from..from + len].iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn text(bytes: &[u8]) -> String {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}

impl Walk<'_> {
    /// Takes a channel to its end: magic 32, version 32, uuid, number 8, 39 bytes; then packets.
    pub(super) fn walk_multifd(&mut self) -> Result<(), WalkError> {
        const HEAD: usize = 64;
        let mut head = [0; HEAD];
        self.ask(|loader| loader.get_buffer(&mut head))?;
        self.packet_magic(0, &head)?;
        let number = head[24];
        self.row(0, RowKind::Header, format!("multifd channel {number}"));
        let mut inflater = Inflater::Nothing;
        loop {
            let at = self.at();
            let mut head = [0; 12];
            match self.ask(|loader| loader.get_buffer(&mut head)) {
                Err(WalkError { problem: Problem::Ended { .. }, .. }) if self.ended_at(at) => {
                    return Ok(());
                }
                result => result?,
            }
            self.packet_magic(at, &head)?;
            let flags = u32::try_from(word(&head, 8, 4)).unwrap_or_default();
            if flags & multifd::DEVICE_STATE == 0 {
                self.pages_packet(at, flags, &mut inflater)?;
            } else {
                self.state_packet(at)?;
            }
        }
    }

    /// Whether nothing at all came behind `at`.
    fn ended_at(&mut self, at: u64) -> bool {
        self.plan.len.is_none_or(|len| at >= len) && self.loader.peek_byte(0).is_err()
    }

    fn packet_magic(&self, at: u64, head: &[u8]) -> Result<(), WalkError> {
        let (magic, version) = (word(head, 0, 4), word(head, 4, 4));
        if magic != u64::from(multifd::MAGIC) {
            let found = format!("{magic:08x}");
            return self.refuse(at, "the magic of a multifd packet", "11223344", found);
        }
        if version != u64::from(multifd::VERSION) {
            return self.refuse(
                at + 4,
                "the version of a multifd packet",
                multifd::VERSION,
                version,
            );
        }
        Ok(())
    }

    /// Behind magic, version and flags: pages allocated 32, pages 32, bytes that follow 32, number
    /// of the packet 64, zero pages 32, 28 bytes, name of the block, offsets 64 of all pages that
    /// could be in it.
    fn pages_packet(
        &mut self,
        at: u64,
        flags: u32,
        inflater: &mut Inflater,
    ) -> Result<(), WalkError> {
        const FIXED: usize = 308;
        let most = multifd::PACKET / self.page_size;
        let mut rest = vec![0; FIXED + usize::try_from(most).unwrap_or_default() * 8];
        self.ask(|loader| loader.get_buffer(&mut rest))?;
        let (allocated, pages, zeros) = (word(&rest, 0, 4), word(&rest, 4, 4), word(&rest, 20, 4));
        if allocated > most || pages > allocated || zeros > allocated - pages {
            let what = "the number of pages of a multifd packet";
            let found = format!("{pages} and {zeros} zero ones of {allocated}");
            return self.refuse(at + 12, what, format_args!("at most {most}"), found);
        }
        let offsets = rest[FIXED..].chunks_exact(8).map(|bytes| word(bytes, 0, 8));
        let packet = Packet {
            at,
            flags,
            pages,
            zeros,
            payload: word(&rest, 8, 4),
            number: word(&rest, 12, 8),
            block: text(&rest[52..52 + NAME]),
            offsets: offsets.take(usize::try_from(pages + zeros).unwrap_or_default()).collect(),
        };
        let before = self.summary.pages;
        self.check_packet(&packet)?;
        self.zero_pages(&packet);
        self.whole_pages(&packet, inflater)?;
        self.packet_row(&packet, before);
        Ok(())
    }

    fn check_packet(&self, packet: &Packet) -> Result<(), WalkError> {
        if packet.offsets.is_empty() {
            return Ok(());
        }
        let known = self.ram.len_of(&packet.block);
        if known.is_none() && !self.plan.blocks.is_empty() {
            return self.refuse(
                packet.at + 64,
                "the block of a multifd packet",
                "one of the list",
                &packet.block,
            );
        }
        let end = known.unwrap_or(u64::MAX);
        let outside =
            |offset: &u64| offset.checked_add(self.page_size).is_none_or(|page| page > end);
        if let Some(offset) = packet.offsets.iter().find(|offset| outside(offset)) {
            let expected = format!("a page inside {} of {end} bytes", packet.block);
            return self.refuse(packet.at + 320, "the offset of a page", expected, offset);
        }
        Ok(())
    }

    fn zero_pages(&mut self, packet: &Packet) {
        let size = usize::try_from(self.page_size).unwrap_or_default();
        for offset in packet.offsets.iter().skip(usize::try_from(packet.pages).unwrap_or_default())
        {
            let content = PageContent::Fill(0);
            let (block, at) = (packet.block.as_str(), packet.at);
            self.observer.page(Page { block, offset: *offset, size, at, content });
            self.summary.pages.zero += 1;
        }
    }

    fn whole_pages(&mut self, packet: &Packet, inflater: &mut Inflater) -> Result<(), WalkError> {
        let at = self.at();
        let compression = packet.flags & multifd::COMPRESSION;
        let size = usize::try_from(self.page_size).unwrap_or_default();
        let offsets = packet.offsets.iter().take(usize::try_from(packet.pages).unwrap_or_default());
        if packet.pages == 0 && packet.payload == 0 {
            return Ok(());
        }
        if compression == 0 {
            let expected = packet.pages * self.page_size;
            if packet.payload != expected {
                let what = "the length of a multifd packet";
                return self.refuse(packet.at + 20, what, expected, packet.payload);
            }
            let mut page = vec![0; size];
            for offset in offsets {
                let at = self.at();
                self.ask(|loader| loader.get_page(&mut page, false))?;
                let content = PageContent::Whole(&page);
                let block = packet.block.as_str();
                self.observer.page(Page { block, offset: *offset, size, at, content });
                self.summary.pages.page += 1;
            }
            return Ok(());
        }
        let limit = multifd::PACKET * 2;
        if packet.payload > limit {
            return self.too_large(
                packet.at + 20,
                "the length of a multifd packet",
                packet.payload,
                limit,
            );
        }
        let mut packed = vec![0; usize::try_from(packet.payload).unwrap_or_default()];
        self.ask(|loader| loader.get_buffer(&mut packed))?;
        let mut pages = vec![0; usize::try_from(packet.pages).unwrap_or_default() * size];
        match unpack(inflater, compression, &packed, &mut pages) {
            Ok(true) => {}
            Ok(false) => {
                self.note(format!(
                    "byte {at}: pages compressed by {}, which are skipped",
                    method(compression)
                ));
                self.summary.pages.compressed += packet.pages;
                return Ok(());
            }
            Err(reason) => {
                let expected = format!("{} bytes of pages", pages.len());
                return self.refuse(at, "a compressed multifd packet", expected, reason);
            }
        }
        for (offset, page) in offsets.zip(pages.chunks_exact(size)) {
            let content = PageContent::Inflated(page);
            let block = packet.block.as_str();
            self.observer.page(Page { block, offset: *offset, size, at, content });
            self.summary.pages.compressed += 1;
        }
        Ok(())
    }

    fn packet_row(&mut self, packet: &Packet, before: PageCounts) {
        let sync = if packet.flags & multifd::SYNC == 0 { "" } else { ", sync" };
        let detail = format!("packet {}, {}{sync}", packet.number, method(packet.flags));
        self.report(SectionRow {
            offset: packet.at,
            len: self.at() - packet.at,
            kind: RowKind::Packet,
            id: None,
            name: (!packet.block.is_empty()).then(|| packet.block.clone()),
            instance: None,
            version: None,
            pages: self.summary.pages - before,
            detail,
        });
        debug_assert_eq!(packet.offsets.len() as u64, packet.pages + packet.zeros);
    }

    /// State of a device: name, instance 32, bytes that follow 32.
    fn state_packet(&mut self, at: u64) -> Result<(), WalkError> {
        let mut rest = [0; NAME + 8];
        self.ask(|loader| loader.get_buffer(&mut rest))?;
        let len = word(&rest, NAME + 4, 4);
        if len > MAX_STATE {
            return self.too_large(at + 272, "the length of a device's state", len, MAX_STATE);
        }
        self.pass(len)?;
        self.report(SectionRow {
            offset: at,
            len: self.at() - at,
            kind: RowKind::Packet,
            id: None,
            name: Some(text(&rest[..NAME])),
            instance: u32::try_from(word(&rest, NAME, 4)).ok(),
            version: None,
            pages: PageCounts::default(),
            detail: format!("{len} bytes of a device's state"),
        });
        Ok(())
    }
}

fn method(flags: u32) -> &'static str {
    match flags & multifd::COMPRESSION {
        0 => "plain",
        multifd::ZLIB => "zlib",
        multifd::ZSTD => "zstd",
        multifd::QPL => "qpl",
        multifd::UADK => "uadk",
        multifd::QATZIP => "qatzip",
        _ => "an unknown compression",
    }
}

/// Fills `pages` from a packet; whether the compression is known.
fn unpack(
    inflater: &mut Inflater,
    compression: u32,
    packed: &[u8],
    pages: &mut [u8],
) -> Result<bool, String> {
    match (compression, &inflater) {
        (multifd::ZLIB, Inflater::Nothing) => {
            *inflater = Inflater::Zlib(Box::new(flate2::Decompress::new(true)));
        }
        #[cfg(feature = "containers")]
        (multifd::ZSTD, Inflater::Nothing) => {
            let decoder = zstd::stream::raw::Decoder::new().map_err(|error| error.to_string())?;
            *inflater = Inflater::Zstd(Box::new(decoder));
        }
        _ => {}
    }
    match inflater {
        Inflater::Zlib(state) if compression == multifd::ZLIB => {
            let (before_in, before_out) = (state.total_in(), state.total_out());
            let flush = flate2::FlushDecompress::Sync;
            state.decompress(packed, pages, flush).map_err(|error| error.to_string())?;
            let (taken, made) = (state.total_in() - before_in, state.total_out() - before_out);
            whole(made, pages.len()).and_then(|_| all(taken, packed.len()))
        }
        #[cfg(feature = "containers")]
        Inflater::Zstd(state) if compression == multifd::ZSTD => {
            use zstd::stream::raw::{InBuffer, Operation as _, OutBuffer};
            let len = pages.len();
            let mut from = InBuffer::around(packed);
            let mut into = OutBuffer::around(pages);
            while into.pos() < len {
                let before = (from.pos(), into.pos());
                state.run(&mut from, &mut into).map_err(|error| error.to_string())?;
                if before == (from.pos(), into.pos()) {
                    break;
                }
            }
            whole(into.pos() as u64, len)
        }
        Inflater::Nothing => Ok(false),
        _ => Err("another compression than before".to_owned()),
    }
}

fn whole(made: u64, len: usize) -> Result<bool, String> {
    if made == len as u64 { Ok(true) } else { Err(format!("{made} bytes")) }
}

fn all(taken: u64, len: usize) -> Result<bool, String> {
    // A flush leaves an empty block behind the last page.
    if taken + 16 >= len as u64 { Ok(true) } else { Err(format!("{taken} bytes used of {len}")) }
}
