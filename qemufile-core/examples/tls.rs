//! A stream over TLS: anything that is `Read + Write` becomes a channel.
//!
//! `cargo run -p qemufile-core --example tls`

use std::error::Error;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use qemufile_core::{GuestMemory, Reader, WrappedChannel, Writer};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// A key and a certificate for this run, known to both sides.
fn identities() -> Outcome<(ServerConfig, ClientConfig)> {
    let own = rcgen::generate_simple_self_signed([String::from("localhost")])?;
    let certificate = own.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    Ok((
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?,
        ClientConfig::builder().with_root_certificates(roots).with_no_client_auth(),
    ))
}

fn send(socket: TcpStream, config: ClientConfig) -> Outcome {
    let cancel = socket.try_clone()?;
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
    let channel = WrappedChannel::new(StreamOwned::new(session, socket))
        .on_shutdown(move || cancel.shutdown(Shutdown::Both))
        .on_close(|tls| {
            tls.lock().conn.send_close_notify();
            Ok(())
        });
    let memory = GuestMemory::anonymous(1 << 20)?;
    memory.write_at(4096, b"over TLS")?;
    let mut writer = Writer::new(Arc::new(channel));
    writer.put_be64(memory.len() as u64)?;
    writer.put_guest(&memory, 0..memory.len(), false)?;
    writer.flush()?;
    let received = writer.return_path().get_be64()?;
    println!("the receiver has {received} bytes");
    Ok(writer.close()?)
}

fn receive(socket: TcpStream, config: ServerConfig) -> Outcome<Vec<u8>> {
    let session = ServerConnection::new(Arc::new(config))?;
    let channel = WrappedChannel::new(StreamOwned::new(session, socket));
    let mut reader = Reader::new(Arc::new(channel));
    let mut bytes = vec![0; usize::try_from(reader.get_be64()?)?];
    reader.get_buffer(&mut bytes)?;
    let mut answer = reader.return_path();
    answer.put_be64(bytes.len() as u64)?;
    answer.flush()?;
    reader.close()?;
    Ok(bytes)
}

fn main() -> Outcome {
    let (server, client) = identities()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let sender = thread::spawn(move || send(TcpStream::connect(address)?, client));
    let bytes = receive(listener.accept()?.0, server)?;
    sender.join().map_err(|_| "the sender panicked")??;
    println!(
        "{} bytes arrived, {:?} among them",
        bytes.len(),
        String::from_utf8_lossy(&bytes[4096..4104])
    );
    assert_eq!(&bytes[4096..4104], b"over TLS");
    Ok(())
}
