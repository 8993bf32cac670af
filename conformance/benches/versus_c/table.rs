//! The table: one line for each row, each goal met or not.

use std::fmt::Write;

use crate::measure::Taken;
use crate::plot::Bars;
use crate::row::Row;

/// How much slower than std, or than the original where no more is aimed at, still counts as equal:
/// what two runs of the same code differ by.
const NOISE: f64 = 1.03;

/// What a row came to.
pub(crate) struct Line {
    pub(crate) row: Row,
    pub(crate) taken: Taken,
}

impl Line {
    /// How many times as fast as the original the core is.
    pub(crate) fn ratio(&self) -> f64 {
        self.taken.original / self.taken.core
    }

    /// The goals that are not met, in words.
    pub(crate) fn missed(&self) -> Vec<String> {
        let Taken { core, standard, memcpy, .. } = self.taken;
        let goals = self.row.goals;
        let mut missed = Vec::new();
        let least = if goals.times_original > 1.0 { goals.times_original } else { 1.0 / NOISE };
        if self.ratio() < least {
            missed.push("original".to_owned());
        }
        if let (Some(least), Some(memcpy)) = (goals.of_memcpy, memcpy)
            && memcpy / core < least
        {
            missed.push(format!("{:.2} of memcpy", memcpy / core));
        }
        if standard.is_some_and(|standard| core > standard * NOISE) {
            missed.push("std".to_owned());
        }
        missed
    }

    /// What the plot shows of it.
    pub(crate) fn bars(&self) -> Bars {
        let Taken { original, core, standard, memcpy } = self.taken;
        let goals = self.row.goals;
        let of_memcpy = goals.of_memcpy.zip(memcpy);
        let of_memcpy = of_memcpy.map(|(part, memcpy)| ("memcpy", part * original / memcpy));
        Bars {
            name: self.row.name.clone(),
            core: original / core,
            standard: standard.map(|standard| original / standard),
            memcpy: memcpy.map(|memcpy| original / memcpy),
            goals: [
                Some(("original", goals.times_original)),
                of_memcpy,
                standard.map(|standard| ("std", original / standard)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            missed: self.missed(),
        }
    }

    fn goal(&self) -> String {
        let goals = self.row.goals;
        let mut goal = format!("{}x", goals.times_original);
        if let Some(part) = goals.of_memcpy {
            let _ = write!(goal, ", {part} memcpy");
        }
        goal
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        large if large >= 10_000.0 => format!("{:.1} us", large / 1000.0),
        middle if middle >= 100.0 => format!("{middle:.0} ns"),
        small => format!("{small:.2} ns"),
    }
}

fn optional(nanoseconds: Option<f64>) -> String {
    nanoseconds.map_or_else(|| "-".to_owned(), time)
}

/// The table in Markdown, aligned for a terminal as well.
pub(crate) fn render(lines: &[Line]) -> String {
    let mut cells: Vec<[String; 8]> = vec![
        ["operation", "C", "core", "std", "memcpy", "C/core", "goal", "met"].map(str::to_owned),
    ];
    cells.extend(lines.iter().map(|line| {
        let Taken { original, core, standard, memcpy } = line.taken;
        let missed = line.missed();
        [
            line.row.name.clone(),
            time(original),
            time(core),
            optional(standard),
            optional(memcpy),
            format!("{:.2}", line.ratio()),
            line.goal(),
            if missed.is_empty() { "yes".to_owned() } else { format!("no: {}", missed.join(", ")) },
        ]
    }));
    let widths: Vec<usize> =
        (0..8).map(|column| cells.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let mut table = String::new();
    for (number, row) in cells.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                1..=5 => write!(table, "| {cell:>width$} "),
                _ => write!(table, "| {cell:<width$} "),
            };
        }
        table.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let rule = "-".repeat(width + 1);
                let _ =
                    write!(table, "|{rule}{}", if (1..=5).contains(&column) { ":" } else { "-" });
            }
            table.push_str("|\n");
        }
    }
    table
}
