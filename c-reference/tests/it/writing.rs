//! What the original does where it puts bytes: facts seen before, seen again here.

use crate::support::{Event, Script, counting, original, reader, session, writer};
use c_reference::{Direction, Place, Transfer};

#[test]
fn integers_are_cut_to_their_width() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    session.put_byte(stream, -1).expect("defined");
    session.put_be16(stream, 0x12_3456).expect("defined");
    session.put_be32(stream, 0x0102_0304).expect("defined");
    session.put_be64(stream, 0xfedc_ba98_7654_3210).expect("defined");
    assert_eq!(session.transferred(stream), Ok(15));
    assert_eq!(session.buffer_empty(stream), Ok(false));
    assert_eq!(session.fflush(stream), Ok(0));
    assert_eq!(session.buffer_empty(stream), Ok(true));
    let expected = [0xff, 0x34, 0x56, 1, 2, 3, 4, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
    let pieces = vec![vec![(Place::Buffer { stream, offset: 0 }, expected.to_vec())]];
    assert_eq!(session.host().pieces(), pieces);
    assert_eq!(session.counter(), 15);
}

#[test]
fn empty_pieces_take_slots_and_send_nothing() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    for at in 0..63 {
        session.put_buffer_async(stream, 2 * at, 0, false).expect("defined");
    }
    assert_eq!(session.state(stream).expect("open").iovcnt, 63);
    session.put_buffer_async(stream, 124, 0, false).expect("defined");
    assert_eq!(session.state(stream).expect("open").iovcnt, 63, "it touches the one before");
    session.put_buffer_async(stream, 500, 0, false).expect("defined");
    assert_eq!(session.state(stream).expect("open").iovcnt, 0, "the 64th flushes");
    assert_eq!(session.host().writes(), Vec::<Vec<usize>>::new());
}

#[test]
fn neighbours_become_one_piece_and_bytes_are_read_late() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    session.put_buffer_async(stream, 0, 4, false).expect("defined");
    session.put_buffer_async(stream, 4, 4, false).expect("defined");
    session.put_buffer_async(stream, 9, 1, false).expect("defined");
    session.put_buffer_async(stream, 10, 1, true).expect("defined");
    session.arena().write_at(1, b"late").expect("inside");
    assert_eq!(session.fflush(stream), Ok(0));
    let pieces = vec![
        (Place::Arena(0), b"\0late\x05\x06\x07".to_vec()),
        (Place::Arena(9), vec![9]),
        (Place::Arena(10), vec![10]),
    ];
    assert_eq!(session.host().pieces(), [pieces]);
    assert_eq!(session.host().releases(), [(Place::Arena(10), 1)]);
}

#[test]
fn short_writes_resume_inside_a_piece_and_blocked_ones_wait() {
    let Some(reference) = original() else { return };
    let answers = [Transfer::Done(3), Transfer::WouldBlock, Transfer::Done(2), Transfer::Done(5)];
    let (mut session, stream) = writer(&reference, answers);
    session.put_buffer_async(stream, 0, 0, false).expect("defined");
    for at in [10, 20, 30] {
        session.put_buffer_async(stream, at, 4, false).expect("defined");
    }
    assert_eq!(session.fflush(stream), Ok(0));
    assert_eq!(
        session.host().writes(),
        [vec![4, 4, 4], vec![1, 4, 4], vec![1, 4, 4], vec![3, 4], vec![2]]
    );
    assert_eq!(session.host().pieces()[3][0].0, Place::Arena(21));
    assert_eq!(session.host().events[3], Event::Wait(Direction::Output, false));
    assert_eq!(session.transferred(stream), Ok(12));
}

#[test]
fn a_failed_flush_drops_the_queue_and_the_rest() {
    let Some(reference) = original() else { return };
    let (mut session, stream) =
        writer(&reference, [Transfer::Done(5), Transfer::Failed("full".to_owned())]);
    session.put_buffer(stream, &counting(32769)).expect("defined");
    let state = session.state(stream).expect("open");
    assert_eq!((state.buf_index, state.iovcnt, state.last_error), (0, 0, -5));
    assert_eq!(session.get_error_obj(stream), Ok((-5, Some("full".to_owned()))));
    assert_eq!(session.transferred(stream), Ok(0));
    session.put_byte(stream, 1).expect("defined");
    assert_eq!(session.buffer_empty(stream), Ok(true));
    assert_eq!(session.fclose(stream), Ok(-5));
}

#[test]
fn memory_is_released_although_it_was_not_sent() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, [Transfer::Failed("gone".to_owned())]);
    session.put_buffer_async(stream, 4096, 4096, true).expect("defined");
    assert_eq!(session.fflush(stream), Ok(-5));
    assert_eq!(session.host().releases(), [(Place::Arena(4096), 4096)]);
}

#[test]
fn memory_marked_on_a_failed_stream_stays_queued() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    session.put_buffer_async(stream, 4096, 4096, true).expect("defined");
    session.set_error(stream, -9).expect("defined");
    assert_eq!(session.fflush(stream), Ok(-9));
    assert_eq!(session.state(stream).expect("open").iovcnt, 1);
    assert!(session.host().releases().is_empty());
}

#[test]
fn ranges_to_release_merge_over_pieces_between_them() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    session.put_buffer_async(stream, 0, 100, true).expect("defined");
    session.put_byte(stream, 1).expect("defined");
    session.put_buffer_async(stream, 100, 100, true).expect("defined");
    session.put_byte(stream, 2).expect("defined");
    session.put_buffer_async(stream, 400, 100, true).expect("defined");
    assert_eq!(session.fflush(stream), Ok(0));
    assert_eq!(session.host().releases(), [(Place::Arena(0), 200), (Place::Arena(400), 100)]);
}

#[test]
fn a_failed_release_is_reported_by_place() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    session.host_mut().release = Some(libc::EINVAL);
    session.put_buffer_async(stream, 4097, 10, true).expect("defined");
    assert_eq!(session.fflush(stream), Ok(0));
    let reports = session.host().reports();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].ends_with(" arena+4097 10: Invalid argument"), "{reports:?}");
}

#[test]
fn a_failed_close_is_a_bare_minus_one_and_a_positive_error_is_replaced() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    session.host_mut().close = Some("stuck".to_owned());
    assert_eq!(session.fclose(stream), Ok(-1));

    let (mut session, stream) = writer(&reference, []);
    session.set_error(stream, 5).expect("defined");
    assert_eq!(session.fflush(stream), Ok(5));
    assert_eq!(session.fclose(stream), Ok(0));
    let expected = [Event::Reference(0), Event::Close, Event::Unreference(0), Event::Closed];
    assert_eq!(session.host().events, expected);
}

#[test]
fn a_shutdown_that_is_not_supported_kills_the_stream_all_the_same() {
    let Some(reference) = original() else { return };
    let answers =
        [(None, -libc::ENOSYS), (Some(Ok(())), 0), (Some(Err("no".to_owned())), -libc::EIO)];
    for (answer, code) in answers {
        let mut session = session(&reference, Script { shutdown: answer, ..Script::default() });
        let stream = session.new_output(0).expect("a stream");
        assert_eq!(session.shutdown(stream), Ok(code));
        assert_eq!(session.get_error(stream), Ok(-5));
    }
}

#[test]
fn the_first_error_stays_and_texts_that_are_not_kept_are_reported() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &[], 1);
    session.set_error_obj(stream, 0, Some("no code")).expect("defined");
    assert_eq!(session.get_error_obj(stream), Ok((0, None)));
    session.set_error_obj(stream, -71, Some("first")).expect("defined");
    session.set_error_obj(stream, -5, Some("second")).expect("defined");
    session.set_error_obj(stream, -6, None).expect("defined");
    assert_eq!(session.get_error_obj(stream), Ok((-71, Some("first".to_owned()))));
    assert_eq!(session.host().reports(), ["no code", "second"]);
    let other = session.get_return_path(stream).expect("a stream");
    session.set_error(other, i32::MIN).expect("defined");
    let any = session.get_error_obj_any(None, Some(other)).expect("defined");
    assert_eq!(any, (i32::MIN, Some("Channel error: Unknown error -2147483648".to_owned())));
    assert_eq!(session.get_error_obj_any(Some(stream), Some(other)).expect("defined").0, -71);
    assert_eq!(session.get_error_obj_any(None, None), Ok((0, None)));
}

#[test]
fn a_return_path_turns_the_direction_and_shares_the_channel() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = reader(&reference, &counting(3), 3);
    let back = session.get_return_path(stream).expect("a stream");
    assert!(session.state(back).expect("open").writable);
    assert_eq!(session.get_ioc(back), session.get_ioc(stream));
    session.set_blocking(back, true).expect("defined");
    assert_eq!(
        session.host().events,
        [Event::Reference(0), Event::Reference(0), Event::Blocking(true)]
    );
}

#[test]
fn counted_strings_end_at_their_first_nul() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    session.put_counted_string(stream, b"ab\0cd").expect("defined");
    session.put_counted_string(stream, &[b'x'; 255]).expect("defined");
    assert_eq!(session.fflush(stream), Ok(0));
    let written = session.host().written();
    assert_eq!((&written[..4], written.len()), (&b"\x02ab\xff"[..], 3 + 256));
}

#[test]
fn the_counter_is_the_sessions_and_a_reset_clears_it() {
    let Some(reference) = original() else { return };
    let (mut session, first) = writer(&reference, []);
    let second = session.new_output(1).expect("a stream");
    session.put_be32(first, 1).expect("defined");
    assert_eq!(session.fflush(first), Ok(0));
    session.put_byte(second, 1).expect("defined");
    assert_eq!(session.transferred(second), Ok(5));
    session.reset();
    assert_eq!((session.counter(), session.streams()), (0, 0));
    let again = session.new_output(0).expect("a stream");
    assert_eq!((again, session.transferred(again)), (0, Ok(0)));
}

#[test]
fn a_stream_knows_nothing_of_the_one_whose_memory_it_has() {
    let Some(reference) = original() else { return };
    let (mut session, first) = writer(&reference, []);
    let fresh = session.state(first).expect("open");
    for round in 0..6 {
        let stream = session.new_output(0).expect("defined");
        assert_eq!(session.state(stream), Ok(fresh), "{round}");
        session.put_be64(stream, u64::MAX).expect("defined");
        session.put_buffer_async(stream, 0, 4, true).expect("defined");
        session.set_error_obj(stream, -5, Some("broken")).expect("defined");
        session.fclose(stream).expect("defined");
    }
    for _ in 0..6 {
        session.new_output(0).expect("defined");
    }
    session.reset();
    assert_eq!(session.streams(), 0);
    let stream = session.new_output(0).expect("defined");
    assert_eq!(session.state(stream), Ok(fresh));
}

#[test]
fn another_arena_is_taken_between_streams() {
    let Some(reference) = original() else { return };
    let (mut session, _) = writer(&reference, []);
    let other = qemufile_core::GuestMemory::anonymous(8).expect("memory");
    other.write_at(0, b"another.").expect("in range");
    session.reset();
    session.set_arena(other);
    let stream = session.new_output(0).expect("defined");
    session.put_buffer_async(stream, 0, 8, false).expect("defined");
    assert_eq!(session.fflush(stream), Ok(0));
    let pieces = session.host().pieces();
    assert_eq!(pieces.last(), Some(&vec![(Place::Arena(0), b"another.".to_vec())]));
    let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let memory = qemufile_core::GuestMemory::anonymous(8).expect("memory");
        session.set_arena(memory);
    }));
    assert!(taken.is_err(), "its stream may have queued bytes of the arena");
}
