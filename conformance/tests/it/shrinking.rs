//! Shrinking, exploring and judging with subjects that are wrong on purpose.

use std::num::NonZeroUsize;
use std::time::Duration;

use conformance::compare::judge::{Judge, Oracle};
use conformance::explore::{End, Explored, Plan, Shard, Watch, explore};
use conformance::generate;
use conformance::model::Model;
use conformance::observation::{Event, Observation, Value};
use conformance::preflight::Preflight;
use conformance::shrink::{Effort, Shrunk, Signature, shrink};
use conformance::subject::{Subject, Unready};
use conformance::trace::{Answer, Data, Op, Shutdown, Trace, World};

/// The model, with two faults: a flush gives another status, and a skip of more than 3 bytes
/// reports something.
struct Faulty(Model);

impl Faulty {
    fn subject() -> Box<dyn Subject> {
        Box::new(Self(Model::faithful()))
    }
}

impl Subject for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        self.0.begin(world)
    }

    fn step(&mut self, op: &Op) -> Observation {
        let mut observation = self.0.step(op);
        match op {
            Op::Flush { .. } if observation.value == Value::Code(0) => {
                observation.value = Value::Code(1);
            }
            Op::Skip { size, .. } if *size > 3 => {
                observation.events.push(Event::Report { text: "skipped".to_owned() });
            }
            _ => {}
        }
        observation
    }

    fn finish(&mut self) -> Vec<Event> {
        self.0.finish()
    }
}

fn judge() -> Judge {
    Judge::new(Oracle::Model, vec![Faulty::subject()]).unwrap()
}

/// Generated traces that fail, each with how.
fn failing() -> Vec<(Trace, Signature)> {
    let mut judge = judge();
    let mut found = Vec::new();
    for case in 0..2000 {
        let trace = generate::trace(3, case);
        if let Some(divergence) = judge.divergence(&trace, "faulty") {
            found.push((trace, Signature::of(&divergence)));
        }
    }
    found
}

fn shrunk(trace: &Trace) -> Shrunk {
    let mut judge = judge();
    let effort = Effort { time: Duration::from_secs(60), ..Effort::default() };
    shrink(trace, effort, &mut |trace| judge.divergence(trace, "faulty")).unwrap()
}

#[test]
fn one_failure_never_turns_into_another() {
    let failing = failing();
    let kinds: std::collections::BTreeSet<&Signature> =
        failing.iter().map(|(_, signature)| signature).collect();
    assert!(kinds.len() >= 2, "both faults are met: {kinds:?}");
    for kind in kinds {
        for (trace, signature) in failing.iter().filter(|(_, signature)| signature == kind).take(8)
        {
            let shrunk = shrunk(trace);
            assert_eq!(&Signature::of(&shrunk.divergence), signature);
            assert!(shrunk.trace.ops.len() <= 3, "{}", shrunk.trace.to_text().unwrap());
            assert!(shrunk.minimal);
            assert!(Preflight::of(&shrunk.trace).undefined_op.is_none());
            assert_eq!(Trace::parse(&shrunk.trace.to_text().unwrap()).unwrap(), shrunk.trace);
        }
    }
}

#[test]
fn nothing_can_be_taken_out_of_the_smallest_trace() {
    let mut judge = judge();
    for (trace, signature) in failing().into_iter().take(30) {
        let smallest = shrunk(&trace).trace;
        for out in 0..smallest.ops.len() {
            let mut smaller = smallest.clone();
            smaller.ops.remove(out);
            let again = judge.divergence(&smaller, "faulty");
            assert!(
                again.is_none_or(|divergence| Signature::of(&divergence) != signature),
                "operation {out} is not needed:\n{}",
                smallest.to_text().unwrap()
            );
        }
    }
}

/// What can be taken out of a world, one thing at a time.
fn smaller_worlds(world: &World) -> Vec<World> {
    fn without<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
        let out = |at| [&list[..at], &list[at + 1..]].concat();
        (0..list.len()).map(out).collect()
    }
    let mut smaller = Vec::new();
    let mut changed = |change: &dyn Fn(&mut World)| {
        let mut candidate = world.clone();
        change(&mut candidate);
        if candidate != *world {
            smaller.push(candidate);
        }
    };
    changed(&|world| world.coroutine = false);
    changed(&|world| world.arena = Data::default());
    changed(&|world| world.sinks = Vec::new());
    changed(&|world| world.compressors = Vec::new());
    for releases in without(&world.releases) {
        changed(&|world| world.releases.clone_from(&releases));
    }
    for (at, channel) in world.channels.iter().enumerate() {
        changed(&|world| world.channels[at].input = Data::default());
        changed(&|world| world.channels[at].rest = None);
        changed(&|world| world.channels[at].blocking = false);
        changed(&|world| world.channels[at].close = Answer::Works);
        changed(&|world| world.channels[at].set_blocking = Answer::Works);
        changed(&|world| world.channels[at].shutdown = Shutdown::Works);
        for reads in without(&channel.reads) {
            changed(&|world| world.channels[at].reads.clone_from(&reads));
        }
        for writes in without(&channel.writes) {
            changed(&|world| world.channels[at].writes.clone_from(&writes));
        }
    }
    smaller
}

#[test]
fn nothing_can_be_taken_out_of_the_smallest_world() {
    let mut judge = judge();
    let mut tried = 0;
    for (trace, signature) in failing().into_iter().take(30) {
        let smallest = shrunk(&trace).trace;
        tried += smaller_worlds(&trace.world).len();
        for world in smaller_worlds(&smallest.world) {
            let smaller = Trace { world, ..smallest.clone() };
            if smaller.check().is_err() || Preflight::of(&smaller).undefined_op.is_some() {
                continue;
            }
            let again = judge.divergence(&smaller, "faulty");
            assert!(
                again.is_none_or(|divergence| Signature::of(&divergence) != signature),
                "the smallest trace:\n{}\nis not smaller than:\n{}",
                smallest.to_text().unwrap(),
                smaller.to_text().unwrap()
            );
        }
    }
    assert!(tried > 100, "{tried}: the worlds had something in them");
}

#[test]
fn a_bound_is_found_exactly() {
    let failing = failing();
    let (trace, _) = failing.iter().find(|(_, signature)| signature.op == "Skip").unwrap();
    let smallest = shrunk(trace).trace;
    assert_eq!(smallest.ops, [Op::NewInput { channel: 0 }, Op::Skip { stream: 0, size: 4 }]);
}

#[test]
fn a_right_trace_is_not_shrunk() {
    let mut judge =
        Judge::new(Oracle::Model, vec![Box::new(conformance::subject::Core::faithful())]).unwrap();
    let trace = generate::trace(3, 1);
    assert!(
        shrink(&trace, Effort::default(), &mut |trace| judge.divergence(trace, "core")).is_none()
    );
}

/// Does nothing and says that all is well.
struct Yes;

impl Subject for Yes {
    fn name(&self) -> &'static str {
        "yes"
    }

    fn begin(&mut self, _world: &World) -> Result<(), Unready> {
        Ok(())
    }

    fn step(&mut self, _op: &Op) -> Observation {
        Observation { value: Value::Refused, events: Vec::new(), states: Vec::new() }
    }

    fn finish(&mut self) -> Vec<Event> {
        Vec::new()
    }
}

#[test]
fn a_subject_that_always_agrees_is_refused() {
    let unfit = Judge::new(Oracle::Model, vec![Box::new(Yes)]).err().unwrap();
    assert_eq!(unfit.subject, "yes");
}

struct Nobody;

impl Watch for Nobody {
    fn done(&self, _cases: u64) {}

    fn stop(&self) -> bool {
        false
    }
}

fn explored(jobs: usize, shard: Shard, failures: usize) -> Explored {
    let plan = Plan {
        seed: 3,
        end: End::Cases(1000),
        jobs: NonZeroUsize::new(jobs).unwrap(),
        shard,
        failures,
    };
    explore(&plan, &Nobody, &|| Judge::new(Oracle::Model, vec![Faulty::subject()])).unwrap()
}

#[test]
fn failures_do_not_depend_on_the_number_of_threads() {
    let cases = |explored: &Explored| {
        explored.failing.iter().map(|failing| failing.case).collect::<Vec<_>>()
    };
    let (one, three) = (explored(1, Shard::WHOLE, 5), explored(3, Shard::WHOLE, 5));
    assert!(one.failing.len() >= 5 && one.cut_short);
    assert_eq!(cases(&one), cases(&three));
    assert_eq!(one.counts, three.counts);
}

#[test]
fn the_parts_are_the_whole() {
    let cases = |explored: &Explored| {
        explored.failing.iter().map(|failing| failing.case).collect::<Vec<_>>()
    };
    let whole = explored(2, Shard::WHOLE, usize::MAX);
    let mut parts = Vec::new();
    let mut total = 0;
    for index in 0..4 {
        let part = explored(2, Shard { index, of: 4 }, usize::MAX);
        total += part.counts.total();
        parts.extend(cases(&part));
    }
    parts.sort_unstable();
    assert_eq!(parts, cases(&whole));
    assert_eq!(total, 1000);
}
