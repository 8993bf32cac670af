//! Targets, their files, corpora, documents and workflows are in step with the one list.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use conformance::fuzz::{Input, TARGETS, Target};

/// Lines that a target may have.
const MOST_LINES: usize = 15;

fn root() -> PathBuf {
    test_support::project("")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn names() -> BTreeSet<String> {
    TARGETS.iter().map(|target| target.name.to_owned()).collect()
}

/// The files of a folder, without `suffix`.
fn files(folder: &str, suffix: &str) -> BTreeSet<String> {
    let entries =
        fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| {
            name.strip_suffix(suffix)
                .unwrap_or_else(|| panic!("{folder}/{name}: not a {suffix}"))
                .to_owned()
        })
        .collect()
}

#[test]
fn names_are_unique() {
    assert_eq!(names().len(), TARGETS.len());
}

#[test]
fn each_target_is_a_short_file_of_its_name() {
    assert_eq!(files("fuzz/fuzz_targets", ".rs"), names());
    for target in TARGETS {
        let text = read(&format!("fuzz/fuzz_targets/{}.rs", target.name));
        assert!(text.lines().count() <= MOST_LINES, "{}", target.name);
        assert!(
            text.contains(&format!("\"{}\"", target.name)),
            "{} runs another target",
            target.name
        );
        assert!(!text.contains("assert"), "{} judges by itself", target.name);
    }
}

#[test]
fn the_manifest_has_each_target() {
    let manifest = read("fuzz/Cargo.toml");
    let mut found = BTreeSet::new();
    for part in manifest.split("[[bin]]").skip(1) {
        let value = |key: &str| {
            let line = part
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .unwrap_or_else(|| panic!("{part}: no {key}"));
            line.trim_start_matches([' ', '=']).trim_matches('"').to_owned()
        };
        let name = value("name");
        if part.contains("required-features") {
            continue;
        }
        assert_eq!(value("path"), format!("fuzz_targets/{name}.rs"));
        found.insert(name);
    }
    assert_eq!(found, names());
}

/// Targets that take cases share their options and their dictionary.
fn settings(target: &Target) -> &'static str {
    if matches!(target.input, Input::Case(_)) { "case" } else { target.name }
}

#[test]
fn each_target_has_options_and_a_dictionary() {
    let expected: BTreeSet<String> =
        TARGETS.iter().map(|target| settings(target).to_owned()).collect();
    assert_eq!(files("fuzz/options", ".options"), expected);
    assert_eq!(files("fuzz/dictionaries", ".dict"), expected);
    for target in TARGETS {
        let name = settings(&target);
        let options = read(&format!("fuzz/options/{name}.options"));
        assert!(options.starts_with("[libfuzzer]\n"), "{name}");
        for expected in [format!("max_len = {}", target.max_len), format!("dict = {name}.dict")] {
            assert!(options.lines().any(|line| line == expected), "{name}: no line {expected}");
        }
    }
}

#[test]
fn each_target_has_a_corpus_that_it_can_take_in() {
    assert_eq!(files("corpus/fuzz", ""), names());
    for target in TARGETS {
        let folder = format!("corpus/fuzz/{}", target.name);
        assert!(!files(&folder, "").is_empty(), "{folder} is empty");
        for name in files(&folder, "") {
            let len = fs::metadata(root().join(&folder).join(&name)).unwrap().len();
            assert!(len <= target.max_len as u64, "{folder}/{name} is longer than max_len");
        }
    }
}

#[test]
fn the_table_of_the_readme_is_the_list() {
    let readme = read("fuzz/README.md");
    let rows: Vec<String> = readme
        .lines()
        .filter(|line| line.starts_with("| `") && !line.starts_with("| `ci/"))
        .map(str::to_owned)
        .collect();
    let expected: Vec<String> =
        TARGETS.iter().map(|target| format!("| `{}` | {} |", target.name, target.about)).collect();
    assert_eq!(rows, expected);
}

/// What is wrong with a command that the README shows, if something is.
fn unknown(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').collect();
    match &words[..] {
        ["bash", script, ..] => {
            let gates = ["ci/all", "ci/fuzz-smoke", ".github/workflows/fuzz-pull-request.yml"];
            let known = gates.iter().any(|gate| read(gate).contains(script));
            (!known).then(|| format!("no gate runs {script}"))
        }
        ["cargo", "run", "--release", "--", verb, ..] => {
            let help = Command::new(env!("CARGO_BIN_EXE_qemufile-conformance"))
                .args([verb, "--help"])
                .output();
            (!help.unwrap().status.success()).then(|| format!("no subcommand {verb}"))
        }
        ["RUSTC_BOOTSTRAP=1", rest @ ..] if !rest.is_empty() => unknown(&rest.join(" ")),
        ["cargo", "fuzz", "run", "-s", "none", target] | ["cargo", "fuzz", "run", target] => {
            (!names().contains(*target)).then(|| format!("no target {target}"))
        }
        ["cargo", "fuzz", "fmt", "TARGET", _] => None,
        _ => Some("not a command that this test knows".to_owned()),
    }
}

#[test]
fn the_commands_of_the_readme_are_there() {
    let readme = read("fuzz/README.md");
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(commands.len() >= 5, "{commands:?}");
    let wrong: Vec<String> = commands
        .iter()
        .filter_map(|command| Some(format!("{command}: {}", unknown(command)?)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for script in readme.split("`ci/").skip(1).map(|rest| rest.split(['`', ' ']).next().unwrap()) {
        assert!(root().join("ci").join(script).is_file(), "the README names ci/{script}");
    }
}

/// The scripts and workflows take the targets from the folder; none may hold a list of its own.
#[test]
fn nothing_else_lists_targets() {
    let scripts = [
        "ci/fuzz/run",
        "ci/fuzz/merge",
        "ci/fuzz/package",
        "ci/fuzz/package-check",
        "ci/fuzz/rustc",
        "ci/fuzz-smoke",
        "ci/fuzz/speed",
        "ci/lib/fuzz",
    ];
    let workflows =
        [".github/workflows/fuzz-pull-request.yml", ".github/workflows/fuzz-nightly.yml"];
    let cluster = [
        ".clusterfuzzlite/build.sh",
        ".clusterfuzzlite/Dockerfile",
        ".clusterfuzzlite/project.yaml",
    ];
    for path in scripts.iter().chain(&workflows).chain(&cluster) {
        let text = read(path);
        for target in TARGETS {
            assert!(
                !text.contains(target.name) || target.name == "model",
                "{path} names {}",
                target.name
            );
        }
    }
}

#[test]
fn a_package_for_what_a_cluster_cannot_have_is_refused_with_the_reason() {
    let package = test_support::project("ci/fuzz/package");
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    for (variable, value, reason) in [
        ("SANITIZER", "memory", "standard library"),
        ("SANITIZER", "thread", "not supported"),
        ("FUZZING_ENGINE", "afl", "Rust compiler"),
        ("FUZZING_ENGINE", "honggfuzz", "Rust compiler"),
    ] {
        let said = Command::new("bash")
            .arg(&package)
            .arg(&out)
            .env_remove("SANITIZER")
            .env_remove("FUZZING_ENGINE")
            .env(variable, value)
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(2), "{value}: {err}");
        assert!(err.contains(reason) && !out.exists(), "{value}: {err}");
    }
}
