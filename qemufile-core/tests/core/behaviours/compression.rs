//! Rows about compressed data.

use std::sync::Arc;

use qemufile_core::{
    Compressor, Error, GuestMemory, IO_BUF_SIZE, MAX_PIECES, Quirks, Stream, Writer, compat,
};

use crate::support::{Event, SETTINGS, ScriptedChannel, channel, pattern, writer};

fn open(quirks: Quirks) -> (Arc<ScriptedChannel>, Writer) {
    writer(channel([]), quirks)
}

fn pieces(event: &Event) -> &[Vec<u8>] {
    let Event::Write { pieces, .. } = event else { panic!("{event:?}") };
    pieces
}

#[test]
fn row_17_no_room_is_an_error_down_to_the_last_byte() {
    for quirks in SETTINGS {
        for left in 1..=16 {
            let (scripted, mut writer) = open(quirks);
            writer.put_buffer(&pattern(IO_BUF_SIZE - left)).unwrap();
            let mut stored = Compressor::new(0);
            // An empty input may need 13 bytes behind the header of 4: more than is left.
            assert_eq!(compat::put_compression_data(&mut writer, &mut stored, &[]), -1);
            let error = writer.put_compressed(&mut stored, &[7; 100]).unwrap_err();
            let Error::NoSpace { needed, available } = error else { panic!("{error:?}") };
            assert_eq!((needed, available), (113, left.saturating_sub(4)));
            assert_eq!(scripted.events(), []);
            writer.flush().unwrap();
            assert_eq!(scripted.written(), pattern(IO_BUF_SIZE - left), "nothing was queued");
        }
    }
}

#[test]
fn row_18_the_header_may_be_torn_off() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    let data = [b'x'; 1000];
    let mut compressor = Compressor::new(1);
    let (scripted, mut whole) = open(Quirks::FIXED);
    let count = whole.put_compressed(&mut compressor, &data).unwrap();
    whole.flush().unwrap();
    let good = scripted.written();
    assert_eq!((good.len(), usize::from(good[3])), (count, count - 4));

    for quirks in SETTINGS {
        let (scripted, mut writer) = open(quirks);
        for at in 0..MAX_PIECES - 1 {
            writer.put_guest(&memory, at * 2..at * 2 + 1, false).unwrap();
        }
        let result = compat::put_compression_data(&mut writer, &mut compressor, &data);
        assert_eq!(result, i64::try_from(count).unwrap(), "success in either setting");
        writer.flush().unwrap();
        let events = scripted.events();
        assert_eq!(pieces(&events[0]).len(), MAX_PIECES);
        let last = pieces(&events[0]).last().unwrap();
        if quirks.torn_compression {
            assert_eq!(last, &good[..1], "the first header byte alone");
            let mut torn = good[1..4].to_vec();
            torn.push(0);
            torn.extend_from_slice(&good[4..count - 1]);
            assert_eq!(pieces(&events[1]), [torn], "the payload is shifted by one");
        } else {
            assert_eq!((last, events.len()), (&good, 1), "header and payload together");
        }
    }
}

#[test]
fn row_18_a_failed_stream_queues_bytes_all_the_same() {
    for quirks in SETTINGS {
        let (scripted, mut writer) = open(quirks);
        let mut compressor = Compressor::new(1);
        compat::set_error(&writer, -5);
        let result = compat::put_compression_data(&mut writer, &mut compressor, &[0; 4096]);
        if quirks.torn_compression {
            assert!(result > 4 && !writer.is_empty());
            assert_eq!(writer.transferred(), u64::try_from(result - 4).unwrap());
        } else {
            assert_eq!((result, writer.is_empty()), (-1, true));
        }
        assert_eq!((scripted.events(), writer.error().unwrap().errno()), (vec![], -5));
    }
}

#[test]
fn row_18_a_full_queue_of_a_failed_stream_takes_no_more() {
    let memory = GuestMemory::anonymous(4096).unwrap();
    let (scripted, mut writer) = open(Quirks::FAITHFUL);
    for at in 0..MAX_PIECES - 1 {
        writer.put_guest(&memory, at * 2..at * 2 + 1, false).unwrap();
    }
    compat::set_error(&writer, -28);
    let mut compressor = Compressor::new(1);
    let lengths =
        [(); 3].map(|()| compat::put_compression_data(&mut writer, &mut compressor, &[b'x'; 1000]));
    assert!(lengths[0] > 4 && lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
    assert_eq!(compat::close_writer(writer), -28);
    assert_eq!(scripted.events(), [Event::Close], "nothing is written");
}
