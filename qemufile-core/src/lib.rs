//! QEMU's migration byte stream: what `migration/qemu-file.c` does, in Rust. By default that of
//! v8.2.0; [`Config::release`] has later ones.
//!
//! A migration stream is big-endian integers, counted strings and pages of memory, one after the
//! other. [`Writer`] and [`Reader`] put a buffer of 32 KiB between them and a [`Channel`]: a
//! socket, a file, a pipe, a child process. What this crate writes and how it writes it (which
//! bytes in which vectored write), what it reads and how much each read asks for, is the
//! original's, call for call; the workspace's `conformance` crate measures that.
//!
//! ```
//! use std::sync::Arc;
//! use qemufile_core::{GuestMemory, MemoryChannel, Reader, Writer};
//!
//! let memory = GuestMemory::anonymous(4096)?;
//! let channel = Arc::new(MemoryChannel::new());
//! let mut writer = Writer::new(channel.clone());
//! writer.put_be64(0x1000 | 8)?;                   // a header, copied
//! writer.put_guest(&memory, 0..4096, false)?;     // a page, by reference
//! memory.write_at(0, b"late")?;                   // read when it is flushed
//! writer.close()?;
//!
//! let mut reader = Reader::new(Arc::new(MemoryChannel::with_input(channel.take_output())));
//! assert_eq!(reader.get_be64()?, 0x1008);
//! assert_eq!(reader.get_buffer_in_place(&mut [0; 4096])?[..4], *b"late");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where the functions are
//!
//! The methods return what a Rust caller wants; the functions of [`compat`] return what C's do.
//! `AsyncReader` and `AsyncWriter` have the same methods, and [`compat::nonblocking`] the same
//! functions, for code that runs in a coroutine there.
//!
//! | C | method | in `compat` |
//! |---|---|---|
//! | `qemu_file_new_input` | [`Reader::new`] | |
//! | `qemu_file_new_output` | [`Writer::new`] | |
//! | `qemu_file_get_return_path` | [`Reader::return_path`], [`Writer::return_path`] | |
//! | `qemu_file_get_ioc` | [`Stream::channel`] | |
//! | `qemu_file_shutdown` | [`Stream::shutdown`], [`ShutdownHandle::shutdown`] | [`compat::shutdown`] |
//! | `qemu_file_set_blocking` | [`Stream::set_blocking`] | [`compat::set_blocking`] |
//! | `qemu_fclose` | [`Reader::close`], [`Writer::close`] | [`compat::close_reader`], [`compat::close_writer`] |
//! | `qemu_fflush` | [`Writer::flush`] | [`compat::fflush`] |
//! | `qemu_file_buffer_empty` | [`Writer::is_empty`] | |
//! | `qemu_file_transferred` | [`Writer::transferred`] | |
//! | `qemu_file_get_error` | [`Stream::error`] | [`compat::get_error`] |
//! | `qemu_file_get_error_obj` | [`StreamError::text`] | [`compat::get_error_obj`] |
//! | `qemu_file_get_error_obj_any` | [`error_of_either`] | [`compat::get_error_obj_any`] |
//! | `qemu_file_set_error` | [`Stream::set_error`] | [`compat::set_error`] |
//! | `qemu_file_set_error_obj` | [`Stream::set_error`] | [`compat::set_error_obj`] |
//! | `qemu_put_byte` | [`Writer::put_byte`] | |
//! | `qemu_put_be16` | [`Writer::put_be16`] | |
//! | `qemu_put_be32` | [`Writer::put_be32`] | |
//! | `qemu_put_be64` | [`Writer::put_be64`] | |
//! | `qemu_put_buffer` | [`Writer::put_buffer`] | |
//! | `qemu_put_buffer_async` | [`Writer::put_guest`], [`Writer::put_shared`] | |
//! | `qemu_put_counted_string` | [`Writer::put_counted_string`] | |
#![cfg_attr(
    any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"),
    doc = "| `qemu_put_compression_data` | [`Writer::put_compressed`] | [`compat::put_compression_data`] |"
)]
#![cfg_attr(
    not(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide")),
    doc = "| `qemu_put_compression_data` | with a feature for compression | |"
)]
//! | `qemu_put_qemu_file` | [`Writer::put_stream`] | [`compat::put_qemu_file`] |
//! | `qemu_file_skip` | [`Reader::skip`] | [`compat::skip`] |
//! | `qemu_peek_buffer` | [`Reader::peek_buffer`] | [`compat::peek_buffer`] |
//! | `qemu_peek_byte` | [`Reader::peek_byte`] | [`compat::peek_byte`] |
//! | `qemu_get_byte` | [`Reader::get_byte`] | [`compat::get_byte`] |
//! | `qemu_get_be16` | [`Reader::get_be16`] | [`compat::get_be16`] |
//! | `qemu_get_be32` | [`Reader::get_be32`] | [`compat::get_be32`] |
//! | `qemu_get_be64` | [`Reader::get_be64`] | [`compat::get_be64`] |
//! | `qemu_get_buffer` | [`Reader::get_buffer`] | [`compat::get_buffer`] |
//! | `qemu_get_buffer_in_place` | [`Reader::get_buffer_in_place`] | [`compat::get_buffer_in_place`] |
//! | `qemu_get_counted_string` | [`Reader::get_counted_string`] | [`compat::get_counted_string`] |
//! | `qemu_file_get_to_fd` | [`Reader::get_to_fd`], [`Reader::get_to`] | [`compat::get_to_fd`] |
//!
//! Since QEMU 9.0 there are more. They are on every stream; passing descriptors needs a
//! [`Config::release`] of 10.0 or later, since reads have to ask for them:
//!
//! | C | from | method | in `compat` |
//! |---|---|---|---|
//! | `qemu_file_is_seekable` | 9.0 | [`Stream::is_seekable`] | [`compat::is_seekable`] |
//! | `qemu_put_buffer_at` | 9.0 | [`Writer::put_buffer_at`] | [`compat::put_buffer_at`] |
//! | `qemu_get_buffer_at` | 9.0 | [`Reader::get_buffer_at`] | [`compat::get_buffer_at`] |
//! | `qemu_set_offset` | 9.0 | [`Reader::set_offset`], [`Writer::set_offset`] | [`compat::set_reader_offset`], [`compat::set_writer_offset`] |
//! | `qemu_get_offset` | 9.0 | [`Reader::offset`], [`Writer::offset`] | [`compat::get_reader_offset`], [`compat::get_writer_offset`] |
//! | `qemu_file_put_fd` | 10.0 | [`Writer::send_descriptor`] | [`compat::put_fd`] |
//! | `qemu_file_get_fd` | 10.0 | [`Reader::receive_descriptor`] | [`compat::get_fd`] |
//!
//! # Errors
//!
//! The first thing that goes wrong stays with the stream, as a [`StreamError`] whose [`Cause`]
//! tells the end of the stream, a failing channel, a shutdown and a caller's own verdict apart.
//! What comes later is [reported](Report), not stored. [`Error`] is what a single call returns;
//! each kind has the original's errno. No safe call panics, and none loops for ever: a channel
//! that breaks its contract makes the stream fail.
//!
//! # Cancellation
//!
//! A future of [`AsyncReader`] or [`AsyncWriter`] may be dropped before it is done, by
//! `tokio::time::timeout` or `select!`. What happens depends on what it had moved:
//!
//! | dropped | then |
//! |---|---|
//! | a flush, at any moment | the next put, flush or close goes on where it was |
//! | a put that waits for such a flush, or has queued all its bytes | nothing is lost, nothing comes twice |
//! | a put, or a moved stream, of which a part is queued | the stream has failed with [`Cause::Cancelled`] |
//! | a peek; a get that has taken nothing | the next call finds the same bytes |
//! | a get that has taken a part of its value | the stream has failed with [`Cause::Cancelled`] |
//! | a close | the queue is lost, and [reported](Report) |
//!
//! A stream that would go on with half a value says so instead. To cancel without that, flush
//! first: after a flush, a value of less than 32 KiB is queued without waiting.
//!
//! # Panics of the caller's code
//!
//! A [`Channel`] that panics makes its stream fail, with [`Cause::Panicked`]: how much it had moved
//! is not known. After a [`ReleaseMemory`] or a [`Report`] that panics, the stream goes on, and no
//! byte is sent twice.
//!
//! # Deadlines
//!
//! A blocking stream waits as long as its channel does: for ever, unless the channel was given a
//! bound, as by [`DescriptorChannel::with_timeout`]. Another thread ends any wait by a
//! [`ShutdownHandle`]; an asynchronous stream is bounded from outside.
//!
//! # Threads
//!
//! A stream belongs to one thread at a time, its channel to all: a [`Writer`], the [`Reader`] that
//! is its return path and any number of [`ShutdownHandle`]s work at once.
//!
//! # Where the original is wrong
//!
//! Its defects are fixed unless [`Config::quirks`] asks for them: see [`Quirks`].
//!
//! # Features
//!
//! | feature | what for |
//! |---|---|
//! | `zlib` (default) | `Writer::put_compressed` with C's zlib: the bytes are QEMU's own |
//! | `zlib-rs`, `miniz-oxide` | the same without C; **not** byte-identical, only what it inflates to agrees |
//! | `tokio` | `TokioChannel`, to wait for in tokio's reactor |
//! | `vm-memory` | `GuestMemory::from_region`, for the regions of the crate `vm-memory` |
//!
//! Unix only. All `unsafe` code is in one module: mappings, and vectored writes from them.

pub mod compat;

mod attempts;
mod buffer;
mod channel;
#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
mod compress;
mod config;
mod endpoint;
mod error;
mod memory;
mod notice;
mod piece_list;
mod pieces;
mod positioned;
mod quirks;
mod reader;
mod release;
mod release_memory;
mod shutdown;
mod sticky_error;
mod stream;
mod sync;
#[expect(unsafe_code, reason = "the one module that may: mappings and vectored writes")]
mod sys;
mod writer;

pub use channel::*;
#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
pub use compress::Compressor;
pub use config::{Config, MAX_PIECES, TransferCounter};
pub use error::{
    Cause, CloseError, Error, Misuse, Operation, ShortRead, ShutdownError, StreamError,
};
pub use memory::GuestMemory;
pub use notice::{Notice, Report};
pub use piece_list::PieceList;
pub use pieces::{Chunk, Piece, Pieces};
pub use quirks::Quirks;
pub use reader::{AsyncReader, Reader};
pub use release::Release;
pub use release_memory::{ReleaseMemory, ReleaseTarget};
pub use shutdown::ShutdownHandle;
pub use stream::{Stream, error_of_either};
pub use writer::{AsyncWriter, Writer};

/// Bytes that a stream buffers. C: `IO_BUF_SIZE`, L37.
pub const IO_BUF_SIZE: usize = 32_768;

/// Longest counted string in bytes; its length is one byte.
pub const MAX_STRING: usize = u8::MAX as usize;

/// Compiles and runs the example of the crate's README, which is also that of the repository's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
