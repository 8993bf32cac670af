//! What the documents say of the command line is so: every command that they show is accepted, and
//! the table of commands is complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Documents that show commands.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "conformance/cli/README.md",
    "corpus/streams/README.md",
    "docs/EVIDENCE.md",
    "docs/HOWTO.md",
    "docs/INSPECT.md",
    "fuzz/README.md",
];

/// What a command of ours begins with.
const STARTS: [&str; 2] = ["cargo run --release", "qemufile-conformance"];

fn root() -> PathBuf {
    test_support::project("")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qemufile-conformance"));
    command.args(arguments).current_dir(root()).output().unwrap()
}

/// The code of a document: the lines of its blocks, and what stands between backticks in a line.
fn code(text: &str) -> Vec<&str> {
    let (mut found, mut block) = (Vec::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            block = !block;
        } else if block {
            found.push(line.split(" #").next().unwrap().trim());
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// The words of a command, as a shell takes them apart; double quotes keep a word together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in command.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The arguments of a command line of ours; `None` if it is another's.
fn arguments(code: &str) -> Option<Vec<String>> {
    let rest = STARTS.iter().find_map(|start| code.strip_prefix(start))?;
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let mut words = words(rest);
    // `cargo run` for another package is not this command.
    if words.first().is_some_and(|word| word == "-p") {
        return None;
    }
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    Some(words)
}

#[test]
fn commands_are_taken_apart() {
    let of = |code| arguments(code).map(|words| words.join("|"));
    assert_eq!(of("cargo run --release"), Some(String::new()));
    assert_eq!(
        of("cargo run --release -- mutants --only \"hand: one\""),
        Some("mutants|--only|hand: one".to_owned())
    );
    assert_eq!(of("qemufile-conformance doctor"), Some("doctor".to_owned()));
    assert_eq!(of("cargo run --release -p conformance --example port"), None);
    assert_eq!(of("cargo test --workspace"), None);
}

#[test]
fn each_command_that_a_document_shows_is_accepted() {
    let (mut refused, mut tried) = (Vec::new(), 0);
    for document in DOCUMENTS {
        let text = read(document);
        for command in code(&text) {
            let Some(words) = arguments(command) else { continue };
            // With `--help` behind it nothing is run, but what comes before it has to be right.
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            words.push("--help");
            tried += 1;
            let output = run(&words);
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                refused.push(format!("{document}: {command}\n{said}"));
            }
        }
    }
    assert!(tried > 10, "only {tried} commands were found");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn the_table_of_commands_is_complete() {
    let text = read("conformance/cli/README.md");
    let rows = text.split("## Commands").nth(1).unwrap().split("\n## ").next().unwrap();
    let shown: BTreeSet<String> = rows
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|row| row.split('`').nth(1)?.split(' ').next().map(str::to_owned))
        .collect();
    let help = run(&["--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let known: BTreeSet<String> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    assert!(known.len() > 5, "the help was not understood:\n{help}");
    assert_eq!(shown, known);
}
