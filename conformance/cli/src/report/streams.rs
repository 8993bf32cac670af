//! Streams and their sections as text.

use std::fmt::{self, Display, Formatter};

use anstyle::Style;

use migration_stream::text::escaped;

use super::text::shown;
use conformance::streams::{PageCounts, Planned, RowKind, SectionRow, StreamReport, StreamVerdict};

const STRONG: Style = Style::new().bold();

/// A table of streams, a line each.
#[must_use]
pub fn streams(streams: &[StreamReport]) -> impl Display + '_ {
    shown(move |f| {
        writeln!(
            f,
            "{STRONG}{:<28}{:>10} {:<22}{:>9}{:>9}{:>8}{:>8}{:>9}  result{STRONG:#}",
            "stream", "bytes", "machine", "sections", "pages", "reads", "writes", "flushes"
        )?;
        streams.iter().try_for_each(|stream| line(stream, f))?;
        writeln!(f)
    })
}

fn line(stream: &StreamReport, f: &mut Formatter<'_>) -> fmt::Result {
    let machine = escaped(stream.machine.as_deref().unwrap_or("-"));
    let flushes = stream.flushes.as_ref().map_or_else(String::new, |flushes| {
        format!("{}+{}+{}", flushes.explicit, flushes.full_buffer, flushes.full_queue)
    });
    write!(
        f,
        "{:<28}{:>10} {machine:<22}{:>9}{:>9}{:>8}{:>8}{flushes:>9}  ",
        stream.name,
        stream.size,
        stream.summary.sections,
        stream.summary.pages.total(),
        stream.reads,
        stream.writes,
    )?;
    match &stream.verdict {
        StreamVerdict::Conforms => writeln!(f, "walked and written again")?,
        StreamVerdict::Refused { reason, .. } => writeln!(f, "refused, as by QEMU: {reason}")?,
        StreamVerdict::Undecided => writeln!(f, "refused by QEMU for what only its devices see")?,
        StreamVerdict::Diverged { reason, .. } => writeln!(f, "diverged: {reason}")?,
        StreamVerdict::Broken { reason, .. } => writeln!(f, "broken: {reason}")?,
        StreamVerdict::Unusable { reason } => writeln!(f, "unusable: {reason}")?,
    }
    for channel in &stream.channels {
        let pages = channel.summary.pages.total();
        writeln!(f, "{:<28}channel {}: {} bytes, {pages} pages", "", channel.name, channel.size)?;
    }
    stream.notes.iter().try_for_each(|note| writeln!(f, "{:<28}{}", "", escaped(note)))
}

/// Titles of the columns of [`section_row`].
#[must_use]
pub fn section_titles() -> impl Display {
    shown(|f| {
        writeln!(
            f,
            "{STRONG}{:>10}{:>10}  {:<13}{:>4}  {:<34}{:>4}{:>4}  pages{STRONG:#}",
            "offset", "bytes", "kind", "id", "name", "inst", "ver"
        )
    })
}

/// One record of a stream, in a line.
#[must_use]
pub fn section_row(row: &SectionRow) -> impl Display + '_ {
    let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    shown(move |f| {
        let line = format!(
            "{:>10}{:>10}  {:<13}{:>4}  {:<34}{:>4}{:>4}  {}{}",
            row.offset,
            row.len,
            kind(row.kind),
            number(row.id),
            escaped(row.name.as_deref().unwrap_or("")),
            number(row.instance),
            number(row.version),
            pages(&row.pages),
            escaped(&row.detail)
        );
        writeln!(f, "{}", line.trim_end())
    })
}

fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Header => "header",
        RowKind::Configuration => "configuration",
        RowKind::Start => "start",
        RowKind::Part => "part",
        RowKind::End => "end",
        RowKind::Full => "full",
        RowKind::Command => "command",
        RowKind::Packet => "packet",
        RowKind::Descriptor => "descriptor",
        RowKind::PackageEnd => "package end",
        RowKind::EndOfStream => "end of stream",
        RowKind::Description => "description",
    }
}

fn pages(pages: &PageCounts) -> String {
    let counts = [
        ("zero", pages.zero),
        ("whole", pages.page),
        ("xbzrle", pages.xbzrle),
        ("compressed", pages.compressed),
        ("mapped", pages.mapped),
    ];
    let named: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    if named.is_empty() { String::new() } else { format!("{}  ", named.join(", ")) }
}

/// What else there is to say about a stream that was walked.
#[must_use]
pub fn stream_notes(planned: &Planned) -> impl Display + '_ {
    shown(move |f| {
        let summary = &planned.walked.summary;
        writeln!(
            f,
            "{} sections, {} footers, {} pages, {} subsections; description: {:?}",
            summary.sections,
            summary.footers,
            summary.pages.total(),
            summary.subsections,
            planned.source
        )?;
        if summary.opaque > 0 {
            writeln!(f, "{} sections were passed over up to their footers", summary.opaque)?;
        }
        if summary.left_over > 0 {
            writeln!(f, "{} bytes are left over", summary.left_over)?;
        }
        let notes = planned.notes.iter().chain(&summary.notes);
        notes.into_iter().try_for_each(|note| writeln!(f, "{}", escaped(note)))
    })
}
