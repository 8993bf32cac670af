//! A reference in a process of its own, with a limit on time and memory.
//!
//! Any file may be a reference: one that crashes, aborts or never ends takes its process with it
//! and not the run. The subject then says so ([`Value::Broken`]) at the operation where it
//! happened, and the next trace meets a new process.
//!
//! ```text
//! Isolated --Request--> child process: serve() --> Original --> reference
//!          <--Reply----
//! ```

mod child;
mod process;
mod protocol;
mod sanitizer;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use c_reference::{Options, Toolchain};
pub use child::serve;
use process::{Broken, Process};
pub use protocol::Identity;
use protocol::{Reply, Request};
use rustix::fs::StatVfsMountFlags;

use crate::observation::{Event, Observation, Value};
use crate::subject::{Subject, Unready};
use crate::trace::{Op, World, hex};

/// First argument of a process that is to call [`serve`]; the second is the shared object.
pub const VERB: &str = "__reference";

/// Time for one trace, or for one operation where they are asked for one by one.
pub const LIMIT: Duration = Duration::from_secs(2);

/// Why a file cannot be used as a reference.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// It cannot be read or compiled.
    #[error(transparent)]
    Load(#[from] c_reference::LoadError),
    /// There is no place for what is compiled.
    #[error("no temporary directory to compile in: {0}; set TMPDIR to one that can be written")]
    Directory(std::io::Error),
    /// The program that runs it cannot be started.
    #[error("{program}: cannot be started to run the reference: {source}", program = program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was compiled, and does not load or does not run.
    #[error("{path}: {reason}", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What its process said.
        reason: String,
    },
}

/// A file that stands in for the original, compiled once, to be run in any number of processes.
#[derive(Clone, Debug)]
pub struct ReferenceFile {
    path: PathBuf,
    sha256: String,
    program: PathBuf,
    object: PathBuf,
    limit: Duration,
    /// What the first process that has loaded it said.
    identity: Arc<OnceLock<Identity>>,
    /// Variables of a process that loads it: those of the sanitizers that it is built with.
    environment: Arc<[(&'static str, String)]>,
    _directory: Option<Arc<tempfile::TempDir>>,
}

impl ReferenceFile {
    /// A `.c` file, which is compiled, or a `.so` file. `program` is one that calls [`serve`] when
    /// it is given [`VERB`].
    ///
    /// # Errors
    ///
    /// [`ReferenceError`], with what the compiler, the linker or the system said.
    pub fn open(path: &Path, program: &Path, limit: Duration) -> Result<Self, ReferenceError> {
        Self::open_with(path, program, limit, &Options::default())
    }

    /// As [`open`](Self::open), of a `.c` file that is compiled with `options`.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`], with what the compiler, the linker or the system said.
    pub fn open_with(
        path: &Path,
        program: &Path,
        limit: Duration,
        options: &Options,
    ) -> Result<Self, ReferenceError> {
        let file = Self::untried_with(path, program, limit, options)?;
        file.start()?;
        Ok(file)
    }

    /// As [`open`](Self::open), without a process that shows that it loads:
    /// [`Isolated::started`] shows it as well.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`], with what the compiler, the linker or the system said.
    pub fn untried(path: &Path, program: &Path, limit: Duration) -> Result<Self, ReferenceError> {
        Self::untried_with(path, program, limit, &Options::default())
    }

    fn untried_with(
        path: &Path,
        program: &Path,
        limit: Duration,
        options: &Options,
    ) -> Result<Self, ReferenceError> {
        let bytes = contents(path)
            .map_err(|source| c_reference::LoadError::Read { path: path.to_owned(), source })?;
        let sha256 = hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes));
        let mut environment = Vec::new();
        let (object, directory) = match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("c") => {
                let directory = tempfile::tempdir().map_err(ReferenceError::Directory)?;
                let object = directory.path().join("reference.so");
                let refused = |error| ReferenceError::Load(c_reference::LoadError::Compile(error));
                let toolchain = Toolchain::open(options).map_err(refused)?;
                toolchain.compile(path, &object).map_err(refused)?;
                if options.sanitize {
                    environment = toolchain.sanitizer_environment().map_err(refused)?;
                }
                (object, Some(Arc::new(directory)))
            }
            // The dynamic linker looks for a bare name elsewhere.
            Some("so") => (std::path::absolute(path).unwrap_or_else(|_| path.to_owned()), None),
            _ => return Err(c_reference::LoadError::UnknownKind { path: path.to_owned() }.into()),
        };
        Ok(Self {
            path: path.to_owned(),
            sha256,
            program: program.to_owned(),
            object,
            limit,
            identity: Arc::default(),
            environment: environment.into(),
            _directory: directory,
        })
    }

    /// The file that was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What it is; `None` as long as no process has loaded it.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.get()
    }

    /// The functions that operations call and that it lacks.
    #[must_use]
    pub fn lacks(&self) -> Vec<&'static str> {
        let missing = self.identity().map_or(&[][..], |identity| &identity.missing);
        crate::trace::functions_among(missing.iter().map(String::as_str))
    }

    /// The same file with another limit.
    #[must_use]
    pub fn with_limit(&self, limit: Duration) -> Self {
        Self { limit, ..self.clone() }
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// What to add where the file system of the shared object runs no programs.
    fn why_not_executable(&self) -> Option<String> {
        let folder = self.object.parent()?;
        let mounted = rustix::fs::statvfs(folder).ok()?;
        if !mounted.f_flag.contains(StatVfsMountFlags::NOEXEC) {
            return None;
        }
        let folder = folder.display();
        Some(match self._directory {
            Some(_) => format!(
                "; {folder} is on a file system mounted `noexec`: set TMPDIR to a folder from which programs may be run"
            ),
            None => format!("; {folder} is on a file system mounted `noexec`: move the file"),
        })
    }

    fn start(&self) -> Result<Process, ReferenceError> {
        let start = |source| ReferenceError::Start { program: self.program.clone(), source };
        let mut process =
            Process::start(&self.program, &self.object, &self.environment).map_err(start)?;
        let unusable = |reason: String| {
            let reason = reason + self.why_not_executable().as_deref().unwrap_or_default();
            ReferenceError::Unusable { path: self.path.clone(), reason }
        };
        // Loading is the dynamic linker's work and may be slow on a busy machine.
        match process.reply(LIMIT * 10) {
            Ok(Reply::Loaded(identity)) => {
                self.identity.get_or_init(|| identity);
                Ok(process)
            }
            Ok(Reply::Failed(reason)) => Err(unusable(reason)),
            Ok(Reply::Done { .. }) => Err(unusable("answered before it was asked".to_owned())),
            Err(broken) => Err(unusable(format!("{broken} while it was loaded"))),
        }
    }
}

/// The bytes of a file; of a FIFO or a device, which may have no end, an error.
fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.is_file() {
        return std::fs::read(path);
    }
    Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a regular file"))
}

/// The subject: a reference in a process of its own.
pub struct Isolated {
    file: ReferenceFile,
    process: Option<Process>,
    /// The world of the trace until the first operations are sent, which it goes with.
    world: Option<World>,
    /// How the trace came to an early end.
    ended: Option<String>,
}

impl Isolated {
    /// Name of the subject.
    pub const NAME: &'static str = "reference-file";

    /// The subject of a file.
    #[must_use]
    pub fn new(file: ReferenceFile) -> Self {
        Self { file, process: None, world: None, ended: None }
    }

    /// The subject of a file, whose process runs already.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] where it does not start, or the file does not load.
    pub fn started(file: ReferenceFile) -> Result<Self, ReferenceError> {
        let process = Some(file.start()?);
        Ok(Self { process, ..Self::new(file) })
    }

    fn ask(&mut self, request: &Request<'_>) -> Result<Reply, Broken> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.file.start().map_err(|error| Broken::Gone(error.to_string()))?,
        };
        let reply = process.ask(request, self.file.limit)?;
        self.process = Some(process);
        Ok(reply)
    }

    /// Sends operations, and the world before them where they are the first.
    fn send(&mut self, world: Option<&World>, ops: &[&Op]) -> Result<Vec<Observation>, Broken> {
        let ops: Vec<Cow<'_, Op>> = ops.iter().map(|op| Cow::Borrowed(*op)).collect();
        match self.ask(&Request { begin: world.map(Cow::Borrowed), ops, finish: false })? {
            Reply::Done { steps, .. } => Ok(steps),
            Reply::Failed(reason) => Err(Broken::Gone(reason)),
            Reply::Loaded(_) => Err(Broken::Gone("answered out of turn".to_owned())),
        }
    }

    /// Finds the operation at which a whole trace came to its early end: one at a time, in a new
    /// process.
    fn find_end(&mut self, world: &World, ops: &[&Op], broken: &Broken) -> Vec<Observation> {
        let mut steps = Vec::with_capacity(ops.len());
        for (at, op) in ops.iter().enumerate() {
            match self.send((at == 0).then_some(world), &[op]) {
                Ok(mut seen) => steps.append(&mut seen),
                Err(broken) => {
                    steps.push(self.end(&broken));
                    break;
                }
            }
        }
        if steps.len() == ops.len() && self.ended.is_none() {
            // It broke, and not when it was alone: what an earlier trace did may be the cause.
            let text = format!("{broken}, and not again in a process of its own");
            steps.pop();
            let value = Value::BrokenOnce(text.clone());
            self.ended = Some(text);
            steps.push(Observation { value, ..Observation::skipped() });
        }
        steps
    }

    fn end(&mut self, how: &Broken) -> Observation {
        self.ended = Some(how.to_string());
        let mut seen = broken(how.to_string());
        if let Broken::Reported(report) = how {
            seen.events.push(report.event());
        }
        seen
    }

    fn carry_out(&mut self, ops: &[&Op]) -> Vec<Observation> {
        let mut steps = if self.ended.is_some() {
            Vec::new()
        } else if let Some(world) = self.world.take() {
            match self.send(Some(&world), ops) {
                Ok(steps) => steps,
                Err(broken) => self.find_end(&world, ops, &broken),
            }
        } else {
            match self.send(None, ops) {
                Ok(steps) => steps,
                Err(broken) => vec![self.end(&broken)],
            }
        };
        steps.resize_with(ops.len(), || broken("not reached".to_owned()));
        steps
    }
}

fn broken(text: String) -> Observation {
    Observation { value: Value::Broken(text), events: Vec::new(), states: Vec::new() }
}

impl Subject for Isolated {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn prefers_batches(&self) -> bool {
        true
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        self.world = Some(world.clone());
        self.ended = None;
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Observation {
        self.carry_out(&[op]).pop().unwrap_or_else(|| broken("not reached".to_owned()))
    }

    fn steps(&mut self, ops: &[&Op]) -> Vec<Observation> {
        self.carry_out(ops)
    }

    fn finish(&mut self) -> Vec<Event> {
        self.world = None;
        if self.ended.is_some() {
            return Vec::new();
        }
        match self.ask(&Request { begin: None, ops: Vec::new(), finish: true }) {
            Ok(Reply::Done { late, .. }) => late,
            Ok(_) => Vec::new(),
            Err(broken) => {
                let what = format!("at the end of the trace: {broken}");
                vec![match broken {
                    Broken::Reported(report) => report.event(),
                    _ => Event::Defect { what, function: String::new(), line: 0 },
                }]
            }
        }
    }
}
