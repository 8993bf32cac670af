//! The original's defects, each one a switch.

/// Which defects of the original are reproduced.
///
/// [`FIXED`](Self::FIXED), the default, has none of them; [`FAITHFUL`](Self::FAITHFUL) has all,
/// and agrees with the original call for call. Whatever else the original does, however odd, is
/// contract and does not depend on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Quirks {
    /// A peek whose first refill fails looks at the place where the data was before the refill
    /// moved it to the front. C: `qemu_peek_buffer`, L487-511.
    ///
    /// Damage: the right number of bytes, but the wrong ones. After 10 bytes of which 2 were
    /// taken, `get_buffer` of 9 gives 8 bytes, 04..09 08 09 instead of 02..09. A caller sees the
    /// error, but has been handed bytes that were never in that place of the stream.
    pub stale_peek: bool,
    /// Memory queued with `may_free` is released although the write failed. C: `qemu_fflush`,
    /// L271-285.
    ///
    /// Damage: pages that were never sent read as zero from then on, so that a source which goes
    /// on after a failed migration has lost them. Fixed, a page is released only after the write
    /// that carried it.
    pub release_unsent: bool,
    /// `put_compression_data` does not look at what its own header did. C: L717-718.
    ///
    /// Damage: where the first header byte takes the last free piece, it alone is sent and the
    /// payload is queued three bytes too early; on a stream with an error, bytes are queued
    /// that begin with four stale ones. Success is returned both times. Fixed, header and payload
    /// are queued as one, and an error is an error.
    pub torn_compression: bool,
    /// `put_stream` copies the source's buffer and forgets the rest of its queue. C:
    /// `qemu_put_qemu_file`, L726-737.
    ///
    /// Damage: borrowed pieces of the source are dropped under a success, or stay for good where
    /// nothing was copied; a destination with an error swallows everything, also under a success;
    /// `may_free` marks stay behind and split or release what is queued later. Fixed, all pieces
    /// move in order, and where the destination fails the source keeps them.
    pub lossy_put_stream: bool,
}

impl Quirks {
    /// No defect: what a Rust caller wants, and the default.
    pub const FIXED: Self = Self {
        stale_peek: false,
        release_unsent: false,
        torn_compression: false,
        lossy_put_stream: false,
    };

    /// Every defect, as in QEMU v8.2.0.
    pub const FAITHFUL: Self = Self {
        stale_peek: true,
        release_unsent: true,
        torn_compression: true,
        lossy_put_stream: true,
    };
}
