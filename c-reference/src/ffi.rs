//! The structures of `shim/host.h`, field for field. That file says what each is for.

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

use libz_sys::z_stream;

/// Raised on both sides whenever a structure changes.
pub(crate) const INTERFACE: u32 = 3;

/// Streams whose memory is kept.
pub(crate) const SPARE: usize = 32;

pub(crate) const FAILED: isize = -1;
pub(crate) const WOULD_BLOCK: isize = -2;
pub(crate) const LEAVE: isize = isize::MIN;

pub(crate) const RETURNED: u32 = 0;
pub(crate) const ASSERTED: u32 = 1;
pub(crate) const LEFT: u32 = 2;

/// The highest sink: above it, a descriptor's number would leave C's `int`.
pub(crate) const MOST_SINK: usize = 0x3fff_ffff;

// `shim/zlib.h` asserts the same.
const _: () = assert!(size_of::<z_stream>() == 14 * size_of::<usize>());

/// A stream of the original; only its address is used.
#[repr(C)]
pub(crate) struct File {
    _opaque: [u8; 0],
}

#[repr(C)]
pub(crate) struct Text {
    pub(crate) start: *const c_char,
    pub(crate) len: usize,
}

#[repr(C)]
pub(crate) struct Iovec {
    pub(crate) base: *const u8,
    pub(crate) len: usize,
}

type Notify = unsafe extern "C" fn(*mut c_void, usize) -> isize;
type Finish = unsafe extern "C" fn(*mut c_void, usize, *mut Text) -> isize;
type Say = unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> isize;
type Ask = unsafe extern "C" fn(*mut c_void) -> isize;

#[repr(C)]
pub(crate) struct HostTable {
    pub(crate) context: *mut c_void,
    pub(crate) read: unsafe extern "C" fn(*mut c_void, usize, *mut u8, usize, *mut Text) -> isize,
    pub(crate) write_pieces:
        unsafe extern "C" fn(*mut c_void, usize, *const Iovec, usize, *mut Text) -> isize,
    pub(crate) wait: unsafe extern "C" fn(*mut c_void, usize, c_int, c_int) -> isize,
    pub(crate) in_coroutine: Ask,
    pub(crate) can_shutdown: Notify,
    pub(crate) shutdown: Finish,
    pub(crate) close: Finish,
    pub(crate) set_blocking: unsafe extern "C" fn(*mut c_void, usize, c_int, *mut Text) -> isize,
    pub(crate) reference: Notify,
    pub(crate) unreference: Notify,
    pub(crate) release: unsafe extern "C" fn(*mut c_void, *mut c_void, usize, *mut c_int) -> isize,
    pub(crate) report: Say,
    pub(crate) answer: Say,
    pub(crate) describe: unsafe extern "C" fn(*mut c_void, *const c_void, *mut u8, usize) -> isize,
    pub(crate) sink_write:
        unsafe extern "C" fn(*mut c_void, usize, *const u8, usize, *mut c_int) -> isize,
    pub(crate) closed: Ask,
    pub(crate) deflate: unsafe extern "C" fn(*mut z_stream, c_int) -> c_int,
    pub(crate) deflate_reset: unsafe extern "C" fn(*mut z_stream) -> c_int,
    pub(crate) compress_bound: unsafe extern "C" fn(c_ulong) -> c_ulong,
    pub(crate) transferred: u64,
    pub(crate) spare: [*mut c_void; SPARE],
}

/// The functions of the original; the discriminants are those of `enum function`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Function {
    Shutdown,
    GetReturnPath,
    NewOutput,
    NewInput,
    GetErrorObj,
    GetErrorObjAny,
    SetErrorObj,
    GetError,
    SetError,
    Fflush,
    Fclose,
    PutBufferAsync,
    PutBuffer,
    PutByte,
    Skip,
    PeekBuffer,
    GetBuffer,
    GetBufferInPlace,
    PeekByte,
    GetByte,
    Transferred,
    PutBe16,
    PutBe32,
    PutBe64,
    GetBe16,
    GetBe32,
    GetBe64,
    PutCompressionData,
    PutQemuFile,
    BufferEmpty,
    GetCountedString,
    PutCountedString,
    SetBlocking,
    GetIoc,
    GetToFd,
}

/// Names in C, in the order of [`Function`].
pub(crate) const NAMES: [&str; 35] = [
    "qemu_file_shutdown",
    "qemu_file_get_return_path",
    "qemu_file_new_output",
    "qemu_file_new_input",
    "qemu_file_get_error_obj",
    "qemu_file_get_error_obj_any",
    "qemu_file_set_error_obj",
    "qemu_file_get_error",
    "qemu_file_set_error",
    "qemu_fflush",
    "qemu_fclose",
    "qemu_put_buffer_async",
    "qemu_put_buffer",
    "qemu_put_byte",
    "qemu_file_skip",
    "qemu_peek_buffer",
    "qemu_get_buffer",
    "qemu_get_buffer_in_place",
    "qemu_peek_byte",
    "qemu_get_byte",
    "qemu_file_transferred",
    "qemu_put_be16",
    "qemu_put_be32",
    "qemu_put_be64",
    "qemu_get_be16",
    "qemu_get_be32",
    "qemu_get_be64",
    "qemu_put_compression_data",
    "qemu_put_qemu_file",
    "qemu_file_buffer_empty",
    "qemu_get_counted_string",
    "qemu_put_counted_string",
    "qemu_file_set_blocking",
    "qemu_file_get_ioc",
    "qemu_file_get_to_fd",
];

#[repr(C)]
pub(crate) struct Call {
    pub(crate) function: u32,
    pub(crate) ending: u32,
    pub(crate) file: *mut File,
    pub(crate) other: *mut File,
    pub(crate) stream: *mut z_stream,
    pub(crate) channel: usize,
    pub(crate) bytes: *mut c_void,
    pub(crate) len: usize,
    pub(crate) offset: usize,
    pub(crate) value: i64,
    pub(crate) text: Text,
    pub(crate) number: u64,
    pub(crate) address: *mut u8,
    pub(crate) made: *mut File,
    pub(crate) freed: *mut File,
    pub(crate) line: c_uint,
    pub(crate) expression: *const c_char,
}

impl Call {
    /// A call of `function` with all arguments and results zero.
    pub(crate) const fn new(function: Function) -> Self {
        use std::ptr::{null, null_mut};
        Self {
            function: function as u32,
            ending: RETURNED,
            file: null_mut(),
            other: null_mut(),
            stream: null_mut(),
            channel: 0,
            bytes: null_mut(),
            len: 0,
            offset: 0,
            value: 0,
            text: Text { start: null(), len: 0 },
            number: 0,
            address: null_mut(),
            made: null_mut(),
            freed: null_mut(),
            line: 0,
            expression: null(),
        }
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct View {
    pub(crate) buf: *mut u8,
    pub(crate) writable: c_int,
    pub(crate) index: c_int,
    pub(crate) size: c_int,
    pub(crate) pieces: c_uint,
    pub(crate) error: c_int,
}

/// Where the compiler has put the parts of a stream, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Layout {
    /// Length of the whole structure.
    pub file: usize,
    /// Offset of the buffer.
    pub buf: usize,
    /// Length of the buffer.
    pub buf_len: usize,
    /// Offset of the marks of memory that may be released.
    pub may_free: usize,
    /// Offset of the array of pieces.
    pub iov: usize,
    /// Length of zlib's stream.
    pub z_stream: usize,
}

#[repr(C)]
pub(crate) struct Table {
    pub(crate) interface: u32,
    pub(crate) functions: u32,
    pub(crate) host_len: usize,
    pub(crate) call_len: usize,
    pub(crate) sha256: *const c_char,
    pub(crate) layout: *const Layout,
    pub(crate) has: unsafe extern "C" fn(u32) -> c_int,
    pub(crate) run: unsafe extern "C" fn(*mut HostTable, *mut Call),
    pub(crate) look: unsafe extern "C" fn(*mut File, *mut View),
    pub(crate) discard: unsafe extern "C" fn(*mut HostTable, *mut File),
    pub(crate) empty: unsafe extern "C" fn(*mut HostTable),
}
