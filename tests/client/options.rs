//! The options of an app's built-in transport: which of them hold for its sessions too, and what a server behind a
//! proxy that does the TLS may say of itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use realm_ingest::app::{App, AppConfig, Credentials};
use realm_ingest::realm::{Realm, RealmConfig};
use realm_ingest::transport::http::HttpOptions;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::common::server::{Reaction, Seen, Server};
use crate::common::{SCHEMA, TestClock, config, uploaded, write};
use crate::tls::{server_config, trusting};

/// A proxy as it stands before a server: takes TLS off and passes the bytes on. Ends with the test program.
fn tls_before(server: SocketAddr) -> String {
    let (sender, port) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap().port()).unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(server_config("server.pem")));
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(socket).await.unwrap();
                    let mut inside = TcpStream::connect(server).await.unwrap();
                    // An end of either side is an end, with or without ceremony.
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
    });
    format!("https://localhost:{}", port.recv().unwrap())
}

fn app(url: &str, directory: &TempDir, http: HttpOptions) -> App {
    let settings = AppConfig {
        http,
        ..config(url, directory, Arc::new(TestClock::default()))
    };
    App::open(settings).unwrap()
}

fn realm(app: &App, headers: &[(&str, &str)]) -> Realm {
    let user = app
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    let settings = RealmConfig {
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..RealmConfig::new(SCHEMA)
    };
    Realm::open(&user, settings, None).unwrap()
}

fn header<'a>(seen: &'a [Seen], name: &str) -> Option<&'a str> {
    seen[0].headers.get(name).map(String::as_str)
}

#[test]
fn a_session_with_headers_of_its_own_keeps_the_certificates_and_headers_of_its_app() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let http = HttpOptions {
        headers: vec![
            ("X-Fleet".to_owned(), "of the app".to_owned()),
            ("X-Site".to_owned(), "of the app".to_owned()),
        ],
        ..trusting("authority.pem")
    };
    let app = app(&tls_before(server.address()), &directory, http);
    let realm = realm(
        &app,
        &[("x-site", "of the session"), ("X-Line", "of the session")],
    );
    write(&realm, [1]);
    uploaded(&realm);
    let seen = server.seen("POST ingest");
    assert_eq!(header(&seen, "x-fleet"), Some("of the app"));
    assert_eq!(header(&seen, "x-site"), Some("of the session"));
    assert_eq!(header(&seen, "x-line"), Some("of the session"));
    assert_eq!(
        header(&server.seen("POST auth/providers/"), "x-site"),
        Some("of the app")
    );
}

#[test]
fn a_session_with_headers_of_its_own_keeps_the_proxy_of_its_app() {
    let proxy = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let http = HttpOptions {
        proxy: Some(proxy.url()),
        ..HttpOptions::default()
    };
    let app = app("http://gateway.example", &directory, http);
    let realm = realm(&app, &[("X-Line", "of the session")]);
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(
        header(&proxy.seen("POST ingest"), "x-line"),
        Some("of the session")
    );
}

#[test]
fn a_server_that_knows_nothing_of_the_tls_before_it_is_spoken_to_through_it() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let location = format!(r#"{{"hostname":"{}","ws_hostname":""}}"#, server.url());
    server.next("GET location", Reaction::Answer(200, Vec::new(), location));
    let url = tls_before(server.address());
    let app = app(&url, &directory, trusting("authority.pem"));
    let realm = realm(&app, &[]);
    write(&realm, [1]);
    uploaded(&realm);
    // The plain address has another port.
    let host = url.strip_prefix("https://");
    assert_eq!(header(&server.seen("POST ingest"), "host"), host);
}
