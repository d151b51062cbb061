//! What an outbox that fails at the wrong moment may do to a session.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};

use realm_ingest_protocol::BatchReader;
use tokio::sync::Semaphore;

use super::receipts::{Listener, Outcome, ReceiptState};
use super::sending::SETTLE_ATTEMPTS;
use super::session::{Session, StopPolicy};
use super::*;
use crate::SyncError;
use crate::app::{App, AppConfig, Credentials};
use crate::clock::{Clock, Pause};
use crate::error::Code;
use crate::outbox::{
    Fate, Lease, Loss, LossMark, MemoryOutbox, Number, Origin, Owner, Pending, Result, Run, SchemaId,
    Settlement, StoredSchema, Tally, WriteTransaction,
};
use crate::realm::options::Choices;
use crate::transport::{Request, Response, ResponseFuture, Transport};

/// Does what a server does with one outbox: keeps under which name it sent how far.
#[derive(Default)]
struct Server {
    stored: Mutex<Vec<(String, i64)>>,
    /// It refuses the first transaction, and answers for no other in the first batch.
    refuses: AtomicBool,
    /// How many batches more it answers for, if that is limited.
    answers: Mutex<Option<Arc<Semaphore>>>,
}

impl Server {
    fn position(&self, outbox: &str) -> i64 {
        let stored = self.stored.lock().unwrap();
        let of_it = stored.iter().filter(|(name, _)| name == outbox);
        of_it.map(|(_, last)| *last).max().unwrap_or(0)
    }
}

impl Transport for Server {
    fn send(&self, request: Request) -> ResponseFuture {
        let path = request.url.rsplit("/app/a/").next().unwrap_or_default();
        let body = match path {
            "location" => r#"{"hostname":""}"#.to_owned(),
            "auth/providers/anon-user/login" => {
                let token = "e30.eyJleHAiOjQwMDAwMDAwMDAsImlhdCI6Mzk5OTk5MDAwMH0.s";
                format!(
                    r#"{{"access_token":"{token}","refresh_token":"{token}","user_id":"u","device_id":""}}"#
                )
            }
            "ingest" => {
                let body = match request.headers.iter().any(|(_, value)| value == "zstd") {
                    true => zstd::stream::decode_all(&request.body[..]).unwrap(),
                    false => request.body.to_vec(),
                };
                let header = BatchReader::new(&body).unwrap().header().clone();
                let mut stored = self.stored.lock().unwrap();
                let (is_first, refuses) = (stored.is_empty(), self.refuses.load(Ordering::Relaxed));
                let acked = if refuses && is_first { 1 } else { header.last_seq };
                stored.push((header.outbox, acked));
                let refused = if refuses && header.first_seq == 1 {
                    r#"{"seq":1,"index":0,"class":"A","_id":null,"code":"c","reason":"r"}"#
                } else {
                    ""
                };
                format!(r#"{{"acked":{acked},"refused":[{refused}]}}"#)
            }
            path if path.starts_with("ingest/") => {
                let position = self.position(&path["ingest/".len()..]);
                format!(r#"{{"position":{position},"max_batch_bytes":1000000}}"#)
            }
            _ => r#"{"identities":[],"data":{}}"#.to_owned(),
        };
        let answers = self.answers.lock().unwrap().clone();
        let answers = answers.filter(|_| path == "ingest");
        Box::pin(async move {
            if let Some(answers) = answers {
                answers.acquire().await.unwrap().forget();
            }
            Response {
                status: 200,
                body: body.into(),
                ..Response::default()
            }
        })
    }
}

/// The first calls of `lease` fail, and of `conclude` those that let rows leave.
struct Failing {
    outbox: MemoryOutbox,
    settles: AtomicU32,
    leases: AtomicU32,
    /// How often rows were given out, and how often the right to send them was asked for.
    leased: AtomicU32,
    asked: AtomicU32,
    tidied: AtomicU32,
    /// The file is replaced by one of another name, which lacks a row, after the next lease.
    replaced: AtomicBool,
    /// Damage has taken all rows.
    damaged: AtomicBool,
    /// It is renamed before the next settling.
    renamed: AtomicBool,
    /// Refused objects of the rows that left.
    refused: AtomicU64,
    /// In turns.
    errors: Vec<outbox::Error>,
    /// Done in the middle of the next call of `newest_waiting`.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Failing {
    fn new(settles: u32, leases: u32, error: outbox::Error) -> Failing {
        Failing {
            outbox: MemoryOutbox::new(),
            settles: settles.into(),
            leases: leases.into(),
            leased: 0.into(),
            asked: 0.into(),
            tidied: 0.into(),
            replaced: false.into(),
            damaged: false.into(),
            renamed: false.into(),
            refused: 0.into(),
            errors: vec![error],
            meanwhile: Mutex::default(),
        }
    }

    fn fails(&self, times: &AtomicU32) -> Result<()> {
        match times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(left) => Err(self.errors[left as usize % self.errors.len()].clone()),
            Err(_) => Ok(()),
        }
    }
}

/// Passes.
fn locked() -> outbox::Error {
    outbox::Error::Locked {
        path: "memory".into(),
    }
}

/// Stays.
fn missing() -> outbox::Error {
    outbox::Error::MissingFolder {
        path: "memory".into(),
    }
}

impl Outbox for Failing {
    fn origin(&self) -> Result<Origin> {
        self.outbox.origin()
    }
    fn renew_identity(&self) -> Result<String> {
        self.outbox.renew_identity()
    }
    fn owner(&self) -> Result<Option<Owner>> {
        self.outbox.owner()
    }
    fn set_owner(&self, owner: &Owner) -> Result<()> {
        self.outbox.set_owner(owner)
    }
    fn set_first_owner(&self, owner: &Owner) -> Result<Owner> {
        self.outbox.set_first_owner(owner)
    }
    fn register_schema(&self, fingerprint: &str, json: &str) -> Result<SchemaId> {
        self.outbox.register_schema(fingerprint, json)
    }
    fn schema(&self, id: SchemaId) -> Result<StoredSchema> {
        self.outbox.schema(id)
    }
    fn store(&self, transaction: &WriteTransaction<'_>) -> Result<Number> {
        self.outbox.store(transaction)
    }
    fn lease(&self, after: i64, max_bytes: u64) -> Result<Option<Lease>> {
        self.fails(&self.leases)?;
        self.leased.fetch_add(1, Ordering::Relaxed);
        let mut lease = self.outbox.lease(after, max_bytes)?;
        if self.replaced.swap(false, Ordering::Relaxed) {
            let rows = &mut lease.as_mut().unwrap().rows;
            let mut lost = rows[0].clone();
            lost.seq += 1;
            rows.push(lost);
            self.outbox.renew_identity()?;
        }
        Ok(lease)
    }
    fn acknowledge(&self, identity: &str, settlement: &Settlement) -> Result<bool> {
        self.outbox.acknowledge(identity, settlement)
    }
    fn conclude(&self, identity: &str, settlement: &Settlement) -> Result<bool> {
        if settlement.leave {
            self.fails(&self.settles)?;
            self.refused
                .fetch_add(settlement.refused_objects, Ordering::Relaxed);
        }
        if self.renamed.swap(false, Ordering::Relaxed) {
            self.outbox.renew_identity()?;
        }
        self.outbox.conclude(identity, settlement)
    }
    fn loss_mark(&self) -> Result<LossMark> {
        self.outbox.loss_mark()
    }
    fn losses(&self, after: LossMark, through: i64) -> Result<Vec<Loss>> {
        self.outbox.losses(after, through)
    }
    fn newest_waiting(&self) -> Result<i64> {
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        self.outbox.newest_waiting()
    }

    fn last_seq(&self) -> Result<i64> {
        self.outbox.last_seq()
    }
    fn pending(&self) -> Result<Pending> {
        self.outbox.pending()
    }
    fn waiting_since(&self) -> Result<Option<i64>> {
        self.outbox.waiting_since()
    }

    fn oldest(&self) -> Result<Option<i64>> {
        self.outbox.oldest()
    }
    fn fate(&self, number: Number, is_acknowledged: bool) -> Result<Fate> {
        if self.damaged.load(Ordering::Relaxed) {
            return Ok(Fate::Damaged);
        }
        self.outbox.fate(number, is_acknowledged)
    }
    fn tally(&self) -> Result<Tally> {
        self.outbox.tally()
    }
    fn version(&self) -> Result<i64> {
        self.outbox.version()
    }
    fn tidy(&self) -> Result<bool> {
        // Two steps each time.
        Ok(self.tidied.fetch_add(1, Ordering::Relaxed).is_multiple_of(2))
    }
    fn compact(&self) -> Result<()> {
        self.outbox.compact()
    }
    fn try_become_uploader(&self) -> Result<Option<UploaderGuard>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.outbox.try_become_uploader()
    }
}

struct Quick;

impl Clock for Quick {
    fn sleep(&self, _: Duration) -> Pause {
        Box::pin(tokio::time::sleep(Duration::from_millis(1)))
    }
    fn random(&self) -> f64 {
        0.5
    }
}

fn write(outbox: &dyn Outbox) {
    write_of(outbox, &[5, 0, 0, 0, 0]);
}

fn write_of(outbox: &dyn Outbox, payload: &[u8]) {
    let schema = outbox.register_schema(&"a".repeat(32), "{}").unwrap();
    let runs = [Run {
        class: "A".to_owned(),
        count: 1,
    }];
    let transaction = WriteTransaction {
        schema,
        runs: &runs,
        payload,
    };
    outbox.append(&transaction).unwrap();
}

/// A session over an outbox with one row in it.
struct Fixture {
    server: Arc<Server>,
    outbox: Arc<Failing>,
    core: Arc<Core>,
    session: Session,
    errors: Receiver<SyncError>,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new(outbox: Failing) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let server = Arc::new(Server::default());
        let app = App::open(AppConfig {
            base_url: Some("http://server".to_owned()),
            path: Some(directory.path().to_owned()),
            enable_caching: false,
            transport: Some(server.clone()),
            clock: Arc::new(Quick),
            ..AppConfig::new("a")
        });
        let user = app.unwrap().login(&Credentials::anonymous()).unwrap();
        let outbox = Arc::new(outbox);
        write(&*outbox);
        let (sender, errors) = channel();
        let sender = Mutex::new(sender);
        let handler: session::ErrorHandler =
            Arc::new(move |error: &SyncError| sender.lock().unwrap().send(error.clone()).unwrap());
        let core = Core::new(
            directory.path().join("a.realm"),
            user,
            outbox.clone(),
            server.clone(),
            StopPolicy::Immediately,
            Some(handler),
            Choices::default(),
        );
        core.opened();
        Fixture {
            server,
            outbox,
            session: Session::of(&core),
            core,
            errors,
            _directory: directory,
        }
    }

    fn wait(&self) -> Receiver<crate::Result<()>> {
        let (sender, result) = channel();
        self.session
            .wait_for_upload(move |done| sender.send(done).unwrap());
        result
    }

    fn sent(&self) -> Vec<i64> {
        let stored = self.server.stored.lock().unwrap();
        stored.iter().map(|(_, last)| *last).collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.core.end();
    }
}

const LIMIT: Duration = Duration::from_secs(60);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what} did not come about");
        std::thread::yield_now();
    }
}

#[test]
fn rows_leave_once_the_outbox_can_let_them_go_and_are_not_sent_again_for_it() {
    let fixture = Fixture::new(Failing::new(3, 0, locked()));
    start(&fixture.core);
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert!(!fixture.core.has_pending());
    assert_eq!(fixture.sent(), [1]);
    assert!(fixture.errors.try_recv().is_err());
}

#[test]
fn rows_leave_while_those_behind_them_are_on_their_way() {
    let fixture = Fixture::new(Failing::new(0, 0, locked()));
    let answers = Arc::new(Semaphore::new(2));
    *fixture.server.answers.lock().unwrap() = Some(answers.clone());
    // Half of what the server takes at once, and so as large as a batch gets.
    for _ in 0..3 {
        write_of(&*fixture.outbox, &vec![0; 500_000]);
    }
    let waits = fixture.wait();
    start(&fixture.core);
    let waiting = || fixture.outbox.pending().unwrap().transactions;
    until("the third batch", || fixture.sent().len() == 3);
    until("the end of the first ones", || waiting() == 2);
    answers.add_permits(2);
    waits.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!((fixture.sent(), waiting()), (vec![1, 2, 3, 4], 0));
}

#[test]
fn rows_leave_also_if_those_behind_them_are_not_sent_any_more() {
    let fixture = Fixture::new(Failing::new(0, 0, locked()));
    let answers = Arc::new(Semaphore::new(2));
    *fixture.server.answers.lock().unwrap() = Some(answers);
    for _ in 0..3 {
        write_of(&*fixture.outbox, &vec![0; 500_000]);
    }
    start(&fixture.core);
    until("the second answer", || {
        fixture.outbox.origin().unwrap().acked == 2
    });
    fixture.session.pause();
    let waiting = || fixture.outbox.pending().unwrap().transactions;
    until("the end of the first rows", || waiting() == 2);
}

#[test]
fn rows_that_cannot_leave_for_long_are_reported_and_sent_again() {
    let fixture = Fixture::new(Failing::new(SETTLE_ATTEMPTS, 0, locked()));
    start(&fixture.core);
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.sent(), [1, 1]);
    let error = fixture.errors.try_recv().unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::FileOperationFailed, false));
    assert!(fixture.errors.try_recv().is_err());
}

#[test]
fn rows_that_an_error_keeps_from_leaving_end_the_wait_and_leave_when_it_is_gone() {
    let fixture = Fixture::new(Failing::new(3, 0, missing()));
    let waiting = fixture.wait();
    start(&fixture.core);
    let error = waiting.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(error.code(), Code::FileOperationFailed);
    let told = fixture.errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((told.code, told.is_fatal), (Code::FileOperationFailed, true));
    until("the end of the row", || {
        !fixture.core.has_pending() && fixture.core.is_active()
    });
    assert_eq!(fixture.sent(), [1; 4]);
    assert!(fixture.errors.try_recv().is_err(), "it is told once");
}

#[test]
fn a_refusal_counts_once_where_the_rows_could_not_leave() {
    let fixture = Fixture::new(Failing::new(1, 0, missing()));
    fixture.server.refuses.store(true, Ordering::Relaxed);
    write(&*fixture.outbox);
    start(&fixture.core);
    until("the end of the rows", || !fixture.core.has_pending());
    assert_eq!(fixture.sent(), [1, 2, 2]);
    assert_eq!(fixture.outbox.refused.load(Ordering::Relaxed), 1);
}

#[test]
fn rows_acknowledged_under_a_former_identity_are_sent_again() {
    let outbox = Failing::new(0, 0, locked());
    outbox.renamed.store(true, Ordering::Relaxed);
    let fixture = Fixture::new(outbox);
    start(&fixture.core);
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.sent(), [1, 1]);
    assert!(!fixture.core.has_pending());
    assert!(fixture.errors.try_recv().is_err());
}

#[test]
fn rows_read_under_a_former_identity_are_read_anew_before_they_are_sent() {
    let outbox = Failing::new(0, 0, locked());
    outbox.replaced.store(true, Ordering::Relaxed);
    let fixture = Fixture::new(outbox);
    start(&fixture.core);
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.sent(), [1]);
    assert!(fixture.errors.try_recv().is_err());
}

#[test]
fn an_outbox_that_cannot_be_read_for_a_while_is_tried_again_and_reported_once_for_each_reason() {
    let mut outbox = Failing::new(0, 4, locked());
    outbox.errors.push(outbox::Error::NoMemory);
    let fixture = Fixture::new(outbox);
    start(&fixture.core);
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.sent(), [1]);
    let told: Vec<_> = fixture.errors.try_iter().map(|error| error.code).collect();
    assert_eq!(told, [Code::FileOperationFailed, Code::RuntimeError]);
}

#[test]
fn an_outbox_that_fails_again_after_it_worked_is_reported_again() {
    let fixture = Fixture::new(Failing::new(0, 1, locked()));
    start(&fixture.core);
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.errors.try_iter().count(), 1);
    fixture.outbox.leases.store(1, Ordering::Relaxed);
    write(&*fixture.outbox);
    fixture.core.work.notify_one();
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.sent(), [1, 2]);
    assert_eq!(fixture.errors.try_iter().count(), 1);
}

#[test]
fn rows_are_not_read_before_there_is_the_right_to_send_them() {
    let fixture = Fixture::new(Failing::new(0, 0, locked()));
    let right = fixture.outbox.outbox.try_become_uploader().unwrap();
    start(&fixture.core);
    until("a second try", || {
        fixture.outbox.asked.load(Ordering::Relaxed) > 1
    });
    assert_eq!(fixture.outbox.leased.load(Ordering::Relaxed), 0);
    drop(right);
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.sent(), [1]);
}

#[test]
fn a_wait_that_begins_while_a_paused_session_ends_is_told_so() {
    let fixture = Fixture::new(Failing::new(0, 0, locked()));
    fixture.session.pause();
    let core = fixture.core.clone();
    *fixture.outbox.meanwhile.lock().unwrap() = Some(Box::new(move || core.end()));
    let ended = fixture.wait().recv_timeout(LIMIT).unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::OperationAborted);
}

#[test]
fn rows_are_packed_also_while_the_session_is_stopped() {
    let fixture = Fixture::new(Failing::new(0, 0, locked()));
    fixture.session.pause();
    start(&fixture.core);
    let until_tidied = |times| {
        until("a pack", || {
            fixture.outbox.tidied.load(Ordering::Relaxed) >= times
        });
    };
    until_tidied(2);
    fixture.core.work.notify_one();
    until_tidied(4);
    fixture.session.resume();
    fixture.wait().recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.sent(), [1]);
}

#[test]
fn who_waits_for_what_damage_took_hears_of_it_while_older_rows_wait() {
    let fixture = Fixture::new(Failing::new(0, 0, locked()));
    write(&*fixture.outbox);
    let (sender, heard) = channel();
    let listener = Listener::Thread(Box::new(move |outcome: Outcome| {
        sender.send(outcome.state).unwrap();
    }));
    let newest = Number::from_bits(2);
    fixture.core.await_outcome(newest, 0, listener).unwrap();
    fixture.outbox.damaged.store(true, Ordering::Relaxed);
    fixture.core.recovered();
    assert_eq!(heard.try_recv().unwrap(), ReceiptState::Damaged);
}

#[test]
fn a_wait_that_ended_at_its_limit_is_forgotten() {
    let fixture = Fixture::new(Failing::new(0, 0, locked()));
    fixture.session.pause();
    let waited = fixture.session.wait_for_upload_blocking(Some(Duration::ZERO));
    assert_eq!(waited.unwrap_err().code(), Code::WaitTimedOut);
    assert!(!fixture.core.has_waits());
}
