//! Guest memory that is filled once and kept from trace to trace.

use std::io;
use std::ops::Range;

use qemufile_core::{GuestMemory, Misuse};

use crate::trace::{Data, Op};

/// Most arenas that are kept: traces that come one after the other have few kinds of them.
const MOST: usize = 32;

/// Arenas by what they hold at the beginning of a trace, the last one taken in front. To map and to
/// fill one costs more than most traces.
#[derive(Default)]
pub(super) struct Arenas {
    kept: Vec<Arena>,
    /// Whether the one in front holds what the trace says: most traces never look at it.
    filled: bool,
}

struct Arena {
    content: Data,
    memory: GuestMemory,
    /// Where it may hold something else.
    changed: Range<usize>,
}

impl Arenas {
    /// The arena of a trace; [`before`](Self::before) fills it with `content`.
    ///
    /// # Errors
    ///
    /// What `mmap` says.
    pub(super) fn take(&mut self, content: &Data) -> io::Result<GuestMemory> {
        let found = match self.kept.iter().position(|arena| arena.content == *content) {
            Some(at) => self.kept.remove(at),
            None => {
                let len = content.len();
                let memory = match self.spare(len) {
                    Some(memory) => memory,
                    None => GuestMemory::anonymous(len)?,
                };
                self.kept.truncate(MOST - 1);
                Arena { content: content.clone(), memory, changed: 0..len }
            }
        };
        let memory = found.memory.clone();
        self.kept.insert(0, found);
        self.filled = false;
        Ok(memory)
    }

    /// Memory of another content, if there is no more room for both.
    fn spare(&mut self, len: usize) -> Option<GuestMemory> {
        if self.kept.len() < MOST {
            return None;
        }
        let at = self.kept.iter().rposition(|arena| arena.memory.len() == len)?;
        Some(self.kept.remove(at).memory)
    }

    /// Makes the arena ready for an operation of the trace that took it.
    ///
    /// # Errors
    ///
    /// What the memory says of a range that is not in it, which never comes to pass.
    pub(super) fn before(&mut self, op: &Op) -> Result<(), Misuse> {
        let written = match op {
            Op::PutBufferAsync { .. } => 0..0,
            Op::ChangeArena { offset, data } => *offset..offset.saturating_add(data.len()),
            _ => return Ok(()),
        };
        let Some(Arena { content, memory, changed }) = self.kept.first_mut() else { return Ok(()) };
        if !self.filled {
            let mut bytes = vec![0; changed.len()];
            content.copy_at(changed.start, &mut bytes);
            memory.write_at(changed.start, &bytes)?;
            *changed = 0..0;
            self.filled = true;
        }
        let end = written.end.min(memory.len());
        let start = written.start.min(end);
        if changed.start >= changed.end {
            *changed = start..end;
        } else if start < end {
            *changed = changed.start.min(start)..changed.end.max(end);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use crate::trace::Segment;

    fn seen(memory: &GuestMemory) -> Vec<u8> {
        let mut bytes = vec![0; memory.len()];
        memory.read_at(0, &mut bytes).unwrap();
        bytes
    }

    const LOOK: Op = Op::PutBufferAsync { stream: 0, offset: 0, len: 1, may_free: false };

    #[test]
    fn what_a_trace_changed_is_undone() {
        let mut arenas = Arenas::default();
        let content = Data::from(Segment::Counting(100));
        let first = arenas.take(&content).unwrap();
        assert_eq!(seen(&first), [0; 100], "nothing looks at it yet");
        for (offset, bytes) in [(90, &b"late"[..]), (3, b"early")] {
            arenas.before(&Op::ChangeArena { offset, data: bytes.into() }).unwrap();
            first.write_at(offset, bytes).unwrap();
        }
        arenas.before(&LOOK).unwrap();
        assert_eq!(seen(&first)[90..94], *b"late");
        assert_eq!(seen(&first)[..10], [0, 1, 2, b'e', b'a', b'r', b'l', b'y', 8, 9]);
        let again = arenas.take(&content).unwrap();
        assert!(again.is_same(&first));
        arenas.before(&LOOK).unwrap();
        assert_eq!(seen(&again), content.to_vec());
        // A change that no memory takes.
        let data = Data::from(Segment::Counting(9));
        arenas.before(&Op::ChangeArena { offset: usize::MAX, data }).unwrap();
        arenas.take(&content).unwrap();
        arenas.before(&LOOK).unwrap();
        assert_eq!(seen(&again), content.to_vec());
    }

    #[test]
    fn more_arenas_than_are_kept_hold_what_they_should() {
        let mut arenas = Arenas::default();
        for round in 0..2 {
            for byte in 0..2 * u8::try_from(MOST).unwrap() {
                let content = Data::from(Segment::Repeat { byte, len: 10 });
                let memory = arenas.take(&content).unwrap();
                arenas.before(&LOOK).unwrap();
                assert_eq!(seen(&memory), [byte; 10], "{round}");
            }
        }
        assert_eq!(arenas.kept.len(), MOST);
    }
}
