//! Releases of QEMU whose contract a stream follows.

use std::fmt;

/// A release of QEMU that changed what its `migration/qemu-file.c` does.
///
/// A release that is not here behaves as the last one before it: 9.2 as 9.1, 10.1 as 10.0.
/// `docs/RELEASES.md` lists what differs.
///
/// | from | what a stream does otherwise |
/// |---|---|
/// | 9.0 | a shutdown that fails is [reported](crate::Notice::ShutdownFailed) |
/// | 10.0 | the channel is asked once, at the start, whether it passes descriptors; if it does, all reads ask for them |
/// | 10.2 | descriptors that come in keep their blocking mode; before, they are set to block |
/// | 11.0 | [`Reader::receive_descriptor`](crate::Reader::receive_descriptor) insists on the byte that carries a descriptor |
///
/// What later releases do wrong is not here but in [`Quirks::faithful`](crate::Quirks::faithful).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Release {
    /// 8.2.
    #[default]
    V8_2,
    /// 9.0: positioned reads and writes, for mapped-ram.
    V9_0,
    /// 9.1 and 9.2.
    V9_1,
    /// 10.0 and 10.1: descriptors are passed on.
    V10_0,
    /// 10.2.
    V10_2,
    /// 11.0.
    V11_0,
    /// 11.1: positioned reads and writes go on after a partial one.
    V11_1,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V8_2 => "8.2",
            Self::V9_0 => "9.0",
            Self::V9_1 => "9.1",
            Self::V10_0 => "10.0",
            Self::V10_2 => "10.2",
            Self::V11_0 => "11.0",
            Self::V11_1 => "11.1",
        })
    }
}
