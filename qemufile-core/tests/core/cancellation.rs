//! Futures that are dropped half-way: what is torn by it makes the stream fail, the rest goes on.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::support::{ALL, ScriptedChannel, Step, channel, pattern};
use qemufile_core::compat::nonblocking;
use qemufile_core::{
    AsyncReader, AsyncWriter, Cause, GuestMemory, IO_BUF_SIZE, Quirks, Stream, StreamError,
};

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
    panic!("a future that never ends");
}

/// Polls so many times, and drops the future; whether it was done.
fn polled<F: Future>(times: usize, future: F) -> bool {
    let mut future = pin!(future);
    (0..times).any(|_| future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready())
}

fn assert_cancelled(error: Option<StreamError>) {
    let error = error.unwrap();
    assert!(matches!(error.cause(), Cause::Cancelled), "{error}");
    assert_eq!(error.to_string(), "a put or get was dropped half-way");
    assert_eq!((error.errno(), error.message()), (-5, None));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::BrokenPipe);
}

/// A reader whose channel gives `first` bytes, and then blocks once.
fn reader(first: usize) -> AsyncReader {
    let steps = [Step::Move(first), Step::Block];
    AsyncReader::new(channel(pattern(70_000)).reads(steps).pending(1).shared())
}

macro_rules! get {
    ($first:expr, |$reader:ident| $get:expr) => {{
        let mut $reader = reader($first);
        assert!(!polled(1, $get), "it waits");
        $reader
    }};
}

#[test]
fn a_get_that_has_taken_a_part_is_an_error_from_then_on() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    let mut into = [0; 4096];
    let mut text = [0; 256];
    let cancelled = [
        get!(3, |reader| reader.get_be64()),
        get!(1, |reader| reader.get_be16()),
        get!(100, |reader| async {
            reader.get_byte().await.unwrap();
            reader.get_to(&mut Vec::new(), 100).await
        }),
        get!(100, |reader| reader.get_to(&mut Vec::new(), 101)),
        get!(1, |reader| nonblocking::get_be32(&mut reader)),
    ];
    for mut reader in cancelled {
        assert_cancelled(reader.error());
        assert!(block_on(reader.get_be64()).is_err(), "it reads no garbage");
    }
    // A whole buffer is taken, and then another one is needed.
    let mut large = vec![0; IO_BUF_SIZE + 1];
    let whole = [
        get!(IO_BUF_SIZE, |reader| reader.get_buffer(&mut large)),
        get!(IO_BUF_SIZE, |reader| reader.get_buffer_in_place(&mut large)),
        get!(IO_BUF_SIZE, |reader| nonblocking::get_buffer(&mut reader, &mut large)),
    ];
    whole.iter().for_each(|reader| assert_cancelled(reader.error()));
    let region = GuestMemory::anonymous(IO_BUF_SIZE + 1).unwrap();
    let reader = get!(IO_BUF_SIZE, |reader| reader.get_guest(&region, 0..IO_BUF_SIZE + 1));
    assert_cancelled(reader.error());

    // Nothing is taken while all of it fits the buffer.
    let untouched = [
        get!(3, |reader| reader.get_buffer(&mut into)),
        get!(3, |reader| reader.get_buffer_in_place(&mut into)),
        get!(3, |reader| reader.get_guest(&memory, 0..4096)),
        get!(3, |reader| reader.peek_buffer(9, 0)),
    ];
    for mut reader in untouched {
        assert!(reader.error().is_none());
        assert_eq!(block_on(reader.get_be64()).unwrap().to_be_bytes(), pattern(8)[..]);
    }

    let strings = || {
        let steps = [Step::Move(3), Step::Block];
        let input = b"\x05hello".to_vec();
        AsyncReader::new(channel(input).reads(steps).pending(1).shared())
    };
    let mut reader = strings();
    assert!(!polled(1, reader.get_counted_string()));
    assert_cancelled(reader.error());
    let mut reader = strings();
    assert!(!polled(1, nonblocking::get_counted_string(&mut reader, &mut text)));
    assert_cancelled(reader.error());
    let mut reader = strings();
    assert_eq!(block_on(reader.get_counted_string()).unwrap(), b"hello");
    let mut reader = strings();
    assert_eq!(block_on(nonblocking::get_counted_string(&mut reader, &mut text)), 5);
    assert!(reader.error().is_none());
}

#[test]
fn a_get_that_waits_for_its_first_byte_can_be_dropped() {
    let mut reader = AsyncReader::new(
        channel(pattern(100)).reads([Step::Block, Step::Block]).pending(2).shared(),
    );
    assert!(!polled(1, reader.get_be64()));
    assert!(!polled(1, reader.get_to(&mut Vec::new(), 5)));
    assert!(reader.error().is_none());
    assert_eq!(block_on(reader.get_be64()).unwrap().to_be_bytes(), pattern(8)[..]);
}

/// A writer of so many queued bytes, whose channel blocks at its first write.
fn writer(queued: usize) -> (Arc<ScriptedChannel>, AsyncWriter) {
    let scripted = channel([]).writes([Step::Block]).every_write(ALL).pending(1).shared();
    let mut writer = AsyncWriter::with_config(scripted.clone(), &scripted.config(Quirks::FIXED));
    block_on(writer.put_buffer(&pattern(queued))).unwrap();
    (scripted, writer)
}

#[test]
fn a_put_that_has_queued_a_part_is_an_error_from_then_on() {
    let torn = |queued: usize, put: &dyn Fn(&mut AsyncWriter) -> bool| {
        let (_, mut writer) = writer(queued);
        assert!(!put(&mut writer), "it waits");
        assert_cancelled(writer.error());
        assert!(block_on(writer.put_byte(1)).is_err());
    };
    torn(IO_BUF_SIZE - 1, &|writer| polled(1, writer.put_be64(1)));
    torn(IO_BUF_SIZE - 7, &|writer| polled(1, writer.put_be64(1)));
    torn(10, &|writer| polled(1, writer.put_buffer(&pattern(100_000))));
    torn(IO_BUF_SIZE - 1, &|writer| polled(1, writer.put_counted_string(b"text")));
    torn(IO_BUF_SIZE - 3, &|writer| polled(1, writer.put_counted_string(b"text")));
}

#[test]
fn a_put_that_is_queued_whole_goes_on() {
    let whole = |queued: usize, put: &dyn Fn(&mut AsyncWriter) -> bool, more: usize| {
        let (scripted, mut writer) = writer(queued);
        assert!(!put(&mut writer), "it waits for the flush");
        assert!(writer.error().is_none());
        block_on(writer.close()).unwrap();
        assert_eq!(scripted.written().len(), queued + more);
    };
    whole(IO_BUF_SIZE - 8, &|writer| polled(1, writer.put_be64(1)), 8);
    whole(IO_BUF_SIZE - 1, &|writer| polled(1, writer.put_byte(1)), 1);
    whole(IO_BUF_SIZE - 9, &|writer| polled(1, writer.put_buffer(&[1; 9])), 9);
    whole(IO_BUF_SIZE - 1, &|writer| polled(1, writer.put_counted_string(b"")), 1);
    whole(10, &|writer| polled(1, writer.flush()), 0);
}

#[test]
fn a_put_that_has_queued_nothing_goes_on() {
    let (scripted, mut writer) = writer(10);
    assert!(!polled(1, writer.flush()));
    // The flush that was dropped comes first, and blocks no more: a put that waits for it is whole.
    block_on(writer.put_be64(1)).unwrap();
    assert!(writer.error().is_none());
    block_on(writer.close()).unwrap();
    assert_eq!(scripted.written().len(), 18);
}

#[test]
fn a_stream_that_is_half_moved_is_not_moved_again() {
    let (scripted, mut destination) = writer(IO_BUF_SIZE - 100);
    let mut source = AsyncWriter::new(channel([]).shared());
    block_on(source.put_buffer(&pattern(1000))).unwrap();
    assert!(!polled(1, destination.put_stream(&mut source)));
    assert_cancelled(destination.error());
    assert!(block_on(destination.put_stream(&mut source)).is_err());
    assert_eq!(scripted.written(), [], "nothing comes twice");
    block_on(source.close()).unwrap();
}
