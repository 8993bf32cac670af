//! From traces to seeds, and from what a fuzzer found back to traces, through the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use conformance::fuzz::{Case, encode};
use conformance::trace::{Op, Trace};
use conformance::{corpus, generate};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qemufile-conformance"))
        .args(arguments)
        .current_dir(test_support::project(""))
        .env_remove("REQUIRE_C")
        .output()
        .unwrap()
}

fn refused(arguments: &[&str], words: &str) {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(words), "{said}");
}

/// A trace that a fuzzer might find, in the folder of a target.
fn artifact(folder: &Path, trace: &Trace) -> PathBuf {
    let place = folder.join("differential_duplex");
    fs::create_dir_all(&place).unwrap();
    let path = place.join("crash-1");
    fs::write(&path, encode(trace).unwrap()).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_artifact_becomes_a_trace_with_its_transcript() {
    let folder = tempfile::tempdir().unwrap();
    let open = |trace: &Trace| !trace.ops.iter().any(|op| matches!(op, Op::Close { .. }));
    let mut trace = (0..).map(|case| generate::trace(5, case)).find(open).unwrap();
    // Undefined in the original: it must be left out.
    trace.ops.push(Op::Skip { stream: 0, size: -1 });
    let artifact = artifact(folder.path(), &trace);
    let into = folder.path().join("into");
    let arguments =
        ["promote", text(&artifact), "--name", "stream-found-by-fuzzing", "--into", text(&into)];
    let output = run(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let place = into.join("stream-found-by-fuzzing.ron");
    let kept = Trace::parse(&fs::read_to_string(&place).unwrap()).unwrap();
    assert_eq!(kept.origin, "fuzz: differential_duplex");
    assert_eq!(
        (kept.world, kept.ops),
        (trace.world.clone(), trace.ops[..trace.ops.len() - 1].to_vec())
    );
    assert_eq!(corpus::recording_path(&place).exists(), c_reference::available());
    if !c_reference::available() {
        assert_ne!(std::env::var("REQUIRE_C").as_deref(), Ok("1"), "{:?}", c_reference::absence());
    }
    assert_eq!(run(&["replay", text(&into)]).status.code(), Some(0));
    refused(&arguments, "choose another --name");

    // And back: the seed of the trace is the artifact without what was left out.
    let seeds = folder.path().join("seeds");
    assert!(run(&["export-seeds", text(&place), "--into", text(&seeds)]).status.success());
    let mut found = fs::read_dir(seeds.join("differential_duplex")).unwrap().map(Result::unwrap);
    let seed = fs::read(found.next().unwrap().path()).unwrap();
    assert!(found.next().is_none());
    trace.ops.pop();
    assert_eq!(seed, encode(&trace).unwrap());
}

#[test]
fn what_cannot_be_promoted_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = artifact(folder.path(), &generate::trace(5, 7));
    refused(&["promote", text(&path), "--name", "Peek"], "area-cause");
    refused(&["promote", text(&path), "--name", "../out-of-place"], "area-cause");
    refused(&["promote", "no/such/file", "--name", "area-cause"], "no/such/file");
    refused(
        &["promote", text(&path), "--name", "area-cause", "--target", "nothing"],
        "no fuzz target",
    );
    let junk = folder.path().join("junk");
    fs::write(&junk, b"junk").unwrap();
    refused(
        &["promote", text(&junk), "--name", "area-cause", "--into", text(folder.path())],
        "mark of a case",
    );
    assert!(!folder.path().join("area-cause.ron").exists());
}

#[test]
fn traces_become_seeds_that_give_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let trace = generate::trace(8, 1);
    let path = folder.path().join("area-cause.ron");
    fs::write(&path, trace.to_text().unwrap()).unwrap();
    let into = folder.path().join("seeds");
    let output = run(&["export-seeds", text(&path), "--into", text(&into)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for target in ["model", "undefined_ops", "differential_duplex"] {
        let seeds: Vec<_> = fs::read_dir(into.join(target)).unwrap().map(Result::unwrap).collect();
        let [seed] = &seeds[..] else { panic!("{target}: {seeds:?}") };
        let back = Case::of(&fs::read(seed.path()).unwrap()).0.unwrap();
        assert_eq!((&back.world, &back.ops), (&trace.world, &trace.ops), "{target}");
    }
    assert_eq!(fs::read_dir(into.join("trace_text")).unwrap().count(), 1);
}
