//! Rows about peeking, skipping, refilling and short values.

use qemufile_core::compat::{self, InPlace};
use qemufile_core::{Error, IO_BUF_SIZE, Misuse, Quirks, Reader, ShortRead, Stream};

use crate::support::{ALL, Event, SETTINGS, ScriptedChannel, Step, channel, pattern, reader};

fn read(asked: usize, given: usize) -> Event {
    Event::Read { asked, given: Ok(given) }
}

fn ten() -> ScriptedChannel {
    channel([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
}

fn short(result: Result<impl std::fmt::Debug, Error>) -> ShortRead {
    match result {
        Err(Error::Short(short)) => *short,
        other => panic!("not a short read: {other:?}"),
    }
}

#[test]
fn row_01_a_failed_refill_leaves_a_stale_index() {
    let stale = [4, 5, 6, 7, 8, 9, 8, 9];
    let right = [2, 3, 4, 5, 6, 7, 8, 9];
    for (quirks, expected) in [(Quirks::FAITHFUL, stale), (Quirks::FIXED, right)] {
        let mut taken = reader(ten(), quirks);
        assert_eq!(taken.get_be16().unwrap(), 1);
        let mut into = [0xee; 9];
        assert_eq!(compat::get_buffer(&mut taken, &mut into), 8);
        assert_eq!(into[..8], expected);
        assert_eq!(into[8], 0xee);

        let mut peeked = reader(ten(), quirks);
        assert_eq!(peeked.get_be16().unwrap(), 1);
        assert_eq!(compat::peek_buffer(&mut peeked, 9, 0).unwrap(), expected);
        assert_eq!(peeked.buffered(), right, "what is unread is right in either setting");
        assert_eq!(compat::peek_buffer(&mut peeked, 9, 0).unwrap(), right, "and so the next peek");
    }
}

#[test]
fn row_02_in_place_reads_are_right_where_row_01_is_not() {
    for quirks in SETTINGS {
        let mut reader = reader(ten(), quirks);
        assert_eq!(reader.get_be16().unwrap(), 1);
        let mut into = [0; 9];
        let found = compat::get_buffer_in_place(&mut reader, &mut into);
        assert_eq!(found, InPlace::Copied(&[2, 3, 4, 5, 6, 7, 8, 9]));
    }
}

#[test]
fn row_03_a_gap_reads_nothing_and_is_no_error() {
    for quirks in SETTINGS {
        let scripted = ten().every_read(Step::Move(5)).shared();
        let mut reader = Reader::with_config(scripted.clone(), &scripted.config(quirks));
        for _ in 0..2 {
            assert_eq!(compat::peek_buffer(&mut reader, 1, 5).unwrap(), []);
            let error = reader.peek_buffer(1, 5).unwrap_err();
            assert!(matches!(error, Error::Gap { offset: 5, available: 0 }), "{error:?}");
        }
        assert_eq!((scripted.events(), compat::get_error(&reader)), (vec![], 0));

        assert_eq!(reader.peek_buffer(1, 0).unwrap(), [0]);
        assert_eq!(compat::peek_buffer(&mut reader, 1, 6).unwrap(), []);
        assert_eq!(scripted.events(), [read(IO_BUF_SIZE, 5)], "a gap of one still reads nothing");
        assert_eq!(compat::peek_buffer(&mut reader, 1, 5).unwrap(), [5], "the very end refills");
        assert_eq!(scripted.events(), [read(IO_BUF_SIZE - 5, 5)]);
    }
}

#[test]
fn row_04_peek_byte_refills_once() {
    for quirks in SETTINGS {
        let mut lossy = reader(ten().every_read(Step::Move(4)), quirks);
        let answers: Vec<u8> = (0..3).map(|_| compat::peek_byte(&mut lossy, 9).unwrap()).collect();
        assert_eq!((answers, compat::get_error(&lossy)), (vec![0, 0, 9], 0));

        let mut typed = reader(ten().every_read(Step::Move(4)), quirks);
        for available in [4, 8] {
            let error = typed.peek_byte(9).unwrap_err();
            assert!(matches!(error, Error::Gap { offset: 9, available: a } if a == available));
        }
        assert_eq!(typed.peek_byte(9).unwrap(), 9);
    }
}

#[test]
fn row_05_offsets_are_unsigned_and_bounded() {
    for quirks in SETTINGS {
        let mut reader = reader(ten(), quirks);
        assert_eq!(reader.get_byte().unwrap(), 0);
        for offset in [IO_BUF_SIZE, usize::MAX] {
            let misuse = Misuse::PeekOutOfRange { size: 1, offset };
            assert_eq!(compat::peek_byte(&mut reader, offset), Err(misuse));
            assert_eq!(compat::peek_buffer(&mut reader, 1, offset), Err(misuse));
            assert_eq!(reader.peek_byte(offset).unwrap_err().errno(), -22);
        }
        let misuse = Misuse::PeekOutOfRange { size: IO_BUF_SIZE, offset: 1 };
        assert_eq!(compat::peek_buffer(&mut reader, IO_BUF_SIZE, 1), Err(misuse));
        assert_eq!(reader.peek_byte(0).unwrap(), 1, "nothing that was consumed is seen again");
        assert_eq!(compat::get_error(&reader), 0);
    }
}

#[test]
fn row_06_a_skip_too_far_skips_nothing() {
    for quirks in SETTINGS {
        let mut reader = reader(ten(), quirks);
        assert_eq!(reader.peek_byte(0).unwrap(), 0);
        for size in [11, IO_BUF_SIZE, usize::MAX] {
            compat::skip(&mut reader, size);
            let error = reader.skip(size).unwrap_err();
            assert!(matches!(error, Error::NotBuffered { available: 10, .. }), "{error:?}");
        }
        assert_eq!(reader.buffered(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        compat::skip(&mut reader, 10);
        assert_eq!((reader.buffered(), compat::get_error(&reader)), (&[][..], 0));
    }
}

#[test]
fn row_07_short_integers_are_padded_low() {
    for quirks in SETTINGS {
        let of = |bytes: &[u8]| reader(channel(bytes), quirks);
        let mut three = of(&[0, 1, 2]);
        assert_eq!(compat::get_be32(&mut three), 0x0001_0200);
        assert_eq!(compat::get_error(&three), -5);
        assert_eq!(compat::get_be16(&mut of(&[0xab])), 0xab00);
        assert_eq!(compat::get_be64(&mut of(&[1, 2, 3, 4, 5])), 0x0102_0304_0500_0000);
        assert_eq!(compat::get_byte(&mut of(&[])), 0);

        let short = short(of(&[0, 1, 2]).get_be32());
        assert_eq!((short.wanted, short.available, short.bytes), (4, 3, vec![0, 1, 2]));
        assert!(short.cause.is_end_of_stream());
        assert_eq!(of(&[0xff, 0xff, 0xff, 0xff]).get_be32().unwrap(), u32::MAX);
    }
}

#[test]
fn row_15_a_read_never_asks_for_nothing() {
    for quirks in SETTINGS {
        let scripted = channel(pattern(IO_BUF_SIZE + 1)).shared();
        let mut reader = Reader::with_config(scripted.clone(), &scripted.config(quirks));
        assert_eq!(reader.peek_buffer(IO_BUF_SIZE, 0).unwrap().len(), IO_BUF_SIZE);
        assert_eq!(reader.peek_byte(IO_BUF_SIZE - 1).unwrap(), pattern(IO_BUF_SIZE)[32_767]);
        assert_eq!(reader.peek_buffer(1, IO_BUF_SIZE - 1).unwrap().len(), 1);
        let beyond = reader.peek_buffer(0, IO_BUF_SIZE).unwrap_err();
        assert_eq!(beyond.errno(), -22, "also of no byte");
        assert_eq!(scripted.events(), [read(IO_BUF_SIZE, IO_BUF_SIZE)], "a full buffer is enough");
        reader.skip(1).unwrap();
        assert_eq!(reader.peek_buffer(IO_BUF_SIZE, 0).unwrap().len(), IO_BUF_SIZE);
        assert_eq!(scripted.events(), [read(1, 1)]);
        assert_eq!(compat::get_error(&reader), 0);
    }
}

#[test]
fn row_16_every_failed_read_is_minus_eio() {
    for quirks in SETTINGS {
        let mut ended = reader(channel([7]), quirks);
        assert_eq!(ended.get_byte().unwrap(), 7);
        assert_eq!(compat::get_error(&ended), 0, "taking the last byte is no error");
        let short = short(ended.get_byte());
        assert!(short.cause.is_end_of_stream());
        let text = Some("Channel error: Input/output error".to_owned());
        assert_eq!(compat::get_error_obj(&ended), (-5, text));

        let mut failed = reader(channel([7]).reads([Step::Fail(104)]).every_read(ALL), quirks);
        assert_eq!(compat::get_byte(&mut failed), 0);
        let (code, text) = compat::get_error_obj(&failed);
        assert_eq!(code, -5);
        assert!(text.unwrap().starts_with("Connection reset by peer"));
        assert_eq!(compat::get_byte(&mut failed), 0, "and it stays failed");
    }
}

#[test]
fn row_25_what_is_buffered_stays_readable() {
    for quirks in SETTINGS {
        let scripted = ten().every_read(Step::Move(8)).shared();
        let mut reader = Reader::with_config(scripted.clone(), &scripted.config(quirks));
        assert_eq!(reader.peek_byte(0).unwrap(), 0);
        compat::set_error(&reader, -32);
        assert_eq!(reader.get_be32().unwrap(), 0x0001_0203);
        assert_eq!(reader.get_buffer_in_place(&mut [0; 4]).unwrap(), [4, 5, 6, 7]);
        scripted.events();
        let short = short(reader.get_byte());
        assert_eq!((short.available, short.cause.errno()), (0, -32));
        assert_eq!(scripted.events(), [], "nothing more is read");
    }
}

#[test]
fn an_in_place_read_refills_until_it_has_enough_and_no_longer() {
    for quirks in SETTINGS {
        let steps = [Step::Move(2), Step::Move(3), Step::Move(5)];
        let scripted = ten().reads(steps).shared();
        let mut reader = Reader::with_config(scripted.clone(), &scripted.config(quirks));
        assert_eq!(reader.get_buffer_in_place(&mut [0; 5]).unwrap(), [0, 1, 2, 3, 4]);
        let reads = [read(IO_BUF_SIZE, 2), read(IO_BUF_SIZE - 2, 3)];
        assert_eq!(scripted.events(), reads);
    }
}

#[test]
fn row_26_in_place_below_the_size_of_the_buffer() {
    for quirks in SETTINGS {
        for (size, in_place) in [(IO_BUF_SIZE - 1, true), (IO_BUF_SIZE, false)] {
            let mut reader = reader(channel(pattern(IO_BUF_SIZE)), quirks);
            let mut into = vec![0xee; size];
            let found = compat::get_buffer_in_place(&mut reader, &mut into);
            let bytes = pattern(size);
            let expected = if in_place { InPlace::Buffer(&bytes) } else { InPlace::Copied(&bytes) };
            assert!(found == expected, "{size} bytes");
            assert_eq!(into[0] == 0xee, in_place, "the caller's buffer is left alone in place");
        }
        let mut reader = reader(channel([1]), quirks);
        assert_eq!(compat::get_buffer_in_place(&mut reader, &mut []), InPlace::Null);
        assert_eq!(reader.peek_byte(0).unwrap(), 1);
        assert_eq!(compat::get_buffer_in_place(&mut reader, &mut []), InPlace::Buffer(&[]));
    }
}

#[test]
fn row_29_a_short_string_looks_empty() {
    for quirks in SETTINGS {
        let of = |bytes: &[u8]| reader(channel(bytes), quirks);
        let mut into = [0xee; 256];
        let mut cut = of(b"\x05abc");
        assert_eq!(compat::get_counted_string(&mut cut, &mut into), 0);
        // Where the string begins, row 1 strikes: the length byte before it has been taken.
        let came = if quirks.stale_peek { b"bcc" } else { b"abc" };
        assert_eq!((&into[..3], &into[3..5]), (&came[..], &b"\0\xee"[..]));
        assert_eq!(compat::get_error(&cut), -5);

        let mut empty = of(b"\0");
        assert_eq!(compat::get_counted_string(&mut empty, &mut into), 0);
        assert_eq!((into[0], compat::get_error(&empty)), (0, 0));
        assert_eq!(compat::get_counted_string(&mut of(b"\x03a\0b"), &mut into), 3);
        assert_eq!(&into[..4], b"a\0b\0");

        let whole: Vec<u8> = [255].into_iter().chain(pattern(255)).collect();
        assert_eq!(compat::get_counted_string(&mut of(&whole), &mut into), 255);
        assert_eq!((&into[..255], into[255]), (&pattern(255)[..], 0));

        assert_eq!(of(b"\x03a\0b").get_counted_string().unwrap(), b"a\0b");
        assert_eq!(of(b"\0").get_counted_string().unwrap(), b"");
        let short = short(of(b"\x05abc").get_counted_string().map(<[u8]>::to_vec));
        assert_eq!((short.wanted, short.available, short.bytes), (5, 3, came.to_vec()));
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri has texts of its own for error codes")]
fn row_23_texts_of_any_code() {
    for (code, text) in [
        (-32, "Channel error: Broken pipe"),
        (5, "Channel error: Unknown error -5"),
        (i32::MAX, "Channel error: Unknown error -2147483647"),
        (i32::MIN, "Channel error: Unknown error -2147483648"),
    ] {
        let reader = reader(ten(), Quirks::FAITHFUL);
        compat::set_error(&reader, code);
        assert_eq!(compat::get_error_obj(&reader), (code, Some(text.to_owned())));
        assert_eq!(reader.error().unwrap().message(), None);
    }
    let described = reader(ten(), Quirks::FAITHFUL);
    compat::set_error_obj(&described, -5, Some("no such page"));
    assert_eq!(compat::get_error_obj(&described), (-5, Some("no such page".to_owned())));
    let sound = reader(ten(), Quirks::FAITHFUL);
    assert_eq!(compat::get_error_obj(&sound), (0, None));
    assert_eq!(
        compat::get_error_obj_any(Some(&sound), Some(&described)),
        (-5, Some("no such page".to_owned()))
    );
    assert_eq!(compat::get_error_obj_any(None, Some(&sound)), (0, None));
}
