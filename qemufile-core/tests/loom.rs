//! The order of a shutdown, in every interleaving of the real code: first the error, then the
//! channel. Run by
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test -p qemufile-core --release --test loom
//! ```
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io;
use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use qemufile_core::{
    Channel, Direction, Pieces, Reader, ShutdownHandle, Stream, StreamError, Writer,
};

/// A channel that moves one byte at a time until it is shut down: then reads end, and writes fail.
#[derive(Debug)]
struct Switch {
    ended: AtomicBool,
}

impl Switch {
    fn new() -> Arc<Self> {
        Arc::new(Self { ended: AtomicBool::new(false) })
    }

    fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl Channel for Switch {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended() {
            return Ok(0);
        }
        into[0] = 7;
        Ok(1)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        if self.ended() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(pieces.total().min(1)) }
    }

    fn wait(&self, _direction: Direction) -> io::Result<()> {
        Ok(())
    }

    fn can_shutdown(&self) -> bool {
        true
    }

    fn shutdown(&self) -> io::Result<()> {
        self.ended.store(true, Ordering::Release);
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Ok(())
    }
}

/// How the second thread shuts down.
type Order = fn(&Switch, &ShutdownHandle);

/// The code under test.
fn right(_channel: &Switch, handle: &ShutdownHandle) {
    handle.shutdown().unwrap();
}

/// The race that the original's comment describes.
fn wrong(channel: &Switch, handle: &ShutdownHandle) {
    channel.shutdown().unwrap();
    handle.shutdown().unwrap();
}

fn assert_shut_down(error: &StreamError) {
    assert!(error.is_shutdown(), "an end without its cause: {error:?}");
}

fn reading(order: Order) {
    loom::model(move || {
        let channel = Switch::new();
        let mut reader = Reader::new(channel.clone());
        let handle = reader.shutdown_handle();
        let other = thread::spawn(move || order(&channel, &handle));
        for _ in 0..2 {
            match reader.get_byte() {
                Ok(byte) => assert_eq!(byte, 7),
                Err(error) => assert_shut_down(error.stream().unwrap()),
            }
        }
        other.join().unwrap();
        assert_shut_down(&reader.error().unwrap());
    });
}

fn writing(order: Order) {
    loom::model(move || {
        let channel = Switch::new();
        let mut writer = Writer::new(channel.clone());
        let handle = writer.shutdown_handle();
        let other = thread::spawn(move || order(&channel, &handle));
        if let Err(error) = writer.put_be16(1).and_then(|()| writer.flush()) {
            assert_shut_down(&error);
        }
        other.join().unwrap();
        assert_shut_down(&writer.put_byte(1).unwrap_err());
    });
}

#[test]
fn a_read_that_ends_finds_the_error() {
    reading(right);
}

#[test]
fn a_write_that_fails_finds_the_error() {
    writing(right);
}

#[test]
#[should_panic(expected = "an end without its cause")]
fn a_read_would_be_caught_in_the_wrong_order() {
    reading(wrong);
}

#[test]
#[should_panic(expected = "an end without its cause")]
fn a_write_would_be_caught_in_the_wrong_order() {
    writing(wrong);
}

#[test]
fn whoever_sees_the_end_finds_the_error() {
    loom::model(|| {
        let channel = Switch::new();
        let reader = Reader::new(channel.clone());
        let handle = reader.shutdown_handle();
        let observed = handle.clone();
        let other = thread::spawn(move || handle.shutdown().unwrap());
        if channel.ended() {
            assert_shut_down(&observed.error().unwrap());
            assert_shut_down(&reader.error().unwrap());
        }
        other.join().unwrap();
    });
}

#[test]
fn one_of_two_errors_wins_for_all() {
    loom::model(|| {
        let channel = Switch::new();
        let reader = Reader::new(channel);
        let handle = reader.shutdown_handle();
        let other = thread::spawn(move || {
            handle.shutdown().unwrap();
            handle.error().unwrap().is_shutdown()
        });
        reader.set_error(std::num::NonZeroI32::new(-22).unwrap(), None);
        let here = reader.error().unwrap();
        let there = other.join().unwrap();
        assert_eq!(here.is_shutdown(), there, "both see the same first error");
        assert_eq!(here.errno(), if there { -5 } else { -22 });
    });
}
