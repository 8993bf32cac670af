//! The measuring: all contenders of a row by turns, in many short rounds.
//!
//! Other work on the machine slows a round, and never speeds one up; a round is short enough for
//! some of each contender's to be left alone. So the best round of each is what its code takes, and
//! the ratio of two bests holds on a busy machine as well, since both met the same machine.

use std::time::{Duration, Instant};

use crate::Error;
use crate::contender::{Contender, Original};
use crate::core::Core;
use crate::floor::Floor;
use crate::row::Row;
use crate::standard::Standard;

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Passes, each with new streams.
    pub(crate) passes: usize,
    /// Rounds of each contender in a pass.
    pub(crate) rounds: u32,
    /// Length of a round.
    pub(crate) round: Duration,
}

/// Nanoseconds of one operation, for each contender.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) original: f64,
    pub(crate) core: f64,
    pub(crate) standard: Option<f64>,
    pub(crate) memcpy: Option<f64>,
}

impl Taken {
    /// The better of two, for each contender.
    fn or(self, other: Self) -> Self {
        let better = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self {
            original: self.original.min(other.original),
            core: self.core.min(other.core),
            standard: better(self.standard, other.standard),
            memcpy: better(self.memcpy, other.memcpy),
        }
    }
}

/// Bytes by which the heap is moved from one pass to the next: no multiple of a cache line.
const SHIFT: usize = 1040;

/// Goes round before anything is measured, to see that the three do the same.
const CHECKED: usize = 5000;

/// Compares what the original, the core and std read or write.
///
/// # Errors
///
/// Where one of them fails, or does something else than the others.
pub(crate) fn check(row: &Row) -> Result<(), Error> {
    let count = if row.steps.is_empty() { CHECKED.min((1 << 22) / row.len.max(1)) } else { 3 };
    let original = Original::open(row, true)?.run(count)?;
    let core = Core::open(row, true)?.run(count)?;
    let standard = match row.goals.std {
        true => Standard::open(row, true).run(count)?,
        false => original,
    };
    if core == original && standard == original {
        return Ok(());
    }
    let name = &row.name;
    Err(format!(
        "{name}: not the same work: sums {original:x} of the original, {core:x} of the core, \
         {standard:x} of std"
    )
    .into())
}

struct Timed<'a> {
    contender: &'a mut dyn Contender,
    /// Operations in a round.
    count: usize,
    best: f64,
}

impl<'a> Timed<'a> {
    fn new(contender: &'a mut dyn Contender, round: Duration) -> Result<Self, Error> {
        let mut timed = Self { contender, count: 1, best: f64::INFINITY };
        loop {
            let taken = timed.run()?;
            if taken >= round {
                break;
            }
            let factor = round.as_secs_f64() / taken.as_secs_f64().max(1e-9);
            timed.count = more(timed.count, factor);
        }
        timed.best = f64::INFINITY;
        Ok(timed)
    }

    fn run(&mut self) -> Result<Duration, Error> {
        let began = Instant::now();
        self.contender.run(self.count)?;
        let taken = began.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
        let each = taken.as_secs_f64() * 1e9 / self.count as f64;
        self.best = self.best.min(each);
        Ok(taken)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an estimate, at least 1 more and at most 8 times as much"
)]
fn more(count: usize, factor: f64) -> usize {
    (count as f64 * (1.2 * factor).clamp(1.0, 8.0)) as usize + 1
}

/// Measures one row, in passes with streams of their own: where a buffer lies decides how fast a
/// copy is, and differs from one pass to the next.
///
/// # Errors
///
/// Where a contender fails.
pub(crate) fn measure(row: &Row, effort: Effort) -> Result<Taken, Error> {
    let mut best =
        Taken { original: f64::INFINITY, core: f64::INFINITY, standard: None, memcpy: None };
    for pass in 0..effort.passes {
        let _elsewhere = vec![0_u8; SHIFT * pass + 1];
        best = best.or(self::pass(row, effort, pass % 2 == 0)?);
    }
    Ok(best)
}

/// Who takes memory first has the better place, so that each has it in every other pass.
fn pass(row: &Row, effort: Effort, core_first: bool) -> Result<Taken, Error> {
    let (mut original, mut core) = if core_first {
        let core = Core::open(row, false)?;
        (Original::open(row, false)?, core)
    } else {
        (Original::open(row, false)?, Core::open(row, false)?)
    };
    let mut standard = row.goals.std.then(|| Standard::open(row, false));
    let mut floor = Floor::open(row);

    let time = |contender| Timed::new(contender, effort.round);
    let mut original = time(&mut original)?;
    let mut core = time(&mut core)?;
    let mut standard = match &mut standard {
        Some(standard) => Some(time(standard)?),
        None => None,
    };
    let mut floor = match &mut floor {
        Some(floor) => Some(time(floor)?),
        None => None,
    };
    for _ in 0..effort.rounds {
        original.run()?;
        core.run()?;
        for other in [&mut standard, &mut floor].into_iter().flatten() {
            other.run()?;
        }
    }
    Ok(Taken {
        original: original.best,
        core: core.best,
        standard: standard.map(|timed| timed.best),
        memcpy: floor.map(|timed| timed.best),
    })
}
