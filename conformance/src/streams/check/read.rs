//! Reading a stream with all subjects in step.

use migration_stream::{Fault, Planned, Problem, StreamFile, Walked, walk};

use super::{Stop, begin, diverged, stop};
use crate::streams::lockstep::SubjectLoader;
use crate::streams::read_schedule::{ReadSchedule, compare_reads};
use crate::streams::report::{Compared, StreamReport};
use crate::subject::Subject;

/// Lets all subjects read the stream as `schedule` says, and compares what they did.
pub(super) fn read(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    planned: &Planned,
    bytes: &[u8],
    schedule: &ReadSchedule,
    report: &mut StreamReport,
) -> Result<(), Stop> {
    let world = schedule.world(bytes, &planned.packages);
    let Some(lockstep) = begin(subjects, &world, report) else { return Ok(()) };
    let run = &schedule.name;
    let mut loader = SubjectLoader::new(lockstep);
    let outcome = (|| {
        loader.open()?;
        let walked = walk(&mut loader, &planned.plan, &mut ());
        if !is_divergence(&walked) {
            loader.close()?;
        }
        Ok(walked)
    })();
    let walked = outcome.map_err(|fault| stop(run, &fault, loader.lockstep(), None))?;
    if is_divergence(&walked) {
        return Err(stop(run, &Fault::Diverged, loader.lockstep(), None));
    }
    let reads = std::mem::take(&mut loader.reads);
    if walked != planned.walked {
        let found =
            walked.end.err().map_or_else(|| "accepted".to_owned(), |error| error.to_string());
        return Err(diverged(format!(
            "{run}: the walk came to byte {} ({found}), and to byte {} directly on the core",
            walked.position, planned.walked.position
        )));
    }
    // A stream that is refused is read no further, which says nothing about the reads.
    if let Some(recorded) =
        file.reads.as_deref().filter(|_| schedule.recorded && walked.end.is_ok())
    {
        let undescribed = walked.summary.first_undescribed;
        let note = compare_reads(recorded, &reads, undescribed)
            .map_err(|reason| diverged(format!("{run}: {reason}")))?;
        match note {
            Some(note) => report.notes.push(note),
            None => report.reads = recorded.len(),
        }
    }
    report.runs.push(Compared {
        run: run.clone(),
        steps: loader.lockstep().steps(),
        calls: reads.len(),
    });
    loader.lockstep().finish();
    Ok(())
}

fn is_divergence(walked: &Walked) -> bool {
    matches!(&walked.end, Err(error) if error.problem == Problem::Diverged)
}
