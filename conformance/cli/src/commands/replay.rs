//! `replay`: traces from files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::report::{Item, KEPT, Report, Section};
use conformance::compare::judge::{Fault, Judge, Judgement};
use conformance::compare::verdict::Reason;
use conformance::corpus::{self, InputError};
use conformance::explore::Watch as _;
use conformance::trace::Trace;

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::setup::{Setup, Source};
use crate::triage::{Origin, Triage};
use crate::{Ended, Stop, files};

/// Name of the section.
const SECTION: &str = "corpus";

pub(crate) fn run(paths: &[PathBuf], setup: &Setup) -> Ended {
    let interrupt = Interrupt::noted();
    let mut report = setup.report(None);
    replay(paths, setup, interrupt, &mut report)?;
    setup.conclude(report)
}

/// Adds the section of the traces of `paths`, or of the corpus, to a report.
pub(crate) fn replay(
    paths: &[PathBuf],
    setup: &Setup,
    interrupt: Interrupt,
    report: &mut Report,
) -> Result<(), Stop> {
    let began = Instant::now();
    let (traces, problems) = files::traces(paths, setup.shard)?;
    report.problems.extend(problems);
    let mut section = Section::new(SECTION, "traces");
    let mut judge = setup.judge()?;
    let mut triage = Triage::new(setup);
    let progress = Progress::of_files(SECTION, traces.len(), interrupt)?;
    let mut by_model_only: u64 = 0;
    let mut weight = 0;
    for path in &traces {
        if progress.stop() {
            report.interrupted = true;
            section.cut_short = true;
            break;
        }
        progress.file(path);
        let name = path.display().to_string();
        let (trace, judgement) = match judge_file(&mut judge, path, setup) {
            Ok(judged) => judged,
            Err(error) => {
                report.problems.push(error.to_string());
                continue;
            }
        };
        let outcome = if !judgement.faults.is_empty() {
            section.diverged += 1;
            weight += Fault::weight(&judgement.faults);
            triage.add(report, SECTION, &name, &trace, &judgement.faults, &Origin::File(path));
            "diverged".to_owned()
        } else if let Some(Reason::NotApplicable { function }) = &judgement.inconclusive {
            *section.not_applicable.entry((*function).to_owned()).or_default() += 1;
            "not-applicable".to_owned()
        } else if let Some(reason) = &judgement.inconclusive {
            *section.inconclusive.entry(reason.kind().to_owned()).or_default() += 1;
            reason.kind().to_owned()
        } else {
            section.agreed += 1;
            "agreed".to_owned()
        };
        by_model_only += u64::from(judgement.model_only);
        section.items.push(Item { name, outcome });
        // Any file may be worth nothing as a reference; of the original all is to be known.
        if matches!(setup.source, Source::File(_)) && weight >= KEPT {
            section.cut_short = true;
            break;
        }
    }
    if by_model_only > 0 {
        section.notes.push(format!("{by_model_only} traces have no transcript of the original and were compared with the model"));
    }
    let live = report.oracle.kind == crate::report::OracleKind::Live;
    if section.total() > by_model_only && setup.uses_recordings() && live {
        section
            .notes
            .push("the recorded transcripts were compared with the live original too".to_owned());
    }
    section.seconds = began.elapsed().as_secs_f64();
    report.sections.push(section);
    Ok(())
}

fn judge_file(
    judge: &mut Judge,
    path: &Path,
    setup: &Setup,
) -> Result<(Trace, Judgement), InputError> {
    let trace = corpus::load(path)?;
    let recording = if setup.uses_recordings() { corpus::load_recording(path)? } else { None };
    let judgement = judge.judge_file(&trace, recording.as_ref());
    Ok((trace, judgement))
}
