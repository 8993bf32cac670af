//! Assertions that come back with their line, and calls that are not made.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::{Script, counting, original, reader, session, writer};
use c_reference::{Outcome, Stop, Transfer, Undefined};

fn line<T: std::fmt::Debug>(outcome: Outcome<T>) -> u32 {
    match outcome {
        Err(Stop::Asserted { line, expression, .. }) => {
            assert!(!expression.is_empty());
            line
        }
        other => panic!("no assertion: {other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(outcome: Outcome<T>) -> Undefined {
    match outcome {
        Err(Stop::Undefined(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn assertions_come_back_with_their_line_and_the_stream_goes_on() {
    let Some(reference) = original() else { return };
    let (mut session, writing) = writer(&reference, []);
    assert_eq!(line(session.get_to_fd(writing, 0, 1)), 307);
    assert_eq!(line(session.peek_buffer(writing, 1, 0, Vec::new())), 480);
    assert_eq!(line(session.get_buffer(writing, 1, Vec::new())), 480);
    assert_eq!(line(session.get_buffer_in_place(writing, 0, Vec::new())), 480);
    assert_eq!(line(session.get_byte(writing)), 590);
    assert_eq!(line(session.get_be64(writing)), 590);
    assert_eq!(line(session.get_counted_string(writing, Vec::new())), 590);
    assert_eq!(line(session.put_counted_string(writing, &[b'x'; 256])), 775);
    session.put_byte(writing, 7).expect("defined");
    assert_eq!(session.fclose(writing), Ok(0));
    assert_eq!(session.host().written(), [7]);

    let (mut session, reading) = reader(&reference, &counting(4), 4);
    assert_eq!(line(session.peek_buffer(reading, 0, 32768, Vec::new())), 481);
    assert_eq!(line(session.peek_buffer(reading, usize::MAX, usize::MAX, Vec::new())), 481);
    assert_eq!(line(session.peek_buffer(reading, 32768, 1, Vec::new())), 482);
    assert_eq!(line(session.peek_byte(reading, 32768)), 591);
    assert_eq!(line(session.peek_byte(reading, i32::MAX)), 591);
    assert_eq!(line(session.transferred(reading)), 617);
    assert_eq!(line(session.buffer_empty(reading)), 745);
    assert_eq!(session.get_be32(reading), Ok(0x0001_0203));
}

#[test]
fn calls_that_c_leaves_undefined_are_not_made() {
    let Some(reference) = original() else { return };
    let (mut session, reading) = reader(&reference, &counting(4), 4);
    let compressor = session.add_compressor(1).expect("a level");
    let reads = Undefined::Reads { stream: reading };
    assert_eq!(refused(session.put_byte(reading, 0)), reads);
    assert_eq!(refused(session.put_be64(reading, 0)), reads);
    assert_eq!(refused(session.put_buffer(reading, &[0])), reads);
    assert_eq!(refused(session.put_buffer_async(reading, 0, 1, false)), reads);
    assert_eq!(refused(session.put_counted_string(reading, b"x")), reads);
    assert_eq!(refused(session.put_compression_data(reading, compressor, b"x")), reads);
    assert_eq!(refused(session.skip(reading, -1)), Undefined::Skip { size: -1 });
    assert_eq!(refused(session.skip(reading, i32::MAX)), Undefined::Skip { size: i32::MAX });
    assert_eq!(refused(session.peek_byte(reading, -1)), Undefined::PeekOffset { offset: -1 });
    assert_eq!(
        refused(session.get_to_fd(reading, usize::MAX, 0)),
        Undefined::NoSink { sink: usize::MAX, most: 0x3fff_ffff }
    );

    let writing = session.new_output(0).expect("a stream");
    assert_eq!(refused(session.put_qemu_file(reading, writing)), reads);
    assert_eq!(
        refused(session.put_qemu_file(writing, writing)),
        Undefined::SameStream { stream: writing }
    );
    assert_eq!(
        refused(session.put_compression_data(writing, 1, b"")),
        Undefined::NoCompressor { compressor: 1 }
    );
    session.put_byte(writing, 1).expect("defined");
    assert_eq!(refused(session.get_to_fd(writing, 0, 1)), Undefined::Writes { stream: writing });
    let arena = session.arena().len();
    for (offset, len) in [(arena, 1), (arena + 1, 0), (usize::MAX, 1), (1, usize::MAX)] {
        let outcome = session.put_buffer_async(writing, offset, len, true);
        assert_eq!(refused(outcome), Undefined::OutsideArena { offset, len, arena });
    }
    session
        .put_buffer_async(writing, arena, 0, false)
        .expect("an empty range at the end is inside");
    assert_eq!(
        refused(session.get_buffer_in_place(reading, usize::MAX, Vec::new())),
        Undefined::NoMemory { len: usize::MAX }
    );
}

#[test]
fn a_closed_stream_is_no_stream() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    assert_eq!(session.fclose(stream), Ok(0));
    assert_eq!(refused(session.put_byte(stream, 1)), Undefined::NoStream { stream });
    assert_eq!(refused(session.fclose(stream)), Undefined::NoStream { stream });
    assert_eq!(refused(session.get_error(7)), Undefined::NoStream { stream: 7 });
    assert_eq!(session.new_output(0), Ok(1), "numbers are not used twice");
}

#[test]
fn a_write_of_nothing_ends_the_call_instead_of_looping() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, [Transfer::Done(0)]);
    session.put_byte(stream, 1).expect("defined");
    assert_eq!(refused(session.fflush(stream)), Undefined::WriteOfNothing { channel: 0 });
    assert_eq!(refused(session.put_byte(stream, 1)), Undefined::BrokenStream { stream });
    let other = session.new_output(0).expect("a stream");
    session.put_byte(other, 2).expect("the others live on");
    session.reset();
    assert_eq!(session.streams(), 0);
}

#[test]
fn a_host_that_moves_too_much_ends_the_call() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, [Transfer::Done(2)]);
    session.put_byte(stream, 1).expect("defined");
    assert_eq!(refused(session.fclose(stream)), Undefined::TooMuchMoved { moved: 2, given: 1 });

    let mut script = Script::default();
    script.input.push_back(crate::support::Answer::Other(Transfer::Done(32769)));
    let mut session = crate::support::session(&reference, script);
    let stream = session.new_input(0).expect("a stream");
    assert_eq!(
        refused(session.get_byte(stream)),
        Undefined::TooMuchMoved { moved: 32769, given: 32768 }
    );
}

#[test]
fn a_panic_of_the_host_goes_on_behind_the_c() {
    let Some(reference) = original() else { return };
    let mut session = session(&reference, Script { panic_in_write: true, ..Script::default() });
    let stream = session.new_output(0).expect("a stream");
    session.put_byte(stream, 1).expect("defined");
    let panic = catch_unwind(AssertUnwindSafe(|| session.fflush(stream))).expect_err("a panic");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a host that panics"));
    assert_eq!(refused(session.fflush(stream)), Undefined::BrokenStream { stream });
    session.host_mut().panic_in_write = false;
    let other = session.new_output(0).expect("a stream");
    session.put_byte(other, 1).expect("defined");
    assert_eq!(session.fclose(other), Ok(0));
}

#[test]
fn a_panic_before_or_after_the_life_of_a_stream_frees_it_once() {
    let Some(reference) = original() else { return };
    let mut session = session(&reference, Script { panic_in_reference: true, ..Script::default() });
    catch_unwind(AssertUnwindSafe(|| session.new_input(0))).expect_err("a panic");
    assert_eq!(session.streams(), 0);
    session.host_mut().panic_in_reference = false;
    let stream = session.new_input(0).expect("a stream");
    session.host_mut().panic_in_closed = true;
    catch_unwind(AssertUnwindSafe(|| session.fclose(stream))).expect_err("a panic");
    assert_eq!(refused(session.get_error(stream)), Undefined::NoStream { stream });
    session.reset();
}
