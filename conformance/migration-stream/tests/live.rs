//! Streams that come while they are read.

#![expect(clippy::expect_used, reason = "a test")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use migration_stream::{
    CoreLoader, Echo, Loader, Message, Plan, Problem, messages, next_message, walk,
};
use qemufile_core::{DescriptorChannel, MemoryChannel, Writer};

fn corpus(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/streams");
    std::fs::read(path.join(name)).expect("the corpus is there")
}

fn pair() -> (UnixStream, UnixStream) {
    let pair = UnixStream::pair().expect("a pair of sockets");
    for end in [&pair.0, &pair.1] {
        end.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    }
    pair
}

/// What was read is on its way before the source is waited for: the source of each half sees the
/// first one arrive before it sends the second.
#[test]
fn a_proxy_hands_on_what_it_has_before_it_waits() {
    for name in ["10.0/q-pc-return-path.bin", "10.0/q-postcopy.bin", "isapc-novmdesc.bin"] {
        let stream = corpus(name);
        let (mut source, from) = pair();
        let (to, mut destination) = pair();
        let proxy = std::thread::spawn(move || {
            let channel = |socket| Arc::new(DescriptorChannel::new(socket).expect("a channel"));
            let mut echo = Echo::new(CoreLoader::new(channel(from)), Writer::new(channel(to)));
            let end = walk(&mut echo, &Plan::default(), &mut ()).end;
            echo.into_sink().close().expect("all is written");
            end
        });
        // The header and the name of the machine, up to which all is taken one by one.
        let head = 13 + usize::from(stream[12]);
        source.write_all(&stream[..head + 1]).expect("the proxy reads");
        let mut arrived = vec![0; head];
        destination.read_exact(&mut arrived).expect("the first part arrives before the second");
        let feeder = std::thread::spawn({
            let rest = stream[head + 1..].to_vec();
            move || source.write_all(&rest)
        });
        destination.read_to_end(&mut arrived).expect("the rest arrives");
        feeder.join().expect("no panic").expect("the proxy reads");
        assert_eq!(proxy.join().expect("no panic"), Ok(()), "{name}");
        assert!(arrived == stream, "{name}: {} bytes of {}", arrived.len(), stream.len());
    }
}

/// A live stream with devices and without any description is read up to its last record.
#[test]
fn devices_are_skipped_without_a_length_or_a_description() {
    let mut stream = corpus("10.0/q-none.bin");
    let loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(stream.clone())));
    let walked = walk(&mut { loader }, &Plan::default(), &mut ());
    assert_eq!((walked.end, walked.position), (Ok(()), stream.len() as u64));
    stream.truncate(2599);
    let loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(stream)));
    let walked = walk(&mut { loader }, &Plan::default(), &mut ());
    assert_eq!((walked.end, walked.position), (Ok(()), 2599));
    assert_eq!(walked.summary.notes, ["the description is cut"]);
}

fn reverse(bytes: &[u8]) -> CoreLoader {
    CoreLoader::new(Arc::new(MemoryChannel::with_input(bytes)))
}

#[test]
fn messages_are_given_one_by_one_and_have_their_bytes() {
    let bytes = corpus("10.0/q-postcopy-recover.ch1.chan.rev");
    let mut loader = reverse(&bytes);
    let mut read: Vec<Message> = Vec::new();
    while read.last().is_none_or(|message| !message.is_last()) {
        read.push(next_message(&mut loader).expect("a message"));
        let position: usize = read.iter().map(Message::len).sum();
        assert_eq!(loader.position(), position as u64);
    }
    let texts: Vec<String> = read.iter().map(ToString::to_string).collect();
    assert_eq!(texts[0], "bitmap of pc.ram: 1013 pages have arrived");
    assert_eq!(texts[6], "resume acknowledged: 1");
    assert_eq!(texts.last().map(String::as_str), Some("shut 0"));
    assert_eq!(read.iter().flat_map(Message::to_bytes).collect::<Vec<u8>>(), bytes);
}

#[test]
fn messages_that_the_source_refuses_are_refused() {
    let text = |bytes: &[u8]| {
        let error = messages(&mut reverse(bytes), bytes.len() as u64).expect_err("it is refused");
        error.to_string()
    };
    assert_eq!(messages(&mut reverse(&[0, 7, 0, 0]), 4).map(|all| all.len()), Ok(1));
    assert!(text(&[0, 8, 0, 0]).contains("expected 1 to 7"));
    assert!(text(&[0, 7, 0, 1, 0]).contains("the length of a message is 1, expected 0"));
    // A name that is longer than its message; a bitmap without its mark; a bitmap of all memory.
    assert!(text(&[0, 5, 0, 2, 2, b'a']).contains("is 2, expected 3"));
    let bitmap = [&[0, 5, 0, 2, 1, b'a'][..], &8_u64.to_be_bytes(), &[1; 8], &[0; 8]].concat();
    assert!(text(&bitmap).contains("what follows a bitmap"));
    let endless = [&[0, 5, 0, 2, 1, b'a'][..], &u64::MAX.to_be_bytes()].concat();
    assert!(text(&endless).contains("at most"));
    let cut = next_message(&mut reverse(&[0, 2, 0])).expect_err("it is cut").problem;
    assert_eq!(cut, Problem::Ended { wanted: 2 });
}
