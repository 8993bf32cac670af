//! Rows about queueing, flushing and releasing.

use std::sync::Arc;

use bytes::Bytes;
use qemufile_core::{
    Cause, Error, GuestMemory, IO_BUF_SIZE, MAX_PIECES, Misuse, Operation, Quirks, Reader, Stream,
    Writer, compat,
};

use crate::support::{
    ALL, Event, SETTINGS, ScriptedChannel, Step, channel, pattern, writer as open, wrote,
};

/// Guest memory that holds its own pattern.
fn arena(len: usize) -> GuestMemory {
    let memory = GuestMemory::anonymous(len).unwrap();
    memory.write_at(0, &pattern(len)).unwrap();
    memory
}

#[test]
fn row_08_empty_pieces_take_slots() {
    for quirks in SETTINGS {
        let memory = arena(4096);
        let (scripted, mut writer) = open(channel([]), quirks);
        writer.put_guest(&memory, 0..4, false).unwrap();
        writer.put_guest(&memory, 4..4, false).unwrap();
        writer.put_guest(&memory, 4..6, false).unwrap();
        writer.flush().unwrap();
        assert_eq!(scripted.events(), [wrote(&[&pattern(6)])], "an adjacent one is absorbed");

        writer.put_shared(Bytes::new()).unwrap();
        assert!(!writer.is_empty(), "one of no bytes is queued");
        writer.flush().unwrap();
        assert!(writer.is_empty());
        for slot in 0..MAX_PIECES {
            assert_eq!(writer.is_empty(), slot == 0);
            writer.put_guest(&memory, slot * 2..slot * 2, false).unwrap();
        }
        assert!(writer.is_empty(), "the 64th flushes");
        assert_eq!((scripted.events(), writer.transferred()), (vec![], 6), "and sends nothing");

        writer.put_guest(&memory, 0..0, true).unwrap();
        writer.flush().unwrap();
        assert_eq!(scripted.events(), [Event::Release { offset: 0, len: 0 }]);
    }
}

#[test]
fn row_09_borrowed_bytes_are_read_late() {
    for quirks in SETTINGS {
        let memory = arena(8);
        let (scripted, mut writer) = open(channel([]), quirks);
        writer.put_guest(&memory, 0..4, false).unwrap();
        memory.write_at(1, b"late").unwrap();
        let shared = Bytes::from(vec![9; 3]);
        writer.put_shared(shared.clone()).unwrap();
        drop((memory, shared));
        writer.flush().unwrap();
        assert_eq!(scripted.events(), [wrote(&[b"\0lat", &[9; 3]])]);

        writer.put_shared(vec![1]).unwrap();
        compat::set_error(&writer, -5);
        assert_eq!(compat::close_writer(writer), -5, "an errored stream drops its queue");
        assert_eq!(scripted.events(), [Event::Close], "but says so");
    }
}

#[test]
fn row_10_the_return_path_leaves_unread_bytes_alone() {
    for quirks in SETTINGS {
        let scripted = channel(*b"unread").shared();
        let mut reader = Reader::with_config(scripted.clone(), &scripted.config(quirks));
        assert_eq!(reader.get_byte().unwrap(), b'u');
        let mut writer = reader.return_path();
        for _ in 0..40 {
            writer.put_byte(0xff).unwrap();
        }
        writer.flush().unwrap();
        assert_eq!(reader.buffered(), b"nread");
        assert_eq!(scripted.written(), [0xff; 40]);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes on Miri")]
fn row_11_a_long_buffer_on_the_return_path_ends() {
    for quirks in SETTINGS {
        let scripted = channel(pattern(IO_BUF_SIZE + 10)).shared();
        let mut reader = Reader::with_config(scripted.clone(), &scripted.config(quirks));
        reader.get_buffer(&mut vec![0; IO_BUF_SIZE]).unwrap();
        let mut writer = reader.return_path();
        writer.put_buffer(&pattern(100_000)).unwrap();
        writer.flush().unwrap();
        assert_eq!(scripted.written(), pattern(100_000));
        assert_eq!(reader.get_byte().unwrap(), pattern(IO_BUF_SIZE + 1)[IO_BUF_SIZE]);
    }
}

#[test]
fn row_12_no_piece_on_the_return_path_is_overwritten() {
    for quirks in SETTINGS {
        let memory = arena(4096);
        let scripted = channel([]).shared();
        let mut writer =
            Reader::with_config(scripted.clone(), &scripted.config(quirks)).return_path();
        for at in 0..65 {
            writer.put_guest(&memory, at * 2..at * 2 + 1, false).unwrap();
            writer.put_byte(0xff).unwrap();
        }
        writer.flush().unwrap();
        let expected: Vec<u8> = (0..65).flat_map(|at| [pattern(130)[at * 2], 0xff]).collect();
        assert_eq!(scripted.written(), expected);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes on Miri")]
fn row_13_a_flush_that_fails_in_a_put_drops_the_queue() {
    for quirks in SETTINGS {
        let (scripted, mut writer) =
            open(channel([]).writes([Step::Move(10), Step::Fail(32)]), quirks);
        let error = writer.put_buffer(&pattern(40_000)).unwrap_err();
        assert_eq!((error.errno(), writer.is_empty()), (-5, true));
        let Cause::Channel { operation, wanted, done, error: cause } = error.cause() else {
            panic!("{error:?}");
        };
        assert_eq!((*operation, *wanted, *done), (Operation::Write, IO_BUF_SIZE, 10));
        assert_eq!(cause.raw_os_error(), Some(32));
        assert_eq!(writer.transferred(), 0, "the part that was sent is not counted");
        assert_eq!(scripted.written(), pattern(10));
        assert_eq!(writer.put_byte(1).unwrap_err().errno(), -5);
        assert_eq!(scripted.events().len(), 2, "and nothing more is tried");
    }
}

#[test]
fn row_14_memory_is_released_though_it_was_not_sent() {
    for quirks in SETTINGS {
        let memory = arena(8192);
        let (scripted, mut writer) = open(channel([]).every_write(Step::Fail(104)), quirks);
        writer.put_guest(&memory, 0..8192, true).unwrap();
        writer.flush().unwrap_err();
        let events = scripted.events();
        assert!(matches!(events[0], Event::Write { given: Err(_), .. }));
        let released = [Event::Release { offset: 0, len: 8192 }];
        assert_eq!(&events[1..], if quirks.release_unsent { &released[..] } else { &[] });

        let (scripted, mut writer) = open(channel([]), quirks);
        writer.put_guest(&memory, 0..8192, true).unwrap();
        compat::set_error(&writer, -5);
        assert_eq!(compat::fflush(&mut writer), -5);
        assert_eq!((scripted.events(), writer.is_empty()), (vec![], false), "not even attempted");
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no madvise")]
fn row_14_a_sent_page_reads_as_zero() {
    let memory = arena(8192);
    let channel = Arc::new(qemufile_core::MemoryChannel::new());
    let mut writer = Writer::new(channel.clone());
    writer.put_guest(&memory, 4096..8192, true).unwrap();
    writer.flush().unwrap();
    assert_eq!(channel.take_output(), &pattern(8192)[4096..]);
    let mut seen = vec![1; 8192];
    memory.read_at(0, &mut seen).unwrap();
    assert_eq!((&seen[..4096], &seen[4096..]), (&pattern(4096)[..], &[0; 4096][..]));
}

#[test]
fn row_19_put_stream_forgets_what_is_not_in_the_buffer() {
    let memory = arena(8192);
    for quirks in SETTINGS {
        let faithful = quirks.lossy_put_stream;
        let (scripted, mut destination) = open(channel([]), quirks);
        let (other, mut source) = open(channel([]), quirks);
        source.put_guest(&memory, 0..2, true).unwrap();
        source.put_be16(0x0a0b).unwrap();
        let moved = compat::put_qemu_file(&mut destination, &mut source);
        assert_eq!(moved, if faithful { 2 } else { 4 });
        assert!(source.is_empty());
        destination.flush().unwrap();
        let all = scripted.events();
        if faithful {
            assert_eq!(all, [wrote(&[&[0x0a, 0x0b]])]);
        } else {
            let released = Event::Release { offset: 0, len: 2 };
            assert_eq!(all, [wrote(&[&pattern(2), &[0x0a, 0x0b]]), released]);
        }

        for value in [1, 2, 3] {
            source.put_byte(value).unwrap();
        }
        source.flush().unwrap();
        let events = other.events();
        if faithful {
            let stale = Event::ReleaseBuffer { offset: 0, len: 1 };
            assert_eq!(events, [wrote(&[&[1], &[2, 3]]), stale], "the mark stayed behind");
        } else {
            assert_eq!(events, [wrote(&[&[1, 2, 3]])]);
        }

        source.put_guest(&memory, 0..2, false).unwrap();
        let moved = compat::put_qemu_file(&mut destination, &mut source);
        assert_eq!((moved, source.is_empty()), if faithful { (0, false) } else { (2, true) });
    }
}

#[test]
fn row_19_put_stream_to_a_failed_stream() {
    for quirks in SETTINGS {
        let (scripted, mut destination) = open(channel([]), quirks);
        let (_, mut source) = open(channel([]), quirks);
        source.put_be32(1).unwrap();
        compat::set_error(&destination, -32);
        let moved = compat::put_qemu_file(&mut destination, &mut source);
        assert_eq!(scripted.events(), []);
        let expected = if quirks.lossy_put_stream { (4, true) } else { (-32, false) };
        assert_eq!((moved, source.is_empty()), expected);
    }
}

#[test]
fn row_25_writers_look_at_the_error_first() {
    for quirks in SETTINGS {
        let memory = arena(4096);
        let (scripted, mut writer) = open(channel([]).every_write(Step::Fail(32)), quirks);
        for at in 0..MAX_PIECES - 1 {
            writer.put_guest(&memory, at * 2..at * 2 + 1, false).unwrap();
        }
        assert_eq!(writer.put_be32(0x0102_0304).unwrap_err().errno(), -5);
        assert_eq!(scripted.events().len(), 1, "the first byte was the 64th piece");
        assert!(writer.is_empty(), "the others were not queued");
        assert_eq!(writer.put_be64(0).unwrap_err().errno(), -5);
        assert!(writer.is_empty());
    }
}

#[test]
fn row_27_the_count_is_shared() {
    for quirks in SETTINGS {
        let scripted = channel([]).every_write(ALL).shared();
        let config = scripted.config(quirks);
        let mut first = Writer::with_config(scripted.clone(), &config);
        let mut second = Writer::with_config(scripted.clone(), &config);
        first.put_be64(0).unwrap();
        second.put_be16(0).unwrap();
        assert_eq!((first.transferred(), second.transferred()), (8, 2));
        first.flush().unwrap();
        assert_eq!((first.transferred(), second.transferred()), (8, 10));
        let (_, own) = open(channel([]), quirks);
        assert_eq!((own.transferred(), config.transferred.get()), (0, 8));
    }
}

#[test]
fn row_28_widths_are_those_of_the_types() {
    for quirks in SETTINGS {
        let (scripted, mut writer) = open(channel([]), quirks);
        writer.put_byte(0xff).unwrap();
        writer.put_be16(0x3456).unwrap();
        writer.put_be32(0x8000_0001).unwrap();
        writer.put_be64(0x0102_0304_0506_0708).unwrap();
        writer.flush().unwrap();
        let bytes = [0xff, 0x34, 0x56, 0x80, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(scripted.events(), [wrote(&[&bytes])]);
    }
}

#[test]
fn row_29_a_long_string_is_refused() {
    for quirks in SETTINGS {
        let (scripted, mut writer) = open(channel([]), quirks);
        let error = writer.put_counted_string(&[b'x'; 256]).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::StringTooLong { len: 256 })));
        assert!(writer.is_empty() && writer.error().is_none());
        writer.put_counted_string(&[b'x'; 255]).unwrap();
        writer.put_counted_string(b"").unwrap();
        writer.flush().unwrap();
        let expected: Vec<u8> = [255].into_iter().chain([b'x'; 255]).chain([0]).collect();
        assert_eq!(scripted.written(), expected);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes on Miri")]
fn row_30_released_ranges_merge_over_what_lies_between() {
    for quirks in SETTINGS {
        let memory = arena(4 * 4096);
        let (scripted, mut writer) = open(channel([]), quirks);
        for page in [0, 1, 3] {
            writer.put_guest(&memory, page * 4096..(page + 1) * 4096, true).unwrap();
            writer.put_byte(1).unwrap();
        }
        writer.flush().unwrap();
        let releases = [
            Event::Release { offset: 0, len: 8192 },
            Event::Release { offset: 3 * 4096, len: 4096 },
        ];
        assert_eq!(scripted.events()[1..], releases);
    }
}

/// A stream whose queue was emptied while these places of it were marked.
fn with_stale_marks(places: &[usize]) -> (Arc<ScriptedChannel>, Writer) {
    let memory = arena(8192);
    let (scripted, mut stream) = open(channel([]), Quirks::FAITHFUL);
    let (_, mut elsewhere) = open(channel([]), Quirks::FAITHFUL);
    for place in 0..=places.iter().copied().max().unwrap() {
        let gap = place * 8;
        stream.put_guest(&memory, gap..gap + 4, places.contains(&place)).unwrap();
    }
    // Without a byte in the buffer the queue would stay as it is.
    stream.put_byte(0).unwrap();
    elsewhere.put_stream(&mut stream).unwrap();
    (scripted, stream)
}

#[test]
fn row_19_marks_that_were_left_behind_release_ranges_of_the_buffer() {
    let memory = arena(8192);
    let (scripted, mut stream) = with_stale_marks(&[0, 3]);
    stream.put_byte(1).unwrap();
    stream.put_be16(0x0203).unwrap();
    stream.put_guest(&memory, 0..4, false).unwrap();
    stream.put_byte(4).unwrap();
    stream.flush().unwrap();
    let released = |offset| Event::ReleaseBuffer { offset, len: 1 };
    let expected = [wrote(&[&[1], &[2, 3], &pattern(4), &[4]]), released(0), released(3)];
    assert_eq!(scripted.events(), expected, "they are no neighbours");
}

#[test]
fn row_19_neighbouring_ranges_of_the_buffer_are_released_as_one() {
    let (scripted, mut stream) = with_stale_marks(&[0, 1]);
    stream.put_buffer(&[1, 2]).unwrap();
    stream.put_buffer(&[3, 4, 5]).unwrap();
    stream.flush().unwrap();
    let released = Event::ReleaseBuffer { offset: 0, len: 5 };
    assert_eq!(scripted.events(), [wrote(&[&[1, 2], &[3, 4, 5]]), released]);
}

#[test]
fn a_piece_of_two_slices_has_one_mark() {
    let memory = arena(8);
    let all = Bytes::from(pattern(10));
    let (scripted, mut stream) = open(channel([]), Quirks::FIXED);
    stream.put_shared(all.slice(..4)).unwrap();
    stream.put_shared(all.slice(4..)).unwrap();
    stream.put_guest(&memory, 0..8, true).unwrap();
    stream.flush().unwrap();
    let released = Event::Release { offset: 0, len: 8 };
    assert_eq!(scripted.events(), [wrote(&[&all, &pattern(8)]), released]);
}

#[test]
fn row_19_a_mark_that_was_left_behind_releases_shared_bytes() {
    let (scripted, mut stream) = with_stale_marks(&[0]);
    stream.put_shared(pattern(5)).unwrap();
    stream.flush().unwrap();
    assert_eq!(scripted.events(), [wrote(&[&pattern(5)]), Event::ReleaseShared { len: 5 }]);
}

#[test]
fn row_19_fixed_moves_shared_bytes_as_they_are() {
    let (scripted, mut destination) = open(channel([]), Quirks::FIXED);
    let (_, mut source) = open(channel([]), Quirks::FIXED);
    source.put_byte(9).unwrap();
    source.put_shared(pattern(5)).unwrap();
    assert_eq!(destination.put_stream(&mut source).unwrap(), 6);
    destination.flush().unwrap();
    assert_eq!(scripted.events(), [wrote(&[&[9], &pattern(5)])]);
}

#[test]
fn ranges_of_two_memories_are_released_apart() {
    let (one, other) = (arena(4096), arena(4096));
    let (scripted, mut stream) = open(channel([]), Quirks::FAITHFUL);
    stream.put_guest(&one, 0..4, true).unwrap();
    stream.put_guest(&other, 4..8, true).unwrap();
    stream.flush().unwrap();
    let released = |offset| Event::Release { offset, len: 4 };
    assert_eq!(scripted.events()[1..], [released(0), released(4)]);
}
