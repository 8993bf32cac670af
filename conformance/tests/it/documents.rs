//! The documents hold: links lead somewhere, every row that the tree cites is described, and what
//! `docs/BEHAVIOUR.md` says of traces and tests is so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Lines that README.md may have.
const PAGE: usize = 100;

/// Folders that hold no text of the project.
const NOT_OURS: [&str; 5] = ["target", ".git", "original", "artifacts", "fuzz-corpus"];

fn root() -> PathBuf {
    test_support::project("")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of the tree with one of these endings, by their path from the root.
fn files(endings: &[&str]) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if entry.file_type().unwrap().is_dir() {
                if !NOT_OURS.contains(&name.as_str()) && path != "corpus/fuzz" {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no file ends in {endings:?}");
    found
}

/// The sections of docs/BEHAVIOUR.md that have an anchor `row-N`, by N.
fn rows() -> BTreeMap<u8, String> {
    let text = read("docs/BEHAVIOUR.md");
    let sections = text.split("<a id=\"").skip(1);
    sections
        .filter_map(|section| {
            let number = section.strip_prefix("row-")?.split('"').next()?;
            Some((number.parse().unwrap(), section.to_owned()))
        })
        .collect()
}

/// The targets of the links of a document: `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    let mut parts = text.split("](");
    parts.next();
    parts.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// What a heading is called in a link.
fn slug(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn has_anchor(text: &str, anchor: &str) -> bool {
    text.contains(&format!("<a id=\"{anchor}\"></a>"))
        || text.lines().any(|line| line.starts_with('#') && slug(line) == anchor)
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for document in files(&[".md"]) {
        let text = read(&document);
        let folder = root().join(&document).parent().unwrap().to_owned();
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let place = if path.is_empty() { root().join(&document) } else { folder.join(path) };
            if !place.exists() {
                broken.push(format!("{document}: {link}: there is no such file"));
            } else if !anchor.is_empty()
                && !has_anchor(&fs::read_to_string(&place).unwrap(), anchor)
            {
                broken.push(format!("{document}: {link}: the file has no such anchor"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn rows_are_numbered_without_a_gap() {
    let numbers: Vec<u8> = rows().into_keys().collect();
    assert_eq!(numbers, (1..=31).collect::<Vec<u8>>());
    for (row, section) in rows() {
        assert!(section.contains(&format!("\n### Row {row}: ")), "row {row} has no heading");
        for part in ["**Line", "**Verdict** ", "* **Core**: ", "* **Test**:"] {
            assert!(section.contains(part), "row {row} has no {part:?}");
        }
    }
}

/// The rows that a text cites: "row 3", "rows 6 and 10", "rows: [17, 18]", "row_03".
fn cited(text: &str) -> BTreeSet<u8> {
    let mut found = BTreeSet::new();
    for mark in ["row ", "rows ", "Row ", "Rows ", "rows: [", "fn row_", "#row-"] {
        for (at, _) in text.match_indices(mark) {
            let before = text[..at].chars().next_back();
            if mark != "#row-" && before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &text[at + mark.len()..];
            let list = rest.split(|c: char| !(c.is_ascii_digit() || ", and".contains(c)));
            let list = list.take(1).flat_map(|list| list.split(|c: char| !c.is_ascii_digit()));
            found.extend(list.filter_map(|number| number.parse::<u8>().ok()));
        }
    }
    found
}

#[test]
fn citations_are_recognised() {
    let of = |text| cited(text).into_iter().collect::<Vec<u8>>();
    assert_eq!(of("(row 3 of the behaviours)"), [3]);
    assert_eq!(of("rows 6, 7 and 10: 99"), [6, 7, 10]);
    assert_eq!(of("rows: [17, 18],"), [17, 18]);
    assert_eq!(of("fn row_05_offsets()"), [5]);
    assert_eq!(of("BEHAVIOUR.md#row-31)"), [31]);
    assert_eq!(of("arrow 3, a row of 4, rows"), [0_u8; 0]);
}

#[test]
fn every_row_that_the_tree_cites_is_described() {
    let rows = rows();
    let mut unknown = Vec::new();
    for file in files(&[".rs", ".ron", ".md", ".c", ".h", ".sh"]) {
        // These tests cite rows that are not there.
        let on_purpose = ["/documents.rs", "/format.rs"].iter().any(|name| file.ends_with(name));
        if (on_purpose && file.contains("/tests/")) || file.ends_with(".transcript.ron") {
            continue;
        }
        let cited = cited(&read(&file));
        unknown.extend(
            cited.iter().filter(|row| !rows.contains_key(row)).map(|row| format!("{file}: {row}")),
        );
    }
    assert!(unknown.is_empty(), "docs/BEHAVIOUR.md has no such row:\n{}", unknown.join("\n"));
}

#[test]
fn traces_that_a_row_names_show_it() {
    for (row, section) in rows() {
        for link in links(&section).into_iter().filter(|link| link.contains("corpus/traces/")) {
            let text = read(link.trim_start_matches("../"));
            let header = text.lines().find(|line| line.trim_start().starts_with("rows: ["));
            let header = header.unwrap_or_else(|| panic!("{link} has no rows"));
            assert!(cited(header).contains(&row), "row {row} names {link}, which has {header}");
        }
    }
}

#[test]
fn rows_name_tests_that_are_there_and_every_test_belongs_to_a_row() {
    let mut tests: BTreeMap<String, String> = BTreeMap::new();
    for file in files(&[".rs"]) {
        if !file.starts_with("qemufile-core/tests/core/behaviours/") {
            continue;
        }
        for rest in read(&file).split("fn row_").skip(1) {
            let name = rest.split('(').next().unwrap();
            tests.insert(format!("row_{name}"), file.clone());
        }
    }
    assert!(tests.len() > 31, "only {} tests were found", tests.len());
    let rows = rows();
    for (row, section) in &rows {
        let named: Vec<&str> =
            section.split("[`row_").skip(1).filter_map(|rest| rest.split('`').next()).collect();
        assert!(!named.is_empty(), "row {row} names no test");
        for name in named {
            let name = format!("row_{name}");
            let file = tests.get(&name).unwrap_or_else(|| panic!("row {row}: no test {name}"));
            assert!(
                section.contains(&format!("[`{name}`](../{file})")),
                "row {row}: {name} is in {file}"
            );
        }
        assert!(
            tests.keys().any(|name| name.starts_with(&format!("row_{row:02}_"))),
            "row {row} has no test of its own"
        );
    }
}

/// The first block of Rust in a document.
fn example(document: &str) -> String {
    let text = read(document);
    let rest = text.split("```rust\n").nth(1).unwrap_or_else(|| panic!("{document}: no example"));
    rest.split("```").next().unwrap().to_owned()
}

#[test]
fn the_readme_fits_a_page_and_shows_the_example_that_is_compiled() {
    let lines = read("README.md").lines().count();
    assert!(lines <= PAGE, "README.md has {lines} lines");
    assert_eq!(example("README.md"), example("qemufile-core/README.md"));
}

#[test]
fn each_trace_links_to_the_rows_that_it_shows() {
    let mut without = Vec::new();
    for (path, trace) in traces_with_rows() {
        let line = trace.lines().find(|line| line.trim_start().starts_with("rows:")).unwrap();
        let (rows, links) = line.split_once("//").unwrap_or((line, ""));
        let numbers = rows.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        let wanted: Vec<String> =
            numbers.map(|row| format!("docs/BEHAVIOUR.md#row-{row}")).collect();
        if links.split_whitespace().ne(wanted.iter().map(String::as_str)) {
            without.push(format!("{path}: expected `// {}` behind the rows", wanted.join(" ")));
        }
    }
    assert!(without.is_empty(), "{}", without.join("\n"));
}

/// Path and text of each trace of the corpus that shows a row.
fn traces_with_rows() -> Vec<(String, String)> {
    let folders = ["corpus/traces", "corpus/regressions"].map(|folder| root().join(folder));
    let (paths, errors) = conformance::corpus::find(
        &folders.into_iter().filter(|folder| folder.exists()).collect::<Vec<_>>(),
    );
    assert!(errors.is_empty(), "{errors:?}");
    let texts =
        paths.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()));
    let found: Vec<_> = texts.filter(|(_, text)| text.contains("\n    rows:")).collect();
    assert!(found.len() > 100, "{} traces show a row", found.len());
    found
}
