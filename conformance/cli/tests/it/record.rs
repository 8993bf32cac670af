//! `record`: transcripts are written whole or not at all, and stale ones are noticed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::command::{NEIGHBOURS, STALE_PEEK, has_original, run, write};
use conformance::transcript::Recording;
use tempfile::tempdir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Files that are neither traces nor transcripts.
fn left_over(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.to_lowercase().ends_with(".ron") || name.starts_with('.')).collect()
}

#[test]
fn a_changed_byte_is_noticed_and_mended() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let traces = directory.path().join("traces");
    write(&traces, "peek-stale.ron", STALE_PEEK);
    write(&traces, "put-neighbours.ron", NEIGHBOURS);
    let check = || run(directory.path(), ["record", "--check", text(&traces)]);
    assert!(check().expect(1).out.contains("missing"));
    run(directory.path(), ["record", text(&traces)]).expect(0);
    check().expect(0);
    run(directory.path(), ["replay", text(&traces)]).expect(0);

    let transcript = traces.join("put-neighbours.transcript.ron");
    let whole = fs::read_to_string(&transcript).unwrap();
    // The bytes that went out: another first one.
    let damaged = whole.replacen("\\x12", "\\x13", 1);
    assert_ne!(whole, damaged);
    fs::write(&transcript, &damaged).unwrap();
    let said = check().expect(1);
    assert!(said.out.contains("stale") && said.out.contains("put-neighbours"), "{}", said.out);
    assert_eq!(fs::read_to_string(&transcript).unwrap(), damaged, "a check writes nothing");
    let said = run(directory.path(), ["replay", text(&traces)]).expect(1);
    assert!(said.out.contains("recorded"), "{}", said.out);

    run(directory.path(), ["record", text(&traces)]).expect(0);
    assert_eq!(fs::read_to_string(&transcript).unwrap(), whole);
    fs::remove_file(traces.join("peek-stale.ron")).unwrap();
    assert!(check().expect(1).out.contains("no trace  "));
}

#[test]
fn a_trace_that_was_changed_makes_its_transcript_stale() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    run(directory.path(), ["record", text(&trace)]).expect(0);
    fs::write(&trace, NEIGHBOURS.replace("4660", "4661")).unwrap();
    let said = run(directory.path(), ["replay", text(&trace)]).expect(1);
    assert!(said.out.contains("record"), "{}", said.out);
}

#[test]
fn a_failure_overwrites_nothing_and_the_others_are_recorded() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let traces = directory.path().join("traces");
    write(&traces, "broken.ron", "(format: 1, nonsense)");
    write(&traces, "broken.transcript.ron", "old");
    write(&traces, "peek-stale.ron", STALE_PEEK);
    // A directory where the transcript has to go: the rename fails.
    write(&traces, "put-neighbours.ron", NEIGHBOURS);
    fs::create_dir_all(traces.join("put-neighbours.transcript.ron/in-the-way")).unwrap();
    let said = run(directory.path(), ["record", text(&traces)]).expect(2);
    assert!(
        said.err.contains("broken.ron:1:") && said.err.contains("put-neighbours.transcript.ron"),
        "{}",
        said.err
    );
    assert_eq!(fs::read_to_string(traces.join("broken.transcript.ron")).unwrap(), "old");
    assert!(traces.join("peek-stale.transcript.ron").is_file());
    assert_eq!(left_over(&traces), Vec::<String>::new());
}

#[test]
fn an_interrupt_leaves_whole_files() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let traces = directory.path().join("traces");
    for number in 0..300 {
        write(&traces, &format!("put-{number:03}.ron"), NEIGHBOURS);
    }
    let mut child = crate::command::command(directory.path())
        .args(["record", text(&traces)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    std::io::copy(&mut lines, &mut std::io::sink()).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(left_over(&traces), Vec::<String>::new());
    let mut whole = 0;
    for number in 0..300 {
        if let Ok(text) = fs::read_to_string(traces.join(format!("put-{number:03}.transcript.ron")))
        {
            Recording::parse(&text).unwrap();
            whole += 1;
        }
    }
    assert!((1..300).contains(&whole), "{whole} were written");
}

#[test]
fn another_file_is_never_recorded() {
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "put-neighbours.ron", NEIGHBOURS);
    run(directory.path(), ["record", text(&trace), "--reference", "any.c"]).expect(2);
    assert!(!directory.path().join("put-neighbours.transcript.ron").exists());
}
