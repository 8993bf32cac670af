//! What the original does where it takes bytes: facts seen before, seen again here.

use crate::support::{Answer, Event, Script, counting, original, reader, session};
use c_reference::{Direction, Source, Transfer};

#[test]
fn a_short_take_at_the_end_hands_out_stale_bytes() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(10), 10);
    assert_eq!(session.get_buffer(stream, 2, Vec::new()), Ok(vec![0, 1]));
    assert_eq!(session.get_buffer(stream, 9, Vec::new()), Ok(vec![4, 5, 6, 7, 8, 9, 8, 9]));

    let (mut session, stream) = reader(&reference, &counting(10), 10);
    assert_eq!(session.get_be16(stream), Ok(1));
    assert_eq!(session.peek_buffer(stream, 9, 0, Vec::new()), Ok(vec![4, 5, 6, 7, 8, 9, 8, 9]));
}

#[test]
fn the_in_place_take_of_the_same_stream_is_right() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(10), 10);
    assert_eq!(session.get_be16(stream), Ok(1));
    let taken = session.get_buffer_in_place(stream, 9, Vec::new()).expect("defined");
    assert_eq!((taken.bytes, taken.source), (vec![2, 3, 4, 5, 6, 7, 8, 9], Source::Copied));
}

#[test]
fn a_peek_behind_a_gap_reads_nothing_and_fails_nothing() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(10), 10);
    for _ in 0..3 {
        assert_eq!(session.peek_buffer(stream, 1, 5, Vec::new()), Ok(vec![]));
    }
    assert_eq!(session.host().reads(), 0);
    assert_eq!(session.get_error(stream), Ok(0));
    assert_eq!(session.peek_buffer(stream, 1, 0, Vec::new()), Ok(vec![0]));
    assert_eq!(session.peek_buffer(stream, 1, 5, Vec::new()), Ok(vec![5]));
}

#[test]
fn a_peek_at_a_far_byte_refills_once_per_call() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(10), 4);
    let seen: Vec<_> = (0..3).map(|_| session.peek_byte(stream, 9)).collect();
    assert_eq!(seen, [Ok(0), Ok(0), Ok(9)]);
    assert_eq!(session.get_error(stream), Ok(0));
}

#[test]
fn a_skip_over_more_than_is_buffered_does_nothing() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(10), 10);
    assert_eq!(session.get_byte(stream), Ok(0));
    session.skip(stream, 10).expect("defined");
    assert_eq!(session.get_byte(stream), Ok(1));
    session.skip(stream, 8).expect("defined");
    assert_eq!(session.state(stream).expect("open").buf_index, 10);
}

#[test]
fn integers_at_the_end_are_padded_with_zeros() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &[0, 1, 2], 3);
    assert_eq!(session.get_be32(stream), Ok(0x0001_0200));
    assert_eq!(session.get_error(stream), Ok(-5));
    let (code, text) = session.get_error_obj(stream).expect("defined");
    assert_eq!((code, text.as_deref()), (-5, Some("Channel error: Input/output error")));
    assert_eq!(session.get_be64(stream), Ok(0));
}

#[test]
fn exact_consumption_is_no_error_and_one_byte_more_is() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &[7, 8], 1);
    assert_eq!(session.get_be16(stream), Ok(0x0708));
    assert_eq!(session.fclose(stream), Ok(0));

    let (mut session, stream) = reader(&reference, &[7, 8], 1);
    assert_eq!(session.get_buffer(stream, 3, Vec::new()), Ok(vec![7, 8]));
    assert_eq!(session.fflush(stream), Ok(-5));
    assert_eq!(session.fclose(stream), Ok(-5));
    assert_eq!(session.host().events.last(), Some(&Event::Closed));
}

#[test]
fn a_blocked_read_waits_or_yields_and_is_tried_again() {
    let Some(reference) = original() else { return };
    for coroutine in [false, true] {
        let mut script = Script::reading(&[9], 1);
        script.input.push_front(Answer::Other(Transfer::WouldBlock));
        script.coroutine = coroutine;
        let mut session = session(&reference, script);
        let stream = session.new_input(3).expect("a stream");
        assert_eq!(session.get_byte(stream), Ok(9));
        let expected = [
            Event::Reference(3),
            Event::Wait(Direction::Input, coroutine),
            Event::Read { asked: 32768, given: 1 },
        ];
        assert_eq!(session.host().events, expected);
    }
}

#[test]
fn a_failed_read_keeps_its_text_and_loses_its_code() {
    let Some(reference) = original() else { return };
    let mut script = Script::default();
    script.input.push_back(Answer::Other(Transfer::Failed("cable pulled".to_owned())));
    let mut session = session(&reference, script);
    let stream = session.new_input(0).expect("a stream");
    assert_eq!(session.get_byte(stream), Ok(0));
    assert_eq!(session.get_error_obj(stream), Ok((-5, Some("cable pulled".to_owned()))));
}

#[test]
fn buffered_bytes_outlive_an_error() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(4), 4);
    assert_eq!(session.get_byte(stream), Ok(0));
    session.set_error(stream, -22).expect("defined");
    assert_eq!(session.get_be16(stream), Ok(0x0102));
    assert_eq!(session.get_error(stream), Ok(-22));
}

#[test]
fn in_place_serves_all_sizes_but_the_whole_buffer() {
    let Some(reference) = original() else { return };
    let bytes = counting(32768);
    for (size, source) in [(32767, Source::Buffer { offset: 0 }), (32768, Source::Copied)] {
        let (mut session, stream) = reader(&reference, &bytes, 32768);
        let taken = session.get_buffer_in_place(stream, size, Vec::new()).expect("defined");
        assert_eq!((taken.bytes.as_slice(), taken.source), (&bytes[..size], source));
    }
}

#[test]
fn in_place_of_nothing_is_null_only_while_nothing_is_buffered() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(4), 4);
    assert_eq!(
        session.get_buffer_in_place(stream, 0, Vec::new()).expect("defined").source,
        Source::Null
    );
    assert_eq!(session.get_byte(stream), Ok(0));
    assert_eq!(
        session.get_buffer_in_place(stream, 0, Vec::new()).expect("defined").source,
        Source::Buffer { offset: 1 }
    );
}

#[test]
fn a_counted_string_cut_short_says_zero_and_leaves_its_text() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, b"\x05hel", 4);
    let string = session.get_counted_string(stream, Vec::new()).expect("defined");
    // The end lies behind bytes that the stale index shifts by one.
    assert_eq!(string.len, 0);
    assert_eq!(&string.buffer[..4], b"ell\0");

    let (mut session, stream) = reader(&reference, b"\x05hello\x00", 7);
    let string = session.get_counted_string(stream, Vec::new()).expect("defined");
    assert_eq!((string.len, &string.buffer[..6]), (5, &b"hello\0"[..]));
    assert_eq!(session.get_counted_string(stream, Vec::new()).expect("defined").len, 0);
    assert_eq!(session.get_error(stream), Ok(0));
}

#[test]
fn a_sink_takes_partial_writes_and_its_errno_is_returned_raw() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(6), 6);
    session.host_mut().sinks.extend([Ok(2), Ok(1), Err(libc::EBADF)]);
    assert_eq!(session.get_to_fd(stream, 4, 6), Ok(-libc::EBADF));
    assert_eq!(session.get_error(stream), Ok(0));
    assert_eq!(session.get_byte(stream), Ok(3));
    let sunk: Vec<_> =
        session.host().events.iter().filter(|event| matches!(event, Event::Sink(..))).collect();
    assert_eq!(sunk, [&Event::Sink(4, vec![0, 1]), &Event::Sink(4, vec![2])]);

    session.host_mut().sinks.push_back(Ok(0));
    assert_eq!(session.get_to_fd(stream, 4, 1), Ok(-libc::EIO));
    assert_eq!(session.get_to_fd(stream, 4, 3), Ok(-libc::EIO), "two bytes are left, then the end");
    assert_eq!(session.get_to_fd(stream, 4, 0), Ok(0));
}
