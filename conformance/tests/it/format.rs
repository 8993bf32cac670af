//! The text forms of traces and recordings: what they hold, and what they refuse.

use std::num::{NonZeroI32, NonZeroUsize};

use conformance::compare::run::run;
use conformance::generate::{self, Choices};
use conformance::preflight::Preflight;
use conformance::registry::build;
use conformance::trace::{
    Answer, Channel, Data, Op, ReadStep, ReleaseStep, Segment, Shutdown, SinkStep, Trace,
    TraceError, World, WriteStep,
};
use conformance::transcript::{Recording, RecordingError};
use proptest::collection::vec;
use proptest::prelude::*;

const GOOD: &str = r#"(
    format: 1,
    origin: "hand",
    cause: "why",
    world: (
        channels: [
            (input: [Counting(4)], reads: [Take(1), Block]),
        ],
    ),
    ops: [
        NewInput(channel: 0),
        GetBuffer(stream: 0, size: 4),
    ],
)
"#;

/// Line and column where parsing stops, and the reason.
fn syntax(text: &str) -> (usize, usize, String) {
    match Trace::parse(text) {
        Err(TraceError::Syntax { at, reason }) => (at.line, at.column, reason),
        other => panic!("expected a syntax error, got {other:?}"),
    }
}

fn meaning(text: &str) -> (String, String) {
    match Trace::parse(text) {
        Err(TraceError::Meaning { path, reason }) => (path, reason),
        other => panic!("expected an error of meaning, got {other:?}"),
    }
}

#[test]
fn the_good_trace_parses_and_is_canonical_but_for_the_layout() {
    let trace = Trace::parse(GOOD).unwrap();
    let text = trace.to_text().unwrap();
    assert_eq!(Trace::parse(&text).unwrap(), trace);
    assert_eq!(Trace::parse(&text).unwrap().to_text().unwrap(), text);
    assert!(
        text.contains("\n        GetBuffer(stream: 0, size: 4),\n"),
        "one operation a line:\n{text}"
    );
}

#[test]
fn comments_and_layout_do_not_change_the_name() {
    let commented = GOOD.replace("    ops", "    // what is done\n\n /* here */ ops");
    assert_eq!(
        Trace::parse(&commented).unwrap().hash().unwrap(),
        Trace::parse(GOOD).unwrap().hash().unwrap()
    );
    let other = GOOD.replace("size: 4", "size: 5");
    assert_ne!(
        Trace::parse(&other).unwrap().hash().unwrap(),
        Trace::parse(GOOD).unwrap().hash().unwrap()
    );
}

#[test]
fn unknown_names_are_refused_where_they_stand() {
    for (from, to, line, column, named) in [
        ("cause:", "because:", 4, 5, "because"),
        ("channels:", "pipes:", 6, 9, "pipes"),
        ("reads:", "read:", 7, 37, "read"),
        ("Block", "Wait", 7, 53, "Wait"),
        ("Counting", "Count", 7, 22, "Count"),
        ("GetBuffer", "GetBuf", 12, 9, "GetBuf"),
        ("size: 4", "length: 4", 12, 30, "length"),
    ] {
        let (at_line, at_column, reason) = syntax(&GOOD.replacen(from, to, 1));
        assert!(
            reason.contains(&format!("`{named}`")) && reason.contains("xpected"),
            "{to}: {reason}"
        );
        assert_eq!(at_line, line, "{to}");
        assert!(
            at_column.abs_diff(column) <= named.len() + 1,
            "{to}: column {at_column}, name at {column}"
        );
    }
}

#[test]
fn missing_and_repeated_fields_are_refused() {
    assert!(syntax(&GOOD.replace("    cause: \"why\",\n", "")).2.contains("cause"));
    assert!(
        syntax(&GOOD.replace("cause: \"why\",", "cause: \"why\", cause: \"why\","))
            .2
            .contains("cause")
    );
    assert!(syntax(&GOOD.replace(", size: 4", "")).2.contains("size"));
}

#[test]
fn numbers_out_of_range_are_refused_where_they_stand() {
    let (line, _, reason) = syntax(&GOOD.replace("Take(1)", "Take(0)"));
    assert_eq!(line, 7);
    assert!(reason.contains("nonzero"), "{reason}");
    assert_eq!(syntax(&GOOD.replace("size: 4", "size: -4")).0, 12);
}

#[test]
fn a_torn_text_is_refused_at_its_end() {
    for end in [0, 1, 20, 60, GOOD.len() / 2, GOOD.len() - 3] {
        assert!(Trace::parse(&GOOD[..end]).is_err(), "the first {end} bytes are a trace?");
    }
    assert!(Trace::parse(&format!("{GOOD} trailing")).is_err());
}

#[test]
fn another_version_is_named_before_anything_else_is_looked_at() {
    let future =
        r#"(format: 7, nothing: "of this", is: Known(to: ["us"], b: b"\x00"), at: {1: 2})"#;
    assert_eq!(Trace::parse(future), Err(TraceError::Version { found: 7 }));
    let text = TraceError::Version { found: 7 }.to_string();
    assert!(text.contains('7') && text.contains('1'), "{text}");
    assert_eq!(Recording::parse(future), Err(RecordingError::Version { found: 7 }));
}

#[test]
fn what_cannot_be_is_refused_with_its_path() {
    for (from, to, path, word) in [
        ("\"why\"", "\" \"", "cause", "why the trace exists"),
        ("    world", "    rows: [32],\n    world", "rows", "31"),
        ("channel: 0", "channel: 1", "ops[0]", "channel 1"),
        ("size: 4", "size: 99999999", "ops[1]", "99999999"),
        ("Counting(4)", "Counting(99999999)", "world.channels[0].input", "99999999"),
        (
            "Counting(4)",
            "Counting(18446744073709551615), Counting(9)",
            "world.channels[0].input",
            "at most",
        ),
        ("Block]", "Fail(\"a\\u{0}b\")]", "world.channels[0].reads", "NUL"),
        (
            "GetBuffer(stream: 0, size: 4)",
            "GetToFd(stream: 0, sink: 0, size: 4)",
            "ops[1]",
            "sink 0",
        ),
        (
            "GetBuffer(stream: 0, size: 4)",
            "PutCountedString(stream: 0, text: [Bytes(b\"a\\x00\")])",
            "ops[1]",
            "NUL",
        ),
        (
            "GetBuffer(stream: 0, size: 4)",
            "PutBufferAsync(stream: 0, offset: 0, len: 0, may_free: true)",
            "ops[1]",
            "arena",
        ),
        (
            "GetBuffer(stream: 0, size: 4)",
            "ChangeArena(offset: 1, data: [Counting(1)])",
            "ops[1]",
            "arena",
        ),
        (
            "GetBuffer(stream: 0, size: 4)",
            "PutCompressionData(stream: 0, compressor: 0, data: [])",
            "ops[1]",
            "compressor 0",
        ),
        (
            "    ),\n    ops",
            "        compressors: [10],\n    ),\n    ops",
            "world.compressors[0]",
            "0 to 9",
        ),
        (
            "    ),\n    ops",
            "        sinks: [[Fail(-9)]],\n    ),\n    ops",
            "world.sinks[0]",
            "positive",
        ),
        (
            "    ),\n    ops",
            "        releases: [Fail(-9)],\n    ),\n    ops",
            "world.releases[0]",
            "positive",
        ),
    ] {
        let changed = GOOD.replacen(from, to, 1);
        assert_ne!(changed, GOOD, "{from} is not in the text");
        let (at, reason) = meaning(&changed);
        assert_eq!(at, path, "{to}");
        assert!(reason.contains(word), "{to}: {reason}");
    }
}

#[test]
fn a_recording_gives_back_what_was_observed() {
    let mut model = build("model", &Default::default()).unwrap();
    for case in 0..300 {
        let trace = generate::trace(5, case);
        let preflight = Preflight::of(&trace);
        let live = run(&mut *model, &trace, &preflight).unwrap();
        let written = Recording::new(&trace.hash().unwrap(), "0", live.clone());
        let text = written.to_text().unwrap();
        let read = Recording::parse(&text).unwrap();
        assert_eq!(read.steps, live.steps, "case {case}: the recording differs from the live run");
        assert_eq!(read.to_text().unwrap(), text, "case {case}");
    }
}

#[test]
fn a_broken_recording_is_refused_with_line_and_column() {
    let text = "(\n    format: 1,\n    trace: \"x\",\n    original: \"y\",\n    steps: [\n        (value: Nothing, evnts: []),\n    ],\n)\n";
    match Recording::parse(text) {
        Err(RecordingError::Syntax { at, reason }) => {
            assert_eq!(at.line, 6);
            assert!(reason.contains("evnts"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

fn words() -> impl Strategy<Value = String> {
    "[^\\x00]{0,12}"
}

fn data() -> impl Strategy<Value = Data> {
    let segment = prop_oneof![
        vec(any::<u8>(), 0..9).prop_map(Segment::Bytes),
        (0usize..99).prop_map(Segment::Counting),
        (any::<u8>(), 0usize..99).prop_map(|(byte, len)| Segment::Repeat { byte, len }),
        (any::<u64>(), 0usize..99).prop_map(|(seed, len)| Segment::Noise { seed, len }),
    ];
    vec(segment, 0..4).prop_map(Data)
}

fn count() -> impl Strategy<Value = NonZeroUsize> {
    (1usize..=usize::MAX).prop_map(|count| NonZeroUsize::new(count).unwrap())
}

fn errno() -> impl Strategy<Value = NonZeroI32> {
    (1i32..=i32::MAX).prop_map(|code| NonZeroI32::new(code).unwrap())
}

fn channel() -> impl Strategy<Value = Channel> {
    let reads = prop_oneof![
        count().prop_map(ReadStep::Take),
        Just(ReadStep::Block),
        words().prop_map(ReadStep::Fail),
        Just(ReadStep::End)
    ];
    let writes = prop_oneof![
        count().prop_map(WriteStep::Take),
        Just(WriteStep::Block),
        words().prop_map(WriteStep::Fail)
    ];
    let shutdown = prop_oneof![
        Just(Shutdown::Works),
        Just(Shutdown::Unsupported),
        words().prop_map(Shutdown::Fails)
    ];
    let answer = || prop_oneof![Just(Answer::Works), words().prop_map(Answer::Fails)];
    (
        data(),
        vec(reads, 0..4),
        proptest::option::of(count()),
        vec(writes, 0..4),
        (shutdown, answer(), answer(), any::<bool>()),
    )
        .prop_map(|(input, reads, rest, writes, (shutdown, close, set_blocking, blocking))| {
            Channel { input, reads, rest, writes, shutdown, close, set_blocking, blocking }
        })
}

fn world() -> impl Strategy<Value = World> {
    let sink = prop_oneof![
        count().prop_map(SinkStep::Take),
        Just(SinkStep::Nothing),
        errno().prop_map(SinkStep::Fail)
    ];
    let release = prop_oneof![Just(ReleaseStep::Works), errno().prop_map(ReleaseStep::Fail)];
    (
        data(),
        any::<bool>(),
        vec(channel(), 1..3),
        vec(vec(sink, 0..3), 0..3),
        vec(0u8..=9, 0..3),
        vec(release, 0..3),
    )
        .prop_map(|(arena, coroutine, channels, sinks, compressors, releases)| World {
            arena,
            coroutine,
            channels,
            sinks,
            compressors,
            releases,
        })
}

/// Decisions that proptest makes, and shrinks.
struct Words(Vec<u32>, usize);

impl Choices for Words {
    fn word(&mut self) -> u32 {
        self.1 += 1;
        self.0.get(self.1 - 1).copied().unwrap_or(0)
    }
}

proptest! {
    #[test]
    fn every_world_and_every_text_survive(world in world(), cause in "[^\\x00]{1,20}x", text in words(), code: i32) {
        let ops = vec![
            Op::NewInput { channel: 0 },
            Op::SetErrorObj { stream: 0, code, text: Some(text) },
            Op::SetErrorObj { stream: 0, code, text: None },
            Op::GetErrorObjAny { first: None, second: Some(0) },
        ];
        let trace = Trace::new("a \"quoted\" origin\n", &cause, world, ops);
        let text = trace.to_text().unwrap();
        let read = Trace::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&trace), "{}", text);
    }

    #[test]
    fn every_choice_makes_a_valid_trace(words in vec(any::<u32>(), 0..200)) {
        let trace = generate::from_choices(&mut Words(words, 0));
        let text = trace.to_text().unwrap();
        let read = Trace::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&trace), "{}", text);
        prop_assert_eq!(Preflight::of(&trace).undefined_op, None);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[(){}\\[\\]:,a-zA-Z0-9\" \n]{0,80}") {
        let _ = Trace::parse(&text);
        let _ = Recording::parse(&text);
    }
}
