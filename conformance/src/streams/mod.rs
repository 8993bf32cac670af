//! Real migration streams, compared: read by several subjects in step, and written again.
//!
//! What a stream is made of is the matter of [`migration_stream`], whose walk runs directly on the
//! core's reader, for files of any size and for hostile ones, or on several subjects in step. What
//! it takes apart is put together again through the writing side, and has to come out with the
//! bytes, and with the pieces per write, that QEMU made.
//!
//! | module | what |
//! |---|---|
//! | `check`, `report` | all of it on one stream |
//! | `read_schedule` | how the channel answers the reads |
//! | `lockstep` | several subjects behind one loader |
//! | `flush_inference`, `writeback` | how a stream was written, and writing it again |
//! | `traces` | the same as traces, to be varied |

mod check;
mod flush_inference;
mod lockstep;
mod read_schedule;
mod report;
mod traces;
mod writeback;

pub use check::check;
pub use flush_inference::{FlushCounts, WriteLayout};
pub use migration_stream::*;
pub use report::{ChannelReport, Compared, StreamReport, StreamVerdict};
pub use traces::traces;
