//! Real files and real Unix sockets.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use qemufile_core::{
    Channel, Config, DescriptorChannel, NullChannel, Quirks, Reader, Release, Stream, Writer,
};
use rustix::io::{FdFlags, fcntl_getfd};

fn open(descriptor: impl Into<std::os::fd::OwnedFd>) -> Arc<DescriptorChannel> {
    Arc::new(DescriptorChannel::new(descriptor).unwrap())
}

/// Pages at their places in a file with holes between them, as mapped-ram writes them.
#[test]
fn a_sparse_file_is_written_and_read_again() {
    const FAR: u64 = 64 << 20;
    for release in [Release::V9_0, Release::V11_1] {
        let file = tempfile::tempfile().unwrap();
        let config = Config::faithful(release);
        let mut writer = Writer::with_config(open(file.try_clone().unwrap()), &config);
        assert!(writer.is_seekable());
        writer.put_be32(0x5145_564d).unwrap();
        writer.put_buffer_at(&[0xaa; 4096], FAR).unwrap();
        assert_eq!(writer.offset().unwrap(), 4, "a positioned write moves nothing");
        writer.set_offset(SeekFrom::Start(FAR + 4096)).unwrap();
        writer.put_be32(7).unwrap();
        writer.close().unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.len(), FAR + 4100);
        assert!(metadata.blocks() * 512 < FAR, "there is a hole");

        (&file).rewind().unwrap();
        let mut reader = Reader::with_config(open(file.try_clone().unwrap()), &config);
        assert_eq!(reader.get_be32().unwrap(), 0x5145_564d);
        let mut page = [0; 4096];
        reader.get_buffer_at(&mut page, FAR).unwrap();
        assert_eq!(page, [0xaa; 4096]);
        reader.get_buffer_at(&mut page, 4096).unwrap();
        assert_eq!(page, [0; 4096], "the hole");
        assert_eq!(reader.get_be32().unwrap(), 0, "what was buffered stays");
        assert_eq!(reader.set_offset(SeekFrom::Start(FAR + 4096)).unwrap(), FAR + 4096);
        assert_eq!(reader.get_be32().unwrap(), 7);
        let error = reader.get_buffer_at(&mut page, FAR + 5).unwrap_err();
        let text = match release {
            Release::V9_0 => "Partial read of size 4095, expected 4096",
            _ => "Unexpected end-of-file before all data were read",
        };
        assert_eq!(error.text(), text);
    }
}

#[test]
fn offsets_come_back_to_where_they_were() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&crate::support::pattern(100_000)).unwrap();
    file.rewind().unwrap();
    let mut reader = Reader::new(open(file));
    reader.get_buffer(&mut [0; 1000]).unwrap();
    let noted = reader.offset().unwrap();
    assert_eq!(noted, 1000);
    let next = reader.get_be64().unwrap();
    reader.get_buffer(&mut [0; 50_000]).unwrap();
    assert_eq!(reader.set_offset(SeekFrom::Start(noted)).unwrap(), noted);
    assert_eq!(reader.get_be64().unwrap(), next);
    assert_eq!(reader.set_offset(SeekFrom::Current(-8)).unwrap(), noted);
    assert_eq!(reader.get_be64().unwrap(), next);
    assert_eq!(reader.set_offset(SeekFrom::End(-1)).unwrap(), 99_999);
    reader.set_offset(SeekFrom::Current(i64::MIN)).unwrap_err();
}

#[test]
fn what_cannot_seek_says_so() {
    let (source, _sink) = std::io::pipe().unwrap();
    let (ours, _theirs) = UnixStream::pair().unwrap();
    for channel in [open(source), open(ours)] {
        assert!(!channel.seekable());
        assert!(channel.seek(SeekFrom::Start(0)).is_err());
        assert!(channel.read_at(&mut [0], 0).is_err());
        assert!(channel.write_at(&[0], 0).is_err());
    }
    let plain = NullChannel::new();
    assert!(!plain.seekable() && !plain.passes_descriptors());
    assert_eq!(plain.name(), "channel");
    let file = File::open("/dev/null").unwrap();
    let errors = [
        plain.read_at(&mut [0], 0).unwrap_err(),
        plain.write_at(&[0], 0).unwrap_err(),
        plain.seek(SeekFrom::Start(0)).unwrap_err(),
        plain.read_with_descriptors(&mut [0], &mut Vec::new()).unwrap_err(),
        plain.write_with_descriptors(&[0], &[file.as_fd()]).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Unsupported), "{errors:?}");
    assert!(errors[0].to_string().contains("read at an offset"));
    assert!(errors[1].to_string().contains("written to at an offset"));
    assert!(errors[2].to_string().contains("seek"));
    assert!(errors[3].to_string().contains("descriptors"));
    assert!(errors[4].to_string().contains("descriptors"));
}

#[test]
fn a_descriptor_arrives_with_its_file() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let config = Config::faithful(Release::V11_0);
    let mut writer = Writer::with_config(open(ours), &config);
    let mut reader = Reader::with_config(open(theirs), &config);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"what is in it").unwrap();
    writer.put_be32(1).unwrap();
    writer.send_descriptor(&file).unwrap();
    writer.put_be32(2).unwrap();
    writer.flush().unwrap();
    assert_eq!(reader.get_be32().unwrap(), 1);
    let came = reader.receive_descriptor().unwrap();
    assert!(fcntl_getfd(&came).unwrap().contains(FdFlags::CLOEXEC));
    assert_eq!(reader.get_be32().unwrap(), 2);
    let mut came = File::from(came);
    came.rewind().unwrap();
    let mut text = String::new();
    came.read_to_string(&mut text).unwrap();
    assert_eq!(text, "what is in it");
    drop(writer);
}

#[test]
fn only_unix_sockets_pass_descriptors() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (ours, theirs) = (open(ours), open(theirs));
    assert!(ours.passes_descriptors());
    let file = File::open("/dev/null").unwrap();
    let many = vec![file.as_fd(); 17];
    assert_eq!(ours.write_with_descriptors(b"x", &many[..16]).unwrap(), 1);
    let error = ours.write_with_descriptors(b"x", &many).unwrap_err();
    assert!(error.to_string().contains("at most 16"), "{error}");
    let mut came = Vec::new();
    assert_eq!(theirs.read_with_descriptors(&mut [0; 9], &mut came).unwrap(), 1);
    assert_eq!(came.len(), 16);
    ours.close().unwrap();
    assert_eq!(theirs.read_with_descriptors(&mut [0; 9], &mut came).unwrap(), 0);
    assert!(ours.read_with_descriptors(&mut [0; 9], &mut came).is_err());

    assert!(!open(tempfile::tempfile().unwrap()).passes_descriptors());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(!open(listener).passes_descriptors());
    let unconnected = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    );
    let error = open(unconnected.unwrap()).write_with_descriptors(b"x", &[file.as_fd()]);
    assert!(error.is_err(), "it is not connected");
}

#[test]
fn an_offset_past_all_is_the_systems_to_refuse() {
    let mut writer = Writer::new(open(tempfile::tempfile().unwrap()));
    writer.put_buffer_at(&[1], u64::MAX).unwrap_err();
    let quirks = Quirks::faithful(Release::V9_0);
    let config = Config::new().quirks(quirks);
    let mut reader = Reader::with_config(open(tempfile::tempfile().unwrap()), &config);
    assert_eq!(reader.get_buffer_at(&mut [0], 0).unwrap_err().errno(), -5);
}

#[cfg(feature = "tokio")]
#[test]
fn a_descriptor_arrives_in_tokios_reactor() {
    use qemufile_core::{AsyncReader, AsyncWriter, TokioChannel};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let config = Config::faithful(Release::V11_0);
        let ours = Arc::new(TokioChannel::new(ours).unwrap());
        assert!(ours.passes_descriptors());
        let mut writer = AsyncWriter::with_config(ours, &config);
        let mut reader =
            AsyncReader::with_config(Arc::new(TokioChannel::new(theirs).unwrap()), &config);
        let receiver = tokio::spawn(async move { reader.receive_descriptor().await });
        tokio::task::yield_now().await;
        writer.send_descriptor(tempfile::tempfile().unwrap()).await.unwrap();
        receiver.await.unwrap().unwrap();
    });
}
