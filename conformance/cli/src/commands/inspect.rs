//! `inspect`: what a person with a failed migration wants to see of a stream.

use std::path::Path;

use migration_stream::inspect::{self, Inspection, diff};
use migration_stream::text::{escaped, hex};
use migration_stream::{Options, StreamError, StreamFile};
use serde::Serialize;

use crate::arguments::{Inspect, PageAddress};
use crate::files::{self, shown};
use crate::progress::Bytes;
use crate::report::Status;
use crate::{Ended, Stop, output};

/// Bytes in a line of a page.
const LINE: usize = 16;

pub(crate) fn run(arguments: &Inspect) -> Ended {
    if let Some(lender) = &arguments.description_from {
        files::regular(lender)?;
    }
    let options =
        Options { description_from: arguments.description_from.clone(), ..Options::default() };
    if let [left, right] = &arguments.diff[..] {
        return compare(&one(left)?, &one(right)?, &options, arguments.json);
    }
    let Some(path) = &arguments.file else { return Err(Stop::input("name a stream")) };
    let file = one(path)?;
    match (&arguments.ram, &arguments.out, &arguments.page) {
        (Some(block), Some(out), _) => extract(&file, &options, block, out, arguments.json),
        (_, _, Some(address)) => page(&file, &options, address, arguments.json),
        _ => whole(&file, &options, arguments),
    }
}

/// The only stream of a path.
fn one(path: &Path) -> Result<StreamFile, Stop> {
    if path.is_dir() {
        return Err(Stop::input(format!(
            "{}: a folder; name one of its streams, or see `streams --dump`",
            shown(path)
        )));
    }
    let (mut streams, problems) =
        files::streams(&[path.to_owned()], conformance::explore::Shard::WHOLE)?;
    streams.pop().ok_or_else(|| Stop::input(problems.join("; ")))
}

/// Looks at a stream, with a bar on a terminal.
fn inspected(file: &StreamFile, options: &Options) -> Result<Inspection, Stop> {
    let bar = Bytes::of(&file.path, file.size)?;
    Inspection::of(file, options, &mut |offset| bar.reached(offset)).map_err(Stop::input)
}

fn print_json(value: &impl Serialize) -> Result<(), Stop> {
    let text = serde_json::to_string(value).map_err(Stop::unwritable)?;
    output::print_json(&(text + "\n"))
}

fn whole(file: &StreamFile, options: &Options, arguments: &Inspect) -> Ended {
    let seen = inspected(file, options)?;
    if arguments.json {
        print_json(&seen)?;
    } else {
        output::print(seen.text(arguments.fields))?;
    }
    Ok(if seen.breakage.is_some() { Status::BadInput } else { Status::Conforms })
}

fn compare(left: &StreamFile, right: &StreamFile, options: &Options, as_json: bool) -> Ended {
    let (left, right) = (inspected(left, options)?, inspected(right, options)?);
    let differences = diff(&left, &right);
    // What could not be compared is said, or two streams would look more alike than they are.
    let sides = [("first", &left), ("second", &right)];
    let notes: Vec<String> = sides
        .iter()
        .flat_map(|(side, of)| {
            let broken = of.breakage.iter().map(|breakage| breakage.reason.clone());
            let notes = of.notes.iter().cloned().chain(broken);
            notes.map(move |note| format!("{side} stream: {note}"))
        })
        .collect();
    if as_json {
        print_json(&serde_json::json!({ "differences": differences, "notes": notes }))?;
    } else {
        for difference in &differences {
            output::print(format_args!("{difference}\n"))?;
        }
        notes.iter().for_each(|note| output::remark(escaped(note)));
    }
    Ok(match (differences.is_empty(), left.breakage.or(right.breakage)) {
        (false, _) => Status::Diverged,
        (true, Some(_)) => Status::BadInput,
        (true, None) => Status::Conforms,
    })
}

/// Writes guest memory beside its place and moves it there, so that a failure leaves an older file
/// as it was. What a broken stream has of it goes only where no file is.
fn extract(file: &StreamFile, options: &Options, block: &str, out: &Path, as_json: bool) -> Ended {
    files::regular(out)?;
    if out.is_dir() {
        return Err(Stop::input(format!("{}: a folder; name a file", shown(out))));
    }
    let unwritable = |error| Stop::unwritable(format!("{}: {error}", shown(out)));
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let aside = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
    let aside = aside.map_err(unwritable)?;
    match inspect::write_block(file, options, block, aside.as_file()) {
        Ok(len) => {
            aside.persist(out).map_err(|failed| unwritable(failed.error))?;
            if as_json {
                print_json(&serde_json::json!({ "block": block, "len": len }))?;
            } else {
                let name = escaped(block);
                output::print(format_args!("{}: {len} bytes of {name}\n", shown(out)))?;
            }
            Ok(Status::Conforms)
        }
        Err(error @ StreamError::Walk { .. }) => {
            let kept = match aside.persist_noclobber(out) {
                Ok(_) => format!("{} holds what came before", shown(out)),
                Err(_) => format!("{} is there already and was left as it is", shown(out)),
            };
            Err(Stop::input(format!("{error}; {kept}")))
        }
        Err(error) => Err(Stop::input(error)),
    }
}

/// A page of a stream.
#[derive(Serialize)]
struct Shown<'a> {
    block: &'a str,
    /// Offset of the page in its block.
    offset: u64,
    /// Offsets in the stream of what was sent for it.
    sent: &'a [u64],
    /// In hexadecimal; absent where it was not sent.
    content: Option<String>,
}

fn page(file: &StreamFile, options: &Options, address: &PageAddress, as_json: bool) -> Ended {
    let PageAddress { block, offset } = address;
    let (content, sent) = inspect::page(file, options, block, *offset).map_err(Stop::input)?;
    let Some(content) = content else {
        not_sent(&inspected(file, options)?, address)?;
        if as_json {
            print_json(&Shown { block, offset: *offset, sent: &sent, content: None })?;
        } else {
            let text = "was not sent: a destination that has not got it before has zeros there";
            output::print(format_args!("{}:{offset:#x} {text}\n", escaped(block)))?;
        }
        return Ok(Status::Conforms);
    };
    let begin = offset - offset % (content.len() as u64).max(1);
    if as_json {
        print_json(&Shown { block, offset: begin, sent: &sent, content: Some(hex(&content)) })?;
        return Ok(Status::Conforms);
    }
    let places: Vec<String> = sent.iter().map(u64::to_string).collect();
    let (name, places) = (escaped(block), places.join(", "));
    let len = content.len();
    output::print(format_args!("{name}:{begin:#x}, {len} bytes, sent at byte {places}\n"))?;
    for (number, line) in content.chunks(LINE).enumerate() {
        let at = begin + (number * LINE) as u64;
        let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = line
            .iter()
            .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' })
            .collect();
        output::print(format_args!("{at:>12x}: {} {text}\n", bytes.join(" ")))?;
    }
    Ok(Status::Conforms)
}

/// Refuses an address that a stream could not have, or did not come to.
fn not_sent(seen: &Inspection, address: &PageAddress) -> Result<(), Stop> {
    if let Some(breakage) = &seen.breakage {
        return Err(Stop::input(format!(
            "the page is not there, and the stream breaks: {}",
            breakage.reason
        )));
    }
    let Some(block) = seen.blocks.iter().find(|block| block.name == address.block) else {
        let names: Vec<String> = seen.blocks.iter().map(|block| escaped(&block.name)).collect();
        return Err(Stop::input(format!(
            "the stream has no block {}; there are: {}",
            escaped(&address.block),
            names.join(", ")
        )));
    };
    if address.offset >= block.len {
        return Err(Stop::input(format!(
            "block {} has {} bytes: {:#x} lies behind them",
            escaped(&block.name),
            block.len,
            address.offset
        )));
    }
    Ok(())
}
