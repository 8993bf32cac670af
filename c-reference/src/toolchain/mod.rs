//! Compiling references at run time, with the same shim and flags as the build.

mod diagnostics;
mod error;
mod process;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tempfile::TempDir;

pub use error::CompileError;

use crate::flags::{self, FLAGS, ORIGINAL_NAME, SOURCES, UNIT, VISIBILITY};

// The shim and zlib's headers, as they were when this crate was built: (name, content).
include!(concat!(env!("OUT_DIR"), "/shim_files.rs"));

/// What would be a warning about types in one compiler is an error in another, so that a copy
/// with arguments exchanged compiles only where it could be meant.
const STRICT: [&str; 4] = [
    "-Werror=int-conversion",
    "-Werror=incompatible-pointer-types",
    "-Werror=implicit-function-declaration",
    "-Werror=implicit-int",
];

/// How references are compiled.
#[derive(Clone, Debug)]
pub struct Options {
    /// The compiler, which may carry flags or a wrapper ("ccache gcc"); the first of `cc`, `gcc`
    /// and `clang` that is here where it is empty. Default: `$CC`.
    pub compiler: String,
    /// Further flags, after the shim's own. Default: the words of `$CFLAGS`.
    pub cflags: Vec<String>,
    /// Headers that the file is to see before its own text, and folders in which headers are
    /// looked for after the shim's.
    pub include: Vec<PathBuf>,
    /// Whether file and shim are built with AddressSanitizer and UndefinedBehaviorSanitizer. Such
    /// an object is loaded by a process that was started with
    /// [`sanitizer_environment`](Toolchain::sanitizer_environment).
    pub sanitize: bool,
    /// Whether the reference is to tell which blocks of the file it passes through
    /// ([`Session::take_blocks`](crate::Session::take_blocks), [`lines_of`](crate::lines_of)).
    pub coverage: bool,
    /// Whether the same code is to be the same object file, byte for byte: no debugging
    /// information, no hash of the file, `-O1`.
    pub reproducible: bool,
    /// How long each run of the compiler may take. Default: 60 seconds.
    pub limit: Duration,
    /// A flag of the caller's; once it is set, the compiler is ended and nothing is left behind.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for Options {
    fn default() -> Self {
        let words = |name: &str| std::env::var(name).unwrap_or_default();
        Self {
            compiler: words("CC"),
            cflags: words("CFLAGS").split_whitespace().map(str::to_owned).collect(),
            include: Vec::new(),
            sanitize: false,
            coverage: false,
            reproducible: false,
            limit: Duration::from_secs(60),
            cancel: None,
        }
    }
}

/// A directory in which the shim is compiled once, for any number of references.
#[derive(Debug)]
pub struct Toolchain {
    directory: TempDir,
    options: Options,
    recipe: String,
}

impl Toolchain {
    /// Compiles the shim.
    ///
    /// # Errors
    ///
    /// [`CompileError`], with what the compiler said.
    pub fn open(options: &Options) -> Result<Self, CompileError> {
        let directory = tempfile::tempdir().map_err(|source| CompileError::Directory { source })?;
        let toolchain = Self { directory, options: options.clone(), recipe: String::new() };
        let mut recipe = String::new();
        for (name, content) in SHIM {
            write(&toolchain.shim(name), content.as_bytes())?;
            recipe.push_str(content);
        }
        write(&toolchain.shim("reference_include.h"), toolchain.includes()?.as_bytes())?;
        for argument in toolchain.arguments() {
            let argument = argument.to_string_lossy();
            if !Path::new(&*argument).starts_with(toolchain.directory.path()) {
                recipe.push_str(&argument);
            }
        }
        let none = Path::new("");
        let compiler = toolchain.run(vec!["--version".into()], none, none)?;
        recipe.push_str(&compiler.compiler);
        recipe.push_str(&compiler.out);
        for name in toolchain.sources() {
            let mut arguments = toolchain.arguments();
            arguments.extend(["-c".into(), toolchain.shim(name).into()]);
            arguments.extend(["-o".into(), toolchain.shim_object(name).into()]);
            toolchain.run(arguments, &toolchain.shim(name), &toolchain.shim(name))?;
        }
        Ok(Self { recipe: flags::sha256_hex(recipe.as_bytes()), ..toolchain })
    }

    /// SHA-256 of what all references of this toolchain have in common: shim, flags, compiler.
    #[must_use]
    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Compiles a C file with the shim into the shared object `out`, written aside and renamed.
    ///
    /// # Errors
    ///
    /// [`CompileError`], with what the compiler said.
    pub fn compile(&self, source: &Path, out: &Path) -> Result<(), CompileError> {
        let text = fs::read(source)
            .map_err(|error| CompileError::Read { path: source.to_owned(), source: error })?;
        // Found before the file is compiled, which takes longer.
        let aside = in_directory(out)?;
        // Of its own, for callers on other threads.
        let place = tempfile::tempdir_in(self.directory.path())
            .map_err(|source| CompileError::Directory { source })?;
        let object = self.unit(place.path(), &text, source)?;
        self.link_to(&object, aside, out, source)
    }

    /// Compiles the text of a C file to an object file, and gives its path and its bytes. `name` is
    /// one of the caller's, different for each.
    ///
    /// # Errors
    ///
    /// [`CompileError::Refused`] with what the compiler said.
    pub fn object(&self, name: &str, text: &str) -> Result<(PathBuf, Vec<u8>), CompileError> {
        let place = self.directory.path().join(name);
        let object = self.unit(&place, text.as_bytes(), Path::new(ORIGINAL_NAME))?;
        let bytes = fs::read(&object)
            .map_err(|source| CompileError::Read { path: object.clone(), source })?;
        Ok((object, bytes))
    }

    /// Links an object file with the shim into the shared object `out`, written aside and renamed.
    ///
    /// # Errors
    ///
    /// [`CompileError`], with what the linker said.
    pub fn link(&self, object: &Path, out: &Path) -> Result<(), CompileError> {
        self.link_to(object, in_directory(out)?, out, object)
    }

    /// Variables of the environment that a process needs before it loads an object of this
    /// toolchain with [`Options::sanitize`]: the runtime is to be in the process before all else,
    /// and a report ends the process with `SIGABRT`, on standard error, with one of
    /// [`SANITIZER_REPORTS`]. The process must not have its address space limited.
    ///
    /// # Errors
    ///
    /// [`CompileError::Refused`] where the compiler has no such runtime.
    pub fn sanitizer_environment(&self) -> Result<Vec<(&'static str, String)>, CompileError> {
        const RUNTIMES: [&str; 3] =
            ["libasan.so", "libclang_rt.asan.so", concat!("libclang_rt.asan-", "x86_64.so")];
        let none = Path::new("");
        for name in RUNTIMES {
            let ended = self.run(vec![format!("-print-file-name={name}").into()], none, none)?;
            let path = Path::new(ended.out.trim()).to_owned();
            if path.is_absolute() && path.exists() {
                return Ok(vec![
                    ("LD_PRELOAD", path.display().to_string()),
                    // What is left over is counted by the shim, which knows what is still in use.
                    ("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0:handle_segv=1".to_owned()),
                    ("UBSAN_OPTIONS", "abort_on_error=1:print_stacktrace=1".to_owned()),
                ]);
            }
        }
        Err(CompileError::Refused {
            path: PathBuf::from(RUNTIMES[0]),
            compiler: self.options.compiler.clone(),
            said: "the compiler has no shared runtime of AddressSanitizer".to_owned(),
            unknown: Vec::new(),
        })
    }

    fn unit(&self, place: &Path, text: &[u8], file: &Path) -> Result<PathBuf, CompileError> {
        // Alone in its directory, lest headers beside the file be taken for the shim's.
        let source = place.join(ORIGINAL_NAME);
        write(&source, text)?;
        write(&place.join(flags::TRACE_NAME), flags::trace_header(text).as_bytes())?;
        let sha256 = if self.options.reproducible {
            "not told apart".to_owned()
        } else {
            flags::sha256_hex(text)
        };
        let object = place.join("unit.o");
        let mut arguments = self.arguments();
        arguments.extend(STRICT.map(OsString::from));
        arguments.push(flags::identity(&sha256).into());
        if self.options.coverage {
            arguments.push("-fsanitize-coverage=trace-pc".into());
        }
        arguments.extend(["-I".into(), place.into(), "-c".into()]);
        arguments.extend([self.shim(UNIT).into(), "-o".into(), object.clone().into()]);
        self.run(arguments, &source, file)?;
        Ok(object)
    }

    fn link_to(
        &self,
        object: &Path,
        aside: tempfile::NamedTempFile,
        out: &Path,
        file: &Path,
    ) -> Result<(), CompileError> {
        let mut arguments: Vec<OsString> =
            ["-shared", "-Wl,-Bsymbolic"].into_iter().map(OsString::from).collect();
        if self.options.sanitize {
            arguments.push(SANITIZE.into());
        } else {
            // A sanitizer's own functions come from its runtime, in the process that loads this.
            arguments.push("-Wl,-z,defs".into());
        }
        arguments.push(object.into());
        arguments.extend(self.sources().map(|name| self.shim_object(name).into()));
        arguments.extend(self.options.cflags.iter().map(OsString::from));
        arguments.extend(["-o".into(), aside.path().into()]);
        self.run(arguments, object, file)?;
        aside
            .persist(out)
            .map_err(|error| CompileError::Write { path: out.to_owned(), source: error.error })?;
        Ok(())
    }

    /// The shim's own files.
    fn sources(&self) -> impl Iterator<Item = &'static str> {
        SOURCES.into_iter().chain(self.options.coverage.then_some(flags::COVERAGE))
    }

    /// The header that takes in those of the caller's.
    fn includes(&self) -> Result<String, CompileError> {
        let mut text = String::new();
        for path in self.options.include.iter().filter(|path| !path.is_dir()) {
            let whole = path
                .canonicalize()
                .map_err(|source| CompileError::Read { path: path.clone(), source })?;
            text.push_str(&format!("#include \"{}\"\n", whole.display()));
        }
        Ok(text)
    }

    /// Flags of every compilation.
    fn arguments(&self) -> Vec<OsString> {
        let own: &[&str] = if self.options.reproducible {
            &["-fPIC", "-O1", "-fmax-errors=20"]
        } else {
            &["-fPIC", "-O2", "-g", "-fmax-errors=20"]
        };
        let mut arguments: Vec<OsString> =
            own.iter().chain(&FLAGS).chain([&VISIBILITY]).map(OsString::from).collect();
        if self.options.sanitize {
            arguments.extend(
                [SANITIZE, "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"]
                    .map(OsString::from),
            );
        }
        if self.options.coverage {
            arguments.push("-DREFERENCE_COVERAGE".into());
        }
        for folder in ["", flags::THIN_FOLDER, flags::ZLIB_FOLDER] {
            arguments.extend(["-I".into(), self.shim(folder).into()]);
        }
        for folder in self.options.include.iter().filter(|path| path.is_dir()) {
            arguments.extend(["-I".into(), folder.into()]);
        }
        arguments.extend(self.options.cflags.iter().map(OsString::from));
        arguments
    }

    fn shim(&self, name: &str) -> PathBuf {
        self.directory.path().join("shim").join(name)
    }

    fn shim_object(&self, name: &str) -> PathBuf {
        self.directory.path().join(name).with_extension("o")
    }

    /// Runs the compiler; `copy` in its messages reads as `file`.
    fn run(
        &self,
        arguments: Vec<OsString>,
        copy: &Path,
        file: &Path,
    ) -> Result<process::Ended, CompileError> {
        let options = &self.options;
        let cancel = options.cancel.as_deref();
        let ended = process::run(&options.compiler, &arguments, file, options.limit, cancel)?;
        if ended.success {
            return Ok(ended);
        }
        let (said, unknown) = diagnostics::digest(&ended.said, copy, file);
        let (path, compiler) = (file.to_owned(), ended.compiler);
        Err(CompileError::Refused { path, compiler, said, unknown })
    }
}

/// Folders of headers in a folder that [`write_shim`] has filled, beside that folder itself.
pub const SHIM_FOLDERS: [&str; 2] = [flags::THIN_FOLDER, flags::ZLIB_FOLDER];

/// The files of that folder to compile: the one that takes in the C file, which has to lie in a
/// folder of headers as `qemu-file.c`, and the shim's own.
pub const SHIM_SOURCES: [&str; 10] = flags::ALL_SOURCES;

/// Writes the shim into `folder`, with the header that is made for a C file of this `text`: for a
/// caller who compiles it in a way of his own.
///
/// # Errors
///
/// [`CompileError::Write`].
pub fn write_shim(folder: &Path, text: &str) -> Result<(), CompileError> {
    for (name, content) in SHIM {
        write(&folder.join(name), content.as_bytes())?;
    }
    write(&folder.join(flags::TRACE_NAME), flags::trace_header(text.as_bytes()).as_bytes())
}

/// What `sanitize` adds.
const SANITIZE: &str = "-fsanitize=address,undefined";

/// The beginnings of what a sanitizer says, each in a line of standard error.
pub const SANITIZER_REPORTS: [&str; 3] =
    ["ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error: "];

/// A file beside `out`, to be renamed to it.
fn in_directory(out: &Path) -> Result<tempfile::NamedTempFile, CompileError> {
    let target =
        out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".reference-")
        .suffix(".so")
        .tempfile_in(target)
        .map_err(|source| CompileError::Write { path: out.to_owned(), source })
}

fn write(path: &Path, content: &[u8]) -> Result<(), CompileError> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, content))
        .map_err(|source| CompileError::Write { path: path.to_owned(), source })
}
