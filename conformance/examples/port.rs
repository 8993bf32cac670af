//! A port of one's own as a subject: a writer that knows two operations, before the model.
//!
//! A real port fills in `step` for all of [`Op`], the channel's scripts included:
//! [`ScriptedHost`] answers as the trace says, and notes what it was asked.

use conformance::compare::judge::{Fault, Judge, Oracle};
use conformance::observation::{Event, Observation, StreamState, Value};
use conformance::scripted_host::ScriptedHost;
use conformance::subject::{Subject, Unready};
use conformance::trace::{Channel, Op, Quirk, Trace, World};

/// The port under test: what it has written, and the outside that the trace describes.
#[derive(Default)]
struct Port {
    host: ScriptedHost,
    queued: u64,
}

impl Subject for Port {
    fn name(&self) -> &'static str {
        "my-port"
    }

    // This port fixes all of the original's defects but the first.
    fn quirks(&self) -> &[Quirk] {
        &[Quirk::StalePeek]
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        self.host.reset(world);
        self.queued = 0;
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Observation {
        let value = match op {
            Op::NewOutput { channel } => {
                self.host.reference(*channel);
                Value::Stream(0)
            }
            Op::PutByte { .. } => {
                self.queued += 1;
                Value::Nothing
            }
            // Whatever is missing is told, and never looks like agreement.
            other => return Observation::broken(format!("not there yet: {other}")),
        };
        let (transferred, empty) = (Some(self.queued), Some(self.queued == 0));
        let state = StreamState { stream: 0, error: 0, text: None, transferred, empty };
        Observation { value, events: self.host.take_events(), states: vec![state] }
    }

    fn finish(&mut self) -> Vec<Event> {
        self.host.take_events()
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = World { channels: vec![Channel::default()], ..World::default() };
    let ops = vec![
        Op::NewOutput { channel: 0 },
        Op::PutByte { stream: 0, value: 7 },
        Op::Flush { stream: 0 },
    ];
    let trace = Trace::new("example", "A byte is put and flushed.", world, ops);
    let judgement =
        Judge::unchecked(Oracle::Model, vec![Box::new(Port::default())]).judge(&trace, None);
    for fault in &judgement.faults {
        if let Fault::Diverged(divergence) = fault {
            println!("{divergence}");
        }
    }
    Ok(())
}
