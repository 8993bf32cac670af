//! A read that waits for a peer which says nothing is shut down from another thread.
//!
//! `cargo run -p qemufile-core --example shutdown_from_thread`

use std::error::Error;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use qemufile_core::{DescriptorChannel, Reader, Stream};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (ours, silent) = UnixStream::pair()?;
    let mut reader = Reader::new(Arc::new(DescriptorChannel::new(ours)?));
    let cancel = reader.shutdown_handle();

    let waiting = thread::spawn(move || {
        let mut page = vec![0; 4096];
        let outcome = reader.get_buffer(&mut page);
        (outcome, reader.error())
    });
    // Before the read or in the middle of it: the outcome is the same.
    cancel.shutdown()?;

    let (outcome, error) = waiting.join().map_err(|_| "the reader panicked")?;
    let error = error.ok_or("the stream has no error")?;
    println!("the read gave: {outcome:?}");
    println!("the stream says: {error}");
    assert!(error.is_shutdown(), "a shutdown is not taken for the end of the stream");
    drop(silent);
    Ok(())
}
