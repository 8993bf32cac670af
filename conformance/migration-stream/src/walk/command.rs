//! Commands, and the package that one of them brings.

use super::{BULK, Flow, Postcopy, Walk, c_string};
use crate::error::WalkError;
use crate::format::command;
use crate::summary::RowKind;

/// Longest package that is taken on, in bytes: it is held in memory, as QEMU does.
const MAX_PACKAGE: u32 = 32 << 20;

/// Bytes of a discard before its list, but for the name of the block.
const DISCARD_HEAD: u16 = 3;

/// Bytes of one range in it.
const DISCARD_RANGE: u16 = 16;

/// Length of a command's body where it is fixed.
fn fixed_len(number: u16) -> Option<u16> {
    match number {
        command::PING | command::PACKAGED => Some(4),
        command::OPEN_RETURN_PATH
        | command::POSTCOPY_LISTEN
        | command::POSTCOPY_RUN
        | command::POSTCOPY_RESUME
        | command::ENABLE_COLO
        | command::SWITCHOVER_START => Some(0),
        _ => None,
    }
}

impl Walk<'_> {
    pub(super) fn command(&mut self, at: u64) -> Result<Flow, WalkError> {
        let number = self.ask(|loader| loader.get_be16())?;
        let len = self.ask(|loader| loader.get_be16())?;
        if number == 0 {
            return self.refuse(
                at + 1,
                "the number of a command",
                "1 to 11, or a later one",
                number,
            );
        }
        if let Some(fixed) = fixed_len(number).filter(|fixed| *fixed != len) {
            return self.refuse(at + 3, "the length of a command", fixed, len);
        }
        let detail = match number {
            command::OPEN_RETURN_PATH => {
                self.returns = true;
                "open the return path".to_owned()
            }
            command::PING => {
                let number = self.ask(|loader| loader.get_be32())?;
                if !self.returns {
                    let expected = "one behind the opening of the return path";
                    return self.refuse(at + 1, "a ping", expected, "one without a return path");
                }
                format!("ping {number}")
            }
            command::POSTCOPY_ADVISE => self.advise(at, len)?,
            command::POSTCOPY_LISTEN => {
                let after = [Postcopy::Advised, Postcopy::Discarding];
                self.postcopy(at, &after, Postcopy::Listening)?;
                "postcopy: listen".to_owned()
            }
            command::POSTCOPY_RUN => {
                self.postcopy(at, &[Postcopy::Listening], Postcopy::Running)?;
                self.row(at, RowKind::Command, "postcopy: run".to_owned());
                return Ok(if self.packaged { Flow::Over } else { Flow::More });
            }
            command::POSTCOPY_DISCARD => self.discard(at, len)?,
            command::PACKAGED => return self.package(at).map(|()| Flow::More),
            command::RECEIVED_BITMAP => {
                let name = self.ask(|loader| loader.get_counted_string())?;
                if name.is_empty() || name.len() + 1 != usize::from(len) {
                    let expected = name.len().max(1) + 1;
                    return self.refuse(at + 3, "the length of a command", expected, len);
                }
                let name = c_string(&name);
                self.known_block(at + 5, &name)?;
                format!("bitmap of {name} wanted")
            }
            command::POSTCOPY_RESUME => "postcopy: resume".to_owned(),
            command::SWITCHOVER_START => "switchover: all iterable state has been sent".to_owned(),
            command::ENABLE_COLO => {
                self.note("COLO is enabled: checkpoints follow what is read here".to_owned());
                "enable COLO".to_owned()
            }
            _ => {
                self.pass(len.into())?;
                self.summary.unknown_command.get_or_insert(at);
                self.note(format!(
                    "byte {at}: command {number} is none of QEMU up to 10.2; skipped by its length, {len} bytes"
                ));
                format!("command {number}, skipped: {len} bytes")
            }
        };
        self.row(at, RowKind::Command, detail);
        Ok(Flow::More)
    }

    /// Postcopy has an order, which QEMU demands.
    fn postcopy(&mut self, at: u64, from: &[Postcopy], to: Postcopy) -> Result<(), WalkError> {
        if !from.contains(&self.postcopy) {
            let expected = format!("one of {from:?}");
            let found = format!("{:?}", self.postcopy);
            return self.refuse(
                at + 1,
                "the state of postcopy before this command",
                expected,
                found,
            );
        }
        self.postcopy = to;
        Ok(())
    }

    fn advise(&mut self, at: u64, len: u16) -> Result<String, WalkError> {
        self.postcopy(at, &[Postcopy::None], Postcopy::Advised)?;
        match len {
            0 => Ok("postcopy: advise, without RAM".to_owned()),
            16 => {
                let sizes = self.ask(|loader| loader.get_be64())?;
                let page = self.ask(|loader| loader.get_be64())?;
                self.ram.page_sizes = Some(sizes);
                if page != self.page_size {
                    return self.refuse(
                        at + 13,
                        "the page size of the source",
                        self.page_size,
                        page,
                    );
                }
                Ok(format!("postcopy: advise, page sizes {sizes:#x}, page {page:#x}"))
            }
            _ => self.refuse(at + 3, "the length of a command", "0 or 16", len),
        }
    }

    fn discard(&mut self, at: u64, len: u16) -> Result<String, WalkError> {
        let before = [Postcopy::Advised, Postcopy::Discarding];
        self.postcopy(at, &before, Postcopy::Discarding)?;
        if len < DISCARD_HEAD + 1 + DISCARD_RANGE {
            return self.refuse(at + 3, "the length of a discard", "20 or more", len);
        }
        let version = self.ask(|loader| loader.get_byte())?;
        if version != 0 {
            return self.refuse(at + 5, "the version of a discard", 0, version);
        }
        let block = self.ask(|loader| loader.get_counted_string())?;
        let before = self.at();
        let nul = self.ask(|loader| loader.get_byte())?;
        if nul != 0 {
            return self.refuse(before, "what follows the name of a discard", 0, nul);
        }
        let name_len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        let ranges = match len.checked_sub(DISCARD_HEAD).and_then(|rest| rest.checked_sub(name_len))
        {
            Some(rest) if rest % DISCARD_RANGE == 0 => rest / DISCARD_RANGE,
            _ => {
                return self.refuse(
                    at + 3,
                    "the length of a discard",
                    "a whole number of ranges",
                    len,
                );
            }
        };
        let block = c_string(&block);
        let size = self.known_block(at + 6, &block)?;
        for _ in 0..ranges {
            let here = self.at();
            let start = self.ask(|loader| loader.get_be64())?;
            let len = self.ask(|loader| loader.get_be64())?;
            if start.checked_add(len).is_none_or(|end| end > size) {
                let expected = format!("one inside {block} of {size} bytes");
                let found = format!("{start:#x}+{len:#x}");
                return self.refuse(here, "a range to discard", expected, found);
            }
        }
        Ok(format!("postcopy: discard {ranges} ranges of {block}"))
    }

    /// Length in bytes of a block that a command names.
    fn known_block(&self, at: u64, name: &str) -> Result<u64, WalkError> {
        match self.ram.len_of(name) {
            Some(len) => Ok(len),
            None => self.refuse(at, "the block of a command", "one of the list", name),
        }
    }

    /// A package is a stream of records behind the command. It has no end mark: its last record is
    /// the command that starts the guest.
    fn package(&mut self, at: u64) -> Result<(), WalkError> {
        let len = self.ask(|loader| loader.get_be32())?;
        if self.packaged {
            return self.refuse(at, "a package", "none inside a package", "one");
        }
        if len > MAX_PACKAGE {
            return self.too_large(
                at + 5,
                "the length of a package",
                len.into(),
                MAX_PACKAGE.into(),
            );
        }
        self.row(at, RowKind::Command, format!("package of {len} bytes"));
        let mut bytes = Vec::new();
        while bytes.len() < len as usize {
            // A length is no reason to believe that so many bytes come.
            let taken = bytes.len();
            bytes.resize((len as usize).min(taken + BULK), 0);
            self.ask(|loader| loader.get_buffer(&mut bytes[taken..]))?;
        }
        self.observer.package(&bytes);
        self.ask(|loader| loader.enter(bytes))?;
        self.packaged = true;
        while self.next_record()? == Flow::More {}
        self.packaged = false;
        self.ask(|loader| loader.leave())?;
        let end = self.at();
        self.row(end, RowKind::PackageEnd, String::new());
        Ok(())
    }
}
