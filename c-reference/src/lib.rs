//! QEMU's original `migration/qemu-file.c`, built unmodified behind a safe handle.
//!
//! The original is not in this repository. The build finds it, checks it against
//! `original.pin` and compiles it with the shim in `shim/`, which stands in for the rest of QEMU.
//! Without it the crate still builds: [`available`] is false, [`absence`] says what to do, and
//! files named at run time ([`Reference::open`]) work all the same.
//!
//! ```text
//! Machine::put_be32 --> shim/calls.c --> original --> shim/shim.c --> Host::write
//! ```
//!
//! * [`Reference`]: code to call, linked in or loaded.
//! * [`Host`]: the world that it sees, written by the caller.
//! * [`Machine`]: streams of one reference over one host and one arena, and the 35 functions.
//! * [`Outcome`]: the value that C returned, or [`Stop`]: an assertion with its line, or a call
//!   that C leaves undefined and that was therefore not made.
//!
//! All state is in the machine: machines on different threads, and several on one, do not see
//! one another.

#![allow(unsafe_code, reason = "this crate is where C is called; each block says why it may")]

#[cfg(feature = "bench")]
pub mod bench;
mod callbacks;
mod compile;
mod ffi;
mod host;
mod input;
mod machine;
mod outcome;
mod output;
mod recipe;
mod reference;
mod stream;
mod workshop;

use std::path::Path;

pub use compile::CompileError;
pub use ffi::Layout;
pub use host::{Direction, Host, Piece, Place, Transfer};
pub use input::{CountedString, InPlace, Source};
pub use machine::Machine;
pub use outcome::{Outcome, Stop, Undefined};
pub use reference::{LoadError, Reference};
pub use stream::StreamState;
pub use workshop::Workshop;

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
    version: recipe::pinned(PIN_FILE, "version"),
    blob: recipe::pinned(PIN_FILE, "blob"),
    sha256: recipe::pinned(PIN_FILE, "sha256"),
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
