//! Compression, and streams put into streams.

use crate::support::{counting, original, reader, writer};
use c_reference::{Place, Undefined};

/// What `bytes` compress to on a stream of their own, without the header.
fn compressed(reference: &c_reference::Reference, level: i32, bytes: &[u8]) -> Vec<u8> {
    let (mut session, stream) = writer(reference, []);
    let compressor = session.add_compressor(level).expect("a level");
    let queued = session.put_compression_data(stream, compressor, bytes).expect("defined");
    assert_eq!(session.fflush(stream), Ok(0));
    let written = session.host().written();
    assert_eq!(usize::try_from(queued), Ok(written.len()));
    let len = u32::try_from(written.len() - 4).expect("small");
    assert_eq!(written[..4], len.to_be_bytes());
    written[4..].to_vec()
}

#[test]
fn compressors_are_reset_between_uses_and_levels_differ() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    let compressor = session.add_compressor(6).expect("a level");
    let bytes = counting(4096);
    let first = session.put_compression_data(stream, compressor, &bytes).expect("defined");
    let second = session.put_compression_data(stream, compressor, &bytes).expect("defined");
    assert_eq!(first, second);
    assert!(compressed(&reference, 0, &bytes).len() > 4096);
    assert!(compressed(&reference, 9, &bytes).len() < 1024);
    assert_eq!(session.add_compressor(10), Err(Undefined::NoLevel { level: 10 }.into()));
}

#[test]
fn compression_without_room_is_refused_by_the_original_itself() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    let compressor = session.add_compressor(1).expect("a level");
    assert_eq!(session.put_compression_data(stream, compressor, &counting(32768)), Ok(-1));
    session.put_buffer(stream, &counting(32764)).expect("defined");
    assert_eq!(session.put_compression_data(stream, compressor, &[]), Ok(-1));
    session.put_byte(stream, 0).expect("defined");
    let refused = session.put_compression_data(stream, compressor, &[]);
    assert_eq!(refused, Err(Undefined::CompressionIndex { index: 32765 }.into()));
}

#[test]
fn a_header_that_flushes_shifts_the_payload() {
    let Some(reference) = original() else { return };
    let page = counting(100);
    let payload = compressed(&reference, 6, &page);
    let (mut session, stream) = writer(&reference, []);
    let compressor = session.add_compressor(6).expect("a level");
    for at in 0..63 {
        session.put_buffer_async(stream, 2 * at, 1, false).expect("defined");
    }
    let queued = session.put_compression_data(stream, compressor, &page).expect("defined");
    assert_eq!(usize::try_from(queued), Ok(payload.len() + 4));
    let before = session.host().written();
    assert_eq!(before.len(), 64, "63 pieces and the first byte of the header");
    assert_eq!(session.fflush(stream), Ok(0));
    let after = session.host().written().split_off(before.len());
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    assert_eq!(after[..3], length[1..]);
    assert_eq!(after[3], 0, "a byte that belongs to nothing");
    assert_eq!(after[4..], payload[..payload.len() - 1]);
}

#[test]
fn compression_on_a_failed_stream_queues_and_says_success() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, []);
    let compressor = session.add_compressor(6).expect("a level");
    session.set_error(stream, -5).expect("defined");
    let queued = session.put_compression_data(stream, compressor, &counting(50)).expect("defined");
    let state = session.state(stream).expect("open");
    assert_eq!((state.iovcnt, isize::try_from(state.buf_index)), (1, Ok(queued - 4)));
}

#[test]
fn a_queue_is_moved_without_its_async_pieces() {
    let Some(reference) = original() else { return };
    let (mut session, destination) = writer(&reference, []);
    let source = session.new_output(1).expect("a stream");
    session.put_buffer_async(source, 0, 10, false).expect("defined");
    assert_eq!(session.put_qemu_file(destination, source), Ok(0));
    assert_eq!(session.state(source).expect("open").iovcnt, 1, "left as it was");
    session.put_be16(source, 0xabcd).expect("defined");
    assert_eq!(session.put_qemu_file(destination, source), Ok(2));
    assert_eq!(session.state(source).expect("open").iovcnt, 0);
    assert_eq!(session.fflush(destination), Ok(0));
    assert_eq!(session.host().written(), [0xab, 0xcd]);
}

#[test]
fn a_stale_mark_splits_pieces_and_releases_the_streams_own_bytes() {
    let Some(reference) = original() else { return };
    let (mut session, destination) = writer(&reference, []);
    let source = session.new_output(1).expect("a stream");
    session.put_buffer_async(source, 0, 10, true).expect("defined");
    session.put_byte(source, 1).expect("defined");
    assert_eq!(session.put_qemu_file(destination, source), Ok(1));
    for value in [2, 3, 4] {
        session.put_byte(source, value).expect("defined");
    }
    assert_eq!(session.state(source).expect("open").iovcnt, 2);
    assert_eq!(session.fflush(source), Ok(0));
    assert_eq!(session.host().writes(), [vec![1, 2]]);
    assert_eq!(session.host().releases(), [(Place::Buffer { stream: source, offset: 0 }, 1)]);
}

#[test]
fn a_failed_destination_takes_nothing_and_the_source_is_emptied() {
    let Some(reference) = original() else { return };
    let (mut session, destination) = writer(&reference, []);
    let source = session.new_output(1).expect("a stream");
    session.put_be32(source, 1).expect("defined");
    session.set_error(destination, -5).expect("defined");
    assert_eq!(session.put_qemu_file(destination, source), Ok(4));
    assert_eq!(session.buffer_empty(destination), Ok(true));
    assert_eq!(session.buffer_empty(source), Ok(true));
}

#[test]
fn a_source_that_reads_gives_what_it_consumed_and_goes_back() {
    let Some(reference) = original() else { return };
    let (mut session, source) = reader(&reference, &counting(8), 8);
    let destination = session.new_output(1).expect("a stream");
    assert_eq!(session.get_be16(source), Ok(1));
    assert_eq!(session.put_qemu_file(destination, source), Ok(2));
    assert_eq!(session.get_be16(source), Ok(1));
    assert_eq!(session.fflush(destination), Ok(0));
    assert_eq!(session.host().written(), [0, 1]);
}
