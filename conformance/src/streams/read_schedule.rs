//! How the channel answers the reads of a stream.

use std::num::NonZeroUsize;

use migration_stream::{Options, RecordedRead, StreamFile};

use crate::observation::Outcome;
use crate::trace::{self, Data, ReadStep, World};

/// How the channel answers the reads.
pub(super) struct ReadSchedule {
    pub(super) name: String,
    reads: Vec<ReadStep>,
    rest: Option<NonZeroUsize>,
    pub(super) recorded: bool,
}

impl ReadSchedule {
    pub(super) fn by(name: String, sizes: impl IntoIterator<Item = usize>) -> Self {
        let reads = sizes.into_iter().filter_map(NonZeroUsize::new).map(ReadStep::Take).collect();
        Self { name, reads, rest: None, recorded: false }
    }

    fn recorded(reads: &[RecordedRead]) -> Self {
        let steps =
            reads.iter().map(|read| match usize::try_from(read.got).map(NonZeroUsize::new) {
                Ok(Some(got)) => ReadStep::Take(got),
                Ok(None) => ReadStep::End,
                Err(_) => ReadStep::Block,
            });
        Self {
            name: "read as QEMU did".to_owned(),
            reads: steps.collect(),
            rest: None,
            recorded: true,
        }
    }

    /// All that are tried on a stream.
    pub(super) fn all(file: &StreamFile, options: &Options) -> Vec<Self> {
        let mut schedules: Vec<Self> =
            file.reads.iter().map(|reads| Self::recorded(reads)).collect();
        if let Some(chunks) = &file.chunks {
            schedules.push(Self::by("read as it came".to_owned(), chunks.forward.iter().copied()));
        }
        schedules.extend(
            options
                .chunks
                .iter()
                .map(|size| Self { rest: Some(*size), ..Self::by(format!("read by {size}"), []) }),
        );
        schedules.push(Self::by("read whole".to_owned(), []));
        schedules
    }

    pub(super) fn world(&self, input: &[u8], packages: &[Vec<u8>]) -> World {
        let channel = trace::Channel {
            input: Data::from(input),
            reads: self.reads.clone(),
            rest: self.rest,
            ..trace::Channel::default()
        };
        let packages = packages.iter().map(|package| trace::Channel {
            input: Data::from(package.as_slice()),
            ..trace::Channel::default()
        });
        World { channels: std::iter::once(channel).chain(packages).collect(), ..World::default() }
    }
}

/// Compares the reads of channel 0 with those that QEMU made.
///
/// Where the stream has fields whose parts are not described, from byte `undescribed` on, QEMU reads
/// in pieces that nobody here knows: a difference there is a note, and none in front of them.
pub(super) fn compare_reads(
    recorded: &[RecordedRead],
    reads: &[(usize, Outcome)],
    undescribed: Option<u64>,
) -> Result<Option<String>, String> {
    let mut known = 0_u64;
    let judge = |known: u64, number: usize, difference: String| match undescribed {
        Some(begin) if known > begin => Ok(Some(format!(
            "reads are compared up to number {number}: from byte {begin} on the stream has fields \
             whose parts are not described"
        ))),
        _ => Err(difference),
    };
    for (number, (recorded, (asked, outcome))) in recorded.iter().zip(reads).enumerate() {
        let got = match outcome {
            Outcome::Done(count) => i64::try_from(*count).unwrap_or(i64::MAX),
            Outcome::Blocked | Outcome::Failed => -1,
        };
        if (recorded.wanted, recorded.got) != (*asked, got) {
            let difference = format!(
                "read {number} asks for {asked} bytes and gets {got}; QEMU's asked for {} and got {}",
                recorded.wanted, recorded.got
            );
            return judge(known, number, difference);
        }
        known += u64::try_from(got).unwrap_or(0);
    }
    if recorded.len() == reads.len() {
        Ok(None)
    } else {
        let difference = format!("{} reads, and QEMU made {}", reads.len(), recorded.len());
        judge(known, recorded.len().min(reads.len()), difference)
    }
}
