//! Child processes.

use std::io::{ErrorKind, Read as _};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use qemufile_core::{Channel, CommandChannel, Direction, Operation, Reader, Stream, Writer};

use super::cause;
use crate::support::pattern;

fn shell(line: &str, directions: &[Direction]) -> Arc<CommandChannel> {
    Arc::new(CommandChannel::shell(line, directions).unwrap())
}

#[test]
fn a_child_that_keeps_what_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream");
    let mut writer =
        Writer::new(shell(&format!("cat > '{}'", path.display()), &[Direction::Output]));
    writer.put_buffer(&pattern(300_000)).unwrap();
    writer.close().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), pattern(300_000), "the close waited for the child");

    let child = shell(&format!("cat '{}'", path.display()), &[Direction::Input]);
    let mut reader = Reader::new(child);
    let mut into = vec![0; 300_000];
    reader.get_buffer(&mut into).unwrap();
    assert_eq!(into, pattern(300_000));
    assert!(reader.get_byte().unwrap_err().stream().unwrap().is_end_of_stream());
}

#[test]
fn a_child_in_both_directions() {
    let child = shell("cat", &[Direction::Input, Direction::Output]);
    child.set_blocking(false).unwrap();
    let mut writer = Writer::new(child);
    let mut reader = writer.return_path();
    writer.put_be64(7).unwrap();
    writer.flush().unwrap();
    assert_eq!(reader.get_be64().unwrap(), 7);
    writer.close().unwrap();
}

#[test]
fn a_child_is_known_by_its_number() {
    let child = shell("echo $$", &[Direction::Input]);
    let mut said = String::new();
    Reader::new(child.clone()).read_to_string(&mut said).unwrap();
    assert_eq!(said.trim(), child.id().to_string());
    let error = child.wait(Direction::Output).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected, "nothing to wait for");
    child.close().unwrap();
}

#[test]
fn a_child_that_dies_early() {
    let mut writer = Writer::new(shell("exit 3", &[Direction::Output]));
    let error = writer.put_buffer(&pattern(1 << 20)).unwrap_err();
    assert_eq!(cause(&error), (Operation::Write, 32));
    let error = writer.close().unwrap_err();
    assert_eq!(error.errno(), -5);
    assert!(error.channel.unwrap().to_string().contains("exit status: 3"));
}

#[test]
fn a_child_that_fails_after_it_took_everything() {
    let mut writer = Writer::new(shell("cat > /dev/null; exit 7", &[Direction::Output]));
    writer.put_byte(1).unwrap();
    let error = writer.close().unwrap_err();
    assert_eq!((error.errno(), error.stream.is_none()), (-1, true));
    assert!(error.to_string().contains("exit status: 7"), "{error}");
}

#[test]
fn a_child_that_is_killed() {
    let child = shell("printf abc; kill -9 $$", &[Direction::Input]);
    let mut reader = Reader::new(child);
    let error = reader.get_be32().unwrap_err();
    assert!(error.stream().unwrap().is_end_of_stream(), "{error}");
    let error = reader.close().unwrap_err();
    assert!(error.channel.unwrap().to_string().contains("signal: 9"));
}

#[test]
fn a_child_that_does_not_end_is_killed() {
    // It does not look at its pipes, and would go on for a long time. A shell in between would be
    // killed in its place, and leave it behind.
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let child =
        CommandChannel::spawn(sleep, &[Direction::Output]).unwrap().patience(Duration::ZERO);
    assert_ne!(child.id(), 0);
    assert!(format!("{child:?}").contains(&child.id().to_string()));
    let error = child.close().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("killed"), "{error}");
}

#[test]
fn a_second_close_does_not_wait_again() {
    let child = shell("exit 1", &[]);
    assert!(child.close().is_err());
    child.close().unwrap();
    assert!(child.set_blocking(true).is_err());
}

#[test]
fn directions_that_are_not_connected() {
    let child = shell("true", &[]);
    let mut writer = Writer::new(child.clone());
    writer.put_byte(1).unwrap();
    assert!(writer.flush().unwrap_err().to_string().contains("not connected"));
    let mut reader = Reader::new(child);
    assert!(reader.get_byte().unwrap_err().to_string().contains("not connected"));
    assert!(reader.channel().can_shutdown());
}

#[test]
fn a_program_that_is_not_there() {
    let missing = Command::new("/nonexistent/program");
    assert!(CommandChannel::spawn(missing, &[Direction::Output]).is_err());
}

/// A command whose standard error is a pipe, which ends when the last process that has it does.
fn watched(line: &str) -> (std::io::PipeReader, Command) {
    let (source, sink) = std::io::pipe().unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).stderr(sink);
    (source, command)
}

fn wait_for_all(mut source: std::io::PipeReader) {
    let mut rest = Vec::new();
    source.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, [], "all holders of the pipe are gone");
}

#[test]
fn a_dropped_child_is_not_left_behind() {
    let (source, command) = watched("exec cat /dev/zero >/dev/null");
    drop(CommandChannel::spawn(command, &[]).unwrap().patience(Duration::ZERO));
    wait_for_all(source);
}

#[test]
fn what_a_child_started_ends_with_it() {
    for closes in [true, false] {
        let (source, command) = watched("sleep 1000 | sleep 1000");
        let child = CommandChannel::spawn(command, &[Direction::Output]).unwrap();
        let child = child.patience(Duration::ZERO);
        if closes {
            assert_eq!(child.close().unwrap_err().kind(), ErrorKind::TimedOut);
        } else {
            child.shutdown().unwrap();
        }
        wait_for_all(source);
        drop(child);
    }
}

#[test]
fn a_dropped_child_keeps_what_it_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream");
    let (source, command) = watched(&format!("exec cat > '{}'", path.display()));
    let child = CommandChannel::spawn(command, &[Direction::Output]).unwrap();
    let mut writer = Writer::new(Arc::new(child));
    writer.put_buffer(&pattern(50_000)).unwrap();
    drop(writer);
    wait_for_all(source);
    assert_eq!(std::fs::read(&path).unwrap(), pattern(50_000));
}

#[test]
fn a_writer_that_is_stuck_in_the_pipe_is_shut_down() {
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let child = CommandChannel::spawn(sleep, &[Direction::Output]).unwrap();
    let mut writer = Writer::new(Arc::new(child));
    let handle = writer.shutdown_handle();
    let other = std::thread::spawn(move || handle.shutdown().unwrap());
    assert!(writer.put_buffer(&pattern(1 << 20)).unwrap_err().is_shutdown());
    other.join().unwrap();
    let error = writer.close().unwrap_err();
    assert!(error.channel.unwrap().to_string().contains("signal: 9"));
}

#[test]
fn one_that_has_ended_is_none_to_kill() {
    let child = shell("true", &[Direction::Input]);
    Reader::new(child.clone()).read_to_string(&mut String::new()).unwrap();
    child.close().unwrap();
    child.shutdown().unwrap();
}

/// Unparks a thread, which is how a task is woken that has no runtime.
struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn an_asynchronous_close_does_not_block() {
    use std::task::{Context, Poll};

    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let child = Arc::new(CommandChannel::spawn(sleep, &[Direction::Output]).unwrap());
    let writer = qemufile_core::AsyncWriter::new(child.clone());
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut cx = Context::from_waker(&waker);
    let mut close = std::pin::pin!(writer.close());
    assert!(close.as_mut().poll(&mut cx).is_pending(), "the child does not end by itself");
    assert!(close.as_mut().poll(&mut cx).is_pending());
    assert!(child.set_blocking(true).is_err(), "nobody waits for the close");
    child.shutdown().unwrap();
    let error = loop {
        match close.as_mut().poll(&mut cx) {
            Poll::Ready(closed) => break closed.unwrap_err(),
            Poll::Pending => std::thread::park(),
        }
    };
    assert!(error.channel.unwrap().to_string().contains("signal: 9"));
    assert!(matches!(child.poll_close(&mut cx), Poll::Ready(Ok(()))), "a second one");
}
