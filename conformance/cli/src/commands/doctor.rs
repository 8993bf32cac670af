//! `doctor`: what is here, what is missing, what helps.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::report::Status;
use crate::report::sheet::message;
use c_reference::{PIN, Reference};
use conformance::compare::judge::staleness;
use conformance::compare::sanity::{probe, self_test};
use conformance::corpus::{self, load_recording};
use conformance::isolate::{Isolated, ReferenceFile};
use conformance::registry::{Sources, build};
use conformance::streams;
use conformance::subject::Subject;

use crate::arguments::{Common, Name};
use crate::{Ended, Stop, files, output, program, setup};

/// Findings, line by line.
#[derive(Default)]
struct Findings {
    missing: bool,
    unusable: bool,
}

impl Findings {
    fn here(&self, what: &str, text: impl std::fmt::Display) -> Result<(), Stop> {
        output::print(format_args!("here     {what}: {text}\n"))
    }

    fn missing(&mut self, what: &str, text: impl std::fmt::Display) -> Result<(), Stop> {
        self.missing = true;
        output::print(format_args!("missing  {what}: {text}\n"))
    }

    /// A file that was named and cannot be used.
    fn unusable(&mut self, what: &str, text: impl std::fmt::Display) -> Result<(), Stop> {
        self.unusable = true;
        output::print(format_args!("unusable {what}: {text}\n"))
    }

    /// Missing, and only some commands need it.
    fn without(&self, what: &str, text: impl std::fmt::Display) -> Result<(), Stop> {
        output::print(format_args!("without  {what}: {text}\n"))
    }
}

pub(crate) fn run(common: &Common) -> Ended {
    let mut findings = Findings::default();
    if let Some(file) = &common.reference {
        reference(&mut findings, file, common)?;
    }
    original(&mut findings)?;
    compiler(&findings)?;
    traces(&mut findings)?;
    real_streams(&mut findings)?;
    subjects(&mut findings)?;
    match self_test() {
        Ok(planted) => {
            findings
                .here("the judge", format_args!("{planted} planted differences were noticed"))?;
        }
        Err(unnoticed) => findings.missing("the judge", unnoticed)?,
    }
    directory(&mut findings, &common.output.clone().unwrap_or_else(files::output))?;
    Ok(match (findings.unusable, findings.missing) {
        (true, _) => Status::BadInput,
        (false, true) => Status::Missing,
        (false, false) => Status::Conforms,
    })
}

/// The file of `--reference`: whether it compiles, loads, and does what it is asked.
fn reference(findings: &mut Findings, file: &Path, common: &Common) -> Result<(), Stop> {
    let name = format!("the reference {}", files::shown(file));
    let program = std::env::current_exe().map_err(Stop::input)?;
    let limit = Duration::from_secs(common.limit);
    match ReferenceFile::open_with(file, &program, limit, &common.options()) {
        Err(error) => findings.unusable(&name, message(&error.to_string())),
        Ok(opened) => match probe(&mut Isolated::new(opened.clone())) {
            Ok(()) => findings.here(
                &name,
                format_args!(
                    "behaves as QEMU {}, SHA-256 {}, loads and answers what it is asked{}",
                    common.release(&opened),
                    opened.sha256(),
                    lacks(&opened)
                ),
            ),
            Err(unfit) => findings.unusable(&name, unfit),
        },
    }
}

fn lacks(file: &ReferenceFile) -> String {
    match &file.lacks()[..] {
        [] => String::new(),
        names => format!("; it lacks {}, and what needs these is not applicable", names.join(", ")),
    }
}

fn original(findings: &mut Findings) -> Result<(), Stop> {
    match Reference::linked() {
        Some(reference) if reference.pinned() => {
            findings.here("the original", format_args!("QEMU {}, SHA-256 {}, linked in", PIN.version, PIN.sha256))
        }
        Some(reference) => findings.missing(
            "the original",
            format_args!(
                "a file of SHA-256 {} is linked in, not the pinned one: build without QEMU_FILE_C_UNPINNED",
                reference.sha256()
            ),
        ),
        None => findings.missing("the original", setup::absence()),
    }
}

fn compiler(findings: &Findings) -> Result<(), Stop> {
    let given = std::env::var("CC").unwrap_or_default();
    let candidates =
        if given.trim().is_empty() { vec!["cc", "gcc", "clang"] } else { vec![given.trim()] };
    let found = candidates.iter().find(|candidate| {
        let program = candidate.split_whitespace().next().unwrap_or_default();
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    match found {
        Some(compiler) => findings.here("a C compiler", compiler),
        None => findings.without(
            "a C compiler",
            "--reference takes .so files only; install gcc or clang, or set CC",
        ),
    }
}

fn traces(findings: &mut Findings) -> Result<(), Stop> {
    let (found, problems) = match files::traces(&[], conformance::explore::Shard::WHOLE) {
        Ok(found) => found,
        Err(Stop { message, .. }) => {
            return findings.missing("the corpus", message);
        }
    };
    let (mut recorded, mut unrecorded, mut unusable) = (0_u64, 0_u64, problems.len());
    for path in &found {
        match corpus::load(path).and_then(|trace| Ok((load_recording(path)?, trace))) {
            Ok((Some(recording), trace)) if staleness(&trace, &recording).is_none() => {
                recorded += 1;
            }
            Ok(_) => unrecorded += 1,
            Err(_) => unusable += 1,
        }
    }
    findings.here(
        "the corpus",
        format_args!("{} traces, {recorded} with a fresh transcript", found.len()),
    )?;
    if unrecorded > 0 {
        findings.missing(
            "transcripts",
            format_args!(
                "{unrecorded} are missing or stale: `{} record` writes them",
                program::name()
            ),
        )?;
    }
    if unusable > 0 {
        findings.missing(
            "traces",
            format_args!("{unusable} files cannot be used: `{} replay` says why", program::name()),
        )?;
    }
    Ok(())
}

fn real_streams(findings: &mut Findings) -> Result<(), Stop> {
    let found = files::in_project("corpus").map(|corpus| streams::load(&corpus.join("streams")));
    match found {
        Ok(Ok(loaded)) if loaded.broken.is_empty() && !loaded.files.is_empty() => {
            findings.here("migration streams", loaded.files.len())
        }
        Ok(Ok(loaded)) => {
            let broken = loaded
                .broken
                .first()
                .map_or_else(|| "none in corpus/streams".to_owned(), ToString::to_string);
            findings.missing(
                "migration streams",
                format_args!("{broken}: restore the directory from the repository"),
            )
        }
        Ok(Err(error)) => findings.missing("migration streams", error),
        Err(Stop { message, .. }) => findings.missing("migration streams", message),
    }
}

fn subjects(findings: &mut Findings) -> Result<(), Stop> {
    let sources = Sources { reference: Reference::linked(), recording: None };
    for Name(name) in Name::USUAL.into_iter().chain([Name(conformance::subject::Original::NAME)]) {
        let Some(mut subject) = build(name, &sources) else { continue };
        let subject: &mut dyn Subject = subject.as_mut();
        match probe(subject) {
            Ok(()) => findings.here("subject", format_args!("{name} answers what it is asked"))?,
            Err(unfit) => findings.missing("subject", unfit)?,
        }
    }
    Ok(())
}

fn directory(findings: &mut Findings, directory: &Path) -> Result<(), Stop> {
    let attempt =
        std::fs::create_dir_all(directory).and_then(|()| tempfile::tempfile_in(directory));
    match attempt {
        Ok(_) => findings.here("a place for failing cases", files::shown(directory)),
        Err(error) => findings.missing(
            "a place for failing cases",
            format_args!("{}: {error}; name another with --output", files::shown(directory)),
        ),
    }
}
