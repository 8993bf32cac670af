//! The world of a trace, as it is written down.

use std::num::{NonZeroI32, NonZeroUsize};

use serde::{Deserialize, Serialize};

use super::data::Data;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What the operations of a trace meet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Guest memory at the beginning.
    #[serde(default, skip_serializing_if = "is_default")]
    pub arena: Data,
    /// Whether a wait is a yield.
    #[serde(default, skip_serializing_if = "is_default")]
    pub coroutine: bool,
    /// Channels, by index.
    #[serde(default, skip_serializing_if = "is_default")]
    pub channels: Vec<Channel>,
    /// Descriptors to write to, by index: the script of each.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sinks: Vec<Vec<SinkStep>>,
    /// Compressors, by index: the zlib level of each, 0 to 9.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compressors: Vec<u8>,
    /// Answers to the releases of guest memory, in order; afterwards they work.
    #[serde(default, skip_serializing_if = "is_default")]
    pub releases: Vec<ReleaseStep>,
}

/// A channel: what it gives, and how it behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Bytes to read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub input: Data,
    /// Answers to the reads, in order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reads: Vec<ReadStep>,
    /// Greatest number of bytes that a read gives once `reads` is used up; no limit if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rest: Option<NonZeroUsize>,
    /// Answers to the writes, in order; afterwards everything is taken.
    #[serde(default, skip_serializing_if = "is_default")]
    pub writes: Vec<WriteStep>,
    /// Whether it can be shut down.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shutdown: Shutdown,
    /// Answer to each close.
    #[serde(default, skip_serializing_if = "is_default")]
    pub close: Answer,
    /// Answer to each change of the blocking mode.
    #[serde(default, skip_serializing_if = "is_default")]
    pub set_blocking: Answer,
    /// Blocking mode at the beginning.
    #[serde(default, skip_serializing_if = "is_default")]
    pub blocking: bool,
}

/// Answer of a channel to one read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadStep {
    /// At most so many bytes.
    Take(NonZeroUsize),
    /// Would block.
    Block,
    /// A failure, in these words.
    Fail(String),
    /// End of stream.
    End,
}

/// Answer of a channel to one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteStep {
    /// At most so many bytes are taken.
    Take(NonZeroUsize),
    /// Would block.
    Block,
    /// A failure, in these words.
    Fail(String),
}

/// Answer of a descriptor to one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SinkStep {
    /// At most so many bytes are taken.
    Take(NonZeroUsize),
    /// 0 bytes are taken, without an error.
    Nothing,
    /// A failure with this errno, positive.
    Fail(NonZeroI32),
}

/// Answer to one release of guest memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReleaseStep {
    /// It is released.
    Works,
    /// A failure with this errno, positive.
    Fail(NonZeroI32),
}

/// Whether a channel can be shut down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shutdown {
    /// It can.
    #[default]
    Works,
    /// It lacks the feature.
    Unsupported,
    /// It has the feature, and fails in these words.
    Fails(String),
}

/// Whether a call works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It does.
    #[default]
    Works,
    /// It fails in these words.
    Fails(String),
}
