//! Random worlds.

use std::num::{NonZeroI32, NonZeroUsize};

use crate::definedness::BUFFER;
use crate::trace::{
    Answer, Channel, Data, ReadStep, ReleaseStep, Segment, Shutdown, SinkStep, World, WriteStep,
};

use super::entropy::Entropy;

/// What a trace is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Streams that read.
    Read,
    /// Streams that write.
    Write,
    /// Both over one channel.
    Duplex,
    /// Queues moved from stream to stream.
    Move,
    /// Compressed data.
    Compress,
}

impl Profile {
    pub(super) fn choose(entropy: &mut Entropy<'_>) -> Self {
        entropy.weighted([
            (6, Self::Read),
            (6, Self::Write),
            (3, Self::Duplex),
            (3, Self::Move),
            (2, Self::Compress),
        ])
    }

    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Read => "random reads",
            Self::Write => "random writes",
            Self::Duplex => "random reads and writes over one channel",
            Self::Move => "random writes and moves from queue to queue",
            Self::Compress => "random writes with compressed data",
        }
    }

    fn reads(self) -> bool {
        matches!(self, Self::Read | Self::Duplex)
    }
}

/// Errnos that a descriptor or a release fails with: EINTR, EIO, EBADF, EAGAIN, ENOMEM, EINVAL,
/// ENOSPC.
const ERRNOS: [i32; 7] = [4, 5, 9, 11, 12, 22, 28];

/// Lengths at which something changes.
const CORNERS: [usize; 9] =
    [1, 2, 255, 4096, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER, 2 * BUFFER + 1];

pub(super) fn world(entropy: &mut Entropy<'_>, profile: Profile) -> World {
    let channels = 1 + usize::from(entropy.one_in(3));
    World {
        arena: bytes(entropy, 16384),
        coroutine: entropy.one_in(3),
        channels: (0..channels).map(|_| channel(entropy, profile)).collect(),
        sinks: if profile.reads() { vec![sink(entropy)] } else { Vec::new() },
        compressors: match profile {
            Profile::Compress | Profile::Move => vec![entropy.pick([0, 1, 6, 9])],
            _ => Vec::new(),
        },
        releases: if entropy.one_in(6) { releases(entropy) } else { Vec::new() },
    }
}

/// `len` bytes of one kind.
pub(super) fn bytes(entropy: &mut Entropy<'_>, len: usize) -> Data {
    if len == 0 {
        return Data::default();
    }
    Data::from(match entropy.below(4) {
        0 => Segment::Repeat { byte: entropy.pick([0, 1, 255]), len },
        1 => Segment::Noise { seed: entropy.below(1000) as u64, len },
        _ => Segment::Counting(len),
    })
}

/// A length: small as a rule, sometimes at a corner.
pub(super) fn length(entropy: &mut Entropy<'_>) -> usize {
    if entropy.one_in(8) { entropy.pick(CORNERS) } else { entropy.below(40) }
}

fn channel(entropy: &mut Entropy<'_>, profile: Profile) -> Channel {
    let mut channel = Channel::default();
    if profile.reads() {
        let len = match entropy.below(8) {
            0 => entropy.pick([BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER]),
            1 | 2 => length(entropy),
            _ => entropy.below(300),
        };
        channel.input = bytes(entropy, len);
        let steps = entropy.below(6);
        channel.reads = (0..steps).map(|_| read_step(entropy)).collect();
        if entropy.one_in(2) {
            channel.rest =
                NonZeroUsize::new(entropy.pick([1, 2, 7, 100, 4096, BUFFER - 1, BUFFER]));
            // A byte at a time over 64 KiB is slow, and shows nothing that 300 bytes do not.
            if channel.input.len() > 2000 && channel.rest < NonZeroUsize::new(100) {
                channel.rest = None;
            }
        }
    }
    let steps = entropy.below(5);
    channel.writes = (0..steps).map(|_| write_step(entropy)).collect();
    channel.blocking = entropy.one_in(8);
    channel.shutdown = match entropy.below(6) {
        0 => Shutdown::Unsupported,
        1 => Shutdown::Fails("shutdown: not connected".to_owned()),
        _ => Shutdown::Works,
    };
    if entropy.one_in(6) {
        channel.close = Answer::Fails("close failed".to_owned());
    }
    if entropy.one_in(8) {
        channel.set_blocking = Answer::Fails("cannot set the mode".to_owned());
    }
    channel
}

fn read_step(entropy: &mut Entropy<'_>) -> ReadStep {
    match entropy.below(10) {
        0 => ReadStep::Fail("read: connection reset".to_owned()),
        1 if entropy.one_in(2) => ReadStep::End,
        2 | 3 => ReadStep::Block,
        4 => ReadStep::Take(entropy.count(BUFFER)),
        _ => ReadStep::Take(entropy.count(20)),
    }
}

fn write_step(entropy: &mut Entropy<'_>) -> WriteStep {
    match entropy.below(8) {
        0 => WriteStep::Fail("write: broken pipe".to_owned()),
        1 | 2 => WriteStep::Block,
        3 => WriteStep::Take(entropy.count(BUFFER)),
        4 => WriteStep::Take(NonZeroUsize::MAX),
        _ => WriteStep::Take(entropy.count(70)),
    }
}

fn errno(entropy: &mut Entropy<'_>) -> NonZeroI32 {
    NonZeroI32::new(entropy.pick(ERRNOS)).unwrap_or(NonZeroI32::MAX)
}

fn sink(entropy: &mut Entropy<'_>) -> Vec<SinkStep> {
    let steps = entropy.below(5);
    (0..steps)
        .map(|_| match entropy.below(6) {
            0 => SinkStep::Nothing,
            1 | 2 => SinkStep::Fail(errno(entropy)),
            _ => SinkStep::Take(entropy.count(30)),
        })
        .collect()
}

fn releases(entropy: &mut Entropy<'_>) -> Vec<ReleaseStep> {
    let steps = entropy.below(4);
    (0..steps)
        .map(
            |_| {
                if entropy.one_in(2) {
                    ReleaseStep::Works
                } else {
                    ReleaseStep::Fail(errno(entropy))
                }
            },
        )
        .collect()
}
