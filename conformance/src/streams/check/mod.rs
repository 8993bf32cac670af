//! All of it on one stream: walk, compare, write again.

mod read;
mod reverse;
mod write;

use migration_stream::{Fault, GuestMemory, Options, Planned, StreamError, StreamFile, Summary};

use self::read::read;
use self::reverse::reverse;
use self::write::write;
use super::lockstep::Lockstep;
use super::read_schedule::ReadSchedule;
use super::report::{StreamReport, StreamVerdict};
use crate::subject::Subject;
use crate::trace::World;
use crate::verdict::Divergence;

/// Why a check ends before its end.
enum Stop {
    Diverged { reason: String, divergence: Option<Box<Divergence>> },
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
    if let (Some(memory), Ok(())) = (&file.memory, &planned.walked.end) {
        report.guest_memory = Some(GuestMemory::of(file, &planned.plan)?.has(memory));
    }
    if file.size > options.subject_limit {
        let limit = options.subject_limit;
        report.notes.push(format!(
            "more than {limit} bytes: walked by the core only, and not written again"
        ));
    } else {
        let bytes = file.read(options.subject_limit)?;
        for schedule in ReadSchedule::all(file, options) {
            read(file, subjects, &planned, &bytes, &schedule, report)?;
        }
        if planned.walked.end.is_ok() {
            write(file, subjects, &planned, &bytes, report)?;
        }
        if let Some(back) = file.read_reverse(options.subject_limit)? {
            reverse(file, subjects, &back, report)?;
        }
    }
    if report.guest_memory == Some(false) {
        return Err(diverged(
            "guest memory, rebuilt from the stream, is not what QEMU had".to_owned(),
        ));
    }
    match (planned.walked.end, file.accepted) {
        (Ok(()), Some(false)) => Ok(StreamVerdict::Undecided),
        (Ok(()), _) => Ok(StreamVerdict::Conforms),
        (Err(error), Some(true)) => {
            Err(diverged(format!("QEMU accepts the stream, and the walk does not: {error}")))
        }
        (Err(error), accepted) => {
            let (offset, reason) = (error.offset, error.to_string());
            Ok(if accepted.is_some() {
                StreamVerdict::Refused { offset, reason }
            } else {
                StreamVerdict::Broken { offset, reason }
            })
        }
    }
}

/// Starts a run; the names of those who take part go into the report. `None` if there is nobody.
fn begin<'a>(
    subjects: &'a mut [Box<dyn Subject>],
    world: &World,
    input: &'a [u8],
    report: &mut StreamReport,
) -> Option<Lockstep<'a>> {
    let names: Vec<String> = subjects.iter().map(|subject| subject.name().to_owned()).collect();
    let (lockstep, unready) = Lockstep::begin(subjects, world, input);
    let missing = |name: &String| unready.iter().any(|unready| unready.subject == name);
    report.subjects = names.into_iter().filter(|name| !missing(name)).collect();
    report.unready = unready.iter().map(ToString::to_string).collect();
    (!lockstep.is_empty()).then_some(lockstep)
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
