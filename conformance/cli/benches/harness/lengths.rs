//! Traces of ever more operations.

use std::time::Instant;

use conformance::trace::{Channel, Data, Op, Segment, Trace, World};

use crate::cost::judge;
use crate::{Effort, Error, Line};

/// Most by which an operation of a long trace may cost more than one of a middling trace.
const GOAL: f64 = 1.5;

/// A trace that writes and reads by turns.
fn trace(operations: usize) -> Trace {
    let reading =
        Channel { input: Data::from(Segment::Counting(8 * operations)), ..Channel::default() };
    let world = World { channels: vec![Channel::default(), reading], ..World::default() };
    let opened = [Op::NewOutput { channel: 0 }, Op::NewInput { channel: 1 }];
    let moved = (0..).map(|number: u64| {
        if number.is_multiple_of(2) {
            Op::PutBe64 { stream: 0, value: number }
        } else {
            Op::GetBe64 { stream: 1 }
        }
    });
    let ops = opened.into_iter().chain(moved).take(operations).collect();
    Trace::new("benchmark", "time grows with the operations, and no faster", world, ops)
}

/// Seconds of one judgement, the best of some.
fn seconds(operations: usize, rounds: u32) -> Result<f64, Error> {
    let trace = trace(operations);
    let mut judge = judge()?;
    // As many operations in each measurement, within limits.
    let times = (20_000 / operations).max(1);
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let began = Instant::now();
        for _ in 0..times {
            let judgement = judge.judge(&trace, None);
            if !judgement.faults.is_empty() || judgement.inconclusive.is_some() {
                return Err(format!("{operations} operations: {judgement:?}").into());
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let each = began.elapsed().as_secs_f64() / times as f64;
        best = best.min(each);
    }
    Ok(best)
}

pub(crate) fn measure(effort: Effort) -> Result<Line, Error> {
    let mut found = Vec::new();
    let mut each = Vec::new();
    let mut operations = 10;
    while operations <= effort.operations {
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        let nanoseconds = seconds(operations, effort.rounds.min(5))? * 1e9 / operations as f64;
        found.push(format!("{nanoseconds:.0}"));
        each.push(nanoseconds);
        operations *= 10;
    }
    // The shortest trace pays for the setting of its stage.
    let least = each.iter().copied().fold(f64::INFINITY, f64::min);
    let growth = each.last().copied().unwrap_or(f64::INFINITY) / least;
    Ok(Line {
        what: format!("ns of an operation, of 10 to {} in a trace", effort.operations),
        found: format!("{} (last: {growth:.2} of the least)", found.join(", ")),
        goal: "linear: at most 1.5",
        met: Some(growth <= GOAL),
    })
}
