//! The world of a trace at work: it answers as the scripts say, and writes down what it was asked.
//!
//! One state machine for all subjects. The original reaches it through `c_reference::Host`, the
//! core through its `Channel`, the model directly.

use crate::observation::{Direction, Event, Observation, Outcome, Place, StreamState, Value};
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

/// How far a list of answers is consumed.
#[derive(Debug, Default)]
struct Script(usize);

impl Script {
    fn next<'a, Step>(&mut self, steps: &'a [Step]) -> Option<&'a Step> {
        self.next_but(steps, |_| false)
    }

    /// The next step that is not `passed`.
    fn next_but<'a, Step>(
        &mut self,
        steps: &'a [Step],
        passed: impl Fn(&Step) -> bool,
    ) -> Option<&'a Step> {
        loop {
            let step = steps.get(self.0)?;
            self.0 += 1;
            if !passed(step) {
                return Some(step);
            }
        }
    }
}

/// A channel, and how far its trace is.
#[derive(Debug, Default)]
struct ChannelState {
    position: usize,
    reads: Script,
    writes: Script,
    blocking: bool,
}

impl ChannelState {
    fn read(&mut self, channel: &trace::Channel, into: &mut [u8]) -> Transfer {
        let passed = |step: &ReadStep| self.blocking && *step == ReadStep::Block;
        let limit = match self.reads.next_but(&channel.reads, passed) {
            Some(ReadStep::Take(most)) => most.get(),
            Some(ReadStep::Block) => return Transfer::WouldBlock,
            Some(ReadStep::Fail(text)) => return Transfer::Failed(text.clone()),
            Some(ReadStep::End) => return Transfer::Done(0),
            None => channel.rest.map_or(usize::MAX, std::num::NonZeroUsize::get),
        };
        let room = limit.min(into.len());
        let count = channel.input.copy_at(self.position, &mut into[..room]);
        self.position += count;
        Transfer::Done(count)
    }

    fn write(&mut self, channel: &trace::Channel, total: usize) -> Transfer {
        let passed = |step: &WriteStep| self.blocking && *step == WriteStep::Block;
        match self.writes.next_but(&channel.writes, passed) {
            Some(WriteStep::Take(most)) => Transfer::Done(most.get().min(total)),
            Some(WriteStep::Block) => Transfer::WouldBlock,
            Some(WriteStep::Fail(text)) => Transfer::Failed(text.clone()),
            None => Transfer::Done(total),
        }
    }
}

/// The running world of one trace. Channels, sinks and streams are given by index; one that the
/// trace does not have behaves as an empty channel, or a sink that takes all.
#[derive(Debug, Default)]
pub struct ScriptedHost {
    given: trace::World,
    channels: Vec<ChannelState>,
    sinks: Vec<Script>,
    releases: Script,
    events: Vec<Event>,
    spare: Spare,
}

/// Emptied lists of observations that are done with, to be filled again.
#[derive(Debug, Default)]
struct Spare {
    events: Vec<Vec<Event>>,
    states: Vec<Vec<StreamState>>,
    lengths: Vec<Vec<usize>>,
    bytes: Vec<Vec<u8>>,
}

/// Most lists of a kind that are kept, and the most elements that such a one has room for: the bytes
/// of a write of 64 pages.
const MOST_SPARE: usize = 16;
const MOST_ROOM: usize = 64 << 12;

fn keep<T>(lists: &mut Vec<Vec<T>>, mut list: Vec<T>) {
    if lists.len() < MOST_SPARE && (1..=MOST_ROOM).contains(&list.capacity()) {
        list.clear();
        lists.push(list);
    }
}

impl ScriptedHost {
    /// The world at its beginning.
    #[must_use]
    pub fn new(world: &trace::World) -> Self {
        let mut scripted = Self::default();
        scripted.reset(world);
        scripted
    }

    /// Becomes another world, at its beginning.
    pub fn reset(&mut self, world: &trace::World) {
        self.given.clone_from(world);
        self.channels.clear();
        self.channels.extend(
            world.channels.iter().map(|channel| ChannelState {
                blocking: channel.blocking,
                ..ChannelState::default()
            }),
        );
        self.sinks.clear();
        self.sinks.resize_with(world.sinks.len(), Script::default);
        self.releases = Script::default();
        self.events.clear();
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        if self.events.is_empty() {
            return Vec::new();
        }
        let next = self.spare.events.pop().unwrap_or_default();
        std::mem::replace(&mut self.events, next)
    }

    /// An empty list, as a rule with the room of one that was [recycled](Self::recycle).
    #[must_use]
    pub fn bytes(&mut self) -> Vec<u8> {
        self.spare.bytes.pop().unwrap_or_default()
    }

    /// Takes back bytes that no observation has.
    pub fn recycle_bytes(&mut self, bytes: Vec<u8>) {
        keep(&mut self.spare.bytes, bytes);
    }

    /// As [`bytes`](Self::bytes), for the lengths of the pieces of a write.
    #[must_use]
    pub fn lengths(&mut self) -> Vec<usize> {
        self.spare.lengths.pop().unwrap_or_default()
    }

    /// As [`bytes`](Self::bytes), for the states of an observation.
    #[must_use]
    pub fn states(&mut self) -> Vec<StreamState> {
        self.spare.states.pop().unwrap_or_default()
    }

    /// Takes back the lists of an observation that is done with.
    pub fn recycle(&mut self, observation: Observation) {
        let Observation { value, mut events, states } = observation;
        for event in events.drain(..) {
            match event {
                Event::Write { lengths, bytes, .. } => {
                    keep(&mut self.spare.lengths, lengths);
                    self.recycle_bytes(bytes.into_vec());
                }
                Event::SinkWrite { bytes, .. } => self.recycle_bytes(bytes.into_vec()),
                _ => {}
            }
        }
        keep(&mut self.spare.events, events);
        keep(&mut self.spare.states, states);
        if let Value::Bytes(bytes) | Value::Placed { bytes, .. } | Value::Text { bytes, .. } = value
        {
            self.recycle_bytes(bytes.into_vec());
        }
    }

    /// Whether a wait is a yield.
    #[must_use]
    pub fn in_coroutine(&self) -> bool {
        self.given.coroutine
    }

    /// One read of a channel, into the front of `into`.
    pub fn read(&mut self, channel: usize, into: &mut [u8]) -> Transfer {
        let transfer = match self.channels.get_mut(channel).zip(self.given.channels.get(channel)) {
            Some((state, given)) => state.read(given, into),
            None => Transfer::Done(0),
        };
        self.events.push(Event::Read { channel, asked: into.len(), outcome: transfer.outcome() });
        transfer
    }

    /// One write to a channel: the lengths of the pieces, and the bytes of all of them.
    pub fn write(&mut self, channel: usize, lengths: Vec<usize>, bytes: Vec<u8>) -> Transfer {
        let transfer = match self.channels.get_mut(channel).zip(self.given.channels.get(channel)) {
            Some((state, given)) => state.write(given, bytes.len()),
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
        self.given
            .channels
            .get(channel)
            .is_some_and(|given| given.shutdown != Shutdown::Unsupported)
    }

    /// Shuts a channel down.
    ///
    /// # Errors
    ///
    /// The words of the script.
    pub fn shutdown(&mut self, channel: usize) -> Result<(), String> {
        let result = match self.given.channels.get(channel).map(|given| &given.shutdown) {
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
        let result = answer(self.given.channels.get(channel).map(|given| &given.close));
        self.events.push(Event::Close { channel, worked: result.is_ok() });
        result
    }

    /// Sets the blocking mode of a channel, which stays as it was where that fails.
    ///
    /// # Errors
    ///
    /// The words of the script.
    pub fn set_blocking(&mut self, channel: usize, blocking: bool) -> Result<(), String> {
        let result = answer(self.given.channels.get(channel).map(|given| &given.set_blocking));
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
        let result = match self.releases.next(&self.given.releases) {
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
        let result = match self
            .sinks
            .get_mut(sink)
            .zip(self.given.sinks.get(sink))
            .and_then(|(script, steps)| script.next(steps))
        {
            Some(SinkStep::Take(most)) => Ok(most.get().min(bytes.len())),
            Some(SinkStep::Nothing) => Ok(0),
            Some(SinkStep::Fail(errno)) => Err(errno.get()),
            None => Ok(bytes.len()),
        };
        let outcome = match result {
            Ok(count) => Outcome::Done(count),
            Err(_) => Outcome::Failed,
        };
        let mut copy = self.bytes();
        copy.extend_from_slice(bytes);
        self.events.push(Event::SinkWrite { sink, bytes: copy.into(), outcome });
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
