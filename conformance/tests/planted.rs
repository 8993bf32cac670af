//! A defect that is planted is found: subjects that are wrong in one small way.
#![allow(clippy::unwrap_used, reason = "a test")]

use conformance::generate;
use conformance::observation::{Event, Observation, Value};
use conformance::run::{judge, surveyed};
use conformance::subject::{Subject, Unready, build};
use conformance::survey::Survey;
use conformance::trace::{Op, World};
use conformance::verdict::Verdict;

/// A change of an observation.
type Fault = fn(&Op, &mut Observation);

/// The model, with its observations changed.
struct Faulty {
    right: Box<dyn Subject>,
    fault: Fault,
}

impl Subject for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        self.right.begin(world)
    }

    fn step(&mut self, op: &Op) -> Observation {
        let mut observation = self.right.step(op);
        (self.fault)(op, &mut observation);
        observation
    }

    fn finish(&mut self) -> Vec<Event> {
        self.right.finish()
    }
}

/// How many of 300 cases find the fault.
fn found(fault: Fault) -> usize {
    let mut faulty = Faulty { right: build("model", &Default::default()).unwrap(), fault };
    (0..300)
        .filter(|case| {
            let trace = generate::trace(6, *case);
            let survey = Survey::of(&trace);
            matches!(judge(&mut faulty, &trace, &survey, &surveyed(&survey)), Verdict::Diverged(_))
        })
        .count()
}

#[test]
fn a_right_subject_is_not_accused() {
    assert_eq!(found(|_, _| {}), 0);
}

#[test]
fn a_fault_in_each_part_of_an_observation_is_found() {
    let faults: [(&str, Fault); 9] = [
        ("a byte", |_, seen| {
            if let Value::Number(value) = &mut seen.value {
                *value ^= 1;
            }
        }),
        ("bytes", |_, seen| {
            if let Value::Bytes(bytes) = &mut seen.value {
                *bytes = bytes
                    .whole()
                    .unwrap()
                    .iter()
                    .map(|byte| byte ^ 128)
                    .collect::<Vec<u8>>()
                    .into();
            }
        }),
        ("a code", |_, seen| {
            if let Value::Code(code) = &mut seen.value {
                *code = (*code).min(0);
            }
        }),
        ("an error text", |_, seen| {
            for state in &mut seen.states {
                state.text = state.text.take().map(|text| text + ".");
            }
        }),
        ("the count", |_, seen| {
            for state in &mut seen.states {
                state.transferred = state.transferred.map(|count| count.saturating_sub(1));
            }
        }),
        ("the order of events", |_, seen| seen.events.reverse()),
        ("a missing wait", |_, seen| {
            seen.events.retain(|event| !matches!(event, Event::Wait { .. }));
        }),
        ("a missing release", |_, seen| {
            seen.events.retain(|event| !matches!(event, Event::Release { .. }));
        }),
        ("joined pieces", |_, seen| {
            for event in &mut seen.events {
                if let Event::Write { lengths, .. } = event {
                    *lengths = vec![lengths.iter().sum()];
                }
            }
        }),
    ];
    for (what, fault) in faults {
        assert!(found(fault) > 0, "{what}: not found in 300 cases");
    }
}

#[test]
fn a_subject_that_refuses_what_is_defined_is_found() {
    assert!(found(|_, seen| seen.value = Value::Refused) > 290);
}

#[test]
fn a_refusal_stands_for_an_assertion_and_for_nothing_else() {
    fn refuse(_: &Op, seen: &mut Observation) {
        if matches!(seen.value, Value::Assertion { .. }) {
            seen.value = Value::Refused;
        }
    }
    assert_eq!(found(refuse), 0);
    assert!(
        found(|_, seen| {
            if let Value::Assertion { line } = &mut seen.value {
                *line += 1;
            }
        }) > 0
    );
}
