//! A host that follows a script and writes down what it was asked.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use c_reference::{
    ChannelCall, Direction, Host, Options, Piece, Place, Reference, Session, Toolchain, Transfer,
    Whence,
};
use qemufile_core::GuestMemory;

/// What a host was asked, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Read { asked: usize, given: usize },
    Write(Vec<(Place, Vec<u8>)>),
    Wait(Direction, bool),
    Shutdown,
    Close,
    Blocking(bool),
    Reference(usize),
    Unreference(usize),
    Release(Place, usize),
    Report(String),
    Sink(usize, Vec<u8>),
    WriteAt(i64, Vec<u8>),
    Seek(i64, Whence),
    Sent(Vec<u8>, Vec<i32>),
    CloseDescriptor(i32),
    Closed,
}

#[derive(Default)]
pub(crate) struct Script {
    /// Answers to reads; none left is the end of the stream.
    pub(crate) input: VecDeque<Answer>,
    /// Answers to writes; none left takes all.
    pub(crate) output: VecDeque<Transfer>,
    /// Answers to sinks; none left takes all.
    pub(crate) sinks: VecDeque<Result<usize, i32>>,
    pub(crate) coroutine: bool,
    pub(crate) shutdown: Option<Result<(), String>>,
    pub(crate) close: Option<String>,
    pub(crate) release: Option<i32>,
    pub(crate) panic_in_write: bool,
    pub(crate) panic_in_closed: bool,
    pub(crate) panic_in_reference: bool,
    /// Whether the channel reads and writes at an offset.
    pub(crate) seekable: bool,
    /// What is read at an offset.
    pub(crate) content: Vec<u8>,
    /// The place that a seek ends at.
    pub(crate) place: Option<u64>,
    pub(crate) passing: bool,
    /// Descriptors that come with the next read.
    pub(crate) descriptors: Vec<i32>,
    pub(crate) blocking: Option<String>,
    /// What another thread would have seen of the stream before each call of the channel.
    pub(crate) seen: Vec<(ChannelCall, i32)>,
    pub(crate) events: Vec<Event>,
}

pub(crate) enum Answer {
    Bytes(Vec<u8>),
    Other(Transfer),
}

impl Script {
    /// A stream of bytes that come in pieces of `chunk`.
    pub(crate) fn reading(bytes: &[u8], chunk: usize) -> Self {
        Self {
            input: bytes.chunks(chunk).map(|bytes| Answer::Bytes(bytes.to_vec())).collect(),
            ..Self::default()
        }
    }

    pub(crate) fn writing(answers: impl IntoIterator<Item = Transfer>) -> Self {
        Self { output: answers.into_iter().collect(), ..Self::default() }
    }

    pub(crate) fn reads(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Read { .. })).count()
    }

    /// Lengths of the pieces of every write.
    pub(crate) fn writes(&self) -> Vec<Vec<usize>> {
        self.pieces()
            .iter()
            .map(|write| write.iter().map(|(_, bytes)| bytes.len()).collect())
            .collect()
    }

    pub(crate) fn pieces(&self) -> Vec<Vec<(Place, Vec<u8>)>> {
        self.events
            .iter()
            .filter_map(
                |event| if let Event::Write(pieces) = event { Some(pieces.clone()) } else { None },
            )
            .collect()
    }

    /// All bytes written, where every write took all.
    pub(crate) fn written(&self) -> Vec<u8> {
        self.pieces().into_iter().flatten().flat_map(|(_, bytes)| bytes).collect()
    }

    pub(crate) fn releases(&self) -> Vec<(Place, usize)> {
        self.events
            .iter()
            .filter_map(|event| {
                if let Event::Release(place, len) = event { Some((*place, *len)) } else { None }
            })
            .collect()
    }

    pub(crate) fn reports(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(
                |event| if let Event::Report(text) = event { Some(text.clone()) } else { None },
            )
            .collect()
    }
}

impl Host for Script {
    fn read(&mut self, _: usize, into: &mut [u8]) -> Transfer {
        let asked = into.len();
        let given = match self.input.pop_front() {
            None => 0,
            Some(Answer::Other(transfer)) => return transfer,
            Some(Answer::Bytes(mut bytes)) => {
                let given = bytes.len().min(asked);
                into[..given].copy_from_slice(&bytes[..given]);
                if given < bytes.len() {
                    self.input.push_front(Answer::Bytes(bytes.split_off(given)));
                }
                given
            }
        };
        self.events.push(Event::Read { asked, given });
        Transfer::Done(given)
    }

    fn write(&mut self, _: usize, pieces: &[Piece<'_>]) -> Transfer {
        assert!(!self.panic_in_write, "a host that panics");
        self.events.push(Event::Write(
            pieces.iter().map(|piece| (piece.place, piece.bytes.to_vec())).collect(),
        ));
        self.output
            .pop_front()
            .unwrap_or_else(|| Transfer::Done(pieces.iter().map(|piece| piece.len).sum()))
    }

    fn wait(&mut self, _: usize, direction: Direction, yielded: bool) {
        self.events.push(Event::Wait(direction, yielded));
    }

    fn in_coroutine(&mut self) -> bool {
        self.coroutine
    }

    fn can_shutdown(&mut self, _: usize) -> bool {
        self.shutdown.is_some()
    }

    fn shutdown(&mut self, _: usize) -> Result<(), String> {
        self.events.push(Event::Shutdown);
        self.shutdown.clone().unwrap_or(Ok(()))
    }

    fn close(&mut self, _: usize) -> Result<(), String> {
        self.events.push(Event::Close);
        self.close.clone().map_or(Ok(()), Err)
    }

    fn set_blocking(&mut self, _: usize, blocking: bool) -> Result<(), String> {
        self.events.push(Event::Blocking(blocking));
        self.blocking.clone().map_or(Ok(()), Err)
    }

    fn reference(&mut self, channel: usize) {
        assert!(!self.panic_in_reference, "a host that panics");
        self.events.push(Event::Reference(channel));
    }

    fn unreference(&mut self, channel: usize) {
        self.events.push(Event::Unreference(channel));
    }

    fn release(&mut self, place: Place, len: usize) -> Result<(), i32> {
        self.events.push(Event::Release(place, len));
        self.release.map_or(Ok(()), Err)
    }

    fn report(&mut self, text: &str) {
        self.events.push(Event::Report(text.to_owned()));
    }

    fn sink_write(&mut self, sink: usize, bytes: &[u8]) -> Result<usize, i32> {
        let answer = self.sinks.pop_front().unwrap_or(Ok(bytes.len()))?;
        self.events.push(Event::Sink(sink, bytes[..answer].to_vec()));
        Ok(answer)
    }

    fn closed(&mut self) {
        assert!(!self.panic_in_closed, "a host that panics");
        self.events.push(Event::Closed);
    }

    fn observed(&mut self, call: ChannelCall, error: i32) {
        self.seen.push((call, error));
    }

    fn can_seek(&mut self, _: usize) -> bool {
        self.seekable
    }

    fn can_pass(&mut self, _: usize) -> bool {
        self.passing
    }

    fn read_at(&mut self, _: usize, into: &mut [u8], offset: i64) -> Transfer {
        let from = usize::try_from(offset).expect("not negative").min(self.content.len());
        let given = into.len().min(self.content.len() - from);
        into[..given].copy_from_slice(&self.content[from..from + given]);
        Transfer::Done(given)
    }

    fn write_at(&mut self, _: usize, bytes: &[u8], offset: i64) -> Transfer {
        self.events.push(Event::WriteAt(offset, bytes.to_vec()));
        self.output.pop_front().unwrap_or(Transfer::Done(bytes.len()))
    }

    fn seek(&mut self, _: usize, offset: i64, whence: Whence) -> Result<u64, String> {
        self.events.push(Event::Seek(offset, whence));
        self.place.ok_or_else(|| "no seek".to_owned())
    }

    fn read_with_descriptors(
        &mut self,
        channel: usize,
        into: &mut [u8],
        _: bool,
        descriptors: &mut Vec<i32>,
    ) -> Transfer {
        descriptors.append(&mut self.descriptors);
        self.read(channel, into)
    }

    fn write_with_descriptors(&mut self, _: usize, bytes: &[u8], descriptors: &[i32]) -> Transfer {
        self.events.push(Event::Sent(bytes.to_vec(), descriptors.to_vec()));
        self.output.pop_front().unwrap_or(Transfer::Done(bytes.len()))
    }

    fn close_descriptor(&mut self, descriptor: i32) {
        self.events.push(Event::CloseDescriptor(descriptor));
    }
}

/// The original, or `None` where it is not linked in and `REQUIRE_C=1` does not demand it.
pub(crate) fn original() -> Option<Reference> {
    let linked = Reference::linked();
    if linked.is_none() {
        let absence = c_reference::absence().unwrap_or("no original, and no reason");
        assert!(std::env::var("REQUIRE_C").as_deref() != Ok("1"), "{absence}");
        println!("{absence}");
    }
    linked
}

/// A session over `script` with an arena of 1 MiB whose bytes count up, modulo 251.
pub(crate) fn session(reference: &Reference, script: Script) -> Session<Script> {
    let arena = GuestMemory::anonymous(1 << 20).expect("an arena");
    let bytes: Vec<u8> =
        (0..arena.len()).map(|at| u8::try_from(at % 251).expect("below 251")).collect();
    arena.write_at(0, &bytes).expect("inside the arena");
    Session::new(reference, arena, script)
}

/// A session with one stream that reads `bytes` in reads of `chunk`.
pub(crate) fn reader(
    reference: &Reference,
    bytes: &[u8],
    chunk: usize,
) -> (Session<Script>, usize) {
    let mut session = session(reference, Script::reading(bytes, chunk));
    let stream = session.new_input(0).expect("a stream");
    (session, stream)
}

/// A session with one stream that writes, and the answers to its writes.
pub(crate) fn writer(
    reference: &Reference,
    answers: impl IntoIterator<Item = Transfer>,
) -> (Session<Script>, usize) {
    let mut session = session(reference, Script::writing(answers));
    let stream = session.new_output(0).expect("a stream");
    (session, stream)
}

/// `len` bytes that count up, modulo 251.
pub(crate) fn counting(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).expect("below 251")).collect()
}

/// The shim, compiled once for the tests that run at a time: the last of them removes it.
pub(crate) fn toolchain() -> Arc<Toolchain> {
    static SHARED: Mutex<Weak<Toolchain>> = Mutex::new(Weak::new());
    thread_local!(static HELD: OnceCell<Arc<Toolchain>> = const { OnceCell::new() });
    let made = || {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let toolchain = Toolchain::open(&Options::default()).expect("the shim compiles");
            let toolchain = Arc::new(toolchain);
            *shared = Arc::downgrade(&toolchain);
            toolchain
        })
    };
    HELD.with(|held| held.get_or_init(made).clone())
}

/// A C file as a reference.
pub(crate) fn compiled(path: &Path) -> Reference {
    let folder = tempfile::tempdir().expect("a folder");
    let object = folder.path().join("reference.so");
    toolchain().compile(path, &object).expect("compiles");
    Reference::load(&object).expect("loads")
}
