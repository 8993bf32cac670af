//! Mutation and crossover of cases: by operations and by parts of the world, so that what comes
//! out is a case again, and near the one that went in.

use arbitrary::Unstructured;

use crate::generate::{self, Entropy, Seeded};
use crate::trace::{Data, Op, Segment, Trace};

use super::case::{self, Case, encode};
use super::target::About;

/// The engine's own mutation of plain bytes: it changes the first `len` bytes of a buffer, to at
/// most as many as the buffer has, and gives the new length. It knows what the program under test
/// compared its input with.
pub type Engine<'a> = &'a mut dyn FnMut(&mut [u8], usize) -> usize;

/// Most copies of one operation that are added at once: one more than a queue has places.
const BURST: usize = 65;

/// Operations above which a case is shortened as a rule: short ones run fast.
const LONG: usize = 16;

/// Most bytes by which the engine makes a case longer at once: it writes up to 128 that are all the
/// same, which are as many operations.
const GROWTH: usize = 16;

/// Most bytes of an input that are spelled out.
const SPELLED_OUT: usize = 48;

/// Mutates the case in the first `len` bytes of `buffer`, in place; gives the new length, which is
/// no more than the buffer has. Bytes that are no case become one.
pub fn mutate(about: About, buffer: &mut [u8], len: usize, seed: u32, engine: Engine<'_>) -> usize {
    let mut choices = Seeded::new(seed.into(), 0);
    let mut entropy = Entropy::new(&mut choices);
    let envelope = case::ENVELOPE;
    // What is of an older version goes on as one of the newest.
    let is_case = buffer.get(..len).is_some_and(|bytes| {
        case::envelope(bytes).is_ok_and(|(version, _)| version == case::VERSION)
    });
    // Most of the time plain bytes will do: nearly all of them are a case, and this is fast.
    if is_case && len > envelope && entropy.below(4) > 0 {
        let times = if entropy.one_in(2) { entropy.between(2, 8) } else { 1 };
        let most = buffer.len().min(len + GROWTH);
        return engine_often(&mut buffer[envelope..most], len - envelope, times, engine) + envelope;
    }
    let mut trace = match Case::of(&buffer[..len.min(buffer.len())]).0 {
        Ok(trace) if !trace.ops.is_empty() && !entropy.one_in(64) => trace,
        _ => return store(fresh(about, &mut entropy), buffer),
    };
    for _ in 0..=entropy.below(3) {
        change(about, &mut trace, &mut entropy, engine);
    }
    if trace.ops.len() > LONG && !entropy.one_in(4) {
        let start = entropy.below(trace.ops.len());
        let end = start + entropy.below(trace.ops.len() - start + 1);
        trace.ops.drain(start..end);
    }
    about.narrow(&mut trace);
    match store(trace, buffer) {
        0 => store(fresh(about, &mut entropy), buffer),
        len => len,
    }
}

/// Several of the engine's mutations at once: one of them costs far less than the run that follows,
/// and few write what was seen in a comparison.
fn engine_often(bytes: &mut [u8], len: usize, times: usize, engine: Engine<'_>) -> usize {
    (0..times).fold(len, |len, _| if len == 0 { 0 } else { engine(bytes, len).min(bytes.len()) })
}

/// Puts a case together from two others; gives its length, which is no more than `into` has.
pub fn cross(about: About, one: &[u8], other: &[u8], into: &mut [u8], seed: u32) -> usize {
    let mut choices = Seeded::new(seed.into(), 1);
    let mut entropy = Entropy::new(&mut choices);
    let (mut trace, other) = match (Case::of(one).0, Case::of(other).0) {
        (Ok(one), Ok(other)) => (one, other),
        (Ok(only), Err(_)) | (Err(_), Ok(only)) => (only.clone(), only),
        (Err(_), Err(_)) => return store(fresh(about, &mut entropy), into),
    };
    splice(&mut trace, &other, &mut entropy);
    about.narrow(&mut trace);
    match store(trace, into) {
        0 => store(fresh(about, &mut entropy), into),
        len => len,
    }
}

/// A generated trace, as a rule the beginning of one.
fn fresh(about: About, entropy: &mut Entropy<'_>) -> Trace {
    let profile = about.profile(entropy.below(64));
    let mut trace =
        generate::about(profile, &mut Seeded::new(entropy.word().into(), entropy.word().into()));
    if !entropy.one_in(4) {
        trace.ops.truncate(entropy.between(2, 12));
    }
    // Inputs that are described hold no bytes for the engine to change.
    if entropy.one_in(2) {
        spell_out(&mut trace, entropy, &mut |_, len| len);
    }
    trace
}

/// Writes the longest beginning of `trace` that there is room for; 0 where there is none for any.
fn store(mut trace: Trace, buffer: &mut [u8]) -> usize {
    loop {
        if let Ok(bytes) = encode(&trace)
            && let Some(room) = buffer.get_mut(..bytes.len())
        {
            room.copy_from_slice(&bytes);
            return bytes.len();
        }
        if trace.ops.is_empty() {
            // Not even the world fits.
            return 0;
        }
        trace.ops.truncate(trace.ops.len() / 2);
    }
}

fn change(about: About, trace: &mut Trace, entropy: &mut Entropy<'_>, engine: Engine<'_>) {
    let len = trace.ops.len();
    let at = entropy.below(len);
    match entropy.below(16) {
        0 | 1 if len > 1 => {
            let end = (at + 1 + entropy.below(4)).min(len);
            trace.ops.drain(at..end);
        }
        2 => repeat(trace, at, entropy),
        3 if len > 1 => {
            let to = entropy.below(len);
            trace.ops.swap(at, to);
        }
        4 => {
            let other = fresh(about, entropy);
            splice(trace, &other, entropy);
        }
        5 => {
            let mut other = fresh(about, entropy);
            std::mem::swap(&mut trace.world, &mut other.world);
            mend(trace);
        }
        6..=8 => world(trace, entropy, engine),
        9..=12 if about.reads() => spell_out(trace, entropy, engine),
        _ => op(trace, at, entropy, engine),
    }
}

/// Adds copies of an operation behind it.
fn repeat(trace: &mut Trace, at: usize, entropy: &mut Entropy<'_>) {
    let Some(op) = trace.ops.get(at).cloned() else { return };
    let count = if entropy.one_in(8) { BURST - entropy.below(4) } else { entropy.between(1, 2) };
    // Borrowed neighbours become one piece, so the copies are laid out with gaps.
    let copy = |number: usize| match &op {
        Op::PutBufferAsync { stream, offset, len, may_free } => Op::PutBufferAsync {
            stream: *stream,
            offset: offset + number * (len + 1),
            len: *len,
            may_free: *may_free,
        },
        other => other.clone(),
    };
    trace.ops.splice(at + 1..=at, (1..=count).map(copy));
    mend(trace);
}

/// Replaces a run of operations by one of `other`'s.
fn splice(trace: &mut Trace, other: &Trace, entropy: &mut Entropy<'_>) {
    let range = |len: usize, entropy: &mut Entropy<'_>| {
        let start = entropy.below(len + 1);
        start..start + entropy.below(len - start + 1).min(entropy.below(16))
    };
    let from = range(other.ops.len(), entropy);
    let mut to = range(trace.ops.len(), entropy);
    if entropy.one_in(2) {
        to.end = to.start;
    }
    trace.ops.splice(to, other.ops[from].iter().cloned());
    mend(trace);
}

/// Changes the bytes of one operation.
fn op(trace: &mut Trace, at: usize, entropy: &mut Entropy<'_>, engine: Engine<'_>) {
    let mut bytes = case::encode_op(trace, at);
    scramble(&mut bytes, entropy, engine);
    if let Some(changed) = case::decode_op(trace, at, &mut Unstructured::new(&bytes)) {
        if let Some(op) = trace.ops.get_mut(at) {
            *op = changed;
        }
        mend(trace);
    }
}

/// Changes the bytes of the world.
fn world(trace: &mut Trace, entropy: &mut Entropy<'_>, engine: Engine<'_>) {
    let mut bytes = case::encode_world(&trace.world);
    scramble(&mut bytes, entropy, engine);
    trace.world = case::decode_world(&mut Unstructured::new(&bytes));
    mend(trace);
}

/// Makes plain bytes of a channel's input, so that the engine can write into them what it saw in a
/// comparison; of plain bytes, others. Inputs that are described are shorter, so the engine's own
/// corpus has few that are spelled out: this is done often.
fn spell_out(trace: &mut Trace, entropy: &mut Entropy<'_>, engine: Engine<'_>) {
    let at = entropy.below(trace.world.channels.len());
    let Some(channel) = trace.world.channels.get_mut(at) else { return };
    let plain = matches!(&channel.input.0[..], [Segment::Bytes(_)]);
    let mut bytes = channel.input.clone().truncated(SPELLED_OUT).to_vec();
    if bytes.is_empty() {
        bytes.extend((0..8 + entropy.below(24)).map(|_| entropy.word().to_le_bytes()[0]));
    } else if plain {
        for _ in 0..entropy.between(1, 4) {
            by_engine(&mut bytes, engine);
        }
    }
    channel.input = Data::from(&bytes[..]);
}

fn scramble(bytes: &mut Vec<u8>, entropy: &mut Entropy<'_>, engine: Engine<'_>) {
    if entropy.one_in(2) && !bytes.is_empty() {
        let at = entropy.below(bytes.len());
        bytes[at] = entropy.word().to_le_bytes()[0];
        return;
    }
    by_engine(bytes, engine);
}

/// Lets the engine change bytes, and add some.
fn by_engine(bytes: &mut Vec<u8>, engine: Engine<'_>) {
    let len = bytes.len();
    bytes.resize(len + 16, 0);
    let len = engine(bytes, len).min(bytes.len());
    bytes.truncate(len);
}

/// Brings operations back into a world that has changed around them.
fn mend(trace: &mut Trace) {
    let bytes = case::encode_loosely(trace);
    if let Ok(fixed) = Case::of(&bytes).0 {
        trace.ops = fixed.ops;
        trace.world = fixed.world;
    }
}
