//! What a trace asked of its world, as the script that gives the same answers.

use std::num::{NonZeroI32, NonZeroUsize};

use crate::observation::{Event, Observation, Outcome};
use crate::trace::{ReadStep, ReleaseStep, SinkStep, World, WriteStep};

/// What an observed failure is repeated with: its number is not in the event.
const EIO: NonZeroI32 = errno(5);

/// As [`EIO`], of a release.
const EINVAL: NonZeroI32 = errno(22);

const fn errno(number: i32) -> NonZeroI32 {
    match NonZeroI32::new(number) {
        Some(errno) => errno,
        None => NonZeroI32::MIN,
    }
}

/// The calls of one channel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) reads: Vec<ReadStep>,
    pub(super) writes: Vec<WriteStep>,
    /// Lengths of the pieces of each write.
    pub(super) pieces: Vec<Vec<usize>>,
    pub(super) closes: usize,
    pub(super) shutdowns: usize,
    pub(super) blocking_set: usize,
}

/// All calls to the outside.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CallLog {
    pub(super) channels: Vec<Calls>,
    pub(super) sinks: Vec<Vec<SinkStep>>,
    pub(super) releases: Vec<ReleaseStep>,
}

impl CallLog {
    /// The calls in `steps`, in a world like `world`.
    pub(super) fn of(world: &World, steps: &[Observation]) -> Self {
        let mut log = Self {
            channels: world.channels.iter().map(|_| Calls::default()).collect(),
            sinks: vec![Vec::new(); world.sinks.len()],
            releases: Vec::new(),
        };
        for event in steps.iter().flat_map(|step| &step.events) {
            log.add(event);
        }
        log
    }

    /// Bytes that all transfers moved.
    pub(super) fn moved(&self) -> usize {
        let reads = self.channels.iter().flat_map(|calls| &calls.reads).map(|step| match step {
            ReadStep::Take(count) => count.get(),
            ReadStep::Block | ReadStep::Fail(_) | ReadStep::End => 0,
        });
        let written = self.channels.iter().flat_map(|calls| &calls.pieces).flatten().copied();
        let sunk = self.sinks.iter().flatten().map(|step| match step {
            SinkStep::Take(count) => count.get(),
            SinkStep::Nothing | SinkStep::Fail(_) => 0,
        });
        reads.chain(written).chain(sunk).sum()
    }

    fn add(&mut self, event: &Event) {
        match event {
            Event::Read { channel, outcome, .. } => {
                if let Some(calls) = self.channels.get_mut(*channel) {
                    calls.reads.push(match outcome {
                        Outcome::Done(count) => {
                            NonZeroUsize::new(*count).map_or(ReadStep::End, ReadStep::Take)
                        }
                        Outcome::Blocked => ReadStep::Block,
                        Outcome::Failed => ReadStep::Fail("read failed".to_owned()),
                    });
                }
            }
            Event::Write { channel, outcome, lengths, .. } => {
                if let Some(calls) = self.channels.get_mut(*channel) {
                    calls.pieces.push(lengths.clone());
                    calls.writes.push(match outcome {
                        Outcome::Done(count) => {
                            WriteStep::Take(NonZeroUsize::new(*count).unwrap_or(NonZeroUsize::MAX))
                        }
                        Outcome::Blocked => WriteStep::Block,
                        Outcome::Failed => WriteStep::Fail("write failed".to_owned()),
                    });
                }
            }
            Event::SinkWrite { sink, outcome, .. } => {
                if let Some(steps) = self.sinks.get_mut(*sink) {
                    steps.push(match outcome {
                        Outcome::Done(count) => {
                            NonZeroUsize::new(*count).map_or(SinkStep::Nothing, SinkStep::Take)
                        }
                        Outcome::Blocked | Outcome::Failed => SinkStep::Fail(EIO),
                    });
                }
            }
            Event::Release { worked, .. } => {
                self.releases.push(if *worked {
                    ReleaseStep::Works
                } else {
                    ReleaseStep::Fail(EINVAL)
                });
            }
            Event::Close { channel, .. } => self.count(*channel, |calls| &mut calls.closes),
            Event::Shutdown { channel, .. } => self.count(*channel, |calls| &mut calls.shutdowns),
            Event::SetBlocking { channel, .. } => {
                self.count(*channel, |calls| &mut calls.blocking_set);
            }
            Event::Referenced { .. }
            | Event::Unreferenced { .. }
            | Event::Wait { .. }
            | Event::Report { .. }
            | Event::Closed
            | Event::Defect { .. } => {}
        }
    }

    fn count(&mut self, channel: usize, which: fn(&mut Calls) -> &mut usize) {
        if let Some(calls) = self.channels.get_mut(channel) {
            *which(calls) += 1;
        }
    }
}

/// A script with `new` at `at`, in the place of so many steps.
pub(super) fn replaced<Step: Clone>(
    steps: &[Step],
    at: usize,
    new: &[Step],
    gone: usize,
) -> Vec<Step> {
    let rest = steps.get(at + gone..).unwrap_or_default();
    [&steps[..at], new, rest].concat()
}
