//! Code of the caller's that panics: no byte is sent twice, and a drop does not abort.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Event, ScriptedChannel, channel, wrote};
use qemufile_core::{
    Cause, Channel, Config, Direction, GuestMemory, MemoryChannel, Notice, Operation, Pieces,
    Quirks, Reader, ReleaseMemory, ReleaseTarget, Report, Stream, Writer,
};

/// Panics at its first call.
#[derive(Debug, Default)]
struct Panicking(AtomicBool);

impl Panicking {
    fn call(&self) {
        assert!(self.0.swap(true, Ordering::SeqCst), "as it should");
    }
}

impl ReleaseMemory for Panicking {
    fn release(&self, _target: ReleaseTarget<'_>) -> io::Result<()> {
        self.call();
        Ok(())
    }
}

impl Report for Panicking {
    fn report(&self, _notice: &Notice<'_>) {
        self.call();
    }
}

fn panics<T>(call: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
}

#[test]
fn a_release_that_panics_sends_nothing_twice() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    let channel = Arc::new(MemoryChannel::new());
    let config = Config::new().release_memory(Arc::new(Panicking::default()));
    let mut writer = Writer::with_config(channel.clone(), &config);
    writer.put_guest(&memory, 0..4096, true).unwrap();
    panics(|| writer.flush());
    assert_eq!((writer.is_empty(), writer.transferred()), (true, 4096));
    writer.put_byte(1).unwrap();
    writer.close().unwrap();
    assert_eq!(channel.take_output().len(), 4097);
}

#[test]
fn a_report_that_panics_sends_nothing_twice() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    // The first report is of a release that fails.
    let scripted = channel([]).shared();
    let config =
        scripted.journal.config_without_release(12).reporter(Arc::new(Panicking::default()));
    let mut writer = Writer::with_config(scripted.clone(), &config);
    writer.put_guest(&memory, 0..10, true).unwrap();
    panics(|| writer.flush());
    writer.flush().unwrap();
    let released = Event::Release { offset: 0, len: 10 };
    assert_eq!(scripted.events(), [wrote(&[&[0; 10]]), released]);
}

#[test]
fn unwinding_through_the_writers_scope_sends_nothing_twice() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    let channel = Arc::new(MemoryChannel::new());
    let config = Config::new().release_memory(Arc::new(Panicking::default()));
    panics(|| {
        let mut writer = Writer::with_config(channel.clone(), &config);
        writer.put_guest(&memory, 0..4096, true).unwrap();
        writer.flush()
    });
    assert_eq!(channel.take_output().len(), 4096);
}

/// Takes a part, and panics in each write and read.
#[derive(Debug)]
struct Broken(Arc<ScriptedChannel>);

impl Channel for Broken {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(&mut into[..1])?;
        panic!("as it should");
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        self.0.write(pieces)?;
        panic!("as it should");
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        self.0.wait(direction)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.0.set_blocking(blocking)
    }
}

#[test]
fn a_channel_that_panics_is_not_written_to_again() {
    let scripted = channel([]).shared();
    let config = scripted.config(Quirks::FIXED);
    // A drop that wrote again would panic within a panic, and abort.
    panics(|| {
        let mut writer = Writer::with_config(Arc::new(Broken(scripted.clone())), &config);
        writer.put_be32(1).unwrap();
        writer.flush()
    });
    assert_eq!(scripted.written(), [0, 0, 0, 1]);
    let reported = scripted.events().pop();
    let Some(Event::Report(text)) = reported else { panic!("{reported:?}") };
    assert_eq!(text, "a writer was dropped with 4 bytes queued: the channel panicked: write");

    let mut writer = Writer::with_config(Arc::new(Broken(scripted.clone())), &config);
    writer.put_be32(1).unwrap();
    panics(|| writer.flush());
    let error = writer.put_byte(1).unwrap_err();
    assert!(matches!(error.cause(), Cause::Panicked { operation: Operation::Write }));
    assert_eq!((error.errno(), error.message()), (-5, None));
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Other);
    writer.close().unwrap_err();
    assert_eq!(scripted.written().len(), 8, "once each");
}

#[test]
fn a_channel_that_panics_is_not_read_again() {
    let scripted = channel(*b"abc").shared();
    let mut reader = Reader::new(Arc::new(Broken(scripted.clone())));
    panics(|| reader.get_be16());
    assert!(matches!(
        reader.error().unwrap().cause(),
        Cause::Panicked { operation: Operation::Read }
    ));
    reader.get_be16().unwrap_err();
    let reads = scripted.events();
    assert_eq!(reads, [Event::Read { asked: 1, given: Ok(1) }], "a byte is lost, and no more");
}
