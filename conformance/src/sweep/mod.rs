//! Traces in which something fails that did not: every call to the outside, each in turn.
//!
//! A trace is carried out once by the model, which tells what its channels, sinks and releases were
//! asked. From that come its variants: one of these calls fails, or it and all that follow; a read
//! is short or a write is partial, at every byte of a small transfer; a call would block. All
//! subjects have to agree on each of them.
//!
//! ```text
//! trace --model--> calls --each in turn--> variants --judge--> verdicts
//! ```

mod seen;

use std::num::{NonZeroI32, NonZeroUsize};

use crate::survey::Survey;
use crate::trace::{Answer, ReadStep, ReleaseStep, Shutdown, SinkStep, Trace, World, WriteStep};
use seen::{Seen, replaced};

/// Errnos that descriptors and releases fail with: EINTR, EIO, EBADF, EAGAIN, EINVAL, ENOSPC, EPIPE.
const ERRNOS: [i32; 7] = [4, 5, 9, 11, 22, 28, 32];

/// Transfers up to this length, in bytes, are cut at every byte; longer ones at their edges.
const SMALL: usize = 80;

/// Calls of one kind that are swept, at most: of more, the first and the last ones and some between.
const CALLS: usize = 48;

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

/// All variants of a trace; none where it is undefined in the original.
#[must_use]
pub fn variants(trace: &Trace) -> Vec<Variant> {
    let mut made = Vec::new();
    each(trace, &mut |variant| made.push(variant));
    made
}

/// As [`variants`], one after the other, so that only one is in memory.
pub fn each(trace: &Trace, take: &mut dyn FnMut(Variant)) {
    let survey = Survey::of(trace);
    if survey.forbidden.is_some() {
        return;
    }
    let seen = Seen::of(&trace.world, &survey.steps);
    let mut sweep = Sweep { trace, take };
    for channel in 0..trace.world.channels.len() {
        sweep.reads(channel, &seen);
        sweep.writes(channel, &seen);
        sweep.answers(channel, &seen);
    }
    sweep.sinks(&seen);
    sweep.releases(&seen);
}

struct Sweep<'a> {
    trace: &'a Trace,
    take: &'a mut dyn FnMut(Variant),
}

impl Sweep<'_> {
    fn push(&mut self, kind: Kind, what: &str, change: impl FnOnce(&mut World)) {
        let mut trace = self.trace.clone();
        change(&mut trace.world);
        if trace.check().is_err() || trace.world == self.trace.world {
            return;
        }
        trace.origin = format!("sweep of {}", self.trace.origin);
        trace.cause = format!("{what}.");
        trace.quirks = Survey::of(&trace).fired;
        (self.take)(Variant { kind, trace });
    }

    fn reads(&mut self, channel: usize, seen: &Seen) {
        let steps = &seen.channels[channel].reads;
        let fail = ReadStep::Fail("read: swept".to_owned());
        for at in swept(steps.len()) {
            let mut read = |kind, what: &str, script: Vec<ReadStep>| {
                let what = format!("Read {at} of channel {channel} {what}");
                self.push(kind, &what, |world| world.channels[channel].reads = script);
            };
            for (step, name) in [(fail.clone(), "fails"), (ReadStep::End, "is the end")] {
                read(Kind::Channel, name, replaced(steps, at, std::slice::from_ref(&step), 1));
                let all = vec![step; steps.len() - at + BEYOND];
                read(
                    Kind::Channel,
                    &format!("{name}, and all later ones"),
                    replaced(steps, at, &all, all.len()),
                );
            }
            read(Kind::Wait, "would block", replaced(steps, at, &[ReadStep::Block], 0));
            read(
                Kind::Wait,
                "would block twice",
                replaced(steps, at, &[ReadStep::Block, ReadStep::Block], 0),
            );
            if let ReadStep::Take(count) = steps[at] {
                for cut in cuts(count.get()) {
                    read(
                        Kind::Cut,
                        &format!("is short: {cut}"),
                        replaced(steps, at, &[ReadStep::Take(cut)], 1),
                    );
                }
            }
        }
    }

    fn writes(&mut self, channel: usize, seen: &Seen) {
        let steps = &seen.channels[channel].writes;
        let fail = WriteStep::Fail("write: swept".to_owned());
        for at in swept(steps.len()) {
            let mut write = |kind, what: &str, script: Vec<WriteStep>| {
                let what = format!("Write {at} of channel {channel} {what}");
                self.push(kind, &what, |world| world.channels[channel].writes = script);
            };
            write(Kind::Channel, "fails", replaced(steps, at, std::slice::from_ref(&fail), 1));
            let all = vec![fail.clone(); steps.len() - at + BEYOND];
            write(Kind::Channel, "fails, and all later ones", replaced(steps, at, &all, all.len()));
            write(Kind::Wait, "would block", replaced(steps, at, &[WriteStep::Block], 0));
            write(
                Kind::Wait,
                "would block twice",
                replaced(steps, at, &[WriteStep::Block, WriteStep::Block], 0),
            );
            if let WriteStep::Take(count) = steps[at] {
                for cut in cuts(count.get()) {
                    let partial = WriteStep::Take(cut);
                    write(
                        Kind::Cut,
                        &format!("is partial: {cut}"),
                        replaced(steps, at, std::slice::from_ref(&partial), 1),
                    );
                    let blocks = [partial.clone(), WriteStep::Block];
                    write(
                        Kind::Cut,
                        &format!("is partial and then blocks: {cut}"),
                        replaced(steps, at, &blocks, 1),
                    );
                    let fails = [partial, fail.clone()];
                    write(
                        Kind::Cut,
                        &format!("is partial and then fails: {cut}"),
                        replaced(steps, at, &fails, 1),
                    );
                }
            }
        }
    }

    fn answers(&mut self, channel: usize, seen: &Seen) {
        let fails = || Answer::Fails("swept".to_owned());
        let calls = &seen.channels[channel];
        if calls.closes > 0 {
            self.push(Kind::Channel, "The close fails", |world| {
                world.channels[channel].close = fails();
            });
        }
        if calls.blocking_set > 0 {
            self.push(Kind::Channel, "The blocking mode cannot be set", |world| {
                world.channels[channel].set_blocking = fails();
            });
        }
        if calls.shutdowns > 0 {
            let fails = Shutdown::Fails("swept".to_owned());
            self.push(Kind::Channel, "The shutdown fails", |world| {
                world.channels[channel].shutdown = fails;
            });
            self.push(Kind::Channel, "There is no shutdown", |world| {
                world.channels[channel].shutdown = Shutdown::Unsupported;
            });
        }
    }

    fn sinks(&mut self, seen: &Seen) {
        for (sink, steps) in seen.sinks.iter().enumerate() {
            for at in swept(steps.len()) {
                let mut write = |kind, what: &str, script: Vec<SinkStep>| {
                    let what = format!("Write {at} to sink {sink} {what}");
                    self.push(kind, &what, |world| world.sinks[sink] = script);
                };
                let failures = ERRNOS.into_iter().filter_map(NonZeroI32::new);
                let kinds =
                    failures.map(|errno| (SinkStep::Fail(errno), format!("fails with {errno}")));
                for (step, name) in kinds.chain([(SinkStep::Nothing, "takes nothing".to_owned())]) {
                    write(
                        Kind::Descriptor,
                        &name,
                        replaced(steps, at, std::slice::from_ref(&step), 0),
                    );
                    let all = vec![step; steps.len() - at + BEYOND];
                    write(
                        Kind::Descriptor,
                        &format!("{name}, and all later ones"),
                        replaced(steps, at, &all, all.len()),
                    );
                }
                if let SinkStep::Take(count) = steps[at] {
                    for cut in cuts(count.get()) {
                        write(
                            Kind::Cut,
                            &format!("is partial: {cut}"),
                            replaced(steps, at, &[SinkStep::Take(cut)], 1),
                        );
                    }
                }
            }
        }
    }

    fn releases(&mut self, seen: &Seen) {
        let steps = &seen.releases;
        for at in swept(steps.len()) {
            for errno in ERRNOS.into_iter().filter_map(NonZeroI32::new) {
                let step = ReleaseStep::Fail(errno);
                let what = format!("Release {at} fails with {errno}");
                self.push(Kind::Release, &what, |world| {
                    world.releases = replaced(steps, at, std::slice::from_ref(&step), 1);
                });
                let all = vec![step; steps.len() - at + BEYOND];
                let what = format!("{what}, and all later ones");
                self.push(Kind::Release, &what, |world| {
                    world.releases = replaced(steps, at, &all, all.len());
                });
            }
        }
    }
}

/// The calls that are swept, of so many: all of them, unless a trace repeats itself.
fn swept(calls: usize) -> Vec<usize> {
    if calls <= CALLS {
        return (0..calls).collect();
    }
    let edge = CALLS / 3;
    let between = (1..=edge).map(|part| edge + part * (calls - 2 * edge) / (edge + 1));
    (0..edge).chain(between).chain(calls - edge..calls).collect()
}

/// Where a transfer is cut: behind every byte but the last, or near the edges.
fn cuts(len: usize) -> Vec<NonZeroUsize> {
    let at: Vec<usize> =
        if len <= SMALL { (1..len).collect() } else { vec![1, 2, len / 2, len - 2, len - 1] };
    at.into_iter().filter_map(NonZeroUsize::new).collect()
}
