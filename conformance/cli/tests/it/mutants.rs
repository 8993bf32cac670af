//! The measure itself is right: mutants are what they say, the original is not accused, a broken
//! copy is.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use c_reference::PIN;
use conformance::corpus;
use conformance::isolate::ReferenceFile;
use conformance::registry::{Sources, build};
use conformance::subject::{Original, Subject};
use mutation::build::{Made, make};
use mutation::score::Score;
use mutation::search::search;
use mutation::suite::LEAST;
use mutation::suite::{LIMIT, Suite};
use mutation::{Edit, Mutant, by_rules, equivalent, functions, handwritten};

fn project(path: &str) -> PathBuf {
    test_support::project(path)
}

/// The original's text and a subject of it; `None` where there is none.
fn original() -> Option<(String, Box<dyn Subject>)> {
    let sources = test_support::original().map(Sources::from)?;
    let text = std::fs::read_to_string(c_reference::original_path().unwrap()).unwrap();
    Some((text, build(Original::NAME, &sources).unwrap()))
}

fn all(text: &str) -> Vec<Mutant> {
    let mut mutants = by_rules(text);
    mutants.extend(
        handwritten::load(&project("corpus/mutants/handwritten.ron"), text, PIN.sha256).unwrap(),
    );
    mutants
}

#[test]
fn there_are_enough_on_every_function_and_each_has_its_own_name() {
    let Some((text, _)) = original() else { return };
    let mutants = all(&text);
    assert!(mutants.len() >= 2 * LEAST, "{} mutants", mutants.len());
    let names: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.id.as_str()).collect();
    assert_eq!(names.len(), mutants.len());
    let changed: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.function.as_str()).collect();
    let functions = functions(&text);
    assert_eq!(functions.len(), 42, "35 that are exported, and 7 of its own");
    assert!(functions.iter().all(|function| changed.contains(function.as_str())));
    assert!(
        changed.iter().all(|name| functions.iter().any(|function| function == name)),
        "{changed:?}"
    );
    assert!(mutants.iter().all(|mutant| mutant.apply(&text) != text));
}

#[test]
fn the_list_of_equivalent_mutants_names_mutants_that_exist() {
    let Some((text, _)) = original() else { return };
    let names: BTreeSet<String> = all(&text).into_iter().map(|mutant| mutant.id).collect();
    for name in
        equivalent::load(&project("corpus/mutants/equivalent.ron"), PIN.sha256).unwrap().keys()
    {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn a_list_of_another_original_is_refused() {
    let Some((text, _)) = original() else { return };
    let error = handwritten::load(&project("corpus/mutants/handwritten.ron"), &text, "0123")
        .unwrap_err()
        .to_string();
    assert!(error.contains("handwritten.ron") && error.contains("0123"), "{error}");
    let error = equivalent::load(&project("corpus/mutants/equivalent.ron"), "0123")
        .unwrap_err()
        .to_string();
    assert!(error.contains("equivalent.ron") && error.contains("0123"), "{error}");
}

/// A mutant that exchanges the only `find` of a line.
fn changed(text: &str, line: usize, find: &str, with: &str) -> Mutant {
    let start = text.match_indices('\n').nth(line - 2).unwrap().0;
    let at = start + text[start..].find(find).unwrap();
    let edits = vec![Edit { range: at..at + find.len(), with: with.to_owned() }];
    Mutant {
        id: format!("{line} {find} {with}"),
        function: String::new(),
        rule: "test".to_owned(),
        edits,
    }
}

#[test]
fn a_broken_copy_is_found_and_a_whole_one_is_not() {
    let Some((text, mut subject)) = original() else { return };
    let same = changed(&text, 142, "!f->last_error", "f->last_error == 0");
    let wrong = changed(&text, 90, "ENOSYS", "EIO");
    let twin = Mutant { id: "twin".to_owned(), ..wrong.clone() };
    let refused = changed(&text, 90, "ENOSYS", "NO_SUCH_NAME");
    let hanging = changed(&text, 623, "ret", "for (;;); ret");
    let crashing = changed(&text, 801, "file->ioc", "(*(volatile int *)0, file->ioc)");
    let mutants = [same, wrong, twin, refused, hanging, crashing];
    let kept = tempfile::tempdir().unwrap();
    let made = make(&text, &mutants, kept.path(), NonZeroUsize::MIN).unwrap();
    assert_eq!(made[0], Made::Same);
    assert_eq!(made[2], Made::Twin { of: mutants[1].id.clone() });
    assert_eq!(made[3], Made::Refused);
    let again = make(&text, &mutants, kept.path(), NonZeroUsize::MIN).unwrap();
    assert_eq!(again, made, "what is kept is what was made");

    let (paths, errors) = corpus::find(&[project("corpus/traces")]);
    assert!(errors.is_empty());
    let (suite, errors) = Suite::prepare(&paths, subject.as_mut());
    assert!(errors.is_empty() && suite.len() > 100);
    let program = Path::new(env!("CARGO_BIN_EXE_qemufile-conformance"));
    let mut tried = Vec::new();
    for number in [1, 4, 5] {
        let Made::Object(object) = &made[number] else { panic!("{:?}", made[number]) };
        let file = ReferenceFile::open(object, program, LIMIT).unwrap();
        let kill = suite.kill(&mutants[number], &file).unwrap();
        assert!(kill.is_some(), "{} survives", mutants[number].id);
        assert!(
            search(subject.as_mut(), &file, 1, Duration::from_secs(20)).unwrap().is_some(),
            "{} is not found",
            mutants[number].id
        );
        tried.push((&mutants[number], kill));
    }
    // The original itself, as a file like any other.
    let whole = c_reference::Toolchain::open(&c_reference::Options {
        reproducible: true,
        ..Default::default()
    })
    .unwrap();
    let (object, _) = whole.object("whole", &text).unwrap();
    let path = kept.path().join("whole.so");
    whole.link(&object, &path).unwrap();
    let file = ReferenceFile::open(&path, program, LIMIT).unwrap();
    let unchanged = Mutant { edits: Vec::new(), ..mutants[0].clone() };
    assert_eq!(suite.kill(&unchanged, &file).unwrap(), None);
    assert!(search(subject.as_mut(), &file, 1, Duration::from_millis(200)).unwrap().is_none());
    tried.push((&unchanged, None));

    let named: Vec<(&Mutant, Made)> = mutants.iter().zip(made).collect();
    let table = Score::new(&[], &named, &tried, &equivalent::Equivalents::new());
    assert_eq!(
        (table.total.killed, table.total.survived, table.total.same, table.total.refused),
        (3, 1, 1, 1)
    );
    assert!(!table.passes());
    assert!((table.share() - 75.0).abs() < 0.1);
}

#[test]
fn a_wrong_list_of_equivalent_mutants_is_named() {
    let mutant = |id: &str| Mutant {
        id: id.to_owned(),
        function: "f".to_owned(),
        rule: "r".to_owned(),
        edits: Vec::new(),
    };
    let (dead, alive) = (mutant("dead"), mutant("alive"));
    let object = || Made::Object(PathBuf::new());
    let made = [(&dead, object()), (&alive, object())];
    let kill = mutation::suite::Kill {
        trace: "t".to_owned(),
        step: 0,
        difference: String::new(),
        tried: 1,
    };
    let tried = [(&dead, Some(kill)), (&alive, None)];
    let reason = || "because".to_owned();
    let equivalents = equivalent::Equivalents::from([
        ("alive".to_owned(), reason()),
        ("dead".to_owned(), reason()),
        ("gone".to_owned(), reason()),
    ]);
    let table = Score::new(&["f".to_owned(), "g".to_owned()], &made, &tried, &equivalents);
    assert!(table.survivors.is_empty());
    for part in [
        "dead is listed as equivalent, and a trace kills it",
        "gone, and there is no such mutant",
        "g has no mutant",
        "prove little",
    ] {
        assert!(
            table.equivalents.iter().any(|fault| fault.to_string().contains(part)),
            "{part}: {:?}",
            table.equivalents
        );
    }
    assert!(!table.passes());
}
