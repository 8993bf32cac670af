//! Makes a failing trace as small as it gets, while it fails in the same way.
//!
//! First what follows the failing operation goes, then operations in halves, quarters and so on
//! down to single ones, then the fields of each operation and the world are made simpler, and all
//! of it again until nothing changes. Every candidate is a valid trace without an undefined
//! operation ([`domain`](crate::definedness)) that fails with the [`Signature`] of the first: one
//! failure never turns into another.

mod renumber;
mod signature;
mod simpler;

use std::time::{Duration, Instant};

use crate::compare::verdict::Divergence;
use crate::preflight::Preflight;
use crate::trace::Trace;
use renumber::List;
pub use signature::{Difference, Signature};

/// How a candidate fails; `None` where it does not.
pub type Failing<'a> = dyn FnMut(&Trace) -> Option<Divergence> + 'a;

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// No candidate is tried after this time.
    pub time: Duration,
    /// Greatest number of candidates.
    pub candidates: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { time: Duration::from_secs(20), candidates: 50_000 }
    }
}

/// One candidate that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What was done to the trace.
    pub change: String,
    /// Operations that are left.
    pub ops: usize,
}

/// What shrinking came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest trace.
    pub trace: Trace,
    /// How it fails.
    pub divergence: Divergence,
    /// The accepted candidates, in order.
    pub accepted: Vec<Accepted>,
    /// Candidates that were tried.
    pub tried: usize,
    /// Whether nothing more could be taken away; otherwise the [`Effort`] was used up.
    pub minimal: bool,
}

/// The smallest trace that fails as `trace` does; `None` where `trace` does not fail.
pub fn shrink(trace: &Trace, effort: Effort, failing: &mut Failing<'_>) -> Option<Shrunk> {
    let divergence = failing(trace)?;
    let mut search = Search {
        signature: Signature::of(&divergence),
        best: trace.clone(),
        divergence,
        failing,
        accepted: Vec::new(),
        tried: 0,
        left: effort.candidates,
        until: Instant::now() + effort.time,
    };
    let minimal = search.exhaust();
    let Search { best, divergence, accepted, tried, .. } = search;
    Some(Shrunk { trace: best, divergence, accepted, tried, minimal })
}

/// There is no time left.
struct Exhausted;

struct Search<'a, 'b> {
    signature: Signature,
    best: Trace,
    divergence: Divergence,
    failing: &'a mut Failing<'b>,
    accepted: Vec<Accepted>,
    tried: usize,
    left: usize,
    until: Instant,
}

impl Search<'_, '_> {
    /// Whether the end was reached before the effort was used up.
    fn exhaust(&mut self) -> bool {
        loop {
            let before = self.accepted.len();
            let passes = [Self::tail, Self::chunks, Self::fields, Self::lists, Self::world];
            for pass in passes {
                if pass(self).is_err() {
                    return false;
                }
            }
            if self.accepted.len() == before {
                return true;
            }
        }
    }

    /// Tries a candidate, and keeps it where it fails in the same way.
    fn keeps(
        &mut self,
        mut candidate: Trace,
        change: impl FnOnce() -> String,
    ) -> Result<bool, Exhausted> {
        if candidate.check().is_err() {
            return Ok(false);
        }
        let preflight = Preflight::of(&candidate);
        if preflight.undefined_op.is_some() {
            return Ok(false);
        }
        if self.left == 0 || Instant::now() >= self.until {
            return Err(Exhausted);
        }
        self.left -= 1;
        self.tried += 1;
        candidate.quirks = preflight.triggered;
        let Some(divergence) = (self.failing)(&candidate) else { return Ok(false) };
        if Signature::of(&divergence) != self.signature {
            return Ok(false);
        }
        self.accepted.push(Accepted { change: change(), ops: candidate.ops.len() });
        self.best = candidate;
        self.divergence = divergence;
        Ok(true)
    }

    /// Cuts off what follows the failing operation.
    fn tail(&mut self) -> Result<(), Exhausted> {
        let end = self.divergence.step + 1;
        if end < self.best.ops.len() {
            let mut candidate = self.best.clone();
            candidate.ops.truncate(end);
            self.keeps(candidate, || format!("cut off after operation {}", end - 1))?;
        }
        Ok(())
    }

    /// Takes operations out: halves first, single ones last, from the end to the front.
    fn chunks(&mut self) -> Result<(), Exhausted> {
        let mut size = self.best.ops.len().div_ceil(2);
        while size > 0 {
            let mut to = self.best.ops.len();
            while to > 0 {
                let from = to.saturating_sub(size);
                let candidate = renumber::without_ops(&self.best, from, to);
                self.keeps(candidate, || match to - from {
                    1 => format!("took out operation {from}"),
                    _ => format!("took out operations {from} to {}", to - 1),
                })?;
                to = from.min(self.best.ops.len());
            }
            size /= 2;
        }
        Ok(())
    }

    /// Makes the fields of each operation simpler.
    fn fields(&mut self) -> Result<(), Exhausted> {
        for at in (0..self.best.ops.len()).rev() {
            while self.field(at)? {}
        }
        Ok(())
    }

    fn field(&mut self, at: usize) -> Result<bool, Exhausted> {
        let Some(op) = self.best.ops.get(at) else { return Ok(false) };
        for simpler in simpler::op(op) {
            let mut candidate = self.best.clone();
            let text = simpler.to_string();
            candidate.ops[at] = simpler;
            if self.keeps(candidate, || format!("made operation {at} simpler: {text}"))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes out channels, sinks and compressors that nothing refers to.
    fn lists(&mut self) -> Result<(), Exhausted> {
        for list in List::ALL {
            for at in (0..list.len(&self.best)).rev() {
                if let Some(candidate) = list.without(&self.best, at) {
                    self.keeps(candidate, || {
                        format!("took an unused element {at} out of the world")
                    })?;
                }
            }
        }
        Ok(())
    }

    fn world(&mut self) -> Result<(), Exhausted> {
        while self.world_once()? {}
        Ok(())
    }

    fn world_once(&mut self) -> Result<bool, Exhausted> {
        for world in simpler::world(&self.best) {
            let candidate = Trace { world, ..self.best.clone() };
            if self.keeps(candidate, || "made the world simpler".to_owned())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
