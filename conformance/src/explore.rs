//! Judges generated traces, many at a time.
//!
//! Cases are numbered; a case is the same whatever the number of threads. Threads take them in
//! blocks, and blocks are counted in order, so the result is the same too: a run ends with the
//! block in which the last failure that is kept was found, and what other threads did beyond it is
//! not counted. Nothing is kept but counts and these failures.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::compare::judge::{Fault, Judge, Judgement};
pub use crate::compare::verdict::Counts;
use crate::compare::verdict::Verdict;
use crate::generate;
use crate::trace::Trace;

/// Cases in a block.
const BLOCK: u64 = 32;

/// Which part of a run this process does: every `of`-th case, from the `index`-th on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Number of this part, from 0.
    pub index: u64,
    /// Number of parts, at least 1.
    pub of: u64,
}

impl Shard {
    /// The only part.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether case `case` belongs to it.
    #[must_use]
    pub fn has(self, case: u64) -> bool {
        case % self.of == self.index
    }
}

/// When a run ends, if nothing fails.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Before the case of this number.
    Cases(u64),
    /// At this time.
    At(Instant),
}

/// What to explore.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The seed of all cases.
    pub seed: u64,
    /// When to end.
    pub end: End,
    /// Number of threads.
    pub jobs: NonZeroUsize,
    /// Which cases.
    pub shard: Shard,
    /// A run ends with the block in which so many failures have been found, by their
    /// [weight](Fault::weight).
    pub failures: usize,
}

/// A generated trace with a fault.
#[derive(Clone, Debug)]
pub struct Failing {
    /// Number of the case.
    pub case: u64,
    /// The trace.
    pub trace: Trace,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Cases by their end.
    pub counts: Counts,
    /// The first failures, in order.
    pub failing: Vec<Failing>,
    /// Whether the run ended before it was due, at its last failure or because it was told to.
    pub cut_short: bool,
}

/// Looks on while a run goes on.
pub trait Watch: Sync {
    /// So many more cases are done.
    fn done(&self, cases: u64);

    /// Whether to end now.
    fn stop(&self) -> bool;
}

/// Explores, each thread with a judge of its own.
///
/// # Errors
///
/// The first one that `judge` gives.
pub fn explore<E: Send>(
    plan: &Plan,
    watch: &dyn Watch,
    judge: &(dyn Fn() -> Result<Judge, E> + Sync),
) -> Result<Explored, E> {
    let run = Run {
        plan,
        watch,
        next: AtomicU64::new(0),
        over: AtomicBool::new(false),
        merged: Mutex::default(),
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.jobs.get())
            .map(|_| {
                scope.spawn(|| {
                    // A thread that cannot work must not leave the others to work for nothing.
                    judge()
                        .map(|mut judge| run.work(&mut judge))
                        .inspect_err(|_| run.over.store(true, Ordering::Relaxed))
                })
            })
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })?;
    let merged = run.merged.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(merged.explored)
}

fn weight(failing: &[Failing]) -> usize {
    failing.iter().map(|failing| Fault::weight(&failing.faults)).sum()
}

struct Run<'a> {
    plan: &'a Plan,
    watch: &'a dyn Watch,
    next: AtomicU64,
    over: AtomicBool,
    merged: Mutex<Merged>,
}

/// Blocks in order, and those that wait for an earlier one.
#[derive(Default)]
struct Merged {
    explored: Explored,
    blocks: u64,
    waiting: BTreeMap<u64, Block>,
}

#[derive(Default)]
struct Block {
    counts: Counts,
    failing: Vec<Failing>,
    cut_short: bool,
}

impl Run<'_> {
    fn work(&self, judge: &mut Judge) {
        while !self.over.load(Ordering::Relaxed) {
            // Before a block is taken: one that is taken and not done would hold up all later ones.
            if matches!(self.plan.end, End::At(time) if Instant::now() >= time) {
                return;
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let first = number * BLOCK;
            let last = match self.plan.end {
                End::Cases(cases) if first >= cases => return,
                End::Cases(cases) => cases.min(first + BLOCK),
                End::At(_) => first + BLOCK,
            };
            let block = self.block(judge, first, last);
            self.merge(number, block);
        }
    }

    fn block(&self, judge: &mut Judge, first: u64, last: u64) -> Block {
        let mut block = Block::default();
        for case in (first..last).filter(|case| self.plan.shard.has(*case)) {
            if self.watch.stop() || self.over.load(Ordering::Relaxed) {
                block.cut_short = true;
                break;
            }
            let (trace, preflight) =
                generate::with_preflight_lacking(self.plan.seed, case, judge.lacks());
            let Judgement { faults, inconclusive, .. } =
                judge.judge_prepared(&trace, &preflight, None);
            if !faults.is_empty() {
                block.counts.diverged += 1;
                block.failing.push(Failing { case, trace, faults });
                if weight(&block.failing) >= self.plan.failures {
                    block.cut_short = true;
                    break;
                }
            } else if let Some(reason) = inconclusive {
                block.counts.add(&Verdict::Inconclusive(reason));
            } else {
                block.counts.agreed += 1;
            }
        }
        block
    }

    fn merge(&self, number: u64, block: Block) {
        let mut merged = self.merged.lock().unwrap_or_else(PoisonError::into_inner);
        self.watch.done(block.counts.total());
        merged.waiting.insert(number, block);
        loop {
            let number = merged.blocks;
            let Some(block) = merged.waiting.remove(&number) else { return };
            merged.blocks += 1;
            let explored = &mut merged.explored;
            if explored.cut_short {
                continue;
            }
            explored.counts.merge(&block.counts);
            explored.failing.extend(block.failing);
            if block.cut_short || weight(&explored.failing) >= self.plan.failures {
                explored.cut_short = true;
                self.over.store(true, Ordering::Relaxed);
            }
        }
    }
}
