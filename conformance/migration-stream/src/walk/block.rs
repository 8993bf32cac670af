//! Sections of disks: their blocks, and their dirty bitmaps.

use super::Walk;
use crate::error::WalkError;
use crate::format::{bitmap, block};

impl Walk<'_> {
    /// Takes the entries of a block section up to the end of the chunk.
    pub(super) fn block_chunk(&mut self) -> Result<String, WalkError> {
        let (mut chunks, mut zeroes) = (0_u64, 0_u64);
        loop {
            let at = self.at();
            let flags = self.ask(|loader| loader.get_be64())? & block::FLAGS;
            if flags & block::CHUNK != 0 {
                self.name()?;
                chunks += 1;
                if flags & block::ZERO == 0 {
                    self.pass(block::CHUNK_LEN)?;
                } else {
                    zeroes += 1;
                }
            } else if flags & (block::PROGRESS | block::END) == 0 {
                return self.refuse(
                    at,
                    "the flags of a block entry",
                    "1, 2, 4 or 8",
                    format_args!("{flags:x}"),
                );
            }
            if flags & block::END != 0 {
                return Ok(format!("{chunks} chunks of 1 MiB, {zeroes} of them zero"));
            }
        }
    }

    /// Flags of a dirty bitmap's entry: one byte, or a longer word that the high bit announces.
    fn bitmap_flags(&mut self) -> Result<u32, WalkError> {
        let mut flags = u32::from(self.ask(|loader| loader.get_byte())?);
        if flags & bitmap::LONGER_BYTE != 0 {
            flags = flags << 8 | u32::from(self.ask(|loader| loader.get_byte())?);
            if flags & bitmap::LONGER_WORD != 0 {
                flags = flags << 16 | u32::from(self.ask(|loader| loader.get_be16())?);
            }
        }
        Ok(flags)
    }

    /// Takes the entries of a dirty bitmap section up to the end of the chunk.
    pub(super) fn bitmap_chunk(&mut self) -> Result<String, WalkError> {
        let (mut started, mut complete, mut pieces) = (0_u64, 0_u64, 0_u64);
        loop {
            let flags = self.bitmap_flags()?;
            if flags & bitmap::NODE_NAME != 0 {
                self.counted_string()?;
            }
            if flags & bitmap::BITMAP_NAME != 0 {
                self.counted_string()?;
            }
            if flags & bitmap::START != 0 {
                self.ask(|loader| loader.get_be32())?;
                self.ask(|loader| loader.get_byte())?;
                started += 1;
            } else if flags & bitmap::COMPLETE != 0 {
                complete += 1;
            } else if flags & bitmap::BITS != 0 {
                self.ask(|loader| loader.get_be64())?;
                self.ask(|loader| loader.get_be32())?;
                if flags & bitmap::ZEROES == 0 {
                    let len = self.ask(|loader| loader.get_be64())?;
                    self.pass(len)?;
                }
                pieces += 1;
            }
            if flags & bitmap::END != 0 {
                return Ok(format!(
                    "{started} bitmaps started, {complete} complete, {pieces} pieces"
                ));
            }
        }
    }
}
