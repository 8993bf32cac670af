//! Random worlds.

use std::num::{NonZeroI32, NonZeroUsize};

use crate::domain::BUFFER;
use crate::trace::{
    Answer, Channel, Data, ReadStep, ReleaseStep, Segment, Shutdown, SinkStep, World, WriteStep,
};

use super::dice::Dice;

/// What a trace is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
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

impl Theme {
    pub(super) fn choose(dice: &mut Dice<'_>) -> Self {
        dice.weighted([
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

pub(super) fn world(dice: &mut Dice<'_>, theme: Theme) -> World {
    let channels = 1 + usize::from(dice.one_in(3));
    World {
        arena: bytes(dice, 16384),
        coroutine: dice.one_in(3),
        channels: (0..channels).map(|_| channel(dice, theme)).collect(),
        sinks: if theme.reads() { vec![sink(dice)] } else { Vec::new() },
        compressors: match theme {
            Theme::Compress | Theme::Move => vec![dice.pick([0, 1, 6, 9])],
            _ => Vec::new(),
        },
        releases: if dice.one_in(6) { releases(dice) } else { Vec::new() },
    }
}

/// `len` bytes of one kind.
pub(super) fn bytes(dice: &mut Dice<'_>, len: usize) -> Data {
    if len == 0 {
        return Data::default();
    }
    Data::from(match dice.below(4) {
        0 => Segment::Repeat { byte: dice.pick([0, 1, 255]), len },
        1 => Segment::Noise { seed: dice.below(1000) as u64, len },
        _ => Segment::Counting(len),
    })
}

/// A length: small as a rule, sometimes at a corner.
pub(super) fn length(dice: &mut Dice<'_>) -> usize {
    if dice.one_in(8) { dice.pick(CORNERS) } else { dice.below(40) }
}

fn channel(dice: &mut Dice<'_>, theme: Theme) -> Channel {
    let mut channel = Channel::default();
    if theme.reads() {
        let len = match dice.below(8) {
            0 => dice.pick([BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER]),
            1 | 2 => length(dice),
            _ => dice.below(300),
        };
        channel.input = bytes(dice, len);
        let steps = dice.below(6);
        channel.reads = (0..steps).map(|_| read_step(dice)).collect();
        if dice.one_in(2) {
            channel.rest = NonZeroUsize::new(dice.pick([1, 2, 7, 100, 4096, BUFFER - 1, BUFFER]));
            // A byte at a time over 64 KiB is slow, and shows nothing that 300 bytes do not.
            if channel.input.len() > 2000 && channel.rest < NonZeroUsize::new(100) {
                channel.rest = None;
            }
        }
    }
    let steps = dice.below(5);
    channel.writes = (0..steps).map(|_| write_step(dice)).collect();
    channel.blocking = dice.one_in(8);
    channel.shutdown = match dice.below(6) {
        0 => Shutdown::Unsupported,
        1 => Shutdown::Fails("shutdown: not connected".to_owned()),
        _ => Shutdown::Works,
    };
    if dice.one_in(6) {
        channel.close = Answer::Fails("close failed".to_owned());
    }
    if dice.one_in(8) {
        channel.set_blocking = Answer::Fails("cannot set the mode".to_owned());
    }
    channel
}

fn read_step(dice: &mut Dice<'_>) -> ReadStep {
    match dice.below(10) {
        0 => ReadStep::Fail("read: connection reset".to_owned()),
        1 if dice.one_in(2) => ReadStep::End,
        2 | 3 => ReadStep::Block,
        4 => ReadStep::Take(dice.count(BUFFER)),
        _ => ReadStep::Take(dice.count(20)),
    }
}

fn write_step(dice: &mut Dice<'_>) -> WriteStep {
    match dice.below(8) {
        0 => WriteStep::Fail("write: broken pipe".to_owned()),
        1 | 2 => WriteStep::Block,
        3 => WriteStep::Take(dice.count(BUFFER)),
        4 => WriteStep::Take(NonZeroUsize::MAX),
        _ => WriteStep::Take(dice.count(70)),
    }
}

fn errno(dice: &mut Dice<'_>) -> NonZeroI32 {
    NonZeroI32::new(dice.pick(ERRNOS)).unwrap_or(NonZeroI32::MAX)
}

fn sink(dice: &mut Dice<'_>) -> Vec<SinkStep> {
    let steps = dice.below(5);
    (0..steps)
        .map(|_| match dice.below(6) {
            0 => SinkStep::Nothing,
            1 | 2 => SinkStep::Fail(errno(dice)),
            _ => SinkStep::Take(dice.count(30)),
        })
        .collect()
}

fn releases(dice: &mut Dice<'_>) -> Vec<ReleaseStep> {
    let steps = dice.below(4);
    (0..steps)
        .map(|_| if dice.one_in(2) { ReleaseStep::Works } else { ReleaseStep::Fail(errno(dice)) })
        .collect()
}
