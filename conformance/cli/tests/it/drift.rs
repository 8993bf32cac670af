//! `drift`: releases do what is known of them, and anything else fails.

use crate::command::{changed, has_original, run};
use tempfile::tempdir;

#[test]
fn the_pinned_release_does_not_drift_and_a_changed_copy_does() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let original = c_reference::original_path().unwrap().to_str().unwrap();
    let drift = |file: &str| run(directory.path(), ["drift", "--cases", "200", file]);
    let said = drift(original).expect(0);
    assert!(said.out.contains("drifts as corpus/drift.ron says"), "{}", said.out);
    // One more read where nothing is left to read.
    let copy = changed(directory.path(), 493, "<", "<=");
    let said = drift(copy.to_str().unwrap()).expect(1);
    let what = "the file reads once more than QEMU 8.2.0 does";
    assert!(said.out.contains("not expected: ") && said.out.contains(what), "{}", said.out);
    let said = run(directory.path(), ["drift", "--cases", "1", "--require", "8.0", original]);
    assert!(said.expect(3).err.contains("no file of QEMU 8.0"));
}

#[test]
fn later_releases_drift_as_it_is_known() {
    let directory = tempdir().unwrap();
    for (name, release) in [("v10.0.13", "10.0"), ("v10.2.2", "10.2")] {
        let file = test_support::project("../shared/original").join(name).join("qemu-file.c");
        if !file.is_file() {
            let absence = format!("{}: not here", file.display());
            assert!(std::env::var("REQUIRE_C").as_deref() != Ok("1"), "{absence}");
            println!("{absence}");
            continue;
        }
        let words = ["drift", "--cases", "500", "--require", release, file.to_str().unwrap()];
        let said = run(directory.path(), words).expect(0);
        assert!(said.out.contains("known: the file reports an error once more"), "{}", said.out);
    }
}
