//! How a recorded source wrote a stream: which writes it asked for, and which happened by
//! themselves.
//!
//! A writer collects bytes in a buffer and queues pages by reference, each as a piece of its own.
//! It writes when 64 pieces are queued, when 32,768 bytes are buffered (referenced pages do not
//! count), or when it is told to flush. So each write that has neither is an explicit flush.

use std::collections::BTreeSet;

use migration_stream::RecordedWrite;
use qemufile_core::{IO_BUF_SIZE, MAX_PIECES};
use serde::{Deserialize, Serialize};

use crate::trace::WriteStep;

/// Why writes happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlushCounts {
    /// The writer was told to flush.
    pub explicit: u64,
    /// The buffer was full.
    pub full_buffer: u64,
    /// The queue was full.
    pub full_queue: u64,
}

impl FlushCounts {
    /// All writes, a write in several parts counted once.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.explicit + self.full_buffer + self.full_queue
    }
}

/// What a list of writes says about the calls behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteLayout {
    /// Offsets in the stream at which the writer was told to flush, in order.
    pub flushes: Vec<u64>,
    /// Offsets of the whole pages that were queued by reference.
    pub referenced: BTreeSet<u64>,
    /// Why the writes happened.
    pub counts: FlushCounts,
    /// Answers of the channel to the writes, up to the last one that did not take everything.
    pub(super) answers: Vec<WriteStep>,
}

impl WriteLayout {
    /// Of the writes of a stream with whole pages, of `page_size` bytes each, at `pages`.
    #[must_use]
    pub fn of(writes: &[RecordedWrite], pages: &[u64], page_size: u64) -> Self {
        let pages: BTreeSet<u64> = pages.iter().copied().collect();
        let mut layout = Self::default();
        let mut end = 0_u64;
        let mut left = 0_usize;
        let mut full = Vec::new();
        for write in writes {
            let asked: usize = write.lengths.iter().sum();
            if left == 0 {
                // Not the rest of a write that was taken in part.
                full = layout.pieces(&write.lengths, end, &pages, page_size);
                end += asked as u64;
                left = asked;
            }
            let taken = usize::try_from(write.written).unwrap_or(0);
            layout.answers.push(match std::num::NonZeroUsize::new(taken) {
                Some(taken) => WriteStep::Take(taken),
                None => WriteStep::Block,
            });
            left = left.saturating_sub(taken);
            if left == 0 {
                layout.count(&full, end);
            }
        }
        layout
    }

    /// Notes the referenced pages of one write that begins at `at`; gives the lengths of its other
    /// pieces, and of all of them as many zeroes as there are referenced ones.
    fn pieces(
        &mut self,
        lengths: &[usize],
        mut at: u64,
        pages: &BTreeSet<u64>,
        page_size: u64,
    ) -> Vec<usize> {
        let mut buffered = Vec::with_capacity(lengths.len());
        for len in lengths {
            let by_reference = *len as u64 == page_size && pages.contains(&at);
            if by_reference {
                self.referenced.insert(at);
            }
            buffered.push(if by_reference { 0 } else { *len });
            at += *len as u64;
        }
        buffered
    }

    fn count(&mut self, buffered: &[usize], end: u64) {
        if buffered.len() == MAX_PIECES {
            self.counts.full_queue += 1;
        } else if buffered.iter().sum::<usize>() == IO_BUF_SIZE {
            self.counts.full_buffer += 1;
        } else {
            self.counts.explicit += 1;
            self.flushes.push(end);
        }
    }
}
