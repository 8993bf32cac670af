//! What a sanitizer says on standard error before it ends a process.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _};

use c_reference::SANITIZER_REPORTS;

use crate::observation::Event;

/// Bytes of standard error that are looked at: a report begins it, or all before it is noise.
const READ: u64 = 1 << 20;

/// The file that the shim compiles, as a report names it.
const FILE: &str = "qemu-file.c:";

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    what: String,
    function: String,
    line: u32,
}

impl Report {
    pub(super) fn event(&self) -> Event {
        Event::Defect { what: self.to_string(), function: self.function.clone(), line: self.line }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.line == 0 {
            return Ok(());
        }
        if !self.function.is_empty() {
            write!(f, " in {}", self.function)?;
        }
        write!(f, ", line {} of the file", self.line)
    }
}

/// The first report in what was written to `said`.
pub(super) fn report(said: &mut File) -> Option<Report> {
    let mut bytes = Vec::new();
    said.rewind().ok()?;
    said.take(READ).read_to_end(&mut bytes).ok()?;
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Option<Report> {
    let mut lines = text.lines().skip_while(|line| mark(line).is_none());
    let first = lines.next()?;
    let words = first.split_at(mark(first)?).1;
    // AddressSanitizer goes on with addresses, which are others each time.
    let what = match words.split_once(" on ") {
        Some((what, _)) if words.starts_with("ERROR") => what,
        _ => words,
    };
    let what = what.trim_start_matches("ERROR: ").to_owned();
    let place = std::iter::once(first).chain(lines).find_map(place);
    let (function, line) = place.unwrap_or_default();
    Some(Report { what, function, line })
}

/// Where the words of a report begin in a line.
fn mark(line: &str) -> Option<usize> {
    SANITIZER_REPORTS.iter().find_map(|report| line.find(report))
}

/// The function and the line of the file that a line of a report names: `#1 0x5 in f a/qemu-file.c:7:2`.
fn place(line: &str) -> Option<(String, u32)> {
    let (before, after) = line.split_once(FILE)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let function = before.split_once(" in ").map_or("", |(_, rest)| rest);
    let function = function.split_whitespace().next().unwrap_or_default();
    Some((function.to_owned(), digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sanitizers_say_is_cut_to_what_and_where() {
        let address = "noise\n=1==ERROR: AddressSanitizer: heap-use-after-free on address 0x60b at pc 0x7\n\
            READ of size 4 at 0x60b thread T0\n    #0 0x7f in memcpy (libasan.so+0x1)\n    \
            #1 0x7f in qemu_fclose /tmp/x/qemu-file.c:365:9\n    #2 0x7f in other /tmp/x/qemu-file.c:1\n";
        let report = parse(address).unwrap();
        assert_eq!(
            report.to_string(),
            "AddressSanitizer: heap-use-after-free in qemu_fclose, line 365 of the file"
        );
        let undefined = "/tmp/x/qemu-file.c:12:7: runtime error: signed integer overflow: 1 + 2\n    \
            #0 0x7f in qemu_put_byte /tmp/x/qemu-file.c:12\n";
        let report = parse(undefined).unwrap();
        assert_eq!(
            (report.line, report.what.as_str()),
            (12, "runtime error: signed integer overflow: 1 + 2")
        );
        assert_eq!(parse("nothing of the kind\n"), None);
    }
}
