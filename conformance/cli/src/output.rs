//! What the commands print. Output that cannot be written ends the command, with a status of its
//! own.

use std::fmt::{self, Display, Write as _};
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Mutex, OnceLock, PoisonError};

use anstream::AutoStream;

use crate::report::sheet::{Sheet, json, message, one_line};
use crate::report::{Report, junit, text};

use crate::arguments::Format;
use crate::{Ended, Stop};

/// Standard output. Not [`std::io::stdout`], which hides that it is closed and keeps back what it
/// could not write.
fn standard_output() -> io::Result<&'static Mutex<AutoStream<File>>> {
    static OUTPUT: OnceLock<Mutex<AutoStream<File>>> = OnceLock::new();
    if let Some(output) = OUTPUT.get() {
        return Ok(output);
    }
    let colours = AutoStream::choice(&io::stdout());
    let file = File::from(rustix::io::dup(rustix::stdio::stdout())?);
    Ok(OUTPUT.get_or_init(|| Mutex::new(AutoStream::new(file, colours))))
}

/// Prints what is ready for a terminal.
fn raw(text: &str) -> Result<(), Stop> {
    let written = standard_output().and_then(|output| {
        output.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes())
    });
    written.map_err(|error| {
        Stop::unwritable(match error.kind() {
            io::ErrorKind::BrokenPipe => {
                "standard output: its reader closed it, and the output is not complete".to_owned()
            }
            _ => format!("standard output: {error}; the output is not complete"),
        })
    })
}

/// Prints to standard output what `write` writes, with colours where it is a terminal.
pub(crate) fn sheet(write: impl FnOnce(&mut Sheet<'_>) -> fmt::Result) -> Result<(), Stop> {
    let mut text = String::new();
    write(&mut Sheet::styled(&mut text))
        .map_err(|_| Stop::unwritable("what is to be printed has no text form"))?;
    raw(&text)
}

/// Prints to standard output.
pub(crate) fn print(text: impl Display) -> Result<(), Stop> {
    sheet(|f| write!(f, "{text}"))
}

/// Prints JSON.
pub(crate) fn print_json(text: &str) -> Result<(), Stop> {
    raw(&json(text))
}

/// Prints a line to standard error. Where that is not possible there is no place to say so.
pub(crate) fn remark(text: impl Display) {
    remark_sheet(|f| writeln!(f, "{text}"));
}

/// Prints to standard error what `write` writes.
pub(crate) fn remark_sheet(write: impl FnOnce(&mut Sheet<'_>) -> fmt::Result) {
    let mut text = String::new();
    if write(&mut Sheet::styled(&mut text)).is_ok() {
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }
}

/// Says why a command ended early.
pub(crate) fn complain(text: &str) {
    remark(format_args!("{}: {}", env!("CARGO_PKG_NAME"), message(text)));
}

/// Prints what clap has to say: help to standard output, a complaint to standard error.
pub(crate) fn usage(error: &clap::Error) -> Ended {
    if error.use_stderr() {
        let complaint = std::env::args_os().filter_map(|word| word.into_string().ok()).fold(
            error.render().ansi().to_string(),
            |text, word| {
                if word.contains('\n') { text.replace(&word, &one_line(&word)) } else { text }
            },
        );
        remark(complaint.trim_end());
        return Ok(crate::report::Status::BadInput);
    }
    raw(&error.render().ansi().to_string())?;
    Ok(crate::report::Status::Conforms)
}

/// Prints a report in the form that was asked for.
pub(crate) fn report(report: &Report, format: Format) -> Ended {
    match format {
        Format::Text => sheet(|f| text::report(report, f))?,
        Format::Json => print_json(&report.json().map_err(Stop::unwritable)?)?,
        Format::Junit => print(junit::render(report).map_err(Stop::unwritable)?)?,
    }
    Ok(report.status())
}
