//! What a check of a stream asks of a subject, as traces.

use std::cell::RefCell;
use std::rc::Rc;

use migration_stream::{Options, StreamFile};

use crate::model::Model;
use crate::observation::{Event, Observation};
use crate::subject::{Subject, Unready};
use crate::trace::{Op, Trace, World};

use super::check::check;
use super::report::StreamVerdict;

/// What a subject was asked: a world and operations for each begin.
type Asked = Vec<(World, Vec<Op>)>;

/// The model, which notes what it is asked.
struct Noting {
    model: Model,
    noted: Rc<RefCell<Asked>>,
}

impl Subject for Noting {
    fn name(&self) -> &'static str {
        self.model.name()
    }

    fn begin(&mut self, world: &World) -> Result<(), Unready> {
        self.noted.borrow_mut().push((world.clone(), Vec::new()));
        self.model.begin(world)
    }

    fn step(&mut self, op: &Op) -> Observation {
        if let Some((_, ops)) = self.noted.borrow_mut().last_mut() {
            ops.push(op.clone());
        }
        self.model.step(op)
    }

    fn finish(&mut self) -> Vec<Event> {
        self.model.finish()
    }
}

/// The runs of [`check`] on a stream: read as QEMU did or as it came, read whole, written again,
/// and the same of its return path. Reads of a fixed size are left out.
///
/// # Errors
///
/// Why the stream cannot be used, or that the model alone does not do what QEMU did.
pub fn traces(file: &StreamFile, options: &Options) -> Result<Vec<Trace>, String> {
    let noted = Rc::default();
    let noting = Noting { model: Model::faithful(), noted: Rc::clone(&noted) };
    let options = Options { chunks: Vec::new(), ..options.clone() };
    let report = check(file, &mut [Box::new(noting)], &options);
    match report.verdict {
        StreamVerdict::Diverged { reason, .. } | StreamVerdict::Unusable { reason } => {
            return Err(format!("{}: {reason}", file.path.display()));
        }
        StreamVerdict::Conforms
        | StreamVerdict::Undecided
        | StreamVerdict::Refused { .. }
        | StreamVerdict::Broken { .. } => {}
    }
    let noted = std::mem::take(&mut *noted.borrow_mut());
    Ok(report
        .runs
        .iter()
        .zip(noted)
        .map(|(run, (world, ops))| {
            Trace::new(&format!("stream {}", file.name), &format!("{}.", run.run), world, ops)
        })
        .collect())
}
