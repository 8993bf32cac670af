//! Anything that reads and writes.

use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;

use qemufile_core::{
    Cause, Channel, Operation, Reader, Stream, StreamError, WrappedChannel, Writer,
};

use crate::support::pattern;

#[test]
fn one_value_for_both_directions() {
    let mut cursor = Cursor::new(pattern(100_000));
    cursor.set_position(50_000);
    let mut reader = Reader::new(Arc::new(WrappedChannel::new(cursor)));
    let mut into = vec![0; 50_000];
    reader.get_buffer(&mut into).unwrap();
    assert_eq!(into, &pattern(100_000)[50_000..]);
    assert!(reader.get_byte().unwrap_err().stream().unwrap().is_end_of_stream());
}

#[test]
fn two_halves_for_two_threads() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let clone = ours.try_clone().unwrap();
    let channel = Arc::new(WrappedChannel::split(clone, ours));
    let mut reader = Reader::new(channel.clone());
    // It blocks in the read while the other thread writes.
    let answer = thread::spawn(move || reader.get_be32().unwrap());
    let mut writer = Writer::new(channel);
    writer.put_buffer(&pattern(70_000)).unwrap();
    writer.flush().unwrap();
    let mut into = vec![0; 70_000];
    (&theirs).read_exact(&mut into).unwrap();
    assert_eq!(into, pattern(70_000));
    (&theirs).write_all(&9_u32.to_be_bytes()).unwrap();
    assert_eq!(answer.join().unwrap(), 9);
}

#[test]
fn waiting_on_the_descriptor_beneath() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let clone = ours.try_clone().unwrap();
    let channel = Arc::new(WrappedChannel::new(ours).wait_on(clone));
    let drain = thread::spawn(move || {
        let mut all = vec![0; 1 << 20];
        (&theirs).read_exact(&mut all).unwrap();
        (&theirs).write_all(b"done").unwrap();
        all
    });
    let mut writer = Writer::new(channel);
    let mut reader = writer.return_path();
    writer.put_buffer(&pattern(1 << 20)).unwrap();
    writer.flush().unwrap();
    assert_eq!(reader.get_be32().unwrap(), u32::from_be_bytes(*b"done"));
    assert!(drain.join().unwrap() == pattern(1 << 20));
}

fn channel_cause(error: &StreamError) -> (Operation, ErrorKind) {
    match error.cause() {
        Cause::Channel { operation, error, .. } => (*operation, error.kind()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn would_block_without_a_descriptor_is_an_error() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut reader = Reader::new(Arc::new(WrappedChannel::new(ours)));
    let error = reader.get_byte().unwrap_err();
    let expected = (Operation::Wait, ErrorKind::Unsupported);
    assert_eq!(channel_cause(error.stream().unwrap()), expected);
}

/// Everything that a writer was asked to do; `Err` entries of the script come first.
#[derive(Clone, Debug, Default)]
struct Scripted {
    calls: Arc<Mutex<Vec<String>>>,
    flushes: Arc<Mutex<Vec<ErrorKind>>>,
    /// Bytes more than there are that a write claims to have taken.
    excess: usize,
}

impl Scripted {
    fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }

    fn called(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.note(format!("write {}", bytes.len()));
        Ok(bytes.len() + self.excess)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.note("flush");
        self.flushes.lock().unwrap().pop().map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Read for Scripted {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.note("read");
        Ok(0)
    }
}

#[test]
fn a_value_for_both_directions_is_flushed_as_well() {
    let scripted = Scripted::default();
    let mut writer = Writer::new(Arc::new(WrappedChannel::new(scripted.clone())));
    writer.put_byte(1).unwrap();
    writer.flush().unwrap();
    writer.return_path().get_byte().unwrap_err();
    assert_eq!(scripted.called(), ["write 1", "flush", "read"]);
}

#[test]
fn a_writer_that_claims_too_much_is_an_error() {
    // More than the slice of 32,768 that it was given, but in two claims just what is queued.
    let scripted = Scripted { excess: 5_000, ..Scripted::default() };
    let mut writer = Writer::new(Arc::new(WrappedChannel::split(io::empty(), scripted)));
    writer.put_shared(pattern(2 * 37_768)).unwrap();
    let error = writer.flush().unwrap_err();
    assert_eq!(channel_cause(&error), (Operation::Write, ErrorKind::InvalidData));
}

#[test]
fn a_flush_that_would_block_is_taken_up_later() {
    let (ready, _peer) = UnixStream::pair().unwrap();
    let scripted = Scripted::default();
    *scripted.flushes.lock().unwrap() =
        vec![ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::WouldBlock];
    let channel = WrappedChannel::split(io::empty(), scripted.clone()).wait_on(ready);
    let mut writer = Writer::new(Arc::new(channel));
    writer.put_be16(1).unwrap();
    writer.flush().unwrap();
    assert_eq!(scripted.called(), ["write 2", "flush"], "the bytes are taken");
    writer.put_byte(2).unwrap();
    writer.flush().unwrap();
    // Interrupted, would block, then the flush of what is old and the write of what is new.
    assert_eq!(scripted.called(), ["flush", "flush", "flush", "write 1", "flush"]);
    *scripted.flushes.lock().unwrap() = vec![ErrorKind::BrokenPipe];
    writer.put_byte(3).unwrap();
    let error = writer.flush().unwrap_err();
    assert_eq!(channel_cause(&error), (Operation::Write, ErrorKind::BrokenPipe));
}

#[test]
fn a_close_says_goodbye_and_flushes_once() {
    let (ready, _peer) = UnixStream::pair().unwrap();
    let scripted = Scripted::default();
    *scripted.flushes.lock().unwrap() =
        vec![ErrorKind::Interrupted, ErrorKind::WouldBlock, ErrorKind::WouldBlock];
    let channel = Arc::new(
        WrappedChannel::split(io::empty(), scripted.clone()).wait_on(ready).on_close(|writer| {
            writer.note("goodbye");
            Ok(())
        }),
    );
    let mut writer = Writer::new(channel.clone());
    writer.put_byte(1).unwrap();
    writer.close().unwrap();
    let calls = ["write 1", "flush", "goodbye", "flush", "flush", "flush"];
    assert_eq!(scripted.called(), calls, "tried until it is through");
    channel.close().unwrap();
    assert_eq!(scripted.called(), Vec::<String>::new());
    let mut reader = Reader::new(channel);
    assert!(reader.get_byte().unwrap_err().to_string().contains("closed"));
}

#[test]
fn a_goodbye_that_fails_is_told() {
    let channel = WrappedChannel::split(io::empty(), io::sink())
        .on_close(|_| Err(io::Error::from_raw_os_error(32)));
    let error = Writer::new(Arc::new(channel)).close().unwrap_err();
    assert_eq!((error.errno(), error.channel.unwrap().raw_os_error()), (-1, Some(32)));
}

#[test]
fn a_last_flush_that_fails_is_told() {
    let scripted = Scripted::default();
    *scripted.flushes.lock().unwrap() = vec![ErrorKind::BrokenPipe, ErrorKind::Interrupted];
    let mut writer = Writer::new(Arc::new(WrappedChannel::split(io::empty(), scripted)));
    writer.put_byte(1).unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.close().unwrap_err().channel.unwrap().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn an_endless_would_block_at_the_close_ends() {
    let (ready, _peer) = UnixStream::pair().unwrap();
    let scripted = Scripted::default();
    *scripted.flushes.lock().unwrap() = vec![ErrorKind::WouldBlock; 1 << 20];
    let channel = WrappedChannel::split(io::empty(), scripted).wait_on(ready);
    let mut writer = Writer::new(Arc::new(channel));
    writer.put_byte(1).unwrap();
    assert_eq!(writer.close().unwrap_err().channel.unwrap().kind(), ErrorKind::WouldBlock);
}

#[test]
fn shutting_down_is_the_hooks_business() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let hook = ours.try_clone().unwrap();
    let channel = WrappedChannel::split(ours.try_clone().unwrap(), ours)
        .on_shutdown(move || hook.shutdown(std::net::Shutdown::Both));
    let mut reader = Reader::new(Arc::new(channel));
    let handle = reader.shutdown_handle();
    let blocked = thread::spawn(move || reader.get_byte().unwrap_err());
    handle.shutdown().unwrap();
    assert!(blocked.join().unwrap().stream().unwrap().is_shutdown());
    assert_eq!((&theirs).read(&mut [0; 1]).unwrap(), 0);
    assert!(!WrappedChannel::new(Cursor::new(vec![])).can_shutdown());
}

#[test]
fn a_wait_has_a_bound_if_it_is_given_one() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let other = ours.try_clone().unwrap();
    let channel = WrappedChannel::new(ours).wait_on(other).with_timeout(std::time::Duration::ZERO);
    let error = Reader::new(Arc::new(channel)).get_byte().unwrap_err();
    assert!(error.to_string().contains("not ready in time"), "{error}");
}
