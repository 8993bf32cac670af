//! What several tests need.
#![allow(unreachable_pub, reason = "each test is a crate of its own")]
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, reason = "not every test needs all of it")]

use c_reference::Reference;
use conformance::subject::Sources;
use conformance::trace::Trace;

/// The original, or `None` after a line that says why not. Where it is demanded, its absence is a
/// failure.
pub fn original() -> Option<Sources> {
    if let Some(reference) = Reference::linked() {
        return Some(Sources { reference: Some(reference), recording: None });
    }
    let why = c_reference::absence().unwrap_or("no original");
    let demanded = std::env::var("REQUIRE_C").is_ok_and(|value| value == "1");
    assert!(!demanded, "REQUIRE_C=1, and the original is absent: {why}");
    println!("not compared with the original: {why}");
    None
}

/// What is pasted into a file to replay the case.
pub fn pasteable(trace: &Trace) -> String {
    trace.to_text().unwrap()
}
