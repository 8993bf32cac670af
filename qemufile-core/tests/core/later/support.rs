//! A channel whose later calls follow a script.

use std::collections::VecDeque;
use std::io::{self, SeekFrom};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use qemufile_core::{
    AsyncReader, AsyncWriter, Channel, Config, Direction, Notice, Pieces, Quirks, Reader, Release,
    Report, Writer,
};

/// What one call comes to: a number, or an errno.
pub(super) type Answer = Result<u64, i32>;

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Answer>,
    input: VecDeque<(Vec<u8>, Vec<OwnedFd>)>,
    calls: Vec<String>,
    passes: bool,
    pending: bool,
}

/// Takes its answers in order, and writes down each call as text. What is not scripted succeeds.
#[derive(Clone, Debug, Default)]
pub(super) struct Later(Arc<Mutex<Script>>);

impl Later {
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let later = Self::default();
        later.0.lock().unwrap().answers.extend(answers);
        later
    }

    /// One that passes descriptors: each read gives one part of the input.
    pub(super) fn passing(input: impl IntoIterator<Item = (&'static [u8], Vec<OwnedFd>)>) -> Self {
        let later = Self::default();
        let parts = input.into_iter().map(|(bytes, descriptors)| (bytes.to_vec(), descriptors));
        let mut script = later.0.lock().unwrap();
        script.input.extend(parts);
        script.passes = true;
        drop(script);
        later
    }

    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    fn call(&self, text: String, all: u64) -> io::Result<u64> {
        let mut script = self.0.lock().unwrap();
        script.calls.push(text);
        script.answers.pop_front().unwrap_or(Ok(all)).map_err(io::Error::from_raw_os_error)
    }

    fn moved(&self, text: String, all: usize) -> io::Result<usize> {
        Ok(usize::try_from(self.call(text, all as u64)?).unwrap())
    }

    pub(super) fn config(&self, release: Release, quirks: Quirks) -> Config {
        Config::new().release(release).quirks(quirks).reporter(Arc::new(self.clone()))
    }

    pub(super) fn writer(&self, release: Release, quirks: Quirks) -> Writer {
        Writer::with_config(Arc::new(self.clone()), &self.config(release, quirks))
    }

    pub(super) fn reader(&self, release: Release, quirks: Quirks) -> Reader {
        Reader::with_config(Arc::new(self.clone()), &self.config(release, quirks))
    }

    pub(super) fn task_writer(&self, release: Release, quirks: Quirks) -> AsyncWriter {
        AsyncWriter::with_config(Arc::new(self.clone()), &self.config(release, quirks))
    }

    pub(super) fn task_reader(&self, release: Release, quirks: Quirks) -> AsyncReader {
        AsyncReader::with_config(Arc::new(self.clone()), &self.config(release, quirks))
    }
}

impl Report for Later {
    fn report(&self, notice: &Notice<'_>) {
        let kind = match notice {
            Notice::LaterError { .. } => "later",
            Notice::DescriptorFailed { .. } => "descriptor",
            Notice::UnclaimedDescriptor { .. } => "unclaimed",
            _ => "other",
        };
        self.0.lock().unwrap().calls.push(format!("report {kind}: {notice}"));
    }
}

impl Channel for Later {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.moved(format!("read {}", into.len()), 0)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        self.moved(format!("write {:?}", pieces.to_vec()), pieces.total())
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        self.call(format!("wait {direction:?}"), 0).map(drop)
    }

    fn poll_ready(&self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<()>> {
        let mut script = self.0.lock().unwrap();
        script.pending = !script.pending;
        if script.pending {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        drop(script);
        Poll::Ready(self.call(format!("yield {direction:?}"), 0).map(drop))
    }

    fn close(&self) -> io::Result<()> {
        self.call("close".to_owned(), 0).map(drop)
    }

    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Ok(())
    }

    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn seekable(&self) -> bool {
        true
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.moved(format!("read {} at {offset}", into.len()), into.len())?;
        let end = count.min(into.len());
        into[..end].fill(7);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.moved(format!("write {bytes:?} at {offset}"), bytes.len())
    }

    fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        self.call(format!("seek {to:?}"), 1000)
    }

    fn passes_descriptors(&self) -> bool {
        let mut script = self.0.lock().unwrap();
        script.calls.push("passes?".to_owned());
        script.passes
    }

    fn read_with_descriptors(
        &self,
        into: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> io::Result<usize> {
        let mut script = self.0.lock().unwrap();
        let (bytes, came) = script.input.pop_front().unwrap_or_default();
        script.calls.push(format!("read {} and {} descriptors", bytes.len(), came.len()));
        into[..bytes.len()].copy_from_slice(&bytes);
        descriptors.extend(came);
        Ok(bytes.len())
    }

    fn write_with_descriptors(
        &self,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        self.moved(format!("send {bytes:?} and {} descriptors", descriptors.len()), bytes.len())
    }
}

/// Polls until the future is done.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("a future that never ends");
}
