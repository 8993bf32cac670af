//! Fuzz cases: what bytes mean, what a trace is as bytes, and how both are changed.

use std::path::PathBuf;

use conformance::fuzz::{
    About, Case, Executor, Outcome, Rejected, TARGETS, VERSION, cross, encode, mutate,
};
use conformance::generate;
use conformance::trace::{Op, Trace};
use proptest::prelude::*;

fn corpus() -> Vec<(String, Trace)> {
    let folders = ["corpus/traces", "corpus/regressions"].map(test_support::project);
    let here: Vec<PathBuf> = folders.into_iter().filter(|folder| folder.exists()).collect();
    let (paths, errors) = conformance::corpus::find(&here);
    assert!(errors.is_empty(), "{errors:?}");
    assert!(paths.len() > 100, "{} traces in the corpus", paths.len());
    let load = |path: &PathBuf| conformance::corpus::load(path).unwrap();
    paths.iter().map(|path| (path.display().to_string(), load(path))).collect()
}

fn decoded(bytes: &[u8]) -> Trace {
    Case::of(bytes).0.unwrap()
}

#[test]
fn a_trace_comes_back_from_its_bytes() {
    for case in 0..2000 {
        let trace = generate::trace(7, case);
        let back = decoded(&encode(&trace).unwrap());
        assert_eq!(back.world, trace.world, "case {case}");
        assert_eq!(back.ops, trace.ops, "case {case}");
    }
}

#[test]
fn the_traces_of_the_corpus_come_back_from_their_bytes() {
    let mut unfit = Vec::new();
    let corpus = corpus();
    for (name, trace) in &corpus {
        match encode(trace) {
            Ok(bytes) => {
                let back = decoded(&bytes);
                assert_eq!((&back.world, &back.ops), (&trace.world, &trace.ops), "{name}");
            }
            Err(error) => unfit.push(format!("{name}: {error}")),
        }
    }
    assert!(unfit.len() * 20 <= corpus.len(), "too many traces are no fuzz case: {unfit:#?}");
}

/// A world, up to its operations.
const WORLD: [u8; 26] = [
    1, 1, 16, // an arena of one segment: counting, 16 bytes
    0,  // not in a coroutine
    1,  // one channel:
    2, 0, 2, b'a', b'b', 2, 7, 232, // input: two bytes, then 7 times 4096 (a corner: 224 + 8)
    2, 0, 3, 1, // reads: at most 3 bytes, would block
    0, 0, 0, 0, 0, 0, // no rest, no writes, all works, not blocking
    0, 0, 0, // neither sinks, nor compressors, nor releases
];

/// The case of a version, with operations behind [`WORLD`].
fn case_of(version: u8, ops: &[u8]) -> Trace {
    decoded(&[&[b'Q', version][..], &WORLD, ops].concat())
}

/// The bytes of a version mean this for ever.
#[test]
fn an_input_of_each_version_keeps_its_meaning() {
    let stream_put_release_flush: [&[u8]; 2] = [
        &[
            1, 0, // a stream that writes, over channel 0
            27, 0, 0x44, 0x33, 0x22, 0x11, // a word of four bytes
            24, 0, 4, 8, 1, // 8 bytes at 4 of the arena, to be released
            32, 0, // a flush
        ],
        &[30, 0, 20, 0, 0x44, 0x33, 0x22, 0x11, 17, 0, 4, 8, 1, 25, 0],
    ];
    assert_eq!(stream_put_release_flush.len(), usize::from(VERSION), "each has its bytes here");
    let golden = r#"(
    format: 1,
    origin: "fuzz",
    cause: "An input that a fuzzer made.",
    world: (
        arena: [Counting(16)],
        channels: [(input: [Bytes(b"ab"), Repeat(byte: 7, len: 4096)], reads: [Take(3), Block])],
    ),
    ops: [
        NewOutput(channel: 0),
        PutBe32(stream: 0, value: 287454020),
        PutBufferAsync(stream: 0, offset: 4, len: 8, may_free: true),
        Flush(stream: 0),
    ],
)
"#;
    for (version, ops) in (1..).zip(stream_put_release_flush) {
        assert_eq!(case_of(version, ops).to_text().unwrap(), golden, "version {version}");
    }
}

/// Engines write zeros more than anything else, and to set a stream up takes long.
#[test]
fn zeros_are_cheap_since_the_second_version() {
    let streams = |version, ops: &[u8]| {
        let trace = case_of(version, ops);
        trace
            .ops
            .iter()
            .filter(|op| matches!(op, Op::NewInput { .. } | Op::NewOutput { .. }))
            .count()
    };
    assert_eq!([1, 2].map(|version| streams(version, &[0; 64])), [32, 0]);
    let outputs = [[1, 0].repeat(32), [30, 0].repeat(32)];
    assert_eq!([1, 2].map(|version| streams(version, &outputs[usize::from(version) - 1])), [32, 8]);
}

#[test]
fn what_is_no_case_is_named() {
    assert_eq!(Case::of(b"").0, Err(Rejected::Mark));
    assert_eq!(Case::of(b"Z\x01").0, Err(Rejected::Mark));
    assert_eq!(Case::of(&[b'Q', VERSION + 1]).0, Err(Rejected::Version(VERSION + 1)));
    assert_eq!(Case::of(b"Q\x00").0, Err(Rejected::Version(0)));
}

#[test]
fn the_debug_form_of_a_case_is_a_trace() {
    let trace = generate::trace(1, 1);
    let case = Case::of(&encode(&trace).unwrap());
    let text = format!("{case:?}");
    assert_eq!(Trace::parse(&text).unwrap().ops, trace.ops);
}

/// An engine of plain bytes.
fn engine(bytes: &mut [u8], len: usize) -> usize {
    if let Some(byte) = bytes.get_mut(len / 2) {
        *byte = byte.wrapping_mul(31).wrapping_add(7);
    }
    (len + 1).min(bytes.len())
}

#[test]
fn mutation_and_crossover_give_cases_that_fit() {
    let mut buffer = vec![0; 4096];
    let mut len = 0;
    let mut changed = 0;
    for seed in 0..3000 {
        let before = buffer[..len].to_vec();
        len = mutate(About::All, &mut buffer, len, seed, &mut engine);
        assert!(len <= 4096);
        let trace = decoded(&buffer[..len]);
        trace.check().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{trace:?}"));
        changed += usize::from(before != buffer[..len]);
    }
    assert!(changed > 2900, "{changed} of 3000 mutations changed something");
    let other = encode(&generate::trace(3, 4)).unwrap();
    for seed in 0..1000 {
        let mut into = vec![0; 2048];
        let len = cross(About::All, &buffer[..len], &other, &mut into, seed);
        decoded(&into[..len]).check().unwrap();
    }
}

#[test]
fn a_small_buffer_is_never_overrun() {
    let trace = encode(&generate::trace(2, 9)).unwrap();
    for room in [0, 1, 2, 3, 20, 40, 100] {
        let mut buffer = trace[..room.min(trace.len())].to_vec();
        let len = buffer.len();
        for seed in 0..200 {
            assert!(mutate(About::Duplex, &mut buffer, len, seed, &mut engine) <= room);
        }
    }
}

#[test]
fn few_inputs_are_rejected_and_little_is_left_out() {
    for target in TARGETS.iter().filter(|target| !target.needs_original || c_reference::available())
    {
        let mut executor = Executor::new(target.name).unwrap();
        let mut buffer = vec![0; target.max_len];
        let about = match target.input {
            conformance::fuzz::Input::Case(about) => about,
            _ => continue,
        };
        let mut len = 0;
        for seed in 0..1500 {
            len = mutate(about, &mut buffer, len, seed, &mut engine);
            if let Outcome::Failed(failure) = executor.run(&buffer[..len]) {
                panic!("{}: {failure}", target.name);
            }
        }
        let stats = executor.stats();
        let rejected: u64 = stats.rejected.values().chain(stats.inconclusive.values()).sum();
        assert!(rejected * 50 < stats.inputs, "{stats}");
        assert!(stats.ops > 1500, "{stats}");
        assert!(stats.left_out * 2 < stats.ops, "{stats}");
    }
}

proptest! {
    #[test]
    fn any_bytes_behind_the_envelope_are_a_sound_trace(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let trace = decoded(&[&[b'Q', VERSION][..], &bytes].concat());
        prop_assert!(trace.check().is_ok(), "{:?}: {:?}", trace.check(), trace);
        let back = decoded(&encode(&trace).unwrap());
        prop_assert_eq!(back, trace);
    }
}
