//! What each subject did with a trace, side by side.
//!
//! A column is what one or more subjects did alike; the first is the oracle's. A line that is not
//! as in the first column is marked.

use std::fmt::Write as _;

use similar::{DiffOp, capture_diff_slices};

use conformance::observation::Observation;
use conformance::trace::Trace;
use conformance::transcript::Transcript;

/// Subjects that did the same at a step.
struct Group<'a> {
    names: Vec<&'a str>,
    lines: Vec<String>,
}

/// The subjects' transcripts of `trace` side by side, in lines of `width` characters.
///
/// `=` is a value, `>` an event, `@` the state of a stream. A step at which they differ begins with
/// `!`, a line that is not as in the first column with `!` too, one that it lacks with `-`.
pub(crate) fn side_by_side(trace: &Trace, transcripts: &[Transcript], width: usize) -> String {
    let mut text = String::new();
    for (step, op) in trace.ops.iter().enumerate() {
        let groups = groups(transcripts, step);
        let mark = if groups.len() > 1 { '!' } else { ' ' };
        // Writing to a string does not fail.
        let _ =
            writeln!(text, "{mark} {step:>3}  {}", clip(&op.to_string(), width.saturating_sub(7)));
        if let [group] = &groups[..] {
            for line in &group.lines {
                let _ = writeln!(text, "       {}", clip(line, width.saturating_sub(7)));
            }
        } else {
            columns(&mut text, &groups, width);
        }
    }
    text
}

fn groups(transcripts: &[Transcript], step: usize) -> Vec<Group<'_>> {
    let mut groups: Vec<(&Observation, Group<'_>)> = Vec::new();
    for transcript in transcripts {
        let Some(seen) = transcript.steps.get(step) else { continue };
        // As the judge has it: a refusal conforms to an assertion, say.
        let alike = |first: &Observation| seen.conforms_to(first) || first.conforms_to(seen);
        match groups.iter_mut().find(|(first, _)| alike(first)) {
            Some((_, group)) => group.names.push(&transcript.subject),
            None => {
                groups
                    .push((seen, Group { names: vec![&transcript.subject], lines: seen.lines() }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// One row of a column: its mark and its text.
type Row = (char, String);

fn columns(text: &mut String, groups: &[Group<'_>], width: usize) {
    let Some((first, others)) = groups.split_first() else { return };
    let room = (width.saturating_sub(7) / groups.len()).saturating_sub(3).max(20);
    let mut columns: Vec<Vec<Row>> =
        vec![first.lines.iter().map(|line| (' ', line.clone())).collect()];
    columns.extend(others.iter().map(|group| marked(&first.lines, &group.lines)));
    let titles: Vec<Row> = groups.iter().map(|group| (' ', group.names.join(", "))).collect();
    row(text, titles.iter().map(Some), room);
    let rules: Vec<Row> = groups.iter().map(|_| ('-', "-".repeat(room))).collect();
    row(text, rules.iter().map(Some), room);
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..height {
        row(text, columns.iter().map(|column| column.get(at)), room);
    }
}

fn row<'a>(text: &mut String, cells: impl Iterator<Item = Option<&'a Row>>, room: usize) {
    let mut line = "      ".to_owned();
    for cell in cells {
        let (mark, cell) = cell.map_or((' ', ""), |(mark, cell)| (*mark, cell.as_str()));
        let _ = write!(line, "{mark}{:<room$}  ", clip(cell, room));
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// The lines of one column against those of the first.
fn marked(first: &[String], other: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    for op in capture_diff_slices(similar::Algorithm::Myers, first, other) {
        let mark = if matches!(op, DiffOp::Equal { .. }) { ' ' } else { '!' };
        rows.extend(other[op.new_range()].iter().map(|line| (mark, line.clone())));
        if let DiffOp::Delete { .. } = op {
            rows.extend(first[op.old_range()].iter().map(|line| ('-', line.clone())));
        }
    }
    rows
}

fn clip(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        Some(_) => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}
