//! Descriptors along with the bytes, on a scripted channel.

use std::fs::File;
use std::num::NonZeroI32;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use qemufile_core::compat::{self, nonblocking};
use qemufile_core::{Error, Operation, Quirks, Release, Stream};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::support::{Later, block_on};

fn some() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

/// Without the questions at the start.
fn calls(later: &Later) -> Vec<String> {
    later.calls().into_iter().filter(|call| call != "passes?").collect()
}

#[test]
fn a_descriptor_follows_what_is_queued_and_is_not_counted() {
    let later = Later::new([]);
    let mut writer = later.writer(Release::V10_0, Quirks::FIXED);
    writer.put_byte(9).unwrap();
    writer.send_descriptor(some()).unwrap();
    assert_eq!(calls(&later), ["write [9]", "send [32] and 1 descriptors"]);
    assert_eq!(writer.transferred(), 1);
}

#[test]
fn sending_waits_and_tries_again() {
    let answers = [Err(11), Ok(0), Err(4), Ok(1)];
    let later = Later::new(answers);
    later.writer(Release::V10_0, Quirks::FIXED).send_descriptor(some()).unwrap();
    assert_eq!(calls(&later)[1], "wait Output");
    let later = Later::new(answers);
    let mut task = later.task_writer(Release::V10_0, Quirks::FIXED);
    block_on(task.send_descriptor(some())).unwrap();
    assert_eq!(calls(&later)[1], "yield Output");
    let later = Later::new([Err(11), Err(5)]);
    let error = later.writer(Release::V10_0, Quirks::FIXED).send_descriptor(some()).unwrap_err();
    assert!(error.to_string().starts_with("wait failed"), "{error}");
}

#[test]
fn a_failure_is_reported_once_and_on_a_failed_stream_twice() {
    let text = std::io::Error::from_raw_os_error(32).to_string();
    for quirks in [Quirks::FIXED, Quirks::faithful(Release::V10_0)] {
        let later = Later::new([Err(32), Err(32), Ok(1)]);
        let mut writer = later.writer(Release::V10_0, quirks);
        let error = writer.send_descriptor(some()).unwrap_err();
        assert!(error.to_string().starts_with("sending a descriptor failed"), "{error}");
        let reported = format!("report descriptor: {text}");
        assert_eq!(calls(&later)[1..], std::slice::from_ref(&reported)[..]);
        assert_eq!(writer.send_descriptor(some()).unwrap_err().errno(), -5);
        if quirks.unchecked_flush {
            assert_eq!(calls(&later)[1..], [reported, format!("report later: {text}")]);
            assert!(writer.send_descriptor(some()).is_ok(), "it sends on a failed stream");
        } else {
            assert_eq!(calls(&later), [""; 0]);
        }
    }
}

#[test]
fn a_descriptor_is_received_at_its_byte() {
    let (first, second) = (some(), some());
    let numbers = [first.as_raw_fd(), second.as_raw_fd()];
    let later = Later::passing([(&b"ab "[..], vec![first]), (&b"c d"[..], vec![second])]);
    let mut reader = later.reader(Release::V11_0, Quirks::FIXED);
    assert_eq!(reader.get_be16().unwrap(), 0x6162);
    assert_eq!(reader.receive_descriptor().unwrap().as_raw_fd(), numbers[0]);
    assert_eq!(reader.get_byte().unwrap(), b'c');
    assert_eq!(reader.receive_descriptor().unwrap().as_raw_fd(), numbers[1]);
    assert_eq!(reader.get_byte().unwrap(), b'd');
    assert!(matches!(reader.receive_descriptor(), Err(Error::Short(_))), "the end");
    assert_eq!(calls(&later).len(), 3, "and nothing is reported");
    reader.close().unwrap_err();
}

#[test]
fn another_byte_is_an_error_that_names_it() {
    let text = |byte: &'static [u8], quirks: Quirks| {
        let later = Later::passing([(byte, Vec::new())]);
        let mut reader = later.reader(Release::V11_0, quirks);
        let error = reader.receive_descriptor().unwrap_err();
        assert_eq!((error.errno(), reader.buffered().len()), (-5, 0), "the byte is consumed");
        let text = error.stream().unwrap().text();
        assert_eq!(calls(&later)[1..], [format!("report descriptor: {text}")]);
        text
    };
    let faithful = Quirks::faithful(Release::V11_0);
    for quirks in [Quirks::FIXED, faithful] {
        assert_eq!(text(b"x", quirks), "scripted unexpected service byte: 120(x)");
        assert_eq!(text(b" ", quirks), "scripted no FD come with service byte");
    }
    assert_eq!(text(b"\0", faithful), "scripted unexpected service byte: 0(", "as C prints it");
    assert_eq!(text(b"\0", Quirks::FIXED), "scripted unexpected service byte: 0(\\x00)");
    assert_eq!(text(b"\xff", faithful), "scripted unexpected service byte: 255(\u{fffd})");
    assert_eq!(text(b"\xff", Quirks::FIXED), "scripted unexpected service byte: 255(\\xff)");
}

#[test]
fn the_end_taken_for_a_byte_is_reported_twice() {
    let later = Later::passing([]);
    let mut reader = later.reader(Release::V11_0, Quirks::faithful(Release::V11_0));
    assert!(reader.receive_descriptor().unwrap_err().stream().unwrap().is_end_of_stream());
    let text = "scripted unexpected service byte: 0(";
    let reports = [format!("report descriptor: {text}"), format!("report later: {text}")];
    assert_eq!(calls(&later)[1..], reports);
}

#[test]
fn out_of_step_the_first_descriptor_comes_with_any_byte() {
    let descriptor = some();
    let number = descriptor.as_raw_fd();
    let later = Later::passing([(&b"xy"[..], vec![descriptor])]);
    let quirks = Quirks::faithful(Release::V10_0);
    let mut reader = later.reader(Release::V10_0, quirks);
    assert_eq!(reader.receive_descriptor().unwrap().as_raw_fd(), number);
    assert_eq!(reader.buffered(), b"y", "and an ordinary byte is lost");
    let error = reader.receive_descriptor().unwrap_err();
    assert!(matches!(error, Error::NoDescriptor), "{error}");
    assert_eq!((error.errno(), reader.buffered().len()), (-1, 1), "no byte is");
    assert!(error.to_string().starts_with("no descriptor"));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::Other);
    assert!(reader.error().is_none());
    assert_eq!(reader.get_byte().unwrap(), b'y');
    assert!(matches!(reader.receive_descriptor(), Err(Error::Short(_))));
}

#[test]
fn a_channel_that_passes_none_is_an_error() {
    for quirks in [Quirks::FIXED, Quirks::faithful(Release::V10_2)] {
        let later = Later::new([]);
        let mut reader = later.reader(Release::V10_2, quirks);
        let error = reader.receive_descriptor().unwrap_err();
        let text = "scripted does not support fd passing";
        assert_eq!(error.stream().unwrap().text(), text);
        assert!(error.to_string().starts_with("receiving a descriptor failed"), "{error}");
        assert_eq!(calls(&later), [format!("report descriptor: {text}")], "nothing is read");
        assert!(matches!(
            error.stream().unwrap().cause(),
            qemufile_core::Cause::Channel { operation: Operation::ReceiveDescriptor, .. }
        ));
    }
}

#[test]
fn what_nobody_received_is_closed_with_the_stream() {
    let (first, second) = (some(), some());
    let numbers = [first.as_raw_fd(), second.as_raw_fd()];
    let later = Later::passing([(&b"  "[..], vec![first, second])]);
    let mut reader = later.reader(Release::V10_2, Quirks::FIXED);
    reader.get_byte().unwrap();
    later.calls();
    reader.close().unwrap();
    let expected = numbers.map(|number| {
        format!("report unclaimed: descriptor {number} came in and was never received")
    });
    let calls = later.calls();
    assert_eq!(calls[0], "close");
    assert_eq!(calls[1..], expected);
    let later = Later::passing([(&b" "[..], vec![some()])]);
    let mut task = later.task_reader(Release::V10_2, Quirks::FIXED);
    block_on(task.get_byte()).unwrap();
    later.calls();
    task.close().unwrap();
    assert!(later.calls()[1].starts_with("report unclaimed"));
}

#[test]
fn the_blocking_mode_is_kept_since_10_2() {
    for (release, blocks) in [(Release::V10_0, true), (Release::V10_2, false)] {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let flags = fcntl_getfl(&ours).unwrap() | OFlags::APPEND;
        fcntl_setfl(&ours, flags).unwrap();
        let later = Later::passing([(&b" "[..], vec![ours.into()])]);
        let mut reader = later.reader(release, Quirks::FIXED);
        let came = reader.receive_descriptor().unwrap();
        let flags = fcntl_getfl(&came).unwrap();
        assert_eq!(flags.contains(OFlags::NONBLOCK), !blocks);
        assert!(flags.contains(OFlags::APPEND), "and nothing else is changed");
    }
}

#[test]
fn compat_gives_the_originals_results() {
    let file = some();
    let mut writer = Later::new([Ok(1), Err(32)]).writer(Release::V10_0, Quirks::FIXED);
    assert_eq!(compat::put_fd(&mut writer, file.as_fd()), 0);
    assert_eq!(compat::put_fd(&mut writer, file.as_fd()), -1);
    let mut writer = Later::new([Ok(1), Err(32)]).task_writer(Release::V10_0, Quirks::FIXED);
    assert_eq!(block_on(nonblocking::put_fd(&mut writer, file.as_fd())), 0);
    assert_eq!(block_on(nonblocking::put_fd(&mut writer, file.as_fd())), -1);
    let mut reader =
        Later::passing([(&b" "[..], vec![some()])]).reader(Release::V11_0, Quirks::FIXED);
    assert!(compat::get_fd(&mut reader).is_some());
    assert!(compat::get_fd(&mut reader).is_none());
    let mut reader =
        Later::passing([(&b" "[..], vec![some()])]).task_reader(Release::V11_0, Quirks::FIXED);
    assert!(block_on(nonblocking::get_fd(&mut reader)).is_some());
    assert!(block_on(nonblocking::get_fd(&mut reader)).is_none());
}

#[test]
fn an_error_of_the_caller_stops_sending() {
    let later = Later::new([]);
    let mut writer = later.writer(Release::V10_0, Quirks::FIXED);
    writer.set_error(NonZeroI32::new(-22).unwrap(), None);
    assert_eq!(writer.send_descriptor(some()).unwrap_err().errno(), -22);
    assert_eq!(calls(&later), [""; 0]);
}
