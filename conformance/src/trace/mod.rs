//! Traces: a small world and a list of operations, as text that a person writes and reviews.
//!
//! This page is the specification of the text format, version [`FORMAT`].
//!
//! # The file
//!
//! A trace is one [RON](https://docs.rs/ron) value in a UTF-8 file named `area-cause.ron`:
//!
//! ```
//! # let trace = conformance::trace::Trace::parse(r#"
//! (
//!     format: 1,
//!     origin: "hand",
//!     cause: "A first refill that fails leaves the peek at the place before the move.",
//!     rows: [1],
//!     quirks: [StalePeek],
//!     world: (
//!         channels: [
//!             (input: [Counting(10)]),
//!         ],
//!     ),
//!     ops: [
//!         NewInput(channel: 0),
//!         GetBuffer(stream: 0, size: 2),
//!         GetBuffer(stream: 0, size: 9),
//!     ],
//! )
//! # "#)?;
//! # assert_eq!(trace.ops.len(), 3);
//! # Ok::<(), conformance::trace::TraceError>(())
//! ```
//!
//! Comments (`//`, `/* */`) are allowed and are lost when a tool writes the trace again. A field
//! that the tables do not name is refused, and so is one that stands twice. A field with a default
//! may be left out, and is left out by [`Trace::to_text`]. `Option`s are written without `Some`.
//!
//! | field | what | default |
//! |---|---|---|
//! | `format` | version of the format; read before all else, so that a newer file is named as such | |
//! | `origin` | where the trace comes from: `hand`, a generator and its seed, an issue | |
//! | `cause` | why it exists, in one sentence | |
//! | `rows` | rows of `docs/BEHAVIOUR.md` (1 to 31) that it shows | none |
//! | `quirks` | [`Quirk`]s that are triggered in it: the only ones by which the core in its default setting may differ from the original | none |
//! | `world` | what the operations meet: [`World`] | |
//! | `ops` | what is done, in order: [`Op`] | |
//!
//! # Bytes
//!
//! Wherever bytes are meant, a list of [`Segment`]s stands, and means their concatenation:
//!
//! | segment | bytes |
//! |---|---|
//! | `Bytes(b"ab\x00")` | these |
//! | `Counting(len)` | 0, 1, .. 250, 0, ..: a prime period, so that no power of two hides a shift |
//! | `Repeat(byte: 7, len: 9)` | one byte, over and over |
//! | `Noise(seed: 1, len: 9)` | pseudo-random: ChaCha8 with `seed` as its 64-bit seed |
//!
//! # The world
//!
//! `arena: [segments]` is guest memory, one for all subjects; places are offsets in it. A
//! `coroutine: true` world yields where another waits. `channels`, `sinks` (descriptors to write
//! to), `compressors` (zlib levels 0 to 9) and `releases` are lists; an operation names an element
//! by its index from 0. All of them default to nothing.
//!
//! A channel is `(input, reads, rest, writes, shutdown, close, set_blocking, blocking)`, each with
//! a default. One call to the channel consumes one step of its script:
//!
//! | `reads` | a read gives |
//! |---|---|
//! | `Take(n)` | at most `n` bytes of `input`, at least 1 where there are any; 0 where there are none |
//! | `Block` | "would block"; skipped while the channel is in blocking mode |
//! | `Fail("text")` | a failure in these words |
//! | `End` | 0 bytes, whatever is left |
//!
//! After the script a read gives what is asked for, `rest` bytes at most where that is set, and 0
//! for ever once `input` is used up.
//!
//! | `writes` | a write takes |
//! |---|---|
//! | `Take(n)` | at most `n` bytes; `n` is not 0, which would hang the original |
//! | `Block`, `Fail("text")` | as above |
//!
//! After the script a write takes everything.
//!
//! `shutdown` is `Works` (the default), `Unsupported` or `Fails("text")`; `close` and
//! `set_blocking` are `Works` or `Fails("text")`, each time. `blocking` is the mode at the
//! beginning, `false` by default. A shut or closed channel follows its script all the same.
//!
//! | `sinks` (lists of) | a write to the descriptor |
//! |---|---|
//! | `Take(n)` | takes at most `n` bytes, not 0 |
//! | `Nothing` | takes 0 bytes and says so |
//! | `Fail(errno)` | fails with this positive number |
//!
//! After the script a sink takes everything. `releases` answers the releases of guest memory in
//! order: `Works` or `Fail(errno)`; after the list they work.
//!
//! # Operations
//!
//! [`Op`] lists them with their fields. Streams are numbered from 0 in the order in which
//! `NewInput`, `NewOutput` and `GetReturnPath` make them. An operation on a stream that does not
//! exist or is closed is skipped by every subject, so that a trace can be shortened freely.

mod check;
mod data;
mod error;
mod field;
mod op;
mod quirk;
mod world;

pub use check::MAX_BYTES;
pub use data::{Data, Segment};
pub use error::{TraceError, syntax_reason};
pub(crate) use field::Field;
pub use migration_stream::text::Position;
pub use migration_stream::text::hex;
pub use op::{Kind, Op, Side, functions_among};
pub use quirk::{Quirk, QuirkSet};
pub use world::{Answer, Channel, ReadStep, ReleaseStep, Shutdown, SinkStep, World, WriteStep};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Version of the trace format that this crate reads and writes.
pub const FORMAT: u32 = 1;

/// A world and what is done in it. The [module](self) specifies its text form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Version of the format: [`FORMAT`].
    pub format: u32,
    /// Where the trace comes from.
    pub origin: String,
    /// Why it exists, in one sentence.
    pub cause: String,
    /// Rows of `docs/BEHAVIOUR.md` that it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u8>,
    /// Defects of the original that are triggered in it.
    #[serde(default, skip_serializing_if = "QuirkSet::is_empty")]
    pub quirks: QuirkSet,
    /// What the operations meet.
    pub world: World,
    /// What is done, in order.
    pub ops: Vec<Op>,
}

/// The part of a trace that every version has.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

impl Trace {
    /// A trace of the current format.
    #[must_use]
    pub fn new(origin: &str, cause: &str, world: World, ops: Vec<Op>) -> Self {
        Self {
            format: FORMAT,
            origin: origin.to_owned(),
            cause: cause.to_owned(),
            rows: Vec::new(),
            quirks: QuirkSet::default(),
            world,
            ops,
        }
    }

    /// Reads a trace from its text form and checks it.
    ///
    /// # Errors
    ///
    /// [`TraceError::Version`] before anything else is looked at, [`TraceError::Syntax`] with line
    /// and column, [`TraceError::Meaning`] with the path of the field.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let header: Header = text_form().from_str(text).map_err(TraceError::syntax)?;
        if header.format != FORMAT {
            return Err(TraceError::Version { found: header.format });
        }
        let trace: Self = text_form().from_str(text).map_err(TraceError::syntax)?;
        trace.check()?;
        Ok(trace)
    }

    /// The canonical text: one operation a line, defaults left out. [`parse`](Self::parse) gives
    /// the same trace back.
    ///
    /// # Errors
    ///
    /// [`TraceError::Unwritable`], which no trace is known to cause.
    pub fn to_text(&self) -> Result<String, TraceError> {
        let layout = ron::ser::PrettyConfig::new().depth_limit(2).indentor("    ").new_line("\n");
        let mut text = text_form()
            .to_string_pretty(self, layout)
            .map_err(|error| TraceError::Unwritable { reason: error.to_string() })?;
        text.push('\n');
        Ok(text)
    }

    /// SHA-256 of the canonical text, in lower-case hexadecimal: the name of the trace.
    ///
    /// # Errors
    ///
    /// As [`to_text`](Self::to_text).
    pub fn hash(&self) -> Result<String, TraceError> {
        Ok(hex(&Sha256::digest(self.to_text()?)))
    }
}

/// The dialect of RON that this project writes.
#[must_use]
pub fn text_form() -> ron::Options {
    ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
}
