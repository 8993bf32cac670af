//! The defects of the original, by name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Defects by which the core's default setting differs from the original, each one a switch of the
/// core (`qemufile_core::Quirks`).
pub type QuirkSet = BTreeSet<Quirk>;

/// A defect of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Quirk {
    /// A peek whose first refill fails looks at the place where the data was before. C:
    /// `qemu_peek_buffer`, L487-511; row 1.
    StalePeek,
    /// Memory is released although the write failed. C: `qemu_fflush`, L271-285; row 14.
    ReleaseUnsent,
    /// Compression does not look at what its own header did. C: L717-718; rows 17 and 18.
    TornCompression,
    /// Only the source's buffer is moved, and the rest of its queue forgotten. C:
    /// `qemu_put_qemu_file`, L726-737; row 19.
    LossyPutStream,
}

impl Quirk {
    /// All of them, in order.
    pub const ALL: [Self; 4] =
        [Self::StalePeek, Self::ReleaseUnsent, Self::TornCompression, Self::LossyPutStream];

    /// The original: every defect.
    #[must_use]
    pub fn faithful() -> QuirkSet {
        Self::ALL.into_iter().collect()
    }

    /// The core's default setting: none.
    #[must_use]
    pub fn fixed() -> QuirkSet {
        QuirkSet::new()
    }
}
