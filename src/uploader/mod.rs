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
mod draining;
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
mod reports;
mod sending;
pub mod session;
mod states;
mod status;
#[cfg(test)]
mod tests;
mod tidy;
mod together;
mod told;
pub(crate) mod waits;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_blocking};

use self::core::Core;
use crate::outbox::{self, Outbox, UploaderGuard};
use policy::{BatchSize, Stop, sync_error};
pub(crate) use policy::{backoff, slow_pause};
use sending::{Next, finish_waits};
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
