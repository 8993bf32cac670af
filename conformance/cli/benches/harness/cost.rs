//! A differential case against the two subjects alone.

use std::hint::black_box;
use std::time::Instant;

use c_reference::Reference;
use conformance::compare::judge::{Judge, Oracle};
use conformance::compare::run::run;
use conformance::generate;
use conformance::preflight::Preflight;
use conformance::subject::{Core, Original, Subject};
use conformance::trace::Trace;

use crate::{Effort, Error, Line};

/// Seed of the cases.
pub(crate) const SEED: u64 = 1;

/// Most that a case may cost, in runs of the two subjects.
const GOAL: f64 = 1.5;

pub(crate) fn original() -> Result<Box<dyn Subject>, Error> {
    let reference = Reference::linked().ok_or("no original")?;
    Ok(Box::new(Original::new(reference)))
}

pub(crate) fn judge() -> Result<Judge, Error> {
    Ok(Judge::new(Oracle::Live(original()?), vec![Box::new(Core::faithful())])?)
}

fn alone(subject: &mut dyn Subject, cases: &[(Trace, Preflight)]) -> Result<f64, Error> {
    let began = Instant::now();
    for (trace, preflight) in cases {
        black_box(run(subject, trace, preflight).map_err(|reason| format!("{reason:?}"))?);
    }
    Ok(began.elapsed().as_secs_f64())
}

fn together(judge: &mut Judge, cases: &[(Trace, Preflight)]) -> Result<f64, Error> {
    let began = Instant::now();
    for (trace, _) in cases {
        let judgement = judge.judge(trace, None);
        if !judgement.faults.is_empty() || judgement.inconclusive.is_some() {
            return Err(format!("{}: {judgement:?}", trace.origin).into());
        }
    }
    Ok(began.elapsed().as_secs_f64())
}

pub(crate) fn measure(effort: Effort) -> Result<Line, Error> {
    let cases: Vec<_> =
        (0..effort.cases).map(|case| generate::with_preflight(SEED, case)).collect();
    let (mut original, mut core) = (original()?, Core::faithful());
    let mut judge = judge()?;
    let [mut c, mut rust, mut both] = [f64::INFINITY; 3];
    for _ in 0..effort.rounds {
        c = c.min(alone(original.as_mut(), &cases)?);
        rust = rust.min(alone(&mut core, &cases)?);
        both = both.min(together(&mut judge, &cases)?);
    }
    let ratio = both / (c + rust);
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let each = |seconds: f64| seconds * 1e6 / effort.cases as f64;
    Ok(Line {
        what: format!("cost of a case, of {}", effort.cases),
        found: format!(
            "{ratio:.2} (original {:.1} us, core {:.1} us, case {:.1} us)",
            each(c),
            each(rust),
            each(both)
        ),
        goal: "at most 1.5",
        met: Some(ratio <= GOAL),
    })
}
