//! Bad usage is told as such: numbers out of range, nothing selected, options of other commands.

use std::process::{Command, Stdio};

use crate::command::{NEIGHBOURS, run, write};
use qemufile_conformance::tables;
use tempfile::tempdir;

const GREATEST: &str = "18446744073709551615";

#[test]
fn no_number_panics_and_the_greatest_is_named() {
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "good.ron", NEIGHBOURS);
    let trace = trace.to_str().unwrap();
    for (words, greatest) in [
        (&["explore", "--cases", "1", "--limit"][..], "86400"),
        (&["explore", "--cases", "1", "--jobs"], "256"),
        (&["explore", "--seconds"], "31622400"),
        (&["explore", "--cases"], "1000000000000"),
        (&["explain", trace, "--width"], "10000"),
        (&["mutants", "--search"], "86400"),
    ] {
        for number in [GREATEST, "18446744073709551616", "0", "-1", "", "one"] {
            let mut words = words.to_vec();
            let last = words.pop().unwrap();
            let option = format!("{last}={number}");
            words.push(&option);
            let said = run(directory.path(), &words).expect(2);
            if number == GREATEST {
                assert!(said.err.contains(greatest), "{words:?}: {}", said.err);
            }
        }
    }
    for shard in [format!("1/{GREATEST}"), format!("{GREATEST}/{GREATEST}"), "1/0".to_owned()] {
        let said = run(directory.path(), ["explore", "--cases", "1", "--shard", &shard]).expect(2);
        assert!(shard.ends_with("/0") || said.err.contains("1000000"), "{}", said.err);
    }
    // These are in range.
    run(directory.path(), ["explore", "--cases", "40", "--seed", GREATEST]).expect(0);
    run(directory.path(), ["explore", "--cases", "40", "--jobs", "256", "--limit", "86400"])
        .expect(0);
    run(directory.path(), ["explore", "--cases", GREATEST, "--seed", "1"]).expect(2);
    run(directory.path(), ["explain", trace, "--width", "10000"]).expect(0);
    run(directory.path(), ["explain", trace, "--width", "20"]).expect(0);
}

#[test]
fn nothing_selected_is_not_success() {
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "good.ron", NEIGHBOURS);
    let trace = trace.to_str().unwrap();
    let into = directory.path().join("into");
    let stream = crate::command::stream();
    let streams = ["streams", stream.to_str().unwrap(), "--shard", "2/2"];
    for words in [
        &["replay", trace, "--shard", "2/2"][..],
        &["replay", trace, "--shard", "2/2", "--format", "json"],
        &["replay", trace, "--shard", "2/2", "--format", "junit"],
        &["explore", "--cases", "1", "--shard", "2/2"],
        &["explore", "--cases", "0"],
        &["explore", "--seconds", "0"],
        &["inject-faults", trace, "--shard", "2/2"],
        &["export-seeds", trace, "--shard", "2/2", "--into", into.to_str().unwrap()],
        &streams,
    ] {
        let said = run(directory.path(), words).expect(2);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{words:?}: {}{}", said.out, said.err);
    }
    if crate::command::has_original() {
        for words in [
            &["record", trace, "--shard", "2/2"][..],
            &["mutants", "--print", "--only", "no_such_function"],
            &["mutants", "--only", "no_such_function", "--format", "json"],
        ] {
            run(directory.path(), words).expect(2);
        }
    }
    // A folder without traces, or without streams.
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for verb in ["replay", "streams", "inject-faults", "export-seeds"] {
        let into = into.to_str().unwrap();
        let mut words = vec![verb, empty.to_str().unwrap()];
        if verb == "export-seeds" {
            words.extend(["--into", into]);
        }
        run(directory.path(), &words).expect(2);
    }
}

fn help(verb: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_qemufile-conformance"))
        .args([verb, "--help"])
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_of_a_command_lists_what_it_takes_and_the_rest_is_refused() {
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "good.ron", NEIGHBOURS);
    let into = directory.path().join("into");
    let options = [
        ("--reference", "no-such-file.c"),
        ("--limit", "3"),
        ("--subject", "core"),
        ("--format", "json"),
        ("--shard", "1/1"),
        ("--output", into.to_str().unwrap()),
        ("--jobs", "1"),
    ];
    let verbs = [
        ("check", None),
        ("replay", Some(&trace)),
        ("explore", None),
        ("shrink", Some(&trace)),
        ("explain", Some(&trace)),
        ("record", Some(&trace)),
        ("streams", Some(&trace)),
        ("inspect", Some(&trace)),
        ("promote", Some(&trace)),
        ("export-seeds", Some(&trace)),
        ("coverage", Some(&trace)),
        ("inject-faults", Some(&trace)),
        ("mutants", None),
        ("doctor", None),
    ];
    for (verb, file) in verbs {
        let help = help(verb);
        for (option, value) in options {
            if help.contains(&format!("{option} <")) {
                continue;
            }
            for before in [true, false] {
                let mut words: Vec<String> = vec![verb.to_owned()];
                words.extend(file.map(|file| file.to_str().unwrap().to_owned()));
                if verb == "promote" {
                    words.extend(["--name".to_owned(), "a-b".to_owned()]);
                }
                let at = if before { 0 } else { words.len() };
                words.splice(at..at, [option.to_owned(), value.to_owned()]);
                let said = run(directory.path(), &words).expect(2);
                let says = format!("{verb} does not take {option}");
                assert!(said.err.contains(&says), "{words:?}: {}", said.err);
            }
        }
    }
    let said = run(directory.path(), ["streams", "--dump", "--jobs", "1"]).expect(2);
    assert!(said.err.contains("streams --dump does not take --jobs"), "{}", said.err);
}

#[test]
fn the_help_has_every_status_and_every_variable() {
    let help = run(tempdir().unwrap().path(), ["--help"]).expect(0).out;
    for (status, meaning) in tables::STATUSES {
        let line = format!("  {:<4} {meaning}", status.code());
        assert!(help.contains(&line), "{line}\n{help}");
    }
    for variable in tables::VARIABLES {
        assert!(help.contains(variable.name), "{}", variable.name);
    }
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn doctor_looks_at_the_file_that_it_is_given_and_has_its_status() {
    let directory = tempdir().unwrap();
    let words = write(directory.path(), "words.c", "no code at all\n");
    let said = run(directory.path(), ["doctor", "--reference", words.to_str().unwrap()]).expect(2);
    assert!(
        said.out.contains("unusable the reference") && said.out.contains("error:"),
        "{}",
        said.out
    );
    if crate::command::has_original() {
        let right = crate::command::changed(directory.path(), 381, "==", "==");
        let said = run(directory.path(), ["doctor", "--reference", right.to_str().unwrap()]);
        assert!(said.out.contains("here     the reference"), "{}", said.out);
    }
    // Away from the corpus something that doctor looks for is missing.
    let said = crate::command::command(directory.path())
        .arg("doctor")
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(3));
}

#[test]
fn a_stream_is_read_from_a_pipe_and_a_fifo_is_refused_in_a_line() {
    let directory = tempdir().unwrap();
    let stream = std::fs::File::open(crate::command::stream()).unwrap();
    let mut cat = Command::new("cat").stdin(stream).stdout(Stdio::piped()).spawn().unwrap();
    let said = crate::command::command(directory.path())
        .args(["streams", "--dump", "/dev/stdin"])
        .stdin(cat.stdout.take().unwrap())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&said.stdout);
    cat.wait().unwrap();
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    assert!(out.contains("header"), "{out}");
    let fifo = directory.path().join("named.bin");
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let said = run(directory.path(), ["streams", fifo.to_str().unwrap()]).expect(2);
    assert!(said.out.contains("named.bin: neither a file nor a folder"), "{}", said.out);
}
