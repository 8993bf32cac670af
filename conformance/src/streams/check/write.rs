//! Writing a stream again, with all subjects in step.

use migration_stream::{Echo, Fault, Planned, StreamFile, walk};

use super::{Stop, begin, stop};
use crate::streams::flush_inference::WriteLayout;
use crate::streams::report::{Compared, StreamReport};
use crate::streams::writeback::{self, Expected, Rewriter};
use crate::subject::Subject;

/// Lets all subjects write the stream, and demands its bytes and the recorded pieces.
pub(super) fn write(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    planned: &Planned,
    bytes: &[u8],
    report: &mut StreamReport,
) -> Result<(), Stop> {
    let page_size = planned.walked.page_size;
    let layout =
        file.writes.as_ref().map(|writes| WriteLayout::of(writes, &planned.pages, page_size));
    let counts = layout.as_ref().map(|layout| layout.counts);
    let layout = layout.unwrap_or_default();
    // What a loader does not take is nothing that it could write again.
    let taken = usize::try_from(planned.walked.position).unwrap_or(usize::MAX).min(bytes.len());
    let writes = file.writes.as_deref().filter(|_| taken == bytes.len());
    let page_size = usize::try_from(page_size).unwrap_or_default();
    let expected = Expected { bytes: &bytes[..taken], writes, layout: &layout, page_size };
    let world = writeback::world(&layout, page_size);
    let Some(lockstep) = begin(subjects, &world, report) else { return Ok(()) };
    let loader = file.loader()?;
    let run = "written again";
    let mut rewriter = Rewriter::new(lockstep, &expected);
    let made = rewritten(&mut rewriter, |rewriter| {
        rewriter.open()?;
        let mut echo = Echo::new(loader, rewriter);
        match walk(&mut echo, &planned.plan, &mut ()).end {
            Ok(()) => Ok(()),
            Err(_) => Err(Fault::Diverged),
        }
    })
    .map_err(|(fault, difference)| stop(run, &fault, rewriter.lockstep(), difference))?;
    let steps = rewriter.lockstep().steps();
    report.runs.push(Compared { run: run.to_owned(), steps, calls: made });
    if writes.is_some() {
        report.writes = made;
        report.flushes = counts;
    }
    rewriter.lockstep().finish();
    Ok(())
}

/// Lets `body` open and write, and ends the stream; gives the number of writes.
pub(super) fn rewritten<'a, 'e>(
    rewriter: &mut Rewriter<'a, 'e>,
    body: impl FnOnce(&mut Rewriter<'a, 'e>) -> Result<(), Fault>,
) -> Result<usize, (Fault, Option<String>)> {
    match body(rewriter).and_then(|()| rewriter.finish()) {
        Ok(()) => Ok(rewriter.writes()),
        Err(fault) => Err((fault, rewriter.take_difference())),
    }
}
