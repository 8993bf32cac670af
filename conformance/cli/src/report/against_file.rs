//! A divergence from the side of whoever changes the C: the file of `--reference` is what is judged,
//! and what QEMU 8.2.0 does is what is expected of it.

use conformance::compare::verdict::Divergence;
use conformance::isolate::Isolated;
use conformance::observation::{Event, Observation, Value};
use conformance::shrink::Difference;

use super::Step;

/// What a file is expected to do, and who says so.
const CONTRACT: &str = "QEMU 8.2.0";

/// Whether the oracle was a file, which may be the one that is wrong.
pub(super) fn is_about(divergence: &Divergence) -> bool {
    divergence.oracle == Isolated::NAME
}

/// The step with the contract as what is expected, and the file as what is there.
pub(super) fn turned(step: Step) -> Step {
    Step {
        oracle: format!("{CONTRACT} ({})", step.subject),
        expected: step.actual,
        subject: step.oracle,
        actual: step.expected,
        ..step
    }
}

/// What the file does otherwise, in a line.
pub(crate) fn sentence(divergence: &Divergence) -> String {
    let (file, contract) = (&divergence.expected, &divergence.actual);
    let kind = divergence.op.kind();
    let function = kind.function.map_or(kind.name, |(function, _)| function);
    if let Some(what) = defect(file) {
        return what;
    }
    if let Value::Broken(how) | Value::BrokenOnce(how) = &file.value {
        return format!("the file {how}, in {function}");
    }
    let counted = ACTIONS.iter().find_map(|(kind, does)| {
        let count = |seen: &Observation| seen.events.iter().filter(|event| kind(event)).count();
        let (more, less) = (count(file), count(contract));
        (more != less).then(|| {
            let word = if more > less { "more" } else { "less" };
            format!("the file {does} {} {word}", times(more.abs_diff(less)))
        })
    });
    match counted {
        Some(counted) => format!("{counted} than {CONTRACT} does, in {function}"),
        None => match Difference::between(contract, file) {
            Difference::Value(..) if is_short(&file.value) && is_short(&contract.value) => format!(
                "the file gives {:?}, and {CONTRACT} gives {:?}, in {function}",
                file.value, contract.value
            ),
            other => format!("the file differs from {CONTRACT} in {function}: {other}"),
        },
    }
}

/// What C did wrong beside its results.
fn defect(seen: &Observation) -> Option<String> {
    seen.events.iter().find_map(|event| match event {
        Event::Defect { what, .. } => Some(what.clone()),
        _ => None,
    })
}

/// Where in the file it did that: the function and the line.
pub(super) fn place(divergence: &Divergence) -> Option<(String, u32)> {
    divergence.expected.events.iter().find_map(|event| match event {
        Event::Defect { function, line, .. } if *line > 0 => Some((function.clone(), *line)),
        _ => None,
    })
}

/// Whether an event is of a kind.
type Is = fn(&Event) -> bool;

/// Actions to the outside, by what a file does.
const ACTIONS: [(Is, &str); 12] = [
    (|event| matches!(event, Event::Read { .. }), "reads"),
    (|event| matches!(event, Event::Write { .. }), "writes"),
    (|event| matches!(event, Event::SinkWrite { .. }), "writes to a descriptor"),
    (|event| matches!(event, Event::Wait { .. }), "waits"),
    (|event| matches!(event, Event::Shutdown { .. }), "shuts the channel down"),
    (|event| matches!(event, Event::Close { .. }), "closes the channel"),
    (|event| matches!(event, Event::SetBlocking { .. }), "sets the blocking mode"),
    (|event| matches!(event, Event::Release { .. }), "releases memory"),
    (|event| matches!(event, Event::Report { .. }), "reports an error"),
    (|event| matches!(event, Event::Referenced { .. }), "takes a reference to the channel"),
    (|event| matches!(event, Event::Unreferenced { .. }), "drops a reference to the channel"),
    (|event| matches!(event, Event::Closed), "traces a close"),
];

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// Whether a value can stand in a sentence.
fn is_short(value: &Value) -> bool {
    !matches!(value, Value::Bytes(_) | Value::Placed { .. } | Value::Text { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance::observation::Outcome;
    use conformance::trace::Op;

    fn between(file: Observation, contract: Observation) -> Divergence {
        let op = Op::GetByte { stream: 0 };
        Divergence::between(0, &op, (Isolated::NAME, &file), ("core", &contract)).unwrap()
    }

    #[test]
    fn the_file_is_what_is_judged() {
        let read = Event::Read { channel: 0, asked: 8, outcome: Outcome::Done(1) };
        let seen = |reads: usize, value| Observation {
            value,
            events: vec![read.clone(); reads],
            states: Vec::new(),
        };
        let more = between(seen(2, Value::Number(0)), seen(1, Value::Number(0)));
        assert_eq!(
            sentence(&more),
            "the file reads once more than QEMU 8.2.0 does, in qemu_get_byte"
        );
        let other = between(seen(1, Value::Number(7)), seen(1, Value::Number(0)));
        assert_eq!(
            sentence(&other),
            "the file gives Number(7), and QEMU 8.2.0 gives Number(0), in qemu_get_byte"
        );
        let step = turned(Step::plain(&other));
        assert_eq!((&step.expected[0][..], &step.actual[0][..]), ("= Number(0)", "= Number(7)"));
    }
}
