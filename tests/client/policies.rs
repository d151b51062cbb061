//! When a session may use the network: windows, the application's word, batches that wait for more, a rate.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use realm_ingest::Code;
use realm_ingest::app::Credentials;
use realm_ingest::outbox::{Outbox, Run, SqliteOutbox};
use realm_ingest::realm::{Realm, RealmConfig, ReceiptState, StopPolicy, TimeWindow, UploadPolicy};
use realm_ingest::uploader::session::{ConnectionState, Session};

use crate::common::{
    Fixture, LIMIT, SCHEMA, closed, times_open, until, uploaded, wait, write, write_large, written,
};

/// From one o'clock to two.
const WINDOW: TimeWindow = TimeWindow {
    from_minute: 60,
    to_minute: 120,
};

fn open(fixture: &Fixture, upload: UploadPolicy) -> Realm {
    let config = RealmConfig {
        upload,
        ..RealmConfig::new(SCHEMA)
    };
    Realm::open(&fixture.user(), config, None).unwrap()
}

/// An application that says what it is told to, and how often it was asked.
#[derive(Clone, Default)]
struct Network {
    is_free: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
}

impl Network {
    fn policy(&self) -> UploadPolicy {
        let network = self.clone();
        UploadPolicy {
            may_upload: Some(Arc::new(move || {
                network.asked.fetch_add(1, Ordering::Relaxed);
                network.is_free.load(Ordering::Relaxed)
            })),
            ..UploadPolicy::default()
        }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Requests of sessions; users have logged in.
fn requests(fixture: &Fixture) -> usize {
    fixture.server.seen("GET ingest").len() + fixture.server.seen("POST ingest").len()
}

#[test]
fn nothing_touches_the_network_until_a_window_opens() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    fixture.clock.set_second_of_day(0);
    let policy = UploadPolicy {
        windows: vec![WINDOW],
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    write(&realm, [1]);
    let quarter = Duration::from_secs(15 * 60);
    until("the pause", || fixture.clock.long_pauses().contains(&quarter));
    assert_eq!(requests(&fixture), 0);
    assert_eq!(realm.session().connection_state(), ConnectionState::Disconnected);
    fixture.clock.set_second_of_day(3600);
    until("the upload", || {
        fixture.clock.release();
        fixture.server.ids() == [1]
    });
    uploaded(&realm);
    until("the end of the connection", || {
        realm.session().connection_state() == ConnectionState::Disconnected
    });
}

#[test]
fn an_application_that_says_no_is_asked_again_after_its_pause_or_by_reconnect() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let network = Network::default();
    let realm = open(&fixture, network.policy());
    write(&realm, [1]);
    until("a question", || network.asked() == 1);
    let waiting = wait(&realm);
    assert!(waiting.try_recv().is_err());
    assert_eq!(
        (network.asked(), requests(&fixture)),
        (1, 0),
        "it is not asked again"
    );

    realm.session().reconnect();
    until("another", || network.asked() == 2);
    assert_eq!(requests(&fixture), 0);
    network.is_free.store(true, Ordering::Relaxed);
    realm.session().reconnect();
    waiting.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.server.ids(), [1]);
    assert_eq!(network.asked(), 4, "for the connection, and for the batch");
}

#[test]
fn a_no_that_a_reconnect_overtakes_does_not_hold() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let session = Arc::new(OnceLock::<Session>::new());
    let (known, asked) = (Arc::clone(&session), AtomicU32::new(0));
    let policy = UploadPolicy {
        may_upload: Some(Arc::new(move || {
            let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            if is_first {
                known.get().unwrap().reconnect();
            }
            !is_first
        })),
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    session.set(realm.session()).ok().unwrap();
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn an_application_that_says_no_between_two_batches_stops_the_upload_there() {
    let fixture = Fixture::new();
    fixture.server.state().max_batch_bytes = 100;
    let network = Network::default();
    let counted = network.clone();
    let policy = UploadPolicy {
        may_upload: Some(Arc::new(move || {
            // The connection, and one batch.
            counted.asked.fetch_add(1, Ordering::Relaxed) < 2 || counted.is_free.load(Ordering::Relaxed)
        })),
        ask_again: Duration::from_secs(3600),
        ..UploadPolicy::default()
    };
    fixture.clock.hold_long_pauses();
    let realm = open(&fixture, policy);
    realm.session().pause();
    (1..=3).for_each(|id| write(&realm, [id]));
    realm.session().resume();
    until("the no", || network.asked() == 3);
    assert_eq!(fixture.server.ids(), [1]);
    network.is_free.store(true, Ordering::Relaxed);
    realm.session().reconnect();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 3]);
}

#[test]
fn what_is_written_within_the_delay_goes_in_one_batch() {
    let fixture = Fixture::new();
    let minute = Duration::from_secs(60);
    let policy = UploadPolicy {
        batch_delay: minute,
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    // With this the server knows the schema.
    write(&realm, [0]);
    uploaded(&realm);
    fixture.clock.hold_long_pauses();
    let before = fixture.server.seen("POST ingest").len();
    (1..=3).for_each(|id| write(&realm, [id]));
    let delays = || {
        let pauses = fixture.clock.long_pauses().into_iter();
        pauses.filter(|pause| *pause <= minute).count()
    };
    until("the delay", || delays() > 0);
    assert_eq!(fixture.server.ids(), [0]);
    until("the batch", || {
        fixture.clock.release();
        fixture.server.ids() == [0, 1, 2, 3]
    });
    assert_eq!(fixture.server.seen("POST ingest").len(), before + 1);
}

#[test]
fn whoever_waits_for_the_upload_ends_the_delay() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let policy = UploadPolicy {
        batch_delay: Duration::from_secs(3600),
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    write(&realm, [1]);
    uploaded(&realm);
    write(&realm, [2]);
    // And so does the end of the realm.
    drop(realm);
    fixture.server.until("both", |state| state.stored.len() == 2);
}

#[test]
fn a_thread_that_waits_for_a_receipt_ends_the_delay_and_a_callback_does_not() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let hour = Duration::from_secs(3600);
    let policy = UploadPolicy {
        batch_delay: hour,
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    let number = written(&realm, [1]);
    let (sender, settled) = channel();
    realm
        .receipts()
        .on_settled(number, move |outcome| sender.send(outcome.state).unwrap())
        .unwrap();
    until("the delay", || {
        let pauses = fixture.clock.long_pauses();
        pauses.iter().any(|pause| *pause > hour / 2 && *pause <= hour)
    });
    assert!(fixture.server.ids().is_empty());
    let outcome = realm.receipts().wait(number, Some(LIMIT)).unwrap();
    assert_eq!(outcome.state, ReceiptState::Persisted);
    assert_eq!(settled.recv_timeout(LIMIT).unwrap(), ReceiptState::Persisted);
}

#[test]
fn a_full_batch_does_not_wait_for_more() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let policy = UploadPolicy {
        batch_delay: Duration::from_secs(3600),
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    write_large(&realm, 1..=3, 1 << 20);
    fixture.server.until("a batch", |state| !state.stored.is_empty());
}

#[test]
fn a_low_rate_makes_small_batches_with_pauses_between_them() {
    let fixture = Fixture::new();
    let policy = UploadPolicy {
        bytes_per_second: Some(1_000),
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    uploaded(&realm);
    realm.session().pause();
    write_large(&realm, 1..=6, 4_000);
    let pauses = fixture.clock.short_pauses().len();
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2, 3, 4, 5, 6]);
    let batches = fixture.server.seen("POST ingest").len();
    assert!(batches >= 3, "{batches} batches of 10,000 bytes at most");
    assert!(fixture.clock.short_pauses().len() > pauses);
}

/// A reading that does not compress well.
fn write_noise(realm: &Realm, id: i64, bytes: usize) {
    let mut state = id as u64 + 1;
    let note: String = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            char::from(b'!' + (state >> 33) as u8 % 90)
        })
        .collect();
    let document = bson::serialize_to_vec(&bson::doc! {"_id": id, "note": note}).unwrap();
    let run = Run {
        class: "Reading".to_owned(),
        count: 1,
    };
    realm.append(&[run], &document).unwrap();
}

#[test]
fn the_application_is_asked_for_a_batch_once_the_rate_lets_it_go() {
    let fixture = Fixture::new();
    fixture.server.state().max_batch_bytes = 100;
    let (clock, last_asked) = (fixture.clock.clone(), Arc::new(AtomicUsize::new(0)));
    let asked = last_asked.clone();
    let policy = UploadPolicy {
        bytes_per_second: Some(2_000),
        may_upload: Some(Arc::new(move || {
            asked.store(clock.short_pauses().len(), Ordering::Relaxed);
            true
        })),
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    write(&realm, [0]);
    uploaded(&realm);
    realm.session().pause();
    write_noise(&realm, 1, 5_000);
    write_noise(&realm, 2, 1_000);
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [0, 1, 2]);
    assert_eq!(
        fixture.clock.short_pauses().len(),
        last_asked.load(Ordering::Relaxed),
        "the pauses came before the question"
    );
}

#[test]
fn another_process_may_send_while_the_rate_makes_this_one_wait() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let policy = UploadPolicy {
        bytes_per_second: Some(100),
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    realm.session().pause();
    write_noise(&realm, 1, 100_000);
    write(&realm, [2]);
    realm.session().resume();
    until("the first batch", || realm.pending().unwrap().transactions == 1);
    let (other, _) = SqliteOutbox::open(realm.path(), Default::default()).unwrap();
    until("the right", || other.try_become_uploader().unwrap().is_some());
    assert_eq!(fixture.server.ids(), [1]);
    assert_eq!(realm.pending().unwrap().transactions, 1);
}

#[test]
fn who_opens_the_path_again_with_another_callback_does_not_wait_for_the_no_of_the_former() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (former, present) = (Network::default(), Network::default());
    let realm = open(&fixture, former.policy());
    write(&realm, [1]);
    until("the no", || former.asked() == 1);
    let minute = Duration::from_secs(59);
    until("the pause", || {
        fixture.clock.long_pauses().iter().any(|pause| *pause > minute)
    });
    drop(realm);
    present.is_free.store(true, Ordering::Relaxed);
    let realm = open(&fixture, present.policy());
    uploaded(&realm);
    assert_eq!((fixture.server.ids(), former.asked()), (vec![1], 1));
}

#[test]
fn a_receipt_of_what_another_process_sent_while_no_window_was_open_is_heard_of() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let policy = UploadPolicy {
        windows: vec![WINDOW],
        ..UploadPolicy::default()
    };
    let realm = open(&fixture, policy);
    let number = written(&realm, [1]);
    let quarter = Duration::from_secs(15 * 60);
    until("the pause", || fixture.clock.long_pauses().contains(&quarter));
    let (sender, settled) = channel();
    realm
        .receipts()
        .on_settled(number, move |outcome| sender.send(outcome.state).unwrap())
        .unwrap();
    let (other, _) = SqliteOutbox::open(realm.path(), Default::default()).unwrap();
    let identity = other.origin().unwrap().identity;
    other.settle(&identity, 1).unwrap();
    fixture.clock.release();
    assert_eq!(settled.recv_timeout(LIMIT).unwrap(), ReceiptState::Persisted);
    assert_eq!(requests(&fixture), 0);
}

#[test]
fn what_is_kept_for_a_policy_is_sent_once_it_is_opened_and_not_before() {
    let fixture = Fixture::new();
    let network = Network::default();
    let slow = UploadPolicy {
        bytes_per_second: Some(1 << 20),
        ..UploadPolicy::default()
    };
    let directory = fixture.directory.path().join("mongodb-realm/app-test");
    let config = |name: &str, upload| RealmConfig {
        path: Some(directory.join(name)),
        stop_policy: StopPolicy::Immediately,
        upload,
        ..RealmConfig::new(SCHEMA)
    };
    let user = fixture.user();
    let leave = |config: RealmConfig, id| {
        let realm = Realm::open(&user, config, None).unwrap();
        realm.session().pause();
        write(&realm, [id]);
    };
    leave(config("a.realm", network.policy()), 1);
    leave(config("b.realm", UploadPolicy::default()), 2);
    leave(config("c.realm", slow.clone()), 3);
    closed(&directory.join("b.realm"));
    closed(&directory.join("c.realm"));
    // Another start, which looks at one after the other.
    let app = fixture.restarted();
    fixture
        .server
        .until("the other", |state| !state.stored.is_empty());
    assert_eq!(fixture.server.ids(), [2]);
    until("the end of the look", || {
        ["a.realm", "c.realm"]
            .iter()
            .all(|name| times_open(&directory.join(name)) == 0)
    });
    assert_eq!(fixture.server.ids(), [2]);
    network.is_free.store(true, Ordering::Relaxed);
    let user = app.current_user().unwrap();
    let asking = Realm::open(&user, config("a.realm", network.policy()), None).unwrap();
    let slow = Realm::open(&user, config("c.realm", slow), None).unwrap();
    uploaded(&asking);
    uploaded(&slow);
    assert_eq!(fixture.server.state().stored.len(), 3);
}

#[test]
fn what_is_re_homed_is_sent_whatever_it_was_kept_for() {
    let fixture = Fixture::new();
    let network = Network::default();
    let path = fixture.directory.path().join("mongodb-realm/app-test/a.realm");
    let config = RealmConfig {
        path: Some(path.clone()),
        stop_policy: StopPolicy::Immediately,
        upload: network.policy(),
        ..RealmConfig::new(SCHEMA)
    };
    let user = fixture.user();
    let realm = Realm::open(&user, config, None).unwrap();
    realm.session().pause();
    write(&realm, [1]);
    drop(realm);
    closed(&path);
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    fixture.app.rehome(&path, &other, None).unwrap();
    fixture.server.until("the row", |state| !state.stored.is_empty());
    assert_eq!((fixture.server.ids(), network.asked()), (vec![1], 0));
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let fixture = Fixture::new();
    let config = RealmConfig {
        upload: UploadPolicy {
            bytes_per_second: Some(0),
            ..UploadPolicy::default()
        },
        ..RealmConfig::new(SCHEMA)
    };
    let error = Realm::open(&fixture.user(), config, None).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
