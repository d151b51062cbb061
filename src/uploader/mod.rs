//! The loop of a session: become the uploader of the file, connect, lease, send, settle.
//!
//! One request is in flight at a time, so rows arrive in their order; the next batch is made ready meanwhile. What the
//! loop holds is two batches, whatever the backlog. Nothing leaves the outbox but by an acknowledgement of rows that
//! were sent, after the refusals in it were handed to the error handler.
//!
//! The loop runs while `Core::may_run` holds and is dropped where it stands when that ends; what it had sent is sent
//! again later, which the server recognises. Only the handling of an acknowledgement is a task of its own, so that it
//! is never left half way.

pub(crate) mod admission;
mod answered;
mod answers;
pub(crate) mod batch;
pub(crate) mod core;
mod exchange;
mod following;
pub mod gate;
mod identity;
mod idle;
pub(crate) mod live;
mod observer;
mod policy;
pub(crate) mod progress;
pub(crate) mod receipts;
pub(crate) mod registry;
mod report;
mod sending;
pub mod session;
#[cfg(test)]
mod tests;
mod tidy;
mod together;
mod told;
pub(crate) mod waits;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use self::core::Core;
use crate::outbox::{self, Outbox, UploaderGuard};
use batch::Batch;
use policy::{BatchSize, Stop, sync_error};
pub(crate) use policy::{backoff, slow_pause};
use sending::{Next, Sent, finish_waits, send, settle};
use session::ConnectionState;

/// Another process has the right to drain the file: no sooner than this is it tried again.
const BUSY_POLL: Duration = Duration::from_millis(200);

/// No outbox has this version.
const NOT_LOOKED: i64 = 0;

pub(crate) fn start(core: &Arc<Core>) {
    core.app.runtime.spawn(run(core.clone()));
}

async fn run(core: Arc<Core>) {
    log::info!(target: "ingest::session", "started for {}", core.path.display());
    let mut uploader = Uploader::new(core.clone());
    loop {
        let may_run = tokio::select! {
            biased;
            stops = core.until_may_run() => stops,
            never = uploader.tidy_while_stopped() => never,
        };
        let Some(stops) = may_run else { break };
        uploader.stops = stops;
        tokio::select! {
            biased;
            () = core.until_stopped(stops) => {}
            () = uploader.work() => {}
        }
        core.set_refreshing(false);
        core.disconnected();
        uploader.right = None;
        uploader.next = None;
        end_if_done(&core);
    }
    log::info!(target: "ingest::session", "ended for {}", core.path.display());
}

/// Whoever has the turn of the path may be waiting for the session to let go of the file, so that is not kept open for it.
fn end_if_done(core: &Arc<Core>) {
    let (path, core) = (core.path.clone(), Arc::downgrade(core));
    // Reads the outbox.
    spawn_blocking(move || registry::end_if_done(&path, &core));
}

struct Uploader {
    core: Arc<Core>,
    /// Since when the loop runs.
    stops: u64,
    /// The right to drain the file; held only while there are rows, so that any process can be next.
    right: Option<UploaderGuard>,
    /// The outbox's when it was last looked at. Rows read under another one are not those of now.
    identity: String,
    /// As the identity; another one is drawn when rows leave.
    lineage: String,
    size: BatchSize,
    /// Rows up to here may have been taken by the server under the present lineage. All of them have to be acknowledged
    /// before any leaves and another lineage is drawn: the rest would be taken for rows of a copy.
    taken: i64,
    /// Rows up to here were acknowledged under the present lineage. Those of them that are still there wait for the rest
    /// of `taken`, and are not sent again.
    acked: i64,
    /// The identity was drawn anew because the server knew the former one from another file.
    renamed: bool,
    /// The outbox, the server's position and what it had acknowledged, as they were last reported.
    gap: Option<(String, i64, i64)>,
    /// The handling of the last acknowledgement.
    settling: Option<JoinHandle<outbox::Result<bool>>>,
    /// Its rows leave while the next batch is on its way.
    next: Option<Next>,
    /// Attempts that failed since the last that did not.
    failures: u32,
    /// Those that met an error that lasts.
    lasting: u32,
    /// The outbox's when it was last looked at for rows.
    version: i64,
    /// Rows wait for another process to give the right back.
    blocked: bool,
    /// Rows left since the file was last compacted.
    drained: bool,
    /// Since when rows were seen to wait; none when none do.
    waiting_since: Option<Instant>,
}

impl Uploader {
    fn new(core: Arc<Core>) -> Uploader {
        Uploader {
            core,
            stops: 0,
            right: None,
            identity: String::new(),
            lineage: String::new(),
            size: BatchSize::new(),
            taken: 0,
            acked: 0,
            renamed: false,
            gap: None,
            settling: None,
            next: None,
            failures: 0,
            lasting: 0,
            version: NOT_LOOKED,
            blocked: false,
            drained: false,
            waiting_since: None,
        }
    }

    /// Works until nothing is left to do for a session that nobody has open.
    async fn work(&mut self) {
        while self.until_admitted().await {
            let Err(stop) = self.connected().await else { return };
            self.core.disconnected();
            self.right = None;
            let random = self.core.app.clock.random();
            let pause = match stop {
                Stop::NotNow => continue,
                // Whoever logs the user out ends this; one who is logged in again meanwhile has other tokens.
                Stop::SignedOut => policy::pause(self.failures, random, None),
                Stop::Retry(error, at_least) => {
                    self.core.report_soon(error);
                    policy::pause(self.failures, random, at_least)
                }
                Stop::Unusable(error) => {
                    self.core.fail(error);
                    policy::pause(self.failures, random, None)
                }
                Stop::Lasting(error) => {
                    self.core.fail(error);
                    self.lasting = self.lasting.saturating_add(1);
                    policy::slow_pause(self.lasting - 1, random)
                }
            };
            self.failures = self.failures.saturating_add(1);
            self.pause(pause).await;
        }
    }

    async fn pause(&mut self, pause: Duration) {
        log::debug!(target: "ingest::session", "next attempt in {pause:?}");
        tokio::select! {
            () = self.core.app.clock.sleep(pause) => {}
            () = self.tidy() => {}
            () = self.core.hurry.notified() => (self.failures, self.lasting) = (0, 0),
        }
    }

    /// One connection: from the handshake until something fails. Ends without failure when the work is done and
    /// nobody has the realm open.
    async fn connected(&mut self) -> Result<(), Stop> {
        self.settled().await?;
        self.admitted().await?;
        self.core.show_connection(self.stops, ConnectionState::Connecting);
        self.handshake().await?;
        loop {
            self.drain().await?;
            self.succeeded();
            finish_waits(&self.core).await.map_err(unusable)?;
            // What another process did, too.
            self.core.tell_progress();
            if std::mem::take(&mut self.drained) {
                self.outbox(|outbox| outbox.compact())
                    .await
                    .unwrap_or_else(|error| {
                        log::warn!(target: "ingest::outbox", "space was not given back: {error}");
                    });
            }
            if self.core.is_dying() && !self.has_pending().await {
                return Ok(());
            }
            if self.core.has_unanswered_waits() {
                self.admitted().await?;
                self.handshake().await?;
            } else if self.core.gate().policy().is_conditional() && !self.blocked {
                // What allowed the last batch says nothing about the next.
                return Err(Stop::NotNow);
            } else {
                self.idle().await;
            }
        }
    }

    fn succeeded(&mut self) {
        (self.failures, self.lasting) = (0, 0);
        self.core.succeeded(self.stops);
    }

    /// Sends until no rows are left, or until another process turns out to be sending them.
    async fn drain(&mut self) -> Result<(), Stop> {
        self.settled().await?;
        self.blocked = false;
        // Read first: what is written from here on is noticed by `idle`.
        self.version = self.version().await;
        let pending = self.outbox(|outbox| outbox.pending()).await.map_err(unusable)?;
        if pending.transactions > 0 {
            self.size.pace(self.core.gate().policy().batch_limit());
            self.gather().await;
            let mut is_done = false;
            while !is_done {
                // That may take long, and others can be next meanwhile.
                self.right = None;
                self.core.pace().await;
                if !self.take_right().await? {
                    self.blocked = true;
                    return Ok(());
                }
                is_done = self.send_all().await?;
            }
        }
        self.waiting_since = None;
        self.right = None;
        Ok(())
    }

    /// Sends until no rows are left. To be called with the right to do so, and again where it returns false: then the next
    /// batch has to wait for the rate.
    async fn send_all(&mut self) -> Result<bool, Stop> {
        // Another uploader may have sent rows before it gave the right back.
        let origin = self.outbox(|outbox| outbox.origin()).await.map_err(unusable)?;
        self.goes_as(&origin);
        let gathers = !self.core.gate().policy().batch_delay.is_zero();
        let mut ahead: Option<Batch> = None;
        // What the server said it lacks was sent, and it has not answered for that yet.
        let mut went_back = false;
        loop {
            let next = match ahead.take() {
                Some(batch) => Some(batch),
                None => self.prepare().await?,
            };
            let Some(batch) = next else {
                if self.settled().await? {
                    return Ok(true);
                }
                continue;
            };
            // The rows before have to be settled: the lineage under which these are sent is the one under which they are
            // sent again.
            let underway = self.noted().await?;
            // First: who is asked is asked for a batch that goes at once.
            if self.core.until_paid().is_some() {
                return Ok(false);
            }
            self.check_owner().await?;
            self.admitted().await?;
            let now = self.outbox(|outbox| Ok((outbox.origin()?, report::of(outbox)?)));
            let (origin, device) = now.await.map_err(unusable)?;
            let identity = origin.identity.clone();
            if self.goes_as(&origin) {
                // The file was replaced or renamed since the batch was read: nothing of it was sent under this one.
                continue;
            }
            let body = batch.body(origin, self.acked, device).map_err(unusable)?;
            let (last, size, taken) = (batch.last, self.size, self.taken);
            self.taken = taken.max(last);
            drop(underway);
            let (sent, prepared) = tokio::join!(
                send(&self.core, &mut self.size, &batch, &body),
                ahead_of(&self.core, size, &batch)
            );
            let sent = sent?;
            if !matches!(sent, Sent::Through(_)) {
                self.taken = taken;
            }
            match sent {
                Sent::TooLarge => continue,
                Sent::Refused(stop) => return Err(stop),
                Sent::Copied if self.renamed => {
                    return Err(policy::nonsense("a new outbox is said to be a copy"));
                }
                Sent::Copied => {
                    let why = "the server knows another file under its name";
                    self.renew_identity(&identity, why).await?;
                    self.renamed = true;
                    continue;
                }
                Sent::Behind(position) if position >= self.acked => {
                    return Err(policy::nonsense("what was acknowledged is said to be missing"));
                }
                // Another batch at once would be one without end.
                Sent::Behind(_) if went_back => {
                    return Err(policy::nonsense("it lacks more each time"));
                }
                Sent::Behind(position) => {
                    went_back = true;
                    // The server was restored meanwhile; those rows are still here.
                    self.acked = position;
                    self.core.is_behind(position);
                    continue;
                }
                Sent::Through(ack) => {
                    went_back = false;
                    self.failures = 0;
                    self.core.app.relogins.store(0, Ordering::Relaxed);
                    self.renamed = false;
                    self.acked = ack.acked;
                    self.drained = true;
                    self.took(ack.position).await?;
                    self.settled().await?;
                    // What was made ready stands if all before it was taken and it is as large as it may be: a smaller one
                    // is made anew, as more rows may have come.
                    let fits = |batch: &Batch| batch.bytes <= self.size.target() && batch.is_full(self.size);
                    ahead = prepared.filter(|batch| self.acked == last && fits(batch));
                    let mut settlement = batch.settlement(&ack);
                    settlement.leave = ack.acked >= self.taken;
                    let stay = if settlement.leave {
                        Vec::new()
                    } else {
                        batch.rows_through(ack.acked)
                    };
                    // Not where the application is asked in between: it takes its time.
                    let follows = ahead.is_some() && !self.core.gate().policy().is_conditional();
                    let (turn, next) = (settlement.leave && follows).then(sending::turn).unzip();
                    self.next = next;
                    self.settling = Some(tokio::spawn(settle(
                        self.core.clone(),
                        identity,
                        ack,
                        settlement,
                        stay,
                        turn,
                    )));
                }
            }
            if gathers && self.acked == last && !batch.is_full(self.size) && self.settled().await? {
                // What came meanwhile has its own time to become more. It is looked for at once.
                self.version = NOT_LOOKED;
                return Ok(true);
            }
        }
    }

    async fn prepare(&mut self) -> Result<Option<Batch>, Stop> {
        let (after, target) = (self.acked, self.size.target());
        self.outbox(move |outbox| Batch::next(outbox, after, target))
            .await
            .map_err(unusable)
    }

    async fn take_right(&mut self) -> Result<bool, Stop> {
        if self.right.is_none() {
            self.right = self
                .outbox(|outbox| outbox.try_become_uploader())
                .await
                .map_err(unusable)?;
        }
        Ok(self.right.is_some())
    }

    /// Waits until what follows the last acknowledgement can be sent. What is returned is to be dropped when it is on its
    /// way.
    async fn noted(&mut self) -> Result<Option<oneshot::Sender<()>>, Stop> {
        if let Some(next) = self.next.take()
            && let Some(underway) = next.noted().await
        {
            return Ok(Some(underway));
        }
        self.settled().await.map(|_| None)
    }

    /// Waits for the handling of the last acknowledgement. Where the rows could not leave, they are sent again, and the
    /// server recognises them. False if they are to be sent again under another identity.
    async fn settled(&mut self) -> Result<bool, Stop> {
        self.next = None;
        let Some(settling) = &mut self.settling else {
            return Ok(true);
        };
        let done = settling.await;
        self.settling = None;
        if !matches!(done, Ok(Ok(true))) {
            self.acked = 0;
            self.core.counts_anew();
        }
        // A panic in it has been printed.
        let settled = done.unwrap_or(Ok(true)).map_err(unusable)?;
        self.succeeded();
        Ok(settled)
    }

    async fn has_pending(&self) -> bool {
        let core = self.core.clone();
        spawn_blocking(move || core.has_pending()).await.unwrap_or(true)
    }

    async fn outbox<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Outbox) -> outbox::Result<T> + Send + 'static,
    ) -> outbox::Result<T> {
        on_outbox(&self.core, call).await
    }
}

/// Calls the outbox on a thread that may wait for the disk.
async fn on_outbox<T: Send + 'static>(
    core: &Core,
    call: impl FnOnce(&dyn Outbox) -> outbox::Result<T> + Send + 'static,
) -> outbox::Result<T> {
    let outbox = core.outbox.clone();
    let done = spawn_blocking(move || call(&*outbox)).await;
    done.unwrap_or_else(|_| {
        Err(outbox::Error::Abandoned {
            path: core.path.clone(),
        })
    })
}

/// The batch behind this one, if this one is full: then there is probably more. None where it has to wait for the rate,
/// as it is read anew then. Failures are met again when it is its turn.
async fn ahead_of(core: &Core, size: BatchSize, batch: &Batch) -> Option<Batch> {
    if !batch.is_full(size) || core.gate().policy().bytes_per_second.is_some() {
        return None;
    }
    let (after, target) = (batch.last, size.target());
    on_outbox(core, move |outbox| Batch::next(outbox, after, target))
        .await
        .unwrap_or_default()
}

/// The outbox itself failed.
fn unusable(error: outbox::Error) -> Stop {
    let retryable = error.is_retryable();
    let error = crate::Error::from(error);
    let report = sync_error(error.code(), error.full_message(), !retryable);
    if retryable {
        Stop::Unusable(report)
    } else {
        Stop::Lasting(report)
    }
}
