//! Streams, and files beside them, that are cut, flipped, altered, or not there at all.

#![expect(clippy::expect_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;

use conformance::observation::{Event, Observation, Value};
use conformance::streams::{
    self, DescriptionSource, Options, Problem, StreamError, StreamReport, StreamVerdict, walk_bytes,
};
use conformance::subject::{Subject, Unready};
use conformance::trace::{Op, World};
use proptest::prelude::*;
use tempfile::TempDir;

fn corpus() -> PathBuf {
    test_support::project("corpus/streams")
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(corpus().join(name)).expect("the corpus is there")
}

fn subjects() -> Vec<Box<dyn Subject>> {
    let sources = crate::common::original().unwrap_or_default();
    let names = ["c", "core", "core-default", "model"];
    names.iter().filter_map(|name| conformance::registry::build(name, &sources)).collect()
}

fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory can be made");
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).expect("a file can be written");
    }
    directory
}

fn check_one(directory: &TempDir, options: &Options) -> StreamReport {
    let loaded = streams::load(directory.path()).expect("the directory is there");
    assert_eq!((loaded.files.len(), loaded.broken.len()), (1, 0), "{loaded:?}");
    streams::check(&loaded.files[0], &mut subjects(), options)
}

/// The stream of a case of the damage matrix.
fn damaged(case: &str, base: &[u8]) -> Vec<u8> {
    let words: Vec<&str> = case.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let number = |word: &str| -> Option<usize> {
        let pairs = words.windows(2).filter(|pair| pair[0] == word);
        pairs.filter_map(|pair| pair[1].parse().ok()).next()
    };
    let mut bytes = base.to_vec();
    if case == "derived-truncated" {
        bytes.truncate(base.len() / 2);
    } else if case == "derived-flipped" {
        bytes[97] ^= 1;
    } else if let Some(at) = number("at") {
        bytes.truncate(at);
    } else if let (Some(at), Some(bit)) = (number("byte"), number("bit")) {
        bytes[at] ^= 1 << bit;
    } else {
        assert!(case.starts_with("64 bytes of rubbish"), "{case}");
        bytes.extend([0xa5; 64]);
    }
    bytes
}

/// QEMU's verdict on each case, from a loader that knows which machine it is. What such a loader
/// without devices cannot see is not in the matrix: it flips nothing inside a payload.
#[test]
fn damage_is_judged_as_qemu_judged_it() {
    let matrix: serde_json::Value =
        serde_json::from_slice(&bytes("damage_matrix.json")).expect("the matrix is JSON");
    let base = bytes(matrix["base"].as_str().expect("it names its base"));
    let knowing = Options {
        description_from: Some(corpus().join("isapc-stopped.bin")),
        machine: Some("isapc".to_owned()),
        chunks: Vec::new(),
        ..Options::default()
    };
    let ignorant = Options { machine: None, ..knowing.clone() };
    let cases = matrix["cases"].as_array().expect("it has cases");
    assert_eq!(cases.len(), 32);
    let mut subjects = subjects();
    for case in cases {
        let name = case["case"].as_str().expect("a case has a name");
        let stream = damaged(name, &base);
        assert_eq!(Some(stream.len() as u64), case["size"].as_u64(), "{name}");
        let accepted = case["result"]["accepted"].as_bool().expect("a verdict");
        let directory = directory(&[("damaged.bin", &stream)]);
        let loaded = streams::load(directory.path()).expect("the directory is there");
        for options in [&knowing, &ignorant] {
            let report = streams::check(&loaded.files[0], &mut subjects, options);
            let accepts = accepted
                || (options.machine.is_none() && name.starts_with("flip configuration name"));
            match &report.verdict {
                StreamVerdict::Conforms => assert!(accepts, "{name}: accepted"),
                StreamVerdict::Broken { offset, reason } => {
                    assert!(!accepts, "{name}: {reason}");
                    assert!(
                        *offset <= stream.len() as u64 && !reason.is_empty(),
                        "{name}: {reason}"
                    );
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn the_refused_streams_say_where_and_why() {
    let options = Options { chunks: Vec::new(), ..Options::default() };
    let refused = |name: &str| {
        let loaded = streams::load(&corpus().join(name)).expect("the stream is there");
        match streams::check(&loaded.files[0], &mut subjects(), &options).verdict {
            StreamVerdict::Refused { offset, reason } => (offset, reason),
            other => panic!("{name}: {other:?}"),
        }
    };
    let (offset, reason) = refused("derived-flipped.bin");
    assert_eq!(offset, 97);
    assert!(reason.contains("0x7f") && reason.contains("footer"), "{reason}");
    let (offset, reason) = refused("derived-truncated.bin");
    assert_eq!(offset, 68_384);
    assert!(reason.contains("4096") && reason.contains("ram"), "{reason}");
}

/// Without a manifest nobody lends a description: the devices are skipped up to their footers.
#[test]
fn a_directory_without_manifest_is_walked_by_footers() {
    let stream = bytes("isapc-novmdesc.bin");
    let directory = directory(&[("isapc-novmdesc.bin", &stream)]);
    let options = Options::default();
    let report = check_one(&directory, &options);
    assert_eq!(report.verdict, StreamVerdict::Conforms);
    assert_eq!(report.description, Some(DescriptionSource::Opaque));
    assert_eq!((report.summary.opaque, report.summary.footers), (20, 23));
    assert_eq!(report.machine.as_deref(), Some("isapc"));
    assert_eq!((report.reads, report.writes), (0, 0));
    let lent = Options { description_from: Some(corpus().join("isapc-ran.bin")), ..options };
    let report = check_one(&directory, &lent);
    assert_eq!(report.verdict, StreamVerdict::Conforms);
    assert_eq!((report.summary.opaque, report.summary.probes), (0, 111));
    let none = Options { description_from: Some(corpus().join("postcopy.bin")), ..lent };
    assert!(matches!(check_one(&directory, &none).verdict, StreamVerdict::Unusable { .. }));
}

/// A description that does not fit is not believed.
#[test]
fn a_description_of_another_machine_is_set_aside() {
    let directory = directory(&[("isapc-novmdesc.bin", &bytes("isapc-novmdesc.bin"))]);
    let options =
        Options { description_from: Some(corpus().join("pc-ran.bin")), ..Options::default() };
    let report = check_one(&directory, &options);
    assert_eq!(report.verdict, StreamVerdict::Conforms);
    assert_ne!(report.description, Some(DescriptionSource::Own));
}

/// What QEMU did is compared: a record of something else diverges.
#[test]
fn an_altered_record_of_reads_or_writes_diverges() {
    let stream = bytes("none-pages.bin");
    let altered = |name: &str, from: &str, to: &str| {
        let text = String::from_utf8(bytes(name)).expect("it is text");
        assert!(text.contains(from), "{name}");
        let text = text.replacen(from, to, 1).into_bytes();
        check_one(&directory(&[("none-pages.bin", &stream), (name, &text)]), &Options::default())
            .verdict
    };
    let diverged = |verdict: StreamVerdict, words: &str| match verdict {
        StreamVerdict::Diverged { reason, .. } => assert!(reason.contains(words), "{reason}"),
        other => panic!("{other:?}"),
    };
    diverged(
        altered("none-pages.readv.json", "28848,28848", "28849,28848"),
        "read 1 asks for 28848",
    );
    diverged(
        altered("none-pages.writev.json", "[58,4096,8,", "[57,4097,8,"),
        "byte 62: write 1: piece 0 has 4162 bytes, and QEMU's had 57",
    );
    diverged(
        altered("none-pages.writev.json", "[62],62],", "[61],61],[\"writev\",[1],1],"),
        "no operation ends here",
    );
    assert_eq!(
        altered("none-pages.readv.json", "28848,28848", "28848,28848"),
        StreamVerdict::Conforms
    );
}

/// A subject that does one step otherwise.
struct Liar {
    honest: Box<dyn Subject>,
    left: usize,
}

impl Subject for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        self.honest.begin(world)
    }

    fn step(&mut self, op: &Op) -> Observation {
        let mut seen = self.honest.step(op);
        self.left = self.left.wrapping_sub(1);
        if let (0, Value::Number(number)) = (self.left, &mut seen.value) {
            *number ^= 1;
        } else if self.left == 0 {
            seen.events.push(Event::Closed);
        }
        seen
    }

    fn finish(&mut self) -> Vec<Event> {
        self.honest.finish()
    }
}

/// One wrong value, or one call too many, in any step of reading or writing is seen.
#[test]
fn a_subject_that_does_one_step_otherwise_diverges() {
    let loaded = streams::load(&corpus().join("none-stopped.bin")).expect("the stream is there");
    let options = Options { chunks: Vec::new(), ..Options::default() };
    let honest = || {
        conformance::registry::build("core", &conformance::registry::Sources::default())
            .expect("the core is there")
    };
    let steps: usize = streams::check(&loaded.files[0], &mut [honest()], &options)
        .runs
        .iter()
        .map(|run| run.steps)
        .sum();
    for left in (1..=steps).step_by(41).chain([steps]) {
        let liar = Liar { honest: honest(), left };
        let mut subjects: [Box<dyn Subject>; 2] = [honest(), Box::new(liar)];
        match streams::check(&loaded.files[0], &mut subjects, &options).verdict {
            StreamVerdict::Diverged { reason, divergence } => {
                assert!(reason.contains("liar"), "{reason}");
                assert_eq!(divergence.map(|found| found.subject).as_deref(), Some("liar"));
            }
            other => panic!("step {left} of {steps}: {other:?}"),
        }
    }
}

#[test]
fn broken_files_say_where_and_the_others_still_count() {
    let good = bytes("none-stopped.bin");
    let directory = directory(&[
        ("good.bin", &good),
        ("cut.bin", &good),
        ("cut.readv.json", b"{\"calls\":\n [[\"readv\",32768,"),
        ("sum.bin", &good),
        ("sum.writev.json", b"{\"calls\":[[\"writev\",[62],62]]}"),
    ]);
    let loaded = streams::load(directory.path()).expect("the directory is there");
    assert_eq!(loaded.files.len(), 1);
    assert_eq!(loaded.broken.len(), 2);
    let StreamError::Syntax { at, path, .. } = &loaded.broken[0] else { panic!("{loaded:?}") };
    assert_eq!(
        (at.line, path.file_name().and_then(|name| name.to_str())),
        (2, Some("cut.readv.json"))
    );
    assert!(loaded.broken[1].to_string().contains("add up to 62 bytes, and the stream has 3085"));

    fs::write(directory.path().join("MANIFEST.json"), "{\"files\": [\n{\"file\": 3}]}")
        .expect("it can be written");
    assert!(
        matches!(streams::load(directory.path()), Err(StreamError::Syntax { at, .. }) if at.line == 2)
    );
    let entry = "{\"files\": [{\"file\": \"../good.bin\", \"size\": 1, \"sha256\": \"\"}]}";
    fs::write(directory.path().join("MANIFEST.json"), entry).expect("it can be written");
    assert!(matches!(streams::load(directory.path()), Err(StreamError::Meaning { .. })));
    let entry = "{\"files\": [{\"file\": \"good.bin\", \"size\": 1, \"sha256\": \"\"}]}";
    fs::write(directory.path().join("MANIFEST.json"), entry).expect("it can be written");
    let loaded = streams::load(directory.path()).expect("the manifest is well formed");
    assert_eq!((loaded.files.len(), loaded.broken.len()), (0, 3));
    assert!(matches!(
        streams::load(&directory.path().join("none")),
        Err(StreamError::Unreadable { .. })
    ));
}

/// A stream beyond the limit is walked all the same, by the core.
#[test]
fn a_long_stream_is_walked_by_the_core_only() {
    let directory = directory(&[("none-pages.bin", &bytes("none-pages.bin"))]);
    let options = Options { subject_limit: 1 << 16, ..Options::default() };
    let report = check_one(&directory, &options);
    assert_eq!(report.verdict, StreamVerdict::Conforms);
    assert_eq!((report.runs.len(), report.notes.len(), report.summary.pages.page), (0, 1, 100));
}

/// Streams to start from.
const SEEDS: [&str; 6] = [
    "none-stopped.bin",
    "isapc-stopped.bin",
    "compress-1.bin",
    "dirty-bitmaps.bin",
    "postcopy.bin",
    "xbzrle.bin",
];

/// A change of a stream, at places given as parts of its length.
#[derive(Clone, Debug)]
enum Change {
    Flip(f64, u8),
    Cut(f64),
    Remove(f64, usize),
    Repeat(f64, usize),
    Word(f64, u32),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0.0..1.0_f64;
    prop_oneof![
        (at.clone(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        at.clone().prop_map(Change::Cut),
        (at.clone(), 1..64_usize).prop_map(|(at, len)| Change::Remove(at, len)),
        (at.clone(), 1..64_usize).prop_map(|(at, len)| Change::Repeat(at, len)),
        (at, any::<u32>()).prop_map(|(at, word)| Change::Word(at, word)),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a small length"
)]
#[expect(clippy::cast_precision_loss, reason = "any place near it will do")]
fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let place = |part: &f64| (bytes.len() as f64 * part) as usize;
        match change {
            _ if bytes.len() < 64 => {}
            Change::Flip(part, bit) => {
                let at = place(part);
                bytes[at] ^= 1 << bit;
            }
            Change::Cut(part) => bytes.truncate(place(part)),
            Change::Remove(part, len) => {
                let at = place(part);
                bytes.drain(at..(at + len).min(bytes.len()));
            }
            Change::Repeat(part, len) => {
                let at = place(part);
                let again = bytes[at..(at + len).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            Change::Word(part, word) => {
                let at = place(part).min(bytes.len() - 4);
                bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever is in a stream, the walk comes to an end inside it.
    #[test]
    fn hostile_streams_are_walked_or_refused(
        seed in 0..SEEDS.len(),
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        let stream = changed(bytes(SEEDS[seed]), &changes);
        let walked = walk_bytes(&stream);
        prop_assert!(walked.position <= stream.len() as u64);
        if let Err(error) = walked.end {
            prop_assert!(error.offset <= stream.len() as u64, "{}", error);
            prop_assert_ne!(error.problem, Problem::Diverged);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is in a stream, the subjects do the same with it.
    #[test]
    fn subjects_agree_on_hostile_streams(
        seed in 0..2_usize,
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        let directory = directory(&[("hostile.bin", &changed(bytes(SEEDS[seed]), &changes))]);
        let report = check_one(&directory, &Options::default());
        let fine = matches!(report.verdict, StreamVerdict::Conforms | StreamVerdict::Broken { .. });
        prop_assert!(fine, "{:?}", report.verdict);
    }
}
