//! A report as text for people.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::sheet::{Sheet, message, one_line};
pub use super::streams::{section_row, section_titles, stream_notes, streams};
use super::{Failure, Oracle, OracleKind, Report, Section, Step};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const UNSURE: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Characters of a hash that are shown.
const PREFIX: usize = 12;

/// Failures of a section that are shown in full, and those that are shown at all.
const IN_FULL: usize = 2;
const SHOWN: usize = 6;

/// Widths of the columns of numbers.
const NUMBER: usize = 9;

/// A report in full.
///
/// # Errors
///
/// Those of the sheet.
pub fn report(report: &Report, f: &mut Sheet<'_>) -> fmt::Result {
    head(report, f)?;
    writeln!(f)?;
    table(&report.sections, f)?;
    for section in &report.sections {
        for note in &section.notes {
            writeln!(f, "{}: {}", section.name, one_line(note))?;
        }
    }
    measured(report, f)?;
    failures(report, f)?;
    for problem in &report.problems {
        writeln!(f)?;
        f.paint(BAD, "unusable:")?;
        writeln!(f, " {}", message(problem))?;
    }
    writeln!(f)?;
    conclusion(report, f)
}

/// Which oracle, which subjects, which cases.
fn head(report: &Report, f: &mut Sheet<'_>) -> fmt::Result {
    let mut line = |style, title: &str, text: &str| {
        f.paint(style, title)?;
        writeln!(f, "  {}", one_line(text))
    };
    line(STRONG, "oracle  ", &oracle(&report.oracle))?;
    if let Some(mend) = &report.oracle.mend {
        line(UNSURE, "to do   ", mend)?;
    }
    line(STRONG, "subjects", &report.subjects.join(", "))?;
    if let Some(seed) = report.seed {
        line(STRONG, "seed    ", &seed.to_string())?;
    }
    if report.shard != "1/1" {
        line(STRONG, "shard   ", &report.shard)?;
    }
    Ok(())
}

/// The oracle in one line.
#[must_use]
pub fn oracle(oracle: &Oracle) -> String {
    let hash = oracle.sha256.get(..PREFIX).unwrap_or(&oracle.sha256);
    let pin = if oracle.pinned { "pinned" } else { "unpinned" };
    match oracle.kind {
        OracleKind::Live => {
            format!("the original C, live: QEMU {}, SHA-256 {hash} ({pin})", oracle.name)
        }
        OracleKind::File => {
            format!(
                "{} in a process of its own, as of QEMU {}, SHA-256 {hash} ({pin})",
                oracle.name, oracle.release
            )
        }
        OracleKind::Recorded => format!(
            "recorded transcripts of the original: QEMU {}, SHA-256 {hash} ({pin}); the model where there are none",
            oracle.name
        ),
    }
}

fn table(sections: &[Section], f: &mut Sheet<'_>) -> fmt::Result {
    let titles = ["total", "agree", "diverged", "inconcl.", "time"];
    let titles: String = titles.iter().map(|title| format!("{title:>NUMBER$}")).collect();
    f.paint(STRONG, format_args!("{:<22}{titles}", ""))?;
    writeln!(f)?;
    for section in sections {
        write!(
            f,
            "{:<22}{:>NUMBER$}",
            format!("{} ({})", section.name, section.unit),
            section.total()
        )?;
        write!(f, "{:>NUMBER$}", section.agreed)?;
        let style = |count: u64, style: Style| if count == 0 { Style::new() } else { style };
        for (count, bad) in [(section.diverged, BAD), (section.undecided(), UNSURE)] {
            f.paint(style(count, bad), format_args!("{count:>NUMBER$}"))?;
        }
        writeln!(f, "{:>NUMBER$}", format!("{:.1} s", section.seconds))?;
        for (reason, count) in &section.inconclusive {
            f.paint(FAINT, format_args!("{:<22}{count} inconclusive: {reason}", ""))?;
            writeln!(f)?;
        }
        if !section.not_applicable.is_empty() {
            let count: u64 = section.not_applicable.values().sum();
            let each = section.not_applicable.iter();
            let each: Vec<String> = each.map(|(name, count)| format!("{name} ({count})")).collect();
            let text = format!("not applicable: {count} {} need {}", section.unit, each.join(", "));
            f.paint(FAINT, format_args!("{:<22}{text}", ""))?;
            writeln!(f)?;
        }
    }
    Ok(())
}

/// What was measured by other commands, and whether it still holds.
fn measured(report: &Report, f: &mut Sheet<'_>) -> fmt::Result {
    let mutants = report.mutants.as_ref();
    let coverage = report.coverage.as_ref();
    let mutants = mutants.map(|known| (known.current, &known.command, known.result.summary()));
    let coverage = coverage.map(|known| (known.current, &known.command, known.result.summary()));
    for (name, known) in [("mutants", mutants), ("coverage", coverage)] {
        let Some((current, command, summary)) = known else { continue };
        let old = if current {
            String::new()
        } else {
            format!(" (of another state of these files; `{command}` measures again)")
        };
        for line in summary.lines() {
            f.paint(FAINT, format_args!("measured: {name}: {line}{old}"))?;
            writeln!(f)?;
        }
    }
    Ok(())
}

/// The first failures of each section in full, some more in a line, and how many there are besides.
fn failures(report: &Report, f: &mut Sheet<'_>) -> fmt::Result {
    for section in &report.sections {
        let failures = || report.failures.iter().filter(|found| found.section == section.name);
        for found in failures().take(IN_FULL) {
            writeln!(f)?;
            failure(found, f)?;
        }
        let count = failures().count();
        if count > IN_FULL {
            writeln!(f)?;
        }
        for found in failures().take(SHOWN).skip(IN_FULL) {
            headline(found, f)?;
            if let Some(command) = &found.command {
                writeln!(f, "  again: {command}")?;
            }
        }
        if count > SHOWN {
            let (more, name) = (count - SHOWN, &section.name);
            f.paint(FAINT, format_args!("{name}: {more} more; `--format json` has all of them"))?;
            writeln!(f)?;
        }
    }
    Ok(())
}

fn headline(failure: &Failure, f: &mut Sheet<'_>) -> fmt::Result {
    f.paint(BAD, "diverged:")?;
    writeln!(f, " {}: {}", one_line(&failure.case), one_line(&failure.summary))
}

/// One failure, with the text of its trace and the command that shows it again.
///
/// # Errors
///
/// Those of the sheet.
pub fn failure(failure: &Failure, f: &mut Sheet<'_>) -> fmt::Result {
    headline(failure, f)?;
    if let Some(found) = &failure.step {
        step(found, f)?;
    }
    if !failure.also.is_empty() {
        writeln!(f, "  also: {}", one_line(&failure.also.join(", ")))?;
    }
    if failure.alike > 0 {
        writeln!(f, "  {} more of this kind", failure.alike)?;
    }
    if let (Some(trace), Some(ops)) = (&failure.trace, failure.ops) {
        let size = if failure.minimal {
            "the smallest trace that shows it"
        } else {
            "a trace that shows it"
        };
        let file = failure.file.as_deref().map(|file| format!(", in {}", one_line(file)));
        writeln!(f, "  {size}, {ops} operations{}:\n", file.unwrap_or_default())?;
        trace.lines().try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f)?;
    }
    if let Some(command) = &failure.command {
        writeln!(f, "  again: {command}")?;
    }
    Ok(())
}

/// What was expected at a step and what was there, line by line.
///
/// # Errors
///
/// Those of the sheet.
pub fn step(step: &Step, f: &mut Sheet<'_>) -> fmt::Result {
    writeln!(f, "  operation {}: {}", step.index, one_line(&step.op))?;
    write!(f, "    ")?;
    f.paint(GOOD, format_args!("- expected, by {}", step.oracle))?;
    write!(f, "  ")?;
    f.paint(BAD, format_args!("+ actual, of {}", step.subject))?;
    writeln!(f)?;
    let expected: Vec<&str> = step.expected.iter().map(String::as_str).collect();
    let actual: Vec<&str> = step.actual.iter().map(String::as_str).collect();
    for change in TextDiff::from_slices(&expected, &actual).iter_all_changes() {
        let (mark, style) = match change.tag() {
            ChangeTag::Equal => (' ', FAINT),
            ChangeTag::Delete => ('-', GOOD),
            ChangeTag::Insert => ('+', BAD),
        };
        write!(f, "    ")?;
        f.paint(style, format_args!("{mark} {}", one_line(change.value())))?;
        writeln!(f)?;
    }
    Ok(())
}

fn conclusion(report: &Report, f: &mut Sheet<'_>) -> fmt::Result {
    for section in report.sections.iter().filter(|section| section.shows_nothing()) {
        let share = format!("{} of {} {}", section.undecided(), section.total(), section.unit);
        f.paint(BAD, "too many:")?;
        writeln!(f, " {share} are inconclusive, which shows nothing")?;
    }
    let diverged: u64 = report.sections.iter().map(|section| section.diverged).sum();
    let total: u64 = report.sections.iter().map(Section::total).sum();
    let cut_short = if report.interrupted {
        "; interrupted"
    } else if report.sections.iter().any(|section| section.cut_short) {
        "; ended at the last failure that is kept"
    } else {
        ""
    };
    let seconds = report.seconds;
    if diverged > 0 {
        f.paint(BAD, "diverged")?;
        writeln!(f, ": {diverged} of {total}, in {seconds:.1} s{cut_short}")
    } else if !report.problems.is_empty() {
        let others = match total {
            0 => "nothing was compared".to_owned(),
            total => format!("the other cases conform: {total}"),
        };
        f.paint(BAD, "unusable input")?;
        writeln!(f, ": {}; {others}", report.problems.len())
    } else if report.sections.iter().any(Section::shows_nothing) {
        f.paint(BAD, "inconclusive")?;
        writeln!(f, ": nothing shown")
    } else {
        if report.interrupted {
            f.paint(UNSURE, "conforms so far")?;
        } else {
            f.paint(GOOD, "conforms")?;
        }
        writeln!(f, ": {total} cases in {seconds:.1} s{cut_short}")
    }
}
