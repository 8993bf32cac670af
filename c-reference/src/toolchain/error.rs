//! Why a C file did not become a reference.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a C file did not become a reference.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A file cannot be read.
    #[error("{path}: {source}; name a file that can be read", path = path.display())]
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
        "{path}: does not compile with the shim, which has what qemu-file.c of QEMU 7.2 to 11 takes from the rest of QEMU; {compiler} said:\n{said}{advice}",
        path = path.display(), advice = advice(unknown)
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// The compiler.
        compiler: String,
        /// The first of its messages, with the lines of the file.
        said: String,
        /// Names that neither the file nor the shim defines, and headers that are not here.
        unknown: Vec<String>,
    },
    /// The compiler did not come to an end.
    #[error(
        "{path}: {compiler} was ended after {seconds} s; a macro or an include that does not end?",
        path = path.display(), seconds = limit.as_secs()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The compiler.
        compiler: String,
        /// How long it may take.
        limit: Duration,
    },
    /// The caller's flag of [`Options::cancel`](super::Options::cancel) was set.
    #[error("{path}: interrupted while it was compiled", path = path.display())]
    Cancelled {
        /// The file.
        path: PathBuf,
    },
}

/// What to do about names that nobody defines.
fn advice(unknown: &[String]) -> String {
    match unknown {
        [] => String::new(),
        [one] => format!(
            "\nThe shim has no {one}: give a header that defines it, or the folder of one that FILE names, with --include FILE; flags with --cflags."
        ),
        more => format!(
            "\nThe shim has none of {}: give headers that define them, or the folders of those that FILE names, with --include FILE; flags with --cflags.",
            more.join(", ")
        ),
    }
}
