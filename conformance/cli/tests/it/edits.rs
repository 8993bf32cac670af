//! Right edits of the original conform: how often somebody who changes the C in a way that nobody
//! can see is told otherwise. It has to be never.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::has_original;
use c_reference::{Options, Toolchain};
use conformance::compare::judge::{Judge, Oracle};
use conformance::corpus;
use conformance::isolate::{Isolated, ReferenceFile};
use conformance::parallel;
use conformance::preflight::Preflight;
use conformance::subject::Core;
use conformance::trace::Trace;
use mutation::{Mutant, handwritten};
use tempfile::tempdir;

/// Far more than any trace takes, so that a busy machine is no false alarm.
const LIMIT: Duration = Duration::from_secs(60);

fn traces() -> Vec<(PathBuf, Trace, Preflight)> {
    let (paths, errors) = corpus::find(&[test_support::project("corpus/traces")]);
    assert!(errors.is_empty(), "{errors:?}");
    let prepared = paths.into_iter().map(|path| {
        let trace = corpus::load(&path).unwrap();
        let preflight = Preflight::of(&trace);
        (path, trace, preflight)
    });
    prepared.collect()
}

/// What is said of an edit; nothing where it conforms.
fn alarms(object: &Path, traces: &[(PathBuf, Trace, Preflight)]) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_qemufile-conformance"));
    let file = match ReferenceFile::open(object, program, LIMIT) {
        Ok(file) => file,
        Err(error) => return vec![error.to_string()],
    };
    let oracle = Oracle::Live(Box::new(Isolated::new(file)));
    let subjects: Vec<Box<dyn conformance::subject::Subject>> =
        vec![Box::new(Core::faithful()), Box::new(Core::in_default_setting())];
    let mut judge = Judge::new(oracle, subjects).unwrap();
    let mut alarms = Vec::new();
    for (path, trace, preflight) in traces {
        let judgement = judge.judge_prepared(trace, preflight, None);
        let name = path.file_stem().unwrap().to_string_lossy();
        alarms.extend(judgement.faults.first().map(|fault| format!("{name}: {fault:?}")));
        // What is undefined in the original is nothing that an edit could change.
        let inconclusive = judgement.inconclusive.filter(|reason| reason.kind() != "undefined");
        alarms.extend(inconclusive.map(|reason| format!("{name}: {reason}")));
    }
    alarms
}

#[test]
fn every_right_edit_conforms() {
    if !has_original() {
        return;
    }
    let text = fs::read_to_string(c_reference::original_path().unwrap()).unwrap();
    let list = test_support::project("corpus/edits/right.ron");
    let edits: Vec<Mutant> = handwritten::load(&list, &text, c_reference::PIN.sha256).unwrap();
    assert!(edits.len() >= 40, "only {} edits", edits.len());
    let traces = traces();
    assert!(traces.len() > 400, "only {} traces", traces.len());
    let directory = tempdir().unwrap();
    let options = Options { reproducible: true, ..Options::default() };
    let toolchain = Toolchain::open(&options).unwrap();
    let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let said = parallel::map(
        jobs,
        &edits,
        || (),
        |(), number, edit| {
            let source = directory.path().join(format!("{number}.c"));
            let object = source.with_extension("so");
            let changed = edit.apply(&text);
            assert_ne!(changed, text, "{} changes nothing", edit.id);
            fs::write(&source, changed).unwrap();
            match toolchain.compile(&source, &object) {
                Ok(()) => alarms(&object, &traces),
                Err(error) => vec![error.to_string()],
            }
        },
    );
    let alarms: Vec<String> = edits
        .iter()
        .zip(said)
        .filter(|(_, said)| !said.is_empty())
        .map(|(edit, said)| format!("{}: {} alarms, first {}", edit.id, said.len(), said[0]))
        .collect();
    assert!(alarms.is_empty(), "false alarms:\n{}", alarms.join("\n"));
}
