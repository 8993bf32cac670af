//! The world outside the original: what it reads from, writes to and reports to.

pub use qemufile_core::Direction;

/// What one call of a channel came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// So many bytes were moved. For a read, 0 is the end of the stream.
    Done(usize),
    /// Nothing can be moved now; the caller waits and calls again.
    WouldBlock,
    /// The channel failed, with the text of its error.
    Failed(String),
}

/// Where an address lies. Addresses differ from subject to subject; places do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// So many bytes into the arena.
    Arena(usize),
    /// In the 32,768 bytes that a stream buffers.
    Buffer {
        /// Which stream, in order of creation.
        stream: usize,
        /// Bytes from the start of its buffer.
        offset: usize,
    },
    /// In neither: a defect of the reference, for no defined call leads there.
    Elsewhere,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Arena(offset) => write!(f, "arena+{offset}"),
            Self::Buffer { stream, offset } => write!(f, "stream{stream}+{offset}"),
            Self::Elsewhere => f.write_str("elsewhere"),
        }
    }
}

/// One element of a vectored write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Where it begins.
    pub place: Place,
    /// Its length in bytes.
    pub len: usize,
    /// Its bytes; none where the place is [`Place::Elsewhere`].
    pub bytes: &'a [u8],
}

/// A call of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelCall {
    /// A read, at an offset or with descriptors too.
    Read,
    /// A write, at an offset or with descriptors too.
    Write,
    /// A shutdown of both directions.
    Shutdown,
    /// The close.
    Close,
}

/// What an offset of a seek counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whence {
    /// The start of the file. C: `SEEK_SET`.
    Start,
    /// Where the channel is. C: `SEEK_CUR`.
    Current,
    /// The end of the file. C: `SEEK_END`.
    End,
}

/// What the original calls, one method each, in the order in which it calls.
///
/// A `channel` or `sink` is the number that the caller of [`Session`](crate::Session) gave. A
/// method that panics ends the call; the panic goes on in the caller of the session.
pub trait Host {
    /// One read, at most `into.len()` bytes.
    fn read(&mut self, channel: usize, into: &mut [u8]) -> Transfer;

    /// One vectored write. Empty pieces are gone already; after a short write the rest comes in
    /// the next call. [`Transfer::Done`] of 0 would be an endless loop and ends the call with
    /// [`Undefined::WriteOfNothing`](crate::Undefined::WriteOfNothing).
    fn write(&mut self, channel: usize, pieces: &[Piece<'_>]) -> Transfer;

    /// Waits until the channel is ready: `yielded` inside a coroutine, else blocking.
    fn wait(&mut self, channel: usize, direction: Direction, yielded: bool);

    /// Whether the caller runs in a coroutine.
    fn in_coroutine(&mut self) -> bool;

    /// Whether the channel has the feature of being shut down.
    fn can_shutdown(&mut self, channel: usize) -> bool;

    /// Shuts the channel down in both directions.
    ///
    /// # Errors
    ///
    /// The text of the channel's error.
    fn shutdown(&mut self, channel: usize) -> Result<(), String>;

    /// Closes the channel.
    ///
    /// # Errors
    ///
    /// The text of the channel's error.
    fn close(&mut self, channel: usize) -> Result<(), String>;

    /// Makes the channel block, or not.
    ///
    /// # Errors
    ///
    /// The text of the channel's error.
    fn set_blocking(&mut self, channel: usize, blocking: bool) -> Result<(), String>;

    /// Takes a reference to the channel.
    fn reference(&mut self, channel: usize);

    /// Drops a reference to the channel.
    fn unreference(&mut self, channel: usize);

    /// Gives `len` bytes of memory back to the system (`MADV_DONTNEED`). To be recorded only.
    ///
    /// # Errors
    ///
    /// An errno, positive.
    fn release(&mut self, place: Place, len: usize) -> Result<(), i32>;

    /// A message to the user, without the newline. An address in it reads as its [`Place`] does.
    fn report(&mut self, text: &str);

    /// One `write(2)` to a descriptor; the count may be short.
    ///
    /// # Errors
    ///
    /// An errno, positive.
    fn sink_write(&mut self, sink: usize, bytes: &[u8]) -> Result<usize, i32>;

    /// The trace event of a stream that has been closed.
    fn closed(&mut self);

    /// Comes before a call of the channel, with the error that another thread would find in the
    /// stream that is called then: 0 where there is none yet.
    fn observed(&mut self, _call: ChannelCall, _error: i32) {}

    /// Whether the channel reads and writes at an offset. Asked by versions from 9.0 on.
    fn can_seek(&mut self, _channel: usize) -> bool {
        false
    }

    /// Whether the channel passes descriptors. Asked by versions from 10.0 on, once for each
    /// stream when it is made.
    fn can_pass(&mut self, _channel: usize) -> bool {
        false
    }

    /// One read at an offset, at most `into.len()` bytes, where [`can_seek`](Self::can_seek).
    fn read_at(&mut self, _channel: usize, _into: &mut [u8], _offset: i64) -> Transfer {
        Transfer::Failed("Channel does not support preadv".to_owned())
    }

    /// One write at an offset; the count may be short.
    fn write_at(&mut self, _channel: usize, _bytes: &[u8], _offset: i64) -> Transfer {
        Transfer::Failed("Channel does not support pwritev".to_owned())
    }

    /// Moves the place of the next read or write; the new one, in bytes from the start.
    ///
    /// # Errors
    ///
    /// The text of the channel's error.
    fn seek(&mut self, _channel: usize, _offset: i64, _whence: Whence) -> Result<u64, String> {
        Err("Channel does not support random access".to_owned())
    }

    /// One read, as [`read`](Self::read), with up to 16 descriptors, by number. Versions from 10.2
    /// on ask to leave them blocking or not as they came (`preserve_blocking`).
    fn read_with_descriptors(
        &mut self,
        channel: usize,
        into: &mut [u8],
        _preserve_blocking: bool,
        _descriptors: &mut Vec<i32>,
    ) -> Transfer {
        self.read(channel, into)
    }

    /// One write with descriptors. [`Transfer::WouldBlock`] and [`Transfer::Done`] of 0 end the
    /// call with [`Undefined::NullError`](crate::Undefined::NullError).
    fn write_with_descriptors(
        &mut self,
        _channel: usize,
        _bytes: &[u8],
        _descriptors: &[i32],
    ) -> Transfer {
        Transfer::Failed("Channel does not support file descriptor passing".to_owned())
    }

    /// Closes a descriptor that came and that nobody took.
    fn close_descriptor(&mut self, _descriptor: i32) {}
}
