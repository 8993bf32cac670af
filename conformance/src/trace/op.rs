//! Operations: the original's 35 functions, and a change of guest memory.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::data::Data;
use super::text_form;

/// One call. Streams, channels, sinks and compressors are given by their index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are the C parameters, by the same names")]
pub enum Op {
    /// Makes a stream that reads. C: `qemu_file_new_input`, L127.
    NewInput { channel: usize },
    /// Makes a stream that writes. C: `qemu_file_new_output`, L122.
    NewOutput { channel: usize },
    /// Makes a stream for the other direction. C: `qemu_file_get_return_path`, L117.
    GetReturnPath { stream: usize },
    /// C: `qemu_file_get_ioc`, L799.
    GetChannel { stream: usize },
    /// C: `qemu_file_set_blocking`, L786.
    SetBlocking { stream: usize, blocking: bool },
    /// C: `qemu_file_shutdown`, L63.
    Shutdown { stream: usize },
    /// Flushes, closes the channel, and ends the stream. C: `qemu_fclose`, L355.
    Close { stream: usize },

    /// C: `qemu_file_get_error`, L205.
    GetError { stream: usize },
    /// C: `qemu_file_get_error_obj`, L140.
    GetErrorObj { stream: usize },
    /// The error of either stream; an absent one is `NULL`. C: `qemu_file_get_error_obj_any`, L166.
    GetErrorObjAny { first: Option<usize>, second: Option<usize> },
    /// C: `qemu_file_set_error`, L213.
    SetError { stream: usize, code: i32 },
    /// Without a text, the error object is `NULL`. C: `qemu_file_set_error_obj`, L188.
    SetErrorObj { stream: usize, code: i32, text: Option<String> },

    /// C: `qemu_peek_buffer`, L475.
    PeekBuffer { stream: usize, size: usize, offset: usize },
    /// C: `qemu_get_buffer`, L523.
    GetBuffer { stream: usize, size: usize },
    /// C: `qemu_get_buffer_in_place`, L564.
    GetBufferInPlace { stream: usize, size: usize },
    /// C: `qemu_peek_byte`, L586.
    PeekByte { stream: usize, offset: i32 },
    /// C: `qemu_get_byte`, L603.
    GetByte { stream: usize },
    /// C: `qemu_get_be16`, L646.
    GetBe16 { stream: usize },
    /// C: `qemu_get_be32`, L654.
    GetBe32 { stream: usize },
    /// C: `qemu_get_be64`, L664.
    GetBe64 { stream: usize },
    /// C: `qemu_get_counted_string`, L757.
    GetCountedString { stream: usize },
    /// C: `qemu_file_skip`, L460.
    Skip { stream: usize, size: i32 },
    /// C: `qemu_file_get_to_fd`, L807.
    GetToFd { stream: usize, sink: usize, size: usize },

    /// C: `qemu_put_buffer`, L427.
    PutBuffer { stream: usize, data: Data },
    /// Queues arena bytes by reference. C: `qemu_put_buffer_async`, L417.
    PutBufferAsync { stream: usize, offset: usize, len: usize, may_free: bool },
    /// C: `qemu_put_byte`, L450.
    PutByte { stream: usize, value: i32 },
    /// C: `qemu_put_be16`, L626.
    PutBe16 { stream: usize, value: u32 },
    /// C: `qemu_put_be32`, L632.
    PutBe32 { stream: usize, value: u32 },
    /// C: `qemu_put_be64`, L640.
    PutBe64 { stream: usize, value: u64 },
    /// C: `qemu_put_counted_string`, L771.
    PutCountedString { stream: usize, text: Data },
    /// C: `qemu_put_compression_data`, L702.
    PutCompressionData { stream: usize, compressor: usize, data: Data },
    /// Moves what `source` has buffered. C: `qemu_put_qemu_file`, L726.
    PutStream { stream: usize, source: usize },
    /// C: `qemu_fflush`, L265.
    Flush { stream: usize },
    /// C: `qemu_file_transferred`, L612.
    Transferred { stream: usize },
    /// C: `qemu_file_buffer_empty`, L743.
    BufferEmpty { stream: usize },

    /// The guest changes its memory.
    ChangeArena { offset: usize, data: Data },
}

impl Op {
    /// The streams that the operation works on, the first one first.
    #[must_use]
    pub fn streams(&self) -> [Option<usize>; 2] {
        match *self {
            Self::NewInput { .. } | Self::NewOutput { .. } | Self::ChangeArena { .. } => {
                [None, None]
            }
            Self::GetErrorObjAny { first, second } => [first, second],
            Self::PutStream { stream, source } => [Some(stream), Some(source)],
            Self::GetReturnPath { stream }
            | Self::GetChannel { stream }
            | Self::SetBlocking { stream, .. }
            | Self::Shutdown { stream }
            | Self::Close { stream }
            | Self::GetError { stream }
            | Self::GetErrorObj { stream }
            | Self::SetError { stream, .. }
            | Self::SetErrorObj { stream, .. }
            | Self::PeekBuffer { stream, .. }
            | Self::GetBuffer { stream, .. }
            | Self::GetBufferInPlace { stream, .. }
            | Self::PeekByte { stream, .. }
            | Self::GetByte { stream }
            | Self::GetBe16 { stream }
            | Self::GetBe32 { stream }
            | Self::GetBe64 { stream }
            | Self::GetCountedString { stream }
            | Self::Skip { stream, .. }
            | Self::GetToFd { stream, .. }
            | Self::PutBuffer { stream, .. }
            | Self::PutBufferAsync { stream, .. }
            | Self::PutByte { stream, .. }
            | Self::PutBe16 { stream, .. }
            | Self::PutBe32 { stream, .. }
            | Self::PutBe64 { stream, .. }
            | Self::PutCountedString { stream, .. }
            | Self::PutCompressionData { stream, .. }
            | Self::Flush { stream }
            | Self::Transferred { stream }
            | Self::BufferEmpty { stream } => [Some(stream), None],
        }
    }
}

impl fmt::Display for Op {
    /// As it stands in a trace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match text_form().to_string(self) {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "{self:?}"),
        }
    }
}
