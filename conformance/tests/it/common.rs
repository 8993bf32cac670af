//! What several tests need.

use conformance::registry::Sources;
use conformance::trace::Trace;

/// The original, as a source of subjects; `None` where it is absent and nobody demands it.
pub(crate) fn original() -> Option<Sources> {
    test_support::original().map(Sources::from)
}

/// What is pasted into a file to replay the case.
pub(crate) fn pasteable(trace: &Trace) -> String {
    trace.to_text().unwrap()
}
