//! A loader, and a writer, over several subjects that are led in step.

use migration_stream::{Fault, Loader, Offsets};

use crate::compare::stepper::Stepper;
use crate::compare::verdict::Divergence;
use crate::observation::{Event, Observation, Outcome, Value};
use crate::subject::{Subject, Unready};
use crate::trace::{Op, Quirk, World};

/// Errno of what a stream says when it is over.
const EIO: i32 = -5;

/// Subjects that carry out the same operations, up to the first divergence; the first one is the
/// oracle of the others.
pub(super) struct Lockstep<'a> {
    stepper: Stepper<'a>,
    divergence: Option<Box<Divergence>>,
}

impl<'a> Lockstep<'a> {
    /// Sets the stage for those subjects that are ready; says why the others are not. `None` where
    /// nobody is ready.
    pub(super) fn begin(
        subjects: &'a mut [Box<dyn Subject>],
        world: &World,
    ) -> (Option<Self>, Vec<Unready>) {
        let members = subjects.iter_mut().map(|subject| &mut **subject as &mut dyn Subject);
        let (stepper, unready) = Stepper::begin_any(members, world, &Quirk::faithful());
        (stepper.map(|stepper| Self { stepper, divergence: None }), unready)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.stepper.names()
    }

    pub(super) fn steps(&self) -> usize {
        self.stepper.steps()
    }

    pub(super) fn diverged(&self) -> bool {
        self.divergence.is_some()
    }

    pub(super) fn take_divergence(&mut self) -> Option<Box<Divergence>> {
        self.divergence.take()
    }

    /// Lets all subjects carry out `op`; gives what the oracle did.
    pub(super) fn step(&mut self, op: &Op) -> Result<Observation, Fault> {
        let step = self.stepper.step(op);
        if self.divergence.is_none() {
            self.divergence = step.divergences.into_iter().next().map(Box::new);
        }
        if self.divergence.is_some() { Err(Fault::Diverged) } else { Ok(step.expected) }
    }

    /// Ends the trace for all subjects.
    pub(super) fn finish(&mut self) {
        self.stepper.finish(None);
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
        let seen = self.lockstep.step(op)?;
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
