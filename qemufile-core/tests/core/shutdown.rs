//! Streams that another thread shuts down while they are blocked on a real socket.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use qemufile_core::{
    Channel, DescriptorChannel, Direction, Pieces, Reader, Stream, StreamError, Writer,
};

/// A socket that says when somebody begins to wait for it, which is when nothing can be moved.
#[derive(Debug)]
struct Announcing {
    socket: DescriptorChannel,
    waiting: Mutex<Sender<Direction>>,
}

impl Channel for Announcing {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.read(into)
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        self.socket.write(pieces)
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        self.waiting.lock().unwrap().send(direction).unwrap();
        self.socket.wait(direction)
    }

    fn can_shutdown(&self) -> bool {
        self.socket.can_shutdown()
    }

    fn shutdown(&self) -> io::Result<()> {
        self.socket.shutdown()
    }

    fn close(&self) -> io::Result<()> {
        self.socket.close()
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.socket.set_blocking(blocking)
    }
}

/// A non-blocking socket, what it announces, and its peer.
fn socket() -> (Arc<Announcing>, Receiver<Direction>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let socket = DescriptorChannel::new(ours).unwrap();
    socket.set_blocking(false).unwrap();
    let (sender, receiver) = channel();
    (Arc::new(Announcing { socket, waiting: Mutex::new(sender) }), receiver, theirs)
}

fn assert_shut_down(error: &StreamError) {
    assert!(error.is_shutdown() && !error.is_end_of_stream(), "{error:?}");
    assert_eq!(error.errno(), -5);
    assert_eq!(error.text(), "Channel error: Input/output error");
}

#[test]
fn a_blocked_read_ends_and_is_no_end_of_stream() {
    let (channel, waiting, _peer) = socket();
    let mut reader = Reader::new(channel);
    let handle = reader.shutdown_handle();
    let blocked = thread::spawn(move || (reader.get_be32().unwrap_err(), reader));
    assert_eq!(waiting.recv().unwrap(), Direction::Input);
    handle.shutdown().unwrap();
    let (error, reader) = blocked.join().unwrap();
    assert_shut_down(error.stream().unwrap());
    assert_shut_down(&handle.error().unwrap());
    assert_shut_down(&reader.close().unwrap_err().stream.unwrap());
}

#[test]
fn a_blocked_write_ends() {
    let (channel, waiting, _peer) = socket();
    let mut writer = Writer::new(channel);
    let handle = writer.shutdown_handle();
    let blocked = thread::spawn(move || writer.put_buffer(&vec![1; 16 << 20]).unwrap_err());
    assert_eq!(waiting.recv().unwrap(), Direction::Output);
    handle.shutdown().unwrap();
    assert_shut_down(&blocked.join().unwrap());
}

#[test]
fn a_read_in_blocking_mode_ends() {
    let (ours, _peer) = UnixStream::pair().unwrap();
    let mut reader = Reader::new(Arc::new(DescriptorChannel::new(ours).unwrap()));
    let handle = reader.shutdown_handle();
    let (entered, entry) = channel();
    let blocked = thread::spawn(move || {
        entered.send(()).unwrap();
        reader.get_byte().unwrap_err()
    });
    entry.recv().unwrap();
    handle.shutdown().unwrap();
    assert_shut_down(blocked.join().unwrap().stream().unwrap());
}

#[test]
fn the_other_direction_sees_an_end_of_its_own() {
    let (ours, waiting, _peer) = socket();
    let mut reader = Reader::new(ours);
    let mut writer = reader.return_path();
    let handle = writer.shutdown_handle();
    let blocked = thread::spawn(move || reader.get_byte().unwrap_err());
    assert_eq!(waiting.recv().unwrap(), Direction::Input);
    handle.shutdown().unwrap();
    // The error is the writer's; the reader has only the channel to go by.
    assert!(blocked.join().unwrap().stream().unwrap().is_end_of_stream());
    assert_shut_down(&writer.put_byte(1).unwrap_err());
}

#[test]
fn the_peer_sees_the_end() {
    let (ours, _waiting, theirs) = socket();
    let stream = Writer::new(ours);
    let mut peer = Reader::new(Arc::new(DescriptorChannel::new(theirs).unwrap()));
    stream.shutdown().unwrap();
    assert!(peer.get_byte().unwrap_err().stream().unwrap().is_end_of_stream());
}

#[test]
fn a_handle_outlives_its_stream() {
    let (ours, _waiting, _peer) = socket();
    let reader = Reader::new(ours);
    let handle = reader.shutdown_handle();
    let same = handle.clone();
    let writer = reader.return_path();
    drop(reader);
    handle.shutdown().unwrap();
    assert_shut_down(&same.error().unwrap());
    drop(writer);
}

#[test]
fn a_handle_does_not_keep_the_channel_open() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let reader = Reader::new(Arc::new(DescriptorChannel::new(ours).unwrap()));
    let handle = reader.shutdown_handle();
    drop(reader);
    let mut peer = Reader::new(Arc::new(DescriptorChannel::new(theirs).unwrap()));
    assert!(peer.get_byte().unwrap_err().stream().unwrap().is_end_of_stream());
    handle.shutdown().unwrap();
    assert_shut_down(&handle.error().unwrap());
}

#[test]
fn many_threads_shut_down_at_once() {
    let (ours, waiting, _peer) = socket();
    let mut reader = Reader::new(ours);
    let handle = reader.shutdown_handle();
    let blocked = thread::spawn(move || reader.get_byte().unwrap_err());
    waiting.recv().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                handle.shutdown().unwrap();
                assert_shut_down(&handle.error().unwrap());
            });
        }
    });
    assert_shut_down(blocked.join().unwrap().stream().unwrap());
}
