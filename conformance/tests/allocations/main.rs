//! What a differential case takes from the allocator: nothing for one more operation, once the first
//! cases have made room.
#![allow(clippy::unwrap_used, reason = "a test")]

use conformance::fuzz::{Case, Executor, Outcome};
use conformance::trace::{Channel, Data, Op, Segment, Trace, World};

fn alone(op: Op) -> Vec<Op> {
    vec![op]
}

/// What is repeated, by name: an operation, or two of which one needs the other.
fn repeated() -> Vec<(&'static str, Vec<Op>)> {
    let data = Data::from(Segment::Counting(300));
    vec![
        ("a byte", alone(Op::PutByte { stream: 0, value: 1 })),
        ("two bytes", alone(Op::PutBe16 { stream: 0, value: 1 })),
        ("four bytes", alone(Op::PutBe32 { stream: 0, value: 1 })),
        ("eight bytes", alone(Op::PutBe64 { stream: 0, value: 1 })),
        ("a buffer", alone(Op::PutBuffer { stream: 0, data: data.clone() })),
        ("a string", alone(Op::PutCountedString { stream: 0, text: Data::from(&b"pc.ram"[..]) })),
        (
            "a page by reference",
            alone(Op::PutBufferAsync { stream: 0, offset: 0, len: 4096, may_free: false }),
        ),
        (
            "a page that is released",
            vec![
                Op::PutBufferAsync { stream: 0, offset: 4096, len: 4096, may_free: true },
                Op::Flush { stream: 0 },
            ],
        ),
        ("a flush", vec![Op::PutByte { stream: 0, value: 1 }, Op::Flush { stream: 0 }]),
        ("what was transferred", alone(Op::Transferred { stream: 0 })),
        ("whether there is an error", alone(Op::GetError { stream: 0 })),
        ("reading a byte", alone(Op::GetByte { stream: 1 })),
        ("reading two bytes", alone(Op::GetBe16 { stream: 1 })),
        ("reading four bytes", alone(Op::GetBe32 { stream: 1 })),
        ("reading eight bytes", alone(Op::GetBe64 { stream: 1 })),
        ("reading a buffer", alone(Op::GetBuffer { stream: 1, size: 300 })),
        ("reading in place", alone(Op::GetBufferInPlace { stream: 1, size: 300 })),
        ("reading a string", alone(Op::GetCountedString { stream: 1 })),
        ("peeking a byte", alone(Op::PeekByte { stream: 1, offset: 1 })),
        (
            "peeking and skipping",
            vec![
                Op::PeekBuffer { stream: 1, size: 16, offset: 0 },
                Op::Skip { stream: 1, size: 16 },
            ],
        ),
    ]
}

/// A trace in which `ops` are repeated so many times.
fn trace(ops: &[Op], times: usize) -> Trace {
    let reading = Channel { input: Data::from(Segment::Counting(1 << 20)), ..Channel::default() };
    let world = World {
        arena: Data::from(Segment::Counting(8192)),
        channels: vec![Channel::default(), reading],
        ..World::default()
    };
    let mut all = vec![Op::NewOutput { channel: 0 }, Op::NewInput { channel: 1 }];
    all.extend((0..times).flat_map(|_| ops.iter().cloned()));
    Trace::new("test", "what one more operation allocates", world, all)
}

/// Allocations of a case on a executor that has run it before.
fn allocations(executor: &mut Executor, trace: &Trace) -> u64 {
    for _ in 0..2 {
        assert!(matches!(executor.run_case(Case(Ok(trace.clone()))), Outcome::Conforms { .. }));
    }
    let case = Case(Ok(trace.clone()));
    allocation_counter::measure(|| {
        executor.run_case(case);
    })
    .count_total
}

#[test]
fn one_more_operation_allocates_nothing() {
    if test_support::original().is_none() {
        return;
    }
    let mut executor = Executor::new("differential_duplex").unwrap();
    for (what, ops) in repeated() {
        let [few, many] = [100, 200].map(|times| allocations(&mut executor, &trace(&ops, times)));
        assert_eq!(few, many, "{what}: allocations of a case with it 100 and 200 times");
    }
}

/// What is counted is what is allocated: a text of an error is a new one each time.
#[test]
fn an_error_that_is_asked_for_allocates() {
    if test_support::original().is_none() {
        return;
    }
    let mut executor = Executor::new("differential_duplex").unwrap();
    let failed = Op::SetErrorObj { stream: 0, code: -5, text: Some("no room".to_owned()) };
    let asked = |times| {
        trace(&[&[failed.clone()][..], &vec![Op::GetErrorObj { stream: 0 }; times]].concat(), 1)
    };
    let [few, many] = [10, 20].map(|times| allocations(&mut executor, &asked(times)));
    assert!(few + 10 <= many, "{few} and {many}");
}
