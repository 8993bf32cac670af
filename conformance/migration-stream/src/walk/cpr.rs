//! What a QEMU hands to its successor on the same host (`cpr-transfer`, QEMU 10.0 and later).

use super::Walk;
use crate::error::WalkError;
use crate::format::cpr;
use crate::summary::RowKind;

/// Longest name of a descriptor.
const MAX_NAME: u32 = 4096;

impl Walk<'_> {
    /// Takes magic 32, version 32, then for each descriptor a byte 1, its name with a length 32 in
    /// front, its id 32 and the blank with which the descriptor itself came; a byte 0 ends the list.
    pub(super) fn walk_cpr(&mut self) -> Result<(), WalkError> {
        let magic = self.ask(|loader| loader.get_be32())?;
        if magic != cpr::MAGIC {
            return self.refuse(0, "the magic", "51435052", format_args!("{magic:08x}"));
        }
        let version = self.ask(|loader| loader.get_be32())?;
        if version != cpr::VERSION {
            return self.refuse(4, "the version", cpr::VERSION, version);
        }
        self.row(0, RowKind::Header, format!("state for a successor (CPR), version {version}"));
        loop {
            let at = self.at();
            match self.ask(|loader| loader.get_byte())? {
                0 => {
                    self.row(at, RowKind::EndOfStream, String::new());
                    return Ok(());
                }
                1 => self.descriptor(at)?,
                mark => return self.refuse(at, "the mark of a descriptor", "0 or 1", mark),
            }
        }
    }

    fn descriptor(&mut self, at: u64) -> Result<(), WalkError> {
        let len = self.ask(|loader| loader.get_be32())?;
        if len > MAX_NAME {
            return self.too_large(
                at + 1,
                "the length of a descriptor's name",
                len.into(),
                MAX_NAME.into(),
            );
        }
        let mut name = vec![0; len as usize];
        self.ask(|loader| loader.get_buffer(&mut name))?;
        let id = self.ask(|loader| loader.get_be32())?;
        self.ask(|loader| loader.get_byte())?;
        let name = String::from_utf8_lossy(name.strip_suffix(&[0]).unwrap_or(&name)).into_owned();
        self.row(at, RowKind::Descriptor, format!("{name}, id {id}"));
        Ok(())
    }
}
