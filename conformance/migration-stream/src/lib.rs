//! QEMU migration streams: taken apart record by record, without the machine that wrote them.
//!
//! For authors of VMMs and of tools. A [walk](walk()) reads a stream with the operations of a QEMU
//! loader, on the core's reader or on any other [`Loader`], and tells an [`Observer`] what it
//! meets. It holds one page and one description in memory, however long the stream is, and nothing
//! that a hostile stream says makes it panic, run for ever or take memory.
//!
//! ```
//! use std::sync::Arc;
//! use migration_stream::{CoreLoader, Observer, Plan, SectionRow, walk};
//! use qemufile_core::MemoryChannel;
//!
//! struct Print;
//! impl Observer for Print {
//!     fn row(&mut self, row: &SectionRow) {
//!         println!("{:>8} {:?} {}", row.offset, row.kind, row.name.as_deref().unwrap_or(""));
//!     }
//! }
//!
//! let stream = b"QEVM\0\0\0\x03\0";
//! let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(stream.to_vec())));
//! let plan = Plan { len: Some(stream.len() as u64), ..Plan::default() };
//! assert_eq!(walk(&mut loader, &plan, &mut Print).end, Ok(()));
//! ```
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
//! by the JSON description, by that of a stream of the same machine, or skipped up to its footer.
//! A package (command 7) is a list of records that lies behind the command; QEMU reads it into
//! memory and walks it as a stream of its own, and so does the walk.
//!
//! # What a loader without devices cannot know
//!
//! A changed byte in a device's payload or in a page is not visible to it, nor is a machine that is
//! not the loader's own, unless [`Plan::machine`] names that. All cuts before the last record's
//! end, and all damage to the frame, are.
//!
//! | module | what |
//! |---|---|
//! | `sidecar`, `file`, `channels` | the files of a directory of streams |
//! | `container` | what a stream may lie in |
//! | `description` | the JSON description |
//! | `loader` | the operations, and the core's reader behind them |
//! | `walk` | the walk |
//! | `writeback` | what a walk takes, written again |
//! | `return_path` | messages that go back |
//! | `plan` | which description is used; the first walk |
//! | `guest_memory` | guest memory, rebuilt |
//! | `inspect` | what a person with a failed migration wants to see |
//! | `text` | places in texts, and bytes as text |

mod channels;
mod container;
mod description;
mod error;
mod file;
mod format;
mod guest_memory;
pub mod inspect;
mod loader;
mod plan;
mod return_path;
mod sidecar;
mod summary;
pub mod text;
mod walk;
mod writeback;

pub use channels::channel;
pub use description::{Description, Device, Field, Found, MAX_DESCRIPTION, Structure};
pub use error::{Problem, StreamError, WalkError};
pub use file::{Loaded, StreamFile, load};
pub use guest_memory::GuestMemory;
pub use loader::{CoreLoader, Fault, Loader, Offsets};
pub use plan::{DescriptionSource, Options, Planned, dump, walk_bytes};
pub use return_path::{Message, messages, next_message};
pub use sidecar::{Chunks, MemoryHash, RecordedRead, RecordedWrite};
pub use summary::{
    FieldValue, Observer, Page, PageContent, PageCounts, RowKind, SectionHead, SectionRow, Summary,
};
pub use walk::{Plan, Start, Walked, apply_difference, walk};
pub use writeback::{Echo, Put, Sink};
