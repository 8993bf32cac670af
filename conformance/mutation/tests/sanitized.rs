//! What the predicate of `conformance::definedness` calls undefined is undefined: sanitizers say so. And
//! what is not freed is a leak to LeakSanitizer, which knows nothing of the shim. `ci/sanitized` shows the other half, that
//! nothing is reported of what the predicate calls defined.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::PathBuf;
use std::process::Command;

use conformance::definedness::Undefined;
use mutation::by_rules;

/// What the flags of `c-reference/src/flags.rs` mean for these cases.
const FLAGS: [&str; 9] = [
    "-std=gnu11",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-D_GNU_SOURCE",
    "-DREFERENCE_SHA256=\"probed\"",
    "-g",
    "-O1",
    "-w",
    "-fsanitize=address,undefined",
];

fn project(path: &str) -> PathBuf {
    test_support::project(path)
}

/// The original's text; `None` where there is none.
fn original() -> Option<String> {
    test_support::original()?;
    Some(std::fs::read_to_string(c_reference::original_path().unwrap()).unwrap())
}

/// The cases of `undefined_calls.c`, built with a text that stands in for the original.
struct Probes {
    _directory: tempfile::TempDir,
    program: PathBuf,
}

impl Probes {
    fn of(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("qemu-file.c"), text).unwrap();
        // All of the shim, and the headers that are made for the text.
        let shim = directory.path().join("shim");
        c_reference::write_shim(&shim, text).unwrap();
        let program = directory.path().join("outside");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let built = Command::new(&compiler)
            .args(FLAGS)
            .args(["-fno-sanitize-recover=all", "-I"])
            .arg(directory.path())
            .arg("-I")
            .arg(&shim)
            .args(c_reference::SHIM_FOLDERS.map(|name| format!("-I{}", shim.join(name).display())))
            .arg(project("c-reference/probes/undefined_calls.c"))
            .args(c_reference::SHIM_SOURCES.map(|name| shim.join(name)))
            .arg("-o")
            .arg(&program)
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "{compiler} has to know -fsanitize=address,undefined and have its runtime:\n{}",
            String::from_utf8_lossy(&built.stderr)
        );
        Self { _directory: directory, program }
    }

    /// What a sanitizer said of a case; `None` where it came to its end.
    fn report(&self, case: &str, leaks: bool) -> Option<String> {
        let said = Command::new(&self.program)
            .arg(case)
            .env("ASAN_OPTIONS", format!("detect_leaks={}", u8::from(leaks)))
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&said.stdout).into_owned();
        let err = String::from_utf8_lossy(&said.stderr).into_owned();
        if said.status.success() {
            assert!(out.contains("came to its end") && err.is_empty(), "{case}: {out}{err}");
            return None;
        }
        assert!(
            err.contains("runtime error: ") || err.contains("Sanitizer: "),
            "{case} ended in another way: {:?}\n{out}{err}",
            said.status
        );
        Some(err)
    }
}

/// Cases of each kind, and the words of the sanitizer; or why there are none.
const CASES: [(Undefined, &str, Result<&str, &str>); 10] = [
    (Undefined::Role, "put-to-a-reader", Ok("index 32768 out of bounds")),
    (Undefined::Role, "read-after-a-put", Ok("heap-buffer-overflow")),
    (Undefined::Role, "copy-from-a-writer", Ok("heap-buffer-overflow")),
    (
        Undefined::Role,
        "skip-on-a-writer",
        Err("the cursor of a writer is never below its size of 0, so the skip does nothing"),
    ),
    (
        Undefined::Role,
        "get-nothing-from-a-writer",
        Err("no byte is asked for, so no line is reached that tells a reader from a writer"),
    ),
    (Undefined::Skip, "skip-back", Ok("index -9 out of bounds")),
    (Undefined::Skip, "skip-over-the-end", Ok("index -2147483648 out of bounds")),
    (Undefined::Offset, "peek-back", Ok("index -5 out of bounds")),
    (Undefined::CompressionIndex, "compress-without-room", Ok("heap-buffer-overflow")),
    (Undefined::SameStream, "put-into-itself", Ok("memcpy-param-overlap")),
];

#[test]
fn what_the_predicate_calls_undefined_is_reported_by_a_sanitizer() {
    let Some(text) = original() else { return };
    let probes = Probes::of(&text);
    for (kind, case, expected) in CASES {
        match (probes.report(case, false), expected) {
            (Some(said), Ok(words)) => assert!(said.contains(words), "{kind:?}: {case}: {said}"),
            (None, Ok(words)) => panic!("{kind:?}: {case}: nothing was reported, not: {words}"),
            (Some(said), Err(reason)) => panic!("{kind:?}: {case}: not so: {reason}\n{said}"),
            (None, Err(_)) => {}
        }
    }
}

/// A kind that is added to the predicate needs a case above.
#[test]
fn each_kind_of_the_predicate_has_a_case_that_is_reported() {
    let reported = |wanted: Undefined| {
        CASES.iter().any(|(kind, _, expected)| *kind == wanted && expected.is_ok())
    };
    let all = [
        Undefined::Role,
        Undefined::Skip,
        Undefined::Offset,
        Undefined::CompressionIndex,
        Undefined::SameStream,
    ];
    for kind in all {
        match kind {
            Undefined::Role
            | Undefined::Skip
            | Undefined::Offset
            | Undefined::CompressionIndex
            | Undefined::SameStream => assert!(reported(kind), "{kind:?}"),
        }
    }
}

#[test]
fn the_mutants_that_only_leak_are_leaks_to_the_sanitizer_too() {
    const CASE: &str = "close-after-an-error";
    const LEAKS: [&str; 4] =
        ["L363:5 dropped", "L363:16 argument 0", "L364:5 dropped", "L364:12 argument 0"];
    let Some(text) = original() else { return };
    assert_eq!(Probes::of(&text).report(CASE, true), None, "the original gives all of it back");
    for name in LEAKS {
        let mutants = by_rules(&text);
        let mutant = mutants.iter().find(|mutant| mutant.id == name).unwrap();
        let said = Probes::of(&mutant.apply(&text)).report(CASE, true);
        assert!(said.is_some_and(|said| said.contains("LeakSanitizer")), "{name} leaks nothing");
    }
}
