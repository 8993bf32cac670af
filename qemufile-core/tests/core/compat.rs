//! The original's results, function by function, for both kinds of stream: what is there, padded
//! with zeros, as counts and negative errnos.

use std::future::Future;
use std::io;
use std::num::NonZeroI32;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::support::{self, Event, ScriptedChannel, Step, channel, pattern};
use qemufile_core::compat::{self, InPlace, nonblocking};
use qemufile_core::{
    AsyncReader, AsyncWriter, IO_BUF_SIZE, Misuse, Quirks, Reader, Stream, Writer,
};

/// The result of a future whose channel never lets it wait.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn reader(scripted: ScriptedChannel) -> Reader {
    support::reader(scripted, Quirks::FIXED)
}

fn writer(scripted: ScriptedChannel) -> Writer {
    support::writer(scripted, Quirks::FAITHFUL).1
}

fn task_reader(scripted: ScriptedChannel) -> AsyncReader {
    let config = scripted.config(Quirks::FIXED);
    AsyncReader::with_config(scripted.shared(), &config)
}

fn task_writer(scripted: ScriptedChannel) -> AsyncWriter {
    let config = scripted.config(Quirks::FAITHFUL);
    AsyncWriter::with_config(scripted.shared(), &config)
}

/// Fails every write, and the close with another errno.
fn broken() -> ScriptedChannel {
    channel([]).every_write(Step::Fail(28)).close_error(5)
}

struct Sink(Result<usize, i32>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0 {
            Ok(extra) => Ok(bytes.len() + extra),
            Err(errno) => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn values_are_padded_with_zeros_where_the_stream_ends() {
    let mut source = reader(channel([1, 2, 3]));
    assert_eq!(compat::get_byte(&mut source), 1);
    assert_eq!(compat::peek_byte(&mut source, 1), Ok(3));
    assert_eq!(compat::get_be32(&mut source), 0x0203_0000);
    assert_eq!(compat::get_byte(&mut source), 0);
    assert_eq!(compat::peek_byte(&mut source, 0), Ok(0));
    assert_eq!(compat::get_be16(&mut reader(channel([4]))), 0x0400);
    assert_eq!(compat::get_be16(&mut reader(channel([4, 5]))), 0x0405);
    assert_eq!(compat::get_be64(&mut reader(channel([6, 7]))), 0x0607_0000_0000_0000);

    let mut source = task_reader(channel([1, 2, 3]));
    assert_eq!(ready(nonblocking::get_byte(&mut source)), 1);
    assert_eq!(ready(nonblocking::peek_byte(&mut source, 1)), Ok(3));
    assert_eq!(ready(nonblocking::get_be32(&mut source)), 0x0203_0000);
    assert_eq!(ready(nonblocking::peek_byte(&mut source, 0)), Ok(0));
    assert_eq!(ready(nonblocking::get_be16(&mut task_reader(channel([4])))), 0x0400);
    let short = ready(nonblocking::get_be64(&mut task_reader(channel([6, 7]))));
    assert_eq!(short, 0x0607_0000_0000_0000);
}

#[test]
fn a_peek_gives_what_is_there_and_refuses_what_cannot_be() {
    let too_far = Err(Misuse::PeekOutOfRange { size: 1, offset: IO_BUF_SIZE });
    let mut source = reader(channel(*b"abcd"));
    assert_eq!(compat::peek_byte(&mut source, 3), Ok(b'd'), "it refills once");
    assert_eq!(compat::peek_buffer(&mut source, 2, 1), Ok(&b"bc"[..]));
    assert_eq!(compat::peek_buffer(&mut source, 9, 1), Ok(&b"bcd"[..]));
    assert_eq!(compat::peek_buffer(&mut source, 1, IO_BUF_SIZE), too_far);
    assert_eq!(compat::peek_byte(&mut source, IO_BUF_SIZE), too_far.map(|_| 0));
    compat::skip(&mut source, 3);
    assert_eq!(source.buffered(), b"d");
    compat::skip(&mut source, 2);
    assert_eq!(source.buffered(), b"d", "a skip too far does nothing");

    let mut source = task_reader(channel(*b"abcd"));
    assert_eq!(ready(nonblocking::peek_byte(&mut source, 3)), Ok(b'd'));
    assert_eq!(ready(nonblocking::peek_buffer(&mut source, 2, 1)), Ok(&b"bc"[..]));
    assert_eq!(ready(nonblocking::peek_buffer(&mut source, 1, IO_BUF_SIZE)), too_far);
    assert_eq!(ready(nonblocking::peek_byte(&mut source, IO_BUF_SIZE)), too_far.map(|_| 0));
    nonblocking::skip(&mut source, 3);
    assert_eq!(source.buffered(), b"d");
    nonblocking::skip(&mut source, 2);
    assert_eq!(source.buffered(), b"d");
}

#[test]
fn buffers_say_how_much_came_and_where_it_is() {
    let mut into = [9; 4];
    assert_eq!(compat::get_buffer(&mut reader(channel(*b"abc")), &mut into), 3);
    assert_eq!(&into, b"abc\x09");
    let mut source = reader(channel(*b"abc"));
    assert_eq!(compat::get_buffer_in_place(&mut source, &mut []), InPlace::Null);
    assert_eq!(compat::get_buffer_in_place(&mut source, &mut [0; 2]), InPlace::Buffer(b"ab"));
    assert_eq!(compat::get_buffer_in_place(&mut source, &mut []), InPlace::Buffer(b""));
    assert_eq!(compat::get_buffer_in_place(&mut source, &mut [0; 2]), InPlace::Copied(b"c"));

    let mut into = [9; 4];
    let came = ready(nonblocking::get_buffer(&mut task_reader(channel(*b"abc")), &mut into));
    assert_eq!((came, &into), (3, b"abc\x09"));
    let mut source = task_reader(channel(*b"abc"));
    let mut into = [0; 2];
    let place = ready(nonblocking::get_buffer_in_place(&mut source, &mut into));
    assert_eq!(place, InPlace::Buffer(b"ab"));
    let place = ready(nonblocking::get_buffer_in_place(&mut source, &mut into));
    assert_eq!(place, InPlace::Copied(b"c"));
}

#[test]
fn a_string_that_is_cut_short_counts_as_none() {
    let mut into = [9; 256];
    assert_eq!(compat::get_counted_string(&mut reader(channel(*b"\x02hey")), &mut into), 2);
    assert_eq!(&into[..4], b"he\0\x09");
    assert_eq!(compat::get_counted_string(&mut reader(channel(*b"\x05hey")), &mut into), 0);
    assert_eq!(&into[..5], b"hey\0\x09");
    assert_eq!(compat::get_counted_string(&mut reader(channel([])), &mut into), 0);
    assert_eq!(into[0], 0);

    let mut source = task_reader(channel(*b"\x02hey"));
    let mut into = [9; 256];
    assert_eq!(ready(nonblocking::get_counted_string(&mut source, &mut into)), 2);
    assert_eq!(&into[..4], b"he\0\x09");
}

#[test]
fn passing_on_says_whose_fault_it_was() {
    let source = || reader(channel(pattern(10)));
    let mut sink = Vec::new();
    assert_eq!(compat::get_to_fd(&mut source(), &mut sink, 4), 0);
    assert_eq!(sink, pattern(4));
    assert_eq!(compat::get_to_fd(&mut source(), &mut sink, 11), -5);
    assert_eq!(compat::get_to_fd(&mut source(), &mut Sink(Err(28)), 4), -28);
    assert_eq!(compat::get_to_fd(&mut source(), &mut Sink(Ok(1)), 4), -5, "one too many");

    let source = || task_reader(channel(pattern(10)));
    let mut sink = Vec::new();
    assert_eq!(ready(nonblocking::get_to_fd(&mut source(), &mut sink, 4)), 0);
    assert_eq!(sink, pattern(4));
    assert_eq!(ready(nonblocking::get_to_fd(&mut source(), &mut sink, 11)), -5);
    assert_eq!(ready(nonblocking::get_to_fd(&mut source(), &mut Sink(Err(28)), 4)), -28);
}

#[test]
fn a_sink_that_claims_too_much_is_an_error() {
    let error = reader(channel(pattern(10))).get_to(&mut Sink(Ok(3)), 4).unwrap_err();
    assert!(error.to_string().contains("claims 7 bytes where 4 were offered"), "{error}");
}

#[test]
fn flushes_and_closes_give_the_first_code() {
    let mut stream = writer(broken());
    assert_eq!(compat::fflush(&mut stream), 0, "nothing to write");
    stream.put_byte(1).unwrap();
    assert_eq!(compat::fflush(&mut stream), -5);
    assert_eq!(compat::get_error(&stream), -5);
    assert_eq!(compat::close_writer(stream), -5);
    assert_eq!(compat::close_writer(writer(broken())), -1, "the channel's own errno is lost");
    assert_eq!(compat::close_writer(writer(channel([]))), 0);
    assert_eq!(compat::close_reader(reader(broken())), -1);
    assert_eq!(compat::close_reader(reader(channel([]))), 0);

    let mut stream = task_writer(broken());
    assert_eq!(ready(nonblocking::fflush(&mut stream)), 0);
    ready(stream.put_byte(1)).unwrap();
    assert_eq!(ready(nonblocking::fflush(&mut stream)), -5);
    assert_eq!(ready(nonblocking::close_writer(stream)), -5);
    assert_eq!(ready(nonblocking::close_writer(task_writer(broken()))), -1);
    assert_eq!(ready(nonblocking::close_writer(task_writer(channel([])))), 0);
    assert_eq!(nonblocking::close_reader(task_reader(broken())), -1);
    assert_eq!(nonblocking::close_reader(task_reader(channel([]))), 0);
}

#[test]
fn errors_with_and_without_a_text() {
    let (fresh, bare, told) = (reader(channel([])), reader(channel([])), reader(channel([])));
    assert_eq!(compat::get_error_obj(&fresh), (0, None));
    compat::set_error(&bare, -13);
    let text = Some("Channel error: Permission denied".to_owned());
    assert_eq!(compat::get_error_obj(&bare), (-13, text.clone()));
    compat::set_error_obj(&told, -22, Some("because"));
    let because = Some("because".to_owned());
    assert_eq!(compat::get_error_obj(&told), (-22, because.clone()));
    assert_eq!(compat::get_error_obj_any(Some(&fresh), Some(&bare)), (-13, text));
    assert_eq!(compat::get_error_obj_any(Some(&told), Some(&bare)), (-22, because));
    assert_eq!(compat::get_error_obj_any(Some(&fresh), None), (0, None));
    assert_eq!(compat::get_error_obj_any(None, None), (0, None));
}

#[test]
fn an_error_of_zero_is_only_reported() {
    let scripted = channel([]).shared();
    let stream = Reader::with_config(scripted.clone(), &scripted.config(Quirks::FAITHFUL));
    compat::set_error(&stream, 0);
    assert_eq!(scripted.events(), []);
    compat::set_error_obj(&stream, 0, Some("nothing"));
    assert_eq!(scripted.events(), [Event::Report("nothing".to_owned())]);
    assert_eq!(compat::get_error(&stream), 0);
}

#[test]
fn shutting_down_has_three_results() {
    assert_eq!(compat::shutdown(&reader(channel([]))), -38);
    assert_eq!(compat::shutdown(&reader(channel([]).shutdown(Ok(())))), 0);
    assert_eq!(compat::shutdown(&reader(channel([]).shutdown(Err(107)))), -5);
}

#[test]
fn the_blocking_mode_is_the_channels() {
    let scripted = channel([]).shared();
    compat::set_blocking(&Reader::new(scripted.clone()), false);
    assert_eq!(scripted.events(), [Event::SetBlocking(false)]);
}

#[test]
fn moving_a_stream_counts_also_what_does_not_arrive() {
    let mut source = writer(channel([]));
    source.put_be32(1).unwrap();
    let mut destination = writer(channel([]));
    assert_eq!(compat::put_qemu_file(&mut destination, &mut source), 4);
    destination.set_error(NonZeroI32::new(-28).unwrap(), None);
    source.put_be16(1).unwrap();
    assert_eq!(compat::put_qemu_file(&mut destination, &mut source), 2);

    let mut source = task_writer(channel([]));
    ready(source.put_be32(1)).unwrap();
    let mut destination = task_writer(channel([]));
    assert_eq!(ready(nonblocking::put_qemu_file(&mut destination, &mut source)), 4);
}

#[test]
fn moving_to_a_failed_stream_is_an_error_where_that_is_fixed() {
    let moved = |code: i32| {
        let scripted = channel([]);
        let config = scripted.config(Quirks::FIXED);
        let channel = scripted.shared();
        let mut source = Writer::with_config(channel.clone(), &config);
        let mut destination = Writer::with_config(channel, &config);
        source.put_be32(1).unwrap();
        compat::set_error(&destination, code);
        compat::put_qemu_file(&mut destination, &mut source)
    };
    assert_eq!(moved(-28), -28);
    assert_eq!(moved(7), -5, "a positive code is no count");
}

#[test]
#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
fn compressing_gives_a_length_or_minus_one() {
    use qemufile_core::Compressor;

    let page = [0; 4096];
    let mut compressor = Compressor::new(1);
    let mut stream = writer(channel([]));
    let expected = i64::try_from(stream.put_compressed(&mut compressor, &page).unwrap()).unwrap();
    assert!(expected > 4);
    assert_eq!(compat::put_compression_data(&mut stream, &mut compressor, &page), expected);
    let large = [0; IO_BUF_SIZE];
    assert_eq!(compat::put_compression_data(&mut stream, &mut compressor, &large), -1);

    let mut stream = task_writer(channel([]));
    let length = ready(nonblocking::put_compression_data(&mut stream, &mut compressor, &page));
    assert_eq!(length, expected);
    let length = ready(nonblocking::put_compression_data(&mut stream, &mut compressor, &large));
    assert_eq!(length, -1);
}
