//! The asynchronous streams: the same calls as the blocking ones, and what happens to a future
//! that is dropped half-way.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::support::{ALL, Event, ScriptedChannel, Step, channel, pattern, wrote};
use bytes::Bytes;
use proptest::prelude::*;
use qemufile_core::compat::nonblocking;
use qemufile_core::{
    AsyncReader, AsyncWriter, Cause, GuestMemory, IO_BUF_SIZE, Operation, Quirks, Reader, Stream,
    Writer, compat,
};

/// Polls until the future is done; every wait here wakes its task itself.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..10_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
    panic!("a future that never ends");
}

/// Polls once, and drops the future; whether it was done.
fn poll_once<F: Future>(future: F) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[derive(Clone, Debug)]
enum Op {
    Get(usize),
    InPlace(usize),
    Peek(usize, usize),
    PeekByte(usize),
    Skip(usize),
    Integers,
    Text,
    PassOn(usize),
    Lossy,
    Put(usize),
    Shared(usize, usize),
    Guest(usize, bool),
    PutStream,
    Flush,
}

/// Applies a reading operation; the results as text, errors with all that is in them.
macro_rules! read {
    ($reader:expr, $op:expr, $compat:path $(, $await:tt)?) => {{
        use $compat as lossy;
        let reader = $reader;
        let mut into = vec![0; 80_000];
        match *$op {
            Op::Get(size) => {
                format!("{:?}", reader.get_buffer(&mut into[..size]) $(.$await)?) + &format!("{into:?}")
            }
            Op::InPlace(size) => {
                format!("{:?}", reader.get_buffer_in_place(&mut into[..size]) $(.$await)?)
            }
            Op::Peek(size, offset) => format!("{:?}", reader.peek_buffer(size, offset) $(.$await)?),
            Op::PeekByte(offset) => format!("{:?}", reader.peek_byte(offset) $(.$await)?),
            Op::Skip(size) => format!("{:?}", reader.skip(size)),
            Op::Integers => {
                let byte = reader.get_byte() $(.$await)?;
                let be16 = reader.get_be16() $(.$await)?;
                let be32 = reader.get_be32() $(.$await)?;
                format!("{byte:?} {be16:?} {be32:?} {:?}", reader.get_be64() $(.$await)?)
            }
            Op::Text => format!("{:?}", reader.get_counted_string() $(.$await)?),
            Op::PassOn(size) => {
                let mut sink = Vec::new();
                format!("{:?}", reader.get_to(&mut sink, size) $(.$await)?) + &format!("{sink:?}")
            }
            _ => {
                let byte = lossy::get_byte(reader) $(.$await)?;
                let be16 = lossy::get_be16(reader) $(.$await)?;
                let be32 = lossy::get_be32(reader) $(.$await)?;
                let be64 = lossy::get_be64(reader) $(.$await)?;
                let peeked = lossy::peek_byte(reader, 3) $(.$await)?;
                let buffer = lossy::peek_buffer(reader, 9, 2) $(.$await)?.map(<[u8]>::to_vec);
                let count = lossy::get_buffer(reader, &mut into[..20]) $(.$await)?;
                let mut text = [0; 256];
                let len = lossy::get_counted_string(reader, &mut text) $(.$await)?;
                let passed = lossy::get_to_fd(reader, &mut Vec::new(), 5) $(.$await)?;
                lossy::skip(reader, 2);
                let rest = lossy::get_buffer_in_place(reader, &mut into[..9]) $(.$await)?;
                format!("{byte} {be16} {be32} {be64} {peeked:?} {buffer:?} {count} {len} {text:?} {passed} {rest:?}")
            }
        }
    }};
}

/// Applies a writing operation.
macro_rules! write {
    ($writer:expr, $source:expr, $memory:expr, $op:expr $(, $await:tt)?) => {{
        let writer = $writer;
        match *$op {
            Op::Get(size) | Op::InPlace(size) | Op::Put(size) | Op::PassOn(size) => {
                format!("{:?}", writer.put_buffer(&pattern(size)) $(.$await)?)
            }
            Op::Shared(from, len) | Op::Peek(len, from) => {
                let bytes = Bytes::from(pattern(9000)).slice(from % 4000..).slice(..len % 5000);
                format!("{:?}", writer.put_shared(bytes) $(.$await)?)
            }
            Op::Guest(page, may_free) => {
                let range = page * 4096..(page + 1) * 4096;
                format!("{:?}", writer.put_guest($memory, range, may_free) $(.$await)?)
            }
            Op::PeekByte(value) | Op::Skip(value) => {
                let byte = u8::try_from(value % 256).unwrap();
                let first = $source.put_byte(byte) $(.$await)?;
                format!("{first:?} {:?}", $source.put_guest($memory, 0..2, true) $(.$await)?)
            }
            Op::Integers | Op::Lossy => {
                let byte = writer.put_byte(1) $(.$await)?;
                let be16 = writer.put_be16(2) $(.$await)?;
                let be32 = writer.put_be32(3) $(.$await)?;
                format!("{byte:?} {be16:?} {be32:?} {:?}", writer.put_be64(4) $(.$await)?)
            }
            Op::Text => format!("{:?}", writer.put_counted_string(b"text") $(.$await)?),
            Op::PutStream => format!("{:?}", writer.put_stream($source) $(.$await)?),
            Op::Flush => format!("{:?}", writer.flush() $(.$await)?),
        }
    }};
}

fn op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![0..30_usize, 32_760..32_775_usize, 0..70_000_usize];
    let offset = prop_oneof![0..30_usize, 0..40_000_usize];
    prop_oneof![
        size().prop_map(Op::Get),
        size().prop_map(Op::InPlace),
        (size(), offset.clone()).prop_map(|(size, offset)| Op::Peek(size, offset)),
        offset.prop_map(Op::PeekByte),
        size().prop_map(Op::Skip),
        Just(Op::Integers),
        Just(Op::Text),
        size().prop_map(Op::PassOn),
        Just(Op::Lossy),
        size().prop_map(Op::Put),
        (0..4000_usize, 0..5000_usize).prop_map(|(from, len)| Op::Shared(from, len)),
        (0..4_usize, any::<bool>()).prop_map(|(page, free)| Op::Guest(page, free)),
        Just(Op::PutStream),
        Just(Op::Flush),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..50_usize).prop_map(Step::Move),
        3 => (1..40_000_usize).prop_map(Step::Move),
        4 => Just(Step::Block),
        1 => Just(Step::Interrupt),
        2 => Just(ALL),
        1 => Just(Step::Fail(104)),
    ];
    prop::collection::vec(step, 0..20)
}

proptest! {
    #![proptest_config(crate::support::cases(200))]

    #[test]
    fn reading_is_the_same(
        steps in steps(), pending in 0..3_usize, len in 0..120_000_usize, faithful: bool,
        ops in prop::collection::vec(op(), 1..20),
    ) {
        let quirks = if faithful { Quirks::FAITHFUL } else { Quirks::FIXED };
        let open = || channel(pattern(len)).reads(steps.clone()).pending(pending).shared();
        let (waiting, yielding) = (open(), open());
        let mut reader = Reader::with_config(waiting.clone(), &waiting.config(quirks));
        let mut task = AsyncReader::with_config(yielding.clone(), &yielding.config(quirks));
        for op in &ops {
            let expected = read!(&mut reader, op, compat);
            let seen = block_on(async { read!(&mut task, op, nonblocking, await) });
            prop_assert!(seen == expected, "{op:?}");
            prop_assert_eq!(task.buffered(), reader.buffered());
            prop_assert_eq!(yielding.events(), waiting.events(), "{:?}", op);
        }
        prop_assert_eq!(format!("{:?}", task.close()), format!("{:?}", reader.close()));
    }

    #[test]
    fn writing_is_the_same(
        steps in steps(), pending in 0..3_usize, faithful: bool,
        ops in prop::collection::vec(op(), 1..40),
    ) {
        let quirks = if faithful { Quirks::FAITHFUL } else { Quirks::FIXED };
        let memory = GuestMemory::anonymous(4 * 4096).unwrap();
        let open = || channel([]).writes(steps.clone()).pending(pending).shared();
        let (waiting, yielding) = (open(), open());
        let mut writer = Writer::with_config(waiting.clone(), &waiting.config(quirks));
        let mut task = AsyncWriter::with_config(yielding.clone(), &yielding.config(quirks));
        let mut source = Writer::new(channel([]).shared());
        let mut from = AsyncWriter::new(channel([]).shared());
        for op in &ops {
            let expected = write!(&mut writer, &mut source, &memory, op);
            let seen = block_on(async { write!(&mut task, &mut from, &memory, op, await) });
            prop_assert_eq!(seen, expected, "{:?}", op);
            prop_assert_eq!(task.transferred(), writer.transferred());
            prop_assert_eq!(task.is_empty(), writer.is_empty());
            prop_assert!(yielding.events() == waiting.events(), "{op:?}");
        }
        let closed = block_on(task.close());
        prop_assert_eq!(format!("{closed:?}"), format!("{:?}", writer.close()));
        block_on(from.close()).ok();
    }
}

fn open(scripted: ScriptedChannel) -> (std::sync::Arc<ScriptedChannel>, AsyncWriter) {
    let scripted = scripted.pending(1).shared();
    let writer = AsyncWriter::with_config(scripted.clone(), &scripted.config(Quirks::FIXED));
    (scripted, writer)
}

/// A stream of 8 bytes whose flush was dropped after 3 of them.
fn half_flushed() -> (std::sync::Arc<ScriptedChannel>, AsyncWriter) {
    let (scripted, mut writer) = open(channel([]).writes([Step::Move(3), Step::Block]));
    block_on(writer.put_be64(0x0102_0304_0506_0708)).unwrap();
    assert!(!poll_once(writer.flush()));
    assert_eq!(scripted.written(), [1, 2, 3]);
    (scripted, writer)
}

const WHOLE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

#[test]
fn a_flush_that_was_dropped_is_taken_up() {
    let (scripted, mut writer) = half_flushed();
    assert_eq!(writer.transferred(), 8);
    block_on(writer.flush()).unwrap();
    assert_eq!((scripted.written(), writer.is_empty()), (WHOLE.to_vec(), true));
    assert_eq!(writer.transferred(), 8);
    scripted.events();
    block_on(writer.put_be16(0x090a)).unwrap();
    block_on(writer.flush()).unwrap();
    assert_eq!(scripted.events(), [wrote(&[&[9, 10]])]);
}

#[test]
fn a_put_takes_a_dropped_flush_up_first() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    for put in 0..4 {
        let (scripted, mut writer) = half_flushed();
        let more = [WHOLE.to_vec(), vec![0; 5]].concat();
        block_on(async {
            match put {
                0 => writer.put_buffer(&[0; 5]).await.unwrap(),
                1 => writer.put_shared(vec![0; 5]).await.unwrap(),
                2 => writer.put_guest(&memory, 0..5, false).await.unwrap(),
                _ => {
                    writer.put_byte(0).await.unwrap();
                    writer.put_be32(0).await.unwrap();
                }
            }
        });
        assert_eq!(scripted.written(), WHOLE);
        block_on(writer.close()).unwrap();
        assert_eq!(scripted.written(), more, "put {put}");
    }
}

#[test]
fn moving_a_stream_whose_flush_was_dropped() {
    for quirks in crate::support::SETTINGS {
        let (scripted, mut source) = half_flushed();
        let channel = channel([]).shared();
        let mut writer = AsyncWriter::with_config(channel.clone(), &channel.config(quirks));
        // What its own channel has begun to get, it gets to the end.
        let moved = block_on(writer.put_stream(&mut source)).unwrap();
        assert_eq!((moved, scripted.written()), (0, WHOLE.to_vec()));
        block_on(source.put_be16(0x090a)).unwrap();
        assert_eq!(block_on(writer.put_stream(&mut source)).unwrap(), 2);
        block_on(writer.close()).unwrap();
        assert_eq!(channel.written(), [9, 10]);
        block_on(source.put_byte(11)).unwrap();
        block_on(source.close()).unwrap();
        assert_eq!(scripted.written()[8..], [11]);
    }
}

#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
#[test]
fn compressing_into_a_stream_whose_flush_was_dropped() {
    for quirks in crate::support::SETTINGS {
        let scripted = channel([]).writes([Step::Move(3), Step::Block]).pending(1).shared();
        let mut writer = AsyncWriter::with_config(scripted.clone(), &scripted.config(quirks));
        block_on(writer.put_be64(0x0102_0304_0506_0708)).unwrap();
        assert!(!poll_once(writer.flush()));
        let mut compressor = qemufile_core::Compressor::new(0);
        let count = block_on(writer.put_compressed(&mut compressor, b"stored")).unwrap();
        block_on(writer.close()).unwrap();
        let written = scripted.written();
        assert_eq!(written[..8], WHOLE);
        assert_eq!(written.len(), 8 + count);
        assert_eq!(written[8..12], u32::try_from(count - 4).unwrap().to_be_bytes());
        // A zlib header, one stored block, and the checksum.
        assert_eq!(written[12 + 2 + 5..][..6], *b"stored");
    }
}

#[test]
fn a_dropped_stream_says_what_is_lost() {
    let (scripted, mut writer) = open(channel([]));
    block_on(writer.put_be64(1)).unwrap();
    drop(writer);
    let events = scripted.events();
    let [Event::Report(text)] = &events[..] else { panic!("{events:?}") };
    assert!(text.contains("8 bytes"), "{text}");

    let (scripted, writer) = half_flushed();
    scripted.events();
    drop(writer);
    let events = scripted.events();
    let [Event::Report(text)] = &events[..] else { panic!("{events:?}") };
    assert!(text.contains("5 bytes"), "three were written: {text}");

    let (scripted, mut writer) = open(channel([]).writes([Step::Block]));
    block_on(writer.put_be16(1)).unwrap();
    assert!(!poll_once(writer.close()), "a close whose future is dropped");
    assert!(matches!(&scripted.events()[2..], [Event::Report(_)] | []));
    assert_eq!(scripted.written(), []);
}

#[test]
fn a_dropped_peek_takes_nothing() {
    let scripted = channel(pattern(100)).reads([Step::Move(5), Step::Block]).pending(1).shared();
    let mut reader = AsyncReader::new(scripted.clone());
    assert!(!poll_once(reader.peek_buffer(50, 0)));
    assert_eq!(reader.buffered(), pattern(5));
    assert_eq!(block_on(reader.peek_buffer(50, 0)).unwrap(), pattern(50));
    let asked: Vec<Event> = scripted.events();
    assert_eq!(asked[2], Event::Read { asked: IO_BUF_SIZE - 5, given: Ok(95) });
}

#[test]
fn a_shutdown_reaches_an_asynchronous_stream() {
    let scripted = channel([]).every_read(Step::Block).shutdown(Ok(())).pending(1).shared();
    let mut reader = AsyncReader::new(scripted);
    assert!(!poll_once(reader.get_byte()));
    reader.shutdown_handle().shutdown().unwrap();
    assert!(block_on(reader.get_byte()).unwrap_err().stream().unwrap().is_shutdown());
    let mut back = reader.return_path();
    assert!(block_on(back.put_byte(1)).is_ok(), "its own error state");
    block_on(back.close()).unwrap();
}

#[test]
fn a_task_passes_bytes_on_to_a_descriptor() {
    let (mut source, sink) = std::io::pipe().unwrap();
    let mut reader = AsyncReader::new(channel(pattern(100)).shared());
    block_on(reader.get_to_fd(&sink, 90)).unwrap();
    drop(sink);
    let mut passed_on = Vec::new();
    std::io::Read::read_to_end(&mut source, &mut passed_on).unwrap();
    assert_eq!(passed_on, pattern(90));
    assert_eq!(reader.buffered(), &pattern(100)[90..]);
}

#[test]
fn a_wait_that_fails_is_an_error_of_the_stream() {
    let (_, mut writer) =
        open(channel([]).writes([Step::Move(1), Step::Block]).wait_error(9).pending(1));
    block_on(writer.put_be16(1)).unwrap();
    let error = block_on(writer.flush()).unwrap_err();
    let Cause::Channel { operation, done, error, .. } = error.cause() else { panic!("{error:?}") };
    assert_eq!((*operation, *done, error.raw_os_error()), (Operation::Wait, 1, Some(9)));
}
