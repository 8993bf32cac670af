//! A report as JUnit XML, by the rules of junit-10.xsd, the schema of Jenkins' xUnit plugin, which
//! is the strictest of those that are in use.
//!
//! Each case is there once. All that would make two of one, such as a stream that cannot be used and
//! the problem that says why, is put together.

use std::io::{self, Write as _};

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::sheet::{self, Sheet, one_line};
use super::{Failure, Item, Report, Section, text};

/// The one report: a suite for each section, in it a case for each file, or one for all generated
/// cases, and one for each failure.
///
/// # Errors
///
/// None that a report is known to cause.
pub fn render(report: &Report) -> io::Result<String> {
    let mut suites: Vec<Suite> =
        report.sections.iter().map(|section| suite(report, section)).collect();
    let mut input = Suite::new("input", 0.0);
    let interrupted = report.interrupted.then(|| "the run was interrupted".to_owned());
    for problem in report.problems.iter().chain(&interrupted) {
        // What is said of a file is part of that file's case.
        let of_file = suites.iter_mut().flat_map(|suite| &mut suite.cases).find(|case| {
            matches!(case.outcome, Outcome::Error(_))
                && problem.strip_prefix(&case.name).is_some_and(|rest| rest.starts_with(':'))
        });
        match of_file {
            Some(case) => case.outcome = Outcome::Error(problem.clone()),
            None => input.add(problem, Outcome::Error(problem.clone())),
        }
    }
    if !input.cases.is_empty() {
        suites.push(input);
    }
    write(&suites, report.seconds)
}

enum Outcome {
    Passed,
    /// Why nothing can be said.
    Skipped(String),
    /// What is wrong, in a line and in full.
    Failed(String, String),
    /// What cannot be used.
    Error(String),
}

struct Case {
    name: String,
    outcome: Outcome,
}

struct Suite {
    name: String,
    seconds: f64,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

impl Suite {
    fn new(name: &str, seconds: f64) -> Self {
        Self { name: name.to_owned(), seconds, properties: Vec::new(), cases: Vec::new() }
    }

    fn add(&mut self, name: &str, outcome: Outcome) {
        self.cases.push(Case { name: name.to_owned(), outcome });
    }

    fn count(&self, kind: impl Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|case| kind(&case.outcome)).count()
    }

    fn failures(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(..)))
    }

    fn errors(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Error(_)))
    }
}

fn suite(report: &Report, section: &Section) -> Suite {
    let mut suite = Suite::new(&section.name, section.seconds);
    suite.properties = vec![
        ("oracle", report.oracle.name.clone()),
        ("agreed", section.agreed.to_string()),
        ("diverged", section.diverged.to_string()),
        ("inconclusive", section.undecided().to_string()),
    ];
    let failures: Vec<&Failure> =
        report.failures.iter().filter(|failure| failure.section == section.name).collect();
    for Item { name, outcome } in &section.items {
        if failures.iter().any(|failure| &failure.case == name) {
            continue;
        }
        let outcome = match outcome.as_str() {
            "agreed" => Outcome::Passed,
            "diverged" => {
                Outcome::Failed("as another failure of this section".to_owned(), String::new())
            }
            "unusable" => Outcome::Error("unusable".to_owned()),
            reason => Outcome::Skipped(reason.to_owned()),
        };
        suite.add(name, outcome);
    }
    for failure in &failures {
        let mut whole = String::new();
        // Writing to a string does not fail.
        let _ = text::failure(failure, &mut Sheet::plain(&mut whole));
        suite.add(&failure.case, Outcome::Failed(failure.summary.clone(), whole));
    }
    if section.shows_nothing() {
        let (undecided, total) = (section.undecided(), section.total());
        let share = format!("{undecided} of {total} {} are inconclusive", section.unit);
        suite.add("inconclusive", Outcome::Failed(share, String::new()));
    } else if suite.cases.is_empty() && section.total() > 0 {
        suite.add(&format!("{} {}", section.total(), section.unit), Outcome::Passed);
    }
    suite
}

/// Seconds as the schema has them.
fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

fn write(suites: &[Suite], whole: f64) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.get_mut().write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>().to_string();
    writer
        .create_element("testsuites")
        .with_attribute(("name", env!("CARGO_PKG_NAME")))
        .with_attribute(("tests", sum(|suite| suite.cases.len()).as_str()))
        .with_attribute(("failures", sum(Suite::failures).as_str()))
        .with_attribute(("errors", sum(Suite::errors).as_str()))
        .with_attribute(("time", seconds(whole).as_str()))
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|suite| write_suite(writer, suite))
        })?;
    writer.get_mut().write_all(b"\n")?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn write_suite(writer: &mut Writer<Vec<u8>>, suite: &Suite) -> io::Result<()> {
    let skipped = suite.count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    writer
        .create_element("testsuite")
        .with_attribute(("name", one_line(&suite.name).as_str()))
        .with_attribute(("tests", suite.cases.len().to_string().as_str()))
        .with_attribute(("failures", suite.failures().to_string().as_str()))
        .with_attribute(("errors", suite.errors().to_string().as_str()))
        .with_attribute(("skipped", skipped.to_string().as_str()))
        .with_attribute(("time", seconds(suite.seconds).as_str()))
        .write_inner_content(|writer| {
            if !suite.properties.is_empty() {
                writer.create_element("properties").write_inner_content(|writer| {
                    suite.properties.iter().try_for_each(|(name, value)| {
                        let property =
                            writer.create_element("property").with_attribute(("name", *name));
                        let value = one_line(value);
                        property.with_attribute(("value", value.as_str())).write_empty().map(drop)
                    })
                })?;
            }
            suite.cases.iter().try_for_each(|case| write_case(writer, &suite.name, case))
        })?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, suite: &str, case: &Case) -> io::Result<()> {
    let (name, class) = (one_line(&case.name), format!("conformance.{}", one_line(suite)));
    let element = writer
        .create_element("testcase")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("classname", class.as_str()));
    let (tag, message, whole) = match &case.outcome {
        Outcome::Passed => return element.write_empty().map(drop),
        Outcome::Skipped(reason) => ("skipped", reason, ""),
        Outcome::Failed(summary, whole) => ("failure", summary, whole.as_str()),
        Outcome::Error(problem) if problem.contains('\n') => ("error", problem, problem.as_str()),
        Outcome::Error(problem) => ("error", problem, ""),
    };
    // A reader makes blanks of the ends of lines in an attribute.
    let (message, whole) = (one_line(message), sheet::message(whole));
    element
        .write_inner_content(|writer| {
            let element = writer.create_element(tag).with_attribute(("message", message.as_str()));
            if whole.is_empty() {
                return element.write_empty().map(drop);
            }
            element.write_text_content(BytesText::new(&whole)).map(drop)
        })
        .map(drop)
}
