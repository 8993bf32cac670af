//! `check`: everything that is bounded.

use conformance::explore::End;

use super::{explore, replay, streams};
use crate::Ended;
use crate::arguments::Streams;
use crate::cached_result;
use crate::interrupt::Interrupt;
use crate::setup::Setup;

/// Always the same cases, so that two runs of the same tree say the same.
const SEED: u64 = 1;

pub(crate) fn run(setup: &Setup) -> Ended {
    let interrupt = Interrupt::noted();
    let mut report = setup.report(Some(SEED));
    replay::replay(&[], setup, interrupt, &mut report)?;
    if !interrupt.came() {
        let all = Streams { paths: Vec::new(), dump: false, description_from: None };
        streams::add(&all, setup, interrupt, &mut report)?;
    }
    if !interrupt.came() {
        explore::add(SEED, End::Cases(explore::CASES), setup, interrupt, &mut report)?;
    }
    report.interrupted |= interrupt.came();
    cached_result::add(setup, &mut report)?;
    setup.conclude(report)
}
