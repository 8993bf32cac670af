//! An inspection as text. Nothing that comes from the stream reaches a terminal unescaped.

use std::fmt::{self, Display, Formatter};

use super::{Breakage, Inspection};
use crate::text::escaped;

/// Bytes in a line of a dump.
const LINE: usize = 16;

struct Text<'a> {
    inspection: &'a Inspection,
    fields: bool,
}

impl Inspection {
    /// All of it as text: with each field, or with the names of the devices only.
    #[must_use]
    pub fn text(&self, fields: bool) -> impl Display + '_ {
        Text { inspection: self, fields }
    }
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of = self.inspection;
        let machine = of.summary.machine.as_deref().unwrap_or("-");
        writeln!(f, "{}: {} bytes, machine {}", escaped(&of.name), of.size, escaped(machine))?;
        for block in &of.blocks {
            writeln!(
                f,
                "block {}: {} bytes, {} pages sent, {} different ones, {} more than once",
                escaped(&block.name),
                block.len,
                block.pages.total(),
                block.distinct,
                block.repeated
            )?;
        }
        for device in &of.devices {
            let (name, instance) = (escaped(&device.name), device.instance);
            writeln!(
                f,
                "device {name}/{instance}, version {}, at {}",
                device.version, device.offset
            )?;
            for part in &device.subsections {
                writeln!(f, "  subsection {}, version {}", escaped(&part.name), part.version)?;
            }
            for field in device.fields.iter().filter(|_| self.fields) {
                writeln!(f, "  {field}")?;
            }
        }
        for channel in &of.channels {
            let end = channel.broken.as_deref().unwrap_or("whole");
            let pages = channel.summary.pages.total();
            writeln!(f, "channel {}: {pages} pages, {}", escaped(&channel.name), escaped(end))?;
        }
        of.messages.iter().try_for_each(|message| writeln!(f, "return path: {message}"))?;
        of.notes.iter().try_for_each(|note| writeln!(f, "{}", escaped(note)))?;
        match &of.breakage {
            Some(breakage) => write!(f, "{breakage}"),
            None => writeln!(f, "the stream is whole"),
        }
    }
}

impl Display for Breakage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "the stream breaks in the record at byte {}: {}", self.record, self.reason)?;
        let digits: Vec<char> = self.around.chars().collect();
        for (number, line) in digits.chunks(LINE * 2).enumerate() {
            let at = self.around_from + (number * LINE) as u64;
            write!(f, "{at:>12}:")?;
            for (byte, pair) in line.chunks(2).enumerate() {
                // The byte that is wrong is marked.
                let mark = if at + byte as u64 == self.offset { '>' } else { ' ' };
                write!(f, "{mark}{}", pair.iter().collect::<String>())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
