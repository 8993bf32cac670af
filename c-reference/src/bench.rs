//! The original called in loops of C, for benchmarks: nothing is checked around a call, and the
//! channel costs nothing.
//!
//! A [`Bench`] keeps one stream over one channel. Which calls it makes is fixed by a [`Loop`], so
//! that none of them can be undefined: the lengths are checked when it is opened.

use std::ffi::{c_int, c_void};
use std::ptr;

use libz_sys::z_stream;

use crate::ffi::{File, ZLIB, Zlib};
use crate::session::Compressor;
use crate::stream::BUFFER;

/// Length of a page in bytes.
pub const PAGE: usize = 4096;

/// Pages that are sent in turn.
pub const PAGES: usize = 32;

/// What a loop calls. The discriminants are those of `enum operation` in `bench/loops.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Loop {
    /// `qemu_put_byte` of the counter.
    PutByte,
    /// `qemu_put_be16` of the counter.
    PutBe16,
    /// `qemu_put_be32` of the counter.
    PutBe32,
    /// `qemu_put_be64` of the counter.
    PutBe64,
    /// `qemu_put_buffer` of the front of the content.
    PutBuffer,
    /// `qemu_put_counted_string` of the content up to its first zero.
    PutString,
    /// `qemu_put_be64`, and `qemu_put_buffer_async` of one of [`PAGES`] pages.
    PutPage,
    /// `qemu_put_compression_data` of one of [`PAGES`] pages, and a flush.
    PutCompressed,
    /// `qemu_get_byte`.
    GetByte,
    /// `qemu_get_be16`.
    GetBe16,
    /// `qemu_get_be32`.
    GetBe32,
    /// `qemu_get_be64`.
    GetBe64,
    /// `qemu_get_buffer`.
    GetBuffer,
    /// `qemu_get_buffer_in_place`.
    GetInPlace,
    /// `qemu_peek_buffer`, and `qemu_file_skip` of what it showed.
    PeekSkip,
    /// `qemu_get_counted_string`.
    GetString,
    /// The steps, written from the content, and a flush.
    WriteStream,
    /// The steps, read from the content.
    ReadStream,
}

impl Loop {
    /// Whether it reads.
    #[must_use]
    pub const fn reads(self) -> bool {
        (self as u32 >= Self::GetByte as u32 && self as u32 <= Self::GetString as u32)
            || matches!(self, Self::ReadStream)
    }
}

/// What a [`Step`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum StepKind {
    /// One byte.
    Byte,
    /// A 16-bit integer.
    Be16,
    /// A 32-bit integer.
    Be32,
    /// A 64-bit integer.
    Be64,
    /// Bytes, copied.
    Buffer,
    /// A counted string with its length byte.
    String,
    /// A page: written by reference, read by a copy.
    Page,
    /// A look at the next byte, which takes nothing; nothing is written for it.
    Peek,
}

/// One call that a whole stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Step {
    /// Which call.
    pub kind: StepKind,
    /// Bytes of the stream that it takes or gives.
    pub len: u32,
}

impl Step {
    /// Bytes from this step to the next.
    #[must_use]
    pub const fn advance(&self) -> usize {
        if matches!(self.kind, StepKind::Peek) { 0 } else { self.len as usize }
    }

    fn is_sound(&self) -> bool {
        match self.kind {
            StepKind::Byte | StepKind::Peek => self.len == 1,
            StepKind::Be16 => self.len == 2,
            StepKind::Be32 => self.len == 4,
            StepKind::Be64 => self.len == 8,
            StepKind::String => (1..=256).contains(&self.len),
            StepKind::Buffer | StepKind::Page => true,
        }
    }
}

/// A loop over one stream of the original.
pub struct Bench {
    inner: Inner,
    operation: Loop,
    len: usize,
    content: Vec<u8>,
    _room: Vec<u8>,
    _steps: Vec<Step>,
    _compressor: Option<Compressor>,
}

/// `struct bench`, field for field.
#[repr(C)]
struct Inner {
    content: *const u8,
    content_len: usize,
    room: *mut u8,
    stream: *mut z_stream,
    zlib: *const Zlib,
    steps: *const Step,
    step_count: usize,
    repeats: i32,
    keeps: i32,
    file: *mut File,
    position: usize,
    sum: u64,
    heap: *mut c_void,
}

#[cfg(have_original)]
unsafe extern "C" {
    fn reference_bench_run(bench: *mut Inner, operation: u32, len: usize, count: usize) -> c_int;
    fn reference_bench_close(bench: *mut Inner);
}

/// Why a loop cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// No original is linked in.
    #[error("{0}")]
    Absent(&'static str),
    /// The content does not fit what the loop does with it.
    #[error("the content has {len} bytes: {expected}")]
    Content {
        /// Its length.
        len: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// The stream failed, or the original hit an assertion.
    #[error("the original's stream failed with {0}: the loop and its channel do not fit")]
    Failed(i32),
}

impl Bench {
    /// A loop of `operation` over `content`, with `len` bytes in each call where that is a
    /// parameter, or over `steps`. With `keeps`, what is written goes into the sum.
    ///
    /// Content is 32 KiB for whatever reads in a loop, [`PAGES`] pages for whatever sends them, a
    /// whole stream for steps, and `len` bytes or a string for the rest.
    ///
    /// # Errors
    ///
    /// [`BenchError::Absent`] and [`BenchError::Content`].
    pub fn open(
        operation: Loop,
        len: usize,
        content: &[u8],
        steps: &[Step],
        keeps: bool,
    ) -> Result<Self, BenchError> {
        if !crate::available() {
            return Err(BenchError::Absent(crate::absence().unwrap_or("no original")));
        }
        check(operation, len, content, steps)?;
        let content = content.to_vec();
        let mut room = vec![0; len.max(content.len()) + 1];
        let steps = steps.to_vec();
        let mut compressor = match operation {
            Loop::PutCompressed => Compressor::new(1),
            _ => None,
        };
        let inner = Inner {
            content: content.as_ptr(),
            content_len: content.len(),
            room: room.as_mut_ptr(),
            stream: compressor.as_mut().map_or(ptr::null_mut(), Compressor::as_mut_ptr),
            zlib: &raw const ZLIB,
            steps: steps.as_ptr(),
            step_count: steps.len(),
            repeats: i32::from(operation.reads() && operation != Loop::ReadStream),
            keeps: i32::from(keeps),
            file: ptr::null_mut(),
            position: 0,
            sum: 0,
            heap: ptr::null_mut(),
        };
        Ok(Self {
            inner,
            operation,
            len,
            content,
            _room: room,
            _steps: steps,
            _compressor: compressor,
        })
    }

    /// Goes round `count` times; the sum of what was read, or written and kept, in all runs.
    ///
    /// # Errors
    ///
    /// [`BenchError::Failed`].
    pub fn run(&mut self, count: usize) -> Result<u64, BenchError> {
        debug_assert_eq!(self.inner.content, self.content.as_ptr());
        #[cfg(have_original)]
        // SAFETY: the pointers lead into vectors that this value owns and never changes, with
        // lengths that `check` has found to be what the loop touches.
        let code = unsafe {
            reference_bench_run(&raw mut self.inner, self.operation as u32, self.len, count)
        };
        #[cfg(not(have_original))]
        let code = {
            // `open` gives none of these then.
            let _ = (&raw mut self.inner, self.operation, self.len, count);
            -1
        };
        if code == 0 { Ok(self.inner.sum) } else { Err(BenchError::Failed(code)) }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        #[cfg(have_original)]
        // SAFETY: the stream, if there is one, was made by a run and has not been freed.
        unsafe {
            reference_bench_close(&raw mut self.inner);
        }
    }
}

fn check(operation: Loop, len: usize, content: &[u8], steps: &[Step]) -> Result<(), BenchError> {
    let expected = match operation {
        Loop::PutByte | Loop::PutBe16 | Loop::PutBe32 | Loop::PutBe64 => None,
        Loop::PutBuffer => (content.len() < len).then_some("a call puts more"),
        Loop::PutString => match content.iter().position(|byte| *byte == 0) {
            Some(end) if end <= usize::from(u8::MAX) => None,
            _ => Some("a string of up to 255 bytes and a zero"),
        },
        Loop::PutPage | Loop::PutCompressed => {
            (content.len() != PAGES * PAGE).then_some("32 pages of 4096 bytes")
        }
        Loop::WriteStream | Loop::ReadStream => {
            let total: usize = steps.iter().map(Step::advance).sum();
            (total != content.len() || !steps.iter().all(Step::is_sound))
                .then_some("as many as the steps take, each of the length of its kind")
        }
        _ if content.len() != BUFFER => Some("32,768, which the channel repeats"),
        Loop::GetInPlace | Loop::PeekSkip if len > BUFFER => Some("a call shows more"),
        _ => None,
    };
    match expected {
        Some(expected) => Err(BenchError::Content { len: content.len(), expected }),
        None => Ok(()),
    }
}
