//! Asynchronous streams in tokio's reactor, on real sockets.
#![cfg(feature = "tokio")]

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::support::pattern;
use qemufile_core::{
    AsyncReader, AsyncWriter, Channel, DescriptorChannel, GuestMemory, Reader, Stream,
    TokioChannel, Writer,
};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_io().build().unwrap()
}

/// All tasks in this thread: one that gave way has been polled by all others.
fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_io().build().unwrap()
}

/// Within a runtime: two ends of a connection that holds little.
fn pair() -> (Arc<TokioChannel>, Arc<TokioChannel>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    for end in [&ours, &theirs] {
        set_socket_send_buffer_size(end, 0).unwrap();
    }
    (Arc::new(TokioChannel::new(ours).unwrap()), Arc::new(TokioChannel::new(theirs).unwrap()))
}

#[test]
fn two_tasks_and_a_return_path() {
    runtime().block_on(async {
        let (ours, theirs) = pair();
        let sender = tokio::spawn(async move {
            let memory = GuestMemory::anonymous(1 << 20).unwrap();
            memory.write_at(0, &pattern(1 << 20)).unwrap();
            let mut writer = AsyncWriter::new(ours);
            let mut back = writer.return_path();
            for page in 0..256 {
                writer.put_be64(page).await.unwrap();
                let start = usize::try_from(page).unwrap() * 4096;
                writer.put_guest(&memory, start..start + 4096, false).await.unwrap();
            }
            writer.flush().await.unwrap();
            assert_eq!(back.get_be32().await.unwrap(), 256);
            writer.close().await.unwrap();
        });
        let receiver = tokio::spawn(async move {
            let mut reader = AsyncReader::new(theirs);
            let memory = pattern(1 << 20);
            let mut into = [0; 4096];
            for (at, page) in (0_u64..).zip(memory.chunks(4096)) {
                assert_eq!(reader.get_be64().await.unwrap(), at);
                assert_eq!(reader.get_buffer_in_place(&mut into).await.unwrap(), page);
            }
            let mut back = reader.return_path();
            back.put_be32(256).await.unwrap();
            back.flush().await.unwrap();
            let end = reader.get_byte().await.unwrap_err();
            assert!(end.stream().unwrap().is_end_of_stream());
        });
        sender.await.unwrap();
        receiver.await.unwrap();
    });
}

#[test]
fn a_waiting_task_is_shut_down_by_a_thread() {
    one_thread().block_on(async {
        for reads in [true, false] {
            let (ours, _theirs) = pair();
            let mut reader = AsyncReader::new(ours);
            let mut writer = reader.return_path();
            let handle = if reads { reader.shutdown_handle() } else { writer.shutdown_handle() };
            let waiting = tokio::spawn(async move {
                if reads {
                    reader.get_byte().await.unwrap_err().stream().unwrap().clone()
                } else {
                    writer.put_buffer(&pattern(1 << 22)).await.unwrap_err()
                }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            std::thread::spawn(move || handle.shutdown().unwrap()).join().unwrap();
            assert!(waiting.await.unwrap().is_shutdown());
        }
    });
}

#[test]
fn a_close_closes_the_descriptor_at_once() {
    one_thread().block_on(async {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let channel = Arc::new(TokioChannel::new(ours).unwrap());
        let mut writer = AsyncWriter::new(channel.clone());
        let mut reader = writer.return_path();
        writer.put_be16(0x0102).await.unwrap();
        writer.close().await.unwrap();
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).unwrap();
        assert_eq!(all, [1, 2], "and the peer sees the end, while others hold the channel");
        channel.close().unwrap();
        assert!(reader.get_byte().await.unwrap_err().to_string().contains("closed"));
        assert!(channel.shutdown().is_err());
    });
}

#[test]
fn a_close_wakes_the_task_that_waits() {
    one_thread().block_on(async {
        let (ours, _theirs) = pair();
        let mut reader = AsyncReader::new(ours.clone());
        let waiting = tokio::spawn(async move { reader.get_byte().await });
        // In one thread, giving way lets the reader run up to its wait.
        tokio::task::yield_now().await;
        ours.close().unwrap();
        let error = waiting.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("the channel is closed"), "{error}");
    });
}

#[test]
fn it_is_for_asynchronous_streams_only() {
    one_thread().block_on(async {
        let (ours, theirs) = pair();
        let mut reader = Reader::new(ours.clone());
        let error = reader.get_byte().unwrap_err();
        assert!(error.to_string().contains("AsyncReader"), "{error}");
        assert!(ours.set_blocking(true).is_err());
        ours.set_blocking(false).unwrap();
        let mut writer = Writer::new(theirs);
        writer.put_buffer(&pattern(1 << 22)).unwrap_err();
    });
}

#[test]
fn a_blocking_peer_reads_the_same_stream() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let receiver = std::thread::spawn(move || {
        let mut reader = Reader::new(Arc::new(DescriptorChannel::new(theirs).unwrap()));
        let mut into = vec![0; 500_000];
        reader.get_buffer(&mut into).unwrap();
        into
    });
    runtime().block_on(async {
        let mut writer = AsyncWriter::new(Arc::new(TokioChannel::new(ours).unwrap()));
        writer.put_buffer(&pattern(500_000)).await.unwrap();
        writer.close().await.unwrap();
    });
    assert!(receiver.join().unwrap() == pattern(500_000));
}

#[test]
fn only_sockets_can_be_shut_down() {
    one_thread().block_on(async {
        let (source, _sink) = std::io::pipe().unwrap();
        assert!(!TokioChannel::new(source).unwrap().can_shutdown());
        assert!(pair().0.can_shutdown());
    });
}

#[test]
fn what_cannot_be_registered_is_an_error() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let error = TokioChannel::new(ours).unwrap_err();
    assert!(error.to_string().contains("runtime"), "{error}");
    one_thread().block_on(async {
        assert!(TokioChannel::new(tempfile::tempfile().unwrap()).is_err(), "a plain file");
    });
}

#[test]
fn a_runtime_that_is_gone_is_an_error() {
    let runtime = one_thread();
    let (ours, _theirs) = runtime.block_on(async { pair() });
    drop(runtime);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let outcome = ours.poll_ready(&mut cx, qemufile_core::Direction::Input);
    let std::task::Poll::Ready(Err(error)) = outcome else { panic!("{outcome:?}") };
    assert!(error.to_string().contains("shut"), "{error}");
}

/// Whose drop closes a channel, as that of a task may.
struct Closing(Arc<TokioChannel>);

impl std::task::Wake for Closing {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close().unwrap();
    }
}

#[test]
fn a_waker_whose_drop_closes_the_channel() {
    use std::task::{Context, Waker};

    one_thread().block_on(async {
        let (ours, _theirs) = pair();
        let waker = Waker::from(Arc::new(Closing(ours.clone())));
        let mut cx = Context::from_waker(&waker);
        assert!(ours.poll_ready(&mut cx, qemufile_core::Direction::Input).is_pending());
        drop(waker);
        // The next waker takes the place of that one.
        let mut cx = Context::from_waker(Waker::noop());
        let _ = ours.poll_ready(&mut cx, qemufile_core::Direction::Input);
        let _ = ours.poll_ready(&mut cx, qemufile_core::Direction::Input);
        ours.close().unwrap();
        assert!(ours.read(&mut [0]).is_err());
    });
}

/// Says when it is dropped.
struct Counted(Arc<()>);

impl std::task::Wake for Counted {
    fn wake(self: Arc<Self>) {
        let _ = &self.0;
    }
}

#[test]
fn the_waker_of_a_wait_that_is_over_is_not_kept() {
    one_thread().block_on(async {
        let (ours, _theirs) = pair();
        let count = Arc::new(());
        let waker = std::task::Waker::from(Arc::new(Counted(count.clone())));
        let mut cx = std::task::Context::from_waker(&waker);
        let ready = std::future::poll_fn(|_| {
            let outcome = ours.poll_ready(&mut cx, qemufile_core::Direction::Output);
            if outcome.is_pending() {
                return std::task::Poll::Pending;
            }
            std::task::Poll::Ready(())
        });
        // The reactor says so at its first turn.
        tokio::task::yield_now().await;
        ready.await;
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

#[test]
fn a_channel_gives_its_descriptor_back() {
    one_thread().block_on(async {
        let (ours, theirs) = pair();
        let share = ours.descriptor().unwrap();
        let ours = Arc::into_inner(ours).unwrap();
        let error = ours.into_inner().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
        drop(share);
        let theirs = Arc::into_inner(theirs).unwrap();
        assert!(UnixStream::from(theirs.into_inner().unwrap()).peer_addr().is_ok());
        let (ours, _theirs) = pair();
        ours.close().unwrap();
        assert!(ours.descriptor().is_err());
    });
}
