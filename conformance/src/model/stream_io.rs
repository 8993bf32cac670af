//! What a model's stream reaches: its channel, its stored error, and what all streams share.

use crate::observation::Direction;
use crate::scripted_host::{ScriptedHost, Transfer, strerror};
use crate::trace::{self, Quirk, QuirkSet};

use super::writer::Compressor;

/// `-EIO`: the code of everything that a channel does wrong.
pub(super) const EIO: i32 = -5;

/// What all streams of a trace share.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) world: ScriptedHost,
    pub(super) arena: Vec<u8>,
    pub(super) compressors: Vec<Compressor>,
    /// Bytes written by all streams.
    pub(super) sent: u64,
    pub(super) triggered: QuirkSet,
    quirks: QuirkSet,
}

impl Environment {
    pub(super) fn new(quirks: QuirkSet) -> Self {
        Self {
            world: ScriptedHost::default(),
            arena: Vec::new(),
            compressors: Vec::new(),
            sent: 0,
            triggered: QuirkSet::new(),
            quirks,
        }
    }

    pub(super) fn begin(&mut self, world: &trace::World) {
        self.world.reset(world);
        self.arena = world.arena.to_vec();
        self.compressors = world.compressors.iter().map(|level| Compressor::new(*level)).collect();
        self.sent = 0;
        self.triggered.clear();
    }

    /// Notes that `quirk` makes a difference here; whether it is to be reproduced.
    pub(super) fn triggers(&mut self, quirk: Quirk) -> bool {
        self.triggered.insert(quirk);
        self.quirks.contains(&quirk)
    }

    /// Whether `quirk` is reproduced.
    pub(super) fn reproduces(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

/// The first error of a stream, which stays.
#[derive(Debug, Default)]
pub(super) struct Failure {
    code: i32,
    text: Option<String>,
}

impl Failure {
    pub(super) fn is_set(&self) -> bool {
        self.code != 0
    }

    pub(super) fn code(&self) -> i32 {
        self.code
    }

    /// Stores the first error; the text of a later one, or of none at all (code 0), is reported.
    pub(super) fn set(&mut self, code: i32, text: Option<&str>, world: &mut ScriptedHost) {
        if self.code == 0 && code != 0 {
            self.code = code;
            self.text = text.map(str::to_owned);
        } else if let Some(text) = text {
            world.report(text);
        }
    }

    /// Code and text, as a caller gets them.
    pub(super) fn describe(&self) -> (i32, Option<String>) {
        let text = self.is_set().then(|| match &self.text {
            Some(text) => text.clone(),
            None => format!("Channel error: {}", strerror(self.code.wrapping_neg())),
        });
        (self.code, text)
    }
}

/// One stream's view of the world while it carries out an operation.
pub(super) struct StreamIo<'a> {
    /// Number of the stream.
    pub(super) stream: usize,
    pub(super) channel: usize,
    pub(super) failure: &'a mut Failure,
    pub(super) environment: &'a mut Environment,
}

impl StreamIo<'_> {
    pub(super) fn fail(&mut self, text: Option<&str>) {
        self.failure.set(EIO, text, &mut self.environment.world);
    }

    fn wait(&mut self, direction: Direction) {
        let yielded = self.environment.world.in_coroutine();
        self.environment.world.wait(self.channel, direction, yielded);
    }

    /// Reads until the channel gives something; `None` at its end or when it fails, which is
    /// stored.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Option<usize> {
        loop {
            match self.environment.world.read(self.channel, into) {
                Transfer::Done(0) => {
                    self.fail(None);
                    return None;
                }
                Transfer::Done(count) => return Some(count),
                Transfer::WouldBlock => self.wait(Direction::Input),
                Transfer::Failed(text) => {
                    self.fail(Some(&text));
                    return None;
                }
            }
        }
    }

    /// Writes all pieces, in as many calls as it takes; pieces without bytes are left out, and
    /// where nothing is left there is no call. Whether it worked; a failure is stored.
    pub(super) fn write_all(&mut self, pieces: &[Vec<u8>]) -> bool {
        let mut lengths: Vec<usize> = pieces.iter().map(Vec::len).filter(|len| *len > 0).collect();
        let mut bytes = pieces.concat();
        while !bytes.is_empty() {
            match self.environment.world.write(self.channel, lengths.clone(), bytes.clone()) {
                Transfer::Done(mut count) => {
                    bytes.drain(..count);
                    while let Some(first) = lengths.first_mut() {
                        if count < *first {
                            *first -= count;
                            break;
                        }
                        count -= *first;
                        lengths.remove(0);
                    }
                }
                Transfer::WouldBlock => self.wait(Direction::Output),
                Transfer::Failed(text) => {
                    self.fail(Some(&text));
                    return false;
                }
            }
        }
        true
    }
}
