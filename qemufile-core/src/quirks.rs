//! The original's defects, each one a switch.

use crate::release::Release;

/// Which defects of the original are reproduced.
///
/// [`FIXED`](Self::FIXED), the default, has none of them; [`faithful`](Self::faithful) has all that
/// a release has, and agrees with it call for call. Whatever else the original does, however odd,
/// is contract and does not depend on this.
///
/// Each switch has a method of the same name that sets it:
///
/// ```
/// use qemufile_core::{Quirks, Release};
///
/// let quirks = Quirks::faithful(Release::V9_0).release_unsent(false);
/// assert!(quirks.stale_peek && !quirks.release_unsent);
/// ```
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
    /// A positioned write, a seek and the sending of a descriptor go on after a flush that failed.
    /// C: `qemu_put_buffer_at`, `qemu_set_offset`, `qemu_get_offset`, `qemu_file_put_fd`; from 9.0.
    ///
    /// Damage: bytes arrive at their place, and are counted, although what came before them was
    /// lost; a seek on a failed stream reports a second error for a cause that is known. Fixed, the
    /// error of the flush is the result, and the channel is left alone.
    pub unchecked_flush: bool,
    /// A positioned read or write is one attempt: a partial one is an error, and one that would
    /// block fails with `-EAGAIN`. C: `qemu_put_buffer_at`, `qemu_get_buffer_at`; 9.0 to 11.0.
    ///
    /// Damage: a signal or a full page cache ends the migration. Fixed, the rest is tried until all
    /// is done, as from 11.1 on.
    pub single_attempt: bool,
    /// The offset of a reader is the channel's, which is ahead of it by what is buffered. C:
    /// `qemu_get_offset`; from 9.0.
    ///
    /// Damage: whoever notes the offset to come back to it skips up to 32 KiB. Fixed, the buffered
    /// bytes are taken off.
    pub channel_offset: bool,
    /// Receiving a descriptor hands out the first one that came, whatever the next byte is, and
    /// consumes that byte. C: `qemu_file_get_fd`; 10.0 to 10.2.
    ///
    /// Damage: a descriptor that came with later bytes is handed out early, and an ordinary byte is
    /// lost. Fixed, the byte has to be the space that carries a descriptor, as from 11.0 on.
    pub descriptor_out_of_step: bool,
    /// Receiving a descriptor at the end of the stream takes the end for a byte 0 and fails a second
    /// time, for that. C: `qemu_file_get_fd`; from 11.0.
    ///
    /// Damage: the same end is reported twice more, by a text that breaks off. Fixed, the end of the
    /// stream is the one error.
    pub end_as_service_byte: bool,
    /// `get_to_fd` gives -1, which is `-EPERM`, for a read that failed. C: `qemu_file_get_to_fd`;
    /// from 10.2.
    ///
    /// Damage: the caller is told of a missing permission. Fixed, it is `-EIO`. Only
    /// [`compat`](crate::compat) shows it.
    pub raw_read_failure: bool,
}

macro_rules! setters {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("Sets [`", stringify!($name), "`](Self::", stringify!($name), ").")]
            #[must_use]
            pub const fn $name(mut self, reproduced: bool) -> Self {
                self.$name = reproduced;
                self
            }
        )*
    };
}

impl Quirks {
    /// No defect: what a Rust caller wants, and the default.
    pub const FIXED: Self = Self {
        stale_peek: false,
        release_unsent: false,
        torn_compression: false,
        lossy_put_stream: false,
        unchecked_flush: false,
        single_attempt: false,
        channel_offset: false,
        descriptor_out_of_step: false,
        end_as_service_byte: false,
        raw_read_failure: false,
    };

    /// Every defect of QEMU 8.2, the default [`Release`].
    pub const FAITHFUL: Self = Self::FIXED
        .stale_peek(true)
        .release_unsent(true)
        .torn_compression(true)
        .lossy_put_stream(true);

    /// Every defect of a release.
    #[must_use]
    pub fn faithful(release: Release) -> Self {
        Self {
            stale_peek: true,
            release_unsent: true,
            torn_compression: release <= Release::V9_0,
            lossy_put_stream: release <= Release::V9_0,
            unchecked_flush: release >= Release::V9_0,
            single_attempt: (Release::V9_0..=Release::V11_0).contains(&release),
            channel_offset: release >= Release::V9_0,
            descriptor_out_of_step: (Release::V10_0..=Release::V10_2).contains(&release),
            end_as_service_byte: release >= Release::V11_0,
            raw_read_failure: release >= Release::V10_2,
        }
    }

    setters! {
        stale_peek release_unsent torn_compression lossy_put_stream unchecked_flush single_attempt
        channel_offset descriptor_out_of_step end_as_service_byte raw_read_failure
    }
}
