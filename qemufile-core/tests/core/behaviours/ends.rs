//! Rows about descriptors, closing, shutting down and errors.

use std::fs::File;
use std::io;
use std::num::NonZeroI32;
use std::sync::{Arc, OnceLock};

use qemufile_core::{
    Cause, Channel, Direction, Error, GuestMemory, Pieces, Quirks, Reader, ShutdownError,
    ShutdownHandle, Stream, Writer, compat,
};

use crate::support::{self, Event, SETTINGS, Step, channel, wrote};

/// A sink that follows a script, and takes everything once that is over.
struct Sink(Vec<Step>, Vec<u8>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let step = if self.0.is_empty() { Step::Move(usize::MAX) } else { self.0.remove(0) };
        match step {
            Step::Move(limit) => {
                let count = limit.min(bytes.len());
                self.1.extend_from_slice(&bytes[..count]);
                Ok(count)
            }
            Step::Fail(errno) => Err(io::Error::from_raw_os_error(errno)),
            other => panic!("no such step for a sink: {other:?}"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn reader(bytes: &[u8], quirks: Quirks) -> Reader {
    support::reader(channel(bytes), quirks)
}

#[test]
fn row_20_get_to_fd_gives_the_errno_as_it_is() {
    for quirks in SETTINGS {
        // EINTR and EAGAIN included: nothing is tried again.
        for errno in [4, 11, 28] {
            let mut source = reader(b"abcdef", quirks);
            let mut sink = Sink(vec![Step::Move(2), Step::Fail(errno)], vec![]);
            assert_eq!(compat::get_to_fd(&mut source, &mut sink, 5), -errno);
            assert_eq!((&sink.1[..], source.buffered()), (&b"ab"[..], &b"cdef"[..]));
            assert_eq!(compat::get_error(&source), 0, "the stream has not failed");
            assert_eq!(compat::get_to_fd(&mut source, &mut sink, 3), 0, "partial writes go on");
            assert_eq!((&sink.1[..], source.buffered()), (&b"abcde"[..], &b"f"[..]));
        }
        let mut source = reader(b"ab", quirks);
        let mut sink = Sink(vec![Step::Move(0)], vec![]);
        assert_eq!(compat::get_to_fd(&mut source, &mut sink, 0), 0, "nothing asked, nothing done");
        assert_eq!(sink.0.len(), 1);
        assert_eq!(compat::get_to_fd(&mut source, &mut sink, 1), -5, "a write of nothing");
        assert_eq!(compat::get_error(&source), 0);
        assert_eq!(compat::get_to_fd(&mut source, &mut sink, 3), -5, "the end of the stream");
        assert_eq!((&sink.1[..], compat::get_error(&source)), (&b"ab"[..], -5));
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri gives another error code")]
fn row_20_get_to_fd_on_a_descriptor_that_is_not_open_for_writing() {
    let file = File::open("/dev/null").unwrap();
    let mut reader = reader(b"abc", Quirks::FAITHFUL);
    let error = reader.get_to_fd(&file, 3).unwrap_err();
    assert!(matches!(error, Error::Sink { wanted: 3, written: 0, .. }), "{error:?}");
    assert_eq!((error.errno(), compat::get_error(&reader)), (-9, 0));
    assert_eq!(reader.buffered(), b"abc");
}

#[test]
fn row_21_the_results_of_closing() {
    for quirks in SETTINGS {
        let mut exact = reader(b"a", quirks);
        compat::get_byte(&mut exact);
        assert_eq!(compat::close_reader(exact), 0);
        let mut beyond = reader(b"a", quirks);
        compat::get_be16(&mut beyond);
        assert_eq!(compat::close_reader(beyond), -5);

        for (code, close_error, expected) in
            [(0, Some(5), -1), (5, None, 0), (5, Some(9), -1), (-32, Some(9), -32)]
        {
            let mut scripted = channel([]);
            if let Some(errno) = close_error {
                scripted = scripted.close_error(errno);
            }
            let mut writer = Writer::new(scripted.shared());
            compat::set_error(&writer, code);
            assert_eq!(compat::fflush(&mut writer), code);
            assert_eq!(compat::close_writer(writer), expected, "{code} {close_error:?}");
        }
    }
}

#[test]
fn row_21_a_close_is_for_all_who_share_the_channel() {
    let memory = Arc::new(qemufile_core::MemoryChannel::with_input(*b"answer"));
    let mut writer = Writer::new(memory.clone());
    let mut back = writer.return_path();
    writer.put_be16(1).unwrap();
    writer.close().unwrap();
    assert_eq!(memory.take_output(), [0, 1]);
    let error = back.get_byte().unwrap_err();
    assert!(matches!(error.stream().unwrap().cause(), Cause::Channel { .. }), "{error:?}");
}

#[test]
fn row_22_a_shutdown_that_cannot_be_leaves_the_stream_dead() {
    for quirks in SETTINGS {
        let without = channel(*b"ab").shared();
        let stream = Reader::with_config(without.clone(), &without.config(quirks));
        assert_eq!((compat::shutdown(&stream), compat::get_error(&stream)), (-38, -5));
        assert_eq!(without.events(), [], "the channel is not asked");
        assert!(matches!(stream.shutdown(), Err(ShutdownError::Unsupported)));
        assert!(stream.error().unwrap().is_shutdown());

        let failing = channel([]).shutdown(Err(107)).shared();
        let stream = Writer::with_config(failing.clone(), &failing.config(quirks));
        assert_eq!((compat::shutdown(&stream), compat::get_error(&stream)), (-5, -5));
        let Err(ShutdownError::Failed(reason)) = stream.shutdown() else { panic!() };
        assert_eq!(reason.raw_os_error(), Some(107), "the reason is kept here");

        let sound = channel([]).shutdown(Ok(())).shared();
        let stream = Writer::with_config(sound.clone(), &sound.config(quirks));
        compat::set_error(&stream, -32);
        assert_eq!((compat::shutdown(&stream), compat::get_error(&stream)), (0, -32));
        assert_eq!(sound.events(), [Event::Shutdown], "an earlier error stays, silently");
    }
}

#[test]
fn row_24_the_first_error_stays_and_others_are_reported() {
    for quirks in SETTINGS {
        let scripted = channel([]).shared();
        let stream = Writer::with_config(scripted.clone(), &scripted.config(quirks));
        compat::set_error(&stream, 0);
        assert_eq!(scripted.events(), []);
        compat::set_error_obj(&stream, 0, Some("no code"));
        assert_eq!(scripted.events(), [Event::Report("no code".to_owned())]);
        assert_eq!(compat::get_error(&stream), 0);
        compat::set_error_obj(&stream, 7, Some("first"));
        assert_eq!(compat::get_error_obj(&stream), (7, Some("first".to_owned())));
        compat::set_error_obj(&stream, -5, Some("second"));
        compat::set_error(&stream, -6);
        stream.set_error(NonZeroI32::new(-7).unwrap(), None);
        assert_eq!(scripted.events(), [Event::Report("second".to_owned())]);
        assert_eq!(compat::get_error_obj(&stream), (7, Some("first".to_owned())));
    }
}

/// A channel in whose write somebody shuts the stream down.
#[derive(Debug, Default)]
struct Racing(OnceLock<ShutdownHandle>);

impl Channel for Racing {
    fn read(&self, _into: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        if let Some(handle) = self.0.get() {
            handle.shutdown().unwrap();
        }
        Ok(pieces.total())
    }

    fn wait(&self, _direction: Direction) -> io::Result<()> {
        Ok(())
    }

    fn can_shutdown(&self) -> bool {
        true
    }

    fn shutdown(&self) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn row_31_a_flush_gives_the_error_that_came_meanwhile() {
    for quirks in SETTINGS {
        let channel = Arc::new(Racing::default());
        let journal = crate::support::Journal::default();
        let mut writer = Writer::with_config(channel.clone(), &journal.config(quirks));
        channel.0.set(writer.shutdown_handle()).unwrap();
        let memory = GuestMemory::anonymous(4096).unwrap();
        writer.put_guest(&memory, 0..4096, true).unwrap();
        assert_eq!(compat::fflush(&mut writer), -5, "though the write went well");
        assert_eq!((writer.transferred(), writer.is_empty()), (4096, true));
        assert_eq!(journal.take(), [Event::Release { offset: 0, len: 4096 }]);
        assert!(writer.error().unwrap().is_shutdown());
    }
}

#[test]
fn row_31_a_reader_has_its_error_without_a_flush() {
    for quirks in SETTINGS {
        let stream = reader(b"", quirks);
        assert_eq!(compat::get_error(&stream), 0);
        compat::set_error(&stream, -32);
        assert_eq!(stream.error().unwrap().errno(), -32);
        let scripted = channel([]).shared();
        let mut back =
            Reader::with_config(scripted.clone(), &scripted.config(quirks)).return_path();
        back.put_byte(1).unwrap();
        assert_eq!((compat::fflush(&mut back), scripted.events()), (0, vec![wrote(&[&[1]])]));
    }
}
