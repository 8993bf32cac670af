//! What `mutants` and `coverage` measure is in a report of theirs, and is kept for others.

use std::fs;

use crate::command::{has_original, run};
use tempfile::tempdir;

#[test]
fn a_part_of_the_mutants_is_reported_and_not_kept() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let arguments = ["mutants", "--only", "qemu_file_get_ioc", "--format", "json"];
    let report = run(directory.path(), arguments).expect(0).report();
    let mutants = &report["mutants"];
    assert_eq!(mutants["current"], true);
    assert_eq!(mutants["of"]["original"], c_reference::PIN.sha256);
    assert!(mutants["of"]["traces"].as_u64().unwrap() > 100);
    let result = &mutants["result"];
    assert_eq!(result["partial"], true);
    let killed = result["total"]["killed"].as_u64().unwrap();
    assert!(killed > 0 && result["killed"].as_array().unwrap().len() as u64 == killed);
    assert_eq!(report["sections"][0]["agreed"].as_u64().unwrap(), killed);
    assert!(report["coverage"].is_null());
    assert!(!directory.path().join("failing/conformance/mutants.json").exists());
}

#[test]
fn coverage_that_lacks_something_fails_and_is_kept() {
    let directory = tempdir().unwrap();
    let export = directory.path().join("export.json");
    fs::write(
        &export,
        r#"{"data": [{"files": [{"filename": "/a/qemu-file.c",
            "segments": [[90, 1, 7, true, true, false], [92, 1, 0, true, true, false], [93, 2, 0, false, false, false]],
            "branches": [[90, 5, 90, 9, 1, 0, 0, 0, 4]],
            "mcdc_records": []}]}]}"#,
    )
    .unwrap();
    let arguments = ["coverage", export.to_str().unwrap(), "--format", "json"];
    let report = run(directory.path(), arguments).expect(1).report();
    let result = &report["coverage"]["result"];
    assert_eq!(result["shares"]["Line"]["all"], 4);
    assert_eq!(result["missed"][0]["line"], 93);
    let cases: Vec<&str> = report["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["case"].as_str().unwrap())
        .collect();
    assert!(cases.contains(&"L93 Line ") && cases.contains(&"L90 Branch 5 false"), "{cases:?}");
    assert!(report["mutants"].is_null());
    let kept =
        fs::read_to_string(directory.path().join("failing/conformance/coverage.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept, report["coverage"]);
}
