//! Simpler forms of the parts of a trace, the simplest first.

use crate::trace::{
    Answer, Channel, Data, Op, ReadStep, Segment, Shutdown, Trace, World, WriteStep,
};

/// Smaller numbers: 0, 1, 2, a half, less and less of a step down. Each of them is below `number`,
/// so that a sequence of them ends.
fn numbers(number: usize) -> Vec<usize> {
    let steps = [number / 2, number / 4, number / 16, number / 64, number / 256, 1];
    let mut smaller: Vec<usize> = [0, 1, 2]
        .into_iter()
        .chain(steps.into_iter().map(|step| number.saturating_sub(step)))
        .collect();
    smaller.retain(|candidate| *candidate < number);
    smaller.sort_unstable();
    smaller.dedup();
    smaller
}

fn signed(number: i32) -> Vec<i32> {
    let magnitude = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
    let smaller = numbers(magnitude).into_iter().filter_map(|smaller| i32::try_from(smaller).ok());
    smaller.map(|smaller| if number < 0 { -smaller } else { smaller }).collect()
}

fn wide(number: u64) -> Vec<u64> {
    usize::try_from(number).map_or_else(
        |_| vec![0, 1, number >> 32, number & 0xffff_ffff],
        |number| {
            numbers(number).into_iter().filter_map(|smaller| u64::try_from(smaller).ok()).collect()
        },
    )
}

/// How plain a segment is, to keep a sequence of replacements from going round.
fn plainness(data: &Data) -> usize {
    match data.0.as_slice() {
        [] => 0,
        [Segment::Counting(_)] => 1,
        [Segment::Repeat { byte: 0, .. }] => 2,
        [Segment::Repeat { .. }] => 3,
        [Segment::Bytes(_)] => 4,
        segments => 4 + segments.len(),
    }
}

/// Shorter bytes, then plainer ones of the same length.
fn bytes(data: &Data) -> Vec<Data> {
    let mut simpler: Vec<Data> =
        numbers(data.len()).into_iter().map(|len| front(data, len)).collect();
    let len = data.len();
    for plain in [Segment::Counting(len), Segment::Repeat { byte: 0, len }] {
        let plain = Data(vec![plain]);
        if plainness(&plain) < plainness(data) {
            simpler.push(plain);
        }
    }
    simpler
}

/// The first `len` bytes, in the form that they have.
fn front(data: &Data, mut len: usize) -> Data {
    let mut segments = Vec::new();
    for segment in &data.0 {
        if len == 0 {
            break;
        }
        let taken = len.min(segment.len());
        len -= taken;
        segments.push(match segment {
            Segment::Bytes(bytes) => Segment::Bytes(bytes[..taken].to_vec()),
            Segment::Counting(_) => Segment::Counting(taken),
            Segment::Repeat { byte, .. } => Segment::Repeat { byte: *byte, len: taken },
            Segment::Noise { seed, .. } => Segment::Noise { seed: *seed, len: taken },
        });
    }
    Data(segments)
}

fn all<T>(values: Vec<T>, form: impl Fn(T) -> Op) -> Vec<Op> {
    values.into_iter().map(form).collect()
}

/// Simpler forms of one operation; the same function, on the same streams.
pub(super) fn op(op: &Op) -> Vec<Op> {
    match op.clone() {
        Op::SetBlocking { stream, blocking: true } => {
            vec![Op::SetBlocking { stream, blocking: false }]
        }
        Op::SetError { stream, code } => all(signed(code), |code| Op::SetError { stream, code }),
        Op::SetErrorObj { stream, code, text } => {
            let mut simpler =
                all(signed(code), |code| Op::SetErrorObj { stream, code, text: text.clone() });
            if text.is_some() {
                simpler.push(Op::SetErrorObj { stream, code, text: None });
            }
            if text.is_some_and(|text| text.len() > 1) {
                simpler.push(Op::SetErrorObj { stream, code, text: Some("x".to_owned()) });
            }
            simpler
        }
        Op::GetErrorObjAny { first, second } => {
            let mut simpler = Vec::new();
            if first.is_some() {
                simpler.push(Op::GetErrorObjAny { first: None, second });
            }
            if second.is_some() {
                simpler.push(Op::GetErrorObjAny { first, second: None });
            }
            simpler
        }
        Op::PeekBuffer { stream, size, offset } => {
            let mut simpler = all(numbers(size), |size| Op::PeekBuffer { stream, size, offset });
            simpler.extend(all(numbers(offset), |offset| Op::PeekBuffer { stream, size, offset }));
            simpler
        }
        Op::GetBuffer { stream, size } => all(numbers(size), |size| Op::GetBuffer { stream, size }),
        Op::GetBufferInPlace { stream, size } => {
            all(numbers(size), |size| Op::GetBufferInPlace { stream, size })
        }
        Op::PeekByte { stream, offset } => {
            all(signed(offset), |offset| Op::PeekByte { stream, offset })
        }
        Op::Skip { stream, size } => all(signed(size), |size| Op::Skip { stream, size }),
        Op::GetToFd { stream, sink, size } => {
            all(numbers(size), |size| Op::GetToFd { stream, sink, size })
        }
        Op::PutBuffer { stream, data } => all(bytes(&data), |data| Op::PutBuffer { stream, data }),
        Op::PutBufferAsync { stream, offset, len, may_free } => {
            let mut simpler =
                all(numbers(len), |len| Op::PutBufferAsync { stream, offset, len, may_free });
            simpler.extend(all(numbers(offset), |offset| Op::PutBufferAsync {
                stream,
                offset,
                len,
                may_free,
            }));
            if may_free {
                simpler.push(Op::PutBufferAsync { stream, offset, len, may_free: false });
            }
            simpler
        }
        Op::PutByte { stream, value } => all(signed(value), |value| Op::PutByte { stream, value }),
        Op::PutBe16 { stream, value } => {
            all(wide(value.into()), |value| Op::PutBe16 { stream, value: low(value) })
        }
        Op::PutBe32 { stream, value } => {
            all(wide(value.into()), |value| Op::PutBe32 { stream, value: low(value) })
        }
        Op::PutBe64 { stream, value } => all(wide(value), |value| Op::PutBe64 { stream, value }),
        Op::PutCountedString { stream, text } => {
            all(bytes(&text), |text| Op::PutCountedString { stream, text })
        }
        Op::PutCompressionData { stream, compressor, data } => {
            all(bytes(&data), |data| Op::PutCompressionData { stream, compressor, data })
        }
        Op::ChangeArena { offset, data } => {
            let mut simpler = all(bytes(&data), |data| Op::ChangeArena { offset, data });
            simpler.extend(all(numbers(offset), |offset| Op::ChangeArena {
                offset,
                data: data.clone(),
            }));
            simpler
        }
        _ => Vec::new(),
    }
}

fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or(0)
}

/// Each trace that results from one list without one of its elements, or from the list cut off.
fn shorter<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
    let cut = numbers(list.len()).into_iter().map(|len| list[..len].to_vec());
    let without = (0..list.len().min(64)).map(|at| {
        let mut list = list.to_vec();
        list.remove(at);
        list
    });
    cut.chain(without).collect()
}

/// Simpler forms of the world, with everything that operations refer to still there.
pub(super) fn world(trace: &Trace) -> Vec<World> {
    let now = &trace.world;
    let mut simpler: Vec<World> = Vec::new();
    if now.coroutine {
        simpler.push(World { coroutine: false, ..now.clone() });
    }
    simpler.extend(bytes(&now.arena).into_iter().map(|arena| World { arena, ..now.clone() }));
    simpler.extend(
        shorter(&now.releases).into_iter().map(|releases| World { releases, ..now.clone() }),
    );
    for (at, script) in now.sinks.iter().enumerate() {
        for script in shorter(script) {
            let mut world = now.clone();
            world.sinks[at] = script;
            simpler.push(world);
        }
    }
    for (at, level) in now.compressors.iter().enumerate() {
        for level in numbers(usize::from(*level)) {
            let mut world = now.clone();
            world.compressors[at] = u8::try_from(level).unwrap_or(0);
            simpler.push(world);
        }
    }
    for (at, now_channel) in now.channels.iter().enumerate() {
        for channel in channel(now_channel) {
            let mut world = now.clone();
            world.channels[at] = channel;
            simpler.push(world);
        }
    }
    simpler
}

fn channel(now: &Channel) -> Vec<Channel> {
    let with = |change: &dyn Fn(&mut Channel)| {
        let mut channel = now.clone();
        change(&mut channel);
        channel
    };
    let mut simpler = vec![
        with(&|channel| channel.reads.clear()),
        with(&|channel| channel.writes.clear()),
        with(&|channel| channel.rest = None),
        with(&|channel| channel.shutdown = Shutdown::Works),
        with(&|channel| channel.close = Answer::Works),
        with(&|channel| channel.set_blocking = Answer::Works),
        with(&|channel| channel.blocking = false),
    ];
    simpler.extend(
        bytes(&now.input).into_iter().map(|input| with(&|channel| channel.input = input.clone())),
    );
    simpler.extend(
        shorter(&now.reads).into_iter().map(|reads| with(&|channel| channel.reads = reads.clone())),
    );
    simpler.extend(
        shorter(&now.writes)
            .into_iter()
            .map(|writes| with(&|channel| channel.writes = writes.clone())),
    );
    for (at, step) in now.reads.iter().enumerate() {
        if matches!(step, ReadStep::Fail(text) if text != "x") {
            simpler.push(with(&|channel| channel.reads[at] = ReadStep::Fail("x".to_owned())));
        }
    }
    for (at, step) in now.writes.iter().enumerate() {
        if matches!(step, WriteStep::Fail(text) if text != "x") {
            simpler.push(with(&|channel| channel.writes[at] = WriteStep::Fail("x".to_owned())));
        }
    }
    simpler.retain(|channel| channel != now);
    simpler
}
