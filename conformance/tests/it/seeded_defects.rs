//! A defect that is planted is found: subjects that are wrong in one small way.

use conformance::compare::stepper::first_divergence;
use conformance::generate;
use conformance::model::Model;
use conformance::observation::{Event, Observation, Value};
use conformance::registry::build;
use conformance::subject::{Core, Original, Subject, Unready};
use conformance::trace::{Op, Quirk, World};

/// A change of an observation.
type Fault = fn(&Op, &mut Observation);

/// A subject, with its observations changed.
struct Faulty {
    right: Box<dyn Subject>,
    fault: Fault,
}

impl Subject for Faulty {
    fn name(&self) -> &'static str {
        self.right.name()
    }

    fn quirks(&self) -> &[Quirk] {
        self.right.quirks()
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

/// Every subject that is compared with an oracle: the original too, with the model as its oracle.
fn subjects() -> Vec<&'static str> {
    let mut names = vec![Core::FAITHFUL, Core::DEFAULT, Model::FAITHFUL, Model::FIXED];
    names.extend(crate::common::original().map(|_| Original::NAME));
    names
}

/// How many of 300 cases find the fault in the subject of a name.
fn found_in(name: &str, fault: Fault) -> usize {
    let sources = crate::common::original().unwrap_or_default();
    let mut faulty = Faulty { right: build(name, &sources).unwrap(), fault };
    (0..300)
        .filter(|case| {
            let (trace, preflight) = generate::with_preflight(6, *case);
            let mut oracle = preflight.playback();
            first_divergence(&mut oracle, &mut faulty, &trace, &preflight).unwrap().is_some()
        })
        .count()
}

/// The same in the model.
fn found(fault: Fault) -> usize {
    found_in(Model::FAITHFUL, fault)
}

#[test]
fn a_right_subject_is_not_accused() {
    for name in subjects() {
        assert_eq!(found_in(name, |_, _| {}), 0, "{name}");
    }
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
        for name in subjects() {
            assert!(found_in(name, fault) > 0, "{what} in {name}: not found in 300 cases");
        }
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
