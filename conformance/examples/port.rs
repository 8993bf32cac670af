//! A port of one's own as a subject: a writer that knows two operations, judged by the model.
//!
//! A real port carries out all of [`Op`]. [`ScriptedHost`] is what it calls instead of a system: it
//! answers as the trace says, and notes what it was asked.

use conformance::compare::judge::{Judge, Oracle};
use conformance::observation::{Event, Observation, StreamState, Value};
use conformance::scripted_host::ScriptedHost;
use conformance::subject::{Subject, Unready};
use conformance::trace::{Channel, Op, Quirk, Trace, World};

#[derive(Default)]
struct Port {
    host: ScriptedHost,
    queued: u64,
}

impl Subject for Port {
    fn name(&self) -> &'static str {
        "my-port"
    }

    // The defects of the original that the port keeps: it fixes all but the first.
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
            // What is missing is told, and never looks like agreement.
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

pub(crate) fn main() {
    let world = World { channels: vec![Channel::default()], ..World::default() };
    let put = Op::PutByte { stream: 0, value: 7 };
    let ops = vec![Op::NewOutput { channel: 0 }, put, Op::Flush { stream: 0 }];
    let trace = Trace::new("example", "A byte is put and flushed.", world, ops);
    let mut judge = Judge::unchecked(Oracle::Model, vec![Box::new(Port::default())]);
    println!("{:#?}", judge.judge(&trace, None).faults);
}
