//! Streams on their way: taken from a live source, given to a live destination, or both at once.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use migration_stream::{
    CoreLoader, Echo, GuestMemory, Loader, Message, Observer, Plan, Problem, Sink, Walked,
    next_message, walk,
};
use qemufile_core::{DescriptorChannel, MemoryChannel, Writer};

use crate::qemu::{Outcome, PATIENCE};

/// A stream that was read from a live source.
pub(crate) struct Taken {
    /// What the core wrote of it.
    pub(crate) stream: Vec<u8>,
    /// Guest memory.
    pub(crate) memory: GuestMemory,
}

/// What went through a proxy.
pub(crate) struct Relayed {
    /// Length of the stream in bytes.
    pub(crate) len: u64,
    /// Messages of the return path.
    pub(crate) messages: Vec<Message>,
}

fn channel(socket: UnixStream) -> Outcome<Arc<DescriptorChannel>> {
    Ok(Arc::new(DescriptorChannel::new(socket)?.with_timeout(PATIENCE)?))
}

/// Walks a stream, hands it on, and sends what is left of it.
fn hand_on<S: Sink>(
    loader: CoreLoader,
    sink: S,
    plan: &Plan,
    observer: &mut dyn Observer,
) -> Outcome<(Walked, S)> {
    let mut echo = Echo::new(loader, sink);
    let walked = walk(&mut echo, plan, observer);
    if let Err(error) = &walked.end {
        return Err(format!("the walk: {error}").into());
    }
    // A walk that lost its way among the devices ends here, where the description should be.
    if let Some(note) = walked.summary.notes.iter().find(|note| note.contains("description")) {
        return Err(format!("the walk, at byte {}: {note}", walked.position).into());
    }
    Ok((walked, echo.into_sink()))
}

/// Reads what the next source that comes sends, up to its end.
pub(crate) fn take(listener: &UnixListener) -> Outcome<Taken> {
    let loader = CoreLoader::new(channel(listener.accept()?.0)?);
    let written = Arc::new(MemoryChannel::new());
    let mut memory = GuestMemory::default();
    let sink = Writer::new(written.clone());
    let (_, sink) = hand_on(loader, sink, &Plan::default(), &mut memory)?;
    sink.close()?;
    Ok(Taken { stream: written.take_output(), memory })
}

/// Gives a stream to a destination that waits at `path`, written by the core once more.
pub(crate) fn give(stream: &[u8], path: &Path) -> Outcome<()> {
    let to = UnixStream::connect(path)?;
    let loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(stream.to_vec())));
    let plan = Plan { len: Some(stream.len() as u64), ..Plan::default() };
    let (_, sink) = hand_on(loader, Writer::new(channel(to)?), &plan, &mut ())?;
    Ok(sink.close()?)
}

/// Stands between a source that comes to `listener` and a destination at `path`, both ways.
pub(crate) fn between(listener: &UnixListener, path: &Path) -> Outcome<Relayed> {
    let (source, destination) = (listener.accept()?.0, UnixStream::connect(path)?);
    let back = {
        let (from, to) = (destination.try_clone()?, source.try_clone()?);
        thread::spawn(move || back(from, to))
    };
    let ends = [source.try_clone()?, destination.try_clone()?];
    let loader = CoreLoader::new(channel(source)?);
    let forward = hand_on(loader, Writer::new(channel(destination)?), &Plan::default(), &mut ());
    let forward = forward.and_then(|(walked, mut sink)| {
        sink.flush()?;
        Ok((walked, sink))
    });
    if forward.is_err() {
        for end in ends {
            // Nothing more is expected of either.
            let _ = end.shutdown(std::net::Shutdown::Both);
        }
    }
    let messages = back.join().map_err(|_| "the return path panicked")?;
    let (walked, sink) = forward?;
    sink.close()?;
    Ok(Relayed { len: walked.position, messages: messages? })
}

/// Hands messages back as they come, up to the last one. A destination without a return path
/// closes without any.
fn back(from: UnixStream, to: UnixStream) -> Outcome<Vec<Message>> {
    let mut loader = CoreLoader::new(channel(from)?);
    let mut writer = Writer::new(channel(to)?);
    let mut messages = Vec::new();
    loop {
        let message = match next_message(&mut loader) {
            Ok(message) => message,
            Err(error) if messages.is_empty() && loader.position() == 0 => {
                return match error.problem {
                    Problem::Ended { .. } => Ok(messages),
                    _ => Err(error.into()),
                };
            }
            Err(error) => return Err(format!("the return path: {error}").into()),
        };
        writer.put_buffer(&message.to_bytes())?;
        writer.flush()?;
        let over = message.is_last();
        messages.push(message);
        if over {
            return Ok(messages);
        }
    }
}
