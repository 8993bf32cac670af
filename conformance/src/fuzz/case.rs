//! A fuzz input that describes a trace: two bytes of envelope, then the world and the operations.
//!
//! | bytes | what |
//! |---|---|
//! | `Q` | mark of a case |
//! | version | of the coding, from 1 to [`VERSION`] |
//! | the rest | world, then operations up to the end |
//!
//! Every version that ever was is read, so a corpus outlives changes of the types; what is written
//! is of the newest. The words of a trace's header are not part of a case.

use std::fmt;

use arbitrary::{Arbitrary, Unstructured};

use crate::trace::{Op, Trace, World};

use super::codec::op;
use super::codec::{Code, Decoder, Encoder, Own, Scope};

/// Version of the coding that is written.
pub const VERSION: u8 = 2;

/// First byte of each case.
const MARK: u8 = b'Q';

/// Bytes before the world.
pub(super) const ENVELOPE: usize = 2;

/// Most operations in a case.
const MAX_OPS: usize = 4096;

/// Where the trace of a case says that it comes from, and why it exists.
const ORIGIN: [&str; 2] = ["fuzz", "An input that a fuzzer made."];

/// A trace out of any bytes, or why there is none.
///
/// Its `Debug` is the text of the trace, ready to be saved and replayed.
#[derive(Clone, PartialEq, Eq)]
pub struct Case(pub Result<Trace, Rejected>);

/// Why bytes are not a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// They do not begin with the mark of a case.
    #[error("the input does not begin with `Q`, the mark of a case")]
    Mark,
    /// They are of a version that this build does not know.
    #[error(
        "the input is of version {0}, and versions 1 to {VERSION} are understood: use a newer build"
    )]
    Version(u8),
}

impl Rejected {
    /// A name to count by.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::Version(_) => "version",
        }
    }
}

/// A trace that does not fit into a case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trace is no fuzz case: {reason}; shorten it")]
pub struct Unfit {
    /// What is too large.
    pub reason: String,
}

impl Case {
    /// The case that `bytes` describe.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(envelope(bytes).map(|(version, rest)| decode(version, &mut Unstructured::new(rest))))
    }

    /// The trace, if there is one.
    #[must_use]
    pub fn trace(&self) -> Option<&Trace> {
        self.0.as_ref().ok()
    }
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self::of(bytes.bytes(bytes.len())?))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(trace) => match trace.to_text() {
                Ok(text) => f.write_str(&text),
                Err(error) => write!(f, "{error}"),
            },
            Err(rejected) => write!(f, "{rejected}"),
        }
    }
}

/// The version of a case, and what follows the envelope.
pub(super) fn envelope(bytes: &[u8]) -> Result<(u8, &[u8]), Rejected> {
    match bytes {
        [MARK, version @ 1..=VERSION, rest @ ..] => Ok((*version, rest)),
        [MARK, version, ..] => Err(Rejected::Version(*version)),
        _ => Err(Rejected::Mark),
    }
}

fn scope(world: &World, version: u8) -> Scope {
    Scope {
        version,
        channels: world.channels.len(),
        sinks: world.sinks.len(),
        compressors: world.compressors.len(),
        arena: world.arena.len(),
        ..Scope::default()
    }
}

fn decode(version: u8, bytes: &mut Unstructured<'_>) -> Trace {
    let mut decoder = Decoder::new(bytes, Scope { version, ..Scope::default() });
    let world: World = Own::read(&mut decoder).unwrap_or_default();
    decoder.scope = Scope { data: decoder.scope.data, ..scope(&world, version) };
    let mut ops = Vec::new();
    while !decoder.is_empty() && ops.len() < MAX_OPS {
        ops.extend(op::read(&mut decoder));
    }
    let [origin, cause] = ORIGIN;
    Trace::new(origin, cause, world, ops)
}

/// The bytes that describe `trace`: [`Case::of`] gives its world and its operations back.
///
/// # Errors
///
/// [`Unfit`] where it is larger than a case can be.
pub fn encode(trace: &Trace) -> Result<Vec<u8>, Unfit> {
    let encoder = write(trace);
    match encoder.lost {
        Some(reason) => Err(Unfit { reason }),
        None => Ok(encoder.bytes),
    }
}

/// As [`encode`], but what is out of range is brought into it by whoever reads it.
pub(super) fn encode_loosely(trace: &Trace) -> Vec<u8> {
    write(trace).bytes
}

fn write(trace: &Trace) -> Encoder {
    let mut encoder = Encoder { bytes: vec![MARK, VERSION], ..Encoder::default() };
    encoder.limit("operations", trace.ops.len(), MAX_OPS);
    Own::write(&trace.world, &mut encoder);
    encoder.scope = Scope { data: encoder.scope.data, ..scope(&trace.world, VERSION) };
    for op in &trace.ops {
        op::write(op, &mut encoder);
    }
    encoder
}

/// The bytes of a world alone.
pub(super) fn encode_world(world: &World) -> Vec<u8> {
    let mut encoder = Encoder::default();
    Own::write(world, &mut encoder);
    encoder.bytes
}

/// The world that `bytes` describe.
pub(super) fn decode_world(bytes: &mut Unstructured<'_>) -> World {
    let scope = Scope { version: VERSION, ..Scope::default() };
    Own::read(&mut Decoder::new(bytes, scope)).unwrap_or_default()
}

/// The scope of the operation at `index`.
fn scope_at(trace: &Trace, index: usize) -> Scope {
    let made = trace.ops.iter().take(index).filter(|op| op::makes_stream(op)).count();
    Scope { streams: made, ..scope(&trace.world, VERSION) }
}

/// The bytes of the operation at `index` alone; none where there is no such operation.
pub(super) fn encode_op(trace: &Trace, index: usize) -> Vec<u8> {
    let mut encoder = Encoder { scope: scope_at(trace, index), ..Encoder::default() };
    if let Some(op) = trace.ops.get(index) {
        op::write(op, &mut encoder);
    }
    encoder.bytes
}

/// The operation that `bytes` describe in the place of the one at `index`.
pub(super) fn decode_op(trace: &Trace, index: usize, bytes: &mut Unstructured<'_>) -> Option<Op> {
    op::read(&mut Decoder::new(bytes, scope_at(trace, index)))
}
