//! What C does wrong beside its results.

use std::fmt;

/// Something that the reference did and no program may.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{kind} in {function}, line {line} of the file{}", aside(.detail))]
pub struct Fault {
    /// What it was.
    pub kind: FaultKind,
    /// The function of the file that did it.
    pub function: String,
    /// The line of the file: of the last allocation, copy or call of a channel before it, or of
    /// the allocation where memory was written to after it was freed.
    pub line: u32,
    /// More about it; empty where there is no more.
    pub detail: String,
}

fn aside(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

/// Kinds of [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// A vectored write of more pieces than any version queues.
    TooManyPieces,
    /// Memory was freed twice.
    DoubleFree,
    /// Memory was used after it was freed.
    UseAfterFree,
    /// Memory was written to after it was freed.
    WriteAfterFree,
    /// Memory behind a block was written to.
    WriteBehindBlock,
    /// An address was freed that is none of an allocation.
    FreeOfNothing,
    /// `memcpy` between ranges that share bytes.
    OverlappingCopy,
    /// The text of an error was asked for where there is no error.
    NullError,
    /// An error was set where one was set already.
    ErrorAlreadySet,
    /// Something of the rest of QEMU was called as no version does.
    BadArgument,
}

impl FaultKind {
    /// The kind of a number of `enum fault` in `shim/host.h`.
    pub(crate) fn of(number: u32) -> Self {
        match number {
            1 => Self::TooManyPieces,
            2 => Self::DoubleFree,
            3 => Self::UseAfterFree,
            4 => Self::WriteAfterFree,
            5 => Self::WriteBehindBlock,
            6 => Self::FreeOfNothing,
            7 => Self::OverlappingCopy,
            8 => Self::NullError,
            9 => Self::ErrorAlreadySet,
            _ => Self::BadArgument,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyPieces => "a write of more than 1024 pieces",
            Self::DoubleFree => "memory is freed twice",
            Self::UseAfterFree => "memory is used after it was freed",
            Self::WriteAfterFree => "memory is written to after it was freed",
            Self::WriteBehindBlock => "bytes are written behind an allocation",
            Self::FreeOfNothing => "an address is freed that was not allocated",
            Self::OverlappingCopy => "memcpy between ranges that overlap",
            Self::NullError => "an error that is NULL is used",
            Self::ErrorAlreadySet => "an error is set where one is set already",
            Self::BadArgument => "a call as no version of the file makes it",
        })
    }
}

/// Kinds of [`Leak`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LeakKind {
    /// A stream (`QEMUFile`).
    Stream,
    /// An error object (`Error`).
    Error,
    /// Other memory.
    Buffer,
    /// A reference to the channel of this number.
    Reference(usize),
    /// A descriptor that came and that nobody closed or took, by its number.
    Descriptor(i32),
}

/// Things of one kind that were allocated at one place and not freed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leak {
    /// What they are.
    pub kind: LeakKind,
    /// How many there are.
    pub count: usize,
    /// Their length in bytes, all together; 0 where they are no memory.
    pub bytes: usize,
    /// The function of the file that allocated them; empty where they are no memory.
    pub function: String,
    /// The line of the file that allocated them; 0 where they are no memory.
    pub line: u32,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, .. } = self;
        let s = if *count == 1 { "" } else { "s" };
        match self.kind {
            LeakKind::Stream => write!(f, "{count} stream{s}")?,
            LeakKind::Error => write!(f, "{count} error object{s}")?,
            LeakKind::Buffer => write!(f, "{count} buffer{s}")?,
            LeakKind::Reference(channel) => {
                return write!(f, "{count} reference{s} to channel {channel} not dropped");
            }
            LeakKind::Descriptor(number) => {
                return write!(f, "descriptor {number} neither closed nor taken");
            }
        }
        let Self { bytes, function, line, .. } = self;
        write!(f, " of {bytes} bytes not freed, allocated in {function}, line {line} of the file")
    }
}

/// What [`Session::end`](crate::Session::end) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// What was allocated and not freed, sorted.
    pub leaks: Vec<Leak>,
    /// Memory that was written to after it was freed.
    pub fault: Option<Fault>,
}

impl Aftermath {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.leaks.is_empty() && self.fault.is_none()
    }
}
