//! The world of a trace at work: it answers as the scripts say, and writes down what it was asked.
//!
//! One state machine for all subjects. The original reaches it through `c_reference::Host`, the
//! core through its `Channel`, the model directly.

use crate::bytes::Bytes;
use crate::observation::{Direction, Event, Outcome, Place};
use crate::trace::{self, Answer, ReadStep, ReleaseStep, Shutdown, SinkStep, WriteStep};

/// What a channel answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// So many bytes; of a read, 0 is the end of the stream.
    Done(usize),
    /// Would block: wait and try again.
    WouldBlock,
    /// A failure in these words.
    Failed(String),
}

impl Transfer {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Done(count) => Outcome::Done(*count),
            Self::WouldBlock => Outcome::Blocked,
            Self::Failed(_) => Outcome::Failed,
        }
    }
}

/// A list of answers that is consumed one by one.
#[derive(Debug)]
struct Script<Step> {
    steps: std::vec::IntoIter<Step>,
}

impl<Step: Clone> Script<Step> {
    fn new(steps: &[Step]) -> Self {
        let steps: Vec<Step> = steps.to_vec();
        Self { steps: steps.into_iter() }
    }

    fn next(&mut self) -> Option<Step> {
        self.steps.next()
    }

    /// The next step that is not `passed`.
    fn next_but(&mut self, passed: impl Fn(&Step) -> bool) -> Option<Step> {
        self.steps.by_ref().find(|step| !passed(step))
    }
}

#[derive(Debug)]
struct ChannelState {
    input: Vec<u8>,
    position: usize,
    reads: Script<ReadStep>,
    rest: usize,
    writes: Script<WriteStep>,
    shutdown: Shutdown,
    close: Answer,
    set_blocking: Answer,
    blocking: bool,
}

impl ChannelState {
    fn new(channel: &trace::Channel) -> Self {
        Self {
            input: channel.input.to_vec(),
            position: 0,
            reads: Script::new(&channel.reads),
            rest: channel.rest.map_or(usize::MAX, std::num::NonZeroUsize::get),
            writes: Script::new(&channel.writes),
            shutdown: channel.shutdown.clone(),
            close: channel.close.clone(),
            set_blocking: channel.set_blocking.clone(),
            blocking: channel.blocking,
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Transfer {
        let blocking = self.blocking;
        let limit = match self.reads.next_but(|step| blocking && *step == ReadStep::Block) {
            Some(ReadStep::Take(most)) => most.get(),
            Some(ReadStep::Block) => return Transfer::WouldBlock,
            Some(ReadStep::Fail(text)) => return Transfer::Failed(text),
            Some(ReadStep::End) => return Transfer::Done(0),
            None => self.rest,
        };
        let left = &self.input[self.position..];
        let count = limit.min(into.len()).min(left.len());
        into[..count].copy_from_slice(&left[..count]);
        self.position += count;
        Transfer::Done(count)
    }

    fn write(&mut self, total: usize) -> Transfer {
        let blocking = self.blocking;
        match self.writes.next_but(|step| blocking && *step == WriteStep::Block) {
            Some(WriteStep::Take(most)) => Transfer::Done(most.get().min(total)),
            Some(WriteStep::Block) => Transfer::WouldBlock,
            Some(WriteStep::Fail(text)) => Transfer::Failed(text),
            None => Transfer::Done(total),
        }
    }
}

/// The running world of one trace. Channels, sinks and streams are given by index; one that the
/// trace does not have behaves as an empty channel, or a sink that takes all.
#[derive(Debug, Default)]
pub struct ScriptedWorld {
    channels: Vec<ChannelState>,
    sinks: Vec<Script<SinkStep>>,
    releases: Option<Script<ReleaseStep>>,
    coroutine: bool,
    events: Vec<Event>,
}

impl ScriptedWorld {
    /// The world at its beginning.
    #[must_use]
    pub fn new(world: &trace::World) -> Self {
        Self {
            channels: world.channels.iter().map(ChannelState::new).collect(),
            sinks: world.sinks.iter().map(|steps| Script::new(steps)).collect(),
            releases: Some(Script::new(&world.releases)),
            coroutine: world.coroutine,
            events: Vec::new(),
        }
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whether a wait is a yield.
    #[must_use]
    pub fn in_coroutine(&self) -> bool {
        self.coroutine
    }

    /// One read of a channel, into the front of `into`.
    pub fn read(&mut self, channel: usize, into: &mut [u8]) -> Transfer {
        let transfer = match self.channels.get_mut(channel) {
            Some(state) => state.read(into),
            None => Transfer::Done(0),
        };
        self.events.push(Event::Read { channel, asked: into.len(), outcome: transfer.outcome() });
        transfer
    }

    /// One write to a channel: the lengths of the pieces, and the bytes of all of them.
    pub fn write(&mut self, channel: usize, lengths: Vec<usize>, bytes: Vec<u8>) -> Transfer {
        let transfer = match self.channels.get_mut(channel) {
            Some(state) => state.write(bytes.len()),
            None => Transfer::Done(bytes.len()),
        };
        let outcome = transfer.outcome();
        self.events.push(Event::Write { channel, lengths, bytes: bytes.into(), outcome });
        transfer
    }

    /// A wait for a channel; in a coroutine a yield.
    pub fn wait(&mut self, channel: usize, direction: Direction, yielded: bool) {
        self.events.push(Event::Wait { channel, direction, yielded });
    }

    /// Whether a channel can be shut down. Asking is not observed.
    #[must_use]
    pub fn can_shutdown(&self, channel: usize) -> bool {
        self.channels.get(channel).is_some_and(|state| state.shutdown != Shutdown::Unsupported)
    }

    /// Shuts a channel down.
    ///
    /// # Errors
    ///
    /// The words of the script.
    pub fn shutdown(&mut self, channel: usize) -> Result<(), String> {
        let result = match self.channels.get(channel).map(|state| &state.shutdown) {
            Some(Shutdown::Fails(text)) => Err(text.clone()),
            Some(Shutdown::Unsupported) => Err("not supported".to_owned()),
            Some(Shutdown::Works) | None => Ok(()),
        };
        self.events.push(Event::Shutdown { channel, worked: result.is_ok() });
        result
    }

    /// Closes a channel.
    ///
    /// # Errors
    ///
    /// The words of the script.
    pub fn close(&mut self, channel: usize) -> Result<(), String> {
        let result = answer(self.channels.get(channel).map(|state| &state.close));
        self.events.push(Event::Close { channel, worked: result.is_ok() });
        result
    }

    /// Sets the blocking mode of a channel, which stays as it was where that fails.
    ///
    /// # Errors
    ///
    /// The words of the script.
    pub fn set_blocking(&mut self, channel: usize, blocking: bool) -> Result<(), String> {
        let result = answer(self.channels.get(channel).map(|state| &state.set_blocking));
        if let (Ok(()), Some(state)) = (&result, self.channels.get_mut(channel)) {
            state.blocking = blocking;
        }
        self.events.push(Event::SetBlocking { channel, blocking, worked: result.is_ok() });
        result
    }

    /// A reference to a channel is taken.
    pub fn reference(&mut self, channel: usize) {
        self.events.push(Event::Referenced { channel });
    }

    /// A reference to a channel is dropped.
    pub fn unreference(&mut self, channel: usize) {
        self.events.push(Event::Unreferenced { channel });
    }

    /// Releases memory: it is written down, and the bytes stay.
    ///
    /// # Errors
    ///
    /// The errno of the script, positive.
    pub fn release(&mut self, place: Place, len: usize) -> Result<(), i32> {
        let result = match self.releases.as_mut().and_then(Script::next) {
            Some(ReleaseStep::Fail(errno)) => Err(errno.get()),
            Some(ReleaseStep::Works) | None => Ok(()),
        };
        self.events.push(Event::Release { place, len, worked: result.is_ok() });
        result
    }

    /// A message to the user.
    pub fn report(&mut self, text: &str) {
        self.events.push(Event::Report { text: text.to_owned() });
    }

    /// The message of a release that failed.
    pub fn report_release(&mut self, place: Place, len: usize, errno: i32) {
        self.events.push(Event::Report { text: release_failure(place, len, errno) });
    }

    /// One write to a descriptor.
    ///
    /// # Errors
    ///
    /// The errno of the script, positive.
    pub fn sink_write(&mut self, sink: usize, bytes: &[u8]) -> Result<usize, i32> {
        let result = match self.sinks.get_mut(sink).and_then(Script::next) {
            Some(SinkStep::Take(most)) => Ok(most.get().min(bytes.len())),
            Some(SinkStep::Nothing) => Ok(0),
            Some(SinkStep::Fail(errno)) => Err(errno.get()),
            None => Ok(bytes.len()),
        };
        let outcome = match result {
            Ok(count) => Outcome::Done(count),
            Err(_) => Outcome::Failed,
        };
        self.events.push(Event::SinkWrite { sink, bytes: Bytes::from(bytes), outcome });
        result
    }

    /// The trace event of a close.
    pub fn closed(&mut self) {
        self.events.push(Event::Closed);
    }
}

fn answer(answer: Option<&Answer>) -> Result<(), String> {
    match answer {
        Some(Answer::Fails(text)) => Err(text.clone()),
        Some(Answer::Works) | None => Ok(()),
    }
}

/// The original's message about a release that failed (C: L246), with the place for the address.
fn release_failure(place: Place, len: usize, errno: i32) -> String {
    let place = match place {
        Place::Arena(offset) => format!("arena+{offset}"),
        Place::Buffer { stream, offset } => format!("stream{stream}+{offset}"),
        Place::Elsewhere => "elsewhere".to_owned(),
    };
    format!("migrate: madvise DONTNEED failed {place} {len}: {}", strerror(errno))
}

/// The system's text for an errno. C: `strerror`.
#[must_use]
pub fn strerror(errno: i32) -> String {
    let mut text = std::io::Error::from_raw_os_error(errno).to_string();
    if let Some(end) = text.rfind(" (os error ") {
        text.truncate(end);
    }
    text
}
