//! The twins are two: what one is changed into, the other does not become.

use std::path::Path;

use c_reference::{PIN, Reference};
use conformance::compare::run::run;
use conformance::isolate::{Isolated, ReferenceFile};
use conformance::observation::Value;
use conformance::preflight::Preflight;
use conformance::registry::{Sources, build};
use conformance::subject::{Core, Original, Subject};
use conformance::trace::Trace;
use conformance::transcript::Transcript;

/// Asks a writer for a byte, which the C asserts not, and counts.
const TELLING: &str = "(format: 1, origin: \"hand\", cause: \"It tells the twins apart.\", \
     world: (channels: [(input: [Counting(9)])]), ops: [NewOutput(channel: 0), \
     GetByte(stream: 0), PutBe16(stream: 0, value: 258), Flush(stream: 0)])";

fn carried_out(subject: &mut dyn Subject) -> Transcript {
    let trace = Trace::parse(TELLING).unwrap();
    run(subject, &trace, &Preflight::of(&trace)).unwrap()
}

#[test]
fn only_the_c_knows_its_lines() {
    let Some(sources) = test_support::original().map(Sources::from) else { return };
    // The marker is compiled into the C from the text that was compiled.
    assert_eq!(Reference::linked().unwrap().sha256(), PIN.sha256);
    let c = carried_out(build(Original::NAME, &sources).unwrap().as_mut());
    assert_eq!(c.steps[1].value, Value::Assertion { line: 590 });
    for name in [Core::FAITHFUL, Core::DEFAULT] {
        let core = carried_out(build(name, &Sources::default()).unwrap().as_mut());
        assert_eq!(core.steps[1].value, Value::Refused, "{name}");
        assert_eq!(core.steps[2..], c.steps[2..], "{name}");
    }
}

#[test]
fn a_changed_copy_of_the_c_changes_nobody_else() {
    let Some(sources) = test_support::original().map(Sources::from) else { return };
    let text = std::fs::read_to_string(c_reference::original_path().unwrap()).unwrap();
    let (before, line) = text.split_at(text.match_indices('\n').nth(623).unwrap().0);
    let changed = line.replacen("v >> 8", "v >> 7", 1);
    assert_ne!(line, changed);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("changed.c");
    std::fs::write(&path, format!("{before}{changed}")).unwrap();

    let all = || {
        [Original::NAME, Core::FAITHFUL, Core::DEFAULT, "model", "model-fixed"]
            .map(|name| carried_out(build(name, &sources).unwrap().as_mut()).steps)
    };
    let before = all();
    let program = Path::new(env!("CARGO_BIN_EXE_qemufile-conformance"));
    let file = ReferenceFile::open(&path, program, conformance::isolate::LIMIT).unwrap();
    let isolated = carried_out(&mut Isolated::new(file));
    // In this process too: two copies of the C, side by side.
    let mut beside = Original::new(Reference::open(&path).unwrap());
    assert_eq!(carried_out(&mut beside).steps, isolated.steps);
    assert_ne!(isolated.steps, before[0], "the change shows");
    assert_eq!(all(), before, "and in nobody else");
    assert_ne!(Reference::open(&path).unwrap().sha256(), PIN.sha256);
}
