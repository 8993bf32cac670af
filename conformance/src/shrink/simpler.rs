//! Simpler forms of the parts of a trace, the simplest first.

use crate::trace::{
    Answer, Channel, Data, Field, Op, ReadStep, Segment, Shutdown, Trace, World, WriteStep,
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
        numbers(data.len()).into_iter().map(|len| data.clone().truncated(len)).collect();
    let len = data.len();
    for plain in [Segment::Counting(len), Segment::Repeat { byte: 0, len }] {
        let plain = Data(vec![plain]);
        if plainness(&plain) < plainness(data) {
            simpler.push(plain);
        }
    }
    simpler
}

/// Simpler forms of one operation; the same function, on the same streams.
pub(super) fn op(op: &Op) -> Vec<Op> {
    let mut simpler = Vec::new();
    for number in 0..op.clone().simple_fields().len() {
        // As many as the field has simpler values: each is set in a copy of its own.
        for choice in 0.. {
            let mut op = op.clone();
            let set = op.simple_fields().into_iter().nth(number).is_some_and(|f| set(f, choice));
            if !set {
                break;
            }
            simpler.push(op);
        }
    }
    simpler
}

/// Sets a field to the simpler value of that number; false where there are no more.
fn set(field: Field<'_>, choice: usize) -> bool {
    fn put<T>(place: &mut T, simpler: Vec<T>, choice: usize) -> bool {
        let chosen = simpler.into_iter().nth(choice);
        chosen.map(|value| *place = value).is_some()
    }
    match field {
        Field::Size(size) => put(size, numbers(*size), choice),
        Field::Signed(number) => put(number, signed(*number), choice),
        Field::Word(word) => put(word, wide((*word).into()).into_iter().map(low).collect(), choice),
        Field::Long(long) => put(long, wide(*long), choice),
        Field::Flag(flag) => put(flag, if *flag { vec![false] } else { Vec::new() }, choice),
        Field::Bytes(data) => put(data, bytes(data), choice),
        Field::Text(text) => put(text, texts(text.as_deref()), choice),
        Field::Stream(stream) => {
            put(stream, if stream.is_some() { vec![None] } else { Vec::new() }, choice)
        }
    }
}

fn texts(text: Option<&str>) -> Vec<Option<String>> {
    match text {
        None => Vec::new(),
        Some(text) if text.len() > 1 => vec![None, Some("x".to_owned())],
        Some(_) => vec![None],
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
