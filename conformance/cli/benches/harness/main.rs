//! What the harness costs: beside its subjects, on two threads, in memory, and for long traces.
//!
//! ```text
//! cargo bench -p qemufile-conformance --bench harness [-- [--quick | --full]]
//! ```
//!
//! Without a flag the longest exploration has 200,000 cases and the longest trace 100,000
//! operations; `--full` makes that 10,000,000 and 1,000,000, which takes an hour or two. `--quick`
//! shows that it works. A goal that is not met is marked and changes no status: time depends on
//! what else the machine does.
//!
//! Exit status: 0 measured; 1 something failed; 2 bad usage; 3 no original.

mod cost;
mod lengths;
mod memory;
mod scaling;

use std::process::ExitCode;

use clap::Parser;

pub(crate) type Error = Box<dyn std::error::Error>;

/// Measures what the harness costs.
#[derive(Parser)]
struct Arguments {
    /// As little as shows that it works.
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// As much as the goals are stated for.
    #[arg(long)]
    full: bool,

    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How much to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Cases of which the cost is taken.
    pub(crate) cases: u64,
    /// Times that a measurement is repeated, of which the best counts.
    pub(crate) rounds: u32,
    /// Cases of the short exploration and of the long one.
    pub(crate) explored: [u64; 2],
    /// Bytes of pages in the long stream.
    pub(crate) stream: u64,
    /// Operations of the longest trace.
    pub(crate) operations: usize,
}

impl Effort {
    fn of(arguments: &Arguments) -> Self {
        let usual = Self {
            cases: 4000,
            rounds: 5,
            explored: [10_000, 200_000],
            stream: 1 << 30,
            operations: 100_000,
        };
        if arguments.full {
            Self { explored: [10_000, 10_000_000], operations: 1_000_000, ..usual }
        } else if arguments.quick {
            Self {
                cases: 300,
                rounds: 2,
                explored: [500, 2000],
                stream: 16 << 20,
                operations: 1000,
            }
        } else {
            usual
        }
    }
}

/// One line of the table.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) found: String,
    pub(crate) goal: &'static str,
    /// Nothing where the line has no goal.
    pub(crate) met: Option<bool>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(absence) = c_reference::absence() {
        eprintln!("harness: a differential case needs the original: {absence}");
        return ExitCode::from(3);
    }
    match measure(Effort::of(&arguments)) {
        Ok(lines) => {
            print(&lines);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("harness: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(effort: Effort) -> Result<Vec<Line>, Error> {
    let mut lines = vec![cost::measure(effort)?];
    lines.extend(scaling::measure(effort)?);
    lines.push(lengths::measure(effort)?);
    lines.extend(memory::measure(effort)?);
    Ok(lines)
}

fn print(lines: &[Line]) {
    let what = lines.iter().map(|line| line.what.len()).max().unwrap_or(0);
    let found = lines.iter().map(|line| line.found.len()).max().unwrap_or(0);
    let goal = lines.iter().map(|line| line.goal.len()).max().unwrap_or(0);
    println!("| {:what$} | {:found$} | {:goal$} | met |", "what", "found", "goal");
    println!("|-{:-<what$}-|-{:-<found$}-|-{:-<goal$}-|-----|", "", "", "");
    for line in lines {
        let met = match line.met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        println!("| {:what$} | {:found$} | {:goal$} | {met:3} |", line.what, line.found, line.goal);
    }
}
