//! Several addresses of one service: the first refuses, hangs, dies while it is sent to, and comes back. Nothing is lost,
//! and nothing is stored twice.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use realm_ingest::app::{App, AppConfig, Credentials};
use realm_ingest::clock::SystemClock;
use realm_ingest::realm::{Realm, RealmConfig};

use crate::common::server::Server;
use crate::common::{SCHEMA, config, panics_end_the_test, until, uploaded, write, write_large};

/// What an address does with a connection.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Leads to the server.
    Pass,
    /// Takes what comes, and never answers.
    Hang,
    /// Leads to the server until so many bytes went there, and breaks.
    Cut(usize),
    /// There is a proxy, and nothing behind it.
    BadGateway,
}

/// An address of a server.
struct Address {
    at: SocketAddr,
    server: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    /// Connections so far.
    met: Arc<AtomicUsize>,
}

impl Address {
    /// At first it refuses.
    fn of(server: &Server) -> Address {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Address {
            at,
            server: server.address(),
            mode: Arc::new(Mutex::new(Mode::Pass)),
            met: Arc::default(),
        }
    }

    fn open(server: &Server, mode: Mode) -> Address {
        let address = Address::of(server);
        address.set(mode);
        address.begin();
        address
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn met(&self) -> usize {
        self.met.load(Ordering::Relaxed)
    }

    /// From now on it listens, as long as the test runs.
    fn begin(&self) {
        let listener = TcpListener::bind(self.at).unwrap();
        let (mode, met, server) = (self.mode.clone(), self.met.clone(), self.server);
        thread::spawn(move || {
            for stream in listener.incoming() {
                met.fetch_add(1, Ordering::Relaxed);
                let (stream, mode) = (stream.unwrap(), mode.clone());
                thread::spawn(move || serve(stream, server, &mode));
            }
        });
    }
}

fn serve(mut client: TcpStream, server: SocketAddr, mode: &Mutex<Mode>) {
    let mut behind = TcpStream::connect(server).unwrap();
    let (mut answers, mut back) = (behind.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut answers, &mut back));
    let mut passed = 0;
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        let mode = *mode.lock().unwrap();
        passed += read;
        match mode {
            Mode::Hang => continue,
            Mode::BadGateway => {
                let _ = client.write_all(b"HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n");
            }
            Mode::Cut(limit) if passed > limit => break,
            Mode::Pass | Mode::Cut(_) => {
                if behind.write_all(&bytes[..read]).is_err() {
                    break;
                }
            }
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = behind.shutdown(Shutdown::Both);
}

struct Fleet {
    server: Server,
    first: Address,
    second: Address,
    directory: tempfile::TempDir,
}

impl Fleet {
    fn new(first: impl FnOnce(&Server) -> Address) -> Fleet {
        panics_end_the_test();
        let server = Server::start();
        Fleet {
            first: first(&server),
            second: Address::open(&server, Mode::Pass),
            directory: tempfile::tempdir().unwrap(),
            server,
        }
    }

    fn app(&self) -> App {
        let settings = config(
            &self.first.url(),
            &self.directory,
            Arc::new(SystemClock::default()),
        );
        App::open(AppConfig {
            fallback_urls: vec![self.second.url()],
            ..settings
        })
        .unwrap()
    }

    fn realm(&self) -> Realm {
        let user = self
            .app()
            .login(&Credentials::email_password("a@b.c", "password"))
            .unwrap();
        Realm::open(&user, RealmConfig::new(SCHEMA), None).unwrap()
    }

    /// What arrived did so once.
    fn has(&self, ids: impl IntoIterator<Item = i64>) {
        assert_eq!(self.server.ids(), ids.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn an_address_that_refuses_gives_way_and_is_used_again_once_it_answers() {
    let fleet = Fleet::new(Address::of);
    let realm = fleet.realm();
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(fleet.server.seen("POST auth/providers").len(), 1, "one log-in");
    let elsewhere = fleet.second.met();
    assert!(elsewhere > 0);

    fleet.first.begin();
    realm.session().reconnect();
    let mut id = 1;
    until("the first address", || {
        id += 1;
        write(&realm, [id]);
        uploaded(&realm);
        fleet.first.met() > 0
    });
    // And what stood in for it may go.
    until("the change", || {
        fleet.second.set(Mode::Hang);
        id += 1;
        write(&realm, [id]);
        let done = realm
            .session()
            .wait_for_upload_blocking(Some(std::time::Duration::from_secs(2)));
        fleet.second.set(Mode::Pass);
        done.is_ok()
    });
    uploaded(&realm);
    fleet.has(1..=id);
}

#[test]
fn an_address_that_hangs_gives_way() {
    let fleet = Fleet::new(|server| Address::open(server, Mode::Hang));
    let realm = fleet.realm();
    write(&realm, [1]);
    uploaded(&realm);
    fleet.has([1]);
    assert!(fleet.first.met() > 0);
}

#[test]
fn an_address_without_a_server_behind_it_gives_way() {
    let fleet = Fleet::new(|server| Address::open(server, Mode::BadGateway));
    let realm = fleet.realm();
    write(&realm, [1]);
    uploaded(&realm);
    fleet.has([1]);
}

#[test]
fn an_address_that_breaks_in_the_middle_of_a_batch_gives_way_and_nothing_is_stored_twice() {
    let fleet = Fleet::new(|server| Address::open(server, Mode::Pass));
    let realm = fleet.realm();
    uploaded(&realm);
    for (round, limit) in [10_000, 50_000, 100_000].into_iter().enumerate() {
        // From now on a connection breaks so far into what is sent over it.
        fleet.first.set(Mode::Cut(limit));
        let first = 1 + 20 * round as i64;
        write_large(&realm, first..first + 20, 200_000);
        uploaded(&realm);
    }
    fleet.has(1..=60);
}

#[test]
fn where_no_address_answers_what_is_written_waits_and_arrives_once_any_does() {
    let fleet = Fleet::new(|server| Address::open(server, Mode::Pass));
    let realm = fleet.realm();
    uploaded(&realm);
    fleet.first.set(Mode::Cut(0));
    fleet.second.set(Mode::Cut(0));
    write(&realm, [1]);
    until("both to be tried", || fleet.second.met() > 0);
    fleet.second.set(Mode::Pass);
    realm.session().reconnect();
    uploaded(&realm);
    fleet.has([1]);
}

#[test]
fn an_address_in_the_open_does_not_stand_in_for_one_with_tls() {
    let directory = tempfile::tempdir().unwrap();
    let open = |fallback: &str| {
        App::open(AppConfig {
            fallback_urls: vec![fallback.to_owned()],
            ..config(
                "https://gateway.example",
                &directory,
                Arc::new(SystemClock::default()),
            )
        })
    };
    assert!(open("http://gateway.example").is_err());
    assert!(open("gateway.example").is_err());
    assert!(open("https://other.example/").is_ok());
}
