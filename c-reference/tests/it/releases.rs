//! Releases beside the pinned one, and the functions that they have beside its.

use std::path::{Path, PathBuf};

use c_reference::{FaultKind, Reference, Release, Session, Stop, Transfer, Undefined, Whence};

use crate::support::{Answer, Event, Script, compiled, counting, session};

/// The file of a release beside the checkout; `None` where it is not there and `REQUIRE_C=1` does
/// not demand it.
fn release(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/original")
        .join(name)
        .join("qemu-file.c");
    if path.is_file() {
        return Some(path);
    }
    let absence = format!("{}: not here: put QEMU {name}'s qemu-file.c there", path.display());
    assert!(std::env::var("REQUIRE_C").as_deref() != Ok("1"), "{absence}");
    println!("{absence}");
    None
}

fn opened(name: &str) -> Option<Reference> {
    Some(compiled(&release(name)?))
}

/// Both releases that have all functions.
fn later() -> Vec<Reference> {
    ["v10.0.13", "v10.2.2"].into_iter().filter_map(opened).collect()
}

fn writer(reference: &Reference, script: Script) -> (Session<Script>, usize) {
    let mut session = session(reference, script);
    let stream = session.new_output(0).expect("a stream");
    (session, stream)
}

fn reader(reference: &Reference, script: Script) -> (Session<Script>, usize) {
    let mut session = session(reference, script);
    let stream = session.new_input(0).expect("a stream");
    (session, stream)
}

#[test]
fn releases_are_known_by_hash_and_by_what_they_have() {
    let found: Vec<(Release, Release)> = later()
        .iter()
        .map(|reference| (reference.release(), reference.inferred_release()))
        .collect();
    for (release, inferred) in &found {
        assert_eq!(release, inferred);
    }
    if found.len() == 2 {
        assert_eq!([found[0].0, found[1].0], [Release::V10_0, Release::V10_2]);
    }
    let Some(pinned) = crate::support::original() else { return };
    assert_eq!([pinned.release(), pinned.inferred_release()], [Release::V8_2; 2]);
    assert_eq!(pinned.as_release(Release::V9_0).release(), Release::V9_0);
}

#[test]
fn later_releases_lack_what_was_dropped() {
    for reference in later() {
        assert_eq!(
            reference.missing(),
            ["qemu_put_compression_data", "qemu_put_qemu_file", "qemu_file_buffer_empty"]
        );
        let (mut session, stream) = writer(&reference, Script::default());
        let refused = session.buffer_empty(stream);
        let function = "qemu_file_buffer_empty";
        assert_eq!(refused, Err(Undefined::NoFunction { function }.into()));
    }
}

#[test]
fn assertions_of_later_releases_are_those_of_the_pinned_one() {
    for reference in later() {
        let line = |stop| match stop {
            Err(Stop::Asserted { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        let (mut session, writing) = writer(&reference, Script::default());
        assert_eq!(line(session.get_to_fd(writing, 0, 1)), 307);
        assert_eq!(line(session.get_byte(writing)), 590);
        assert_eq!(line(session.put_counted_string(writing, &[b'x'; 256]).map(|()| 0)), 775);
        let (mut session, reading) = reader(&reference, Script::default());
        assert_eq!(line(session.peek_byte(reading, 32768)), 591);
        assert_eq!(line(session.transferred(reading).map(|_| 0)), 617);
    }
}

#[test]
fn bytes_go_to_an_offset_and_are_counted() {
    for reference in later() {
        let script = Script { seekable: true, ..Script::default() };
        let (mut session, stream) = writer(&reference, script);
        assert_eq!(session.is_seekable(stream), Ok(true));
        session.put_be16(stream, 1).expect("defined");
        session.put_buffer_at(stream, b"there", 4096).expect("defined");
        assert_eq!(session.get_error(stream), Ok(0));
        assert_eq!(session.transferred(stream), Ok(7));
        let events = &session.host().events;
        assert!(matches!(events[1], Event::Write(_)), "flushed first: {events:?}");
        assert_eq!(events[2], Event::WriteAt(4096, b"there".to_vec()));
    }
}

#[test]
fn bytes_come_from_an_offset_whole_or_not_at_all() {
    for reference in later() {
        let script = Script { seekable: true, content: counting(100), ..Script::default() };
        let (mut session, stream) = reader(&reference, script);
        let got = session.get_buffer_at(stream, 4, 10, Vec::new()).expect("defined");
        assert_eq!((got.len, got.buffer, got.error), (4, vec![10, 11, 12, 13], None));
        let got = session.get_buffer_at(stream, 4, 98, Vec::new()).expect("defined");
        assert_eq!(got.len, 0);
        let (code, text) = session.get_error_obj(stream).expect("defined");
        assert_eq!((code, text.as_deref()), (-5, Some("Partial read of size 2, expected 4")));
    }
}

#[test]
fn a_channel_without_offsets_refuses_in_its_own_words() {
    for reference in later() {
        let (mut session, stream) = writer(&reference, Script::default());
        assert_eq!(session.is_seekable(stream), Ok(false));
        session.put_buffer_at(stream, b"x", 0).expect("defined");
        let (code, text) = session.get_error_obj(stream).expect("defined");
        let text = text.expect("a text");
        assert_eq!((code, &*text), (-5, "Requested channel is not seekable: Invalid argument"));
    }
}

#[test]
fn a_seek_drops_what_was_buffered_and_tells_the_channels_place() {
    for reference in later() {
        let mut script = Script::reading(&counting(50), 50);
        script.place = Some(7);
        let (mut session, stream) = reader(&reference, script);
        assert_eq!(session.get_byte(stream), Ok(0));
        session.set_offset(stream, 20, Whence::Start).expect("defined");
        let state = session.state(stream).expect("open");
        assert_eq!((state.buf_index, state.buf_size), (0, 0));
        assert_eq!(session.get_offset(stream), Ok(7));
        assert!(session.host().events.contains(&Event::Seek(20, Whence::Start)));
        session.host_mut().place = None;
        assert_eq!(session.get_offset(stream), Ok(-1));
        assert_eq!(session.get_error(stream), Ok(-5));
    }
}

#[test]
fn descriptors_are_sent_with_a_byte_and_taken_with_one() {
    for reference in later() {
        let script = Script { passing: true, ..Script::default() };
        let (mut session, stream) = writer(&reference, script);
        assert_eq!(session.put_fd(stream, 9), Ok(0));
        assert_eq!(session.host().events.last(), Some(&Event::Sent(b" ".to_vec(), vec![9])));

        let mut script = Script { passing: true, ..Script::reading(b" x", 2) };
        script.descriptors.extend([11, 12]);
        let (mut session, stream) = reader(&reference, script);
        assert_eq!(session.get_fd(stream), Ok(Some(11)));
        assert_eq!(session.get_byte(stream), Ok(i32::from(b'x')));
        assert_eq!(session.fclose(stream), Ok(0));
        let events = &session.host().events;
        assert!(events.contains(&Event::CloseDescriptor(12)), "{events:?}");
        let report = "warning: qemu_fclose: received fd 12 was never claimed".to_owned();
        assert!(events.contains(&Event::Report(report)), "{events:?}");
        assert!(session.end().is_clean());
    }
}

#[test]
fn a_descriptor_that_the_channel_does_not_take_now_is_not_sent() {
    for reference in later() {
        let script = Script { passing: true, ..Script::writing([Transfer::WouldBlock]) };
        let (mut session, stream) = writer(&reference, script);
        assert_eq!(session.put_fd(stream, 9), Err(Undefined::NullError.into()));
    }
}

#[test]
fn a_stream_without_descriptors_says_so_and_frees_its_error() {
    for reference in later() {
        let (mut session, stream) = reader(&reference, Script::reading(b"x", 1));
        assert_eq!(session.get_fd(stream), Ok(None));
        assert_eq!(session.get_error(stream), Ok(-5));
        assert_eq!(session.host().reports().len(), 1);
        assert!(session.end().is_clean());
    }
}

#[test]
fn set_blocking_returns_from_10_2_on() {
    for reference in later() {
        let script = Script { blocking: Some("no".to_owned()), ..Script::default() };
        let (mut session, stream) = writer(&reference, script);
        session.set_blocking(stream, true).expect("in every release");
        let said = session.try_set_blocking(stream, true);
        if reference.release() < Release::V10_2 {
            assert!(matches!(said, Err(Stop::Undefined(Undefined::NoFunction { .. }))), "{said:?}");
        } else {
            assert_eq!(said, Ok((false, Some("no".to_owned()))));
        }
    }
}

#[test]
fn a_failing_read_of_10_2_is_another_number() {
    for reference in later() {
        let mut script = Script::default();
        script.input.push_back(Answer::Other(Transfer::Failed("gone".to_owned())));
        let (mut session, stream) = reader(&reference, script);
        let expected = if reference.release() < Release::V10_2 { -5 } else { -1 };
        assert_eq!(session.get_to_fd(stream, 0, 4), Ok(expected));
    }
}

/// Of the three types of `qemu_get_buffer_at` only one is in the releases that are here; the other
/// two are made from it.
#[test]
fn every_type_of_the_later_functions_is_told_apart() {
    let Some(path) = release("v10.2.2") else { return };
    let text = std::fs::read_to_string(path).expect("readable");
    let strict = text.replace(
        "int qemu_file_get_fd(QEMUFile *f)",
        "int qemu_file_get_fd(QEMUFile *f, int *out)",
    );
    assert_ne!(strict, text);
    let mutable = strict.replace(
        "qemu_get_buffer_at(QEMUFile *f, const uint8_t",
        "qemu_get_buffer_at(QEMUFile *f, uint8_t",
    );
    assert_ne!(mutable, strict);
    let at = mutable.find("qemu_get_buffer_at").expect("there");
    let (before, behind) = mutable.split_at(at);
    let telling =
        format!("{before}{}", behind.replacen("off_t pos)", "off_t pos, Error **errp)", 1));
    let folder = tempfile::tempdir().expect("a folder");
    let expected = [(strict, Release::V11_0), (mutable, Release::V11_1), (telling, Release::Next)];
    for (text, release) in expected {
        let path = folder.path().join("changed.c");
        std::fs::write(&path, text).expect("writable");
        let reference = compiled(&path);
        assert_eq!(reference.release(), release);
        let script = Script { seekable: true, content: counting(9), ..Script::default() };
        let (mut session, stream) = reader(&reference, script);
        let got = session.get_buffer_at(stream, 3, 0, Vec::new()).expect("defined");
        assert_eq!((got.len, got.buffer), (3, vec![0, 1, 2]));
    }
}

#[test]
fn the_use_of_an_error_that_is_not_there_is_a_fault() {
    let Some(path) = release("v10.0.13") else { return };
    let text = std::fs::read_to_string(path).expect("readable");
    // The shim's own look, where the host's is not in the way.
    let broken =
        text.replace("error_report_err(error_copy(err));", "error_report_err(error_copy(NULL));");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("broken.c");
    std::fs::write(&path, broken).expect("writable");
    let reference = compiled(&path);
    let (mut session, stream) = reader(&reference, Script::default());
    match session.get_fd(stream) {
        Err(Stop::Undefined(Undefined::Fault(fault))) => {
            assert_eq!((fault.kind, &*fault.function), (FaultKind::NullError, "qemu_file_get_fd"));
        }
        other => panic!("{other:?}"),
    }
}
