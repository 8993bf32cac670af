//! Guest memory, rebuilt from a stream.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::error::StreamError;
use super::file::StreamFile;
use super::ram::apply_difference;
use super::sidecar::MemoryHash;
use super::summary::{Observer, Page, PageContent};
use super::walk::{Plan, walk};

/// Guest memory beyond which nothing is rebuilt, in bytes.
const MAX_MEMORY: u64 = 64 << 20;

/// The blocks of guest memory.
#[derive(Debug, Default)]
struct Image {
    blocks: BTreeMap<String, Vec<u8>>,
    len: u64,
}

impl Observer for Image {
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

/// Whether the largest block of a stream has the content that the hash is of.
///
/// # Errors
///
/// [`StreamError::Unreadable`].
pub(super) fn matches(
    file: &StreamFile,
    plan: &Plan,
    hash: &MemoryHash,
) -> Result<bool, StreamError> {
    let mut image = Image::default();
    let end = walk(&mut file.loader()?, plan, &mut image).end;
    let largest = image.blocks.values().max_by_key(|block| block.len());
    let content = largest.and_then(|block| {
        let start = usize::try_from(hash.start).ok()?;
        block.get(start..start.checked_add(usize::try_from(hash.size).ok()?)?)
    });
    Ok(end.is_ok()
        && content
            .is_some_and(|content| crate::trace::hex(&Sha256::digest(content)) == hash.sha256))
}
