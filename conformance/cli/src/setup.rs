//! The oracle and the subjects of a run.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::report::{self, OracleKind, Report};
use c_reference::{PIN, Reference, Release};
use conformance::compare::judge::{Judge, Oracle};
use conformance::corpus;
use conformance::explore::Shard;
use conformance::isolate::{Isolated, ReferenceFile};
use conformance::registry::{Sources, build};
use conformance::subject::{Original, Subject};
use conformance::trace::Trace;
use conformance::transcript::Recording;
use sha2::{Digest as _, Sha256};

use crate::arguments::{Common, Format, LIMIT, Name};
use crate::{Stop, files, program};

/// What the subjects are compared with in this run.
pub(crate) enum Source {
    /// The original that is linked in.
    Linked(Reference),
    /// The file of `--reference`.
    File(ReferenceFile),
    /// Recorded transcripts.
    Recorded,
}

/// Where the text of the original is: `given`, or the copy that the build made.
pub(crate) fn original(given: Option<&Path>) -> Result<PathBuf, Stop> {
    let (path, built) = match given {
        Some(given) => (given, false),
        None => (c_reference::original_path().ok_or_else(|| Stop::missing(absence()))?, true),
    };
    files::regular(path)?;
    let bytes = std::fs::read(path).map_err(|error| match built {
        true => Stop::missing(format!(
            "{}: {error}; this copy was made by the build, and is gone: name the file with --original (SHA-256 {})",
            files::shown(path),
            PIN.sha256
        )),
        false => Stop::input(format!("{}: {error}", files::shown(path))),
    })?;
    let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if !built && sha256 != PIN.sha256 {
        return Err(Stop::input(format!(
            "{}: SHA-256 {sha256}, and the original has {}",
            files::shown(path),
            PIN.sha256
        )));
    }
    Ok(path.to_owned())
}

/// The options of the reference once more, as a shell takes them.
fn options_again(common: &Common) -> String {
    let mut text = String::new();
    let mut add = |option: &str, word: &std::ffi::OsStr| {
        text.push_str(&format!(" --{option}={}", program::quoted(word)));
    };
    if let Some(release) = common.release {
        add("release", release.to_string().as_ref());
    }
    if let Some(sanitize) = &common.sanitize {
        add("sanitize", sanitize.as_ref());
    }
    common.include.iter().for_each(|path| add("include", path.as_os_str()));
    if let Some(cflags) = &common.cflags {
        add("cflags", cflags.as_ref());
    }
    text
}

/// The release of the pinned original.
fn pinned_release() -> String {
    PIN.version
        .parse::<Release>()
        .map_or_else(|_| PIN.version.to_owned(), |known| known.to_string())
}

/// Everything that the options say.
pub(crate) struct Setup {
    pub(crate) source: Source,
    pub(crate) subjects: Vec<&'static str>,
    pub(crate) oracle: report::Oracle,
    pub(crate) format: Format,
    pub(crate) shard: Shard,
    pub(crate) jobs: NonZeroUsize,
    pub(crate) output: PathBuf,
    pub(crate) reference: Option<PathBuf>,
    /// Further options of the reference, for a command that shows a case again.
    reference_options: String,
    limit: u64,
    /// Whether the subjects were named.
    named: bool,
    began: Instant,
}

/// Whether the environment demands the original.
pub(crate) fn required() -> bool {
    std::env::var_os("REQUIRE_C").is_some_and(|value| value == "1")
}

/// Why the original is not linked in, and what helps.
pub(crate) fn absence() -> String {
    c_reference::absence().unwrap_or("the original is not linked in").to_owned()
}

/// That a command has nothing to do, which is not to pass for success.
pub(crate) fn nothing(shard: Shard) -> Stop {
    let part = match shard {
        Shard::WHOLE => String::new(),
        Shard { index, of } => format!(" in part {}/{of}", index + 1),
    };
    Stop::input(format!("nothing is selected{part}: name other files, more cases, or another part"))
}

impl Setup {
    pub(crate) fn new(common: Common) -> Result<Self, Stop> {
        let linked = Reference::linked();
        let named = !common.subjects.is_empty();
        let reference_options = options_again(&common);
        let chosen =
            if common.subjects.is_empty() { Name::USUAL.to_vec() } else { common.subjects.clone() };
        let demanded =
            chosen.contains(&Name(Original::NAME)) || (required() && common.reference.is_none());
        if demanded && linked.is_none() {
            return Err(Stop::missing(absence()));
        }
        let (source, oracle) = match (&common.reference, linked) {
            (Some(path), _) => {
                let program = std::env::current_exe().map_err(Stop::input)?;
                let limit = Duration::from_secs(common.limit);
                let file = ReferenceFile::open_with(path, &program, limit, &common.options())
                    .map_err(Stop::input)?;
                let oracle = report::Oracle {
                    kind: OracleKind::File,
                    name: path.display().to_string(),
                    release: common.release(&file),
                    sha256: file.sha256().to_owned(),
                    pinned: false,
                    mend: None,
                };
                (Source::File(file), oracle)
            }
            (None, Some(reference)) => {
                let oracle = report::Oracle {
                    kind: OracleKind::Live,
                    name: PIN.version.to_owned(),
                    release: reference.release().to_string(),
                    sha256: reference.sha256().to_owned(),
                    pinned: reference.pinned(),
                    mend: None,
                };
                (Source::Linked(reference), oracle)
            }
            (None, None) => {
                let oracle = report::Oracle {
                    kind: OracleKind::Recorded,
                    name: PIN.version.to_owned(),
                    release: pinned_release(),
                    sha256: PIN.sha256.to_owned(),
                    pinned: true,
                    mend: Some(absence()),
                };
                (Source::Recorded, oracle)
            }
        };
        if let Source::File(file) = &source
            && common.format == Format::Text
            && !file.lacks().is_empty()
        {
            crate::output::remark(format_args!(
                "not applicable: what needs {}, which {} (QEMU {}) does not have",
                file.lacks().join(", "),
                files::shown(file.path()),
                oracle.release
            ));
        }
        // The oracle is not compared with itself.
        let is_oracle = |name: &str| matches!(source, Source::Linked(_)) && name == Original::NAME;
        let mut subjects: Vec<&'static str> = Vec::new();
        for Name(name) in chosen {
            if !is_oracle(name) && !subjects.contains(&name) {
                subjects.push(name);
            }
        }
        Ok(Self {
            source,
            subjects,
            oracle,
            format: common.format,
            shard: common.shard,
            jobs: common
                .jobs
                .and_then(|jobs| NonZeroUsize::new(usize::try_from(jobs).ok()?))
                .or_else(|| std::thread::available_parallelism().ok())
                .unwrap_or(NonZeroUsize::MIN),
            limit: common.limit,
            reference_options,
            named,
            output: common.output.unwrap_or_else(files::output),
            reference: common.reference,
            began: Instant::now(),
        })
    }

    /// A subject by its name.
    pub(crate) fn subject(&self, name: &str) -> Result<Box<dyn Subject>, Stop> {
        let sources = Sources { reference: Reference::linked(), recording: None };
        build(name, &sources).ok_or_else(|| Stop::missing(absence()))
    }

    fn subjects(&self, names: &[&str]) -> Result<Vec<Box<dyn Subject>>, Stop> {
        names.iter().map(|name| self.subject(name)).collect()
    }

    /// All subjects, the oracle first where it is live.
    pub(crate) fn all_subjects(&self) -> Result<Vec<Box<dyn Subject>>, Stop> {
        let oracle: Option<Box<dyn Subject>> = match &self.source {
            Source::Linked(reference) => Some(Box::new(Original::new(reference.clone()))),
            Source::File(file) => Some(Box::new(Isolated::new(file.clone()))),
            Source::Recorded => None,
        };
        let mut all: Vec<Box<dyn Subject>> = oracle.into_iter().collect();
        all.extend(self.subjects(&self.subjects)?);
        Ok(all)
    }

    fn judge_of(&self, names: &[&str], oracle: Oracle) -> Result<Judge, Stop> {
        let judge = Judge::new(oracle, self.subjects(names)?);
        judge.map(|judge| judge.lacking(self.lacks())).map_err(|vacuous| Stop::vacuous(&vacuous))
    }

    /// The functions that operations call and that the reference lacks.
    pub(crate) fn lacks(&self) -> Vec<&'static str> {
        match &self.source {
            Source::Linked(reference) => conformance::trace::functions_among(reference.missing()),
            Source::File(file) => file.lacks(),
            Source::Recorded => Vec::new(),
        }
    }

    fn live(&self, limit: Option<Duration>) -> Option<Oracle> {
        let subject: Box<dyn Subject> = match &self.source {
            Source::Linked(reference) => Box::new(Original::new(reference.clone())),
            Source::File(file) => Box::new(Isolated::new(
                file.with_limit(limit.map_or(file.limit(), |limit| limit.min(file.limit()))),
            )),
            Source::Recorded => return None,
        };
        Some(Oracle::Live(subject))
    }

    /// The judge of this run.
    pub(crate) fn judge(&self) -> Result<Judge, Stop> {
        self.judge_of(&self.subjects, self.live(None).unwrap_or(Oracle::Recorded))
    }

    /// One that compares a single subject with an oracle that can carry out any trace, quickly.
    pub(crate) fn judge_for_shrinking(
        &self,
        subject: &str,
        limit: Duration,
    ) -> Result<Judge, Stop> {
        self.judge_of(&[subject], self.live(Some(limit)).unwrap_or(Oracle::Model))
    }

    /// Whether recorded transcripts are compared: not where another file is the oracle.
    pub(crate) fn uses_recordings(&self) -> bool {
        match &self.source {
            Source::Linked(reference) => reference.pinned(),
            Source::File(_) => false,
            Source::Recorded => true,
        }
    }

    /// The trace in a file, and what is recorded of it where recordings are compared.
    pub(crate) fn trace(&self, path: &Path) -> Result<(Trace, Option<Recording>), Stop> {
        files::regular(path)?;
        files::regular(&corpus::recording_path(path))?;
        let trace = corpus::load(path).map_err(Stop::input)?;
        let recording = if self.uses_recordings() {
            corpus::load_recording(path).map_err(Stop::input)?
        } else {
            None
        };
        Ok((trace, recording))
    }

    /// A report in which nothing is found yet.
    pub(crate) fn report(&self, seed: Option<u64>) -> Report {
        Report {
            format: report::FORMAT,
            oracle: self.oracle.clone(),
            subjects: self.subjects.iter().map(|name| (*name).to_owned()).collect(),
            seed,
            shard: format!("{}/{}", self.shard.index + 1, self.shard.of),
            sections: Vec::new(),
            failures: Vec::new(),
            problems: Vec::new(),
            streams: Vec::new(),
            mutants: None,
            coverage: None,
            interrupted: false,
            seconds: 0.0,
        }
    }

    /// The command that shows a case again.
    pub(crate) fn command(&self, verb: &str, path: &Path) -> String {
        let mut command = format!("{} {verb} {}", program::name(), program::quoted_path(path));
        if let Some(reference) = &self.reference {
            command += &format!(" --reference {}", program::quoted_path(reference));
            command += &self.reference_options;
        }
        if self.limit != LIMIT {
            command += &format!(" --limit {}", self.limit);
        }
        if self.named {
            let names = self.subjects.iter().map(|name| format!(" --subject {name}"));
            command.extend(names);
        }
        command
    }

    /// Ends a report, prints it, and gives its status.
    pub(crate) fn conclude(&self, mut report: Report) -> crate::Ended {
        // The smallest trace says the most.
        report.failures.sort_by_key(|failure| failure.ops.unwrap_or(usize::MAX));
        report.seconds = self.began.elapsed().as_secs_f64();
        let compared: u64 = report.sections.iter().map(crate::report::Section::total).sum();
        if compared == 0 && report.problems.is_empty() && !report.interrupted {
            return Err(nothing(self.shard));
        }
        crate::output::report(&report, self.format)
    }
}
