//! Each command from end to end: what it prints, what it exits with, what it leaves behind.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{NEIGHBOURS, STALE_PEEK, Said, has_original, run, write};
use qemufile_conformance::report::FORMAT;
use tempfile::tempdir;

const BROKEN: &str = "(\n    format: 1,\n    origin: \"hand\",\n    colour: 3,\n)\n";

fn corpus_streams() -> PathBuf {
    test_support::project("corpus/streams")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn replay_compares_every_trace_of_a_directory() {
    let directory = tempdir().unwrap();
    write(directory.path(), "traces/peek-stale.ron", STALE_PEEK);
    write(directory.path(), "traces/deeper/put-neighbours.ron", NEIGHBOURS);
    let said = run(
        directory.path(),
        ["replay", text(&directory.path().join("traces")), "--format", "json"],
    )
    .expect(0);
    let report = said.report();
    assert_eq!(report["format"], FORMAT);
    assert_eq!(report["sections"][0]["agreed"], 2);
    assert_eq!(report["sections"][0]["items"].as_array().unwrap().len(), 2);
    assert_eq!(report["failures"].as_array().unwrap().len(), 0);
}

#[test]
fn a_broken_trace_is_named_with_line_and_column_and_the_others_run() {
    let directory = tempdir().unwrap();
    let broken = write(directory.path(), "broken.ron", BROKEN);
    write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    let said = run(directory.path(), ["replay", text(directory.path())]).expect(2);
    assert!(said.out.contains(&format!("{}:4:", broken.display())), "{}", said.out);
    assert!(said.out.contains("colour"), "{}", said.out);
    let report = run(directory.path(), ["replay", text(directory.path()), "--format", "json"])
        .expect(2)
        .report();
    assert_eq!(report["sections"][0]["agreed"], 1);
    assert_eq!(report["problems"].as_array().unwrap().len(), 1);
    for verb in ["explain", "shrink"] {
        let said = run(directory.path(), [verb, text(&broken)]).expect(2);
        assert!(said.err.contains("broken.ron:4:"), "{}", said.err);
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let directory = tempdir().unwrap();
    for arguments in [
        &["--no-such-option"][..],
        &["no-such-command"],
        &["replay", "/no/such/trace.ron"],
        &["replay", "--shard", "0/4"],
        &["replay", "--shard", "5/4"],
        &["replay", "--subject", "nobody"],
        &["explore", "--cases", "1", "--seconds", "1"],
        &["explore", "--cases", "1", "--reference", "/no/such/file.c"],
        &["streams", "/no/such/stream.bin"],
        &["shrink"],
    ] {
        run(directory.path(), arguments).expect(2);
    }
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(run(directory.path(), ["replay", text(&empty)]).expect(2).out.contains("no trace"));
}

#[test]
fn a_missing_original_that_is_demanded_exits_with_3() {
    let directory = tempdir().unwrap();
    if c_reference::available() {
        run(
            directory.path(),
            ["explore", "--cases", "10", "--seed", "1", "--subject", "c", "--subject", "core"],
        )
        .expect(0);
        return;
    }
    for arguments in [&["record"][..], &["doctor"], &["explore", "--cases", "1", "--subject", "c"]]
    {
        let said = run(directory.path(), arguments).expect(3);
        assert!((said.out + &said.err).contains(c_reference::absence().unwrap()));
    }
    let demanded =
        crate::command::command(directory.path()).env("REQUIRE_C", "1").output().unwrap();
    assert_eq!(demanded.status.code(), Some(3));
}

#[test]
fn the_same_seed_gives_the_same_report_whatever_the_number_of_jobs() {
    let directory = tempdir().unwrap();
    let explore = |more: &[&str]| {
        let fixed = ["explore", "--cases", "500", "--seed", "7", "--format", "json"];
        run(directory.path(), fixed.iter().chain(more)).expect(0).report()
    };
    let (one, two) = (explore(&["--jobs", "1"]), explore(&["--jobs", "2"]));
    assert_eq!(one["sections"][0]["agreed"], 500);
    assert_eq!(one["sections"][0]["agreed"], two["sections"][0]["agreed"]);
    assert_eq!(one["seed"], 7);
    let parts: u64 = ["1/3", "2/3", "3/3"]
        .iter()
        .map(|part| explore(&["--shard", part])["sections"][0]["agreed"].as_u64().unwrap())
        .sum();
    assert_eq!(parts, 500);
}

#[test]
fn explore_says_its_seed_and_keeps_to_its_time() {
    let directory = tempdir().unwrap();
    let said = run(directory.path(), ["explore", "--seconds", "1"]).expect(0);
    let seed = said.err.trim().strip_prefix("seed ").unwrap();
    assert!(said.out.contains(seed));
}

#[test]
fn check_does_all_three_sections() {
    let directory = tempdir().unwrap();
    let said = run(directory.path(), ["--shard", "1/400", "--format", "json"]);
    let report = said.report();
    let names: Vec<&str> = report["sections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|section| section["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["corpus", "streams", "generated"]);
    assert_eq!(report["sections"][2]["agreed"], 500);
    assert_eq!(report["shard"], "1/400");
}

#[test]
fn explain_shows_the_subjects() {
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "peek-stale.ron", STALE_PEEK);
    let Said { out, .. } =
        run(directory.path(), ["explain", text(&trace), "--width", "140"]).expect(0);
    // The default setting does otherwise, as predicted, and the lines are marked.
    assert!(out.contains("core-default") && out.contains("model-fixed"), "{out}");
    assert!(out.contains("!   2  GetBuffer(stream:0,size:9)"), "{out}");
    assert!(out.lines().any(|line| line.contains("!= Bytes(")), "{out}");
}

#[test]
fn shrink_has_nothing_to_do_where_all_agree() {
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    let said = run(directory.path(), ["shrink", text(&trace)]).expect(0);
    assert!(said.out.is_empty());
    assert!(said.err.contains("nothing to shrink"));
}

#[test]
fn a_header_that_names_other_defects_than_fire_is_refused() {
    let directory = tempdir().unwrap();
    let wrong = STALE_PEEK.replace("quirks: [StalePeek],", "");
    let trace = write(directory.path(), "peek-stale.ron", &wrong);
    let said = run(directory.path(), ["replay", text(&trace)]).expect(1);
    assert!(said.out.contains("StalePeek"), "{}", said.out);
}

#[test]
fn an_undefined_trace_shows_nothing() {
    let directory = tempdir().unwrap();
    let undefined = NEIGHBOURS.replace(
        "GetByte(stream: 0),\n        NewOutput",
        "Skip(stream: 0, size: -1),\n        NewOutput",
    );
    let trace = write(directory.path(), "skip-back.ron", &undefined);
    let report =
        run(directory.path(), ["replay", text(&trace), "--format", "json"]).expect(1).report();
    assert_eq!(report["sections"][0]["inconclusive"]["undefined"], 1);
}

#[test]
fn streams_are_walked_and_dumped_and_broken_ones_are_named() {
    let directory = tempdir().unwrap();
    let smallest = fs::read_dir(corpus_streams())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| text(path).ends_with(".bin") && !text(path).ends_with(".rev.bin"))
        .filter(|path| {
            path.with_extension("writev.json").exists()
                || path.with_extension("bin.writev.json").exists()
        })
        .min_by_key(|path| path.metadata().unwrap().len());
    let smallest = smallest.unwrap_or_else(|| corpus_streams().join("idle.bin"));
    run(directory.path(), ["streams", text(&smallest), "--subject", "core"]).expect(0);
    let dump = run(directory.path(), ["streams", "--dump", text(&smallest)]).expect(0);
    assert!(dump.out.contains("end of stream"), "{}", dump.out);
    let rows =
        run(directory.path(), ["streams", "--dump", text(&smallest), "--format", "json"]).expect(0);
    assert!(rows.out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));

    let mut bytes = fs::read(&smallest).unwrap();
    bytes.truncate(bytes.len() / 2);
    let cut = directory.path().join("cut.bin");
    fs::write(&cut, bytes).unwrap();
    let said = run(directory.path(), ["streams", text(&cut), "--subject", "core"]).expect(2);
    assert!(said.out.contains("cut.bin") && said.out.contains("byte "), "{}", said.out);
}

#[test]
fn doctor_names_what_is_there() {
    let directory = tempdir().unwrap();
    let said = run(directory.path(), ["doctor"]);
    assert!([0, 3].contains(&said.status), "{}", said.err);
    assert!(said.out.contains("planted differences were noticed"), "{}", said.out);
    if has_original() {
        assert!(said.out.contains("here     the original"), "{}", said.out);
    }
}
