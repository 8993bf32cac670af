//! QEMU's original `migration/qemu-file.c`, built unmodified behind a safe handle.
//!
//! The original is not in this repository. The build finds it, checks it against
//! `original.pin` and compiles it with the shim in `shim/`, which stands in for the rest of QEMU.
//! Without it the crate still builds: [`available`] is false, [`absence`] says what to do, and
//! files named at run time ([`Reference::open`]) work all the same.
//!
//! ```text
//! Session::put_be32 --> shim/dispatch.c --> original --> shim/qemu_stubs.c --> Host::write
//! ```
//!
//! * [`Reference`]: code to call, linked in or loaded.
//! * [`Host`]: the world that it sees, written by the caller.
//! * [`Session`]: streams of one reference over one host and one arena, and the 42 functions.
//! * [`Outcome`]: the value that C returned, or [`Stop`]: an assertion, or a call
//!   that C leaves undefined and that was therefore not made.
//!
//! All state is in the session: sessions on different threads, and several on one, do not see
//! one another.

#![allow(unsafe_code, reason = "this crate is where C is called; each block says why it may")]

mod assertion;
#[cfg(feature = "bench")]
pub mod bench;
mod callbacks;
mod coverage;
mod fault;
mod ffi;
mod flags;
mod host;
mod input;
mod later;
mod memory;
mod outcome;
mod output;
mod reference;
mod release;
mod session;
mod stream;
mod toolchain;

use std::path::Path;

pub use assertion::Assertion;
pub use coverage::{CoverageError, lines_of};
pub use fault::{Aftermath, Fault, FaultKind, Leak, LeakKind};
pub use ffi::Layout;
pub use host::{ChannelCall, Direction, Host, Piece, Place, Transfer, Whence};
pub use input::{CountedString, InPlace, Source};
pub use later::GetBufferAt;
pub use outcome::{Outcome, Stop, Undefined};
pub use reference::{LoadError, Reference};
pub use release::{Release, UnknownRelease};
pub use session::Session;
pub use stream::StreamState;
pub use toolchain::{
    CompileError, Options, SANITIZER_REPORTS, SHIM_FOLDERS, SHIM_SOURCES, Toolchain, write_shim,
};

/// The one original that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The tag of QEMU's repository.
    pub version: &'static str,
    /// The hash under which git keeps the file.
    pub blob: &'static str,
    /// The SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'static str,
}

const PIN_FILE: &str = include_str!("../original.pin");

/// What `original.pin` says.
pub const PIN: Pin = Pin {
    version: flags::pinned(PIN_FILE, "version"),
    blob: flags::pinned(PIN_FILE, "blob"),
    sha256: flags::pinned(PIN_FILE, "sha256"),
};

/// Whether an original is linked in: the pinned one, unless the build was told otherwise
/// ([`Reference::pinned`]).
#[must_use]
pub const fn available() -> bool {
    cfg!(have_original)
}

/// Why no original is linked in, in one line with the command that mends it.
#[must_use]
pub const fn absence() -> Option<&'static str> {
    option_env!("C_REFERENCE_ABSENCE")
}

/// The copy of the original that this build compiled, for a caller who wants a changed one.
#[must_use]
pub fn original_path() -> Option<&'static Path> {
    option_env!("C_REFERENCE_ORIGINAL").map(Path::new)
}
