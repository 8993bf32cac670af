//! Receives the memory of a QEMU while it migrates, and prints each block with a hash.
//!
//! ```text
//! cargo run --example receive -- /tmp/migration.sock     then, in QEMU's monitor:
//! (qemu) migrate unix:/tmp/migration.sock
//! (qemu) migrate "exec:receive -"                        or as QEMU's child
//! ```

use std::error::Error;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use migration_stream::text::{escaped, hex};
use migration_stream::{CoreLoader, GuestMemory, Observer, Page, Plan, walk};
use qemufile_core::DescriptorChannel;
use sha2::{Digest as _, Sha256};

/// Guest memory, and how often a page came for it.
#[derive(Default)]
struct Receiver {
    memory: GuestMemory,
    pages: u64,
}

impl Observer for Receiver {
    fn block(&mut self, name: &str, len: u64) {
        self.memory.block(name, len);
    }

    fn page(&mut self, page: Page<'_>) {
        self.pages += 1;
        self.memory.page(page);
    }
}

fn connected(path: &str) -> io::Result<OwnedFd> {
    if path == "-" {
        return io::stdin().as_fd().try_clone_to_owned();
    }
    let listener = UnixListener::bind(path)?;
    eprintln!("waiting for a migration to unix:{path}");
    Ok(listener.accept()?.0.into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a socket, or - for standard input")?;
    let channel = Arc::new(DescriptorChannel::new(connected(&path)?)?);
    let mut receiver = Receiver::default();
    let walked = walk(&mut CoreLoader::new(channel), &Plan::default(), &mut receiver);
    walked.end?;
    let mut out = io::stdout().lock();
    for (name, bytes) in receiver.memory.blocks() {
        let hash = hex(&Sha256::digest(bytes));
        writeln!(out, "{} {} {hash}", escaped(name), bytes.len())?;
    }
    eprintln!("{} bytes, {} pages", walked.position, receiver.pages);
    Ok(())
}
