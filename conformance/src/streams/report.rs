//! What is said about a stream.

use migration_stream::{DescriptionSource, Summary};
use serde::Serialize;

use super::flush_inference::FlushCounts;
use crate::compare::verdict::Divergence;

/// What was done with one stream, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamReport {
    /// Name of the file.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its machine.
    pub machine: Option<String>,
    /// Where the description came from; absent where the file could not be used at all.
    pub description: Option<DescriptionSource>,
    /// What the walk saw.
    pub summary: Summary,
    /// The runs in which the subjects read or wrote it.
    pub runs: Vec<Compared>,
    /// Reads that were compared with those of QEMU.
    pub reads: usize,
    /// Writes that were compared with those of QEMU.
    pub writes: usize,
    /// Why QEMU's writes happened.
    pub flushes: Option<FlushCounts>,
    /// Messages of the return path that were read and written again.
    pub messages: usize,
    /// Further channels of the migration that were walked.
    pub channels: Vec<ChannelReport>,
    /// Whether guest memory, rebuilt from the stream, is what QEMU had; absent where nobody says.
    pub guest_memory: Option<bool>,
    /// Subjects that took part.
    pub subjects: Vec<String>,
    /// Why others did not.
    pub unready: Vec<String>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// What came of it.
    pub verdict: StreamVerdict,
}

/// A further channel of a migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelReport {
    /// Name of the file.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// What the walk saw.
    pub summary: Summary,
}

/// One run of all subjects in step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// What was done, e.g. `read by 7`.
    pub run: String,
    /// Operations of each subject.
    pub steps: usize,
    /// Reads, or writes, of the channel.
    pub calls: usize,
}

/// What came of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamVerdict {
    /// It was walked to its end and written again; all subjects did the same, and what QEMU did.
    Conforms,
    /// It was refused, as QEMU refuses it; all subjects did the same.
    Refused {
        /// Offset in bytes of what is wrong.
        offset: u64,
        /// What that is.
        reason: String,
    },
    /// QEMU refuses it, for something that a loader without devices does not see.
    Undecided,
    /// Somebody did not do what the others, or QEMU, did.
    Diverged {
        /// Who, where, and what.
        reason: String,
        /// The step at which it shows, if it is one of the subjects'.
        #[serde(skip)]
        divergence: Option<Box<Divergence>>,
    },
    /// It is broken, and nobody said that it should be.
    Broken {
        /// Offset in bytes of what is wrong.
        offset: u64,
        /// What that is.
        reason: String,
    },
    /// The file, or one beside it, cannot be used.
    Unusable {
        /// Why.
        reason: String,
    },
}

impl StreamVerdict {
    /// Exit status that it asks for: 0 conforms, 1 diverged, 2 bad input.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Conforms | Self::Refused { .. } | Self::Undecided => 0,
            Self::Diverged { .. } => 1,
            Self::Broken { .. } | Self::Unusable { .. } => 2,
        }
    }
}
