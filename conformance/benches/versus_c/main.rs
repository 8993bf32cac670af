//! The original, the core and std side by side, over a channel that costs nothing.
//!
//! ```text
//! cargo bench -p conformance --bench versus_c [-- [--quick] [--output DIR] [FILTER]]
//! ```
//!
//! Each row first shows that the three do the same work: what they read, or write, has to have the
//! same sum. Then they are measured by turns ([`measure`]). At the end there is one table, and one
//! plot. A goal that is not met is marked and changes no status: speed depends on the machine.
//!
//! Exit status: 0 measured; 1 the contenders differ, or one failed; 2 bad usage; 3 no original.

mod contender;
mod core;
mod floor;
mod free;
mod measure;
mod plot;
mod row;
mod standard;
mod steps;
mod table;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use contender::Contender as _;
use core::Core;
use measure::Effort;
use table::Line;

/// Whatever can go wrong.
pub(crate) type Error = Box<dyn std::error::Error>;

/// Compares the speed of the core with the original's and std's.
#[derive(Parser)]
struct Arguments {
    /// Only the operations whose name contains this.
    filter: Option<String>,

    /// Short rounds and few of them: shows that it works, and roughly how fast.
    #[arg(long)]
    quick: bool,

    /// Directory of the plot.
    #[arg(long, default_value = "target/speed")]
    output: PathBuf,

    /// Lets the core alone go round so many times, on the one operation that FILTER names in full,
    /// and prints nothing: for tools that count instructions. Needs no original.
    #[arg(long, value_name = "COUNT", requires = "filter")]
    only_core: Option<usize>,

    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(count) = arguments.only_core {
        return ended(only_core(&arguments, count));
    }
    if let Some(absence) = c_reference::absence() {
        eprintln!("versus_c: there is nothing to compare with: {absence}");
        return ExitCode::from(3);
    }
    ended(run(&arguments))
}

fn ended(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus_c: {error}");
            ExitCode::FAILURE
        }
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn streams() -> PathBuf {
    workspace().join("corpus/streams")
}

fn only_core(arguments: &Arguments, count: usize) -> Result<(), Error> {
    let wanted = arguments.filter.as_deref().unwrap_or_default();
    let rows = row::all(&streams(), &|name| name == wanted)?;
    let row = rows.first().ok_or_else(|| format!("no operation is called {wanted:?}"))?;
    Core::open(row, false)?.run(count)?;
    Ok(())
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let effort = if arguments.quick {
        Effort { passes: 2, rounds: 10, round: Duration::from_micros(100) }
    } else {
        Effort { passes: 10, rounds: 40, round: Duration::from_micros(250) }
    };
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let rows = row::all(&streams(), &|name| name.contains(filter))?;
    if rows.is_empty() {
        return Err(format!("no operation has {filter:?} in its name").into());
    }
    let mut lines = Vec::new();
    for row in rows {
        progress(&row.name);
        measure::check(&row)?;
        let taken = measure::measure(&row, effort)?;
        lines.push(Line { row, taken });
    }
    progress("");
    print!("{}", table::render(&lines));
    let met = lines.iter().filter(|line| line.missed().is_empty()).count();
    println!(
        "\n{met} of {} operations meet their goals; none is to be slower than std.",
        lines.len()
    );
    // Cargo runs a benchmark in its package; a path counts from the workspace.
    let directory = workspace().join(&arguments.output);
    let bars: Vec<plot::Bars> = lines.iter().map(Line::bars).collect();
    let plot = directory.join("versus_c.svg");
    write(&directory, &plot, plot::render(&bars).as_bytes())
        .map_err(|error| format!("{}: {error}", plot.display()))?;
    println!("plot: {}", arguments.output.join("versus_c.svg").display());
    Ok(())
}

fn progress(name: &str) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // Nothing is lost where it cannot be shown.
        let _ = write!(terminal, "\r\x1b[K{name}");
    }
}

fn write(directory: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut aside = tempfile::NamedTempFile::new_in(directory)?;
    aside.write_all(content)?;
    aside.persist(path)?;
    Ok(())
}
