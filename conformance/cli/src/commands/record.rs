//! `record`: transcripts of the live original.

use std::path::{Path, PathBuf};

use crate::report::Status;
use c_reference::Reference;
use conformance::corpus::{self, recording_path};
use conformance::record::{Condition, condition, text};
use conformance::subject::{Original, Subject};

use crate::arguments::{Common, Record};
use crate::interrupt::Interrupt;
use crate::{Ended, Stop, files, output, setup};

/// What a run did.
#[derive(Default)]
struct Stats {
    fresh: u64,
    written: u64,
    stale: u64,
    problems: u64,
}

pub(crate) fn run(arguments: &Record, common: &Common) -> Ended {
    let Some(reference) = Reference::linked() else { return Err(Stop::missing(setup::absence())) };
    if !reference.pinned() {
        return Err(Stop::missing(format!(
            "the original that is linked in is not the pinned one, of SHA-256 {}: build again without QEMU_FILE_C_UNPINNED",
            c_reference::PIN.sha256
        )));
    }
    let interrupt = Interrupt::noted();
    let (traces, problems) = files::traces(&arguments.paths, common.shard)?;
    let mut stats = Stats::default();
    for problem in &problems {
        stats.problem(problem);
    }
    if traces.is_empty() && problems.is_empty() {
        return Err(setup::nothing(common.shard));
    }
    let mut original = Original::new(reference);
    for path in &traces {
        if interrupt.came() {
            output::remark("interrupted: every file is as it was or whole");
            return Ok(Status::Interrupted);
        }
        stats.one(path, &mut original, arguments.check)?;
    }
    for path in orphans(&arguments.paths)? {
        stats.stale += 1;
        output::print(format_args!("no trace  {}\n", files::shown(&path)))?;
    }
    let Stats { fresh, written, stale, problems } = stats;
    if arguments.check {
        output::print(format_args!(
            "{fresh} fresh, {stale} stale or missing, {problems} not usable\n"
        ))?;
    } else {
        output::print(format_args!(
            "{written} written, {fresh} were fresh, {stale} without a trace, {problems} not usable\n"
        ))?;
    }
    Ok(match (stale, problems) {
        (1.., _) => Status::Diverged,
        (0, 1..) => Status::BadInput,
        (0, 0) => Status::Conforms,
    })
}

/// Transcripts whose traces are gone.
fn orphans(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let corpus;
    let paths = if paths.is_empty() {
        corpus = files::corpus_folders()?;
        corpus.as_slice()
    } else {
        paths
    };
    Ok(corpus::orphans(paths))
}

impl Stats {
    fn problem(&mut self, problem: &impl ToString) {
        self.problems += 1;
        output::complain(&problem.to_string());
    }

    fn one(&mut self, path: &Path, original: &mut dyn Subject, check: bool) -> Result<(), Stop> {
        let trace = match corpus::load(path) {
            Ok(trace) => trace,
            Err(error) => {
                self.problem(&error);
                return Ok(());
            }
        };
        let beside = recording_path(path);
        let found = text(&beside, &trace, original, c_reference::PIN.sha256)
            .and_then(|text| Ok((condition(&beside, &text)?, text)));
        let (condition, text) = match found {
            Ok(found) => found,
            Err(error) => {
                self.problem(&error);
                return Ok(());
            }
        };
        let word = match condition {
            Condition::Fresh => {
                self.fresh += 1;
                return Ok(());
            }
            Condition::Stale => "stale    ",
            Condition::Missing => "missing  ",
        };
        if check {
            self.stale += 1;
            return output::print(format_args!("{word} {}\n", files::shown(&beside)));
        }
        files::write(&beside, &text)?;
        self.written += 1;
        output::print(format_args!("written   {}\n", files::shown(&beside)))
    }
}
