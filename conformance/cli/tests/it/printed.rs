//! What is printed: nothing in it controls a terminal, and its commands can be pasted into a shell.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::command::{NEIGHBOURS, STALE_PEEK, changed, command, has_original, run, write};
use tempfile::tempdir;

/// A name that clears a terminal, colours it, and has a line of its own.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}[31mb\u{9b}2Jc\u{202e}d\nconforms: 9 cases\u{7}";

fn controls(text: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(text).unwrap();
    text.chars().find(|letter| {
        (letter.is_control() && !"\n\t".contains(*letter))
            || ('\u{202a}'..='\u{202e}').contains(letter)
    })
}

fn outputs(directory: &Path, words: &[&str]) -> Output {
    command(directory).args(words).output().unwrap()
}

#[test]
fn what_comes_from_a_file_is_escaped_in_every_form() {
    let directory = tempdir().unwrap();
    let named = directory.path().join(HOSTILE);
    fs::create_dir(&named).unwrap();
    write(&named, "good.ron", NEIGHBOURS);
    let bad_header = STALE_PEEK.replace("quirks: [StalePeek],", "");
    write(&named, "header.ron", &bad_header);
    write(&named, "broken.ron", "(format: 1, \"\\u{1b}[31m\": 3)");
    let field = write(&named, "field.ron", "(format: 1, \u{1b}[31mcolour: 3)");
    let cause = NEIGHBOURS.replace("go out as one piece", "\\u{1b}]0;owned\\u{7}\\nconforms");
    let cause = write(&named, "cause.ron", &cause);
    // Apart from the traces: to vary each call of a stream takes a minute.
    fs::create_dir(named.join("streams")).unwrap();
    let stream = named.join("streams/stream.bin");
    let mut bytes = fs::read(crate::command::stream()).unwrap();
    // The name of the machine, of the first section, and of all others.
    for at in 0..bytes.len() - 4 {
        if bytes[at..].starts_with(b"pc-") || bytes[at..].starts_with(b"tim") {
            bytes[at + 1] = 0x1b;
        }
    }
    fs::write(&stream, bytes).unwrap();
    let (folder, stream) = (named.to_str().unwrap(), stream.to_str().unwrap());
    let missing = named.join("missing.ron");
    let mut all: Vec<Vec<&str>> = vec![
        vec!["explain", cause.to_str().unwrap()],
        vec!["explain", field.to_str().unwrap()],
        vec!["shrink", missing.to_str().unwrap()],
        vec!["streams", "--dump", stream],
        vec!["streams", "--dump", stream, "--format", "json"],
        vec!["export-seeds", folder, "--into", folder],
        vec!["promote", stream, "--name", "a-b"],
        vec!["coverage", stream],
        vec!["doctor", "--reference", stream],
        vec!["replay", HOSTILE],
        vec![HOSTILE],
    ];
    for format in ["text", "json", "junit"] {
        all.push(vec!["replay", folder, "--format", format]);
        all.push(vec!["streams", stream, "--subject", "core", "--format", format]);
        all.push(vec!["inject-faults", folder, "--format", format]);
    }
    if has_original() {
        all.push(vec!["record", "--check", folder]);
    }
    for words in all {
        let said = outputs(directory.path(), &words);
        for text in [&said.stdout, &said.stderr] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(controls(text), None, "{words:?}: {shown}");
            // The name cannot pass for a line of the report.
            assert!(
                !shown.lines().any(|line| line.starts_with("conforms: 9")),
                "{words:?}: {shown}"
            );
        }
        // Nothing is eaten either.
        assert!(!said.stdout.is_empty() || !said.stderr.is_empty(), "{words:?}");
    }
    let said = run(directory.path(), ["explain", field.to_str().unwrap()]).expect(2);
    assert!(said.err.contains("\\u{1b}[2J\\u{1b}[31mb"), "{}", said.err);
    // With colours forced there are ours, and none of the file's.
    let said = command(directory.path())
        .args(["replay", folder])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    let shown = String::from_utf8(said.stdout).unwrap();
    assert!(shown.contains("\u{1b}[1m") && !shown.contains("\u{1b}[2J"), "{shown:?}");
}

/// The command that a report prints, for a trace and a reference in a folder.
fn again(directory: &Path, folder: &str, start: impl Fn(&mut Command)) -> (String, PathBuf) {
    let place = directory.join(folder);
    fs::create_dir_all(&place).unwrap();
    let trace = write(&place, "put-neighbours.ron", NEIGHBOURS);
    let reference = place.join("changed.c");
    fs::rename(changed(&place, 381, "==", "!="), &reference).ok();
    let mut command = command(&directory.join("the target"));
    command.args([
        "replay",
        "--limit",
        "7",
        "--format",
        "json",
        "--subject",
        "core",
        "--reference",
    ]);
    command.arg(&reference).arg(&trace);
    start(&mut command);
    let said = command.output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let failure = &report["failures"][0];
    let file = PathBuf::from(failure["file"].as_str().unwrap());
    (failure["command"].as_str().unwrap().to_owned(), file)
}

#[test]
fn a_printed_command_can_be_pasted_and_shows_the_failure_again() {
    if !has_original() {
        return;
    }
    for folder in ["plain", "with blanks and 'quotes' $HOME `x` \"y\"", "\u{1b}[31m\n\u{fc}"] {
        let directory = tempdir().unwrap();
        let (command, file) = again(directory.path(), folder, |_| {});
        // Cargo's target folder is where it was set to be.
        assert!(file.starts_with(directory.path().join("the target/conformance")), "{file:?}");
        assert!(
            command.contains(" replay ") && command.contains("--limit 7 --subject core"),
            "{command}"
        );
        let pasted = Command::new("bash").args(["-c", &command]).output().unwrap();
        let out = String::from_utf8_lossy(&pasted.stdout);
        assert_eq!(pasted.status.code(), Some(1), "{command}\n{out}");
        assert!(out.contains("the file differs from QEMU 8.2.0 in"), "{command}\n{out}");
    }
}

#[test]
fn a_printed_command_begins_as_the_program_was_started() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let (command, _) = again(directory.path(), "a", |command| {
        command.arg0("some name");
    });
    assert!(
        command.starts_with("'some name' replay ") || command.starts_with("some' name' replay "),
        "{command}"
    );
    let (command, _) = again(directory.path(), "b", |command| {
        command.env("CARGO", "cargo").env("CARGO_PKG_NAME", "qemufile-conformance");
    });
    assert!(command.starts_with("cargo run --release -- replay "), "{command}");
    // Cargo that runs something else, which starts this program, is not how it was started.
    let (command, _) = again(directory.path(), "c", |command| {
        command.env("CARGO", "cargo").env("CARGO_PKG_NAME", "another").arg0("qc");
    });
    assert!(command.starts_with("qc replay "), "{command}");
}

#[test]
fn a_summary_has_the_numbers_of_what_happened() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    let reference = changed(directory.path(), 456, ";", "; exit(7);");
    let (trace, reference) = (trace.to_str().unwrap(), reference.to_str().unwrap());
    let said = run(directory.path(), ["replay", trace, "--reference", reference]).expect(1);
    assert!(said.out.contains("status 7") && !said.out.contains('#'), "{}", said.out);
}

#[test]
fn steps_that_are_judged_equal_are_not_marked_as_different() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    // C asserts, the core refuses.
    let asks = "(format: 1, origin: \"hand\", cause: \"A writer is asked for a byte.\", world: \
                (channels: [()]), ops: [NewOutput(channel: 0), GetByte(stream: 0)])";
    let trace = write(directory.path(), "ask-writer.ron", asks);
    let said = run(directory.path(), ["explain", trace.to_str().unwrap()]).expect(0);
    assert!(said.out.contains("GetByte") && !said.out.contains('!'), "{}", said.out);
}

#[test]
fn a_dump_says_where_its_description_is_from_in_words() {
    let directory = tempdir().unwrap();
    let stream = crate::command::stream();
    let said = run(directory.path(), ["streams", "--dump", stream.to_str().unwrap()]).expect(0);
    assert!(said.out.contains("description: ") && !said.out.contains("Own"), "{}", said.out);
}

#[test]
fn more_streams_than_a_trace_may_make_are_refused_with_the_limit() {
    let directory = tempdir().unwrap();
    let many = "NewInput(channel: 0), ".repeat(100_000);
    let trace = format!(
        "(format: 1, origin: \"hand\", cause: \"Many.\", world: (channels: [()]), ops: [{many}])"
    );
    let trace = write(directory.path(), "many-streams.ron", &trace);
    let said = run(directory.path(), ["replay", trace.to_str().unwrap()]).expect(2);
    assert!(said.out.contains("100000 streams are made, at most 4096"), "{}", said.out);
}

#[test]
fn what_is_wrong_with_a_trace_is_said_without_the_library_that_reads_it() {
    let directory = tempdir().unwrap();
    let deep = format!("(format: 1, origin: {})", "[".repeat(500));
    for text in [
        "",
        "3",
        &deep,
        "#![enable(nothing)] (format: 1)",
        "(format: 1, origin: Some(1))",
        "(format: 1e9)",
    ] {
        let trace = write(directory.path(), "bad.txt", text);
        let said = run(directory.path(), ["explain", trace.to_str().unwrap()]).expect(2);
        let plain = !["ron", "serde", "Header", "recursion"]
            .iter()
            .any(|word| said.err.to_lowercase().contains(&word.to_lowercase()));
        assert!(plain && said.err.contains("bad.txt:1:"), "{}", said.err);
    }
}
