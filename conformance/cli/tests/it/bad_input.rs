//! Every command with every kind of bad input: what it exits with stands in `docs/COMMANDS.md`,
//! which is written by this test where `WRITE_DOCUMENTS` is set, and compared otherwise.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{FileType, Mode};
use rustix::process::Signal;
use tempfile::{TempDir, tempdir};

use crate::command::{
    EXPORT, End, NEIGHBOURS, STALE_PEEK, changed, command, end_of, has_original, run, send, stream,
    stuffed, write,
};

/// The commands, each with what it is given.
const ROWS: [&str; 16] = [
    "check --reference FILE.c",
    "replay TRACE",
    "explore --reference FILE.c",
    "shrink TRACE",
    "explain TRACE",
    "record TRACE",
    "streams STREAM",
    "streams --dump STREAM",
    "inspect STREAM",
    "promote ARTIFACT",
    "export-seeds TRACE",
    "coverage EXPORT",
    "inject-faults TRACE",
    "mutants --original FILE.c",
    "drift FILE.c",
    "doctor --reference FILE.c",
];

/// What a file can be, and what the output can be.
const COLUMNS: [&str; 9] = [
    "missing",
    "empty",
    "garbage",
    "directory",
    "unreadable",
    "FIFO",
    "full disk",
    "closed output",
    "signal",
];

/// A folder with good and bad files.
struct Place {
    directory: TempDir,
    artifact: PathBuf,
    reference: PathBuf,
    /// Of folders that are written to.
    number: AtomicUsize,
}

impl Place {
    fn new() -> Self {
        let directory = tempdir().unwrap();
        let at = directory.path();
        write(at, "good.ron", NEIGHBOURS);
        write(at, "stale.ron", STALE_PEEK);
        write(at, "export.json", EXPORT);
        let seeds = at.join("seeds");
        let trace = at.join("good.ron");
        run(at, ["export-seeds", trace.to_str().unwrap(), "--into", seeds.to_str().unwrap()])
            .expect(0);
        let target = fs::read_dir(&seeds).unwrap().map(|entry| entry.unwrap().path());
        let target = target
            .filter(|path| path.ends_with("differential_output"))
            .chain(fs::read_dir(&seeds).unwrap().map(|entry| entry.unwrap().path()));
        let artifact = target
            .flat_map(|folder| fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().path())
            .next()
            .unwrap();
        let reference = changed(at, 381, "==", "!=");
        Self { directory, artifact, reference, number: AtomicUsize::new(0) }
    }

    /// A file of a kind, with the name that a command wants.
    fn bad(&self, column: &str, ending: &str) -> PathBuf {
        let folder = self.directory.path().join(column);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("bad{ending}"));
        if path.symlink_metadata().is_ok() {
            return path;
        }
        match column {
            "missing" => {}
            "empty" => fs::write(&path, "").unwrap(),
            "garbage" => {
                let noise: Vec<u8> =
                    (0..4096_u32).map(|at| at.wrapping_mul(at + 31).to_le_bytes()[1]).collect();
                fs::write(&path, noise).unwrap();
            }
            "directory" => fs::create_dir(&path).unwrap(),
            // It opens, and its first byte cannot be read, by root either.
            "unreadable" => std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap(),
            "FIFO" => {
                let mode = Mode::from_raw_mode(0o644);
                rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, mode, 0).unwrap();
            }
            other => panic!("{other}"),
        }
        path
    }

    fn text(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// The words of a command with a bad file; of one with a good file where there is none.
    fn words(&self, row: &str, bad: Option<&dyn Fn(&str) -> PathBuf>) -> Vec<String> {
        let verb = row.split(' ').next().unwrap();
        let is_dump = row.contains("--dump");
        let (ending, good) = match verb {
            "replay" | "record" | "export-seeds" | "inject-faults" | "explain" => {
                (".ron", self.text("good.ron"))
            }
            "shrink" => (".ron", self.text("good.ron")),
            "streams" | "inspect" => (".bin", stream().to_str().unwrap().to_owned()),
            "promote" => ("", self.artifact.to_str().unwrap().to_owned()),
            "coverage" => (".json", self.text("export.json")),
            _ => (".c", self.reference.to_str().unwrap().to_owned()),
        };
        let file = bad.map(|bad| bad(ending).to_str().unwrap().to_owned());
        let words: Vec<&str> = match (verb, is_dump) {
            ("check", _) => vec!["check", "--shard", "1/4000"],
            ("explore", _) => vec!["explore", "--cases", "10"],
            ("streams", true) => vec!["streams", "--dump"],
            ("record", _) => vec!["record", "--check"],
            ("promote", _) => vec!["promote", "--name", "bad-input"],
            ("mutants", _) => vec!["mutants", "--print"],
            ("drift", _) => vec!["drift", "--cases", "10"],
            (verb, _) => vec![verb],
        };
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        match (verb, file) {
            // Without a file they take the original that is linked in.
            ("check" | "explore" | "doctor" | "mutants" | "drift", None) => {}
            ("check" | "explore" | "doctor", Some(file)) => {
                words.extend(["--reference".to_owned(), file]);
            }
            ("mutants", Some(file)) => words.extend(["--original".to_owned(), file]),
            (_, file) => words.push(file.unwrap_or(good)),
        }
        if ["promote", "export-seeds"].contains(&verb) {
            words.extend([
                "--into".to_owned(),
                self.text(&format!("into-{}", self.number.fetch_add(1, Ordering::Relaxed))),
            ]);
        }
        if verb == "shrink" && bad.is_none() {
            let reference = self.reference.to_str().unwrap().to_owned();
            words.extend(["--reference".to_owned(), reference]);
        }
        words
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = command(&self.directory.path().join("target"));
        command.args(words).current_dir(test_support::project(""));
        command
    }

    fn cell(&self, row: &str, column: &str) -> End {
        let spawned = match column {
            "full disk" => {
                let full = fs::File::options().write(true).open("/dev/full").unwrap();
                self.command(&self.words(row, None)).stdout(full).stderr(Stdio::null()).spawn()
            }
            "closed output" => {
                let (reader, writer) = std::io::pipe().unwrap();
                drop(reader);
                self.command(&self.words(row, None)).stdout(writer).stderr(Stdio::null()).spawn()
            }
            "signal" => return self.signalled(row),
            _ => {
                let words = self.words(row, Some(&|ending| self.bad(column, ending)));
                self.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
            }
        };
        end_of(&mut spawned.unwrap())
    }

    /// A long run is interrupted in it; a short one at its output, which nobody takes.
    fn signalled(&self, row: &str) -> End {
        let mut words = self.words(row, None);
        match row.split(' ').next().unwrap() {
            "check" => words = vec!["check".to_owned()],
            "explore" => {
                words = vec!["explore".to_owned(), "--seconds".to_owned(), "600".to_owned()];
            }
            "inject-faults" => words = vec!["inject-faults".to_owned()],
            "drift" => {
                words = ["drift", "--cases", "1000000"].map(str::to_owned).to_vec();
            }
            "replay" => words = many("replay", "corpus/traces"),
            "record" => {
                words = [many("record", "corpus/traces"), vec!["--check".to_owned()]].concat();
            }
            "streams" if !row.contains("--dump") => words = many("streams", "corpus/streams"),
            _ => {}
        }
        let (reader, writer) = stuffed();
        let long = ["check", "explore", "inject-faults", "replay", "record", "streams", "drift"];
        let is_long = long.contains(&words[0].as_str()) && !row.contains("--dump");
        let mut command = self.command(&words);
        if is_long {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        } else {
            command.stdout(writer.try_clone().unwrap()).stderr(writer.try_clone().unwrap());
        }
        let mut child = command.spawn().unwrap();
        drop(command);
        send(&mut child, Signal::TERM);
        let end = end_of(&mut child);
        drop((reader, writer));
        end
    }
}

/// A command on a folder of the corpus, many times over.
fn many(verb: &str, folder: &str) -> Vec<String> {
    std::iter::once(verb).chain(std::iter::repeat_n(folder, 50)).map(str::to_owned).collect()
}

fn of_row(place: &Place, row: &str) -> Vec<End> {
    COLUMNS.iter().map(|column| place.cell(row, column)).collect()
}

#[test]
fn no_bad_input_makes_a_command_panic_hang_or_pass() {
    if !has_original() {
        return;
    }
    let place = Place::new();
    let rows: Vec<Vec<End>> = std::thread::scope(|scope| {
        let halves: Vec<_> = ROWS
            .chunks(ROWS.len() / 2)
            .map(|rows| {
                let place = &place;
                scope.spawn(move || rows.iter().map(|row| of_row(place, row)).collect::<Vec<_>>())
            })
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let mut table = format!("| command | {} |\n|---|", COLUMNS.join(" | "));
    table += &"---|".repeat(COLUMNS.len());
    let mut wrong = Vec::new();
    for (row, ends) in ROWS.iter().zip(&rows) {
        let cells: Vec<String> = ends
            .iter()
            .zip(COLUMNS)
            .map(|(end, column)| {
                let expected = match column {
                    "full disk" | "closed output" => 4,
                    "signal" => 130,
                    _ => 2,
                };
                if *end != End::Status(expected) {
                    wrong.push(format!("{row}, {column}: {end:?}, not {expected}"));
                }
                match end {
                    End::Status(status) => status.to_string(),
                    other => format!("{other:?}"),
                }
            })
            .collect();
        let _ = write!(table, "\n| `{row}` | {} |", cells.join(" | "));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    compare("bad-input", &table);
}

#[test]
fn the_tables_of_statuses_and_variables_are_those_of_the_help() {
    let mut statuses = "| status | meaning |\n|---|---|".to_owned();
    for (status, meaning) in qemufile_conformance::tables::STATUSES {
        let _ = write!(statuses, "\n| {} | {meaning} |", status.code());
    }
    compare("statuses", &statuses);
    let mut variables = "| variable | read by | meaning |\n|---|---|---|".to_owned();
    for known in qemufile_conformance::tables::VARIABLES {
        let _ = write!(variables, "\n| `{}` | {} | {} |", known.name, known.read_by, known.meaning);
    }
    compare("variables", &variables);
}

/// Compares a table with the one between its marks in the document, or writes it there.
fn compare(name: &str, table: &str) {
    let path = test_support::project("docs/COMMANDS.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("\n<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (there, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("WRITE_DOCUMENTS").is_some() {
        write(
            Path::new(""),
            path.to_str().unwrap(),
            &format!("{before}{begin}{table}{end}{after}"),
        );
    } else {
        assert_eq!(there, table, "docs/COMMANDS.md: run this test with WRITE_DOCUMENTS=1");
    }
}

/// Every variable that the sources of the command read is in the table.
#[test]
fn every_variable_that_is_read_is_in_the_table() {
    let mut files = vec![];
    let mut folders =
        vec!["conformance/cli/src", "conformance/src", "conformance/mutation/src", "c-reference"]
            .into_iter()
            .map(test_support::project)
            .collect::<Vec<_>>();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    let mut seen = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for call in ["env::var(\"", "env::var_os(\""] {
            for name in text.split(call).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                seen += 1;
                // What cargo gives a build script is no setting.
                let of_cargo =
                    ["CARGO_", "DEP_", "OUT_DIR"].iter().any(|start| name.starts_with(start));
                let known =
                    qemufile_conformance::tables::VARIABLES.iter().any(|known| known.name == name);
                assert!(known || of_cargo, "{}: {name}", file.display());
            }
        }
    }
    assert!(seen > 5, "only {seen} were found");
}
