//! The variants of a trace: each call to the outside fails in turn, and the subjects agree.

use std::collections::{BTreeMap, BTreeSet};

use conformance::compare::judge::{Judge, Oracle};
use conformance::fault_injection::{Budget, Kind, each, variants};
use conformance::preflight::Preflight;
use conformance::registry::{Sources, build};
use conformance::subject::Core;
use conformance::trace::{Trace, WriteStep};
use conformance::{corpus, streams};

fn trace(text: &str) -> Trace {
    Trace::parse(&format!("(format: 1, origin: \"hand\", cause: \"test\", {text})")).unwrap()
}

#[test]
fn each_write_fails_is_cut_and_blocks() {
    let trace = trace(
        "world: (channels: [()]), ops: [NewOutput(channel: 0), PutBe32(stream: 0, value: 1), Flush(stream: 0), \
         PutByte(stream: 0, value: 1), Flush(stream: 0)]",
    );
    let made = variants(&trace, Budget::USUAL);
    let of = |kind| made.iter().filter(|variant| variant.kind == kind).count();
    // Two writes: each fails alone and from there on, blocks once and twice; the first, of four
    // bytes, is cut at three places in three ways.
    assert_eq!((of(Kind::Channel), of(Kind::Wait), of(Kind::Cut)), (4, 4, 9));
    let scripts: BTreeSet<String> = made
        .iter()
        .map(|variant| format!("{:?}", variant.trace.world.channels[0].writes))
        .collect();
    assert_eq!(scripts.len(), made.len(), "no variant stands twice");
    let second_fails = made
        .iter()
        .find(|variant| variant.trace.cause.starts_with("Write 1 of channel 0 fails."))
        .unwrap();
    assert!(
        matches!(&second_fails.trace.world.channels[0].writes[..], [WriteStep::Take(first), WriteStep::Fail(_)] if first.get() == 4)
    );
    assert!(second_fails.trace.ops == trace.ops);
}

#[test]
fn a_trace_that_asks_for_nothing_has_no_variant() {
    let trace = trace("world: (channels: [()]), ops: [NewOutput(channel: 0)]");
    assert!(variants(&trace, Budget::EVERY).is_empty());
}

#[test]
fn a_failure_changes_what_happens() {
    let trace = trace(
        "world: (channels: [(input: [Counting(9)])], sinks: [[]]), ops: [NewInput(channel: 0), \
         GetBe32(stream: 0), GetToFd(stream: 0, sink: 0, size: 5)]",
    );
    let steps = Preflight::of(&trace).steps;
    for variant in
        variants(&trace, Budget::USUAL).iter().filter(|variant| variant.kind != Kind::Cut)
    {
        assert_ne!(Preflight::of(&variant.trace).steps, steps, "{}", variant.trace.cause);
    }
}

#[test]
fn an_extent_bounds_what_is_made_and_not_what_is_counted() {
    let flushes = "PutBuffer(stream: 0, data: [Counting(5000)]), Flush(stream: 0), ".repeat(20);
    let trace = trace(&format!("world: (channels: [()]), ops: [NewOutput(channel: 0), {flushes}]"));
    let made = |budget: Budget| {
        let mut made = BTreeMap::<Kind, u64>::new();
        let points = each(&trace, budget, &mut |variant| {
            *made.entry(variant.kind).or_default() += 1;
        });
        (made, points)
    };
    let (few, points) = made(Budget { calls: 6, bytes: 4096 });
    assert_eq!(points[&Kind::Channel], 40);
    assert_eq!(points[&Kind::Cut], 20 * 3 * 4999);
    assert_eq!(few[&Kind::Channel], 12);
    // 6 writes, each cut behind 1, 2, 2500, 4998 and 4999 bytes in three ways.
    assert_eq!(few[&Kind::Cut], 6 * 5 * 3);
    let (all, again) = made(Budget { calls: usize::MAX, bytes: 4096 });
    assert_eq!((all[&Kind::Channel], again), (40, points));
}

#[test]
fn a_small_trace_is_cut_at_every_byte() {
    let trace = trace(
        "world: (channels: [(input: [Counting(300)])], sinks: [[]]), ops: [NewInput(channel: 0), \
         GetToFd(stream: 0, sink: 0, size: 300)]",
    );
    let made = variants(&trace, Budget::USUAL);
    let cuts = made.iter().filter(|variant| variant.kind == Kind::Cut).count();
    assert_eq!(cuts, 299 + 299, "the read and the write to the sink");
}

#[test]
fn the_runs_of_a_stream_are_traces_and_so_are_their_variants() {
    let path = test_support::project("corpus/streams/return-path.bin");
    let loaded = streams::load(&path).unwrap();
    let traces = streams::traces(&loaded.files[0], &streams::Options::default()).unwrap();
    let runs: Vec<&str> = traces.iter().map(|trace| trace.cause.as_str()).collect();
    assert_eq!(
        runs,
        [
            "read as QEMU did.",
            "read as it came.",
            "read whole.",
            "written again.",
            "return path read as it came.",
            "return path written again."
        ]
    );
    let subjects =
        [Core::FAITHFUL, Core::DEFAULT].map(|name| build(name, &Sources::default()).unwrap());
    let mut judge = Judge::new(Oracle::Model, subjects.into()).unwrap();
    let few = Budget { calls: 3, bytes: 0 };
    for trace in &traces {
        assert!(trace.check().is_ok(), "{}", trace.cause);
        let judgement = judge.judge(trace, None);
        assert!(judgement.faults.is_empty() && judgement.inconclusive.is_none());
        let made = variants(trace, few);
        assert!(made.len() > 10, "{}: {} variants", trace.cause, made.len());
        for variant in made {
            let judgement = judge.judge(&variant.trace, None);
            assert!(
                judgement.faults.is_empty(),
                "{}: {:#?}",
                variant.trace.cause,
                judgement.faults
            );
        }
    }
}

/// The small traces of the corpus; `inject-faults` does all of them.
#[test]
fn subjects_agree_whatever_fails() {
    let (paths, errors) = corpus::find(&[test_support::project("corpus/traces")]);
    assert!(errors.is_empty(), "{errors:?}");
    let mut judges = vec![Oracle::Model];
    if let Some(original) = crate::common::original() {
        judges.push(Oracle::Live(build("c", &original).unwrap()));
    }
    let subjects = || {
        [Core::FAITHFUL, Core::DEFAULT, "model"]
            .map(|name| build(name, &Sources::default()).unwrap())
    };
    for oracle in judges {
        let mut judge = Judge::new(oracle, subjects().into()).unwrap();
        let (mut cases, mut undecided) = (0, 0);
        for path in &paths {
            let trace = corpus::load(path).unwrap();
            if trace.ops.len() > 12 {
                continue;
            }
            for variant in
                variants(&trace, Budget::USUAL).iter().filter(|variant| variant.kind != Kind::Cut)
            {
                let judgement = judge.judge(&variant.trace, None);
                assert!(
                    judgement.faults.is_empty(),
                    "{}\n{:#?}",
                    crate::common::pasteable(&variant.trace),
                    judgement.faults
                );
                cases += 1;
                undecided += usize::from(judgement.inconclusive.is_some());
            }
        }
        assert!(cases > 500, "{cases} variants");
        assert!(undecided * 20 < cases, "{undecided} of {cases} are undefined");
    }
}
