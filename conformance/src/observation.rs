//! What is observed of one operation: what `docs/BEHAVIOUR.md` lists as observable, in full.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// Everything observed while one operation ran, and the state that it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What the call gave.
    pub value: Value,
    /// What it did outside, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What can be asked of the streams that it worked on, afterwards: the open ones, in the order
    /// in which the operation names them; for a new stream, that stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<StreamState>,
}

impl Observation {
    /// Of an operation that was skipped.
    #[must_use]
    pub fn skipped() -> Self {
        Self { value: Value::SteppedOver, events: Vec::new(), states: Vec::new() }
    }

    /// The subject broke.
    #[must_use]
    pub fn broken(how: impl Into<String>) -> Self {
        Self { value: Value::Broken(how.into()), events: Vec::new(), states: Vec::new() }
    }

    /// As lines: the value behind `=`, each event behind `>`, each state behind `@`. A run of equal
    /// events, or of reads that go on where the last one ended, is one line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("= {:?}", self.value)];
        lines.extend(self.events.chunk_by(Event::is_followed_by).map(|run| match run {
            [] | [_] => run.iter().map(|event| format!("> {event:?}")).collect(),
            [Event::Read { channel, asked, outcome: Outcome::Done(done) }, ..] => {
                let (count, s) = (run.len(), if *done == 1 { "" } else { "s" });
                format!("> {count} reads of {done} byte{s} from channel {channel}, asked for {asked} at first")
            }
            [event, ..] => format!("> {} times {event:?}", run.len()),
        }));
        lines.extend(self.states.iter().map(|state| format!("@ {state}")));
        lines
    }

    /// Whether the subject broke.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.value, Value::Broken(_) | Value::BrokenOnce(_))
    }

    /// Whether this is what `expected` demands. Equality, but for two points: where the original
    /// hits an assertion, a subject may refuse the call by its types or with an error instead, and a
    /// copy of the original with other assertions may hit any that stands for the same one.
    #[must_use]
    pub fn conforms_to(&self, expected: &Self) -> bool {
        let value = match (&expected.value, &self.value) {
            (Value::Assertion { .. } | Value::AssertionAmong { .. }, Value::Refused) => true,
            (Value::Assertion { line }, Value::AssertionAmong { lines })
            | (Value::AssertionAmong { lines }, Value::Assertion { line }) => {
                lines.is_empty() || lines.contains(line)
            }
            (expected, actual) => expected == actual,
        };
        value && self.events == expected.events && self.states == expected.states
    }
}

/// Result of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Value {
    /// The function returns nothing.
    Nothing,
    /// The operation works on a stream that is not there, and was skipped.
    SteppedOver,
    /// The original aborts in this line.
    Assertion {
        /// Line of the original.
        line: u32,
    },
    /// A changed copy of the original aborts, in a function whose assertions are not those of the
    /// original.
    AssertionAmong {
        /// Lines of the original that the assertion may stand for; none where the original has no
        /// assertion in that function, and it may stand for any.
        lines: Vec<u32>,
    },
    /// The call was refused, by type or with an error, and changed nothing.
    Refused,
    /// The subject broke: it crashed, hung, or did what no value describes.
    Broken(String),
    /// It broke among other operations, and not when the trace was carried out alone.
    BrokenOnce(String),
    /// A new stream, by its index.
    Stream(usize),
    /// A channel, by its index.
    Channel(usize),
    /// A yes or no.
    Flag(bool),
    /// A status or a count: 0 or more, or a negative errno.
    Code(i64),
    /// An unsigned integer: a byte, a big-endian word, a counter.
    Number(u64),
    /// Bytes handed out; the count is their length.
    Bytes(Bytes),
    /// Bytes handed out in place, or copied.
    Placed {
        /// Where they are.
        placement: Placement,
        /// The bytes.
        bytes: Bytes,
    },
    /// A counted string; see [`Value::text`].
    Text {
        /// What the call returned: the length, or 0 where the stream ended early.
        returned: usize,
        /// The caller's memory afterwards, without the zeros behind the text.
        bytes: Bytes,
    },
    /// A stored error.
    Error {
        /// Its code; 0 where there is none.
        code: i32,
        /// Its text.
        text: Option<String>,
    },
}

impl Value {
    /// A counted string: what the call returned, and the caller's memory afterwards, which was all
    /// zeros before. A text that is cut short does not say how long it is, so zeros at its end are
    /// left out.
    #[must_use]
    pub fn text(returned: usize, mut memory: Vec<u8>) -> Self {
        let came = memory.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        memory.truncate(came.max(returned));
        Self::Text { returned, bytes: memory.into() }
    }
}

/// Where bytes are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// In the stream's own buffer.
    InPlace,
    /// Nowhere: none were asked for, and none are buffered. C: `NULL`.
    Nowhere,
    /// In the caller's buffer.
    Copied,
}

/// Direction of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// For data to read.
    Input,
    /// For room to write.
    Output,
}

/// Answer of a channel or a descriptor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// So many bytes.
    Done(usize),
    /// Would block.
    Blocked,
    /// A failure.
    Failed,
}

/// Where memory lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Place {
    /// Offset in the arena.
    Arena(usize),
    /// Offset in the 32 KiB buffer of a stream.
    Buffer {
        /// The stream.
        stream: usize,
        /// The offset.
        offset: usize,
    },
    /// In neither.
    Elsewhere,
}

/// Something that a subject did outside of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// A reference to the channel was taken.
    Referenced { channel: usize },
    /// A reference to the channel was dropped.
    Unreferenced { channel: usize },
    /// One read: bytes asked for, and the answer.
    Read { channel: usize, asked: usize, outcome: Outcome },
    /// One write: the length of each piece, the bytes of all of them, and the answer.
    Write { channel: usize, lengths: Vec<usize>, bytes: Bytes, outcome: Outcome },
    /// A wait, or in a coroutine a yield.
    Wait { channel: usize, direction: Direction, yielded: bool },
    /// The channel was shut down, in both directions.
    Shutdown { channel: usize, worked: bool },
    /// The channel was closed.
    Close { channel: usize, worked: bool },
    /// The blocking mode was set.
    SetBlocking { channel: usize, blocking: bool, worked: bool },
    /// Memory was released.
    Release { place: Place, len: usize, worked: bool },
    /// A message to the user.
    Report { text: String },
    /// One write to a descriptor.
    SinkWrite { sink: usize, bytes: Bytes, outcome: Outcome },
    /// The trace event of a close.
    Closed,
    /// What C does wrong beside its results: memory that was not freed at the end of the trace, was
    /// freed twice, or used after that. Only a defective file does.
    Defect { what: String, function: String, line: u32 },
}

impl Event {
    /// Whether `next` is the same once more: equal, or a read that asks for what this one left.
    fn is_followed_by(&self, next: &Self) -> bool {
        match (self, next) {
            (
                Self::Read { channel, asked, outcome: Outcome::Done(done) },
                Self::Read { channel: same, asked: then, outcome: Outcome::Done(again) },
            ) => channel == same && done == again && asked.checked_sub(*done) == Some(*then),
            _ => self == next,
        }
    }
}

/// What a caller can ask of an open stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamState {
    /// The stream.
    pub stream: usize,
    /// Its error code, 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub error: i32,
    /// The text of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only of a stream that writes: bytes written by all streams, plus those queued here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred: Option<u64>,
    /// Only of a stream that writes: whether nothing is queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<bool>,
}

impl fmt::Display for StreamState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}: error {}", self.stream, self.error)?;
        if let Some(text) = &self.text {
            write!(f, " {text:?}")?;
        }
        if let Some(transferred) = self.transferred {
            write!(f, ", transferred {transferred}")?;
        }
        match self.empty {
            Some(true) => f.write_str(", nothing queued"),
            Some(false) => f.write_str(", bytes queued"),
            None => Ok(()),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(code: &i32) -> bool {
    *code == 0
}
