//! Several subjects behind one loader, or one writer, a step at a time.

use migration_stream::{Fault, Loader, Offsets};

use crate::model::Model;
use crate::observation::{Event, Observation, Outcome, Value};
use crate::subject::{Core, Subject, Unready};
use crate::trace::{Op, World};
use crate::verdict::Divergence;

/// Errno of what a stream says when it is over.
const EIO: i32 = -5;

/// Subjects that carry out the same operations; the first one is the oracle of the others.
pub(super) struct Lockstep<'a> {
    subjects: Vec<&'a mut dyn Subject>,
    /// What channel 0 gives to read.
    input: &'a [u8],
    steps: usize,
    divergence: Option<Box<Divergence>>,
}

impl<'a> Lockstep<'a> {
    /// Sets the stage for those subjects that are ready; says why the others are not.
    pub(super) fn begin(
        subjects: &'a mut [Box<dyn Subject>],
        world: &World,
        input: &'a [u8],
    ) -> (Self, Vec<Unready>) {
        let mut ready: Vec<&mut dyn Subject> = Vec::new();
        let mut unready = Vec::new();
        for subject in subjects {
            match subject.begin(world) {
                Ok(()) => ready.push(&mut **subject),
                Err(reason) => unready.push(reason),
            }
        }
        (Self { subjects: ready, input, steps: 0, divergence: None }, unready)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    pub(super) fn diverged(&self) -> bool {
        self.divergence.is_some()
    }

    pub(super) fn take_divergence(&mut self) -> Option<Box<Divergence>> {
        self.divergence.take()
    }

    /// Lets all subjects carry out `op`; gives what the oracle did.
    pub(super) fn step(&mut self, op: &Op) -> Result<Observation, Fault> {
        self.step_at(op, None)
    }

    /// As [`step`](Self::step), of an operation that hands out bytes from offset `at` of the input.
    fn step_at(&mut self, op: &Op, at: Option<u64>) -> Result<Observation, Fault> {
        let right =
            at.and_then(|at| self.input.get(usize::try_from(at).ok()?..)).unwrap_or_default();
        let mut subjects = self.subjects.iter_mut();
        let Some(oracle) = subjects.next() else {
            return Err(Fault::Failed("no subject is ready".to_owned()));
        };
        let expected = oracle.step(op);
        let mut diverged = None;
        for subject in subjects {
            let actual = subject.step(op);
            if diverged.is_none()
                && !actual.conforms_to(&expected)
                && !is_stale_rest(oracle.name(), &expected, subject.name(), &actual, right)
            {
                diverged = Some(Box::new(Divergence {
                    step: self.steps,
                    op: op.clone(),
                    oracle: oracle.name().to_owned(),
                    subject: subject.name().to_owned(),
                    expected: expected.clone(),
                    actual,
                }));
            }
        }
        self.steps += 1;
        if self.divergence.is_none() {
            self.divergence = diverged;
        }
        if self.divergence.is_some() { Err(Fault::Diverged) } else { Ok(expected) }
    }

    /// Ends the trace for all subjects.
    pub(super) fn finish(&mut self) {
        for subject in &mut self.subjects {
            subject.finish();
        }
    }
}

/// Whether a subject fixes the original's defects.
fn fixes(name: &str) -> bool {
    name == Core::DEFAULT || name == Model::MENDED
}

/// Row 1 (`docs/BEHAVIOUR.md#row-1`): where a stream ends inside what was asked for, the original may hand out
/// as many wrong bytes as there are right ones. A subject that fixes this hands out the `right`
/// ones; all else has to be the same.
fn is_stale_rest(
    oracle: &str,
    expected: &Observation,
    subject: &str,
    actual: &Observation,
    right: &[u8],
) -> bool {
    let failed = expected.states.iter().any(|state| state.error == EIO);
    let same = actual.events == expected.events && actual.states == expected.states;
    let fixed = match (fixes(oracle), fixes(subject)) {
        (false, true) => rest(&actual.value),
        (true, false) => rest(&expected.value),
        _ => None,
    };
    failed
        && same
        && fixed.is_some_and(|fixed| right.starts_with(fixed))
        && lens(expected) == lens(actual)
}

fn lens(seen: &Observation) -> Option<usize> {
    rest(&seen.value).map(<[u8]>::len)
}

/// The bytes handed out.
fn rest(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Bytes(bytes) | Value::Placed { bytes, .. } => bytes.whole(),
        _ => None,
    }
}

/// A loader over subjects: channel 0 of their world is the stream, the next ones its packages.
pub(super) struct SubjectLoader<'a> {
    lockstep: Lockstep<'a>,
    /// Streams made so far.
    made: usize,
    /// The stream that is read.
    stream: usize,
    /// The stream to go back to.
    outer: usize,
    packages: usize,
    positions: Offsets,
    /// Every read of channel 0.
    pub(super) reads: Vec<(usize, Outcome)>,
}

impl<'a> SubjectLoader<'a> {
    /// Reads nothing before it is opened.
    pub(super) fn new(lockstep: Lockstep<'a>) -> Self {
        Self {
            lockstep,
            made: 0,
            stream: 0,
            outer: 0,
            packages: 0,
            positions: Offsets::new(),
            reads: Vec::new(),
        }
    }

    /// Opens channel 0 for reading.
    pub(super) fn open(&mut self) -> Result<(), Fault> {
        (self.stream, self.outer, self.made) = (0, 0, 1);
        self.lockstep.step(&Op::NewInput { channel: 0 }).map(|_| ())
    }

    /// Opens channel 0 for writing, to read what comes back.
    pub(super) fn open_returning(&mut self) -> Result<(), Fault> {
        (self.stream, self.outer, self.made) = (1, 1, 2);
        self.lockstep.step(&Op::NewOutput { channel: 0 })?;
        self.lockstep.step(&Op::GetReturnPath { stream: 0 }).map(|_| ())
    }

    /// The subjects it reads with.
    pub(super) fn lockstep(&mut self) -> &mut Lockstep<'a> {
        &mut self.lockstep
    }

    /// Closes all streams that were made and are not closed.
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        for stream in (0..=self.outer).rev() {
            self.step(&Op::Close { stream })?;
        }
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Result<Observation, Fault> {
        let ahead = match op {
            Op::PeekBuffer { offset, .. } => *offset as u64,
            _ => 0,
        };
        let seen = self.lockstep.step_at(op, Some(self.positions.current() + ahead))?;
        self.reads.extend(seen.events.iter().filter_map(|event| match event {
            Event::Read { channel: 0, asked, outcome } => Some((*asked, outcome.clone())),
            _ => None,
        }));
        Ok(seen)
    }

    /// Carries out an operation that takes or shows `wanted` bytes.
    fn ask(&mut self, op: &Op, wanted: usize) -> Result<Value, Fault> {
        let seen = self.step(op)?;
        match seen.states.first() {
            Some(state) if state.error != 0 && state.error != EIO => Err(Fault::Failed(
                state.text.clone().unwrap_or_else(|| format!("error {}", state.error)),
            )),
            Some(state) if state.error != 0 => Err(Fault::Ended { wanted }),
            _ => Ok(seen.value),
        }
    }

    fn number(&mut self, op: &Op, wanted: usize) -> Result<u64, Fault> {
        match self.ask(op, wanted)? {
            Value::Number(number) => Ok(number),
            other => Err(odd(op, &other)),
        }
    }

    fn word<T: TryFrom<u64>>(&mut self, op: &Op, len: usize) -> Result<T, Fault> {
        let number = self.number(op, len)?;
        self.positions.advance(len);
        T::try_from(number).map_err(|_| odd(op, &Value::Number(number)))
    }

    fn bytes(&mut self, op: &Op, into: &mut [u8]) -> Result<(), Fault> {
        let value = self.ask(op, into.len())?;
        let (Value::Bytes(found) | Value::Placed { bytes: found, .. }) = &value else {
            return Err(odd(op, &value));
        };
        match found.whole() {
            Some(found) if found.len() == into.len() => {
                into.copy_from_slice(found);
                Ok(())
            }
            _ => Err(odd(op, &value)),
        }
    }
}

/// A value that the operation cannot have without an error of the stream.
fn odd(op: &Op, value: &Value) -> Fault {
    Fault::Failed(format!("{op:?} gave {value:?}"))
}

impl Loader for SubjectLoader<'_> {
    fn peek_byte(&mut self, offset: usize) -> Result<u8, Fault> {
        let offset = i32::try_from(offset).unwrap_or(i32::MAX);
        let op = Op::PeekByte { stream: self.stream, offset };
        let number = self.number(&op, 1)?;
        u8::try_from(number).map_err(|_| odd(&op, &Value::Number(number)))
    }

    fn peek_buffer(&mut self, into: &mut [u8], offset: usize) -> Result<(), Fault> {
        self.bytes(&Op::PeekBuffer { stream: self.stream, size: into.len(), offset }, into)
    }

    fn skip(&mut self, size: usize) -> Result<(), Fault> {
        let op = Op::Skip { stream: self.stream, size: i32::try_from(size).unwrap_or(i32::MAX) };
        self.ask(&op, size)?;
        self.positions.advance(size);
        Ok(())
    }

    fn get_byte(&mut self) -> Result<u8, Fault> {
        self.word(&Op::GetByte { stream: self.stream }, 1)
    }

    fn get_be16(&mut self) -> Result<u16, Fault> {
        self.word(&Op::GetBe16 { stream: self.stream }, 2)
    }

    fn get_be32(&mut self) -> Result<u32, Fault> {
        self.word(&Op::GetBe32 { stream: self.stream }, 4)
    }

    fn get_be64(&mut self) -> Result<u64, Fault> {
        self.word(&Op::GetBe64 { stream: self.stream }, 8)
    }

    fn get_buffer(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        self.bytes(&Op::GetBuffer { stream: self.stream, size: into.len() }, into)?;
        self.positions.advance(into.len());
        Ok(())
    }

    fn get_buffer_in_place(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        self.bytes(&Op::GetBufferInPlace { stream: self.stream, size: into.len() }, into)?;
        self.positions.advance(into.len());
        Ok(())
    }

    fn get_counted_string(&mut self) -> Result<Vec<u8>, Fault> {
        let op = Op::GetCountedString { stream: self.stream };
        let value = self.ask(&op, 1)?;
        let Value::Text { bytes, .. } = &value else { return Err(odd(&op, &value)) };
        let text = bytes.whole().ok_or_else(|| odd(&op, &value))?.to_vec();
        self.positions.advance(text.len() + 1);
        Ok(text)
    }

    fn enter(&mut self, package: Vec<u8>) -> Result<(), Fault> {
        self.packages += 1;
        self.step(&Op::NewInput { channel: self.packages })?;
        self.stream = self.made;
        self.made += 1;
        self.positions.enter(package.len());
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Fault> {
        self.step(&Op::Close { stream: self.stream })?;
        self.stream = self.outer;
        self.positions.leave();
        Ok(())
    }

    fn position(&self) -> u64 {
        self.positions.current()
    }
}
