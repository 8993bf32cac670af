//! The JUnit form by the rules of junit-10.xsd, the schema of Jenkins' xUnit plugin.

use std::collections::BTreeSet;
use std::fs;

use crate::command::{NEIGHBOURS, STALE_PEEK, changed, has_original, run, stream, write};
use roxmltree::{Document, Node};
use tempfile::tempdir;

/// An element: what it must have, what it may have besides, and what may be in it.
struct Rule {
    tag: &'static str,
    must: &'static [&'static str],
    may: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const RULES: [Rule; 9] = [
    Rule {
        tag: "testsuites",
        must: &[],
        may: &["name", "time", "tests", "failures", "errors"],
        children: &["testsuite"],
        text: false,
    },
    Rule {
        tag: "testsuite",
        must: &["name", "tests", "failures", "errors"],
        may: &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        children: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        text: false,
    },
    Rule { tag: "properties", must: &[], may: &[], children: &["property"], text: false },
    Rule { tag: "property", must: &["name", "value"], may: &[], children: &[], text: false },
    Rule {
        tag: "testcase",
        must: &["name"],
        may: &["time", "classname", "group"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        text: false,
    },
    Rule { tag: "skipped", must: &[], may: &["type", "message"], children: &[], text: true },
    Rule { tag: "error", must: &[], may: &["type", "message"], children: &[], text: true },
    Rule { tag: "failure", must: &[], may: &["type", "message"], children: &[], text: true },
    Rule { tag: "system-out", must: &[], may: &[], children: &[], text: true },
];

fn check(node: Node<'_, '_>, wrong: &mut Vec<String>) {
    let tag = node.tag_name().name();
    let Some(rule) = RULES.iter().find(|rule| rule.tag == tag) else {
        return wrong.push(format!("<{tag}>"));
    };
    let there: BTreeSet<&str> = node.attributes().map(|attribute| attribute.name()).collect();
    for name in rule.must.iter().filter(|name| !there.contains(*name)) {
        wrong.push(format!("<{tag}> without {name}"));
    }
    for name in there.iter().filter(|name| !rule.must.contains(name) && !rule.may.contains(name)) {
        wrong.push(format!("<{tag} {name}>"));
    }
    if let Some(time) = node.attribute("time") {
        // (([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?
        let (whole, part) = time.split_once('.').unwrap_or((time, ""));
        if !(whole.to_owned() + part).bytes().all(|byte| byte.is_ascii_digit()) {
            wrong.push(format!("<{tag} time={time:?}>"));
        }
    }
    for child in node.children() {
        if child.is_element() {
            if !rule.children.contains(&child.tag_name().name()) {
                wrong.push(format!("<{}> in <{tag}>", child.tag_name().name()));
            }
            check(child, wrong);
        } else if child.is_text() && !rule.text && !child.text().unwrap_or("").trim().is_empty() {
            wrong.push(format!("text in <{tag}>"));
        }
    }
}

/// Numbers of cases, failures, errors and skipped ones of a report, which is checked.
fn read(xml: &str) -> [usize; 4] {
    let document = Document::parse(xml).unwrap();
    let root = document.root_element();
    let mut wrong = Vec::new();
    check(root, &mut wrong);
    assert_eq!(root.tag_name().name(), "testsuites");
    let of =
        |node: Node<'_, '_>, tag| node.descendants().filter(|node| node.has_tag_name(tag)).count();
    let attributes = [
        ("testcase", "tests"),
        ("failure", "failures"),
        ("error", "errors"),
        ("skipped", "skipped"),
    ];
    for node in document
        .descendants()
        .filter(|node| ["testsuites", "testsuite"].iter().any(|tag| node.has_tag_name(*tag)))
    {
        for (tag, attribute) in attributes {
            let says = node.attribute(attribute).map(|says| says.parse::<usize>().unwrap());
            if says.is_some_and(|says| says != of(node, tag)) {
                wrong.push(format!("{attribute} {says:?} of {}", of(node, tag)));
            }
        }
    }
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        if case.children().filter(Node::is_element).count() > 1 {
            wrong.push(format!("{case:?} has two outcomes"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{xml}", wrong.join("\n"));
    attributes.map(|(tag, _)| of(root, tag))
}

#[test]
fn traces_streams_and_generated_cases_are_valid_and_there_once() {
    let directory = tempdir().unwrap();
    let at = directory.path();
    let traces = at.join("traces");
    write(&traces, "peek-stale.ron", STALE_PEEK);
    write(&traces, "bad-header.ron", &STALE_PEEK.replace("quirks: [StalePeek],", ""));
    write(&traces, "broken.ron", "(format: 1, colour: 3)");
    write(
        &traces,
        "skip-back.ron",
        &NEIGHBOURS.replace(
            "GetByte(stream: 0),\n        NewOutput",
            "Skip(stream: 0, size: -1),\n        NewOutput",
        ),
    );
    write(&traces, "a&b<c>\"'\u{1b}\u{fffe}.ron", NEIGHBOURS);
    let traces = traces.to_str().unwrap();
    let junit = |words: &[&str], status| {
        read(&run(at, words.iter().chain(&["--format", "junit"])).expect(status).out)
    };
    // 5 files, and one more for the share of what is inconclusive.
    assert_eq!(junit(&["replay", traces], 1), [6, 2, 1, 1]);
    assert_eq!(junit(&["explore", "--cases", "20"], 0), [1, 0, 0, 0]);

    let streams = at.join("streams");
    fs::create_dir(&streams).unwrap();
    fs::copy(stream(), streams.join("whole.bin")).unwrap();
    fs::write(streams.join("noise.bin"), [7; 900]).unwrap();
    fs::write(streams.join("empty.bin"), []).unwrap();
    let bytes = fs::read(stream()).unwrap();
    fs::write(streams.join("cut.bin"), &bytes[..bytes.len() / 2]).unwrap();
    let [cases, failures, errors, skipped] =
        junit(&["streams", streams.to_str().unwrap(), "--subject", "core"], 2);
    // One for each file: an unusable one is an error, and not skipped as well.
    assert_eq!((cases, failures, skipped), (4, 0, 0));
    assert_eq!(errors, 3);
}

#[test]
fn a_divergence_is_valid_and_there_once() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let at = directory.path();
    let reference = changed(at, 381, "==", "!=");
    let trace = write(at, "put-neighbours.ron", NEIGHBOURS);
    let words = [
        "replay",
        trace.to_str().unwrap(),
        "--reference",
        reference.to_str().unwrap(),
        "--format",
        "junit",
    ];
    let said = run(at, words).expect(1);
    assert_eq!(read(&said.out), [1, 1, 0, 0]);
    assert!(said.out.contains("again: "), "{}", said.out);
    for words in [
        &["mutants", "--only", "qemu_file_get_ioc", "--format", "junit"][..],
        &[
            "coverage",
            write(at, "e.json", crate::command::EXPORT).to_str().unwrap(),
            "--format",
            "junit",
        ],
    ] {
        read(&run(at, words).out);
    }
}
