//! Pieces that were flushed: which of their memory is given back.

use crate::pieces::{Backing, Owner, Segment};
use crate::release_memory::ReleaseTarget;

/// All pieces of a queue, taken out of it.
pub(crate) struct Flushed {
    pub(super) segments: Vec<Segment>,
    pub(super) owners: Vec<Owner>,
    /// One mark for each piece.
    pub(super) may_free: u64,
}

impl Flushed {
    /// Hands the marked ranges to `release`, neighbours as one. C: `qemu_iovec_release_ram`, L223.
    pub(crate) fn release(&self, mut release: impl FnMut(ReleaseTarget<'_>)) {
        if self.may_free == 0 {
            return;
        }
        let backing = Backing { buffer: &[], owners: &self.owners };
        let mut pending: Option<ReleaseTarget<'_>> = None;
        for (segment, _) in
            marked_segments(&self.segments, self.may_free).filter(|(_, marked)| *marked)
        {
            let next = target(segment, backing.owner(segment));
            pending = Some(match pending {
                Some(before) => merge(before, next).unwrap_or_else(|| {
                    release(before);
                    next
                }),
                None => next,
            });
        }
        if let Some(last) = pending {
            release(last);
        }
    }
}

/// Segments in order, each with its piece's mark.
pub(super) fn marked_segments(
    segments: &[Segment],
    may_free: u64,
) -> impl Iterator<Item = (&Segment, bool)> {
    let mut piece = None;
    segments.iter().map(move |segment| {
        let at = match piece {
            Some(at) if segment.joined => at,
            Some(at) => at + 1,
            None => 0,
        };
        piece = Some(at);
        (segment, may_free >> at & 1 == 1)
    })
}

fn target<'a>(segment: &Segment, owner: Option<&'a Owner>) -> ReleaseTarget<'a> {
    let (offset, len) = (segment.start, segment.len);
    match owner {
        None => ReleaseTarget::Buffer { offset, len },
        Some(Owner::Shared(_)) => ReleaseTarget::Shared { len },
        Some(Owner::Guest(memory)) => ReleaseTarget::Guest { memory, offset, len },
    }
}

/// The two as one range, if the second begins where the first ends.
fn merge<'a>(first: ReleaseTarget<'a>, second: ReleaseTarget<'a>) -> Option<ReleaseTarget<'a>> {
    match (first, second) {
        (
            ReleaseTarget::Guest { memory, offset, len },
            ReleaseTarget::Guest { memory: other, offset: start, len: more },
        ) if memory.is_same(other) && offset + len == start => {
            Some(ReleaseTarget::Guest { memory, offset, len: len + more })
        }
        (
            ReleaseTarget::Buffer { offset, len },
            ReleaseTarget::Buffer { offset: start, len: more },
        ) if offset + len == start => Some(ReleaseTarget::Buffer { offset, len: len + more }),
        _ => None,
    }
}
