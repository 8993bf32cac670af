//! Real migration streams: walked, compared, and written again.
//!
//! A [walk](walk()) reads a stream with the operations of a QEMU loader. It runs directly on the
//! core's reader, for files of any size and for hostile ones, or on several subjects in step. What
//! it takes apart is put together again through the writing side, and has to come out with the
//! bytes, and with the pieces per write, that QEMU made.
//!
//! # What a stream looks like
//!
//! All integers are big-endian.
//!
//! ```text
//! 'QEVM' 00000003
//! [07 len32 machine {05 len8 name version32 ..}]           configuration
//! { 01 id32 len8 name instance32 version32 payload [footer]    a section begins (RAM, disks)
//! | 02 id32 payload [footer]                                   .. goes on
//! | 03 id32 payload [footer]                                   .. ends
//! | 04 id32 len8 name instance32 version32 payload [footer]    a device, sent once
//! | 08 command16 len16 body }                                  a command
//! 00
//! [06 len32 JSON]                                          the description
//! footer = 7e id32
//! ```
//!
//! Sections carry no length. RAM, block and dirty bitmap sections are known here; a device is read
//! by the JSON description, by that of a stream of the same machine, or passed over up to its
//! footer. A package (command 7) is a list of records that lies behind the command; QEMU reads it
//! into memory and walks it as a stream of its own, and so does the walk.
//!
//! # What a loader without devices cannot know
//!
//! A changed byte in a device's payload or in a page is not visible to it, nor is a machine that is
//! not the loader's own, unless [`Options::machine`] names that. All cuts before the last record's
//! end, and all damage to the frame, are.
//!
//! | module | what |
//! |---|---|
//! | `sidecar`, `file` | the files of a directory of streams |
//! | `description` | the JSON description |
//! | `loader` | the operations, and the core's reader behind them |
//! | `walk`, `section`, `ram`, `disk`, `device`, `command` | the walk |
//! | `return_path` | messages that go back |
//! | `plan` | which description is used; the first walk |
//! | `script` | how the channel answers the reads |
//! | `lockstep` | several subjects behind one loader |
//! | `layout`, `rewrite` | how a stream was written, and writing it again |
//! | `image` | guest memory, rebuilt |
//! | `check`, `report` | all of it on one stream |
//! | `traces` | the same as traces, to be varied |

mod check;
mod command;
mod description;
mod device;
mod disk;
mod error;
mod file;
mod format;
mod image;
mod layout;
mod loader;
mod lockstep;
mod plan;
mod ram;
mod report;
mod return_path;
mod rewrite;
mod script;
mod section;
mod sidecar;
mod summary;
mod traces;
mod walk;

pub use check::{check, dump, walk_bytes};
pub use description::{Description, Device, Field, MAX_DESCRIPTION, Structure};
pub use error::{Problem, StreamError, WalkError};
pub use file::{Loaded, StreamFile, load};
pub use layout::{FlushCounts, WriteLayout};
pub use loader::{CoreLoader, Fault, Loader};
pub use plan::{DescriptionSource, Options, Planned};
pub use ram::apply_difference;
pub use report::{Compared, StreamReport, StreamVerdict};
pub use return_path::{Message, messages};
pub use sidecar::{Chunks, MemoryHash, RecordedRead, RecordedWrite};
pub use summary::{Observer, Page, PageContent, PageCounts, RowKind, SectionRow, Summary};
pub use traces::traces;
pub use walk::{Plan, Walked, walk};
