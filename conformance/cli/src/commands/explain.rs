//! `explain`: the subjects side by side.

use std::io::stdout;
use std::path::Path;

use crate::report::sheet::one_line;
use crate::report::{Status, headline, text};
use crate::side_by_side::side_by_side;
use conformance::compare::judge::{Fault, staleness};

use crate::setup::Setup;
use crate::{Ended, Stop, files, output};

/// Characters in a line where there is no terminal.
const WIDTH: usize = 160;

pub(crate) fn run(path: &Path, width: Option<u64>, setup: &Setup) -> Ended {
    let (trace, recording) = setup.trace(path)?;
    let recording = recording.filter(|recording| staleness(&trace, recording).is_none());
    let mut judge = setup.judge()?;
    let judgement = judge.judge_file(&trace, recording.as_ref());
    let transcripts = judge.transcripts(&trace, recording.as_ref());
    let transcripts =
        transcripts.map_err(|reason| Stop::input(format!("{}: {reason}", files::shown(path))))?;
    let width = width
        .and_then(|width| usize::try_from(width).ok())
        .or_else(terminal_width)
        .unwrap_or(WIDTH);
    output::print(format_args!("{}\n{}\n\n", text::oracle(&setup.oracle), one_line(&trace.cause)))?;
    output::print(side_by_side(&trace, &transcripts, width))?;
    output::print('\n')?;
    if !trace.quirks.is_empty() {
        output::print(format_args!(
            "defects that are triggered: {:?}; without them core-default has to do what model-fixed does\n",
            trace.quirks
        ))?;
    }
    for fault in &judgement.faults {
        match fault {
            Fault::Diverged(divergence) => output::print(format_args!(
                "diverged at operation {}: {}\n",
                divergence.step,
                headline(divergence)
            )),
            Fault::Stale { reason } | Fault::Undeclared { reason } => {
                output::print(format_args!("diverged: {reason}\n"))
            }
        }?;
    }
    if judgement.faults.is_empty() {
        output::print("conforms\n")?;
        return Ok(Status::Conforms);
    }
    Ok(Status::Diverged)
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    (size.ws_col > 0).then(|| size.ws_col.into())
}
