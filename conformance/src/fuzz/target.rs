//! The one list of fuzz targets: `fuzz/`, its corpora, the README and CI follow it, and a test says
//! where they do not.

use crate::generate::Profile;
use crate::trace::{Op, Side, Trace};

/// A fuzz target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the target: of its binary, its file in `fuzz/fuzz_targets`, its folder in
    /// `corpus/fuzz`.
    pub name: &'static str,
    /// What it shows, in one line.
    pub about: &'static str,
    /// What its inputs are.
    pub input: Input,
    /// Greatest length of an input, in bytes: libFuzzer's `max_len`.
    pub max_len: usize,
    /// Whether it needs the original.
    pub needs_original: bool,
    /// Whether its cases keep the operations that are undefined in the original.
    pub undefined_ops: bool,
}

/// What the inputs of a target are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A [`Case`](super::Case), about one thing or about anything.
    Case(About),
    /// A migration stream.
    Stream,
    /// The text of a trace or of a transcript.
    Text,
}

/// What the cases of a target are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Streams that read.
    Input,
    /// Streams that write.
    Output,
    /// Several streams, in both directions, and queues that are moved.
    Duplex,
    /// Compressed data among other data.
    Compression,
    /// Anything.
    All,
}

/// The targets, in the order in which CI runs them.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "differential_input",
        about: "streams that read: the core against the original",
        input: Input::Case(About::Input),
        max_len: 1024,
        needs_original: true,
        undefined_ops: false,
    },
    Target {
        name: "differential_output",
        about: "streams that write: the core against the original",
        input: Input::Case(About::Output),
        max_len: 1024,
        needs_original: true,
        undefined_ops: false,
    },
    Target {
        name: "differential_duplex",
        about: "several streams, return path, queue to queue, shutdown: the core against the original",
        input: Input::Case(About::Duplex),
        max_len: 1024,
        needs_original: true,
        undefined_ops: false,
    },
    Target {
        name: "compression",
        about: "compressed data among other data: the core against the original",
        input: Input::Case(About::Compression),
        max_len: 1024,
        needs_original: true,
        undefined_ops: false,
    },
    Target {
        name: "model",
        about: "the core in both settings against the model, without the original",
        input: Input::Case(About::All),
        max_len: 1024,
        needs_original: false,
        undefined_ops: false,
    },
    Target {
        name: "undefined_ops",
        about: "outside what the original defines: the core alone must stay safe",
        input: Input::Case(About::All),
        max_len: 1024,
        needs_original: false,
        undefined_ops: true,
    },
    Target {
        name: "stream_walk",
        about: "hostile migration streams: the walker refuses them, whole and in pieces alike",
        input: Input::Stream,
        max_len: 65536,
        needs_original: false,
        undefined_ops: false,
    },
    Target {
        name: "trace_text",
        about: "hostile trace files: parsed and written again, or refused with a reason",
        input: Input::Text,
        max_len: 16384,
        needs_original: false,
        undefined_ops: false,
    },
];

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

impl About {
    /// What to generate; `choice` decides where there are several.
    pub(super) fn profile(self, choice: usize) -> Profile {
        const ALL: [Profile; 5] =
            [Profile::Read, Profile::Write, Profile::Duplex, Profile::Move, Profile::Compress];
        match self {
            Self::Input => Profile::Read,
            Self::Output => Profile::Write,
            Self::Duplex => [Profile::Duplex, Profile::Move][choice % 2],
            Self::Compression => Profile::Compress,
            Self::All => ALL[choice % ALL.len()],
        }
    }

    /// Whether an operation belongs to it. What asserts in the original on a stream of the other
    /// direction stays, what is undefined there does not.
    fn holds(self, op: &Op) -> bool {
        match (self, op) {
            (Self::Duplex | Self::All, _) => true,
            (Self::Input, Op::NewOutput { .. }) | (_, Op::GetReturnPath { .. }) => false,
            // What is asked of a queue asserts on a reader; what is put into one is undefined there.
            (Self::Input, Op::Transferred { .. } | Op::BufferEmpty { .. }) => true,
            (Self::Input, op) => !matches!(op.kind().side, Side::Writes | Side::World),
            (
                Self::Output | Self::Compression,
                Op::NewInput { .. } | Op::Skip { .. } | Op::GetToFd { .. },
            ) => false,
            (Self::Output, Op::PutCompressionData { .. } | Op::PutStream { .. }) => false,
            _ => true,
        }
    }

    /// Whether its cases read what a channel holds.
    pub(super) fn reads(self) -> bool {
        !matches!(self, Self::Output | Self::Compression)
    }

    /// Leaves out the operations that do not belong to it.
    pub fn narrow(self, trace: &mut Trace) {
        trace.ops.retain(|op| self.holds(op));
    }
}
