//! The device's own certificate, and the application's word on those of servers, over real TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use realm_ingest::transport::http::{ClientCertificate, HttpOptions, HttpTransport};
use realm_ingest::transport::{
    CertificateCheck, FailureKind, MAX_ANSWER, Method, Request, Response, ShownCertificate, Transport,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};

use crate::common::LIMIT;

pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("gateway/tests/data/tls")
        .join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file(name)).unwrap()
}

/// A server of one request a connection. It shows its certificate and its authority's, and may ask for one of a client.
pub fn serve(asks: bool) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(certificate("authority.pem")).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(clients.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let chain = vec![certificate("server.pem"), certificate("authority.pem")];
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = Stream::new(&mut connection, &mut socket);
            // A client that is not trusted, or does not trust us, gets no answer.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n");
            }
        }
    });
    port
}

fn get(port: u16, options: HttpOptions) -> Response {
    get_with(&HttpTransport::new(options).unwrap(), port)
}

fn get_with(transport: &HttpTransport, port: u16) -> Response {
    let request = Request {
        method: Method::Get,
        url: format!("https://localhost:{port}/"),
        timeout: LIMIT,
        max_answer: MAX_ANSWER,
        headers: Vec::new(),
        body: bytes::Bytes::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(transport.send(request))
}

fn trusting(identity: Option<(&str, &str)>) -> HttpOptions {
    HttpOptions {
        trusted_certificates: Some(file("authority.pem")),
        client_certificate: identity.map(|(chain, key)| ClientCertificate {
            chain: file(chain),
            key: file(key),
        }),
        ..HttpOptions::default()
    }
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_the_devices_own() {
    let own = Some(("client.pem", "client.key"));
    assert_eq!(get(serve(true), trusting(own)).status, 204);
    assert_eq!(
        get(serve(false), trusting(own)).status,
        204,
        "nobody has to ask for it"
    );
    for identity in [None, Some(("stranger.pem", "stranger.key"))] {
        let failure = get(serve(true), trusting(identity)).failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Tls, "{}", failure.cause);
    }
}

#[test]
fn a_certificate_and_a_key_that_do_not_fit_are_refused_at_once_and_named() {
    let refused = |chain: &str, key: &str| {
        let error = HttpTransport::new(trusting(Some((chain, key)))).err().unwrap();
        error.to_string()
    };
    assert!(refused("missing.pem", "client.key").contains("missing.pem cannot be read"));
    assert!(refused("client.pem", "missing.key").contains("missing.key cannot be read"));
    assert!(refused("client.key", "client.key").contains("there is no certificate in it"));
    let other = refused("client.pem", "server.key");
    assert!(
        other.contains("client.pem") && other.contains("server.key"),
        "{other}"
    );
}

/// Server, port, PEM, whether it is trusted, depth.
type Shown = (String, u16, String, bool, usize);

/// Says the same about every certificate, and notes what it was asked.
struct Noting {
    answer: bool,
    shown: Mutex<Vec<Shown>>,
}

impl CertificateCheck for Noting {
    fn accepts(&self, shown: &ShownCertificate<'_>) -> bool {
        let ShownCertificate {
            server,
            port,
            pem,
            is_trusted,
            depth,
        } = *shown;
        let shown = (server.to_owned(), port, pem.to_owned(), is_trusted, depth);
        self.shown.lock().unwrap().push(shown);
        self.answer
    }
}

fn checked(answer: bool, options: HttpOptions) -> (Response, u16, Vec<Shown>) {
    let check = Arc::new(Noting {
        answer,
        shown: Mutex::default(),
    });
    let options = HttpOptions {
        certificate_check: Some(check.clone()),
        ..options
    };
    let port = serve(false);
    let response = get(port, options);
    let shown = std::mem::take(&mut *check.shown.lock().unwrap());
    (response, port, shown)
}

#[test]
fn the_application_is_shown_each_certificate_and_has_the_last_word() {
    let (response, port, shown) = checked(true, HttpOptions::default());
    assert_eq!(response.status, 204, "a server that the library would not trust");
    let places: Vec<_> = shown
        .iter()
        .map(|(server, port, _, trusted, depth)| (&server[..], *port, *trusted, *depth))
        .collect();
    assert_eq!(
        places,
        [("localhost", port, false, 1), ("localhost", port, false, 0)]
    );
    let pem = |at: usize| CertificateDer::from_pem_slice(shown[at].2.as_bytes()).unwrap();
    assert_eq!(
        (pem(0), pem(1)),
        (certificate("authority.pem"), certificate("server.pem"))
    );

    let (response, _, shown) = checked(false, trusting(None));
    assert_eq!(response.failure.unwrap().kind, FailureKind::Tls);
    assert_eq!(shown.len(), 1, "the first refusal ends it");
    assert!(shown[0].3, "a server that the library would trust");
}

#[test]
fn the_application_is_asked_again_for_each_connection() {
    let check = Arc::new(Noting {
        answer: true,
        shown: Mutex::default(),
    });
    let transport = HttpTransport::new(HttpOptions {
        certificate_check: Some(check.clone()),
        ..HttpOptions::default()
    })
    .unwrap();
    let port = serve(false);
    for connections in 1..=2 {
        assert_eq!(get_with(&transport, port).status, 204);
        assert_eq!(check.shown.lock().unwrap().len(), 2 * connections);
    }
}

#[test]
fn where_any_certificate_is_accepted_the_application_is_not_asked() {
    let options = HttpOptions {
        accept_any_certificate: true,
        ..HttpOptions::default()
    };
    let (response, _, shown) = checked(false, options);
    assert_eq!((response.status, shown.len()), (204, 0));
}
