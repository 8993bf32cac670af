//! The same for [`AsyncReader`] and [`AsyncWriter`], where the original would yield.

use std::io::SeekFrom;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::{InPlace, Lossy, Misuse, errno, is_read_failure_raw, moved, offset, passed_on};
use crate::reader::AsyncReader;
use crate::writer::AsyncWriter;

/// C: `qemu_fflush`.
pub async fn fflush(writer: &mut AsyncWriter) -> i32 {
    errno(writer.flush().await)
}

/// C: `qemu_fclose`.
#[must_use]
pub fn close_reader(reader: AsyncReader) -> i32 {
    reader.close().err().map_or(0, |error| error.errno())
}

/// C: `qemu_fclose`.
pub async fn close_writer(writer: AsyncWriter) -> i32 {
    writer.close().await.err().map_or(0, |error| error.errno())
}

/// C: `qemu_put_qemu_file`.
pub async fn put_qemu_file(destination: &mut AsyncWriter, source: &mut AsyncWriter) -> i64 {
    moved(destination.put_stream(source).await)
}

/// C: `qemu_put_compression_data`.
#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
pub async fn put_compression_data(
    writer: &mut AsyncWriter,
    compressor: &mut crate::Compressor,
    data: &[u8],
) -> i64 {
    super::compressed(&writer.put_compressed(compressor, data).await)
}

/// C: `qemu_file_skip`.
pub fn skip(reader: &mut AsyncReader, size: usize) {
    let _ = reader.skip(size);
}

/// C: `qemu_peek_buffer`.
///
/// # Errors
///
/// Where the original asserts.
pub async fn peek_buffer(
    reader: &mut AsyncReader,
    size: usize,
    offset: usize,
) -> Result<&[u8], Misuse> {
    Lossy::peek_buffer(reader.input(), size, offset).await
}

/// C: `qemu_peek_byte`.
///
/// # Errors
///
/// Where the original asserts.
pub async fn peek_byte(reader: &mut AsyncReader, offset: usize) -> Result<u8, Misuse> {
    Lossy::peek_byte(reader.input(), offset).await
}

/// C: `qemu_get_byte`.
pub async fn get_byte(reader: &mut AsyncReader) -> u8 {
    u8::from_be_bytes(Lossy::padded(reader.input()).await)
}

/// C: `qemu_get_be16`.
pub async fn get_be16(reader: &mut AsyncReader) -> u16 {
    u16::from_be_bytes(Lossy::padded(reader.input()).await)
}

/// C: `qemu_get_be32`.
pub async fn get_be32(reader: &mut AsyncReader) -> u32 {
    u32::from_be_bytes(Lossy::padded(reader.input()).await)
}

/// C: `qemu_get_be64`.
pub async fn get_be64(reader: &mut AsyncReader) -> u64 {
    u64::from_be_bytes(Lossy::padded(reader.input()).await)
}

/// C: `qemu_get_buffer`.
pub async fn get_buffer(reader: &mut AsyncReader, into: &mut [u8]) -> usize {
    reader.input().get_buffer(into).await
}

/// C: `qemu_get_buffer_in_place`.
pub async fn get_buffer_in_place<'a>(
    reader: &'a mut AsyncReader,
    into: &'a mut [u8],
) -> InPlace<'a> {
    Lossy::in_place(reader.input(), into).await
}

/// C: `qemu_get_counted_string`.
pub async fn get_counted_string(reader: &mut AsyncReader, into: &mut [u8; 256]) -> usize {
    Lossy::counted_string(reader.input(), into).await
}

/// C: `qemu_file_get_to_fd`.
pub async fn get_to_fd<W: std::io::Write>(
    reader: &mut AsyncReader,
    sink: &mut W,
    size: usize,
) -> i32 {
    let raw = is_read_failure_raw(reader);
    passed_on(&reader.get_to(sink, size).await, raw)
}

/// C: `qemu_put_buffer_at`.
pub async fn put_buffer_at(writer: &mut AsyncWriter, bytes: &[u8], offset: u64) {
    let _ = writer.put_buffer_at(bytes, offset).await;
}

/// C: `qemu_get_buffer_at`.
pub async fn get_buffer_at(reader: &mut AsyncReader, into: &mut [u8], offset: u64) -> usize {
    reader.get_buffer_at(into, offset).await.map_or(0, |()| into.len())
}

/// C: `qemu_set_offset`.
pub fn set_reader_offset(reader: &mut AsyncReader, to: SeekFrom) {
    let _ = reader.set_offset(to);
}

/// C: `qemu_set_offset`.
pub async fn set_writer_offset(writer: &mut AsyncWriter, to: SeekFrom) {
    let _ = writer.set_offset(to).await;
}

/// C: `qemu_get_offset`.
pub fn get_reader_offset(reader: &mut AsyncReader) -> i64 {
    offset(reader.offset())
}

/// C: `qemu_get_offset`.
pub async fn get_writer_offset(writer: &mut AsyncWriter) -> i64 {
    offset(writer.offset().await)
}

/// C: `qemu_file_put_fd`.
pub async fn put_fd(writer: &mut AsyncWriter, descriptor: BorrowedFd<'_>) -> i32 {
    -i32::from(writer.send_descriptor(descriptor).await.is_err())
}

/// C: `qemu_file_get_fd`.
pub async fn get_fd(reader: &mut AsyncReader) -> Option<OwnedFd> {
    reader.receive_descriptor().await.ok()
}
