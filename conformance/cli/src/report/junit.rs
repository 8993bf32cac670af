//! A report as JUnit XML.

use std::time::Duration;

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Failure, Item, Report, Section, Status, text};

/// The XML: a suite for each section, in it a case for each file, or one for all generated cases,
/// and one for each failure.
///
/// # Errors
///
/// None that a report is known to cause.
pub fn render(report: &Report) -> Result<String, SerializeError> {
    let mut whole = quick_junit::Report::new("conformance");
    whole.set_time(seconds(report.seconds));
    for section in &report.sections {
        whole.add_test_suite(suite(report, section));
    }
    if !report.problems.is_empty() || report.status() == Status::Interrupted {
        let mut suite = TestSuite::new("input");
        let interrupted = report.interrupted.then(|| "the run was interrupted".to_owned());
        for problem in report.problems.iter().chain(&interrupted) {
            suite.add_test_case(failed(problem, problem, String::new(), NonSuccessKind::Error));
        }
        whole.add_test_suite(suite);
    }
    whole.to_string()
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn failed(name: &str, summary: &str, description: String, kind: NonSuccessKind) -> TestCase {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(summary).set_description(description);
    TestCase::new(name, status)
}

fn suite(report: &Report, section: &Section) -> TestSuite {
    let mut suite = TestSuite::new(section.name.as_str());
    suite.set_time(seconds(section.seconds));
    suite.add_property(("oracle", report.oracle.name.as_str()));
    for (property, value) in [
        ("agreed", section.agreed),
        ("diverged", section.diverged),
        ("inconclusive", section.undecided()),
    ] {
        suite.add_property((property, value.to_string().as_str()));
    }
    let failures: Vec<&Failure> =
        report.failures.iter().filter(|failure| failure.section == section.name).collect();
    for Item { name, outcome } in &section.items {
        if failures.iter().any(|failure| &failure.case == name) {
            continue;
        }
        suite.add_test_case(match outcome.as_str() {
            "agreed" => TestCase::new(name.as_str(), TestCaseStatus::success()),
            "diverged" => failed(
                name,
                "as another failure of this section",
                String::new(),
                NonSuccessKind::Failure,
            ),
            reason => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(reason);
                TestCase::new(name.as_str(), status)
            }
        });
    }
    for failure in &failures {
        suite.add_test_case(failed(
            &failure.case,
            &failure.summary,
            text::failure(failure).to_string(),
            NonSuccessKind::Failure,
        ));
    }
    if section.shows_nothing() {
        let share = format!(
            "{} of {} {} are inconclusive",
            section.undecided(),
            section.total(),
            section.unit
        );
        suite.add_test_case(failed("inconclusive", &share, String::new(), NonSuccessKind::Failure));
    } else if suite.test_cases.is_empty() {
        let name = format!("{} {}", section.total(), section.unit);
        suite.add_test_case(TestCase::new(name, TestCaseStatus::success()));
    }
    suite
}
