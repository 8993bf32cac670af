//! The structures of `shim/host.h`, field for field. That file says what each is for.

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

use libz_sys::z_stream;

/// Raised on both sides whenever a structure changes.
pub(crate) const INTERFACE: u32 = 4;

/// Most descriptors that come with one read.
pub(crate) const MOST_DESCRIPTORS: usize = 16;

pub(crate) const FAILED: isize = -1;
pub(crate) const WOULD_BLOCK: isize = -2;
pub(crate) const LEAVE: isize = isize::MIN;

pub(crate) const RETURNED: u32 = 0;
pub(crate) const ASSERTED: u32 = 1;
pub(crate) const LEFT: u32 = 2;
pub(crate) const FAULTED: u32 = 4;

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
    pub(crate) can_seek: Notify,
    pub(crate) can_pass: Notify,
    pub(crate) read_at:
        unsafe extern "C" fn(*mut c_void, usize, *mut u8, usize, i64, *mut Text) -> isize,
    pub(crate) write_at:
        unsafe extern "C" fn(*mut c_void, usize, *const u8, usize, i64, *mut Text) -> isize,
    pub(crate) seek: unsafe extern "C" fn(*mut c_void, usize, i64, c_int, *mut Text) -> i64,
    pub(crate) read_fds: unsafe extern "C" fn(
        *mut c_void,
        usize,
        *mut u8,
        usize,
        c_int,
        *mut c_int,
        *mut usize,
        *mut Text,
    ) -> isize,
    pub(crate) write_fds: unsafe extern "C" fn(
        *mut c_void,
        usize,
        *const u8,
        usize,
        *const c_int,
        usize,
        *mut Text,
    ) -> isize,
    pub(crate) close_fd: unsafe extern "C" fn(*mut c_void, c_int) -> isize,
    pub(crate) observed: unsafe extern "C" fn(*mut c_void, u32, c_int) -> isize,
    pub(crate) zlib: *const Zlib,
    pub(crate) transferred: u64,
    pub(crate) heap: *mut c_void,
}

type Zlib1 = unsafe extern "C" fn(*mut z_stream) -> c_int;
type Zlib2 = unsafe extern "C" fn(*mut z_stream, c_int) -> c_int;
type Sum = unsafe extern "C" fn(c_ulong, *const u8, c_uint) -> c_ulong;

#[repr(C)]
pub(crate) struct Zlib {
    deflate: Zlib2,
    deflate_reset: Zlib1,
    deflate_end: Zlib1,
    deflate_params: unsafe extern "C" fn(*mut z_stream, c_int, c_int) -> c_int,
    deflate_init: unsafe extern "C" fn(*mut z_stream, c_int, *const c_char, c_int) -> c_int,
    deflate_init2: unsafe extern "C" fn(
        *mut z_stream,
        c_int,
        c_int,
        c_int,
        c_int,
        c_int,
        *const c_char,
        c_int,
    ) -> c_int,
    deflate_bound: unsafe extern "C" fn(*mut z_stream, c_ulong) -> c_ulong,
    compress_bound: unsafe extern "C" fn(c_ulong) -> c_ulong,
    inflate: Zlib2,
    inflate_reset: Zlib1,
    inflate_end: Zlib1,
    inflate_init: unsafe extern "C" fn(*mut z_stream, *const c_char, c_int) -> c_int,
    inflate_init2: unsafe extern "C" fn(*mut z_stream, c_int, *const c_char, c_int) -> c_int,
    crc32: Sum,
    adler32: Sum,
    version: unsafe extern "C" fn() -> *const c_char,
}

/// The zlib of `libz-sys`, for every reference.
pub(crate) static ZLIB: Zlib = Zlib {
    deflate: libz_sys::deflate,
    deflate_reset: libz_sys::deflateReset,
    deflate_end: libz_sys::deflateEnd,
    deflate_params: libz_sys::deflateParams,
    deflate_init: libz_sys::deflateInit_,
    deflate_init2: libz_sys::deflateInit2_,
    deflate_bound: libz_sys::deflateBound,
    compress_bound: libz_sys::compressBound,
    inflate: libz_sys::inflate,
    inflate_reset: libz_sys::inflateReset,
    inflate_end: libz_sys::inflateEnd,
    inflate_init: libz_sys::inflateInit_,
    inflate_init2: libz_sys::inflateInit2_,
    crc32: libz_sys::crc32,
    adler32: libz_sys::adler32,
    version: libz_sys::zlibVersion,
};

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
    IsSeekable,
    PutBufferAt,
    GetBufferAt,
    SetOffset,
    GetOffset,
    PutFd,
    GetFd,
}

/// Names in C, in the order of [`Function`].
pub(crate) const NAMES: [&str; 42] = [
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
    "qemu_file_is_seekable",
    "qemu_put_buffer_at",
    "qemu_get_buffer_at",
    "qemu_set_offset",
    "qemu_get_offset",
    "qemu_file_put_fd",
    "qemu_file_get_fd",
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
    pub(crate) ordinal: c_uint,
    pub(crate) of: c_uint,
    pub(crate) fault: c_uint,
    pub(crate) function_name: *const c_char,
    pub(crate) expression: *const c_char,
}

#[repr(C)]
pub(crate) struct LeakPlace {
    pub(crate) kind: u32,
    pub(crate) line: u32,
    pub(crate) function: *const c_char,
    pub(crate) len: usize,
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
            ordinal: 0,
            of: 0,
            fault: 0,
            function_name: null(),
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
    pub(crate) channel: usize,
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

/// Of which type a function is that has had several; 1 stands for yes.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Kinds {
    pub(crate) fflush_returns: u8,
    pub(crate) set_blocking_returns: u8,
    pub(crate) get_fd_fills: u8,
    pub(crate) get_buffer_at_is_const: u8,
    pub(crate) get_buffer_at_errp: u8,
}

type TellLeak = unsafe extern "C" fn(*mut c_void, *const LeakPlace);

#[repr(C)]
pub(crate) struct Table {
    pub(crate) interface: u32,
    pub(crate) functions: u32,
    pub(crate) host_len: usize,
    pub(crate) call_len: usize,
    pub(crate) sha256: *const c_char,
    pub(crate) layout: *const Layout,
    pub(crate) kinds: *const Kinds,
    pub(crate) has: unsafe extern "C" fn(u32) -> c_int,
    pub(crate) has_beside: unsafe extern "C" fn(c_int) -> c_int,
    pub(crate) run: unsafe extern "C" fn(*mut HostTable, *mut Call),
    pub(crate) look: unsafe extern "C" fn(*mut File, *mut View),
    pub(crate) discard: unsafe extern "C" fn(*mut HostTable, *mut File),
    pub(crate) empty: unsafe extern "C" fn(*mut HostTable),
    pub(crate) leaks:
        unsafe extern "C" fn(*mut HostTable, *const *mut File, usize, TellLeak, *mut c_void),
    pub(crate) settle: unsafe extern "C" fn(*mut HostTable, *mut LeakPlace) -> u32,
    pub(crate) blocks:
        Option<unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void, u32), *mut c_void)>,
}
