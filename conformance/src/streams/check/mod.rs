//! All of it on one stream: walk, compare, write again.

mod read;
mod reverse;
mod write;

use std::path::Path;

use migration_stream::{Fault, GuestMemory, Options, Planned, StreamError, StreamFile, Summary};

use self::read::read;
use self::reverse::reverse;
use self::write::write;
use super::lockstep::Lockstep;
use super::read_schedule::ReadSchedule;
use super::report::{ChannelReport, StreamReport, StreamVerdict};
use crate::compare::verdict::Divergence;
use crate::subject::Subject;
use crate::trace::World;

/// Why a check ends before its end.
enum Stop {
    Diverged {
        reason: String,
        divergence: Option<Box<Divergence>>,
    },
    /// A further channel is broken.
    Broken {
        offset: u64,
        reason: String,
    },
    Unusable(StreamError),
}

/// A divergence that no single step of a subject shows.
fn diverged(reason: String) -> Stop {
    Stop::Diverged { reason, divergence: None }
}

impl From<StreamError> for Stop {
    fn from(error: StreamError) -> Self {
        Self::Unusable(error)
    }
}

/// Checks one stream: walks it with the core, lets the subjects read it in step under every script
/// of reads, compares with what QEMU did, and writes it again. Subjects that are not ready are
/// left out, and named.
pub fn check(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    options: &Options,
) -> StreamReport {
    let mut report = StreamReport {
        name: file.name.clone(),
        size: file.size,
        machine: file.machine.clone(),
        description: None,
        summary: Summary::default(),
        runs: Vec::new(),
        reads: 0,
        writes: 0,
        flushes: None,
        messages: 0,
        channels: Vec::new(),
        guest_memory: None,
        subjects: Vec::new(),
        unready: Vec::new(),
        notes: Vec::new(),
        verdict: StreamVerdict::Conforms,
    };
    report.verdict = match examine(file, subjects, options, &mut report) {
        Ok(verdict) => verdict,
        Err(Stop::Diverged { reason, divergence }) => {
            StreamVerdict::Diverged { reason, divergence }
        }
        Err(Stop::Broken { offset, reason }) => StreamVerdict::Broken { offset, reason },
        Err(Stop::Unusable(error)) => StreamVerdict::Unusable { reason: error.to_string() },
    };
    report
}

fn examine(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    options: &Options,
    report: &mut StreamReport,
) -> Result<StreamVerdict, Stop> {
    let planned = Planned::of(file, options)?;
    report.description = Some(planned.source.clone());
    report.summary = planned.walked.summary.clone();
    report.notes.extend(planned.notes.iter().cloned());
    if let (Some(memory), Ok(())) = (&file.memory, &planned.walked.end) {
        if planned.walked.summary.shared_left_out {
            report.notes.push(
                "guest memory is not compared: what is shared is not in the stream".to_owned(),
            );
        } else {
            report.guest_memory = Some(GuestMemory::of(file, &planned.plan)?.has(memory));
        }
    }
    if let Err(error) = &planned.walked.end
        && file.accepted == Some(true)
    {
        return Err(diverged(format!("QEMU accepts the stream, and the walk does not: {error}")));
    }
    compare(file, subjects, &planned, options, report)?;
    for path in &file.channels {
        further(path, subjects, &planned, options, report)?;
    }
    if report.guest_memory == Some(false) {
        return Err(diverged(
            "guest memory, rebuilt from the stream, is not what QEMU had".to_owned(),
        ));
    }
    let unknown = planned.walked.summary.unknown_command;
    if let (Some(offset), true) =
        (unknown, planned.walked.end.is_ok() && file.accepted != Some(true))
    {
        // A release that is not written yet may have it; those there are refuse it.
        let reason = format!("byte {offset}: a command that QEMU up to 10.2 refuses; skipped here");
        return Ok(match file.accepted {
            Some(_) => StreamVerdict::Refused { offset, reason },
            None => StreamVerdict::Broken { offset, reason },
        });
    }
    Ok(match (planned.walked.end, file.accepted) {
        (Ok(()), Some(false)) => StreamVerdict::Undecided,
        (Ok(()), _) => StreamVerdict::Conforms,
        (Err(error), accepted) => {
            let (offset, reason) = (error.offset, error.to_string());
            if accepted.is_some() {
                StreamVerdict::Refused { offset, reason }
            } else {
                StreamVerdict::Broken { offset, reason }
            }
        }
    })
}

/// Lets the subjects read the stream under every schedule, and write it again.
fn compare(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    planned: &Planned,
    options: &Options,
    report: &mut StreamReport,
) -> Result<(), Stop> {
    if file.closed.is_some() {
        return Ok(());
    }
    if file.size > options.subject_limit {
        let limit = options.subject_limit;
        report.notes.push(format!(
            "more than {limit} bytes: walked by the core only, and not written again"
        ));
        return Ok(());
    }
    if planned.walked.summary.mapped {
        report.notes.push(
            "memory lies at fixed places of the file: walked by the core only, and not written again"
                .to_owned(),
        );
        return Ok(());
    }
    let bytes = file.read(options.subject_limit)?;
    for schedule in ReadSchedule::all(file, options) {
        read(file, subjects, planned, &bytes, &schedule, report)?;
    }
    if planned.walked.end.is_ok() {
        write(file, subjects, planned, &bytes, report)?;
    }
    if let Some(back) = file.read_reverse(options.subject_limit)? {
        reverse(file, subjects, &back, report)?;
    }
    Ok(())
}

/// Compares a further channel of the migration.
fn further(
    path: &Path,
    subjects: &mut [Box<dyn Subject>],
    main: &Planned,
    options: &Options,
    report: &mut StreamReport,
) -> Result<(), Stop> {
    let file = migration_stream::channel(path)?;
    let planned = Planned::of_channel(&file, main, options)?;
    if let Err(error) = &planned.walked.end {
        return Err(Stop::Broken {
            offset: error.offset,
            reason: format!("{}: {error}", file.name),
        });
    }
    compare(&file, subjects, &planned, options, report)?;
    let summary = planned.walked.summary;
    report.channels.push(ChannelReport { name: file.name, size: file.size, summary });
    Ok(())
}

/// Starts a run; the names of those who take part go into the report. `None` if there is nobody.
fn begin<'a>(
    subjects: &'a mut [Box<dyn Subject>],
    world: &World,
    report: &mut StreamReport,
) -> Option<Lockstep<'a>> {
    let (lockstep, unready) = Lockstep::begin(subjects, world);
    report.subjects = lockstep.iter().flat_map(Lockstep::names).map(str::to_owned).collect();
    report.unready = unready.iter().map(ToString::to_string).collect();
    lockstep
}

/// Ends a run that came to a fault.
fn stop(run: &str, fault: &Fault, lockstep: &mut Lockstep<'_>, difference: Option<String>) -> Stop {
    let divergence = lockstep.take_divergence();
    let reason = match (difference, &divergence, fault) {
        (Some(difference), _, _) => difference,
        (_, Some(found), _) => format!("{} differs at operation {}", found.subject, found.step),
        (_, _, Fault::Failed(text)) => text.clone(),
        (_, _, fault) => format!("{fault:?}"),
    };
    Stop::Diverged { reason: format!("{run}: {reason}"), divergence }
}
