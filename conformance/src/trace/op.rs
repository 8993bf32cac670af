//! Operations: the functions of the original, and a change of guest memory.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::data::Data;
use super::field::{Field, StreamField};
use super::text_form;

/// Which streams an operation is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It makes a stream.
    Opens,
    /// Both kinds.
    Either,
    /// Streams that read.
    Reads,
    /// Streams that write.
    Writes,
    /// None: it changes the world.
    World,
}

/// What the table says of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name in a trace.
    pub name: &'static str,
    /// The function of the original that it calls, and the line where that stands in 8.2.0.
    pub function: Option<(&'static str, u32)>,
    /// The streams it is meant for.
    pub side: Side,
}

/// The one table of operations. An entry names the fields, which of them are streams (`on`), which
/// of them can be made simpler (`shrinks`, in the order in which that is tried), the side, and the C
/// function with its line.
///
/// What else an operation needs does not compile without it, or fails the test
/// `the_corners_are_reached`: the model, the core's and the original's calls,
/// the code of the fuzz cases, the generator.
macro_rules! ops {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident { $($field:ident: $type:ty),* }
            on [$($stream:ident),*], shrinks [$($simple:ident),*], $side:ident
            $(, $function:literal $line:literal)?;
    )*) => {
        /// One call. Streams, channels, sinks and compressors are given by their index.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "the fields are the C parameters, by the same names")]
        pub enum Op {
            $(
                $(#[doc = $doc])*
                $(#[doc = concat!(" C: `", $function, "`, L", stringify!($line), ".")])?
                $name { $($field: $type),* },
            )*
        }

        impl Op {
            /// All operations, in the order of the table.
            pub const KINDS: &'static [Kind] = &[$(Kind {
                name: stringify!($name),
                function: ops!(@function $($function $line)?),
                side: Side::$side,
            }),*];

            /// What the table says of it.
            #[must_use]
            pub fn kind(&self) -> &'static Kind {
                #[derive(Clone, Copy)]
                enum Index { $($name),* }
                let index = match self {
                    $(Self::$name { .. } => Index::$name,)*
                };
                &Self::KINDS[index as usize]
            }

            /// The streams that the operation works on, the first one first.
            #[must_use]
            pub fn streams(&self) -> [Option<usize>; 2] {
                match self {
                    $(Self::$name { $($stream,)* .. } => ops!(@pair $($stream.stream()),*),)*
                }
            }

            /// The places where it names streams.
            pub(crate) fn streams_mut(&mut self) -> [Option<&mut usize>; 2] {
                match self {
                    $(Self::$name { $($stream,)* .. } => ops!(@pair $($stream.stream_mut()),*),)*
                }
            }

            /// The fields that can be made simpler.
            pub(crate) fn simple_fields(&mut self) -> Vec<Field<'_>> {
                match self {
                    $(Self::$name { $($simple,)* .. } => vec![$(Field::from($simple)),*],)*
                }
            }
        }
    };
    (@function) => { None };
    (@function $function:literal $line:literal) => { Some(($function, $line)) };
    (@pair) => { [None, None] };
    (@pair $first:expr) => { [$first, None] };
    (@pair $first:expr, $second:expr) => { [$first, $second] };
}

ops! {
    /// Makes a stream that reads.
    NewInput { channel: usize }
        on [], shrinks [], Opens, "qemu_file_new_input" 127;
    /// Makes a stream that writes.
    NewOutput { channel: usize }
        on [], shrinks [], Opens, "qemu_file_new_output" 122;
    /// Makes a stream for the other direction.
    GetReturnPath { stream: usize }
        on [stream], shrinks [], Opens, "qemu_file_get_return_path" 117;
    GetChannel { stream: usize }
        on [stream], shrinks [], Either, "qemu_file_get_ioc" 799;
    SetBlocking { stream: usize, blocking: bool }
        on [stream], shrinks [blocking], Either, "qemu_file_set_blocking" 786;
    Shutdown { stream: usize }
        on [stream], shrinks [], Either, "qemu_file_shutdown" 63;
    /// Flushes, closes the channel, and ends the stream.
    Close { stream: usize }
        on [stream], shrinks [], Either, "qemu_fclose" 355;
    GetError { stream: usize }
        on [stream], shrinks [], Either, "qemu_file_get_error" 205;
    GetErrorObj { stream: usize }
        on [stream], shrinks [], Either, "qemu_file_get_error_obj" 140;
    /// The error of either stream; an absent one is `NULL`.
    GetErrorObjAny { first: Option<usize>, second: Option<usize> }
        on [first, second], shrinks [first, second], Either, "qemu_file_get_error_obj_any" 166;
    SetError { stream: usize, code: i32 }
        on [stream], shrinks [code], Either, "qemu_file_set_error" 213;
    /// Without a text, the error object is `NULL`.
    SetErrorObj { stream: usize, code: i32, text: Option<String> }
        on [stream], shrinks [code, text], Either, "qemu_file_set_error_obj" 188;
    PeekBuffer { stream: usize, size: usize, offset: usize }
        on [stream], shrinks [size, offset], Reads, "qemu_peek_buffer" 475;
    GetBuffer { stream: usize, size: usize }
        on [stream], shrinks [size], Reads, "qemu_get_buffer" 523;
    GetBufferInPlace { stream: usize, size: usize }
        on [stream], shrinks [size], Reads, "qemu_get_buffer_in_place" 564;
    PeekByte { stream: usize, offset: i32 }
        on [stream], shrinks [offset], Reads, "qemu_peek_byte" 586;
    GetByte { stream: usize }
        on [stream], shrinks [], Reads, "qemu_get_byte" 603;
    GetBe16 { stream: usize }
        on [stream], shrinks [], Reads, "qemu_get_be16" 646;
    GetBe32 { stream: usize }
        on [stream], shrinks [], Reads, "qemu_get_be32" 654;
    GetBe64 { stream: usize }
        on [stream], shrinks [], Reads, "qemu_get_be64" 664;
    GetCountedString { stream: usize }
        on [stream], shrinks [], Reads, "qemu_get_counted_string" 757;
    Skip { stream: usize, size: i32 }
        on [stream], shrinks [size], Reads, "qemu_file_skip" 460;
    GetToFd { stream: usize, sink: usize, size: usize }
        on [stream], shrinks [size], Reads, "qemu_file_get_to_fd" 807;
    PutBuffer { stream: usize, data: Data }
        on [stream], shrinks [data], Writes, "qemu_put_buffer" 427;
    /// Queues arena bytes by reference.
    PutBufferAsync { stream: usize, offset: usize, len: usize, may_free: bool }
        on [stream], shrinks [len, offset, may_free], Writes, "qemu_put_buffer_async" 417;
    PutByte { stream: usize, value: i32 }
        on [stream], shrinks [value], Writes, "qemu_put_byte" 450;
    PutBe16 { stream: usize, value: u32 }
        on [stream], shrinks [value], Writes, "qemu_put_be16" 626;
    PutBe32 { stream: usize, value: u32 }
        on [stream], shrinks [value], Writes, "qemu_put_be32" 632;
    PutBe64 { stream: usize, value: u64 }
        on [stream], shrinks [value], Writes, "qemu_put_be64" 640;
    PutCountedString { stream: usize, text: Data }
        on [stream], shrinks [text], Writes, "qemu_put_counted_string" 771;
    PutCompressionData { stream: usize, compressor: usize, data: Data }
        on [stream], shrinks [data], Writes, "qemu_put_compression_data" 702;
    /// Moves what `source` has buffered.
    PutStream { stream: usize, source: usize }
        on [stream, source], shrinks [], Writes, "qemu_put_qemu_file" 726;
    Flush { stream: usize }
        on [stream], shrinks [], Either, "qemu_fflush" 265;
    Transferred { stream: usize }
        on [stream], shrinks [], Writes, "qemu_file_transferred" 612;
    BufferEmpty { stream: usize }
        on [stream], shrinks [], Writes, "qemu_file_buffer_empty" 743;
    /// The guest changes its memory.
    ChangeArena { offset: usize, data: Data }
        on [], shrinks [data, offset], World;
}

impl Op {
    /// Which of `functions` it calls.
    #[must_use]
    pub fn calls_one_of(&self, functions: &[&'static str]) -> Option<&'static str> {
        if functions.is_empty() {
            return None;
        }
        let (own, _) = self.kind().function?;
        functions.contains(&own).then_some(own)
    }
}

/// The functions that operations call, of those named.
#[must_use]
pub fn functions_among<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
    let own = |name: &str| {
        Op::KINDS.iter().filter_map(|kind| kind.function).find(|(own, _)| *own == name)
    };
    names.into_iter().filter_map(own).map(|(own, _)| own).collect()
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
