//! Positioned reads and writes, and seeks.

use std::io::SeekFrom;
use std::num::NonZeroI32;

use qemufile_core::compat::{self, nonblocking};
use qemufile_core::{Cause, NullChannel, Operation, Quirks, Release, Stream, StreamError, Writer};

use super::support::{Answer, Later, block_on};

const EAGAIN: i32 = 11;
const EINTR: i32 = 4;
const EIO: i32 = 5;

fn faithful() -> Quirks {
    Quirks::faithful(Release::V9_0)
}

fn write(answers: &[Answer], quirks: Quirks) -> (Result<(), StreamError>, Vec<String>, u64) {
    let later = Later::new(answers.iter().copied());
    let mut writer = later.writer(Release::V9_0, quirks);
    let result = writer.put_buffer_at(&[1, 2, 3], 100);
    let calls = later.calls();
    let task = Later::new(answers.iter().copied());
    let mut yielding = task.task_writer(Release::V9_0, quirks);
    let other = block_on(yielding.put_buffer_at(&[1, 2, 3], 100));
    assert_eq!(format!("{other:?}"), format!("{result:?}"));
    let yields: Vec<String> = calls.iter().map(|call| call.replace("wait", "yield")).collect();
    assert_eq!(task.calls(), yields);
    (result, calls, writer.transferred())
}

fn read(answers: &[Answer], quirks: Quirks) -> (Result<(), StreamError>, Vec<String>) {
    let later = Later::new(answers.iter().copied());
    let mut reader = later.reader(Release::V9_0, quirks);
    let mut into = [0; 3];
    let result = reader.get_buffer_at(&mut into, 100);
    assert!(result.is_err() || into == [7; 3]);
    (result, later.calls())
}

#[test]
fn all_at_once() {
    for quirks in [Quirks::FIXED, faithful()] {
        let (result, calls, transferred) = write(&[], quirks);
        assert!(result.is_ok());
        assert_eq!((calls, transferred), (vec!["write [1, 2, 3] at 100".to_owned()], 3));
        let (result, calls) = read(&[], quirks);
        assert!(result.is_ok());
        assert_eq!(calls, ["read 3 at 100"]);
    }
}

#[test]
fn a_part_is_continued_or_an_error() {
    let (result, calls, transferred) = write(&[Ok(1), Ok(2)], Quirks::FIXED);
    assert!(result.is_ok());
    assert_eq!(calls, ["write [1, 2, 3] at 100", "write [2, 3] at 101"]);
    assert_eq!(transferred, 3);
    let (result, calls) = read(&[Ok(2), Ok(1)], Quirks::FIXED);
    assert!(result.is_ok());
    assert_eq!(calls, ["read 3 at 100", "read 1 at 102"]);

    let (result, calls, transferred) = write(&[Ok(1)], faithful());
    let error = result.unwrap_err();
    assert_eq!((error.errno(), calls.len(), transferred), (-EIO, 1, 0));
    assert_eq!(error.text(), "Partial write of size 1, expected 3");
    assert!(matches!(error.cause(), Cause::Channel { operation: Operation::WriteAt, done: 1, .. }));
    let (result, calls) = read(&[Ok(2)], faithful());
    let error = result.unwrap_err();
    assert_eq!(error.text(), "Partial read of size 2, expected 3");
    assert_eq!((error.errno(), calls.len()), (-EIO, 1));
    let kind = |error: StreamError| std::io::Error::from(error).kind();
    assert_eq!(kind(error), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(kind(write(&[Ok(1)], faithful()).0.unwrap_err()), std::io::ErrorKind::WriteZero);
}

#[test]
fn an_end_is_an_error() {
    let error = read(&[Ok(1), Ok(0)], Quirks::FIXED).0.unwrap_err();
    assert_eq!(error.text(), "Unexpected end-of-file before all data were read");
    assert!(error.to_string().starts_with("positioned read failed, 1 of 3"), "{error}");
    assert_eq!(
        read(&[Ok(0)], faithful()).0.unwrap_err().text(),
        "Partial read of size 0, expected 3"
    );
    let error = write(&[Ok(0)], Quirks::FIXED).0.unwrap_err();
    assert!(error.to_string().contains("took none"), "{error}");
}

#[test]
fn one_that_would_block_waits_or_fails() {
    let (result, calls, _) = write(&[Err(EAGAIN)], Quirks::FIXED);
    assert!(result.is_ok());
    assert_eq!(calls[1..], ["wait Output", "write [1, 2, 3] at 100"]);
    let (result, calls) = read(&[Err(EAGAIN)], Quirks::FIXED);
    assert!(result.is_ok());
    assert_eq!(calls[1], "wait Input");
    let error = write(&[Err(EAGAIN), Err(EIO)], Quirks::FIXED).0.unwrap_err();
    assert!(matches!(error.cause(), Cause::Channel { operation: Operation::Wait, .. }));

    for (error, name) in [
        (write(&[Err(EAGAIN)], faithful()).0.unwrap_err(), "positioned write"),
        (read(&[Err(EAGAIN)], faithful()).0.unwrap_err(), "positioned read"),
    ] {
        assert_eq!((error.errno(), error.message()), (-EAGAIN, None));
        assert_eq!(error.text(), "Channel error: Resource temporarily unavailable");
        assert_eq!(error.to_string(), format!("{name} would have blocked"));
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
fn an_interruption_is_tried_again_and_a_failure_is_not() {
    for quirks in [Quirks::FIXED, faithful()] {
        assert!(write(&[Err(EINTR)], quirks).0.is_ok());
        let error = write(&[Err(28)], quirks).0.unwrap_err();
        assert_eq!(error.errno(), -EIO);
        assert!(error.to_string().starts_with("positioned write failed, 0 of 3"), "{error}");
        assert_eq!(read(&[Err(EIO)], quirks).0.unwrap_err().errno(), -EIO);
        assert!(read(&[Ok(9)], quirks).0.unwrap_err().to_string().contains("claims 9 bytes"));
    }
}

#[test]
fn no_bytes_are_a_call_up_to_11_0() {
    for (quirks, calls) in [(Quirks::FIXED, 0), (faithful(), 1)] {
        let later = Later::new([]);
        let mut writer = later.writer(Release::V9_0, quirks);
        writer.put_buffer_at(&[], 5).unwrap();
        assert_eq!(later.calls().len(), calls);
        later.reader(Release::V9_0, quirks).get_buffer_at(&mut [], 5).unwrap();
        assert_eq!(later.calls().len(), calls);
    }
}

#[test]
fn what_is_queued_is_written_first() {
    let later = Later::new([]);
    let mut writer = later.writer(Release::V9_0, Quirks::FIXED);
    writer.put_byte(9).unwrap();
    writer.put_buffer_at(&[1], 0).unwrap();
    writer.put_byte(8).unwrap();
    assert_eq!(writer.set_offset(SeekFrom::Start(4)).unwrap(), 1000);
    writer.put_byte(7).unwrap();
    assert_eq!(writer.offset().unwrap(), 1000);
    let expected = [
        "write [9]",
        "write [1] at 0",
        "write [8]",
        "seek Start(4)",
        "write [7]",
        "seek Current(0)",
    ];
    assert_eq!(later.calls(), expected);
    assert!(writer.is_seekable() && compat::is_seekable(&writer));
    let other = Writer::new(std::sync::Arc::new(NullChannel::new()));
    assert!(!other.is_seekable() && !compat::is_seekable(&other));
}

#[test]
fn a_failed_flush_is_the_end_unless_it_is_not_looked_at() {
    for quirks in [Quirks::FIXED, faithful()] {
        for operation in 0..2 {
            let later = Later::new([Err(28)]);
            let mut writer = later.writer(Release::V9_0, quirks);
            writer.put_byte(9).unwrap();
            let failed = match operation {
                0 => writer.put_buffer_at(&[1], 0).is_err(),
                _ => writer.set_offset(SeekFrom::Start(0)).is_err(),
            };
            let goes_on = quirks.unchecked_flush;
            assert_eq!(failed, operation == 0 || !goes_on, "the stream's error is a put's");
            assert_eq!(later.calls().len(), if goes_on { 2 } else { 1 });
            let counted = goes_on && operation == 0;
            assert_eq!(writer.transferred(), u64::from(counted));
            assert!(writer.put_buffer_at(&[1], 0).is_err());
            assert_eq!(later.calls().len(), 0, "a stream that has failed writes nothing");
        }
    }
}

#[test]
fn a_second_error_is_reported() {
    let later = Later::new([Err(28), Err(5)]);
    let mut writer = later.writer(Release::V9_0, faithful());
    writer.put_byte(9).unwrap();
    assert_eq!(writer.put_buffer_at(&[1], 0).unwrap_err().errno(), -5);
    let text = std::io::Error::from_raw_os_error(5).to_string();
    assert_eq!(later.calls()[2], format!("report later: {text}"));

    let later = Later::new([Err(29)]);
    let mut reader = later.reader(Release::V9_0, Quirks::FIXED);
    reader.set_error(NonZeroI32::new(-22).unwrap(), None);
    assert_eq!(reader.set_offset(SeekFrom::Start(0)).unwrap_err().errno(), -22);
    assert_eq!(later.calls().len(), 2);
    assert!(reader.set_offset(SeekFrom::Start(0)).is_ok(), "the seek itself goes well");
    assert!(reader.get_buffer_at(&mut [0], 0).is_err());
    assert_eq!(later.calls().len(), 1, "and nothing is read");
}

#[test]
fn the_offset_of_a_reader() {
    for (quirks, place, by) in [(Quirks::FIXED, 994, 4), (faithful(), 1000, 10)] {
        let open = || {
            let later = Later::new([Ok(8)]);
            let mut reader = later.reader(Release::V9_0, quirks);
            reader.get_be16().unwrap();
            later.calls();
            (later, reader)
        };
        let (later, mut reader) = open();
        assert_eq!(reader.offset().unwrap(), place, "6 bytes are buffered");
        assert_eq!(reader.buffered().len(), 6);
        assert_eq!(later.calls(), ["seek Current(0)"]);
        reader.set_offset(SeekFrom::Current(10)).unwrap();
        assert_eq!(later.calls(), [format!("seek Current({by})")]);
        assert_eq!(reader.buffered(), []);
        let (later, mut reader) = open();
        reader.set_offset(SeekFrom::End(-1)).unwrap();
        assert_eq!(later.calls(), ["seek End(-1)"]);
    }
    let mut reader = Later::new([Err(29)]).reader(Release::V9_0, Quirks::FIXED);
    let error = reader.offset().unwrap_err();
    assert!(error.to_string().starts_with("seek failed"), "{error}");
}

#[test]
fn compat_gives_the_originals_results() {
    let open = || Later::new([Ok(3), Err(5), Ok(0), Err(5)]);
    let mut writer = open().writer(Release::V9_0, faithful());
    compat::put_buffer_at(&mut writer, &[1, 2, 3], 0);
    assert_eq!(compat::get_error(&writer), 0);
    assert_eq!(compat::get_writer_offset(&mut writer), -1);
    compat::set_writer_offset(&mut writer, SeekFrom::Start(0));
    assert_eq!(compat::get_writer_offset(&mut writer), -1);
    let mut task = open().task_writer(Release::V9_0, faithful());
    block_on(async {
        nonblocking::put_buffer_at(&mut task, &[1, 2, 3], 0).await;
        assert_eq!(compat::get_error(&task), 0);
        assert_eq!(nonblocking::get_writer_offset(&mut task).await, -1);
        nonblocking::set_writer_offset(&mut task, SeekFrom::Start(0)).await;
        assert_eq!(nonblocking::get_writer_offset(&mut task).await, -1);
    });

    let open = || Later::new([Ok(3), Err(5), Ok(5), Err(5), Ok(12)]);
    let mut reader = open().reader(Release::V9_0, faithful());
    assert_eq!(compat::get_buffer_at(&mut reader, &mut [0; 3], 0), 3);
    assert_eq!(compat::get_buffer_at(&mut reader, &mut [0; 3], 0), 0);
    compat::set_reader_offset(&mut reader, SeekFrom::Start(0));
    assert_eq!(compat::get_reader_offset(&mut reader), -1);
    assert_eq!(compat::get_reader_offset(&mut reader), 12);
    let mut task = open().task_reader(Release::V9_0, faithful());
    assert_eq!(block_on(nonblocking::get_buffer_at(&mut task, &mut [0; 3], 0)), 3);
    assert_eq!(block_on(nonblocking::get_buffer_at(&mut task, &mut [0; 3], 0)), 0);
    nonblocking::set_reader_offset(&mut task, SeekFrom::Start(0));
    assert_eq!(nonblocking::get_reader_offset(&mut task), -1);
    assert_eq!(nonblocking::get_reader_offset(&mut task), 12);
    assert_eq!(
        block_on(async { task.get_buffer_at(&mut [0; 1], 0).await }).unwrap_err().errno(),
        -5
    );
}

#[test]
fn an_asynchronous_writer_seeks() {
    let later = Later::new([]);
    let mut writer = later.writer(Release::V9_0, Quirks::FIXED);
    assert_eq!(compat::get_writer_offset(&mut writer), 1000);
    later.calls();
    let mut writer = later.task_writer(Release::V9_0, Quirks::FIXED);
    assert_eq!(block_on(writer.set_offset(SeekFrom::End(0))).unwrap(), 1000);
    assert_eq!(block_on(writer.offset()).unwrap(), 1000);
    assert_eq!(later.calls(), ["seek End(0)", "seek Current(0)"]);
    assert_eq!(block_on(nonblocking::get_writer_offset(&mut writer)), 1000);
    let mut reader = later.task_reader(Release::V9_0, Quirks::FIXED);
    assert_eq!(reader.set_offset(SeekFrom::End(0)).unwrap(), 1000);
    assert_eq!(reader.offset().unwrap(), 1000);
}
