//! Streams and their sections as text.

use std::fmt::{self, Write as _};

use anstyle::Style;

use super::sheet::{Sheet, one_line};
use conformance::streams::{
    DescriptionSource, PageCounts, Planned, RowKind, SectionRow, StreamReport, StreamVerdict,
};

const STRONG: Style = Style::new().bold();

/// A table of streams, a line each.
///
/// # Errors
///
/// Those of the sheet.
pub fn streams(streams: &[StreamReport], f: &mut Sheet<'_>) -> fmt::Result {
    let titles = format_args!(
        "{:<28}{:>10} {:<22}{:>9}{:>9}{:>8}{:>8}{:>9}  result",
        "stream", "bytes", "machine", "sections", "pages", "reads", "writes", "flushes"
    );
    f.paint(STRONG, titles)?;
    writeln!(f)?;
    streams.iter().try_for_each(|stream| line(stream, f))?;
    writeln!(f)
}

fn line(stream: &StreamReport, f: &mut Sheet<'_>) -> fmt::Result {
    let machine = one_line(stream.machine.as_deref().unwrap_or("-"));
    let flushes = stream.flushes.as_ref().map_or_else(String::new, |flushes| {
        format!("{}+{}+{}", flushes.explicit, flushes.full_buffer, flushes.full_queue)
    });
    write!(
        f,
        "{:<28}{:>10} {machine:<22}{:>9}{:>9}{:>8}{:>8}{flushes:>9}  ",
        one_line(&stream.name),
        stream.size,
        stream.summary.sections,
        stream.summary.pages.total(),
        stream.reads,
        stream.writes,
    )?;
    match &stream.verdict {
        StreamVerdict::Conforms => writeln!(f, "walked and written again")?,
        StreamVerdict::Refused { reason, .. } => {
            writeln!(f, "refused, as by QEMU: {}", one_line(reason))?;
        }
        StreamVerdict::Undecided => writeln!(f, "refused by QEMU for what only its devices see")?,
        StreamVerdict::Diverged { reason, .. } => writeln!(f, "diverged: {}", one_line(reason))?,
        StreamVerdict::Broken { reason, .. } => writeln!(f, "broken: {}", one_line(reason))?,
        StreamVerdict::Unusable { reason } => writeln!(f, "unusable: {}", one_line(reason))?,
    }
    for channel in &stream.channels {
        let pages = channel.summary.pages.total();
        writeln!(
            f,
            "{:<28}channel {}: {} bytes, {pages} pages",
            "",
            one_line(&channel.name),
            channel.size
        )?;
    }
    stream.notes.iter().try_for_each(|note| writeln!(f, "{:<28}{}", "", one_line(note)))
}

/// Titles of the columns of [`section_row`].
///
/// # Errors
///
/// Those of the sheet.
pub fn section_titles(f: &mut Sheet<'_>) -> fmt::Result {
    let titles = format_args!(
        "{:>10}{:>10}  {:<13}{:>4}  {:<34}{:>4}{:>4}  pages",
        "offset", "bytes", "kind", "id", "name", "inst", "ver"
    );
    f.paint(STRONG, titles)?;
    writeln!(f)
}

/// One record of a stream, in a line.
///
/// # Errors
///
/// Those of the sheet.
pub fn section_row(row: &SectionRow, f: &mut Sheet<'_>) -> fmt::Result {
    let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    let line = format!(
        "{:>10}{:>10}  {:<13}{:>4}  {:<34}{:>4}{:>4}  {}{}",
        row.offset,
        row.len,
        kind(row.kind),
        number(row.id),
        one_line(row.name.as_deref().unwrap_or("")),
        number(row.instance),
        number(row.version),
        pages(&row.pages),
        one_line(&row.detail.to_string())
    );
    writeln!(f, "{}", line.trim_end())
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

fn described(planned: &Planned) -> String {
    match &planned.source {
        DescriptionSource::Own => "its own".to_owned(),
        DescriptionSource::Borrowed(lender) => format!("of {}", one_line(lender)),
        DescriptionSource::Opaque => "none".to_owned(),
    }
}

/// What else there is to say about a stream that was walked.
///
/// # Errors
///
/// Those of the sheet.
pub fn stream_notes(planned: &Planned, f: &mut Sheet<'_>) -> fmt::Result {
    let summary = &planned.walked.summary;
    writeln!(
        f,
        "{} sections, {} footers, {} pages, {} subsections; description: {}",
        summary.sections,
        summary.footers,
        summary.pages.total(),
        summary.subsections,
        described(planned)
    )?;
    if summary.opaque > 0 {
        writeln!(f, "{} sections were passed over up to their footers", summary.opaque)?;
    }
    if summary.left_over > 0 {
        writeln!(f, "{} bytes are left over", summary.left_over)?;
    }
    let mut notes = planned.notes.iter().chain(&summary.notes);
    notes.try_for_each(|note| writeln!(f, "{}", one_line(note)))
}
