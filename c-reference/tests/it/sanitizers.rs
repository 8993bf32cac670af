//! References that are built with sanitizers, in processes of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use c_reference::{Options, Reference, SANITIZER_REPORTS, Toolchain};

use crate::support::{counting, original, reader};

const OBJECT: &str = "C_REFERENCE_TEST_OBJECT";

/// What the process of the tests below does: it is this test, with the object in its environment.
#[test]
fn reads_from_the_object_of_the_environment() {
    let Some(object) = std::env::var_os(OBJECT) else { return };
    let reference = Reference::load(Path::new(&object)).expect("loads");
    let (mut session, stream) = reader(&reference, &counting(100), 10);
    assert_eq!(session.get_buffer(stream, 50, Vec::new()), Ok(counting(50)));
    assert_eq!(session.get_be16(stream), Ok(0x3233));
    assert_eq!(session.fclose(stream), Ok(0));
    assert!(session.end().is_clean());
}

/// Whether such a process came to its end, and what it said.
fn run(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, object) = (folder.path().join("mine.c"), folder.path().join("mine.so"));
    fs::write(&source, text).expect("writable");
    let toolchain = Toolchain::open(&Options { sanitize: true, ..Options::default() });
    let toolchain = toolchain.expect("the compiler has the sanitizers");
    toolchain.compile(&source, &object).expect("compiles");
    let environment = toolchain.sanitizer_environment().expect("there is a runtime");
    let said = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", "sanitizers::reads_from_the_object_of_the_environment", "--nocapture"])
        .env(OBJECT, &object)
        .envs(environment)
        .output()
        .expect("starts");
    (said.status.success(), String::from_utf8_lossy(&said.stderr).into_owned())
}

#[test]
fn sanitizers_say_nothing_of_the_original_and_name_what_is_wrong_with_a_changed_one() {
    let Some(_) = original() else { return };
    let path = c_reference::original_path().expect("there is one where an original is linked in");
    let text = fs::read_to_string(path).expect("readable");
    let (clean, said) = run(&text);
    assert!(clean, "{said}");
    let wrong = [
        // One byte too many into the caller's memory, and a sum that overflows.
        (
            "    int result;\n",
            "    int result;\n    volatile char *room = g_malloc(7);\n    result = room[7];\n    g_free((void *)room);\n",
            "heap-buffer-overflow",
        ),
        (
            "    int result;\n",
            "    int result;\n    volatile int far = 40;\n    far = 1 << far;\n",
            "shift exponent",
        ),
    ];
    for (find, with, words) in wrong {
        let changed = text.replacen(find, with, 1);
        assert_ne!(changed, text);
        let (clean, said) = run(&changed);
        assert!(!clean && said.contains(words), "{words}: {said}");
        assert!(SANITIZER_REPORTS.iter().any(|report| said.contains(report)), "{said}");
        assert!(said.contains("qemu_get_byte"), "{said}");
    }
}
