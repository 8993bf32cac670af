//! A scripted channel that writes down every call, and what goes with it.
#![cfg_attr(
    not(all(feature = "zlib", feature = "tokio")),
    allow(dead_code, reason = "tests of features use it")
)]

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use qemufile_core::{
    Channel, Config, Direction, Notice, Pieces, Quirks, Reader, ReleaseMemory, ReleaseTarget,
    Report, Writer,
};

/// Both settings of the quirks.
pub(crate) const SETTINGS: [Quirks; 2] = [Quirks::FAITHFUL, Quirks::FIXED];

/// What one call of a channel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Moves up to this many bytes; a read beyond the input gives 0.
    Move(usize),
    /// Says that it would block.
    Block,
    /// Says that it was interrupted.
    Interrupt,
    /// Fails with this errno.
    Fail(i32),
    /// Claims to have moved this many bytes, and moves none.
    Claim(usize),
}

/// Moves all there is.
pub(crate) const ALL: Step = Step::Move(usize::MAX);

/// What a call came to: bytes, or the kind of the error.
pub(crate) type Given = Result<usize, io::ErrorKind>;

/// Something that a stream did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Read { asked: usize, given: Given },
    Write { pieces: Vec<Vec<u8>>, given: Given },
    Wait(Direction),
    Shutdown,
    Close,
    SetBlocking(bool),
    Release { offset: usize, len: usize },
    ReleaseBuffer { offset: usize, len: usize },
    ReleaseShared { len: usize },
    Report(String),
}

/// A write that took everything.
pub(crate) fn wrote(pieces: &[&[u8]]) -> Event {
    Event::Write {
        pieces: pieces.iter().map(|piece| piece.to_vec()).collect(),
        given: Ok(pieces.iter().map(|piece| piece.len()).sum()),
    }
}

/// What happened, in order, on a channel and around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    events: Arc<Mutex<Vec<Event>>>,
    release_error: Option<i32>,
}

impl Journal {
    pub(crate) fn add(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    /// Takes what happened since the last call.
    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    /// A configuration that reports and releases into this journal.
    pub(crate) fn config(&self, quirks: Quirks) -> Config {
        let journal = Arc::new(self.clone());
        Config::new().quirks(quirks).reporter(journal.clone()).release_memory(journal)
    }

    /// The same, where every release fails with an errno.
    pub(crate) fn config_without_release(&self, errno: i32) -> Config {
        let mut config = self.config(Quirks::FIXED);
        config.release_memory = Arc::new(Self { release_error: Some(errno), ..self.clone() });
        config
    }
}

impl Report for Journal {
    fn report(&self, notice: &Notice<'_>) {
        self.add(Event::Report(notice.to_string()));
    }
}

impl ReleaseMemory for Journal {
    fn release(&self, target: ReleaseTarget<'_>) -> io::Result<()> {
        self.add(match target {
            ReleaseTarget::Guest { offset, len, .. } => Event::Release { offset, len },
            ReleaseTarget::Buffer { offset, len } => Event::ReleaseBuffer { offset, len },
            ReleaseTarget::Shared { len } => Event::ReleaseShared { len },
            _ => panic!("a target that the tests do not know"),
        });
        match self.release_error {
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Script {
    input: Vec<u8>,
    position: usize,
    written: Vec<u8>,
    reads: VecDeque<Step>,
    every_read: Step,
    writes: VecDeque<Step>,
    every_write: Step,
    wait_error: Option<i32>,
    shutdown: Option<Result<(), i32>>,
    close_error: Option<i32>,
    pending: usize,
    pending_left: usize,
    quiet: bool,
}

/// A channel that follows a script, and keeps a journal.
#[derive(Debug)]
pub(crate) struct ScriptedChannel {
    script: Mutex<Script>,
    pub(crate) journal: Journal,
}

/// A channel that gives `input` as it is asked for.
pub(crate) fn channel(input: impl Into<Vec<u8>>) -> ScriptedChannel {
    ScriptedChannel {
        script: Mutex::new(Script {
            input: input.into(),
            position: 0,
            written: Vec::new(),
            reads: VecDeque::new(),
            every_read: ALL,
            writes: VecDeque::new(),
            every_write: ALL,
            wait_error: None,
            shutdown: None,
            close_error: None,
            pending: 0,
            pending_left: 0,
            quiet: false,
        }),
        journal: Journal::default(),
    }
}

impl ScriptedChannel {
    fn set(self, change: impl FnOnce(&mut Script)) -> Self {
        change(&mut self.script.lock().unwrap());
        self
    }

    /// What the first reads do.
    pub(crate) fn reads(self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.set(|script| script.reads.extend(steps))
    }

    /// What the reads after those do.
    pub(crate) fn every_read(self, step: Step) -> Self {
        self.set(|script| script.every_read = step)
    }

    /// What the first writes do.
    pub(crate) fn writes(self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.set(|script| script.writes.extend(steps))
    }

    /// What the writes after those do.
    pub(crate) fn every_write(self, step: Step) -> Self {
        self.set(|script| script.every_write = step)
    }

    /// Makes waiting fail.
    pub(crate) fn wait_error(self, errno: i32) -> Self {
        self.set(|script| script.wait_error = Some(errno))
    }

    /// Makes it one that can be shut down, well or not.
    pub(crate) fn shutdown(self, outcome: Result<(), i32>) -> Self {
        self.set(|script| script.shutdown = Some(outcome))
    }

    /// Makes closing fail.
    pub(crate) fn close_error(self, errno: i32) -> Self {
        self.set(|script| script.close_error = Some(errno))
    }

    /// Makes each wait of a task pending this many times.
    pub(crate) fn pending(self, times: usize) -> Self {
        self.set(|script| {
            script.pending = times;
            script.pending_left = times;
        })
    }

    /// Makes it keep no journal of reads and writes, of which there may be very many.
    pub(crate) fn quiet(self) -> Self {
        self.set(|script| script.quiet = true)
    }

    pub(crate) fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// The bytes that were written so far.
    pub(crate) fn written(&self) -> Vec<u8> {
        self.script.lock().unwrap().written.clone()
    }

    /// What happened since the last call.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.journal.take()
    }

    pub(crate) fn config(&self, quirks: Quirks) -> Config {
        self.journal.config(quirks)
    }
}

/// A reader over a channel that keeps the journal of both.
pub(crate) fn reader(scripted: ScriptedChannel, quirks: Quirks) -> Reader {
    let config = scripted.config(quirks);
    Reader::with_config(scripted.shared(), &config)
}

/// A writer, and its channel, which keeps the journal of both.
pub(crate) fn writer(scripted: ScriptedChannel, quirks: Quirks) -> (Arc<ScriptedChannel>, Writer) {
    let scripted = scripted.shared();
    let writer = Writer::with_config(scripted.clone(), &scripted.config(quirks));
    (scripted, writer)
}

fn outcome(step: Step, movement: impl FnOnce(usize) -> usize) -> io::Result<usize> {
    match step {
        Step::Move(limit) => Ok(movement(limit)),
        Step::Block => Err(io::ErrorKind::WouldBlock.into()),
        Step::Interrupt => Err(io::ErrorKind::Interrupted.into()),
        Step::Fail(errno) => Err(io::Error::from_raw_os_error(errno)),
        Step::Claim(count) => Ok(count),
    }
}

fn given(result: &io::Result<usize>) -> Given {
    result.as_ref().map(|count| *count).map_err(io::Error::kind)
}

fn errno(code: Option<i32>) -> io::Result<()> {
    code.map_or(Ok(()), |code| Err(io::Error::from_raw_os_error(code)))
}

impl Channel for ScriptedChannel {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let script = &mut *self.script.lock().unwrap();
        let step = script.reads.pop_front().unwrap_or(script.every_read);
        let result = outcome(step, |limit| {
            let rest = &script.input[script.position..];
            let count = limit.min(rest.len()).min(into.len());
            into[..count].copy_from_slice(&rest[..count]);
            script.position += count;
            count
        });
        if !script.quiet {
            self.journal.add(Event::Read { asked: into.len(), given: given(&result) });
        }
        result
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        let script = &mut *self.script.lock().unwrap();
        let step = script.writes.pop_front().unwrap_or(script.every_write);
        let result = outcome(step, |limit| {
            let all = pieces.to_vec();
            let count = limit.min(all.len());
            script.written.extend_from_slice(&all[..count]);
            count
        });
        if script.quiet {
            return result;
        }
        let pieces = pieces
            .iter()
            .map(|piece| {
                let mut bytes = Vec::new();
                piece.copy_to(&mut bytes);
                assert_eq!(bytes.len(), piece.len());
                bytes
            })
            .collect();
        self.journal.add(Event::Write { pieces, given: given(&result) });
        result
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        let script = self.script.lock().unwrap();
        if !script.quiet {
            self.journal.add(Event::Wait(direction));
        }
        errno(script.wait_error)
    }

    fn poll_ready(&self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<()>> {
        let mut script = self.script.lock().unwrap();
        if script.pending_left > 0 {
            script.pending_left -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        script.pending_left = script.pending;
        drop(script);
        Poll::Ready(self.wait(direction))
    }

    fn can_shutdown(&self) -> bool {
        self.script.lock().unwrap().shutdown.is_some()
    }

    fn shutdown(&self) -> io::Result<()> {
        self.journal.add(Event::Shutdown);
        errno(self.script.lock().unwrap().shutdown.and_then(Result::err))
    }

    fn close(&self) -> io::Result<()> {
        self.journal.add(Event::Close);
        errno(self.script.lock().unwrap().close_error)
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.journal.add(Event::SetBlocking(blocking));
        Ok(())
    }
}

/// So many cases, unless `PROPTEST_CASES` says how many. A failure prints its case: to keep it, make
/// a test of it.
pub(crate) fn cases(count: u32) -> proptest::test_runner::Config {
    let given = proptest::test_runner::Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { count };
    proptest::test_runner::Config { cases, failure_persistence: None, ..given }
}

/// Bytes that differ from their neighbours and from those one buffer further on.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at + at / 251) % 251).unwrap()).collect()
}
