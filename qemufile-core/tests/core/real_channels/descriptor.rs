//! Sockets, pipes, files.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use qemufile_core::{
    Channel, DescriptorChannel, Direction, GuestMemory, IO_BUF_SIZE, Operation, Reader, Stream,
    Writer,
};
use rustix::net::sockopt::set_socket_send_buffer_size;

use super::cause;
use crate::support::pattern;

fn open(descriptor: impl Into<OwnedFd>) -> Arc<DescriptorChannel> {
    Arc::new(DescriptorChannel::new(descriptor).unwrap())
}

/// Writes a stream of every kind of piece, about 1.2 MB, and closes it.
fn send(channel: Arc<dyn Channel>) {
    let memory = GuestMemory::anonymous(64 * 4096).unwrap();
    memory.write_at(0, &pattern(64 * 4096)).unwrap();
    let mut writer = Writer::new(channel);
    for round in 0..4_u32 {
        writer.put_be32(round).unwrap();
        for page in 0..64 {
            writer.put_byte(8).unwrap();
            writer.put_guest(&memory, page * 4096..(page + 1) * 4096, false).unwrap();
        }
        writer.put_shared(pattern(1000)).unwrap();
        writer.put_buffer(&pattern(50_000)).unwrap();
    }
    writer.close().unwrap();
}

/// Reads what `send` wrote, to the last byte and not beyond.
fn receive(channel: Arc<dyn Channel>) {
    let mut reader = Reader::new(channel);
    let memory = pattern(64 * 4096);
    let mut into = vec![0; 50_000];
    for round in 0..4_u32 {
        assert_eq!(reader.get_be32().unwrap(), round);
        for page in memory.chunks(4096) {
            assert_eq!(reader.get_byte().unwrap(), 8);
            assert_eq!(reader.get_buffer_in_place(&mut into[..4096]).unwrap(), page);
        }
        assert_eq!(reader.get_buffer_in_place(&mut into[..1000]).unwrap(), pattern(1000));
        reader.get_buffer(&mut into).unwrap();
        assert_eq!(into, pattern(50_000));
    }
    assert!(reader.error().is_none());
    assert!(reader.get_byte().unwrap_err().stream().unwrap().is_end_of_stream());
}

#[test]
fn a_socket_pair_with_the_smallest_send_buffer() {
    for blocking in [true, false] {
        let (ours, theirs) = UnixStream::pair().unwrap();
        set_socket_send_buffer_size(&ours, 0).unwrap();
        let (ours, theirs) = (open(ours), open(theirs));
        ours.set_blocking(blocking).unwrap();
        theirs.set_blocking(blocking).unwrap();
        let receiver = thread::spawn(move || receive(theirs));
        send(ours);
        receiver.join().unwrap();
    }
}

#[test]
fn a_tcp_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    let theirs = open(theirs);
    theirs.set_blocking(false).unwrap();
    let receiver = thread::spawn(move || receive(theirs));
    send(open(ours));
    receiver.join().unwrap();
}

#[test]
fn a_pipe() {
    let (source, sink) = std::io::pipe().unwrap();
    let source = open(source);
    source.set_blocking(false).unwrap();
    let receiver = thread::spawn(move || receive(source));
    send(open(sink));
    receiver.join().unwrap();
}

#[test]
fn a_pipe_whose_reader_is_gone() {
    let (mut source, sink) = std::io::pipe().unwrap();
    let reader = thread::spawn(move || {
        let mut first = [0; 10_000];
        source.read_exact(&mut first).unwrap();
        assert_eq!(first[..], pattern(10_000));
    });
    let mut writer = Writer::new(open(sink));
    // More than the pipe holds, so that the writer is at it when the reader goes.
    let error = writer.put_buffer(&pattern(1 << 20)).unwrap_err();
    reader.join().unwrap();
    assert_eq!((error.errno(), cause(&error)), (-5, (Operation::Write, 32)));
    assert!(error.to_string().contains("write failed"), "{error}");
    assert_eq!(writer.close().unwrap_err().errno(), -5);
}

#[test]
fn a_pipe_whose_writer_is_gone() {
    let (source, mut sink) = std::io::pipe().unwrap();
    sink.write_all(&pattern(10_000)).unwrap();
    drop(sink);
    let mut reader = Reader::new(open(source));
    let mut into = vec![0; 20_000];
    let error = reader.get_buffer(&mut into).unwrap_err();
    assert!(error.stream().unwrap().is_end_of_stream(), "{error}");
    assert_eq!(into[..10_000], pattern(10_000));
}

#[test]
fn a_socket_whose_peer_is_gone() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    let mut writer = Writer::new(open(ours));
    writer.put_byte(1).unwrap();
    assert_eq!(cause(&writer.flush().unwrap_err()), (Operation::Write, 32));
}

#[test]
fn a_full_disk() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut writer = Writer::new(open(full));
    writer.put_buffer(&pattern(IO_BUF_SIZE - 1)).unwrap();
    let error = writer.put_be16(1).unwrap_err();
    assert_eq!(cause(&error), (Operation::Write, 28));
    assert!(error.text().starts_with("No space left on device"));
}

#[test]
fn descriptors_of_the_wrong_mode() {
    let mut writer = Writer::new(open(File::open("/dev/null").unwrap()));
    writer.put_byte(1).unwrap();
    assert_eq!(cause(&writer.flush().unwrap_err()), (Operation::Write, 9));
    let write_only = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let mut reader = Reader::new(open(write_only));
    let error = reader.get_byte().unwrap_err();
    assert_eq!(cause(error.stream().unwrap()), (Operation::Read, 9));
    let mut directory = Reader::new(open(File::open("/").unwrap()));
    let error = directory.get_byte().unwrap_err();
    assert_eq!(cause(error.stream().unwrap()), (Operation::Read, 21));
}

#[test]
fn a_file_there_and_back() {
    let mut file = tempfile::tempfile().unwrap();
    send(open(file.try_clone().unwrap()));
    file.rewind().unwrap();
    receive(open(file));
}

#[test]
fn get_to_fd_on_a_pipe() {
    let (mut source, sink) = std::io::pipe().unwrap();
    let drain = thread::spawn(move || {
        let mut all = Vec::new();
        source.read_to_end(&mut all).unwrap();
        all
    });
    let memory = qemufile_core::MemoryChannel::with_input(pattern(200_000));
    let mut reader = Reader::new(Arc::new(memory));
    reader.get_to_fd(sink.as_fd(), 150_000).unwrap();
    drop(sink);
    assert_eq!(drain.join().unwrap(), pattern(150_000));
    assert_eq!(reader.get_byte().unwrap(), pattern(150_001)[150_000]);
}

#[test]
fn a_second_close_succeeds_and_operations_fail() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let channel = open(ours);
    let mut reader = Reader::new(channel.clone());
    let writer = Writer::new(channel.clone());
    writer.close().unwrap();
    assert_eq!(theirs.read(&mut [0; 1]).unwrap(), 0, "the peer sees the end");
    channel.close().unwrap();
    assert!(reader.get_byte().unwrap_err().to_string().contains("closed"));
    assert!(channel.set_blocking(false).is_err());
    assert!(channel.wait(Direction::Input).is_err());
    assert!(channel.shutdown().is_err());
    reader.close().unwrap_err();
}

#[test]
fn blocking_is_the_descriptors() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let other = ours.try_clone().unwrap();
    let reader = Reader::new(open(ours));
    reader.set_blocking(false).unwrap();
    let error = (&other).read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    reader.set_blocking(true).unwrap();
    let flags = rustix::fs::fcntl_getfl(&other).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
}

#[test]
fn only_sockets_can_be_shut_down() {
    let (source, _sink) = std::io::pipe().unwrap();
    assert!(!open(source).can_shutdown());
    assert!(!open(File::open("/dev/null").unwrap()).can_shutdown());
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert!(open(ours).can_shutdown());
    let unconnected = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    );
    let stream = Writer::new(open(unconnected.unwrap()));
    assert_eq!(stream.shutdown().unwrap_err().errno(), -5, "it is not connected");
    assert!(stream.error().unwrap().is_shutdown());
}

#[test]
fn pieces_of_two_owners_that_touch_go_out_as_one() {
    // A private chunk and guest chunks, cut by partial writes, arrive in order.
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let shared = bytes::Bytes::from(pattern(3000));
    let mut writer = Writer::new(open(ours));
    for at in 0..30 {
        writer.put_shared(shared.slice(at * 100..(at + 1) * 100)).unwrap();
    }
    writer.flush().unwrap();
    let mut into = vec![0; 3000];
    theirs.read_exact(&mut into).unwrap();
    assert_eq!(into, pattern(3000));
}

/// Whether the thread behind `/proc/PID/task/TID` is asleep.
fn asleep(thread: &Path) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(thread).join("stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.starts_with('S')
}

#[test]
fn a_wait_ends_when_there_is_something_to_read() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let channel = open(ours);
    channel.set_blocking(false).unwrap();
    let waiting = std::fs::read_link("/proc/thread-self").unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) && !asleep(&waiting) {
                thread::yield_now();
            }
            theirs.write_all(b"x").unwrap();
        });
        channel.wait(Direction::Input).unwrap();
        let read = channel.read(&mut [0; 8]);
        over.store(true, Ordering::Relaxed);
        assert_eq!(read.unwrap(), 1, "there was nothing to read yet");
    });
}

#[test]
fn a_channel_gives_its_descriptor_back() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let channel = open(ours);
    let mut writer = Writer::new(channel.clone());
    writer.put_byte(1).unwrap();
    let found = writer.channel().downcast_ref::<DescriptorChannel>().unwrap();
    let share = found.descriptor().unwrap();
    assert!(rustix::net::sockopt::socket_type(&share).is_ok());
    assert!(writer.channel().downcast_ref::<qemufile_core::NullChannel>().is_none());
    drop(writer);
    let error = Arc::into_inner(channel).unwrap().into_inner().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
    let mut ours = UnixStream::from(Arc::into_inner(share).unwrap());
    ours.write_all(&[2]).unwrap();
    let mut both = [0; 2];
    theirs.read_exact(&mut both).unwrap();
    assert_eq!(both, [1, 2]);

    let channel = DescriptorChannel::new(ours).unwrap();
    let ours = UnixStream::from(channel.into_inner().unwrap());
    let channel = DescriptorChannel::new(ours).unwrap();
    channel.close().unwrap();
    assert!(channel.descriptor().is_err());
    assert!(channel.into_inner().is_err());
}

#[test]
fn a_wait_has_a_bound_if_it_is_given_one() {
    use std::time::Duration;

    let (ours, theirs) = UnixStream::pair().unwrap();
    let channel = DescriptorChannel::new(ours).unwrap().with_timeout(Duration::ZERO).unwrap();
    let channel = Arc::new(channel);
    let mut reader = Reader::new(channel.clone());
    let error = reader.get_byte().unwrap_err();
    let error = error.stream().unwrap().clone();
    assert!(error.to_string().starts_with("wait failed"), "{error}");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(channel.set_blocking(true).unwrap_err().kind(), std::io::ErrorKind::Unsupported);
    channel.set_blocking(false).unwrap();

    // A drop does not wait for a peer that reads nothing.
    let mut writer = reader.return_path();
    while writer.put_buffer(&[0; 32_768]).is_ok() {}
    drop(writer);
    drop(theirs);

    // A bound that is not reached is none, however large.
    for timeout in [Duration::from_secs(3600), Duration::MAX] {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let channel = DescriptorChannel::new(ours).unwrap().with_timeout(timeout).unwrap();
        let mut reader = Reader::new(Arc::new(channel));
        theirs.write_all(&[7]).unwrap();
        assert_eq!(reader.get_byte().unwrap(), 7);
        let sender = thread::spawn(move || theirs.write_all(&[8]).unwrap());
        assert_eq!(reader.get_byte().unwrap(), 8);
        sender.join().unwrap();
    }
}
