//! The installed program, away from its source: what needs files says what to give.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{NEIGHBOURS, changed, has_original, write};
use tempfile::tempdir;

#[test]
fn each_command_works_away_from_the_source_or_says_what_it_needs() {
    let directory = tempdir().unwrap();
    let at = directory.path();
    let program = at.join("installed");
    // A process of its own writes it: a descriptor that is open for writing, inherited by a child
    // of another test, would make the program busy.
    let source = env!("CARGO_BIN_EXE_qemufile-conformance");
    assert!(Command::new("cp").arg(source).arg(&program).status().unwrap().success());
    let trace = write(at, "good.ron", NEIGHBOURS);
    let trace = trace.to_str().unwrap();
    let stream = at.join("some.bin");
    fs::copy(crate::command::stream(), &stream).unwrap();
    let run = |words: &[&str]| {
        let said = Command::new(&program)
            .args(words)
            .current_dir(at)
            .env_remove("CARGO")
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("REQUIRE_C")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
        (said.status.code().unwrap(), text)
    };
    for words in [
        &["replay", trace][..],
        &["explain", trace],
        &["shrink", trace],
        &["explore", "--cases", "10"],
        &["streams", "some.bin", "--subject", "core"],
        &["streams", "--dump", "some.bin"],
        &["inject-faults", trace],
        &["export-seeds", trace, "--into", "seeds"],
    ] {
        let (status, text) = run(words);
        assert_eq!(status, 0, "{words:?}: {text}");
    }
    for words in [
        &["check"][..],
        &["replay"],
        &["streams"],
        &["inject-faults"],
        &["export-seeds"],
        &["coverage", trace],
        &["promote", trace, "--name", "a-b"],
    ] {
        let (status, text) = run(words);
        assert_eq!(status, 2, "{words:?}: {text}");
        assert!(text.contains("name a path, or go to"), "{words:?}: {text}");
    }
    if has_original() {
        let reference = changed(at, 381, "==", "!=");
        let words = ["replay", trace, "--reference", reference.to_str().unwrap()];
        let (status, text) = run(&words);
        assert_eq!(status, 1, "{text}");
        let (status, text) = run(&["record", "--check", trace]);
        assert_eq!(status, 1, "{text}");
    }
}

#[test]
fn mutants_and_coverage_take_the_original_by_name() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let at = directory.path();
    let copy = at.join("my-qemu-file.c");
    fs::copy(c_reference::original_path().unwrap(), &copy).unwrap();
    let run = |words: &[&str]| crate::command::run(Path::new(at), words);
    let copy = copy.to_str().unwrap();
    run(&["mutants", "--print", "--only", "qemu_file_get_ioc", "--original", copy]).expect(0);
    let object = at.join("counting.so");
    let words = ["coverage", "--build", object.to_str().unwrap(), "--original", "no-such.c"];
    let said = run(&words).expect(2);
    assert!(said.err.contains("no-such.c"), "{}", said.err);
    let other = write(at, "other.c", "int x;\n");
    let said = run(&["mutants", "--print", "--original", other.to_str().unwrap()]).expect(2);
    assert!(said.err.contains(c_reference::PIN.sha256), "{}", said.err);
}
