//! What the commands print.

use std::fmt::Display;
use std::io::{self, Write};

use crate::report::{Report, Status, junit, text};

use crate::arguments::Format;
use crate::{Ended, Stop};

/// Prints to standard output, with colours where it is a terminal.
pub(crate) fn print(text: impl Display) {
    tolerate(write!(anstream::stdout().lock(), "{text}"));
}

/// Prints a line to standard error.
pub(crate) fn remark(text: impl Display) {
    tolerate(writeln!(anstream::stderr().lock(), "{text}"));
}

/// Says why a command ended early.
pub(crate) fn complain(message: &str) {
    remark(format_args!("conformance: {message}"));
}

/// Whoever reads the output may have had enough; the exit status still says how it went.
fn tolerate(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Standard error may be what is broken, and there is no other place to say so.
        let _ = writeln!(io::stderr(), "conformance: the output cannot be written: {error}");
    }
}

/// Prints a report in the form that was asked for.
pub(crate) fn report(report: &Report, format: Format) -> Ended {
    let unwritable = |error: &dyn Display| Stop {
        status: Status::BadInput,
        message: format!("no report: {error}"),
    };
    match format {
        Format::Text => print(text::report(report)),
        Format::Json => print(report.json().map_err(|error| unwritable(&error))?),
        Format::Junit => print(junit::render(report).map_err(|error| unwritable(&error))?),
    }
    Ok(report.status())
}

/// Refuses a form that a command does not have.
pub(crate) fn only_text(command: &str, format: Format) -> Result<(), Stop> {
    if format == Format::Text {
        return Ok(());
    }
    Err(Stop::input(format!("{command} has text only: leave out --format")))
}
