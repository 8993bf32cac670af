//! Traces in which something fails that did not: every call to the outside, each in turn.
//!
//! A trace is carried out once by the model, which tells what its channels, sinks and releases were
//! asked. From that come its variants: one of these calls fails, or it and all that follow; a read
//! is short or a write is partial, at every byte of a small trace; a call would block. All
//! subjects have to agree on each of them.
//!
//! ```text
//! trace --model--> calls --each in turn--> variants --judge--> verdicts
//! ```
//!
//! A trace may make thousands of calls and move megabytes. An [`Budget`] bounds what is done of
//! that; [`Points`] says how much there is.

mod call_log;

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroI32, NonZeroUsize};

use crate::preflight::Preflight;
use crate::trace::{Answer, ReadStep, ReleaseStep, Shutdown, SinkStep, Trace, World, WriteStep};
use call_log::{CallLog, Calls, replaced};

/// Errnos that descriptors and releases fail with: EINTR, EIO, EBADF, EAGAIN, EINVAL, ENOSPC, EPIPE.
const ERRNOS: [i32; 7] = [4, 5, 9, 11, 22, 28, 32];

/// Answers after the last one of a script that goes on failing.
const BEYOND: usize = 8;

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A call of a channel fails.
    Channel,
    /// A call of a channel would block, so that there is a wait.
    Wait,
    /// A write to a descriptor fails.
    Descriptor,
    /// A release of memory fails.
    Release,
    /// A transfer is cut in two.
    Cut,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Channel, Self::Wait, Self::Descriptor, Self::Release, Self::Cut];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Channel => "a channel fails",
            Self::Wait => "a channel would block",
            Self::Descriptor => "a descriptor fails",
            Self::Release => "a release fails",
            Self::Cut => "a transfer is cut",
        }
    }
}

/// A trace with one thing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// What is varied.
    pub kind: Kind,
    /// The trace.
    pub trace: Trace,
}

/// How much of a trace is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Calls of one script, at most; of more, the first and the last ones and some between.
    pub calls: usize,
    /// Bytes that a trace moves, up to which each transfer is cut at every byte; where it moves
    /// more, at the edges of each transfer and of its pieces.
    pub bytes: usize,
}

impl Budget {
    /// For traces: a minute for the corpus.
    pub const USUAL: Self = Self { calls: 96, bytes: 4096 };
    /// For real streams: some minutes for those of the corpus.
    pub const LARGE: Self = Self { calls: 24, bytes: 4096 };
    /// Everything.
    pub const EVERY: Self = Self { calls: usize::MAX, bytes: usize::MAX };
}

/// How many variants there are, by kind, whatever the budget.
pub type Points = BTreeMap<Kind, u64>;

/// All variants of a trace within an budget; none where it is undefined in the original.
#[must_use]
pub fn variants(trace: &Trace, budget: Budget) -> Vec<Variant> {
    let mut made = Vec::new();
    each(trace, budget, &mut |variant| made.push(variant));
    made
}

/// As [`variants`], one after the other, so that only one is in memory. Gives how many there are.
pub fn each(trace: &Trace, budget: Budget, take: &mut dyn FnMut(Variant)) -> Points {
    let preflight = Preflight::of(trace);
    if preflight.undefined_op.is_some() {
        return Points::new();
    }
    let log = CallLog::of(&trace.world, &preflight.steps);
    let every_byte = log.moved() <= budget.bytes;
    let mut injector = Injector {
        trace,
        take,
        calls: budget.calls,
        every_byte,
        points: Points::new(),
        counting: false,
    };
    for channel in 0..trace.world.channels.len() {
        injector.reads(channel, &log);
        injector.writes(channel, &log);
        injector.answers(channel, &log);
    }
    injector.sinks(&log);
    injector.releases(&log);
    injector.points
}

struct Injector<'a> {
    trace: &'a Trace,
    take: &'a mut dyn FnMut(Variant),
    calls: usize,
    every_byte: bool,
    points: Points,
    /// Whether the call at hand is left out, and its variants are only counted.
    counting: bool,
}

impl Injector<'_> {
    fn push(&mut self, kind: Kind, what: impl FnOnce() -> String, change: impl FnOnce(&mut World)) {
        if kind != Kind::Cut {
            *self.points.entry(kind).or_default() += 1;
        }
        if self.counting {
            return;
        }
        let mut trace = self.trace.clone();
        change(&mut trace.world);
        if trace.check().is_err() || trace.world == self.trace.world {
            return;
        }
        trace.origin = format!("fault injection into {}", self.trace.origin);
        trace.cause = format!("{}.", what());
        (self.take)(Variant { kind, trace });
    }

    /// Where a transfer of pieces of these lengths is cut. There are `ways` variants of each cut.
    fn cuts(&mut self, lengths: &[usize], ways: u64) -> Vec<NonZeroUsize> {
        let len: usize = lengths.iter().sum();
        *self.points.entry(Kind::Cut).or_default() += ways * (len as u64).saturating_sub(1);
        if self.counting { Vec::new() } else { cuts(lengths, self.every_byte) }
    }

    /// Lets `vary` make the variants of each of so many calls.
    fn calls(&mut self, calls: usize, mut vary: impl FnMut(&mut Self, usize)) {
        let chosen = chosen(calls, self.calls);
        for at in 0..calls {
            self.counting = chosen.binary_search(&at).is_err();
            vary(self, at);
        }
        self.counting = false;
    }

    fn reads(&mut self, channel: usize, log: &CallLog) {
        let steps = &log.channels[channel].reads;
        let fail = ReadStep::Fail("read: swept".to_owned());
        self.calls(steps.len(), |injector, at| {
            let mut read = |kind, what: &str, new: &[ReadStep], gone| {
                injector.push(
                    kind,
                    || format!("Read {at} of channel {channel} {what}"),
                    |world| world.channels[channel].reads = replaced(steps, at, new, gone),
                );
            };
            for (step, name) in [(fail.clone(), "fails"), (ReadStep::End, "is the end")] {
                read(Kind::Channel, name, std::slice::from_ref(&step), 1);
                let all = vec![step; steps.len() - at + BEYOND];
                read(Kind::Channel, &format!("{name}, and all later ones"), &all, all.len());
            }
            read(Kind::Wait, "would block", &[ReadStep::Block], 0);
            read(Kind::Wait, "would block twice", &[ReadStep::Block, ReadStep::Block], 0);
            if let ReadStep::Take(count) = steps[at] {
                for cut in injector.cuts(&[count.get()], 1) {
                    injector.push(
                        Kind::Cut,
                        || format!("Read {at} of channel {channel} is short: {cut}"),
                        |world| {
                            world.channels[channel].reads =
                                replaced(steps, at, &[ReadStep::Take(cut)], 1);
                        },
                    );
                }
            }
        });
    }

    fn writes(&mut self, channel: usize, log: &CallLog) {
        let Calls { writes: steps, pieces, .. } = &log.channels[channel];
        let fail = WriteStep::Fail("write: swept".to_owned());
        self.calls(steps.len(), |injector, at| {
            let cuts = match steps[at] {
                WriteStep::Take(_) => injector.cuts(&pieces[at], 3),
                WriteStep::Block | WriteStep::Fail(_) => Vec::new(),
            };
            let mut write = |kind, what: &str, new: &[WriteStep], gone| {
                injector.push(
                    kind,
                    || format!("Write {at} of channel {channel} {what}"),
                    |world| world.channels[channel].writes = replaced(steps, at, new, gone),
                );
            };
            write(Kind::Channel, "fails", std::slice::from_ref(&fail), 1);
            let all = vec![fail.clone(); steps.len() - at + BEYOND];
            write(Kind::Channel, "fails, and all later ones", &all, all.len());
            write(Kind::Wait, "would block", &[WriteStep::Block], 0);
            write(Kind::Wait, "would block twice", &[WriteStep::Block, WriteStep::Block], 0);
            for cut in cuts {
                let partial = WriteStep::Take(cut);
                for (then, name) in [
                    (None, ""),
                    (Some(WriteStep::Block), " and then blocks"),
                    (Some(fail.clone()), " and then fails"),
                ] {
                    let new: Vec<WriteStep> =
                        [Some(partial.clone()), then].into_iter().flatten().collect();
                    write(Kind::Cut, &format!("is partial{name}: {cut}"), &new, 1);
                }
            }
        });
    }

    fn answers(&mut self, channel: usize, log: &CallLog) {
        let fails = || Answer::Fails("swept".to_owned());
        let calls = &log.channels[channel];
        if calls.closes > 0 {
            self.push(
                Kind::Channel,
                || "The close fails".to_owned(),
                |world| {
                    world.channels[channel].close = fails();
                },
            );
        }
        if calls.blocking_set > 0 {
            self.push(
                Kind::Channel,
                || "The blocking mode cannot be set".to_owned(),
                |world| {
                    world.channels[channel].set_blocking = fails();
                },
            );
        }
        if calls.shutdowns > 0 {
            let fails = Shutdown::Fails("swept".to_owned());
            self.push(
                Kind::Channel,
                || "The shutdown fails".to_owned(),
                |world| {
                    world.channels[channel].shutdown = fails;
                },
            );
            self.push(
                Kind::Channel,
                || "There is no shutdown".to_owned(),
                |world| {
                    world.channels[channel].shutdown = Shutdown::Unsupported;
                },
            );
        }
    }

    fn sinks(&mut self, log: &CallLog) {
        for (sink, steps) in log.sinks.iter().enumerate() {
            self.calls(steps.len(), |injector, at| {
                let cuts = match steps[at] {
                    SinkStep::Take(count) => injector.cuts(&[count.get()], 1),
                    SinkStep::Nothing | SinkStep::Fail(_) => Vec::new(),
                };
                let mut write = |kind, what: &str, new: &[SinkStep], gone| {
                    injector.push(
                        kind,
                        || format!("Write {at} to sink {sink} {what}"),
                        |world| world.sinks[sink] = replaced(steps, at, new, gone),
                    );
                };
                let failures = ERRNOS.into_iter().filter_map(NonZeroI32::new);
                let kinds =
                    failures.map(|errno| (SinkStep::Fail(errno), format!("fails with {errno}")));
                for (step, name) in kinds.chain([(SinkStep::Nothing, "takes nothing".to_owned())]) {
                    write(Kind::Descriptor, &name, std::slice::from_ref(&step), 0);
                    let all = vec![step; steps.len() - at + BEYOND];
                    write(
                        Kind::Descriptor,
                        &format!("{name}, and all later ones"),
                        &all,
                        all.len(),
                    );
                }
                for cut in cuts {
                    write(Kind::Cut, &format!("is partial: {cut}"), &[SinkStep::Take(cut)], 1);
                }
            });
        }
    }

    fn releases(&mut self, log: &CallLog) {
        let steps = &log.releases;
        self.calls(steps.len(), |injector, at| {
            for errno in ERRNOS.into_iter().filter_map(NonZeroI32::new) {
                let step = ReleaseStep::Fail(errno);
                let all = vec![step.clone(); steps.len() - at + BEYOND];
                for (new, name) in [(&all[..1], ""), (&all[..], ", and all later ones")] {
                    injector.push(
                        Kind::Release,
                        || format!("Release {at} fails with {errno}{name}"),
                        |world| world.releases = replaced(steps, at, new, new.len()),
                    );
                }
            }
        });
    }
}

/// The calls that are swept, of so many: all of them, unless they are more than `most`.
fn chosen(calls: usize, most: usize) -> Vec<usize> {
    if calls <= most {
        return (0..calls).collect();
    }
    let edge = most / 3;
    let between = (1..=edge).map(|part| edge + part * (calls - 2 * edge) / (edge + 1));
    (0..edge).chain(between).chain(calls - edge..calls).collect()
}

/// Where a transfer of pieces of these lengths is cut: behind every byte but the last, or near its
/// edges, in the middle, and about the first and the last border between two pieces.
fn cuts(lengths: &[usize], every_byte: bool) -> Vec<NonZeroUsize> {
    let len: usize = lengths.iter().sum();
    let at: BTreeSet<usize> = if every_byte {
        (1..len).collect()
    } else {
        let first = lengths.first().copied().unwrap_or_default();
        let last = len - lengths.last().copied().unwrap_or_default();
        let about = |at: usize| [at.saturating_sub(1), at, at + 1];
        [1, 2, len / 2, len.saturating_sub(2), len.saturating_sub(1)]
            .into_iter()
            .chain(about(first))
            .chain(about(last))
            .filter(|at| *at < len)
            .collect()
    };
    at.into_iter().filter_map(NonZeroUsize::new).collect()
}
