//! A channel in memory.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Channel, Direction, null::closed};
use crate::pieces::Pieces;

#[derive(Debug, Default)]
struct State {
    input: Vec<u8>,
    read: usize,
    output: Vec<u8>,
    closed: bool,
}

/// Reads from one byte string and appends to another. The end of the first is the end of the
/// stream. C: `QIOChannelBuffer`, but for the two directions.
#[derive(Debug, Default)]
pub struct MemoryChannel {
    state: Mutex<State>,
}

impl MemoryChannel {
    /// A channel that has nothing to read, to be written to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A channel that will give `input`.
    #[must_use]
    pub fn with_input(input: impl Into<Vec<u8>>) -> Self {
        Self { state: Mutex::new(State { input: input.into(), ..State::default() }) }
    }

    /// Takes what was written so far, also after a close.
    #[must_use]
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().output)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.closed { Err(closed()) } else { Ok(state) }
    }
}

impl Channel for MemoryChannel {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.open()?;
        let rest = state.input.get(state.read..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        state.read += count;
        Ok(count)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        let mut state = self.open()?;
        let before = state.output.len();
        pieces.iter().for_each(|piece| piece.copy_to(&mut state.output));
        Ok(state.output.len() - before)
    }

    fn wait(&self, _direction: Direction) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.state().closed = true;
        Ok(())
    }

    fn set_blocking(&self, _blocking: bool) -> io::Result<()> {
        Ok(())
    }
}
