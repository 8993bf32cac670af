//! Three kinds of call: which calls may be sent to the original.
//!
//! | call | what the comparison does |
//! |---|---|
//! | [`Defined`](Definedness::Defined) | subjects must agree |
//! | [`Assertion`](Definedness::Assertion) | the original would abort; a subject does so, or refuses |
//! | [`Undefined`](Definedness::Undefined) | the trace ends here, without a verdict |
//! | [`NotApplicable`](Definedness::NotApplicable) | the operation is skipped |
//!
//! The predicate (`docs/BEHAVIOUR.md`, Predicate) looks at the state before the call: the role fits,
//! 0 <= index <= size <= 32768, 0 <= skip <= 32768, 0 <= offset < 32768 and size <= 32768 -
//! offset, index <= 32764 before compressing, source and destination differ. That index and size
//! stay in their bounds follows from the rest, as no defined call moves the cursor out of them;
//! that queued buffers are alive follows from the one arena, which outlives all streams.

use crate::trace::{Op, Side};

/// Bytes that a stream buffers. C: `IO_BUF_SIZE`, L37.
pub const BUFFER: usize = 32768;

/// Greatest index at which compression is defined: above it, the room left is computed as a
/// negative number and taken for a huge one (row 17).
const MAX_COMPRESSION_INDEX: usize = BUFFER - 4;

/// Longest counted string. C: L775.
const MAX_STRING: usize = 255;

/// Which way a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It reads.
    Reading,
    /// It writes.
    Writing,
}

/// What the predicate must know of the streams before the call.
pub trait Streams {
    /// The role of an open stream; `None` where it is closed, or was never made.
    fn role(&self, stream: usize) -> Option<Role>;

    /// Bytes in the buffer of a stream that writes: where the next byte goes.
    fn index(&self, stream: usize) -> usize;
}

/// What a call is in the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definedness {
    /// It has one result, however odd.
    Defined,
    /// It aborts, in this line of the original.
    Assertion(u32),
    /// It is outside C, or never ends.
    Undefined(Undefined),
    /// A stream that it works on is not there.
    NotApplicable,
}

/// Why a call is undefined in the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Undefined {
    /// A stream that reads is written to, or the other way round, and nothing asserts it (rows 10,
    /// 11, 12, 19, 20).
    #[error("the stream goes the other way")]
    Role,
    /// A skip of less than 0 or more than 32768 bytes (row 6).
    #[error("the skip is not in 0..=32768")]
    Skip,
    /// A peek at a byte before the cursor (row 5).
    #[error("the offset is below 0")]
    Offset,
    /// Compression with the cursor above 32764 (row 17).
    #[error("the cursor is above 32764 before compressing")]
    CompressionIndex,
    /// A stream is put into itself (row 19).
    #[error("source and destination are the same stream")]
    SameStream,
}

/// What `op` is, with the streams as they are now.
#[must_use]
pub fn of(op: &Op, streams: &impl Streams) -> Definedness {
    let mut roles = [None; 2];
    for (role, stream) in roles.iter_mut().zip(op.streams()) {
        if let Some(stream) = stream {
            *role = streams.role(stream);
            if role.is_none() {
                return Definedness::NotApplicable;
            }
        }
    }
    let writes = roles[0] == Some(Role::Writing);
    match op {
        Op::PeekBuffer { size, offset, .. } => {
            if writes {
                Definedness::Assertion(480)
            } else if *offset >= BUFFER {
                Definedness::Assertion(481)
            } else if *size > BUFFER - offset {
                Definedness::Assertion(482)
            } else {
                Definedness::Defined
            }
        }
        Op::GetBuffer { size: 0, .. } if writes => Definedness::Undefined(Undefined::Role),
        Op::GetBuffer { .. } | Op::GetBufferInPlace { .. } if writes => Definedness::Assertion(480),
        Op::PeekByte { .. }
        | Op::GetByte { .. }
        | Op::GetBe16 { .. }
        | Op::GetBe32 { .. }
        | Op::GetBe64 { .. }
        | Op::GetCountedString { .. }
            if writes =>
        {
            Definedness::Assertion(590)
        }
        Op::PeekByte { offset, .. } => match usize::try_from(*offset) {
            Err(_) => Definedness::Undefined(Undefined::Offset),
            Ok(offset) if offset >= BUFFER => Definedness::Assertion(591),
            Ok(_) => Definedness::Defined,
        },
        Op::Skip { size, .. } if !writes => match usize::try_from(*size) {
            Ok(size) if size <= BUFFER => Definedness::Defined,
            _ => Definedness::Undefined(Undefined::Skip),
        },

        Op::Transferred { .. } if !writes => Definedness::Assertion(617),
        Op::BufferEmpty { .. } if !writes => Definedness::Assertion(745),
        Op::PutStream { stream, source } if stream == source => {
            Definedness::Undefined(Undefined::SameStream)
        }
        Op::PutStream { .. } if roles[1] == Some(Role::Reading) => {
            Definedness::Undefined(Undefined::Role)
        }
        Op::PutCountedString { text, .. } if writes && text.len() > MAX_STRING => {
            Definedness::Assertion(775)
        }
        Op::PutCompressionData { stream, .. }
            if writes && streams.index(*stream) > MAX_COMPRESSION_INDEX =>
        {
            Definedness::Undefined(Undefined::CompressionIndex)
        }

        // Nothing else looks at more than the direction of the stream.
        _ => match op.kind().side {
            Side::Reads if writes => Definedness::Undefined(Undefined::Role),
            Side::Writes if !writes => Definedness::Undefined(Undefined::Role),
            _ => Definedness::Defined,
        },
    }
}
