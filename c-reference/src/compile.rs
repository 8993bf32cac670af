//! Compiling a reference at run time, with the same shim and flags as the build.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, io};

use crate::recipe::{self, FLAGS, ORIGINAL_NAME, SOURCES, UNIT, VISIBILITY};

/// The shim, as it was when this crate was built.
pub(crate) const SHIM: [(&str, &str); 22] = [
    ("calls.c", include_str!("../shim/calls.c")),
    ("host.h", include_str!("../shim/host.h")),
    ("inside.h", include_str!("../shim/inside.h")),
    ("io/channel-file.h", include_str!("../shim/io/channel-file.h")),
    ("later.c", include_str!("../shim/later.c")),
    ("memory.c", include_str!("../shim/memory.c")),
    ("migration-stats.h", include_str!("../shim/migration-stats.h")),
    ("migration.h", include_str!("../shim/migration.h")),
    ("options.h", include_str!("../shim/options.h")),
    ("qapi/error.h", include_str!("../shim/qapi/error.h")),
    ("qemu-file.h", include_str!("../shim/qemu-file.h")),
    ("qemu/error-report.h", include_str!("../shim/qemu/error-report.h")),
    ("qemu/iov.h", include_str!("../shim/qemu/iov.h")),
    ("qemu/madvise.h", include_str!("../shim/qemu/madvise.h")),
    ("qemu/osdep.h", include_str!("../shim/qemu/osdep.h")),
    ("rdma.h", include_str!("../shim/rdma.h")),
    ("shim.c", include_str!("../shim/shim.c")),
    ("text.c", include_str!("../shim/text.c")),
    ("text.h", include_str!("../shim/text.h")),
    ("trace.h", include_str!("../shim/trace.h")),
    ("unit.c", include_str!("../shim/unit.c")),
    ("zlib.h", include_str!("../shim/zlib.h")),
];

/// Why a C file did not become a reference.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The C file cannot be read.
    #[error("{path}: {source}; name a readable C file", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no directory to compile in.
    #[error(
        "no temporary directory to compile in: {source}; set TMPDIR to one that can be written"
    )]
    Directory {
        /// What the system said.
        source: io::Error,
    },
    /// The shared object, or what it is made from, cannot be written.
    #[error("{path}: {source}; name a file that can be written", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No C compiler is here.
    #[error("no C compiler: tried {tried}; install gcc or clang, or set CC to one")]
    NoCompiler {
        /// The commands that were tried.
        tried: String,
    },
    /// The compiler refuses the file.
    #[error(
        "{path}: does not compile with the shim, which knows qemu-file.c from v8.2 to v9.2; {compiler} said:\n{said}",
        path = path.display()
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// The compiler.
        compiler: String,
        /// Its messages.
        said: String,
    },
}

/// Compiles `source` with the shim into the shared object `out`.
pub(crate) fn compile(source: &Path, extra_flags: &[&str], out: &Path) -> Result<(), CompileError> {
    let text = fs::read(source)
        .map_err(|error| CompileError::Read { path: source.to_owned(), source: error })?;
    let directory = tempfile::tempdir().map_err(|source| CompileError::Directory { source })?;
    let shim = directory.path().join("shim");
    let original = directory.path().join("original");
    for (name, content) in SHIM {
        write(&shim.join(name), content.as_bytes())?;
    }
    // Alone in its directory, lest headers beside the file given be taken for the shim's.
    write(&original.join(ORIGINAL_NAME), &text)?;

    let aside = in_directory(out)?;
    let mut arguments: Vec<OsString> =
        ["-shared", "-fPIC", "-O2", "-g", "-w", VISIBILITY, "-Wl,-Bsymbolic", "-Wl,-z,defs"]
            .iter()
            .chain(&FLAGS)
            .chain(extra_flags)
            .map(OsString::from)
            .collect();
    arguments.push(recipe::identity(&recipe::sha256_hex(&text)).into());
    arguments.extend(["-I".into(), original.into(), "-I".into(), shim.clone().into()]);
    arguments.extend([UNIT].iter().chain(&SOURCES).map(|name| shim.join(name).into()));
    arguments.extend(["-o".into(), aside.path().into()]);

    let (compiler, output) = run_compiler(&arguments)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(CompileError::Refused { path: source.to_owned(), compiler, said });
    }
    aside
        .persist(out)
        .map_err(|error| CompileError::Write { path: out.to_owned(), source: error.error })?;
    Ok(())
}

/// A file beside `out`, to be renamed to it.
pub(crate) fn in_directory(out: &Path) -> Result<tempfile::NamedTempFile, CompileError> {
    let target =
        out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".reference-")
        .suffix(".so")
        .tempfile_in(target)
        .map_err(|source| CompileError::Write { path: out.to_owned(), source })
}

pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), CompileError> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, content))
        .map_err(|source| CompileError::Write { path: path.to_owned(), source })
}

/// Runs `$CC`, or the first usual compiler that is here.
pub(crate) fn run_compiler(arguments: &[OsString]) -> Result<(String, Output), CompileError> {
    let given = std::env::var("CC").unwrap_or_default();
    let candidates =
        if given.trim().is_empty() { vec!["cc", "gcc", "clang"] } else { vec![given.trim()] };
    for candidate in &candidates {
        // CC may carry flags or a wrapper: "ccache gcc".
        let mut words = candidate.split_whitespace().map(OsStr::new);
        let Some(program) = words.next() else { continue };
        match Command::new(program).args(words).args(arguments).output() {
            Ok(output) => return Ok(((*candidate).to_owned(), output)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let said = error.to_string();
                return Err(CompileError::Refused {
                    path: PathBuf::from(program),
                    compiler: (*candidate).to_owned(),
                    said,
                });
            }
        }
    }
    Err(CompileError::NoCompiler { tried: candidates.join(", ") })
}
