//! What the streams are to the rest of Rust: readers, writers, values to print and to send.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::sync::Arc;

use crate::support::{Event, Step, channel, pattern};
use qemufile_core::{
    AsyncReader, AsyncWriter, CommandChannel, Config, DescriptorChannel, Error, GuestMemory,
    IO_BUF_SIZE, MemoryChannel, NullChannel, Quirks, Reader, ShutdownHandle, Stream, StreamError,
    Writer,
};

fn reader(input: impl Into<Vec<u8>>) -> Reader {
    Reader::new(Arc::new(MemoryChannel::with_input(input)))
}

#[test]
fn read_stops_at_the_end_without_an_error() {
    let mut reader = reader(pattern(100_000));
    let mut all = Vec::new();
    assert_eq!(reader.read_to_end(&mut all).unwrap(), 100_000);
    assert!(all == pattern(100_000));
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0, "and again");
    assert!(reader.error().unwrap().is_end_of_stream(), "the stream knows");
}

#[test]
fn an_empty_read_does_nothing() {
    let scripted = channel([1]).shared();
    let mut reader = Reader::new(scripted.clone());
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    assert_eq!(scripted.events(), []);
}

#[test]
fn read_exact_over_the_end() {
    let mut reader = reader(*b"abc");
    let mut four = [0; 4];
    assert_eq!(reader.read_exact(&mut four).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn buf_read_refills_only_when_it_is_empty() {
    let scripted = channel(*b"one\ntwo\nthree").every_read(Step::Move(5)).shared();
    let mut reader = Reader::new(scripted.clone());
    assert_eq!(reader.fill_buf().unwrap(), b"one\nt");
    assert_eq!(reader.fill_buf().unwrap(), b"one\nt");
    let read = |given| Event::Read { asked: IO_BUF_SIZE, given: Ok(given) };
    assert_eq!(scripted.events(), [read(5)]);
    let mut line = Vec::new();
    assert_eq!(reader.read_until(b'\n', &mut line).unwrap(), 4);
    assert_eq!(reader.read_until(b'\n', &mut line).unwrap(), 4);
    assert_eq!(reader.read_until(b'\n', &mut line).unwrap(), 5, "up to the end");
    assert_eq!(reader.read_until(b'\n', &mut line).unwrap(), 0);
    assert_eq!(line, b"one\ntwo\nthree");
    reader.consume(usize::MAX);
    assert_eq!(reader.buffered(), b"");
}

#[test]
fn no_more_is_consumed_than_is_buffered() {
    let mut reader = Reader::new(channel(*b"abcdef").every_read(Step::Move(3)).shared());
    reader.fill_buf().unwrap();
    reader.consume(1);
    reader.consume(3);
    assert_eq!(reader.fill_buf().unwrap(), b"def");
}

#[test]
fn what_went_wrong_comes_through() {
    let mut reader = Reader::new(channel([1]).every_read(Step::Fail(104)).shared());
    let error = reader.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let stream = error.get_ref().unwrap().downcast_ref::<StreamError>().unwrap();
    assert_eq!(stream.errno(), -5);
    let mut writer = Writer::new(channel([]).every_write(Step::Fail(32)).shared());
    writer.write_all(b"abc").unwrap();
    assert_eq!(Write::flush(&mut writer).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(writer.write(b"d").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn copying_from_one_stream_to_another() {
    let channel = Arc::new(MemoryChannel::new());
    let mut writer = Writer::new(channel.clone());
    let mut reader = reader(pattern(200_000));
    assert_eq!(io::copy(&mut reader, &mut writer).unwrap(), 200_000);
    write!(writer, "{}", 42).unwrap();
    writer.close().unwrap();
    let written = channel.take_output();
    assert!(written[..200_000] == pattern(200_000) && written[200_000..] == *b"42");
}

#[test]
fn reading_as_a_trait_mixes_with_the_calls() {
    let mut reader = reader(*b"\0\x07text and more");
    assert_eq!(reader.get_be16().unwrap(), 7);
    let mut text = [0; 4];
    reader.by_ref().take(4).read_exact(&mut text).unwrap();
    assert_eq!((&text, reader.get_byte().unwrap()), (b"text", b' '));
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "and more");
}

#[test]
fn debug_tells_the_state() {
    let mut reader = reader(pattern(10));
    reader.get_byte().unwrap();
    let text = format!("{reader:?}");
    assert!(text.contains("Reader") && text.contains("buffered: 9"), "{text}");
    assert!(text.contains("MemoryChannel"), "{text}");
    let mut writer = Writer::new(Arc::new(NullChannel::new()));
    writer.put_be32(1).unwrap();
    let text = format!("{writer:?}");
    assert!(text.contains("queued: 4") && text.contains("NullChannel"), "{text}");
    writer.set_error(std::num::NonZeroI32::new(-5).unwrap(), Some("the reason"));
    assert!(
        format!("{writer:?} {:?}", writer.shutdown_handle()).matches("the reason").count() == 2
    );
    assert!(format!("{:?}", GuestMemory::anonymous(5).unwrap()).contains("len: 5"));
    let task = AsyncReader::new(Arc::new(NullChannel::new()));
    let text = format!("{task:?} {:?}", task.return_path());
    assert!(text.contains("AsyncReader") && text.contains("AsyncWriter"), "{text}");
}

#[test]
fn what_may_go_to_other_threads() {
    fn send<T: Send>() {}
    fn sync<T: Send + Sync>() {}
    fn shared<T: Send + Sync + Clone>() {}
    fn future<T: Send>(_: &T) {}
    send::<Reader>();
    send::<Writer>();
    send::<AsyncReader>();
    send::<AsyncWriter>();
    shared::<ShutdownHandle>();
    shared::<GuestMemory>();
    shared::<Config>();
    shared::<StreamError>();
    shared::<Error>();
    shared::<Quirks>();
    sync::<DescriptorChannel>();
    sync::<CommandChannel>();
    let mut task = AsyncReader::new(Arc::new(NullChannel::new()));
    future(&task.get_be64());
    let mut task = task.return_path();
    future(&task.put_shared(vec![1]));
    future(&task.flush());
}

#[cfg(feature = "zlib")]
#[test]
fn a_compressor_shows_its_level_and_may_be_sent() {
    fn shown(compressor: impl std::fmt::Debug + Send) -> String {
        format!("{compressor:?}")
    }
    let text = shown(qemufile_core::Compressor::new(7));
    assert!(text.contains("level: 7"), "{text}");
}

#[test]
fn a_null_channel_swallows_and_ends() {
    let channel = Arc::new(NullChannel::new());
    let mut writer = Writer::new(channel.clone());
    writer.put_buffer(&pattern(100_000)).unwrap();
    let mut reader = writer.return_path();
    assert!(reader.get_byte().unwrap_err().stream().unwrap().is_end_of_stream());
    assert_eq!(writer.transferred(), 100_000);
    writer.close().unwrap();
    let mut late = Writer::new(channel);
    late.put_byte(1).unwrap();
    assert!(late.flush().unwrap_err().to_string().contains("closed"));
}
