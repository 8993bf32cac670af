//! The writer against a model that is plainly simpler: a list of address ranges, one byte after
//! the other, and a flush that sends it.

mod model;
use std::sync::Arc;

use self::model::{Model, SHARED, World};
use crate::support::{Event, ScriptedChannel, Step, channel, pattern};
use bytes::Bytes;
use proptest::prelude::*;
use qemufile_core::{Cause, Config, GuestMemory, Quirks, Stream, Writer, compat};

const GUEST: usize = 4 * 4096;
const SHARED_LEN: usize = 4096;

#[derive(Clone, Debug)]
enum Op {
    Byte(u8),
    Be16(u16),
    Be32(u32),
    Be64(u64),
    Buffer(usize),
    Counted(usize),
    Guest {
        offset: usize,
        len: usize,
        may_free: bool,
    },
    Shared {
        offset: usize,
        len: usize,
    },
    ChangeGuest {
        offset: usize,
        len: usize,
        value: u8,
    },
    Flush,
    SetError,
    /// Moves the second stream to the end of the first.
    PutStream,
    /// One of those above, on the second stream.
    Second(Box<Self>),
}

struct Pair {
    channel: Arc<ScriptedChannel>,
    writer: Writer,
    config: Config,
}

impl Pair {
    fn new(quirks: Quirks, max_pieces: usize, script: &[Step]) -> Self {
        let channel = channel([]).writes(script.iter().copied()).shared();
        let mut config = channel.config(quirks);
        config.max_pieces = max_pieces;
        Self { writer: Writer::with_config(channel.clone(), &config), channel, config }
    }
}

struct Real {
    guest: GuestMemory,
    shared: Bytes,
}

fn apply(writer: &mut Writer, real: &Real, op: &Op) -> bool {
    match *op {
        Op::Byte(value) => writer.put_byte(value).is_ok(),
        Op::Be16(value) => writer.put_be16(value).is_ok(),
        Op::Be32(value) => writer.put_be32(value).is_ok(),
        Op::Be64(value) => writer.put_be64(value).is_ok(),
        Op::Buffer(len) => writer.put_buffer(&pattern(len)).is_ok(),
        Op::Counted(len) => writer.put_counted_string(&pattern(len)).is_ok(),
        Op::Guest { offset, len, may_free } => {
            writer.put_guest(&real.guest, offset..offset + len, may_free).is_ok()
        }
        Op::Shared { offset, len } => {
            writer.put_shared(real.shared.slice(offset..offset + len)).is_ok()
        }
        Op::Flush => writer.flush().is_ok(),
        Op::SetError => {
            compat::set_error(writer, -32);
            false
        }
        Op::ChangeGuest { .. } | Op::PutStream | Op::Second(_) => unreachable!("not of one stream"),
    }
}

fn apply_model(model: &mut Model, world: &World, op: &Op) -> bool {
    match *op {
        Op::Byte(value) => model.put(world, &[value]),
        Op::Be16(value) => model.put_each(world, &value.to_be_bytes()),
        Op::Be32(value) => model.put_each(world, &value.to_be_bytes()),
        Op::Be64(value) => model.put_each(world, &value.to_be_bytes()),
        Op::Buffer(len) => model.put(world, &pattern(len)),
        Op::Counted(len) => {
            model.put(world, &[u8::try_from(len).unwrap()]);
            model.put(world, &pattern(len));
        }
        Op::Guest { offset, len, may_free } => model.borrow(world, offset, len, may_free),
        Op::Shared { offset, len } => model.borrow(world, SHARED + offset, len, false),
        Op::Flush => model.flush(world),
        Op::SetError => model.failed = true,
        Op::ChangeGuest { .. } | Op::PutStream | Op::Second(_) => unreachable!("not of one stream"),
    }
    !model.failed
}

/// Places that touch, repeat and overlap, pages among them.
fn place(end: usize) -> impl Strategy<Value = (usize, usize)> {
    let grid = prop_oneof![4 => (0..16_usize).prop_map(|at| at * 4), 1 => 0..64_usize];
    prop_oneof![
        8 => (grid, prop_oneof![1 => Just(0_usize), 6 => Just(4), 2 => 1..9_usize]),
        1 => (0..4_usize).prop_map(|page| (page * 4096, 4096)),
    ]
    .prop_map(move |(offset, len)| (offset.min(end - 1), len.min(end - offset.min(end - 1))))
}

fn put() -> impl Strategy<Value = Op> {
    let len = prop_oneof![6 => 0..20_usize, 2 => 32_755..32_780_usize, 1 => 0..70_000_usize];
    prop_oneof![
        4 => any::<u8>().prop_map(Op::Byte),
        1 => any::<u16>().prop_map(Op::Be16),
        2 => any::<u32>().prop_map(Op::Be32),
        1 => any::<u64>().prop_map(Op::Be64),
        2 => len.prop_map(Op::Buffer),
        9 => (place(GUEST), any::<bool>()).prop_map(|((offset, len), may_free)| {
            Op::Guest { offset, len, may_free }
        }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => put(),
        1 => (0..=255_usize).prop_map(Op::Counted),
        3 => place(SHARED_LEN).prop_map(|(offset, len)| Op::Shared { offset, len: len.max(1) }),
        3 => (place(GUEST), any::<u8>()).prop_map(|((offset, len), value)| {
            Op::ChangeGuest { offset, len, value }
        }),
        2 => Just(Op::Flush),
        1 => prop_oneof![20 => Just(Op::Flush), 1 => Just(Op::SetError)],
        2 => Just(Op::PutStream),
        5 => put().prop_map(|op| Op::Second(Box::new(op))),
        1 => Just(Op::Second(Box::new(Op::Flush))),
    ]
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..40_usize).prop_map(Step::Move),
        2 => (1..70_000_usize).prop_map(Step::Move),
        2 => Just(Step::Block),
        1 => Just(Step::Interrupt),
        6 => Just(Step::Move(usize::MAX)),
        1 => Just(Step::Fail(32)),
    ];
    prop::collection::vec(step, 0..12)
}

/// What a failed write said it had not sent.
fn unsent(writer: &Writer) -> usize {
    match writer.error().as_ref().map(|error| error.cause().clone()) {
        Some(Cause::Channel { wanted, done, .. }) => wanted - done,
        _ => 0,
    }
}

fn agree(pair: &Pair, model: &mut Model, op: &Op) -> Result<(), TestCaseError> {
    let events = pair.channel.events();
    let expected = std::mem::take(&mut model.events);
    let lengths = |events: &[Event]| format!("{events:?}").chars().take(2000).collect::<String>();
    prop_assert!(
        events == expected,
        "{op:?}:\n  {}\nnot\n  {}",
        lengths(&events),
        lengths(&expected)
    );
    prop_assert_eq!(pair.writer.is_empty(), model.is_empty(), "emptiness after {:?}", op);
    prop_assert_eq!(pair.writer.error().is_some(), model.failed, "failure after {:?}", op);
    prop_assert_eq!(pair.config.transferred.get(), model.counted as u64, "count after {:?}", op);
    let queued = pair.writer.transferred() - pair.config.transferred.get();
    prop_assert_eq!(queued, model.queued() as u64, "queued after {:?}", op);
    prop_assert_eq!(unsent(&pair.writer), model.lost, "what the error says after {:?}", op);
    Ok(())
}

fn check(
    quirks: Quirks,
    max: usize,
    scripts: [&[Step]; 2],
    ops: &[Op],
) -> Result<(), TestCaseError> {
    let mut first = Pair::new(quirks, max, scripts[0]);
    let mut second = Pair::new(quirks, max, scripts[1]);
    let mut models = scripts.map(|script| Model::new(quirks, max, script));
    let [model, other] = &mut models;
    let mut world = World { guest: pattern(GUEST), shared: pattern(SHARED_LEN) };
    let real = Real {
        guest: GuestMemory::anonymous(GUEST).unwrap(),
        shared: Bytes::from(world.shared.clone()),
    };
    real.guest.write_at(0, &world.guest).unwrap();
    for op in ops {
        match op {
            Op::ChangeGuest { offset, len, value } => {
                world.guest[*offset..offset + len].fill(*value);
                real.guest.write_at(*offset, &vec![*value; *len]).unwrap();
            }
            Op::PutStream => {
                let moved = first.writer.put_stream(&mut second.writer).ok();
                prop_assert_eq!(moved, model.put_stream(&world, other));
            }
            Op::Second(op) => {
                let done = apply(&mut second.writer, &real, op);
                prop_assert_eq!(done, apply_model(other, &world, op), "{:?}", op);
            }
            op => {
                let done = apply(&mut first.writer, &real, op);
                prop_assert_eq!(done, apply_model(model, &world, op), "{:?}", op);
            }
        }
        agree(&first, model, op)?;
        agree(&second, other, op)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::support::cases(1200))]

    #[test]
    fn the_writer_is_the_model(
        faithful: bool,
        max_pieces in prop_oneof![Just(1_usize), Just(2), Just(3), Just(16), Just(64)],
        scripts in [script(), script()],
        ops in prop::collection::vec(op(), 1..150),
    ) {
        let quirks = if faithful { Quirks::FAITHFUL } else { Quirks::FIXED };
        check(quirks, max_pieces, [&scripts[0], &scripts[1]], &ops)?;
    }

    /// Each quirk by itself.
    #[test]
    fn one_quirk_does_not_lean_on_another(
        release_unsent: bool,
        lossy_put_stream: bool,
        script in script(),
        ops in prop::collection::vec(op(), 1..150),
    ) {
        let mut quirks = Quirks::FIXED;
        quirks.release_unsent = release_unsent;
        quirks.lossy_put_stream = lossy_put_stream;
        check(quirks, 64, [&script, &[]], &ops)?;
    }
}

#[test]
fn touching_slices_of_one_allocation_are_one_piece() {
    let mut pair = Pair::new(Quirks::FIXED, 64, &[]);
    let all = Bytes::from(pattern(100));
    for range in [0..10, 10..11, 11..50, 60..70, 70..100, 50..60] {
        pair.writer.put_shared(all.slice(range)).unwrap();
    }
    pair.writer.flush().unwrap();
    let expected = crate::support::wrote(&[&all[..50], &all[60..], &all[50..60]]);
    assert_eq!(pair.channel.events(), [expected]);
}

proptest! {
    #![proptest_config(crate::support::cases(256))]

    /// What was accepted is what the channel has and what an error, or a report, speaks of.
    #[test]
    fn nothing_is_dropped_in_silence(
        script in script(),
        lengths in prop::collection::vec((any::<bool>(), 0..9000_usize), 1..60),
    ) {
        let mut pair = Pair::new(Quirks::FIXED, 64, &script);
        let (mut accepted, mut bytes) = (0, Vec::new());
        let mut failed = false;
        for (shared, len) in lengths {
            let data = pattern(len);
            let before = pair.writer.transferred();
            let result = if shared {
                pair.writer.put_shared(data.clone())
            } else {
                pair.writer.put_buffer(&data)
            };
            bytes.extend_from_slice(&data);
            if result.is_err() {
                failed = true;
                break;
            }
            accepted += len;
            prop_assert_eq!(pair.writer.transferred() - before, len as u64);
        }
        if failed {
            // The put that failed may have been accepted in part, those before it in full.
            let told = pair.channel.written().len() + unsent(&pair.writer);
            prop_assert!((accepted..=bytes.len()).contains(&told));
            prop_assert!(pair.writer.is_empty());
            accepted = told;
        }
        let told = match pair.writer.close() {
            Ok(()) => 0,
            Err(error) => match error.stream.unwrap().cause() {
                Cause::Channel { wanted, done, .. } => wanted - done,
                other => panic!("{other:?}"),
            },
        };
        let written = pair.channel.written();
        prop_assert_eq!(written.len() + told, accepted);
        prop_assert_eq!(&written[..], &bytes[..written.len()]);
    }
}
