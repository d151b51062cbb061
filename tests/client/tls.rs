//! Whom the built-in transport trusts, over real TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use realm_ingest::Code;
use realm_ingest::app::App;
use realm_ingest::transport::http::{HttpOptions, HttpTransport};
use realm_ingest::transport::{FailureKind, MAX_ANSWER, Method, Request, Response, Transport};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::common::{Fixture, LIMIT, config, open_realm};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/common/tls")
        .join(name)
}

pub fn server_config(certificate: &str) -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_file(file(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// A server for one connection, with this certificate.
fn serve(certificate: &str) -> u16 {
    let config = server_config(certificate);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        let mut request = [0; 4096];
        // A client that does not trust us goes away.
        if stream.read(&mut request).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n");
        }
    });
    port
}

fn get_request(url: &str) -> Request {
    Request {
        method: Method::Get,
        url: url.to_owned(),
        timeout: LIMIT,
        max_answer: MAX_ANSWER,
        headers: Vec::new(),
        body: bytes::Bytes::new(),
    }
}

fn get(certificate: &str, host: &str, options: HttpOptions) -> Response {
    let request = get_request(&format!("https://{host}:{}/", serve(certificate)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(HttpTransport::new(options).unwrap().send(request))
}

pub fn trusting(name: &str) -> HttpOptions {
    HttpOptions {
        trusted_certificates: Some(file(name)),
        ..HttpOptions::default()
    }
}

fn refused(response: &Response) -> bool {
    response
        .failure
        .as_ref()
        .is_some_and(|failure| failure.kind == FailureKind::Tls)
}

#[test]
fn a_server_is_trusted_by_its_authority_or_by_its_own_certificate() {
    assert_eq!(
        get("server.pem", "localhost", trusting("authority.pem")).status,
        204
    );
    assert_eq!(
        get("self-signed.pem", "localhost", trusting("self-signed.pem")).status,
        204
    );
}

#[test]
fn an_unknown_server_or_one_of_another_name_is_refused() {
    for response in [
        get("server.pem", "localhost", HttpOptions::default()),
        get("self-signed.pem", "localhost", trusting("authority.pem")),
        get("server.pem", "127.0.0.1", trusting("authority.pem")),
        get("self-signed.pem", "127.0.0.1", trusting("self-signed.pem")),
    ] {
        assert!(refused(&response), "{response:?}");
    }
}

#[test]
fn any_server_is_accepted_where_that_was_asked_for() {
    let options = HttpOptions {
        accept_any_certificate: true,
        ..HttpOptions::default()
    };
    assert_eq!(get("self-signed.pem", "127.0.0.1", options).status, 204);
}

#[test]
fn a_session_names_the_handshake_as_the_reason_already_when_it_looks_for_its_server() {
    let fixture = Fixture::new();
    drop(fixture.user());
    let url = format!("https://localhost:{}", serve("self-signed.pem"));
    let app = App::open(config(&url, &fixture.directory, fixture.clock.clone())).unwrap();
    let (_realm, errors) = open_realm(&app.current_user().unwrap());
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::TlsHandshakeFailed, false));
}

#[test]
fn what_is_no_tls_in_the_middle_of_an_exchange_is_a_connection_that_broke() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(server_config("server.pem"))).unwrap();
        let mut request = [0; 4096];
        let read = Stream::new(&mut connection, &mut socket)
            .read(&mut request)
            .unwrap();
        assert!(read > 0);
        // The server has the request, and may have done what it says.
        socket.write_all(b"HTTP/1.1 204 X\r\n\r\n").unwrap();
    });
    let request = get_request(&format!("https://localhost:{port}/"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let transport = HttpTransport::new(trusting("authority.pem")).unwrap();
    let failure = runtime.block_on(transport.send(request)).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Broken, "{}", failure.cause);
}

/// Connections with TLS, which offer HTTP/2.
struct TlsListener {
    sockets: tokio::net::TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
    accepted: Arc<AtomicUsize>,
}

impl axum::serve::Listener for TlsListener {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, address) = self.sockets.accept().await.unwrap();
            self.accepted.fetch_add(1, Ordering::Relaxed);
            if let Ok(stream) = self.acceptor.accept(socket).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.sockets.local_addr()
    }
}

#[test]
fn a_server_that_offers_http_2_is_spoken_to_in_it_over_one_connection() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut config = server_config("server.pem");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TlsListener {
            sockets: tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: Arc::new(config).into(),
            accepted: Arc::default(),
        };
        let url = format!(
            "https://localhost:{}/",
            listener.sockets.local_addr().unwrap().port()
        );
        let accepted = listener.accepted.clone();
        let version = |request: axum::extract::Request| async move { format!("{:?}", request.version()) };
        tokio::spawn(axum::serve(listener, axum::Router::new().fallback(version)).into_future());

        let transport = HttpTransport::new(trusting("authority.pem")).unwrap();
        for _ in 0..2 {
            let response = transport.send(get_request(&url)).await;
            assert_eq!((response.status, response.body), (200, b"HTTP/2.0".to_vec()));
        }
        assert_eq!(accepted.load(Ordering::Relaxed), 1);
    });
}
