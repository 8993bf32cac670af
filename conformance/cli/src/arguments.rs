//! What can be said on the command line.

use std::path::PathBuf;

use c_reference::{Options, Release};
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use conformance::explore::Shard;
use conformance::fault_injection::Budget;
use conformance::isolate::ReferenceFile;
use conformance::model::Model;
use conformance::subject::{Core, Original};
use mutation::search;

use crate::tables;

/// [`search::WORST`], as it is written on the command line.
const WORST: &str = "10";
const _: () = assert!(search::WORST == 10);

/// Seconds of `--limit` if nothing is said.
pub(crate) const LIMIT: u64 = 2;

/// Greatest numbers. They are far beyond what is of use, and small enough for every sum of them.
const MAX_SECONDS: u64 = 366 * 24 * 60 * 60;
const MAX_LIMIT: u64 = 24 * 60 * 60;
const MAX_CASES: u64 = 1_000_000_000_000;
const MAX_SHARDS: u64 = 1_000_000;
const MAX_JOBS: u64 = 256;
const MAX_WIDTH: u64 = 10_000;

/// Compares the Rust core with QEMU's original C, byte for byte and call for call.
///
/// Without a command: check.
#[derive(Debug, Parser)]
#[command(version, after_help = tables::help(), max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Compare everything that is bounded: the corpus, the streams, 200,000 generated cases.
    Check,
    /// Carry out traces on all subjects.
    Replay {
        /// Traces, or directories with traces; the corpus if none.
        paths: Vec<PathBuf>,
    },
    /// Carry out generated traces on all subjects.
    Explore(Explore),
    /// Print the smallest trace that fails as the given one does; exits with 1 where it does.
    Shrink {
        /// The failing trace.
        trace: PathBuf,
        /// Say on standard error what each accepted step took away.
        #[arg(long)]
        explain: bool,
    },
    /// Show what each subject does with a trace, side by side.
    Explain {
        /// The trace.
        trace: PathBuf,
        /// Characters in a line; the terminal's if not given, or 160.
        #[arg(long, value_parser = clap::value_parser!(u64).range(20..=MAX_WIDTH))]
        width: Option<u64>,
    },
    /// Write the transcripts of the live original beside their traces.
    Record(Record),
    /// Walk migration streams on all subjects, and write them again.
    Streams(Streams),
    /// Show what a migration stream holds, where it breaks, and how two differ.
    Inspect(Inspect),
    /// Make a regression trace of what a fuzzer found: decoded, shrunk, with its transcript.
    Promote(Promote),
    /// Make seeds for the fuzz targets of traces.
    ExportSeeds(ExportSeeds),
    /// Compare what the corpus reaches of the original with what can be reached; see ci/coverage.
    Coverage(Coverage),
    /// Let each call that a trace makes to the outside fail in turn, on all subjects.
    InjectFaults(InjectFaults),
    /// Run broken copies of the original against the corpus; exits with 1 where one is not found.
    Mutants(Mutants),
    /// Compare releases of QEMU with 8.2.0, and what drifts with corpus/drift.ron; exits with 1 where
    /// something else drifts.
    Drift(Drift),
    /// Say what is here, what is missing, and which command helps.
    Doctor,
}

#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Number of cases; 200,000 if nothing is said.
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..=MAX_CASES))]
    pub(crate) cases: Option<u64>,
    /// Explore for so long instead.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MAX_SECONDS))]
    pub(crate) seconds: Option<u64>,
    /// Seed of the cases; another one each time if not given. It is printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// Traces, or directories with traces; the corpus if none.
    pub(crate) paths: Vec<PathBuf>,
    /// Write nothing; list what is stale or missing, and exit with 1 where something is.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Streams {
    /// Streams, or directories of streams with or without manifest and sidecars; the corpus's
    /// streams if none.
    pub(crate) paths: Vec<PathBuf>,
    /// Print the table of sections instead.
    #[arg(long)]
    pub(crate) dump: bool,
    /// Stream that lends its description to those without one.
    #[arg(long, value_name = "STREAM")]
    pub(crate) description_from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The stream.
    #[arg(required_unless_present = "diff", conflicts_with = "diff")]
    pub(crate) file: Option<PathBuf>,
    /// Compare two streams block by block and field by field; exits with 1 where they differ.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub(crate) diff: Vec<PathBuf>,
    /// Print each field of each device as well.
    #[arg(long, conflicts_with_all = ["diff", "ram", "page"])]
    pub(crate) fields: bool,
    /// Print one JSON object, which has all fields.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write this block of guest memory into the file of --out.
    #[arg(long, value_name = "BLOCK", requires = "out", conflicts_with_all = ["diff", "page"])]
    pub(crate) ram: Option<String>,
    /// Where the block goes.
    #[arg(long, value_name = "FILE", requires = "ram")]
    pub(crate) out: Option<PathBuf>,
    /// Print the page of guest memory in which this byte of a block lies, e.g. pc.ram:0x7c00.
    #[arg(long, value_name = "BLOCK:OFFSET", conflicts_with = "diff", value_parser = page_address)]
    pub(crate) page: Option<PageAddress>,
    /// Stream that lends its description to one without.
    #[arg(long, value_name = "STREAM")]
    pub(crate) description_from: Option<PathBuf>,
}

/// A byte of guest memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageAddress {
    /// Name of the block.
    pub(crate) block: String,
    /// Offset in it, in bytes.
    pub(crate) offset: u64,
}

/// Takes `BLOCK:OFFSET` apart. Names of blocks have colons of their own.
fn page_address(text: &str) -> Result<PageAddress, String> {
    let wrong = || format!("{text:?} is not a block and an offset such as pc.ram:0x7c00");
    let (block, offset) = text.rsplit_once(':').ok_or_else(wrong)?;
    let number = match offset.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => offset.parse(),
    };
    Ok(PageAddress { block: block.to_owned(), offset: number.map_err(|_| wrong())? })
}

#[derive(Debug, Args)]
pub(crate) struct Promote {
    /// What the fuzzer wrote: fuzz/artifacts/TARGET/crash-...
    pub(crate) artifact: PathBuf,
    /// Name of the trace: area-cause.
    #[arg(long, value_name = "AREA-CAUSE")]
    pub(crate) name: String,
    /// Why the trace exists, in one sentence; what it shows if not given.
    #[arg(long)]
    pub(crate) cause: Option<String>,
    /// The fuzz target; that of the artifact's folder if not given.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Where the trace goes; `corpus/regressions` if not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportSeeds {
    /// Traces, or directories with traces; the corpus if none.
    pub(crate) paths: Vec<PathBuf>,
    /// Where the seeds go, a folder for each target; `fuzz/corpus` if not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// What `llvm-cov export` wrote; nothing with --build.
    #[arg(required_unless_present = "build")]
    pub(crate) export: Option<PathBuf>,
    /// Compile the original into this shared object so that it counts, and end.
    #[arg(long, value_name = "FILE.so")]
    pub(crate) build: Option<PathBuf>,
    /// The original, where the copy that the build made is gone.
    #[arg(long, value_name = "FILE.c", requires = "build")]
    pub(crate) original: Option<PathBuf>,
    /// The export is of the core under its own tests.
    #[arg(long, conflicts_with = "build")]
    pub(crate) core: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Drift {
    /// Files of releases; those that ci/original has found if none.
    pub(crate) files: Vec<PathBuf>,
    /// Number of generated cases for each.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=MAX_CASES))]
    pub(crate) cases: u64,
    /// Exit with 3 where this release is not here; may be repeated.
    #[arg(long, value_name = "RELEASE")]
    pub(crate) require: Vec<Release>,
}

#[derive(Debug, Args)]
pub(crate) struct InjectFaults {
    /// Traces or streams, or directories of either; the corpus with its streams if none.
    pub(crate) paths: Vec<PathBuf>,
    /// Vary each call and cut each transfer at every byte. Of the corpus this takes hours.
    #[arg(long)]
    pub(crate) every: bool,
}

impl InjectFaults {
    /// What is swept, where nothing else is said.
    pub(crate) fn budget(&self, usual: Budget) -> Budget {
        if self.every { Budget::EVERY } else { usual }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Mutants {
    /// The original, where the copy that the build made is gone.
    #[arg(long, value_name = "FILE.c")]
    pub(crate) original: Option<PathBuf>,
    /// Only those of this function, or whose name begins like this.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
    /// Print their names and run none; of a single one, the whole C file.
    #[arg(long)]
    pub(crate) print: bool,
    /// Measure also how long generated cases take to find each, and give up after so many seconds;
    /// exits with 1 where one is not found, or half of them take longer than they may.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = WORST, value_parser = clap::value_parser!(u64).range(1..=MAX_LIMIT))]
    pub(crate) search: Option<u64>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Compare with this file instead of the original: C source, or a shared object. It runs in a
    /// process of its own.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) reference: Option<PathBuf>,
    /// Take the reference for one of this release; else it is known by its hash, or by what it has.
    #[arg(long, global = true, value_name = "NAME", requires = "reference")]
    pub(crate) release: Option<Release>,
    /// Build the reference with these sanitizers; what they find is a finding.
    #[arg(long, global = true, value_name = "LIST", requires = "reference", value_parser = ["address,undefined"])]
    pub(crate) sanitize: Option<String>,
    /// A header that the reference is to see, or a folder of headers; may be repeated.
    #[arg(long, global = true, value_name = "FILE", requires = "reference")]
    pub(crate) include: Vec<PathBuf>,
    /// Further flags for the compiler of the reference, after those of CFLAGS.
    #[arg(
        long,
        global = true,
        value_name = "FLAGS",
        requires = "reference",
        allow_hyphen_values = true
    )]
    pub(crate) cflags: Option<String>,
    /// Seconds that the reference may take for a trace.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = LIMIT, value_parser = clap::value_parser!(u64).range(1..=MAX_LIMIT))]
    pub(crate) limit: u64,
    /// What to compare; may be repeated. All but the original if not given.
    #[arg(long = "subject", global = true, value_name = "NAME")]
    pub(crate) subjects: Vec<Name>,
    /// Form of the result.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Do only part I of N, from 1.
    #[arg(long, global = true, value_name = "I/N", default_value = "1/1", value_parser = shard)]
    pub(crate) shard: Shard,
    /// Where failing cases go; `conformance` in cargo's target folder if not given.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Threads; one for each processor if not given. The result does not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_JOBS))]
    pub(crate) jobs: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One object.
    Json,
    /// JUnit XML.
    Junit,
}

impl Common {
    /// How the reference is compiled.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        options.include.clone_from(&self.include);
        options.sanitize = self.sanitize.is_some();
        let words = self.cflags.as_deref().unwrap_or_default().split_whitespace();
        options.cflags.extend(words.map(str::to_owned));
        options
    }

    /// The file of `--reference` as the release that it is, or is told to be.
    pub(crate) fn release(&self, file: &ReferenceFile) -> String {
        let found = || file.identity().map_or_else(String::new, |known| known.release.clone());
        self.release.map_or_else(found, |told| told.to_string())
    }
}

/// A subject that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) &'static str);

impl Name {
    /// What is compared if nothing is said.
    pub(crate) const USUAL: [Self; 3] =
        [Self(Core::FAITHFUL), Self(Core::DEFAULT), Self(Model::FAITHFUL)];
}

impl ValueEnum for Name {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Name; 5] = [
            Name(Core::FAITHFUL),
            Name(Core::DEFAULT),
            Name(Model::FAITHFUL),
            Name(Model::FIXED),
            Name(Original::NAME),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, what) =
            conformance::registry::NAMES.into_iter().find(|(name, _)| *name == self.0)?;
        let value = PossibleValue::new(name).help(what);
        Some(if name == Original::NAME { value.alias("reference") } else { value })
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("{text:?} is not a part such as 1/4 or 4/4");
    let (index, of) = text.split_once('/').ok_or_else(wrong)?;
    let (index, of): (u64, u64) =
        (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if index == 0 || index > of {
        return Err(wrong());
    }
    if of > MAX_SHARDS {
        return Err(format!("there can be at most {MAX_SHARDS} parts"));
    }
    Ok(Shard { index: index - 1, of })
}
