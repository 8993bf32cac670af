//! A return path over a socket pair: pings one way, pongs the other, over the same channel.
//!
//! `cargo run -p qemufile-core --example return_path`

use std::error::Error;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use qemufile_core::{DescriptorChannel, Reader, Writer};

const PINGS: u32 = 3;

fn source(socket: UnixStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut to_destination = Writer::new(Arc::new(DescriptorChannel::new(socket)?));
    let mut from_destination = to_destination.return_path();
    for ping in 1..=PINGS {
        to_destination.put_be32(ping)?;
        to_destination.flush()?;
        let pong = from_destination.get_be32()?;
        println!("source: ping {ping}, pong {pong}");
    }
    drop(from_destination);
    Ok(to_destination.close()?)
}

fn destination(socket: UnixStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut from_source = Reader::new(Arc::new(DescriptorChannel::new(socket)?));
    let mut to_source = from_source.return_path();
    loop {
        match from_source.get_be32() {
            Ok(ping) => to_source.put_be32(ping)?,
            Err(error) => {
                // The peer has closed: that is how this example ends.
                println!("destination: {error}");
                return Ok(());
            }
        }
        to_source.flush()?;
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (ours, theirs) = UnixStream::pair()?;
    thread::scope(|scope| {
        let destination = scope.spawn(|| destination(theirs));
        source(ours)?;
        destination.join().map_err(|_| "the destination panicked")?
    })
}
