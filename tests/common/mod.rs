//! What the tests of the client share: a scripted server, a clock that does not wait, and an app over both.

#![allow(dead_code, reason = "each test program uses a part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

pub mod server;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use realm_ingest::SyncError;
use realm_ingest::app::{App, AppConfig, Credentials, User};
use realm_ingest::clock::{Clock, Pause};
use realm_ingest::outbox::Run;
use realm_ingest::realm::{ErrorHandler, Realm, RealmConfig};
use server::Server;
use tempfile::TempDir;
use tokio::sync::Notify;

/// Longer than anything here takes; a test that reaches it has failed.
pub const LIMIT: Duration = Duration::from_secs(60);

pub const SCHEMA: &str = r#"{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
    {"name":"_id","type":"int"},{"name":"note","type":"string"}]}]}"#;

/// A panic on any thread ends the test program: a failed server thread would otherwise look like a silent server.
pub fn panics_end_the_test() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            print(info);
            let ours = std::thread::current()
                .name()
                .is_some_and(|name| name.starts_with("scripted-"));
            if ours {
                std::process::exit(101);
            }
        }));
    });
}

/// Every pause is noted and ends at once; long ones end by hand where a test wants that.
#[derive(Default)]
pub struct TestClock {
    pauses: Mutex<Vec<Duration>>,
    holds: AtomicBool,
    second_of_day: AtomicU32,
    gate: Arc<Notify>,
}

impl TestClock {
    pub fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().unwrap().clone()
    }

    /// Those that are not of an app that is about to look for what other processes left.
    pub fn short_pauses(&self) -> Vec<Duration> {
        let pauses = self.pauses().into_iter();
        pauses.filter(|pause| *pause < TestClock::LOOK).collect()
    }

    pub fn set_second_of_day(&self, second: u32) {
        self.second_of_day.store(second, Ordering::Relaxed);
    }

    const LOOK: Duration = Duration::from_secs(3);
    const LONG: Duration = Duration::from_secs(30);

    /// From now on pauses of half a minute and more last until [`TestClock::release`].
    pub fn hold_long_pauses(&self) {
        self.holds.store(true, Ordering::Relaxed);
    }

    /// Ends a long pause, the present one or the next.
    pub fn release(&self) {
        self.gate.notify_one();
    }

    pub fn long_pauses(&self) -> Vec<Duration> {
        let pauses = self.pauses().into_iter();
        pauses.filter(|pause| *pause >= TestClock::LONG).collect()
    }
}

impl Clock for TestClock {
    fn sleep(&self, duration: Duration) -> Pause {
        self.pauses.lock().unwrap().push(duration);
        if duration >= TestClock::LONG && self.holds.load(Ordering::Relaxed) {
            let gate = self.gate.clone();
            return Box::pin(async move { gate.notified().await });
        }
        // Not zero, so that a loop that polls does not starve the rest.
        Box::pin(tokio::time::sleep(Duration::from_millis(1)))
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn second_of_day(&self) -> u32 {
        self.second_of_day.load(Ordering::Relaxed)
    }
}

pub struct Fixture {
    pub server: Server,
    pub clock: Arc<TestClock>,
    pub directory: TempDir,
    pub app: App,
}

impl Fixture {
    pub fn new() -> Fixture {
        panics_end_the_test();
        let server = Server::start();
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::default());
        let app = open_app(&server.url(), &directory, clock.clone());
        Fixture {
            server,
            clock,
            directory,
            app,
        }
    }

    /// Ends the program: what others write waits until it is started again. It goes on with files elsewhere.
    pub fn stop(&mut self) {
        let elsewhere = AppConfig {
            path: Some(self.directory.path().join("elsewhere")),
            ..config(&self.server.url(), &self.directory, self.clock.clone())
        };
        self.app = App::open(elsewhere).unwrap();
    }

    /// Another start of the program over the same files.
    pub fn restarted(&self) -> App {
        open_app(&self.server.url(), &self.directory, self.clock.clone())
    }

    /// Where users are kept.
    pub fn users_file(&self) -> PathBuf {
        let directory = self.directory.path().join("mongodb-realm/app-test");
        directory.join("server-utility/metadata/users.json")
    }

    /// From now on no change of a user can be stored, as on a full disk, until what is returned is removed.
    pub fn keep_users_from_being_stored(&self) -> PathBuf {
        let in_the_way = self.users_file().with_extension("json.new");
        std::fs::create_dir(&in_the_way).unwrap();
        in_the_way
    }

    pub fn user(&self) -> User {
        self.app
            .login(&Credentials::email_password("a@b.c", "password"))
            .unwrap()
    }

    pub fn realm(&self) -> (Realm, Receiver<SyncError>) {
        open_realm(&self.user())
    }
}

pub fn config(url: &str, directory: &TempDir, clock: Arc<dyn Clock>) -> AppConfig {
    AppConfig {
        base_url: Some(url.to_owned()),
        path: Some(directory.path().to_owned()),
        enable_caching: false,
        clock,
        ..AppConfig::new("app-test")
    }
}

fn open_app(url: &str, directory: &TempDir, clock: Arc<dyn Clock>) -> App {
    App::open(config(url, directory, clock)).unwrap()
}

pub fn handler() -> (ErrorHandler, Receiver<SyncError>) {
    let (sender, errors) = channel();
    let sender = Mutex::new(sender);
    let handler: ErrorHandler = Arc::new(move |error: &SyncError| {
        // A test that does not look at errors has dropped the receiver.
        let _ = sender.lock().unwrap().send(error.clone());
    });
    (handler, errors)
}

pub fn open_realm(user: &User) -> (Realm, Receiver<SyncError>) {
    let (handler, errors) = handler();
    (
        Realm::open(user, RealmConfig::new(SCHEMA), Some(handler)).unwrap(),
        errors,
    )
}

pub fn reading(id: i64) -> Vec<u8> {
    bson::serialize_to_vec(&bson::doc! {"_id": id, "note": format!("reading {id}")}).unwrap()
}

/// One write transaction with these readings.
pub fn write(realm: &Realm, ids: impl IntoIterator<Item = i64>) {
    written(realm, ids);
}

/// As [`write`]; the number of the transaction.
pub fn written(realm: &Realm, ids: impl IntoIterator<Item = i64>) -> u64 {
    let documents: Vec<_> = ids.into_iter().map(reading).collect();
    let run = Run {
        class: "Reading".to_owned(),
        count: u32::try_from(documents.len()).unwrap(),
    };
    realm.append(&[run], &documents.concat()).unwrap()
}

/// A write transaction for each of these readings, with a note of so many bytes.
pub fn write_large(realm: &Realm, ids: impl IntoIterator<Item = i64>, bytes: usize) {
    let note = "x".repeat(bytes);
    for id in ids {
        let document = bson::serialize_to_vec(&bson::doc! {"_id": id, "note": &note}).unwrap();
        let run = Run {
            class: "Reading".to_owned(),
            count: 1,
        };
        realm.append(&[run], &document).unwrap();
    }
}

pub fn uploaded(realm: &Realm) {
    realm.session().wait_for_upload_blocking(Some(LIMIT)).unwrap();
}

/// Starts a wait; the receiver gets its result.
pub fn wait(realm: &Realm) -> Receiver<realm_ingest::Result<()>> {
    let (sender, result) = channel();
    realm.session().wait_for_upload(move |done| {
        let _ = sender.send(done);
    });
    result
}

/// Waits for a condition that no event announces.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until nobody has the file open: SQLite takes its log away then.
pub fn closed(path: &Path) {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    until("the end of the session", || !Path::new(&log).exists());
}

/// How often this process has the file open.
pub fn times_open(path: &Path) -> usize {
    let path = path.canonicalize().unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    open.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|file| file == path))
        .count()
}
