//! What an outbox that fails at the wrong moment may do to a session.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;

use realm_ingest_protocol::BatchReader;

use super::session::{Session, StopPolicy};
use super::*;
use crate::app::{App, AppConfig, Credentials};
use crate::clock::{Clock, Pause};
use crate::outbox::{
    Lease, Loss, LossMark, MemoryOutbox, Origin, Owner, Pending, Result, Run, SchemaId, StoredSchema,
    WriteTransaction,
};
use crate::transport::{Request, Response, ResponseFuture, Transport};

/// Does what a server does with one outbox.
#[derive(Default)]
struct Server(Mutex<Vec<i64>>);

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
                self.0.lock().unwrap().push(header.last_seq);
                format!(r#"{{"acked":{},"refused":[]}}"#, header.last_seq)
            }
            path if path.starts_with("ingest/") => r#"{"position":0,"max_batch_bytes":1000000}"#.to_owned(),
            _ => r#"{"identities":[],"data":{}}"#.to_owned(),
        };
        Box::pin(async move {
            Response {
                status: 200,
                body: body.into(),
                ..Response::default()
            }
        })
    }
}

/// The first calls of `settle` and `lease` fail.
struct Failing {
    outbox: MemoryOutbox,
    settles: AtomicU32,
    leases: AtomicU32,
}

fn fails(times: &AtomicU32) -> Result<()> {
    match times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => Err(outbox::Error::Locked {
            path: "memory".into(),
        }),
        Err(_) => Ok(()),
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
    fn register_schema(&self, fingerprint: &str, json: &str) -> Result<SchemaId> {
        self.outbox.register_schema(fingerprint, json)
    }
    fn schema(&self, id: SchemaId) -> Result<StoredSchema> {
        self.outbox.schema(id)
    }
    fn append(&self, transaction: &WriteTransaction<'_>) -> Result<i64> {
        self.outbox.append(transaction)
    }
    fn lease(&self, after: i64, max_bytes: u64) -> Result<Option<Lease>> {
        fails(&self.leases)?;
        self.outbox.lease(after, max_bytes)
    }
    fn settle(&self, through: i64) -> Result<()> {
        fails(&self.settles)?;
        self.outbox.settle(through)
    }
    fn loss_mark(&self) -> Result<LossMark> {
        self.outbox.loss_mark()
    }
    fn losses(&self, after: LossMark, through: i64) -> Result<Vec<Loss>> {
        self.outbox.losses(after, through)
    }
    fn last_seq(&self) -> Result<i64> {
        self.outbox.last_seq()
    }
    fn pending(&self) -> Result<Pending> {
        self.outbox.pending()
    }
    fn pending_through(&self, seq: i64) -> Result<bool> {
        self.outbox.pending_through(seq)
    }
    fn version(&self) -> Result<i64> {
        self.outbox.version()
    }
    fn compact(&self) -> Result<()> {
        self.outbox.compact()
    }
    fn try_become_uploader(&self) -> Result<Option<UploaderGuard>> {
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

/// Writes one row, waits until it is uploaded, and returns what was sent and which errors were reported.
fn upload(settles: u32, leases: u32) -> (Vec<i64>, Vec<Code>) {
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
    let outbox = Failing {
        outbox: MemoryOutbox::new(),
        settles: settles.into(),
        leases: leases.into(),
    };
    let schema = outbox.register_schema(&"a".repeat(32), "{}").unwrap();
    let runs = [Run {
        class: "A".to_owned(),
        count: 1,
    }];
    outbox
        .append(&WriteTransaction {
            schema,
            runs: &runs,
            payload: &[5, 0, 0, 0, 0],
        })
        .unwrap();

    let (sender, errors) = channel();
    let sender = Mutex::new(sender);
    let handler: session::ErrorHandler =
        Arc::new(move |error: &SyncError| sender.lock().unwrap().send(error.code).unwrap());
    let path = directory.path().join("a.realm");
    let policy = StopPolicy::Immediately;
    let core = Core::new(
        path,
        user,
        Arc::new(outbox),
        server.clone(),
        policy,
        Some(handler),
    );
    core.opened();
    start(&core);
    Session::of(&core)
        .wait_for_upload_blocking(Some(Duration::from_secs(60)))
        .unwrap();
    assert!(!core.has_pending());
    core.end();
    let sent = server.0.lock().unwrap().clone();
    (sent, errors.try_iter().collect())
}

#[test]
fn rows_leave_once_the_outbox_can_let_them_go_and_are_not_sent_again_for_it() {
    assert_eq!(upload(3, 0), (vec![1], vec![]));
}

#[test]
fn an_outbox_that_cannot_be_read_for_a_while_is_reported_and_tried_again() {
    assert_eq!(upload(0, 2), (vec![1], vec![Code::FileOperationFailed; 2]));
}
