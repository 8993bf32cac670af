//! Errors: the first one stays, the numbers are right, and no channel, however broken, makes a
//! stream panic or go on for ever.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::num::NonZeroI32;

use crate::support::{self, ALL, Event, ScriptedChannel, Step, channel, pattern};
use qemufile_core::{
    Cause, CloseError, Error, GuestMemory, IO_BUF_SIZE, Misuse, Operation, Quirks, Reader,
    ShutdownError, Stream, StreamError, Writer, error_of_either,
};

fn reader(scripted: ScriptedChannel) -> Reader {
    support::reader(scripted, Quirks::FIXED)
}

fn writer(scripted: ScriptedChannel) -> Writer {
    support::writer(scripted, Quirks::FIXED).1
}

/// An error of a stream whose channel fails with an errno.
fn failed_with(errno: i32) -> StreamError {
    let mut reader = reader(channel([]).every_read(Step::Fail(errno)));
    reader.get_byte().unwrap_err();
    reader.error().unwrap()
}

fn kind(error: impl Into<io::Error>) -> ErrorKind {
    error.into().kind()
}

#[test]
fn the_first_error_wins_and_the_next_is_reported() {
    let scripted = channel([]).every_read(Step::Fail(104)).shared();
    let mut reader = Reader::with_config(scripted.clone(), &scripted.config(Quirks::FIXED));
    reader.get_byte().unwrap_err();
    let first = reader.error().unwrap();
    reader.set_error(NonZeroI32::new(-22).unwrap(), Some("too late"));
    let again = reader.get_be32().unwrap_err();
    assert_eq!(again.stream().unwrap().text(), first.text());
    assert_eq!(reader.error().unwrap().errno(), -5);
    let events = scripted.events();
    assert_eq!(events[1..], [Event::Report("too late".to_owned())], "and nothing more is read");
    assert_eq!(first.message(), Some("Connection reset by peer (os error 104)".to_owned()));
}

#[test]
fn a_shutdown_after_an_error_is_no_cause() {
    let stream = writer(channel([]).shutdown(Ok(())));
    stream.set_error(NonZeroI32::new(-28).unwrap(), Some("full"));
    stream.shutdown().unwrap();
    let error = stream.shutdown_handle().error().unwrap();
    assert_eq!((error.errno(), error.is_shutdown()), (-28, false));
}

#[test]
fn the_end_of_the_stream_has_its_numbers() {
    let mut reader = reader(channel(pattern(10)));
    assert_eq!(reader.peek_byte(0).unwrap(), 0);
    let Error::Short(short) = reader.peek_buffer(12, 3).unwrap_err() else { panic!() };
    assert_eq!((short.wanted, short.available), (12, 7));
    assert_eq!(short.bytes, &pattern(10)[3..]);
    let Cause::EndOfStream { wanted, available } = short.cause.cause() else { panic!() };
    assert_eq!((*wanted, *available), (IO_BUF_SIZE - 10, 10));
    assert_eq!(short.cause.message(), None);

    let mut into = [0xee; 20];
    let Error::Short(short) = reader.get_buffer(&mut into).unwrap_err() else { panic!() };
    assert_eq!((short.wanted, short.available, short.bytes), (20, 10, vec![]));
    assert_eq!((&into[..10], into[10]), (&pattern(10)[..], 0xee), "they are in the buffer");
}

#[test]
fn every_error_has_its_errno() {
    let stream = failed_with(104);
    assert_eq!(stream.errno(), -5);
    assert_eq!(Error::Stream(stream.clone()).errno(), -5);
    assert_eq!(Error::Stream(stream.clone()).stream().unwrap().errno(), -5);
    let mut source = reader(channel(pattern(10)));
    assert_eq!(source.peek_buffer(1, 1).unwrap_err().errno(), 0);
    assert_eq!(source.skip(1).unwrap_err().errno(), 0);
    assert_eq!(source.get_be64().unwrap(), 0x0001_0203_0405_0607);
    assert_eq!(source.get_be64().unwrap_err().errno(), -5);
    assert_eq!(Error::NoSpace { needed: 2, available: 1 }.errno(), -1);
    assert_eq!(Error::Deflate("because".to_owned()).errno(), -1);
    let misuse = Misuse::StringTooLong { len: 256 };
    assert_eq!(Error::Misuse(misuse).errno(), -22);
    let sink = |error: io::Error| Error::Sink { wanted: 2, written: 1, error: error.into() };
    assert_eq!(sink(io::Error::from_raw_os_error(28)).errno(), -28);
    assert_eq!(sink(ErrorKind::WriteZero.into()).errno(), -5);
    assert_eq!(ShutdownError::Unsupported.errno(), -38);
    assert_eq!(ShutdownError::Failed(ErrorKind::NotConnected.into()).errno(), -5);
    let close = |stream: Option<&StreamError>, channel: bool| {
        CloseError::new(stream.cloned(), channel.then(|| io::Error::from_raw_os_error(28).into()))
    };
    assert_eq!(close(Some(&stream), true).errno(), -5);
    let positive = {
        let reader = reader(channel([]));
        reader.set_error(NonZeroI32::new(7).unwrap(), None);
        reader.error().unwrap()
    };
    assert_eq!(close(Some(&positive), true).errno(), -1);
    assert_eq!(close(Some(&positive), false).errno(), 0);
    assert_eq!(close(None, true).errno(), -1);
    assert_eq!(close(None, false).errno(), 0);
}

#[test]
fn sources_lead_to_the_channel() {
    let stream = failed_with(104);
    let of = |error: &dyn std::error::Error| error.source().unwrap().to_string();
    assert!(of(&stream).starts_with("Connection reset by peer"));
    let mut reader = reader(channel([1]).reads([ALL]).every_read(Step::Fail(104)));
    let short = reader.get_be16().unwrap_err();
    let mut last: &dyn std::error::Error = &short;
    while let Some(next) = last.source() {
        last = next;
    }
    assert!(last.to_string().starts_with("Connection reset by peer"), "{last}");
    assert!(of(&CloseError::new(Some(stream), None)).contains("reset by peer"));
    let channel = Some(io::Error::from_raw_os_error(28).into());
    assert!(of(&CloseError::new(None, channel)).starts_with("No space left"));
    assert!(of(&ShutdownError::Failed(ErrorKind::NotConnected.into())).contains("not connected"));
    assert!(Error::Misuse(Misuse::StringTooLong { len: 256 }).source().is_none());
}

#[test]
fn every_error_becomes_an_io_error_of_its_kind() {
    assert_eq!(kind(failed_with(104)), ErrorKind::ConnectionReset);
    assert_eq!(kind(Error::Stream(failed_with(32))), ErrorKind::BrokenPipe);
    assert_eq!(kind(reader(channel([])).get_byte().unwrap_err()), ErrorKind::UnexpectedEof);
    let shut = writer(channel([]).shutdown(Ok(())));
    shut.shutdown().unwrap();
    assert_eq!(kind(shut.error().unwrap()), ErrorKind::ConnectionAborted);
    let set = writer(channel([]));
    set.set_error(NonZeroI32::new(-13).unwrap(), None);
    assert_eq!(kind(set.error().unwrap()), ErrorKind::PermissionDenied);
    assert_eq!(kind(CloseError::new(set.error(), None)), ErrorKind::PermissionDenied);
    assert_eq!(kind(Misuse::StringTooLong { len: 256 }), ErrorKind::InvalidInput);
    assert_eq!(kind(Error::Misuse(Misuse::StringTooLong { len: 256 })), ErrorKind::InvalidInput);
    assert_eq!(kind(Error::Gap { offset: 1, available: 0 }), ErrorKind::InvalidInput);
    assert_eq!(kind(Error::NoSpace { needed: 2, available: 1 }), ErrorKind::StorageFull);
    assert_eq!(kind(ShutdownError::Unsupported), ErrorKind::Unsupported);
    assert_eq!(
        kind(ShutdownError::Failed(ErrorKind::NotConnected.into())),
        ErrorKind::NotConnected
    );
    let inner = io::Error::from(failed_with(32));
    assert!(inner.get_ref().unwrap().downcast_ref::<StreamError>().is_some(), "none is lost");
}

#[test]
fn closing_says_both_things() {
    let mut stream = writer(channel([]).every_write(Step::Fail(28)).close_error(5));
    stream.put_byte(1).unwrap();
    let error = stream.close().unwrap_err();
    assert_eq!(error.errno(), -5);
    let text = error.to_string();
    assert!(text.contains("No space left") && text.contains("Input/output error"), "{text}");
    assert_eq!(error.channel.unwrap().raw_os_error(), Some(5));
}

#[test]
fn memory_that_cannot_be_released_is_reported() {
    let scripted = channel([]).shared();
    let config = scripted.journal.config_without_release(22);
    let mut writer = Writer::with_config(scripted.clone(), &config);
    let memory = GuestMemory::anonymous(4096).unwrap();
    writer.put_guest(&memory, 0..4096, true).unwrap();
    writer.flush().unwrap();
    let Some(Event::Report(text)) = scripted.events().pop() else { panic!("not reported") };
    assert!(text.contains("4096 bytes at offset 0") && text.contains("Invalid argument"), "{text}");
}

#[test]
fn a_range_outside_its_memory_is_refused() {
    let mut writer = writer(channel([]));
    let memory = GuestMemory::anonymous(4096).unwrap();
    for range in [4096..4097, 0..4097, usize::MAX - 1..usize::MAX, 5000..5000] {
        let error = writer.put_guest(&memory, range.clone(), false).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::OutsideMemory { .. })), "{range:?}");
    }
    assert!(writer.is_empty() && writer.error().is_none());
}

#[test]
fn a_drop_tells_what_it_could_not_write() {
    let scripted = channel([]).writes([Step::Move(3), Step::Fail(32)]).shared();
    let mut writer = Writer::with_config(scripted.clone(), &scripted.config(Quirks::FIXED));
    writer.put_be64(1).unwrap();
    drop(writer);
    let events = scripted.events();
    let Some(Event::Report(text)) = events.last() else { panic!("{events:?}") };
    assert!(text.contains("8 bytes") && text.contains("Broken pipe"), "{text}");

    let mut sound = Writer::with_config(scripted.clone(), &scripted.config(Quirks::FIXED));
    sound.put_be16(1).unwrap();
    drop(sound);
    assert_eq!(scripted.events(), [crate::support::wrote(&[&[0, 1]])], "flushed, and not closed");
}

#[test]
fn either_error() {
    let (sound, failed) = (writer(channel([])), reader(channel([])));
    failed.set_error(NonZeroI32::new(-7).unwrap(), None);
    assert!(error_of_either(Some(&sound), None).is_none());
    assert_eq!(error_of_either(Some(&sound), Some(&failed)).unwrap().errno(), -7);
    assert_eq!(error_of_either(Some(&failed), Some(&sound)).unwrap().errno(), -7);
}

fn channel_cause(error: Option<StreamError>) -> (Operation, ErrorKind) {
    match error.unwrap().cause() {
        Cause::Channel { operation, error, .. } => (*operation, error.kind()),
        other => panic!("{other:?}"),
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes on Miri")]
fn misbehaving_channels_are_errors() {
    for (step, operation, expected) in [
        (Step::Claim(IO_BUF_SIZE + 1), Operation::Read, ErrorKind::InvalidData),
        (Step::Claim(usize::MAX), Operation::Read, ErrorKind::InvalidData),
        (Step::Block, Operation::Read, ErrorKind::WouldBlock),
        (Step::Interrupt, Operation::Read, ErrorKind::Interrupted),
    ] {
        let mut reader = reader(channel([]).every_read(step));
        assert_eq!(reader.get_byte().unwrap_err().errno(), -5, "{step:?}");
        assert_eq!(channel_cause(reader.error()), (operation, expected), "{step:?}");
        assert_eq!(reader.buffered(), []);
    }
    for (step, expected) in [
        (Step::Claim(0), ErrorKind::WriteZero),
        (Step::Claim(3), ErrorKind::InvalidData),
        (Step::Claim(usize::MAX), ErrorKind::InvalidData),
        (Step::Block, ErrorKind::WouldBlock),
        (Step::Interrupt, ErrorKind::Interrupted),
    ] {
        let mut writer = writer(channel([]).every_write(step));
        writer.put_be16(1).unwrap();
        writer.flush().unwrap_err();
        assert_eq!(channel_cause(writer.error()), (Operation::Write, expected), "{step:?}");
    }
    // What is left counts, and not all that was wanted.
    for claim in [2, 3, 4] {
        let mut writer = writer(channel([]).writes([Step::Move(1), Step::Claim(claim)]));
        writer.put_buffer(b"ab").unwrap();
        let error = writer.flush().unwrap_err().to_string();
        let expected = format!("claims {claim} bytes where 1 were asked for");
        assert!(error.contains(&expected), "{error}");
    }
    let claim = IO_BUF_SIZE - 99;
    let mut reader = self::reader(channel(pattern(100)).reads([ALL, Step::Claim(claim)]));
    let error = reader.peek_buffer(101, 0).unwrap_err().to_string();
    assert!(error.contains("claims 32669 bytes where 32668 were asked for"), "{error}");
    let mut reader = self::reader(channel([]).every_read(Step::Block).wait_error(9));
    reader.get_byte().unwrap_err();
    let (operation, _) = channel_cause(reader.error());
    assert_eq!(operation, Operation::Wait);
    let mut writer = writer(channel([]).writes([Step::Move(1), Step::Block]).wait_error(9));
    writer.put_be16(1).unwrap();
    let error = writer.flush().unwrap_err();
    let Cause::Channel { operation, wanted, done, .. } = error.cause() else { panic!() };
    assert_eq!((*operation, *wanted, *done), (Operation::Wait, 2, 1));
}
