//! What the tests of several crates need: the original, and the files of the project.

use std::path::{Path, PathBuf};

use c_reference::Reference;

/// A file or folder of the project, by its path from the top.
#[must_use]
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The original that is linked in; `None` after a line that says why there is none.
///
/// # Panics
///
/// With `REQUIRE_C=1` in the environment, where there is none: a test that cannot run must not pass.
#[must_use]
pub fn original() -> Option<Reference> {
    if let Some(reference) = Reference::linked() {
        return Some(reference);
    }
    let why = c_reference::absence().unwrap_or("no original");
    let demanded = std::env::var("REQUIRE_C").is_ok_and(|value| value == "1");
    assert!(!demanded, "REQUIRE_C=1, and the original is absent: {why}");
    println!("not compared with the original: {why}");
    None
}
