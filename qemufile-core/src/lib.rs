//! QEMU's migration byte stream in Rust.
mod channel;
pub mod compat;
#[cfg(feature = "__compression")]
mod compress;
mod config;
mod error;
mod link;
mod memory;
mod pieces;
mod quirks;
mod reader;
mod sync;
#[expect(unsafe_code, reason = "the one module that may: mappings and vectored writes")]
mod sys;
mod writer;

pub use channel::*;
#[cfg(feature = "__compression")]
pub use compress::Compressor;
pub use config::{Config, MAX_PIECES, Notice, Release, ReleaseTarget, Report, TransferCounter};
pub use error::{
    Cause, CloseError, Error, Misuse, Operation, ShortRead, ShutdownError, StreamError,
};
pub use link::{ShutdownHandle, Stream, error_of_either};
pub use memory::GuestMemory;
pub use pieces::{Chunk, Piece, Pieces};
pub use quirks::Quirks;
pub use reader::{AsyncReader, Reader};
pub use writer::{AsyncWriter, Writer};

/// Bytes that a stream buffers. C: `IO_BUF_SIZE`, L38.
pub const IO_BUF_SIZE: usize = 32_768;

/// A zeroed buffer, on the heap without passing the stack.
fn buffer() -> Box<[u8; IO_BUF_SIZE]> {
    match vec![0; IO_BUF_SIZE].into_boxed_slice().try_into() {
        Ok(buffer) => buffer,
        Err(_) => Box::new([0; IO_BUF_SIZE]),
    }
}
