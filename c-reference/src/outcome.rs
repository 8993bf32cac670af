//! How a call ends that does not return a value.

use crate::{Assertion, Fault};

/// The value that the original returned, or why there is none.
pub type Outcome<T> = Result<T, Stop>;

/// Why a call has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// An assertion of the original failed. QEMU would abort; here the call is over, and the
    /// streams are as they were at the assertion.
    #[error("assertion at line {line}: {expression}")]
    Asserted {
        /// Its line in QEMU 8.2.0, the likeliest of [`Assertion::pinned_lines`]; 0 where 8.2.0 has
        /// no such assertion.
        line: u32,
        /// The condition, as the file spells it.
        expression: String,
        /// Which assertion it is.
        site: Box<Assertion>,
    },
    /// The call is undefined, endless or impossible; it was not made, or was broken off.
    #[error("not a call to make: {0}")]
    Undefined(#[from] Undefined),
}

/// Why a call was refused or broken off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// There is no open stream of this number.
    #[error("stream {stream} is not open; streams are numbered from 0 in order of creation")]
    NoStream {
        /// The number that was given.
        stream: usize,
    },
    /// An earlier call on the stream was broken off half way.
    #[error("stream {stream} was left in the middle of a call; only a reset gives it back")]
    BrokenStream {
        /// The number that was given.
        stream: usize,
    },
    /// There is no compressor of this number.
    #[error("compressor {compressor} does not exist; add it first")]
    NoCompressor {
        /// The number that was given.
        compressor: usize,
    },
    /// zlib makes no compressor of this level.
    #[error("compression level {level} is not zlib's; 0 to 9 are, and -1 for its default")]
    NoLevel {
        /// The level that was given.
        level: i32,
    },
    /// The call returned, and the text that it has read does not end with a zero.
    #[error("the text read from stream {stream} does not end with a zero: the reference is broken")]
    NoZero {
        /// The number that was given.
        stream: usize,
    },
    /// No descriptor stands for this sink.
    #[error("sink {sink} is above {most}, the highest that there is a descriptor for")]
    NoSink {
        /// The number that was given.
        sink: usize,
        /// The highest number.
        most: usize,
    },
    /// A call that puts, on a stream that reads.
    #[error("stream {stream} reads, and the call writes")]
    Reads {
        /// The stream.
        stream: usize,
    },
    /// A call that takes, on a stream that writes and has bytes queued.
    #[error("stream {stream} writes, and the call reads")]
    Writes {
        /// The stream.
        stream: usize,
    },
    /// The cursor is outside the buffer, so that the call would leave it.
    #[error("stream {stream} has its cursor at {index} of {size}, outside its 32768 bytes")]
    Cursor {
        /// The stream.
        stream: usize,
        /// Where the next byte is taken from or put to.
        index: i32,
        /// How many bytes the buffer holds; 0 where the stream writes.
        size: i32,
    },
    /// A skip backwards, or over more than the buffer can hold.
    #[error("skip of {size} bytes; 0 to 32768 is defined")]
    Skip {
        /// The number that was given.
        size: i32,
    },
    /// A look at bytes before the cursor.
    #[error("peek at offset {offset}; 0 and above is defined")]
    PeekOffset {
        /// The number that was given.
        offset: i32,
    },
    /// Compression with the cursor so far on that its length check fails to fail.
    #[error("compression with the cursor at {index}; up to 32764 is defined")]
    CompressionIndex {
        /// Where the compressed bytes would go.
        index: i32,
    },
    /// A stream put into itself.
    #[error("stream {stream} is both source and destination")]
    SameStream {
        /// The stream.
        stream: usize,
    },
    /// A range that leaves the arena.
    #[error("{len} bytes at {offset} are not in the arena of {arena} bytes")]
    OutsideArena {
        /// Where the range begins.
        offset: usize,
        /// Its length.
        len: usize,
        /// The arena's length.
        arena: usize,
    },
    /// So many bytes cannot be allocated to be read into.
    #[error("no memory for {len} bytes to read into; ask for fewer")]
    NoMemory {
        /// The number that was given.
        len: usize,
    },
    /// The reference wrote behind the memory that it was given. Only a defective one does.
    #[error("the reference wrote past the end of the {len} bytes that it was given")]
    Overrun {
        /// Bytes given.
        len: usize,
    },
    /// The host wrote nothing and said so: the original's callee tries again for ever.
    #[error("a write of 0 bytes to channel {channel} is repeated for ever")]
    WriteOfNothing {
        /// The channel.
        channel: usize,
    },
    /// The host says that it moved more than it was given.
    #[error("{moved} bytes moved where {given} were given; a host moves at most what it is given")]
    TooMuchMoved {
        /// What the host said.
        moved: usize,
        /// What it was given.
        given: usize,
    },
    /// The reference used an address that is nobody's. Only a defective one does.
    #[error("the reference handed out {len} bytes outside any buffer")]
    StrayAddress {
        /// How many bytes it meant.
        len: usize,
    },
    /// The reference did what no program may. Only a defective one does.
    #[error("{0}")]
    Fault(Fault),
    /// Descriptors are sent, and the channel takes nothing: C then uses an error that is NULL.
    #[error("descriptors that a channel does not take now end in the use of an error that is NULL")]
    NullError,
    /// A seek from nowhere that is known.
    #[error("a seek from {whence}; 0 (start), 1 (current) and 2 (end) are defined")]
    NoWhence {
        /// The number that was given.
        whence: i32,
    },
    /// The host says that it is at a place that C cannot name.
    #[error("a seek to {place}, which C's off_t cannot hold")]
    NoPlace {
        /// What the host said.
        place: u64,
    },
    /// The reference is a version that has no such function.
    #[error("the reference has no {function}; use a version that has it, or leave the call out")]
    NoFunction {
        /// The name of the function in C.
        function: &'static str,
    },
}
