//! A report as text for people. Colours are in it as escape codes: whoever prints it strips them
//! where they are not wanted.

use std::fmt::{self, Display, Formatter};

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

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

/// `text` in a style.
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A report in full.
#[must_use]
pub fn report(report: &Report) -> impl Display + '_ {
    shown(move |f| {
        head(report, f)?;
        writeln!(f)?;
        table(&report.sections, f)?;
        for section in &report.sections {
            for note in &section.notes {
                writeln!(f, "{}: {note}", section.name)?;
            }
        }
        measured(report, f)?;
        failures(report, f)?;
        for problem in &report.problems {
            writeln!(f, "\n{} {problem}", styled(BAD, "unusable:"))?;
        }
        writeln!(f)?;
        conclusion(report, f)
    })
}

/// Which oracle, which subjects, which cases.
fn head(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "{}  {}", styled(STRONG, "oracle  "), oracle(&report.oracle))?;
    if let Some(mend) = &report.oracle.mend {
        writeln!(f, "{}  {mend}", styled(UNSURE, "mend    "))?;
    }
    writeln!(f, "{}  {}", styled(STRONG, "subjects"), report.subjects.join(", "))?;
    if let Some(seed) = report.seed {
        writeln!(f, "{}  {seed}", styled(STRONG, "seed    "))?;
    }
    if report.shard != "1/1" {
        writeln!(f, "{}  {}", styled(STRONG, "shard   "), report.shard)?;
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
            format!("{} in a process of its own, SHA-256 {hash} ({pin})", oracle.name)
        }
        OracleKind::Recorded => format!(
            "recorded transcripts of the original: QEMU {}, SHA-256 {hash} ({pin}); the model where there are none",
            oracle.name
        ),
    }
}

fn table(sections: &[Section], f: &mut Formatter<'_>) -> fmt::Result {
    let titles = ["total", "agree", "diverged", "inconcl.", "time"];
    write!(f, "{STRONG}{:<22}", "")?;
    for title in titles {
        write!(f, "{title:>NUMBER$}")?;
    }
    writeln!(f, "{STRONG:#}")?;
    for section in sections {
        write!(
            f,
            "{:<22}{:>NUMBER$}",
            format!("{} ({})", section.name, section.unit),
            section.total()
        )?;
        write!(f, "{:>NUMBER$}", section.agreed)?;
        let style = |count: u64, style: Style| if count == 0 { Style::new() } else { style };
        let (bad, unsure) = (style(section.diverged, BAD), style(section.undecided(), UNSURE));
        write!(
            f,
            "{bad}{:>NUMBER$}{bad:#}{unsure}{:>NUMBER$}{unsure:#}",
            section.diverged,
            section.undecided()
        )?;
        writeln!(f, "{:>NUMBER$}", format!("{:.1} s", section.seconds))?;
        for (reason, count) in &section.inconclusive {
            writeln!(f, "{FAINT}{:<22}{count} inconclusive: {reason}{FAINT:#}", "")?;
        }
    }
    Ok(())
}

/// What was measured by other commands, and whether it still holds.
fn measured(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
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
            writeln!(f, "{FAINT}measured: {name}: {line}{old}{FAINT:#}")?;
        }
    }
    Ok(())
}

/// The first failures of each section in full, some more in a line, and how many there are besides.
fn failures(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    for section in &report.sections {
        let failures = || report.failures.iter().filter(|found| found.section == section.name);
        for found in failures().take(IN_FULL) {
            write!(f, "\n{}", failure(found))?;
        }
        let count = failures().count();
        if count > IN_FULL {
            writeln!(f)?;
        }
        for found in failures().take(SHOWN).skip(IN_FULL) {
            writeln!(f, "{} {}: {}", styled(BAD, "diverged:"), found.case, found.summary)?;
            if let Some(command) = &found.command {
                writeln!(f, "  again: {command}")?;
            }
        }
        if count > SHOWN {
            let (more, name) = (count - SHOWN, &section.name);
            writeln!(f, "{FAINT}{name}: {more} more; `--format json` has all of them{FAINT:#}")?;
        }
    }
    Ok(())
}

/// One failure, with the text of its trace and the command that shows it again.
#[must_use]
pub fn failure(failure: &Failure) -> impl Display + '_ {
    shown(move |f| {
        writeln!(f, "{} {}: {}", styled(BAD, "diverged:"), failure.case, failure.summary)?;
        if let Some(found) = &failure.step {
            write!(f, "{}", step(found))?;
        }
        if !failure.also.is_empty() {
            writeln!(f, "  also: {}", failure.also.join(", "))?;
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
            let file =
                failure.file.as_deref().map(|file| format!(", in {file}")).unwrap_or_default();
            writeln!(f, "  {size}, {ops} operations{file}:\n")?;
            trace.lines().try_for_each(|line| writeln!(f, "{line}"))?;
            writeln!(f)?;
        }
        if let Some(command) = &failure.command {
            writeln!(f, "  again: {command}")?;
        }
        Ok(())
    })
}

/// What was expected at a step and what was there, line by line.
#[must_use]
pub fn step(step: &Step) -> impl Display + '_ {
    shown(move |f| {
        writeln!(f, "  operation {}: {}", step.index, step.op)?;
        writeln!(
            f,
            "    {}  {}",
            styled(GOOD, format!("- expected, by {}", step.oracle)),
            styled(BAD, format!("+ actual, of {}", step.subject))
        )?;
        let expected: Vec<&str> = step.expected.iter().map(String::as_str).collect();
        let actual: Vec<&str> = step.actual.iter().map(String::as_str).collect();
        for change in TextDiff::from_slices(&expected, &actual).iter_all_changes() {
            let (mark, style) = match change.tag() {
                ChangeTag::Equal => (' ', FAINT),
                ChangeTag::Delete => ('-', GOOD),
                ChangeTag::Insert => ('+', BAD),
            };
            writeln!(f, "    {style}{mark} {}{style:#}", change.value())?;
        }
        Ok(())
    })
}

fn conclusion(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    for section in report.sections.iter().filter(|section| section.shows_nothing()) {
        let share = format!("{} of {} {}", section.undecided(), section.total(), section.unit);
        writeln!(f, "{} {share} are inconclusive, which shows nothing", styled(BAD, "too many:"))?;
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
        writeln!(
            f,
            "{}: {diverged} of {total}, in {seconds:.1} s{cut_short}",
            styled(BAD, "diverged")
        )
    } else if !report.problems.is_empty() {
        let others = match total {
            0 => "nothing was compared".to_owned(),
            total => format!("the other cases conform: {total}"),
        };
        let count = report.problems.len();
        writeln!(f, "{}: {count}; {others}", styled(BAD, "unusable input"))
    } else if report.sections.iter().any(Section::shows_nothing) {
        writeln!(f, "{}: nothing shown", styled(BAD, "inconclusive"))
    } else {
        let word = if report.interrupted {
            styled(UNSURE, "conforms so far")
        } else {
            styled(GOOD, "conforms")
        };
        writeln!(f, "{word}: {total} cases in {seconds:.1} s{cut_short}")
    }
}

/// Shows what a function writes.
pub(super) struct Shown<F>(F);

pub(super) fn shown<F: Fn(&mut Formatter<'_>) -> fmt::Result>(write: F) -> Shown<F> {
    Shown(write)
}

impl<F: Fn(&mut Formatter<'_>) -> fmt::Result> Display for Shown<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}
