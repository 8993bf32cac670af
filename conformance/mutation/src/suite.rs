//! The corpus, ready to be run against any number of mutants.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Mutant;
use conformance::compare::run::run;
use conformance::compare::verdict::{Verdict, compare};
use conformance::corpus::{self, InputError};
use conformance::isolate::{Isolated, ReferenceError, ReferenceFile};
use conformance::observation::Value;
use conformance::preflight::Preflight;
use conformance::shrink::Signature;
use conformance::subject::Subject;
use conformance::trace::{Op, Side, Trace};
use conformance::transcript::Transcript;

/// Time that a mutant may take for a trace; the original takes less than a hundredth of it.
pub const LIMIT: Duration = Duration::from_millis(500);

/// Time in which a mutant that seemed to hang, and then did not, has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Least number of mutants that compile: fewer would prove little.
pub const LEAST: usize = 400;

/// One trace of the corpus, and what the original does with it.
struct Prepared {
    name: String,
    trace: Trace,
    preflight: Preflight,
    oracle: Transcript,
}

/// The traces, the cheapest first.
pub struct Suite {
    traces: Vec<Prepared>,
}

/// How a mutant was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// File name of the trace.
    pub trace: String,
    /// Operation at which it showed.
    pub step: usize,
    /// What differed.
    pub difference: String,
    /// Traces that were run, this one included.
    pub tried: usize,
}

/// A mutant that was run, and how it was found.
pub type Tried<'a> = (&'a Mutant, Option<Kill>);

impl Suite {
    /// The traces at `paths`, carried out by the original. Those that cannot be read are in the
    /// second list.
    pub fn prepare(paths: &[PathBuf], original: &mut dyn Subject) -> (Self, Vec<InputError>) {
        let (mut traces, mut errors) = (Vec::new(), Vec::new());
        for path in paths {
            let trace = match corpus::load(path) {
                Ok(trace) => trace,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let preflight = Preflight::of(&trace);
            // What is undefined in the original has no oracle, and shows nothing.
            if let Ok(oracle) = run(original, &trace, &preflight) {
                traces.push(Prepared { name: name(path), trace, preflight, oracle });
            }
        }
        traces.sort_by_key(|prepared| cost(&prepared.trace));
        (Self { traces }, errors)
    }

    /// Number of traces.
    #[must_use]
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// The first trace on which a mutant differs from the original; `None` where it survives. Those
    /// that call the function that was changed come first.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] where the mutant's process cannot be had, which is nothing that a trace
    /// showed.
    pub fn kill(
        &self,
        mutant: &Mutant,
        file: &ReferenceFile,
    ) -> Result<Option<Kill>, ReferenceError> {
        let mut subject = Isolated::started(file.with_limit(LIMIT))?;
        let near =
            |prepared: &&Prepared| prepared.trace.ops.iter().any(|op| calls(op, &mutant.function));
        let (first, then): (Vec<&Prepared>, Vec<&Prepared>) = self.traces.iter().partition(near);
        for (tried, prepared) in (1..).zip(first.into_iter().chain(then)) {
            let Some((step, difference)) = differs(&mut subject, prepared, file) else { continue };
            return Ok(Some(Kill { trace: prepared.name.clone(), step, difference, tried }));
        }
        Ok(None)
    }
}

fn name(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What a trace costs, about: operations, and bytes that are moved.
fn cost(trace: &Trace) -> usize {
    let bytes: usize = trace.world.channels.iter().map(|channel| channel.input.len()).sum();
    let put: usize = trace
        .ops
        .iter()
        .map(|op| match op {
            Op::PutBuffer { data, .. } | Op::PutCompressionData { data, .. } => data.len(),
            _ => 0,
        })
        .sum();
    trace.ops.len() + (bytes + put) / 256
}

fn differs(
    subject: &mut Isolated,
    prepared: &Prepared,
    file: &ReferenceFile,
) -> Option<(usize, String)> {
    let Prepared { trace, preflight, oracle, .. } = prepared;
    let verdict = |subject: &mut Isolated| match run(subject, trace, preflight) {
        Ok(transcript) => compare(trace, oracle, &transcript),
        Err(reason) => Verdict::Inconclusive(reason),
    };
    let mut found = verdict(subject);
    if let Verdict::Diverged(divergence) = &found
        && matches!(divergence.actual.value, Value::BrokenOnce(_))
    {
        // A busy machine, or something that an earlier trace left: time, and a new process, decide.
        found = verdict(&mut Isolated::new(file.with_limit(PATIENCE)));
        *subject = Isolated::new(file.with_limit(LIMIT));
    }
    match found {
        Verdict::Diverged(divergence) => Some((divergence.step, Signature::of(&divergence).what())),
        Verdict::Agree | Verdict::Inconclusive(_) => None,
    }
}

/// Whether an operation calls a function of the original, itself or soon.
fn calls(op: &Op, function: &str) -> bool {
    match function {
        "qemu_file_new_impl" => op.kind().side == Side::Opens,
        "qemu_iovec_release_ram" | "add_to_iovec" => matches!(op, Op::PutBufferAsync { .. }),
        "add_buf_to_iovec" => {
            matches!(op, Op::PutBuffer { .. } | Op::PutByte { .. } | Op::PutBe32 { .. })
        }
        "qemu_fflush" => matches!(op, Op::Flush { .. } | Op::Close { .. }),
        "qemu_fill_buffer" => matches!(
            op,
            Op::GetBuffer { .. } | Op::PeekBuffer { .. } | Op::GetByte { .. } | Op::GetToFd { .. }
        ),
        "qemu_compress_data" => matches!(op, Op::PutCompressionData { .. }),
        function => op.kind().function.is_some_and(|(own, _)| own == function),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_the_function_that_it_calls() {
        let in_place = Op::GetBufferInPlace { stream: 0, size: 1 };
        assert!(calls(&in_place, "qemu_get_buffer_in_place"));
        assert!(calls(&Op::Close { stream: 0 }, "qemu_fclose"));
        assert!(calls(&Op::Close { stream: 0 }, "qemu_fflush"));
        assert!(calls(&Op::NewInput { channel: 0 }, "qemu_file_new_impl"));
        assert!(!calls(&Op::GetByte { stream: 0 }, "qemu_get_be16"));
    }
}
