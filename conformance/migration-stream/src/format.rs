//! Numbers of the migration byte stream. All integers are big-endian.

/// First four bytes: "QEVM".
pub(crate) const MAGIC: u32 = 0x5145_564d;

/// The version that follows the magic.
pub(crate) const VERSION: u32 = 3;

/// Types of records, each one byte.
pub(crate) mod record {
    pub(crate) const END_OF_STREAM: u8 = 0;
    pub(crate) const START: u8 = 1;
    pub(crate) const PART: u8 = 2;
    pub(crate) const END: u8 = 3;
    pub(crate) const FULL: u8 = 4;
    pub(crate) const SUBSECTION: u8 = 5;
    pub(crate) const DESCRIPTION: u8 = 6;
    pub(crate) const CONFIGURATION: u8 = 7;
    pub(crate) const COMMAND: u8 = 8;
    pub(crate) const FOOTER: u8 = 0x7e;
}

/// Low bits of the word that leads each entry of a RAM section.
pub(crate) mod ram {
    pub(crate) const ZERO: u64 = 0x002;
    pub(crate) const BLOCKS: u64 = 0x004;
    pub(crate) const PAGE: u64 = 0x008;
    pub(crate) const END: u64 = 0x010;
    pub(crate) const CONTINUE: u64 = 0x020;
    pub(crate) const XBZRLE: u64 = 0x040;
    /// Asks the transport to do something of its own (RDMA); nothing follows it.
    pub(crate) const HOOK: u64 = 0x080;
    pub(crate) const COMPRESSED: u64 = 0x100;
    /// Of QEMU 8.1 and later; nothing follows it.
    pub(crate) const CHANNELS_FLUSHED: u64 = 0x200;
}

/// Low bits of the word that leads each entry of a block section; the rest is the sector.
pub(crate) mod block {
    pub(crate) const CHUNK: u64 = 1;
    pub(crate) const END: u64 = 2;
    pub(crate) const PROGRESS: u64 = 4;
    pub(crate) const ZERO: u64 = 8;
    pub(crate) const FLAGS: u64 = 0x1ff;
    pub(crate) const CHUNK_LEN: u64 = 1 << 20;
}

/// Flags of an entry of a dirty bitmap section.
pub(crate) mod bitmap {
    pub(crate) const END: u32 = 0x01;
    pub(crate) const ZEROES: u32 = 0x02;
    pub(crate) const BITMAP_NAME: u32 = 0x04;
    pub(crate) const NODE_NAME: u32 = 0x08;
    pub(crate) const START: u32 = 0x10;
    pub(crate) const COMPLETE: u32 = 0x20;
    pub(crate) const BITS: u32 = 0x40;
    /// Set in a flag byte, or in a flag word, that has a longer successor.
    pub(crate) const LONGER_BYTE: u32 = 0x80;
    pub(crate) const LONGER_WORD: u32 = 0x8000;
}

/// Commands.
pub(crate) mod command {
    pub(crate) const OPEN_RETURN_PATH: u16 = 1;
    pub(crate) const PING: u16 = 2;
    pub(crate) const POSTCOPY_ADVISE: u16 = 3;
    pub(crate) const POSTCOPY_LISTEN: u16 = 4;
    pub(crate) const POSTCOPY_RUN: u16 = 5;
    pub(crate) const POSTCOPY_DISCARD: u16 = 6;
    pub(crate) const PACKAGED: u16 = 7;
    pub(crate) const ENABLE_COLO: u16 = 8;
    pub(crate) const POSTCOPY_RESUME: u16 = 9;
    pub(crate) const RECEIVED_BITMAP: u16 = 10;
    /// Of QEMU 10.0 and later.
    pub(crate) const SWITCHOVER_START: u16 = 11;

    /// QEMU's name of a command, where QEMU up to 10.2 has one.
    pub(crate) fn name(number: u16) -> Option<&'static str> {
        Some(match number {
            OPEN_RETURN_PATH => "OPEN_RETURN_PATH",
            PING => "PING",
            POSTCOPY_ADVISE => "POSTCOPY_ADVISE",
            POSTCOPY_LISTEN => "POSTCOPY_LISTEN",
            POSTCOPY_RUN => "POSTCOPY_RUN",
            POSTCOPY_DISCARD => "POSTCOPY_RAM_DISCARD",
            PACKAGED => "PACKAGED",
            ENABLE_COLO => "ENABLE_COLO",
            POSTCOPY_RESUME => "POSTCOPY_RESUME",
            RECEIVED_BITMAP => "RECV_BITMAP",
            SWITCHOVER_START => "SWITCHOVER_START",
            _ => return None,
        })
    }
}

/// Messages of the return path.
pub(crate) mod message {
    pub(crate) const SHUT: u16 = 1;
    pub(crate) const PONG: u16 = 2;
    pub(crate) const REQUEST_PAGES_OF: u16 = 3;
    pub(crate) const REQUEST_PAGES: u16 = 4;
    pub(crate) const RECEIVED_BITMAP: u16 = 5;
    pub(crate) const RESUME_ACK: u16 = 6;
    /// Of QEMU 8.1 and later.
    pub(crate) const SWITCHOVER_ACK: u16 = 7;
    /// What stands behind the bits of a bitmap.
    pub(crate) const BITMAP_END: u64 = 0x0123_4567_89ab_cdef;
    /// Longest body that the source takes.
    pub(crate) const MAX_BODY: u16 = 512;
}

/// Version of the sections whose content is known here, and the least that a loader takes.
pub(crate) fn versions(section: &str) -> Option<std::ops::RangeInclusive<u32>> {
    match section {
        "ram" => Some(4..=4),
        // A version below is taken as that one.
        "block" | "dirty-bitmap" => Some(0..=1),
        _ => None,
    }
}

/// Names of the capabilities of QEMU 7.2 to 10.2, as the configuration may list them.
pub(crate) const CAPABILITIES: [&str; 24] = [
    "auto-converge",
    "background-snapshot",
    "block",
    "compress",
    "dirty-bitmaps",
    "dirty-limit",
    "events",
    "late-block-activate",
    "mapped-ram",
    "multifd",
    "pause-before-switchover",
    "postcopy-blocktime",
    "postcopy-preempt",
    "postcopy-ram",
    "rdma-pin-all",
    "release-ram",
    "return-path",
    "switchover-ack",
    "validate-uuid",
    "x-colo",
    "x-ignore-shared",
    "xbzrle",
    "zero-blocks",
    "zero-copy-send",
];

/// Memory at fixed places of a file (`mapped-ram`).
pub(crate) mod mapped {
    pub(crate) const VERSION: u32 = 1;
    /// Places of the pages are multiples of this, in bytes.
    pub(crate) const ALIGNMENT: u64 = 1 << 20;
}

/// Page size where nothing else is said.
pub(crate) const PAGE_SIZE: u64 = 4096;

/// Bytes of a description that a loader takes at a time.
pub(crate) const DESCRIPTION_CHUNK: usize = 4096;

/// Bytes of an unused field that a loader takes at a time.
pub(crate) const UNUSED_CHUNK: u64 = 1024;

/// Channels of a migration with several (`multifd`).
pub(crate) mod multifd {
    pub(crate) const MAGIC: u32 = 0x1122_3344;
    pub(crate) const VERSION: u32 = 1;
    pub(crate) const SYNC: u32 = 1;
    pub(crate) const COMPRESSION: u32 = 0x1f << 1;
    pub(crate) const ZLIB: u32 = 1 << 1;
    pub(crate) const ZSTD: u32 = 2 << 1;
    pub(crate) const QPL: u32 = 4 << 1;
    pub(crate) const UADK: u32 = 8 << 1;
    pub(crate) const QATZIP: u32 = 16 << 1;
    /// State of a device instead of pages; of QEMU 10.0 and later.
    pub(crate) const DEVICE_STATE: u32 = 1 << 6;
    /// Bytes of the pages of one packet at most.
    pub(crate) const PACKET: u64 = 512 << 10;
}

/// What a QEMU hands to its successor on the same host (`cpr-transfer`).
pub(crate) mod cpr {
    /// "QCPR".
    pub(crate) const MAGIC: u32 = 0x5143_5052;
    pub(crate) const VERSION: u32 = 1;
}
