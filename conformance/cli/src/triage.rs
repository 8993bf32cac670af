//! From a case that fails to a failure in the report: shrunk, written to a file, with its command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::report::{Failure, KEPT, Report, headline};
use conformance::compare::judge::Fault;
use conformance::compare::verdict::Divergence;
use conformance::shrink::{Effort, Shrunk, Signature, shrink};
use conformance::subject::Playback;
use conformance::trace::Trace;

use crate::files;
use crate::setup::{Setup, Source};

/// Kinds of failure that a run shrinks; further ones are shrunk on demand.
const SHRUNK: usize = 4;

/// Longest time for a candidate that hangs.
const CANDIDATE_LIMIT: Duration = Duration::from_millis(200);

/// How often a failure of a file is asked for again; where it crashed or hung, less often.
const TRIES: u32 = 10;
const FEW_TRIES: u32 = 2;

/// Characters of a hash in a file's name.
const NAME: usize = 16;

/// Where a failing case came from.
pub(crate) enum Origin<'a> {
    /// A file that can be replayed.
    File(&'a Path),
    /// Nowhere: a generated case.
    Generated,
}

/// Gathers the failures of a run, one for each kind in a section.
pub(crate) struct Triage<'a> {
    setup: &'a Setup,
    shrunk: usize,
    seen: BTreeMap<(String, Signature), usize>,
}

impl<'a> Triage<'a> {
    pub(crate) fn new(setup: &'a Setup) -> Self {
        Self { setup, shrunk: 0, seen: BTreeMap::new() }
    }

    /// Adds what is wrong about a case to the report.
    pub(crate) fn add(
        &mut self,
        report: &mut Report,
        section: &str,
        case: &str,
        trace: &Trace,
        faults: &[Fault],
        origin: &Origin<'_>,
    ) {
        if report.failures.iter().filter(|failure| failure.section == section).count() >= KEPT {
            return;
        }
        let first = faults.iter().find_map(|fault| match fault {
            Fault::Diverged(divergence) => Some(divergence.as_ref()),
            Fault::Stale { .. } | Fault::Undeclared { .. } => None,
        });
        let mut failure = Failure::of(section, case, faults);
        if let Origin::File(path) = origin {
            failure.command = Some(self.setup.command("explain", path));
        }
        if let Some(divergence) = first {
            let key = (section.to_owned(), Signature::of(divergence));
            if let Some(known) = self.seen.get(&key) {
                if let Some(known) = report.failures.get_mut(*known) {
                    known.alike += 1;
                }
                if matches!(origin, Origin::Generated) {
                    return;
                }
            } else {
                self.seen.insert(key, report.failures.len());
                failure.flaky = flakiness(self.setup, trace, divergence);
                if let Some((again, tries)) = failure.flaky {
                    failure.summary =
                        format!("flaky, {again} of {tries} times again: {}", failure.summary);
                }
                self.reduce(&mut failure, trace, divergence, origin);
            }
        }
        report.failures.push(failure);
    }

    /// Shrinks the trace, as far as it is worth it, and writes it down.
    fn reduce(
        &mut self,
        failure: &mut Failure,
        trace: &Trace,
        divergence: &Divergence,
        origin: &Origin<'_>,
    ) {
        // What differs from a recording shows in that one trace only.
        let shrunk = if self.shrunk < SHRUNK
            && divergence.subject != Playback::RECORDED
            && failure.flaky.is_none()
        {
            self.shrunk += 1;
            smallest(self.setup, trace, divergence, Effort::default())
        } else {
            None
        };
        let smaller = match shrunk {
            Some(shrunk) => {
                failure.step = Some((&shrunk.divergence).into());
                failure.minimal = shrunk.minimal;
                shrunk.trace
            }
            None if matches!(origin, Origin::File(_)) => return,
            None => trace.clone(),
        };
        failure.ops = Some(smaller.ops.len());
        failure.trace = smaller.to_text().ok();
        match keep(&self.setup.output, &smaller) {
            Ok(path) => {
                failure.command = Some(self.setup.command("replay", &path));
                failure.file = Some(path.display().to_string());
            }
            Err(reason) => failure.also.push(format!("the trace could not be written: {reason}")),
        }
    }
}

/// How often the failure of a file comes again, of how many times; `None` where it does each time.
fn flakiness(setup: &Setup, trace: &Trace, divergence: &Divergence) -> Option<(u32, u32)> {
    if !matches!(setup.source, Source::File(_)) {
        return None;
    }
    // Who hangs takes the whole limit each time.
    let tries = if divergence.expected.is_broken() { FEW_TRIES } else { TRIES };
    let mut judge = setup.judge().ok()?;
    let again = (0..tries).filter(|_| judge.divergence(trace, &divergence.subject).is_some());
    let again = u32::try_from(again.count()).unwrap_or(tries);
    (again < tries).then_some((again, tries))
}

/// Writes a failing trace to a file named by its hash.
fn keep(directory: &Path, trace: &Trace) -> Result<PathBuf, String> {
    let text = trace.to_text().map_err(|error| error.to_string())?;
    let hash = trace.hash().map_err(|error| error.to_string())?;
    let path = directory.join(format!("{}.ron", hash.get(..NAME).unwrap_or(&hash)));
    files::write(&path, &text).map_err(|stop| stop.message)?;
    Ok(path)
}

/// The smallest trace that fails in the same way, where the failure shows to an oracle that can
/// carry out any trace.
pub(crate) fn smallest(
    setup: &Setup,
    trace: &Trace,
    divergence: &Divergence,
    effort: Effort,
) -> Option<Shrunk> {
    let subject = divergence.subject.as_str();
    let signature = Signature::of(divergence);
    let mut quick = setup.judge_for_shrinking(subject, CANDIDATE_LIMIT).ok()?;
    let mut failing = |trace: &Trace| quick.divergence(trace, subject);
    // With recorded transcripts the model takes over, if it sees the same.
    let again = failing(trace)?;
    if Signature::of(&again).op != signature.op {
        return None;
    }
    let mut shrunk = shrink(trace, effort, &mut failing)?;
    if matches!(setup.source, Source::File(_)) {
        // On a busy machine a candidate may have seemed to hang: the full limit decides.
        let full = setup.judge().ok()?.divergence(&shrunk.trace, subject)?;
        if Signature::of(&full).op != Signature::of(&shrunk.divergence).op {
            return None;
        }
        shrunk.divergence = full;
    }
    shrunk.trace.origin = format!("{}, shrunk", trace.origin.trim_end_matches(", shrunk"));
    shrunk.trace.cause = format!("{}.", headline(&shrunk.divergence));
    Some(shrunk)
}
