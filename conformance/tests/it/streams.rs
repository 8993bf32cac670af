//! Every stream of the corpus: walked, read by all subjects in step, written again, and compared
//! with what QEMU did.

#![expect(clippy::expect_used, reason = "a test")]

use std::path::PathBuf;

use conformance::streams::{
    self, DescriptionSource, FlushCounts, Loaded, Options, RowKind, StreamFile, StreamReport,
    StreamVerdict,
};
use conformance::subject::Subject;
use serde_json::Value;

fn corpus() -> PathBuf {
    test_support::project("corpus/streams")
}

fn load() -> Vec<StreamFile> {
    let Loaded { files, broken } = streams::load(&corpus()).expect("the corpus is there");
    assert!(broken.is_empty(), "{broken:?}");
    files
}

fn named(name: &str) -> StreamFile {
    load().into_iter().find(|file| file.name == name).expect("the stream is in the corpus")
}

fn manifest() -> Vec<Value> {
    let text = std::fs::read(corpus().join("MANIFEST.json")).expect("the manifest is there");
    let manifest: Value = serde_json::from_slice(&text).expect("the manifest is JSON");
    manifest["files"].as_array().expect("it lists files").clone()
}

/// The core in both settings, the model, and in front of them the original where it is there.
fn subjects() -> Vec<Box<dyn Subject>> {
    let sources = crate::common::original().unwrap_or_default();
    let names = ["c", "core", "core-default", "model"];
    names.iter().filter_map(|name| conformance::registry::build(name, &sources)).collect()
}

fn check_all() -> Vec<StreamReport> {
    let mut subjects = subjects();
    load().iter().map(|file| streams::check(file, &mut subjects, &Options::default())).collect()
}

#[test]
fn every_stream_conforms_or_is_refused_as_qemu_refuses_it() {
    let reports = check_all();
    assert_eq!(reports.len(), 17);
    let mut failures = String::new();
    let mut flushes = FlushCounts::default();
    for report in &reports {
        let refused = report.name.starts_with("derived");
        let expected = match &report.verdict {
            StreamVerdict::Conforms => !refused,
            StreamVerdict::Refused { .. } => refused,
            _ => false,
        };
        if !expected {
            failures += &format!("{}: {:?}\n", report.name, report.verdict);
        }
        assert!(report.subjects.len() >= 3 && report.unready.is_empty(), "{report:?}");
        if let Some(counts) = report.flushes {
            assert_eq!(counts.total(), report.writes as u64, "{}", report.name);
            flushes.explicit += counts.explicit;
            flushes.full_buffer += counts.full_buffer;
            flushes.full_queue += counts.full_queue;
        }
    }
    assert!(failures.is_empty(), "{failures}");
    let reads: usize = reports.iter().map(|report| report.reads).sum();
    let recorded: u64 =
        manifest().iter().filter_map(|entry| entry["reader_calls"]["calls"].as_u64()).sum();
    assert_eq!(reads as u64, recorded);
    let of = |kind: &str| -> u64 {
        let count = |entry: &Value| entry["parse"]["writer_layout"]["call_ended_by"][kind].as_u64();
        manifest().iter().filter_map(count).sum()
    };
    let expected = FlushCounts {
        explicit: of("explicit flush"),
        full_buffer: of("buffer full"),
        full_queue: of("64 iovecs"),
    };
    assert_eq!(flushes, expected);
    assert_eq!((flushes.explicit, flushes.full_buffer, flushes.full_queue), (1863, 3, 3));
}

/// The totals of each walk are those that the manifest has from a parser of its own.
#[test]
fn the_dump_has_the_figures_of_the_manifest() {
    for entry in manifest() {
        let name = entry["file"].as_str().expect("an entry has a file");
        let parse = &entry["parse"];
        let file = named(name);
        let mut rows = Vec::new();
        let dumped = streams::dump(&file, &Options::default(), &mut |row| rows.push(row.clone()));
        assert_eq!(
            dumped.is_ok(),
            parse["walked_to_end"].as_bool().expect("a verdict"),
            "{name}: {dumped:?}"
        );
        let Ok(planned) = dumped else { continue };
        let (summary, figure) =
            (&planned.walked.summary, |key: &str| parse[key].as_u64().unwrap_or(0));
        assert_eq!(rows.len() as u64, figure("rows"), "{name}");
        assert_eq!(summary.rows, figure("rows"), "{name}");
        assert_eq!(summary.footers, figure("footers"), "{name}");
        assert_eq!(summary.probes, figure("subsection_probes"), "{name}");
        assert_eq!(summary.subsections, figure("subsections"), "{name}");
        assert_eq!(summary.foreign_subsections, figure("false_subsection_bytes"), "{name}");
        assert_eq!(summary.opaque, figure("opaque_sections"), "{name}");
        assert_eq!(summary.left_over, 0, "{name}");
        let records = &parse["ram_records"];
        let counts = serde_json::to_value(summary.pages).expect("counts are plain");
        assert_eq!(&counts, records, "{name}");
        let own = planned.source == DescriptionSource::Own;
        assert_eq!(own, parse["own_vmdesc"].as_bool().expect("a yes or no"), "{name}");
        // The rows cover the stream without a hole, but for what lies in a package.
        let described = rows.iter().find(|row| row.kind == RowKind::Description);
        assert_eq!(described.map(|row| row.offset), parse["vmdesc_offset"].as_u64(), "{name}");
        for pair in rows.windows(2) {
            assert_eq!(pair[0].offset + pair[0].len, pair[1].offset, "{name}: {pair:?}");
        }
        let pages = rows.iter().fold(0, |sum, row| sum + row.pages.total());
        assert_eq!(pages, summary.pages.total(), "{name}");
    }
}

#[test]
fn guest_memory_is_what_qemu_had() {
    let reports =
        load().into_iter().filter(|file| file.memory.is_some() && file.accepted == Some(true));
    let mut count = 0;
    for file in reports {
        let report = streams::check(&file, &mut [], &Options::default());
        assert_eq!(report.guest_memory, Some(true), "{}", file.name);
        count += 1;
    }
    assert_eq!(count, 12);
}

#[test]
fn the_return_path_is_read_and_written() {
    let mut subjects = subjects();
    let options = Options { chunks: Vec::new(), ..Options::default() };
    for (name, messages) in [("return-path.bin", 2), ("postcopy.bin", 16)] {
        let report = streams::check(&named(name), &mut subjects, &options);
        assert_eq!(report.verdict, StreamVerdict::Conforms);
        assert_eq!(report.messages, messages, "{name}");
        let back = named(name).reverse.expect("there is a return path");
        let bytes = std::fs::read(back).expect("it can be read");
        let channel = qemufile_core::MemoryChannel::with_input(bytes.clone());
        let mut loader = streams::CoreLoader::new(std::sync::Arc::new(channel));
        let read = streams::messages(&mut loader, bytes.len() as u64).expect("it is whole");
        let texts: Vec<String> = read.iter().map(ToString::to_string).collect();
        let listed =
            manifest().into_iter().find(|entry| entry["file"] == name).expect("it is listed");
        let listed = listed["parse"]["return_path"].as_array().expect("with its messages").len();
        assert_eq!(texts.len(), listed);
        assert_eq!((texts[0].as_str(), texts[messages - 1].as_str()), ("pong 1", "shut 0"));
    }
}

/// Verdicts over the streams of a directory, by name.
fn verdicts(directory: &str) -> Vec<StreamReport> {
    let Loaded { files, broken } =
        streams::load(&corpus().join(directory)).expect("the corpus is there");
    assert!(broken.is_empty(), "{broken:?}");
    let mut subjects = subjects();
    let options = Options { chunks: Vec::new(), ..Options::default() };
    files.iter().map(|file| streams::check(file, &mut subjects, &options)).collect()
}

/// All of QEMU 10.0.2: command 11, several channels, memory at fixed places, an offset, COLO, CPR,
/// postcopy that was resumed.
#[test]
fn every_stream_of_qemu_10_conforms() {
    let reports = verdicts("10.0");
    assert_eq!(reports.len(), 25);
    let mut failures = String::new();
    for report in &reports {
        if report.verdict != StreamVerdict::Conforms {
            failures += &format!("{}: {:?}\n", report.name, report.verdict);
        }
        assert_ne!(report.guest_memory, Some(false), "{}", report.name);
    }
    assert!(failures.is_empty(), "{failures}");
    let of = |name: &str| {
        reports.iter().find(|report| report.name == name).expect("the stream is in the corpus")
    };
    let channels: Vec<&str> =
        reports.iter().flat_map(|report| &report.channels).map(|channel| &*channel.name).collect();
    assert_eq!(
        channels,
        [
            "q-cpr-transfer.cpr.chan",
            "q-multifd-legacy.ch1.chan",
            "q-multifd-legacy.ch2.chan",
            "q-multifd-zlib.ch1.chan",
            "q-multifd-zlib.ch2.chan",
            "q-multifd-zstd.ch1.chan",
            "q-multifd-zstd.ch2.chan",
            "q-multifd.ch1.chan",
            "q-multifd.ch2.chan",
            "q-postcopy-preempt.ch1.chan",
            "q-postcopy-recover.ch1.chan",
        ]
    );
    let pages = |name: &str| {
        let counts = of(name).channels.iter().map(|channel| channel.summary.pages.total());
        counts.sum::<u64>()
    };
    assert_eq!(pages("q-multifd.bin"), pages("q-multifd-zlib.bin"));
    assert_eq!(of("q-postcopy-preempt.bin").channels[0].summary.pages.page, 11);
    // Of the recovery: six bitmaps, an acknowledgement, requests, the end; and what went before.
    assert!(of("q-postcopy-recover.bin").messages > 11);
    assert!(of("q-mapped-ram.bin").summary.pages.mapped > 0);
    let memory = reports.iter().filter(|report| report.guest_memory == Some(true)).count();
    assert_eq!(memory, 9);
    // The virtio devices of this one are not described, so that its reads are compared in part.
    assert_eq!(of("q-pc-rich.bin").reads, 0);
    assert!(of("q-pc-rich.bin").notes.iter().any(|note| note.contains("not described")));
    let reads = reports.iter().filter(|report| report.reads > 0).count();
    let writes = reports.iter().filter(|report| report.writes > 0).count();
    assert_eq!((reads, writes), (10, 12));
}

/// What QEMU says of streams with one odd property each; the manifest has QEMU's verdicts.
#[test]
fn odd_streams_are_judged_as_qemu_judges_them() {
    let reports = verdicts("odd");
    assert_eq!(reports.len(), 39);
    let mut failures = String::new();
    for report in &reports {
        // None of these is a stream by itself, or needs the machine: nobody asked QEMU.
        let opened = ["gzip.bin", "xz.bin", "libvirt-save.bin"].contains(&report.name.as_str());
        let fits = match &report.verdict {
            StreamVerdict::Conforms => !REFUSED.iter().any(|(name, _)| *name == report.name),
            StreamVerdict::Refused { reason, .. } | StreamVerdict::Broken { reason, .. } => {
                REFUSED.iter().any(|(name, word)| *name == report.name && reason.contains(word))
            }
            _ => false,
        };
        if !fits || (opened && report.notes.is_empty()) {
            failures += &format!("{}: {:?} {:?}\n", report.name, report.verdict, report.notes);
        }
        // A description that is not used is spoken of.
        let described = ["desc-page-256.bin"].contains(&report.name.as_str());
        let dropped = (report.name.starts_with("desc-") && !described)
            || report.name.starts_with("field-size-")
            || report.name == "null-pointer-in-array-old-json.bin";
        if dropped && report.notes.iter().all(|note| !note.contains("description")) {
            failures += &format!("{}: nothing is said: {:?}\n", report.name, report.notes);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// The odd streams that are refused, with a word of the reason.
const REFUSED: [(&str, &str); 14] = [
    ("cap-mapped-ram.bin", "ram"),
    ("cap-unknown.bin", "x-foo"),
    ("cap-version-2.bin", "version"),
    ("conf-unknown-subsection.bin", "configuration/future"),
    ("iterative-without-footers.bin", "without description and footer"),
    ("libvirt-partial.bin", "libvirt"),
    ("little-endian-magic.bin", "swapped"),
    ("lzop.bin", "lzop"),
    ("qcow2.bin", "qcow2"),
    ("ram-instance-7.bin", "instance of a section is 7"),
    ("ram-version-3.bin", "version of a section is 3"),
    ("ram-version-5.bin", "version of a section is 5"),
    ("version-2.bin", "version is 2"),
    ("zstd.bin", "zstd"),
];

/// Each row of the table of the format names something that has what the row is about.
#[test]
fn the_table_of_the_format_names_what_is_there() {
    let root = test_support::project("");
    let text = std::fs::read_to_string(root.join("docs/STREAM.md")).expect("it is there");
    let tests: String = ["channels", "devices", "formats", "live"]
        .map(|name| root.join(format!("conformance/migration-stream/tests/{name}.rs")))
        .map(|path| std::fs::read_to_string(path).expect("it is there"))
        .concat();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.contains("seen in |")) {
        let last = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        if last == "what it does to the stream" {
            continue;
        }
        let name = last.rsplit([' ', ',']).next().unwrap_or_default();
        let there = match name.strip_prefix("t:") {
            Some(test) => tests.contains(&format!("fn {test}()")),
            None => ["", "10.0", "odd"]
                .iter()
                .any(|folder| corpus().join(folder).join(format!("{name}.bin")).is_file()),
        };
        assert!(there && !name.is_empty(), "{line}");
        rows += 1;
    }
    assert!(rows > 100, "{rows}");
}
