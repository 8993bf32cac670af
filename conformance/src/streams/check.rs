//! All of it on one stream: walk, compare, write again.

use std::sync::Arc;

use qemufile_core::MemoryChannel;

use crate::compare::verdict::Divergence;
use crate::subject::Subject;
use crate::trace::World;

use super::description::{Description, MAX_DESCRIPTION};
use super::error::StreamError;
use super::file::{self, StreamFile};
use super::image;
use super::layout::WriteLayout;
use super::loader::{CoreLoader, Fault, Loader};
use super::lockstep::{Lockstep, SubjectLoader};
use super::plan::{Options, Planned};
use super::report::{Compared, StreamReport, StreamVerdict};
use super::return_path::{Message, messages};
use super::rewrite::{self, Echo, Expected, Put, Rewriter};
use super::script::{ReadScript, compare_reads};
use super::summary::{Observer, SectionRow, Summary};
use super::walk::{Plan, Walked, walk};

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
        report.guest_memory = Some(image::matches(file, &planned.plan, memory)?);
    }
    if file.size > options.subject_limit {
        let limit = options.subject_limit;
        report.notes.push(format!(
            "more than {limit} bytes: walked by the core only, and not written again"
        ));
    } else {
        let bytes = file::read(&file.path, options.subject_limit)?;
        for script in ReadScript::all(file, options) {
            read(file, subjects, &planned, &bytes, &script, report)?;
        }
        if planned.walked.end.is_ok() {
            write(file, subjects, &planned, &bytes, report)?;
        }
        if let Some(path) = &file.reverse {
            reverse(file, subjects, &file::read(path, options.subject_limit)?, report)?;
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

fn read(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    planned: &Planned,
    bytes: &[u8],
    script: &ReadScript,
    report: &mut StreamReport,
) -> Result<(), Stop> {
    let world = script.world(bytes, &planned.packages);
    let Some(mut lockstep) = begin(subjects, &world, bytes, report) else { return Ok(()) };
    let run = &script.name;
    let outcome = (|| {
        let mut loader = SubjectLoader::new(&mut lockstep)?;
        let walked = walk(&mut loader, &planned.plan, &mut ());
        if !is_divergence(&walked) {
            loader.close()?;
        }
        Ok((walked, std::mem::take(&mut loader.reads)))
    })();
    let (walked, reads) = outcome.map_err(|fault| stop(run, &fault, &mut lockstep, None))?;
    if is_divergence(&walked) {
        return Err(stop(run, &Fault::Diverged, &mut lockstep, None));
    }
    if walked != planned.walked {
        let found =
            walked.end.err().map_or_else(|| "accepted".to_owned(), |error| error.to_string());
        return Err(diverged(format!(
            "{run}: the walk came to byte {} ({found}), and to byte {} directly on the core",
            walked.position, planned.walked.position
        )));
    }
    if let Some(recorded) = file.reads.as_deref().filter(|_| script.recorded) {
        compare_reads(recorded, &reads).map_err(|reason| diverged(format!("{run}: {reason}")))?;
        report.reads = recorded.len();
    }
    report.runs.push(Compared { run: run.clone(), steps: lockstep.steps(), calls: reads.len() });
    lockstep.finish();
    Ok(())
}

fn is_divergence(walked: &Walked) -> bool {
    matches!(&walked.end, Err(error) if error.problem == super::error::Problem::Diverged)
}

fn write(
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
    let world = rewrite::world(&layout, page_size);
    let Some(mut lockstep) = begin(subjects, &world, &[], report) else { return Ok(()) };
    let loader = file.loader()?;
    let run = "written again";
    let made = rewritten(&mut lockstep, &expected, false, |rewriter| {
        let mut echo = Echo::new(loader, rewriter);
        match walk(&mut echo, &planned.plan, &mut ()).end {
            Ok(()) => Ok(()),
            Err(_) => Err(Fault::Diverged),
        }
    })
    .map_err(|(fault, difference)| stop(run, &fault, &mut lockstep, difference))?;
    report.runs.push(Compared { run: run.to_owned(), steps: lockstep.steps(), calls: made });
    if writes.is_some() {
        report.writes = made;
        report.flushes = counts;
    }
    lockstep.finish();
    Ok(())
}

/// Lets `body` write, and ends the stream; gives the number of writes.
fn rewritten<'l, 'a>(
    lockstep: &'l mut Lockstep<'a>,
    expected: &Expected<'_>,
    returning: bool,
    body: impl FnOnce(&mut Rewriter<'l, 'a, '_>) -> Result<(), Fault>,
) -> Result<usize, (Fault, Option<String>)> {
    let open = if returning { Rewriter::returning } else { Rewriter::new };
    let mut rewriter = open(lockstep, expected).map_err(|fault| (fault, None))?;
    match body(&mut rewriter).and_then(|()| rewriter.finish()) {
        Ok(()) => Ok(rewriter.writes()),
        Err(fault) => Err((fault, rewriter.take_difference())),
    }
}

/// Reads the return path as the source does, and writes it as the destination does: each message
/// is flushed.
fn reverse(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    bytes: &[u8],
    report: &mut StreamReport,
) -> Result<(), Stop> {
    let chunks = file.chunks.iter().flat_map(|chunks| chunks.reverse.iter().copied());
    let script = ReadScript::by("return path read as it came".to_owned(), chunks);
    let world = script.world(bytes, &[]);
    let Some(mut lockstep) = begin(subjects, &world, bytes, report) else { return Ok(()) };
    let outcome = SubjectLoader::returning(&mut lockstep).and_then(|mut loader| {
        let read = messages(&mut loader, bytes.len() as u64);
        loader.close()?;
        Ok((read, loader.reads.len()))
    });
    let (read, reads) = outcome.map_err(|fault| stop(&script.name, &fault, &mut lockstep, None))?;
    let messages = match read {
        Ok(messages) => messages,
        Err(_) if lockstep.diverged() => {
            return Err(stop(&script.name, &Fault::Diverged, &mut lockstep, None));
        }
        Err(error) => return Err(diverged(format!("return path: {error}"))),
    };
    report.runs.push(Compared { run: script.name, steps: lockstep.steps(), calls: reads });
    lockstep.finish();

    let mut layout = WriteLayout::default();
    let mut end = 0;
    for message in &messages {
        end += message.len() as u64;
        layout.flushes.push(end);
    }
    let expected = Expected { bytes, writes: None, layout: &layout, page_size: 1 };
    let world = rewrite::world(&layout, 1);
    let Some(mut lockstep) = begin(subjects, &world, &[], report) else { return Ok(()) };
    let run = "return path written again";
    let made = rewritten(&mut lockstep, &expected, true, |rewriter| {
        messages.iter().try_for_each(|message| answer(rewriter, message))
    })
    .map_err(|(fault, difference)| stop(run, &fault, &mut lockstep, difference))?;
    if made != messages.len() {
        return Err(diverged(format!("{run}: {made} writes of {} messages", messages.len())));
    }
    report.runs.push(Compared { run: run.to_owned(), steps: lockstep.steps(), calls: made });
    report.messages = messages.len();
    lockstep.finish();
    Ok(())
}

fn answer(rewriter: &mut Rewriter<'_, '_, '_>, message: &Message) -> Result<(), Fault> {
    let len = u16::try_from(message.body.len()).unwrap_or(u16::MAX);
    rewriter.put(Put::Be16(message.kind))?;
    rewriter.put(Put::Be16(len))?;
    rewriter.put(Put::Buffer(&message.body))
}

/// Tells `row` every record of a stream, in order; gives the totals.
///
/// # Errors
///
/// [`StreamError`] where the files cannot be used; [`StreamError::Walk`] where the stream is
/// broken, after the rows up to there.
pub fn dump(
    file: &StreamFile,
    options: &Options,
    row: &mut dyn FnMut(&SectionRow),
) -> Result<Planned, StreamError> {
    struct Rows<'a>(&'a mut dyn FnMut(&SectionRow));
    impl Observer for Rows<'_> {
        fn row(&mut self, row: &SectionRow) {
            (self.0)(row);
        }
    }
    let planned = Planned::of(file, options)?;
    match walk(&mut file.loader()?, &planned.plan, &mut Rows(row)).end {
        Ok(()) => Ok(planned),
        Err(error) => Err(StreamError::Walk { path: file.path.clone(), error }),
    }
}

/// Walks a stream in memory with the core, by its own description if it has one. For streams that
/// nobody vouches for.
#[must_use]
pub fn walk_bytes(bytes: &[u8]) -> Walked {
    let tail = bytes.len().saturating_sub(MAX_DESCRIPTION);
    let plan = Plan {
        description: Description::find(&bytes[tail..]),
        len: bytes.len() as u64,
        machine: None,
    };
    let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(bytes)));
    walk(&mut loader as &mut dyn Loader, &plan, &mut ())
}
