//! `shrink`: the smallest trace that fails in the same way.

use std::path::Path;

use crate::report::{Status, Step, headline, text};
use conformance::compare::judge::Fault;
use conformance::shrink::Effort;

use crate::setup::Setup;
use crate::triage::smallest;
use crate::{Ended, Stop, files, output};

pub(crate) fn run(path: &Path, explain: bool, setup: &Setup) -> Ended {
    let (trace, recording) = setup.trace(path)?;
    let judgement = setup.judge()?.judge_file(&trace, recording.as_ref());
    let divergence = judgement.faults.iter().find_map(|fault| match fault {
        Fault::Diverged(divergence) => Some(divergence.as_ref()),
        Fault::Stale { .. } | Fault::Undeclared { .. } => None,
    });
    let Some(divergence) = divergence else {
        return match (&judgement.faults[..], judgement.inconclusive) {
            ([], Some(reason)) => Err(Stop::input(format!("{}: {reason}", files::shown(path)))),
            ([], None) => {
                output::remark(format_args!(
                    "{}: all subjects agree, there is nothing to shrink",
                    files::shown(path)
                ));
                Ok(Status::Conforms)
            }
            ([Fault::Stale { reason } | Fault::Undeclared { reason }, ..], _) => Err(Stop {
                status: Status::Diverged,
                message: format!("{}: {reason}", files::shown(path)),
            }),
            ([Fault::Diverged(_), ..], _) => Ok(Status::Diverged),
        };
    };
    // Someone waits for this one alone.
    let effort = Effort { time: Effort::default().time * 6, ..Effort::default() };
    let Some(shrunk) = smallest(setup, &trace, divergence, effort) else {
        let message = format!(
            "{}: {}; it shows only against the recorded transcript, of this very trace, and cannot be made smaller",
            files::shown(path),
            headline(divergence)
        );
        return Err(Stop { status: Status::Diverged, message });
    };
    if explain {
        for (number, step) in (1..).zip(&shrunk.accepted) {
            output::remark(format_args!(
                "{number:>4}  {:>4} operations  {}",
                step.ops, step.change
            ));
        }
    }
    let size = if shrunk.minimal {
        "nothing more can be taken away"
    } else {
        "the time is up; shrink the result further"
    };
    output::remark_sheet(|f| text::step(&Step::from(&shrunk.divergence), f));
    output::remark(format_args!(
        "{} to {} operations, {} candidates tried, {} accepted: {size}",
        trace.ops.len(),
        shrunk.trace.ops.len(),
        shrunk.tried,
        shrunk.accepted.len()
    ));
    output::print(shrunk.trace.to_text().map_err(Stop::input)?)?;
    Ok(Status::Diverged)
}
