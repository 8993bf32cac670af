//! Taking things out of a trace without changing what the rest refers to.

use crate::observation::Value;
use crate::preflight::Preflight;
use crate::trace::{Op, Trace};

/// The stream that each operation makes.
fn made(trace: &Trace) -> Vec<Option<usize>> {
    let preflight = Preflight::of(trace);
    let mut made: Vec<Option<usize>> = preflight
        .steps
        .iter()
        .map(|step| match step.value {
            Value::Stream(stream) => Some(stream),
            _ => None,
        })
        .collect();
    made.resize(trace.ops.len(), None);
    made
}

/// The trace without the operations `from..to`: with a stream that is no longer made go the
/// operations on it, and the numbers of later streams move down.
#[must_use]
pub(super) fn without_ops(trace: &Trace, from: usize, to: usize) -> Trace {
    let made = made(trace);
    let streams = made.iter().flatten().max().map_or(0, |last| last + 1);
    let mut gone = vec![false; streams];
    let mut kept: Vec<(usize, &Op)> = Vec::new();
    for (step, op) in trace.ops.iter().enumerate() {
        let lost = op.streams().into_iter().flatten().any(|stream| gone.get(stream) == Some(&true));
        if lost || (from..to).contains(&step) {
            if let Some(stream) = made.get(step).copied().flatten() {
                gone[stream] = true;
            }
        } else {
            kept.push((step, op));
        }
    }
    let lower = |stream: usize| stream - gone.iter().take(stream).filter(|gone| **gone).count();
    let ops = kept
        .into_iter()
        .map(|(_, op)| {
            let mut op = op.clone();
            for stream in op.streams_mut().into_iter().flatten() {
                *stream = lower(*stream);
            }
            op
        })
        .collect();
    Trace { ops, ..trace.clone() }
}

/// One of the lists of a world that operations refer to by index.
#[derive(Clone, Copy)]
pub(super) enum List {
    Channels,
    Sinks,
    Compressors,
}

impl List {
    pub(super) const ALL: [Self; 3] = [Self::Channels, Self::Sinks, Self::Compressors];

    pub(super) fn len(self, trace: &Trace) -> usize {
        match self {
            Self::Channels => trace.world.channels.len(),
            Self::Sinks => trace.world.sinks.len(),
            Self::Compressors => trace.world.compressors.len(),
        }
    }

    fn index_in(self, op: &mut Op) -> Option<&mut usize> {
        match (self, op) {
            (Self::Channels, Op::NewInput { channel } | Op::NewOutput { channel }) => Some(channel),
            (Self::Sinks, Op::GetToFd { sink, .. }) => Some(sink),
            (Self::Compressors, Op::PutCompressionData { compressor, .. }) => Some(compressor),
            _ => None,
        }
    }

    /// The trace without element `at` of the list; `None` where an operation refers to it.
    pub(super) fn without(self, trace: &Trace, at: usize) -> Option<Trace> {
        let mut trace = trace.clone();
        for op in &mut trace.ops {
            match self.index_in(op) {
                Some(index) if *index == at => return None,
                Some(index) if *index > at => *index -= 1,
                _ => {}
            }
        }
        match self {
            Self::Channels => drop(trace.world.channels.remove(at)),
            Self::Sinks => drop(trace.world.sinks.remove(at)),
            Self::Compressors => drop(trace.world.compressors.remove(at)),
        }
        Some(trace)
    }
}
