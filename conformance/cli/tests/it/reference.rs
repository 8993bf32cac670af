//! `--reference`: any file is the oracle of a run, and what it does to its process is a divergence.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::command::{NEIGHBOURS, Said, changed, has_original, run, write};
use conformance::trace::Trace;
use tempfile::tempdir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The line in which a single byte is put into the buffer.
const PUT_BYTE: usize = 456;

/// Explores with a changed copy of the original.
fn explore(directory: &Path, reference: &Path) -> Said {
    run(
        directory,
        [
            "explore",
            "--seed",
            "1",
            "--cases",
            "2000",
            "--limit",
            "1",
            "--format",
            "json",
            "--reference",
            text(reference),
        ],
    )
}

#[test]
fn a_changed_comparison_is_found_with_at_most_ten_operations() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    // Neighbours are not joined, what is held is read again, the last byte cannot be skipped.
    for (line, from, to) in [(381, "==", "!="), (493, "<", "<="), (462, "<=", "<")] {
        let reference = changed(directory.path(), line, from, to);
        let report = explore(directory.path(), &reference).expect(1).report();
        assert_eq!(report["oracle"]["pinned"], false);
        let failure = &report["failures"][0];
        let trace = Trace::parse(failure["trace"].as_str().unwrap()).unwrap();
        assert!(trace.ops.len() <= 10, "{} operations", trace.ops.len());
        // The file that was kept fails again, with this reference and no other.
        let file = failure["file"].as_str().unwrap();
        assert!(Path::new(file).file_stem().unwrap().to_str().unwrap().len() == 16);
        run(directory.path(), ["replay", file, "--reference", text(&reference)]).expect(1);
        run(directory.path(), ["replay", file]).expect(0);
        let said =
            run(directory.path(), ["explain", file, "--reference", text(&reference)]).expect(1);
        assert!(said.out.contains("diverged at operation"), "{}", said.out);
    }
}

#[test]
fn the_printed_text_is_enough_to_replay() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let reference = changed(directory.path(), 381, "==", "!=");
    let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    let said = run(
        directory.path(),
        ["shrink", "--explain", text(&trace), "--reference", text(&reference)],
    )
    .expect(1);
    let smallest = Trace::parse(&said.out).unwrap();
    assert!(smallest.ops.len() <= 4, "{}", said.out);
    assert!(said.err.contains("took out operation"), "{}", said.err);
    let saved = write(directory.path(), "saved.ron", &said.out);
    let said =
        run(directory.path(), ["replay", text(&saved), "--reference", text(&reference)]).expect(1);
    assert!(said.out.contains("unpinned") && said.out.contains("another Write"), "{}", said.out);
}

#[test]
fn a_crash_and_a_hang_are_divergences_with_their_traces() {
    if !has_original() {
        return;
    }
    for (what, code, says) in [
        ("crash", "; *(volatile int *)0 = 0;", "SIGSEGV"),
        ("abort", "; abort();", "SIGABRT"),
        ("hang", "; for (;;);", "hung"),
        ("exit", "; exit(7);", "status 7"),
    ] {
        let directory = tempdir().unwrap();
        let reference = changed(directory.path(), PUT_BYTE, ";", code);
        let report = explore(directory.path(), &reference).expect(1).report();
        let failure = &report["failures"][0];
        assert!(failure["step"]["actual"][0].as_str().unwrap().contains(says), "{what}: {failure}");
        let trace = Trace::parse(failure["trace"].as_str().unwrap()).unwrap();
        assert_eq!(trace.ops.len(), 2, "{what}: {failure}");
        assert_eq!(failure["step"]["index"], 1, "{what}: {failure}");
    }
}

#[test]
fn what_does_not_compile_says_what_the_compiler_said() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let reference = changed(directory.path(), PUT_BYTE, ";", " +;");
    let said = explore(directory.path(), &reference).expect(2);
    assert!(said.err.contains("changed.c") && said.err.contains("error:"), "{}", said.err);
    let said =
        explore(directory.path(), &write(directory.path(), "words.so", "no object")).expect(2);
    assert!(said.err.contains("words.so"), "{}", said.err);
    explore(directory.path(), &write(directory.path(), "words.txt", "no code")).expect(2);
}

#[test]
fn a_shared_object_that_conforms_conforms() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let object = directory.path().join("original.so");
    c_reference::Reference::compile(c_reference::original_path().unwrap(), &[], &object).unwrap();
    let report = explore(directory.path(), &object).expect(0).report();
    assert_eq!(report["oracle"]["kind"], "file");
    assert_eq!(report["oracle"]["pinned"], false);
    assert_eq!(report["sections"][0]["agreed"], 2000);
    // The original itself is a subject like any other beside such a file.
    run(
        directory.path(),
        ["explore", "--cases", "50", "--subject", "c", "--reference", text(&object)],
    )
    .expect(0);
}

#[test]
fn recorded_transcripts_are_not_consulted() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let object = directory.path().join("original.so");
    c_reference::Reference::compile(c_reference::original_path().unwrap(), &[], &object).unwrap();
    let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    write(directory.path(), "put-neighbours.transcript.ron", "no transcript at all");
    run(directory.path(), ["replay", text(&trace)]).expect(2);
    run(directory.path(), ["replay", text(&trace), "--reference", text(&object)]).expect(0);
}

#[test]
fn a_hanging_reference_ends_with_the_process_that_started_it() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let reference = changed(directory.path(), PUT_BYTE, ";", "; for (;;);");
    let alive = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok()).any(|words| {
            let words = String::from_utf8_lossy(&words).into_owned();
            words.contains(conformance::isolate::VERB) && words.contains(text(directory.path()))
        })
    };
    // What is compiled goes below TMPDIR, so the processes of this test are known by their argument.
    let mut parent = crate::command::command(directory.path())
        .env("TMPDIR", directory.path())
        .args(["explore", "--seed", "1", "--limit", "600", "--reference", text(&reference)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let within_a_minute = |reached: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !reached() {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing happens");
            thread::yield_now();
        }
    };
    within_a_minute(&alive);
    parent.kill().unwrap();
    parent.wait().unwrap();
    within_a_minute(&|| !alive());
}

#[test]
fn what_needs_a_function_that_the_file_lacks_is_not_applicable() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let original = fs::read_to_string(c_reference::original_path().unwrap()).unwrap();
    // Two functions that stand one behind the other and that nothing else calls.
    let lines: Vec<&str> = original.lines().collect();
    let kept = [&lines[..725], &lines[748..]].concat().join("\n") + "\n";
    let reference = write(directory.path(), "without.c", &kept);
    let corpus = test_support::project("corpus/traces");
    let words = ["replay", text(&corpus), "--reference", text(&reference)];
    let said = run(directory.path(), words).expect(0);
    let once = "not applicable: what needs qemu_put_qemu_file, qemu_file_buffer_empty";
    assert_eq!(said.err.matches(once).count(), 1, "{}", said.err);
    assert!(said.out.contains("as of QEMU 8.2,"), "{}", said.out);
    let report =
        run(directory.path(), words.into_iter().chain(["--format", "json"])).expect(0).report();
    let section = &report["sections"][0];
    let counted = section["not_applicable"].as_object().unwrap();
    // To ask whether the queue is empty changes nothing: such an operation is left out alone.
    assert_eq!(counted.keys().collect::<Vec<_>>(), ["qemu_put_qemu_file"]);
    assert!(counted["qemu_put_qemu_file"].as_u64().unwrap() > 10, "{section}");
    assert_eq!(section["diverged"], 0);
    assert_eq!(report["oracle"]["release"], "8.2");
    // Generated cases do without, and are the same ones whatever the number of threads.
    let explored = |jobs: &str, release: &[&str]| {
        let mut words = vec!["explore", "--seed", "5", "--cases", "2000", "--format", "json"];
        words.extend(["--jobs", jobs, "--reference", text(&reference)]);
        words.extend(release);
        let mut report = run(directory.path(), words).expect(0).report();
        report["seconds"] = 0.into();
        report["sections"][0]["seconds"] = 0.into();
        report
    };
    let one = explored("1", &[]);
    assert_eq!(one["sections"][0]["agreed"], 2000);
    assert_eq!(one, explored("4", &[]));
    assert_eq!(explored("2", &["--release", "9.2"])["oracle"]["release"], "9.1");
}

#[test]
fn the_file_is_what_is_judged() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    // A blank line on top and a second read of a byte that is there.
    let reference = changed(directory.path(), 493, "<", "<=");
    let report = explore(directory.path(), &reference).expect(1).report();
    let failure = &report["failures"][0];
    let summary = failure["summary"].as_str().unwrap();
    assert!(
        summary.contains("the file reads once more than QEMU 8.2.0 does, in qemu_"),
        "{summary}"
    );
    let reads = |side: &str| {
        let lines = failure["step"][side].as_array().unwrap();
        lines.iter().filter(|line| line.as_str().unwrap().starts_with("> Read")).count()
    };
    assert_eq!(reads("actual"), reads("expected") + 1, "{failure}");
}
