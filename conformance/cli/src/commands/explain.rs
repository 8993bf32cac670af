//! `explain`: the subjects side by side.

use std::io::stdout;
use std::path::Path;

use crate::report::{Status, text};
use crate::side_by_side::side_by_side;
use conformance::compare::judge::{Fault, staleness};
use conformance::corpus;
use conformance::shrink::Signature;

use crate::setup::Setup;
use crate::{Ended, Stop, output};

/// Characters in a line where there is no terminal.
const WIDTH: usize = 160;

pub(crate) fn run(path: &Path, width: Option<usize>, setup: &Setup) -> Ended {
    output::only_text("explain", setup.format)?;
    let trace = corpus::load(path).map_err(Stop::input)?;
    let recording = if setup.uses_recordings() {
        corpus::load_recording(path).map_err(Stop::input)?
    } else {
        None
    };
    let recording = recording.filter(|recording| staleness(&trace, recording).is_none());
    let mut judge = setup.judge()?;
    let judgement = judge.judge_file(&trace, recording.as_ref());
    let transcripts = judge.transcripts(&trace, recording.as_ref());
    let transcripts =
        transcripts.map_err(|reason| Stop::input(format!("{}: {reason}", path.display())))?;
    let width = width.or_else(terminal_width).unwrap_or(WIDTH);
    output::print(format_args!("{}\n{}\n\n", text::oracle(&setup.oracle), trace.cause));
    output::print(side_by_side(&trace, &transcripts, width));
    output::print('\n');
    if !trace.quirks.is_empty() {
        output::print(format_args!(
            "defects that are triggered: {:?}; without them core-default has to do what model-fixed does\n",
            trace.quirks
        ));
    }
    for fault in &judgement.faults {
        match fault {
            Fault::Diverged(divergence) => {
                output::print(format_args!(
                    "diverged at operation {}: {}\n",
                    divergence.step,
                    Signature::of(divergence)
                ));
            }
            Fault::Stale { reason } | Fault::Undeclared { reason } => {
                output::print(format_args!("diverged: {reason}\n"));
            }
        }
    }
    if judgement.faults.is_empty() {
        output::print("conforms\n");
        return Ok(Status::Conforms);
    }
    Ok(Status::Diverged)
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    (size.ws_col > 0).then(|| size.ws_col.into())
}
