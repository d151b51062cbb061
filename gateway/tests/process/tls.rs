//! TLS: certificates, their renewal, and clients that have to have one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use crate::common::APP;
use crate::common::server::{Server, logged};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tls")
        .join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file(&format!("{name}.pem"))).unwrap()
}

/// A server with copies of the certificate and the key, which may be changed.
fn serve(data: &Path, more: &[&str]) -> Server {
    install(data, "server");
    let (cert, key) = (data.join("cert.pem"), data.join("key.pem"));
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let arguments = [&["--tls-cert", cert, "--tls-key", key], more].concat();
    logged(data, &data.join("log"), "info", &arguments)
}

fn install(data: &Path, name: &str) {
    std::fs::copy(file(&format!("{name}.key")), data.join("key.pem")).unwrap();
    std::fs::copy(file(&format!("{name}.pem")), data.join("cert.pem")).unwrap();
}

type Connection = StreamOwned<ClientConnection, TcpStream>;

struct Client {
    versions: Vec<&'static SupportedProtocolVersion>,
    identity: Option<&'static str>,
    protocols: &'static [&'static [u8]],
}

impl Default for Client {
    fn default() -> Self {
        Self {
            versions: rustls::ALL_VERSIONS.to_vec(),
            identity: None,
            protocols: &[b"http/1.1"],
        }
    }
}

impl Client {
    /// A connection after its handshake. With a client's certificate the server's word on it comes with the first answer.
    fn connect(&self, server: SocketAddr) -> std::io::Result<Connection> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate("authority")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.identity {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
                builder
                    .with_client_auth_cert(vec![certificate(name)], key)
                    .unwrap()
            }
        };
        config.alpn_protocols = self.protocols.iter().map(|name| name.to_vec()).collect();
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(server)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

fn location(stream: &mut Connection) -> std::io::Result<String> {
    write!(
        stream,
        "GET {APP}/location HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(String::from_utf8(answer).unwrap()),
    }
}

fn shown(server: &Server) -> CertificateDer<'static> {
    let stream = Client::default().connect(server.address).unwrap();
    stream.conn.peer_certificates().unwrap()[0].clone()
}

fn log(data: &Path) -> String {
    std::fs::read_to_string(data.join("log")).unwrap()
}

#[test]
fn clients_are_served_by_tls_and_told_to_come_back_by_it() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    let answer = location(&mut Client::default().connect(server.address).unwrap()).unwrap();
    assert!(answer.contains("\"hostname\":\"https://localhost:"), "{answer}");
    assert!(answer.contains("\"ws_hostname\":\"wss://localhost:"), "{answer}");
    for version in rustls::ALL_VERSIONS {
        let client = Client {
            versions: vec![version],
            protocols: &[b"h2", b"http/1.1"],
            ..Client::default()
        };
        let stream = client.connect(server.address).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    }
    // Without TLS there is nothing.
    let plain = server.client().call("GET", "/healthz", &[], b"");
    assert!(plain.is_err(), "{plain:?}");
}

#[test]
fn a_new_certificate_is_taken_from_its_file_and_a_broken_one_is_not() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    assert_eq!(shown(&server), certificate("server"));
    std::fs::write(data.path().join("cert.pem"), "broken").unwrap();
    while !log(data.path()).contains("the former one stays") {
        assert_eq!(shown(&server), certificate("server"));
    }
    install(data.path(), "renewed");
    while shown(&server) != certificate("renewed") {
        std::thread::yield_now();
    }
    // One line for each time that it was broken: of the certificate alone, and maybe between the copies of both files.
    assert!(log(data.path()).matches("the former one stays").count() <= 2);
}

#[test]
fn a_hangup_reads_the_certificate_again() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    server.signal("HUP");
    while !log(data.path()).contains("the certificate was read again") {
        std::thread::yield_now();
    }
    assert_eq!(shown(&server), certificate("server"));
}

#[test]
fn with_an_authority_for_clients_only_its_clients_are_served() {
    let data = tempfile::tempdir().unwrap();
    let authority = file("authority.pem");
    let server = serve(data.path(), &["--client-ca", authority.to_str().unwrap()]);
    let ask = |identity| {
        let client = Client {
            identity,
            ..Client::default()
        };
        location(&mut client.connect(server.address)?)
    };
    assert!(ask(Some("client")).unwrap().starts_with("HTTP/1.1 200"));
    ask(None).unwrap_err();
    ask(Some("stranger")).unwrap_err();
}

#[test]
fn a_handshake_that_does_not_go_on_is_not_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(&[22, 3, 1]).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let start = |certificate: &str, key: &str| {
        let output = std::process::Command::new(crate::common::server::BINARY)
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .arg("--tls-cert")
            .arg(file(certificate))
            .arg("--tls-key")
            .arg(file(key))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(start("nowhere.pem", "server.key").contains("nowhere.pem"));
    assert!(start("server.pem", "renewed.key").contains("cannot use the certificate"));
    assert!(start("server.key", "server.key").contains("server.key has no certificate"));
    assert!(start("server.pem", "server.pem").contains("--tls-key a key"));
}

#[test]
fn what_is_no_handshake_leaves_no_line() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    for _ in 0..10 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        // An alert, then the end.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let log = std::fs::read_to_string(data.path().join("log")).unwrap();
    assert!(log.contains("started") && !log.contains("handshake"), "{log}");
}

#[test]
fn a_web_socket_goes_by_tls_as_well() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    // realm-core names no protocol for what is within.
    let client = Client {
        protocols: &[],
        ..Client::default()
    };
    let mut connection = client.connect(server.address).unwrap();
    write!(
        connection,
        "GET {APP}/realm-sync?baas_at=none HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\
         sec-websocket-protocol: com.mongodb.realm-query-sync#14\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    // It is closed with code 4001, as the token is none.
    let mut close = [0; 4];
    connection.read_exact(&mut close).unwrap();
    assert_eq!(close, [0x88, 2, 0x0f, 0xa1]);
}
