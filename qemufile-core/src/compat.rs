//! The original's results, for comparing with it and for porting code that relies on them.
//!
//! Each function does what the method of the same meaning does, and gives what the C function
//! gives: values padded with zeros, counts, negative errnos. What the C function aborts on is a
//! [`Misuse`].
//!
//! The functions of the module are for [`Reader`] and [`Writer`]; those of
//! [`nonblocking`] for their asynchronous twins.

use std::io::SeekFrom;
use std::num::NonZeroI32;
use std::os::fd::{BorrowedFd, OwnedFd};

use crate::endpoint::poll_ready_now;
use crate::error::{Cause, Error, Misuse, Operation};
use crate::notice::Notice;
use crate::reader::Reader;
use crate::reader::input::{Found, Input, check_peek};
use crate::stream::Stream;
use crate::writer::Writer;
use crate::{ShutdownError, StreamError};

pub mod nonblocking;

/// Bytes of an in-place read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InPlace<'a> {
    /// They lie in the stream's buffer.
    Buffer(&'a [u8]),
    /// Nothing was asked for and nothing is buffered: the original's pointer is `NULL`.
    Null,
    /// They were copied to the caller's buffer, perhaps fewer than it holds.
    Copied(&'a [u8]),
}

fn errno(result: Result<(), StreamError>) -> i32 {
    result.err().map_or(0, |error| error.errno())
}

/// The stream's first error code, or 0. C: `qemu_file_get_error`.
#[must_use]
pub fn get_error(stream: &dyn Stream) -> i32 {
    stream.error().map_or(0, |error| error.errno())
}

/// The stream's first error code and its text. C: `qemu_file_get_error_obj`.
#[must_use]
pub fn get_error_obj(stream: &dyn Stream) -> (i32, Option<String>) {
    described(stream.error())
}

/// The first error code of either stream and its text. C: `qemu_file_get_error_obj_any`.
#[must_use]
pub fn get_error_obj_any(
    first: Option<&dyn Stream>,
    second: Option<&dyn Stream>,
) -> (i32, Option<String>) {
    described(crate::error_of_either(first, second))
}

fn described(error: Option<StreamError>) -> (i32, Option<String>) {
    error.map_or((0, None), |error| (error.errno(), Some(error.text())))
}

/// Sets a code without a text; 0 does nothing. C: `qemu_file_set_error`.
pub fn set_error(stream: &dyn Stream, code: i32) {
    set_error_obj(stream, code, None);
}

/// Sets a code with a text. With the code 0 the text is reported. C: `qemu_file_set_error_obj`.
pub fn set_error_obj(stream: &dyn Stream, code: i32, message: Option<&str>) {
    match (NonZeroI32::new(code), message) {
        (Some(code), message) => stream.set_error(code, message),
        (None, Some(text)) => {
            stream.endpoint().config.reporter.report(&Notice::LaterError { text });
        }
        (None, None) => {}
    }
}

/// 0, `-ENOSYS` or `-EIO`. C: `qemu_file_shutdown`.
pub fn shutdown(stream: &dyn Stream) -> i32 {
    stream.shutdown().as_ref().err().map_or(0, ShutdownError::errno)
}

/// Changes the blocking mode and loses the error. C: `qemu_file_set_blocking`.
pub fn set_blocking(stream: &dyn Stream, blocking: bool) {
    let _ = stream.set_blocking(blocking);
}

/// On a writer, flushes; the stream's error code. C: `qemu_fflush`.
pub fn fflush(writer: &mut Writer) -> i32 {
    errno(writer.flush())
}

/// Closes a reader. C: `qemu_fclose`.
pub fn close_reader(reader: Reader) -> i32 {
    reader.close().err().map_or(0, |error| error.errno())
}

/// Closes a writer. C: `qemu_fclose`.
pub fn close_writer(writer: Writer) -> i32 {
    writer.close().err().map_or(0, |error| error.errno())
}

/// Appends the length of what was moved, whether it arrived or not. C: `qemu_put_qemu_file`.
/// Where the destination has failed and the quirk is fixed, its negative code, or `-EIO`.
pub fn put_qemu_file(destination: &mut Writer, source: &mut Writer) -> i64 {
    moved(destination.put_stream(source))
}

fn moved(result: Result<usize, StreamError>) -> i64 {
    match result {
        Ok(count) => i64::try_from(count).unwrap_or(i64::MAX),
        Err(error) if error.errno().is_negative() => error.errno().into(),
        Err(_) => (-libc::EIO).into(),
    }
}

/// The length of header and payload, or -1. C: `qemu_put_compression_data`.
#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
pub fn put_compression_data(
    writer: &mut Writer,
    compressor: &mut crate::Compressor,
    data: &[u8],
) -> i64 {
    compressed(&writer.put_compressed(compressor, data))
}

#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
fn compressed(result: &Result<usize, Error>) -> i64 {
    result.as_ref().map_or(-1, |count| i64::try_from(*count).unwrap_or(i64::MAX))
}

/// Skips, or does nothing. C: `qemu_file_skip`.
pub fn skip(reader: &mut Reader, size: usize) {
    let _ = reader.skip(size);
}

/// As many of the bytes as are there. C: `qemu_peek_buffer`.
///
/// # Errors
///
/// Where the original asserts.
pub fn peek_buffer(reader: &mut Reader, size: usize, offset: usize) -> Result<&[u8], Misuse> {
    poll_ready_now(Lossy::peek_buffer(reader.input(), size, offset))
}

/// The byte, or 0. C: `qemu_peek_byte`.
///
/// # Errors
///
/// Where the original asserts.
pub fn peek_byte(reader: &mut Reader, offset: usize) -> Result<u8, Misuse> {
    poll_ready_now(Lossy::peek_byte(reader.input(), offset))
}

/// The byte, or 0. C: `qemu_get_byte`.
pub fn get_byte(reader: &mut Reader) -> u8 {
    u8::from_be_bytes(poll_ready_now(Lossy::padded(reader.input())))
}

/// What is there, as the high bytes of the value. C: `qemu_get_be16`.
pub fn get_be16(reader: &mut Reader) -> u16 {
    u16::from_be_bytes(poll_ready_now(Lossy::padded(reader.input())))
}

/// What is there, as the high bytes of the value. C: `qemu_get_be32`.
pub fn get_be32(reader: &mut Reader) -> u32 {
    u32::from_be_bytes(poll_ready_now(Lossy::padded(reader.input())))
}

/// What is there, as the high bytes of the value. C: `qemu_get_be64`.
pub fn get_be64(reader: &mut Reader) -> u64 {
    u64::from_be_bytes(poll_ready_now(Lossy::padded(reader.input())))
}

/// How many bytes came. C: `qemu_get_buffer`.
pub fn get_buffer(reader: &mut Reader, into: &mut [u8]) -> usize {
    poll_ready_now(reader.input().get_buffer(into))
}

/// The bytes that came, and where they are. C: `qemu_get_buffer_in_place`.
pub fn get_buffer_in_place<'a>(reader: &'a mut Reader, into: &'a mut [u8]) -> InPlace<'a> {
    poll_ready_now(Lossy::in_place(reader.input(), into))
}

/// The length of the string, or 0 where it is empty or cut short; `into` holds what came and a 0
/// behind it. C: `qemu_get_counted_string`.
pub fn get_counted_string(reader: &mut Reader, into: &mut [u8; 256]) -> usize {
    poll_ready_now(Lossy::counted_string(reader.input(), into))
}

/// 0, the descriptor's negative errno, or `-EIO`; -1 for a read that fails, with the quirk
/// [`raw_read_failure`](crate::Quirks::raw_read_failure). C: `qemu_file_get_to_fd`.
pub fn get_to_fd(reader: &mut Reader, sink: &mut dyn std::io::Write, size: usize) -> i32 {
    let raw = is_read_failure_raw(reader);
    passed_on(&reader.get_to(sink, size), raw)
}

/// Whether the result of the next read is handed on as it is: the quirk is on, and the stream has
/// not failed, since it would read no more.
fn is_read_failure_raw(stream: &dyn Stream) -> bool {
    let endpoint = stream.endpoint();
    endpoint.config.quirks.raw_read_failure && !endpoint.failed()
}

fn passed_on(result: &Result<(), Error>, raw: bool) -> i32 {
    let Err(error) = result else { return 0 };
    match error.stream().map(StreamError::cause) {
        Some(Cause::Channel { operation: Operation::Read, .. }) if raw => -1,
        Some(_) => -libc::EIO,
        None => error.errno(),
    }
}

/// Whether the channel is seekable. C: `qemu_file_is_seekable`.
#[must_use]
pub fn is_seekable(stream: &dyn Stream) -> bool {
    stream.is_seekable()
}

/// Writes at an offset; what fails is the stream's error. C: `qemu_put_buffer_at`.
pub fn put_buffer_at(writer: &mut Writer, bytes: &[u8], offset: u64) {
    let _ = writer.put_buffer_at(bytes, offset);
}

/// The length of `into`, or 0. C: `qemu_get_buffer_at`.
pub fn get_buffer_at(reader: &mut Reader, into: &mut [u8], offset: u64) -> usize {
    reader.get_buffer_at(into, offset).map_or(0, |()| into.len())
}

/// Moves a reader's channel; what fails is the stream's error. C: `qemu_set_offset`.
pub fn set_reader_offset(reader: &mut Reader, to: SeekFrom) {
    let _ = reader.set_offset(to);
}

/// Moves a writer's channel; what fails is the stream's error. C: `qemu_set_offset`.
pub fn set_writer_offset(writer: &mut Writer, to: SeekFrom) {
    let _ = writer.set_offset(to);
}

/// The offset, or -1. C: `qemu_get_offset`.
pub fn get_reader_offset(reader: &mut Reader) -> i64 {
    offset(reader.offset())
}

/// The offset, or -1. C: `qemu_get_offset`.
pub fn get_writer_offset(writer: &mut Writer) -> i64 {
    offset(writer.offset())
}

fn offset(result: Result<u64, StreamError>) -> i64 {
    result.map_or(-1, |offset| i64::try_from(offset).unwrap_or(i64::MAX))
}

/// 0 or -1. C: `qemu_file_put_fd`.
pub fn put_fd(writer: &mut Writer, descriptor: BorrowedFd<'_>) -> i32 {
    -i32::from(writer.send_descriptor(descriptor).is_err())
}

/// The descriptor, or `None` where the original gives -1. C: `qemu_file_get_fd`.
pub fn get_fd(reader: &mut Reader) -> Option<OwnedFd> {
    reader.receive_descriptor().ok()
}

/// The reading functions, once for both kinds of stream.
struct Lossy;

impl Lossy {
    async fn padded<const N: usize>(input: &mut Input) -> [u8; N] {
        match input.take() {
            Some(bytes) => bytes,
            None => input.get_bytes().await.0,
        }
    }

    async fn peek_buffer(input: &mut Input, size: usize, offset: usize) -> Result<&[u8], Misuse> {
        check_peek(size, offset)?;
        let found = input.peek(size, offset).await;
        Ok(input.at(found))
    }

    async fn peek_byte(input: &mut Input, offset: usize) -> Result<u8, Misuse> {
        check_peek(1, offset)?;
        Ok(input.peek_byte(offset).await.unwrap_or(0))
    }

    async fn in_place<'a>(input: &'a mut Input, into: &'a mut [u8]) -> InPlace<'a> {
        match input.get_in_place(into).await {
            Found::InPlace(found) if found.is_empty() && input.buffered().is_empty() => {
                InPlace::Null
            }
            Found::InPlace(found) => InPlace::Buffer(input.at(found)),
            Found::Copied(count) => InPlace::Copied(&into[..count]),
        }
    }

    async fn counted_string(input: &mut Input, into: &mut [u8; 256]) -> usize {
        let [len] = Self::padded(input).await;
        let len = usize::from(len);
        let mut moving = input.endpoint.moving();
        moving.arm();
        let count = input.get_buffer(&mut into[..len]).await;
        moving.done();
        into[count] = 0;
        if count == len { count } else { 0 }
    }
}
