//! Output that cannot be written: one message, status 4, whatever the command and the format.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::command::{NEIGHBOURS, command, run, stream, write};
use tempfile::tempdir;

/// Commands that print, each in each of its forms.
fn printing(directory: &Path) -> Vec<Vec<String>> {
    let trace = write(directory, "good.ron", NEIGHBOURS).to_str().unwrap().to_owned();
    let stream = stream().to_str().unwrap().to_owned();
    let mut all = vec![
        format!("explain {trace}"),
        "--help".to_owned(),
        "--version".to_owned(),
        "doctor".to_owned(),
    ];
    for format in ["text", "json", "junit"] {
        all.push(format!("replay {trace} --format {format}"));
        all.push(format!("explore --cases 5 --seed 1 --format {format}"));
        all.push(format!("inject-faults {trace} --format {format}"));
        all.push(format!("streams {stream} --subject core --format {format}"));
    }
    for format in ["text", "json"] {
        all.push(format!("streams --dump {stream} --format {format}"));
    }
    for more in ["", " --fields", " --json", " --page ram:0"] {
        all.push(format!("inspect {stream}{more}"));
    }
    all.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn output_that_cannot_be_written_is_said_once_and_has_its_status() {
    let directory = tempdir().unwrap();
    for words in printing(directory.path()) {
        for full in [true, false] {
            let output: Stdio = if full {
                fs::File::options().write(true).open("/dev/full").unwrap().into()
            } else {
                std::io::pipe().unwrap().1.into()
            };
            let said = command(directory.path())
                .args(&words)
                .current_dir(test_support::project(""))
                .stdout(output)
                .stderr(Stdio::piped())
                .output()
                .unwrap();
            let err = String::from_utf8(said.stderr).unwrap();
            assert_eq!(said.status.code(), Some(4), "{words:?}: {err}");
            assert_eq!(err.matches("standard output").count(), 1, "{words:?}: {err}");
        }
    }
}

#[test]
fn output_that_is_open_for_reading_only_is_not_taken_for_written() {
    let directory = tempdir().unwrap();
    let said = command(directory.path())
        .args(["explore", "--cases", "5"])
        .stdout(fs::File::open("/dev/null").unwrap())
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(4));
}

#[test]
fn a_file_that_cannot_be_written_has_the_same_status() {
    let directory = tempdir().unwrap();
    let trace = write(directory.path(), "good.ron", NEIGHBOURS);
    let trace = trace.to_str().unwrap();
    // No folder can be made below a file, by root either.
    let blocked = write(directory.path(), "file", "").join("folder");
    let blocked = blocked.to_str().unwrap();
    let said = run(directory.path(), ["export-seeds", trace, "--into", blocked]).expect(4);
    assert!(said.err.contains(blocked), "{}", said.err);
    let seeds = directory.path().join("seeds");
    run(directory.path(), ["export-seeds", trace, "--into", seeds.to_str().unwrap()]).expect(0);
    let target = fs::read_dir(&seeds).unwrap().next().unwrap().unwrap().path();
    let seed = fs::read_dir(target).unwrap().next().unwrap().unwrap().path();
    let seed = seed.to_str().unwrap();
    let promote = ["promote", seed, "--name", "blocked-folder", "--into", blocked];
    run(directory.path(), promote).expect(4);
    let export = write(directory.path(), "export.json", crate::command::EXPORT);
    run(directory.path(), ["coverage", export.to_str().unwrap(), "--output", blocked]).expect(4);
}
