//! Streams over real descriptors, processes and wrapped values.
//!
//! Nothing here sleeps: threads meet by joins and by what comes through the channels.

mod command;
mod descriptor;
mod wrapped;

use qemufile_core::{Cause, Operation, StreamError};

/// The operation that failed, and the errno of its channel.
fn cause(error: &StreamError) -> (Operation, i32) {
    match error.cause() {
        Cause::Channel { operation, error, .. } => (*operation, error.raw_os_error().unwrap()),
        other => panic!("not the channel's: {other:?}"),
    }
}
