//! Exploring on one thread and on two, and what two processors give that share nothing.

use std::num::NonZeroUsize;
use std::process::Child;
use std::time::Instant;

use conformance::explore::{End, Plan, Shard, Watch, explore};

use crate::cost::{SEED, judge};
use crate::memory::quiet;
use crate::{Effort, Error, Line};

/// Least that a second thread has to bring.
const GOAL: f64 = 1.9;

struct Alone;

impl Watch for Alone {
    fn done(&self, _cases: u64) {}

    fn stop(&self) -> bool {
        false
    }
}

/// Seconds on the clock, and of processors.
#[derive(Clone, Copy)]
struct Taken {
    clock: f64,
    processors: f64,
}

/// Seconds that this process has had of processors, in steps of a hundredth.
fn processors() -> Result<f64, Error> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("/proc/self/stat has no name")?;
    let ticks: Vec<f64> =
        fields.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn once(cases: u64, jobs: usize) -> Result<Taken, Error> {
    let plan = Plan {
        seed: SEED,
        end: End::Cases(cases),
        jobs: NonZeroUsize::new(jobs).ok_or("no jobs")?,
        shard: Shard::WHOLE,
        failures: 1,
    };
    let (began, before) = (Instant::now(), processors()?);
    let explored = explore(&plan, &Alone, &|| judge().map_err(|error| error.to_string()))?;
    if !explored.failing.is_empty() {
        return Err("a generated case failed: run `qemufile-conformance explore --seed 1`".into());
    }
    Ok(Taken { clock: began.elapsed().as_secs_f64(), processors: processors()? - before })
}

/// Seconds until so many processes at once, each of one job, have explored `cases` cases each.
fn apart(cases: u64, processes: usize) -> Result<f64, Error> {
    let began = Instant::now();
    let (cases, seed) = (cases.to_string(), SEED.to_string());
    let explore = ["explore", "--cases", &cases, "--seed", &seed, "--jobs", "1"];
    let mut running: Vec<Child> =
        (0..processes).map(|_| quiet(&explore)).collect::<Result<_, _>>()?;
    let ended: Vec<_> = running.iter_mut().map(Child::wait).collect::<Result<_, _>>()?;
    if let Some(failed) = ended.iter().find(|status| !status.success()) {
        return Err(format!("conformance explore ended with {failed}").into());
    }
    Ok(began.elapsed().as_secs_f64())
}

pub(crate) fn measure(effort: Effort) -> Result<[Line; 3], Error> {
    let cases = 2 * effort.cases;
    let none = Taken { clock: f64::INFINITY, processors: f64::INFINITY };
    let mut best = [none; 2];
    let mut best_apart = [f64::INFINITY; 2];
    for _ in 0..effort.rounds {
        for ((best, best_apart), jobs) in best.iter_mut().zip(&mut best_apart).zip(1..) {
            let taken = once(cases, jobs)?;
            best.clock = best.clock.min(taken.clock);
            best.processors = best.processors.min(taken.processors);
            *best_apart = best_apart.min(apart(cases, jobs)?);
        }
    }
    let ceiling = 2.0 * best_apart[0] / best_apart[1];
    let [one, two] = best;
    let gain = one.clock / two.clock;
    let spent = two.processors / one.processors.max(0.01);
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let rate = |taken: Taken| cases as f64 / taken.clock;
    Ok([
        Line {
            what: "explore on two jobs".to_owned(),
            found: format!("{gain:.2}x ({:.0} and {:.0} cases/s)", rate(one), rate(two)),
            goal: "1.9x",
            met: Some(gain >= GOAL),
        },
        Line {
            what: "two processes of one job, of the same".to_owned(),
            found: format!("{ceiling:.2}x"),
            goal: "none: what the machine gives",
            met: None,
        },
        Line {
            what: "processor time of the same on two jobs".to_owned(),
            found: format!("{spent:.2} of that on one"),
            goal: "at most 1.05",
            met: Some(spent <= 2.0 / GOAL),
        },
    ])
}
