//! Guest memory that is filled once and kept from trace to trace.

use std::io;
use std::ops::Range;

use qemufile_core::GuestMemory;

use crate::trace::Data;

/// Most arenas that are kept: traces that come one after the other have few kinds of them.
const MOST: usize = 8;

/// Arenas by what they hold at the beginning of a trace, the last one used in front. To map and to
/// fill one costs more than most traces.
#[derive(Default)]
pub(super) struct Arenas(Vec<Arena>);

struct Arena {
    content: Data,
    memory: GuestMemory,
    /// What the trace has changed.
    changed: Range<usize>,
}

impl Arenas {
    /// An arena that holds `content`.
    ///
    /// # Errors
    ///
    /// What `mmap` says.
    pub(super) fn holding(&mut self, content: &Data) -> io::Result<GuestMemory> {
        let found = match self.0.iter().position(|arena| arena.content == *content) {
            Some(at) => self.0.remove(at),
            None => {
                let len = content.len();
                self.0.truncate(MOST - 1);
                let memory = GuestMemory::anonymous(len)?;
                Arena { content: content.clone(), memory, changed: 0..len }
            }
        };
        let memory = found.memory.clone();
        self.0.insert(0, found);
        let front = &mut self.0[0];
        if !front.changed.is_empty() {
            let mut bytes = vec![0; front.changed.len()];
            front.content.copy_at(front.changed.start, &mut bytes);
            memory.write_at(front.changed.start, &bytes).map_err(io::Error::other)?;
            front.changed = 0..0;
        }
        Ok(memory)
    }

    /// Notes that the trace changes `len` bytes at `offset` of the arena that was asked for last.
    pub(super) fn change(&mut self, offset: usize, len: usize) {
        if let Some(Arena { changed, memory, .. }) = self.0.first_mut() {
            let end = offset.saturating_add(len).min(memory.len());
            let start = offset.min(end);
            *changed = if changed.start >= changed.end {
                start..end
            } else {
                changed.start.min(start)..changed.end.max(end)
            };
        }
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

    #[test]
    fn what_a_trace_changed_is_undone() {
        let mut arenas = Arenas::default();
        let content = Data::from(Segment::Counting(100));
        let first = arenas.holding(&content).unwrap();
        for (offset, bytes) in [(90, &b"late"[..]), (3, b"early")] {
            first.write_at(offset, bytes).unwrap();
            arenas.change(offset, bytes.len());
        }
        let again = arenas.holding(&content).unwrap();
        assert!(again.is_same(&first));
        assert_eq!(seen(&again), content.to_vec());
        // A change that no memory took.
        arenas.change(usize::MAX, usize::MAX);
        assert_eq!(seen(&arenas.holding(&content).unwrap()), content.to_vec());
    }

    #[test]
    fn more_arenas_than_are_kept_hold_what_they_should() {
        let mut arenas = Arenas::default();
        for round in 0..2 {
            for byte in 0..2 * u8::try_from(MOST).unwrap() {
                let content = Data::from(Segment::Repeat { byte, len: 10 });
                assert_eq!(seen(&arenas.holding(&content).unwrap()), [byte; 10], "{round}");
            }
        }
        assert_eq!(arenas.0.len(), MOST);
    }
}
