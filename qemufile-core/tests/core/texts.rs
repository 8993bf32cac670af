//! What people read: the texts of errors, notices and values, and what a channel does that says
//! nothing of its own.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::num::NonZeroI32;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::support::{Step, channel, pattern};
use qemufile_core::{
    Channel, Chunk, CloseError, Config, Direction, Error, GuestMemory, IO_BUF_SIZE, MemoryChannel,
    NullChannel, Pieces, Quirks, Reader, ReleaseTarget, Stream, StreamError, WrappedChannel,
    Writer,
};

fn ended() -> Error {
    let scripted = channel([7]);
    let mut reader = Reader::new(scripted.shared());
    reader.get_be32().unwrap_err()
}

fn set(code: i32, message: Option<&str>) -> StreamError {
    let reader = Reader::new(channel([]).shared());
    reader.set_error(NonZeroI32::new(code).unwrap(), message);
    reader.error().unwrap()
}

fn no_space() -> io::Error {
    io::Error::from_raw_os_error(28)
}

#[test]
fn errors_of_a_stream() {
    let error = ended();
    let stream = error.stream().unwrap().clone();
    assert_eq!(
        stream.to_string(),
        "end of stream: 0 bytes unread, and none came of 32768 asked for"
    );
    assert!(stream.source().is_none());
    assert_eq!(error.to_string(), format!("1 of 4 bytes: {stream}"));
    let short = error.source().unwrap();
    assert_eq!(short.to_string(), error.to_string());
    assert_eq!(short.source().unwrap().to_string(), stream.to_string());
    assert!(Error::NoSpace { needed: 2, available: 1 }.stream().is_none());
    assert_eq!(set(-13, None).to_string(), "error -13 was set: Channel error: Permission denied");
    assert_eq!(set(-13, Some("why")).to_string(), "error -13 was set: why");

    let reader = Reader::new(channel([]).shutdown(Ok(())).shared());
    reader.shutdown().unwrap();
    assert_eq!(reader.error().unwrap().to_string(), "the stream was shut down");

    let mut writer = Writer::new(channel([]).writes([Step::Move(1), Step::Fail(28)]).shared());
    writer.put_be32(1).unwrap();
    let text = writer.flush().unwrap_err().to_string();
    assert!(text.starts_with("write failed, 1 of 4 bytes done: No space left"), "{text}");
}

#[test]
fn errors_of_a_close() {
    let both = |stream: Option<StreamError>, channel: bool| {
        CloseError::new(stream, channel.then(|| no_space().into()))
    };
    let set = || Some(set(-13, Some("why")));
    assert_eq!(both(set(), false).to_string(), "error -13 was set: why");
    assert!(both(None, true).to_string().starts_with("closing the channel: No space left"));
    assert!(both(set(), true).to_string().starts_with("error -13 was set: why; closing the"));
    let neither = both(None, false);
    assert_eq!(neither.to_string(), "closed");
    assert!(neither.source().is_none());
    assert_eq!(io::Error::from(neither).kind(), ErrorKind::Other);
    assert_eq!(io::Error::from(both(None, true)).kind(), ErrorKind::StorageFull);
}

#[test]
fn kinds_for_callers_that_speak_of_io() {
    let sink = Error::Sink { wanted: 2, written: 1, error: no_space().into() };
    assert_eq!(io::Error::from(sink).kind(), ErrorKind::StorageFull);
    assert_eq!(io::Error::from(Error::Deflate("why".to_owned())).kind(), ErrorKind::Other);
    let skip = Error::NotBuffered { wanted: 2, available: 1 };
    assert_eq!(skip.errno(), 0);
    assert_eq!(io::Error::from(skip).kind(), ErrorKind::InvalidInput);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no madvise")]
fn what_is_released() {
    let memory = GuestMemory::anonymous(8192).unwrap();
    let guest = ReleaseTarget::Guest { memory: &memory, offset: 4096, len: 10 };
    assert_eq!(guest.to_string(), "10 bytes at offset 4096 of guest memory");
    let buffer = ReleaseTarget::Buffer { offset: 5, len: 6 };
    assert_eq!(buffer.to_string(), "6 bytes at offset 5 of the stream's buffer");
    let shared = ReleaseTarget::Shared { len: 7 };
    assert_eq!(shared.to_string(), "7 shared bytes");
    let release = Config::default().release_memory;
    assert!(release.release(guest).is_ok());
    assert_eq!(release.release(buffer).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(release.release(shared).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Notes what it is asked to write, as `Debug` shows it.
#[derive(Debug, Default)]
struct Shown(Mutex<Vec<String>>);

impl Channel for Shown {
    fn read(&self, _into: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        let each: Vec<_> = pieces
            .iter()
            .map(|piece| format!("{piece:?}, chunks: {}", piece.chunks().count()))
            .collect();
        assert!(pieces.total() > 0 && pieces.iter().all(|piece| !piece.is_empty()));
        self.0.lock().unwrap().push(format!("{pieces:?} {}", each.join("; ")));
        Ok(pieces.total())
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        Err(io::Error::other(format!("{direction:?}")))
    }

    fn close(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn pieces_show_their_lengths() {
    let memory = GuestMemory::anonymous(100).unwrap();
    let shown = Arc::new(Shown::default());
    let mut writer = Writer::new(shown.clone());
    writer.put_be32(1).unwrap();
    writer.put_shared(vec![0; 10]).unwrap();
    // What lies behind it in the same memory makes the piece longer, and not one of two chunks.
    writer.put_guest(&memory, 0..6, false).unwrap();
    writer.put_guest(&memory, 6..9, false).unwrap();
    writer.flush().unwrap();
    let expected = "[4, 10, 9] Piece(4 bytes), chunks: 1; Piece(10 bytes), chunks: 1; \
                    Piece(9 bytes), chunks: 1";
    assert_eq!(*shown.0.lock().unwrap(), [expected]);
}

#[test]
fn a_channel_without_words_of_its_own() {
    let shown = Shown::default();
    assert!(!shown.can_shutdown());
    assert_eq!(shown.shutdown().unwrap_err().kind(), ErrorKind::Unsupported);
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(outcome) = shown.poll_ready(&mut cx, Direction::Output) else {
        panic!("it blocks instead");
    };
    assert_eq!(outcome.unwrap_err().to_string(), "Output");
}

#[test]
fn channels_that_never_block() {
    let channels: [&dyn Channel; 2] = [&MemoryChannel::new(), &NullChannel::new()];
    for channel in channels {
        channel.wait(Direction::Input).unwrap();
        channel.set_blocking(false).unwrap();
        assert!(!channel.can_shutdown());
        channel.close().unwrap();
        let error = channel.read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.to_string(), "the channel is closed");
    }
}

#[test]
fn a_wrapped_value_can_do_what_its_hooks_do() {
    let wrapped = WrappedChannel::new(io::Cursor::new(Vec::new()));
    assert!(format!("{wrapped:?}").contains("closed: false"));
    assert!(!wrapped.can_shutdown());
    assert_eq!(wrapped.shutdown().unwrap_err().kind(), ErrorKind::Unsupported);
    let error = wrapped.set_blocking(false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    wrapped.close().unwrap();
    assert!(format!("{wrapped:?}").contains("closed: true"));
}

#[test]
fn a_whole_duplex_is_named() {
    let inner = WrappedChannel::new(io::Cursor::new(Vec::new())).on_close(|duplex| {
        assert_eq!(format!("{duplex:?}"), "Duplex");
        Ok(())
    });
    inner.close().unwrap();
}

#[test]
fn memory_in_a_range_that_it_does_not_have() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    assert!(memory.read_at(4090, &mut [0; 7]).is_err());
    assert!(memory.write_at(usize::MAX, &[0; 2]).is_err());
    assert!(GuestMemory::anonymous(usize::MAX).is_err());
}

#[test]
fn quirks_are_told_apart() {
    assert_ne!(Quirks::FAITHFUL, Quirks::FIXED);
    assert_eq!(Config::default().quirks, Quirks::FIXED);
    assert_eq!(Config::faithful(qemufile_core::Release::V8_2).quirks, Quirks::FAITHFUL);
    let mut reader = Reader::new(Arc::new(MemoryChannel::with_input(pattern(IO_BUF_SIZE + 1))));
    assert_eq!(reader.peek_buffer(IO_BUF_SIZE, 0).unwrap().len(), IO_BUF_SIZE);
}

#[test]
fn a_chunk_without_bytes_says_so() {
    let memory = GuestMemory::anonymous(1).unwrap();
    for (len, private) in [(0, &b""[..]), (1, b"a")] {
        assert_eq!(Chunk::Private(private).is_empty(), len == 0);
        assert_eq!(Chunk::Guest { memory: &memory, offset: 0, len }.is_empty(), len == 0);
    }
}

/// A logger that keeps what it is told.
struct Kept(Mutex<Vec<String>>);

impl log::Log for Kept {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

/// The logger is the process's, so what other tests cause may be kept as well.
#[test]
fn what_no_call_returns_is_logged_unless_a_reporter_is_given() {
    static KEPT: Kept = Kept(Mutex::new(Vec::new()));
    log::set_logger(&KEPT).unwrap();
    log::set_max_level(log::LevelFilter::Error);
    let reader = Reader::new(channel([]).shared());
    for message in ["kept by the stream alone", "told to the log alone"] {
        reader.set_error(NonZeroI32::new(-5).unwrap(), Some(message));
    }
    let kept = KEPT.0.lock().unwrap();
    assert!(kept.contains(&"ERROR told to the log alone".to_owned()), "{kept:?}");
    assert!(!kept.iter().any(|line| line.contains("kept by the stream alone")), "{kept:?}");
}
