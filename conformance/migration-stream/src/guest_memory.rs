//! Guest memory, rebuilt from a stream.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::error::StreamError;
use crate::file::StreamFile;
use crate::sidecar::MemoryHash;
use crate::summary::{Observer, Page, PageContent};
use crate::walk::apply_difference;
use crate::walk::{Plan, walk};

/// Guest memory beyond which nothing is rebuilt, in bytes.
const MAX_MEMORY: u64 = 64 << 20;

/// The blocks of guest memory, as far as they take 64 MiB together: what a walk that is observed by
/// it puts there.
#[derive(Debug, Default)]
pub struct GuestMemory {
    blocks: BTreeMap<String, Vec<u8>>,
    len: u64,
}

impl Observer for GuestMemory {
    fn block(&mut self, name: &str, len: u64) {
        self.len = self.len.saturating_add(len);
        if let (true, Ok(len)) = (self.len <= MAX_MEMORY, usize::try_from(len)) {
            self.blocks.insert(name.to_owned(), vec![0; len]);
        }
    }

    fn page(&mut self, page: Page<'_>) {
        let Ok(offset) = usize::try_from(page.offset) else { return };
        let Some(rest) = self.blocks.get_mut(page.block).and_then(|block| block.get_mut(offset..))
        else {
            return;
        };
        match page.content {
            // The walk has seen that the page lies in its block.
            PageContent::Fill(byte) => {
                rest.iter_mut().take(page.size).for_each(|target| *target = byte);
            }
            PageContent::Whole(bytes) | PageContent::Inflated(bytes) => {
                rest.iter_mut().zip(bytes).for_each(|(target, byte)| *target = *byte);
            }
            PageContent::Difference(code) => {
                // The walk has applied it to another page already.
                let _ = apply_difference(rest, code);
            }
        }
    }
}

impl GuestMemory {
    /// The bytes of a block; `None` where there is none of that name, or no room for it was left.
    #[must_use]
    pub fn block_bytes(&self, name: &str) -> Option<&[u8]> {
        self.blocks.get(name).map(Vec::as_slice)
    }

    /// The blocks, by name.
    pub fn blocks(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.blocks.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Whether the largest block has the content that the hash is of.
    #[must_use]
    pub fn has(&self, hash: &MemoryHash) -> bool {
        let largest = self.blocks.values().max_by_key(|block| block.len());
        let content = largest.and_then(|block| {
            let start = usize::try_from(hash.start).ok()?;
            block.get(start..start.checked_add(usize::try_from(hash.size).ok()?)?)
        });
        content.is_some_and(|content| crate::text::hex(&Sha256::digest(content)) == hash.sha256)
    }

    /// What a stream's loader has in memory at its end, as far as the stream is walked.
    ///
    /// # Errors
    ///
    /// [`StreamError::Unreadable`].
    pub fn of(file: &StreamFile, plan: &Plan) -> Result<Self, StreamError> {
        let mut memory = Self::default();
        walk(&mut file.loader()?, plan, &mut memory);
        Ok(memory)
    }
}
