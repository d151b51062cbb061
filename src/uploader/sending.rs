//! One batch: sent until it is answered, and what becomes of its rows then.

use std::sync::Arc;
use std::time::Instant;

use realm_ingest_protocol::{Ack, Unlisted};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::batch::{self, Batch, Body};
use super::core::Core;
use super::exchange::{self, Answer};
use super::on_outbox;
use super::policy::{self, BatchSize, Stop, sync_error};
use crate::error::{Code, SyncError};
use crate::outbox::{self, Outbox, Settlement};

/// What keeps acknowledged rows from leaving for about a minute is told to the application.
pub(super) const SETTLE_ATTEMPTS: u32 = 8;

/// Kinds of refusals without a list that one report names; it is for a person.
const KINDS_TOLD: usize = 5;

/// What the server answered. An error in its place is one in whose face nobody knows what was taken.
pub(super) enum Sent {
    Through(Ack),
    /// Nothing was taken, in the server's own words.
    Refused(Stop),
    /// Nothing was taken; less may be.
    TooLarge,
    /// Nothing was taken: the outbox needs another name.
    Copied,
    /// Nothing was taken: what was sent after this transaction has to be sent first.
    Behind(i64),
}

/// Sends one batch until it is answered.
pub(super) async fn send(
    core: &Core,
    size: &mut BatchSize,
    batch: &Batch,
    body: &Body,
) -> Result<Sent, Stop> {
    let waits = core.waits();
    let mut schemas_sent = false;
    loop {
        core.spend(body.bytes.len());
        core.sends(batch.last, body.bytes.len());
        let started = Instant::now();
        match exchange::send_batch(core, batch, body).await {
            Ok(Answer::Acknowledged(ack)) => {
                size.answered(batch.bytes, started.elapsed());
                core.answered(&waits);
                log::debug!(
                    target: "ingest::uploader",
                    "transactions {} to {} acknowledged: {} objects, {} bytes sent, {} refused",
                    batch.first, ack.acked, batch.objects(), body.bytes.len(), batch::refused(&ack)
                );
                return Ok(Sent::Through(ack));
            }
            Ok(Answer::Copied) => return Ok(Sent::Copied),
            Ok(Answer::Behind(position)) => return Ok(Sent::Behind(position)),
            Ok(Answer::Refused(stop)) => return Ok(Sent::Refused(stop)),
            Ok(Answer::SchemasMissing(_)) if schemas_sent => {
                let stop = policy::nonsense("schemas that were just sent are still missing");
                return Ok(Sent::Refused(stop));
            }
            Ok(Answer::SchemasMissing(missing)) => {
                schemas_sent = true;
                if let Err(stop) = send_schemas(core, batch, &missing).await {
                    return Ok(Sent::Refused(stop));
                }
            }
            Ok(Answer::TooLarge(_)) if batch.transactions() > 1 => {
                size.too_large(batch.bytes);
                return Ok(Sent::TooLarge);
            }
            Ok(Answer::TooLarge(error)) => {
                let text = format!(
                    "write transaction {} with {} objects is larger than the server takes, and holds up what follows: \
                     {error}",
                    batch.first,
                    batch.objects()
                );
                return Ok(Sent::Refused(Stop::Retry(
                    sync_error(Code::LimitExceeded, text, false),
                    Some(policy::TOO_LARGE_PAUSE),
                )));
            }
            Err(stop) => {
                if matches!(&stop, Stop::Retry(error, _) if error.code == Code::ConnectionClosed) {
                    size.cut_off();
                }
                return Err(stop);
            }
        }
    }
}

async fn send_schemas(core: &Core, batch: &Batch, missing: &[String]) -> Result<(), Stop> {
    let wanted: Vec<_> = batch
        .schemas
        .iter()
        .filter(|schema| missing.contains(&schema.fingerprint))
        .collect();
    if wanted.is_empty() {
        return Err(policy::nonsense("schemas are missing that were not named"));
    }
    for schema in wanted {
        exchange::send_schema(core, schema).await?;
    }
    Ok(())
}

/// How the handling of an acknowledgement and the loop wait for each other where more is to be sent at once.
pub(super) struct Turn {
    /// What follows can be sent.
    noted: oneshot::Sender<()>,
    /// It is on its way, or is not coming.
    underway: oneshot::Receiver<()>,
}

/// The loop's side of a [`Turn`].
pub(super) struct Next {
    noted: oneshot::Receiver<()>,
    underway: oneshot::Sender<()>,
}

/// Both sides.
pub(super) fn turn() -> (Turn, Next) {
    let ((told, noted), (goes, underway)) = (oneshot::channel(), oneshot::channel());
    let turn = Turn {
        noted: told,
        underway,
    };
    (
        turn,
        Next {
            noted,
            underway: goes,
        },
    )
}

impl Next {
    /// Waits until what follows can be sent. What is returned is to be dropped when it is on its way; none where the
    /// acknowledgement could not be noted.
    pub(super) async fn noted(self) -> Option<oneshot::Sender<()>> {
        self.noted.await.ok().map(|()| self.underway)
    }
}

/// Hands the refusals to the error handler, then has the answer noted, and lets the rows leave if they may (outbox
/// invariant 3); otherwise these `stay`, each with the number of its objects. False if the outbox goes under another
/// identity than the one they were sent under: they are to be sent again. With a `turn` the rows that may leave do so while
/// what follows them is on its way.
pub(super) async fn settle(
    core: Arc<Core>,
    identity: String,
    ack: Ack,
    settlement: Settlement,
    stay: Vec<(i64, u64)>,
    turn: Option<Turn>,
) -> outbox::Result<bool> {
    if let Some(report) = refusals(ack) {
        core.report(report).await;
    }
    let settlement = Arc::new(core.counted(settlement));
    let conclude: Write = |outbox, identity, settlement| outbox.conclude(identity, settlement);
    if let Some(Turn { noted, underway }) = turn {
        let acknowledge: Write = |outbox, identity, settlement| outbox.acknowledge(identity, settlement);
        if !patiently(&core, &identity, &settlement, acknowledge).await? {
            return Ok(false);
        }
        core.concluded(&settlement, &stay);
        let _ = noted.send(());
        // Ends either way.
        let _ = underway.await;
        let settled = patiently(&core, &identity, &settlement, conclude).await?;
        return tell(&core).await.map(|()| settled);
    }
    let settled = patiently(&core, &identity, &settlement, conclude).await?;
    if settled {
        core.concluded(&settlement, &stay);
    }
    tell(&core).await.map(|()| settled)
}

async fn tell(core: &Arc<Core>) -> outbox::Result<()> {
    core.tell_progress();
    finish_waits(core).await
}

type Write = fn(&dyn Outbox, &str, &Settlement) -> outbox::Result<bool>;

/// Writes to the outbox what is to be noted of the settlement, in several attempts where it has to wait.
async fn patiently(
    core: &Arc<Core>,
    identity: &str,
    settlement: &Arc<Settlement>,
    write: Write,
) -> outbox::Result<bool> {
    let mut attempt = 0;
    loop {
        let (identity, settlement) = (identity.to_owned(), settlement.clone());
        let written = on_outbox(core, move |outbox| write(outbox, &identity, &settlement)).await;
        let error = match written {
            Ok(settled) => return Ok(settled),
            Err(error) => error,
        };
        attempt += 1;
        if core.has_ended() || !error.is_retryable() || attempt == SETTLE_ATTEMPTS {
            return Err(error);
        }
        log::warn!(target: "ingest::outbox", "acknowledged rows cannot leave yet: {error}");
        let clock = &core.app.clock;
        clock.sleep(policy::backoff(attempt, clock.random())).await;
    }
}

/// What the application is told of them; none where there are none.
fn refusals(ack: Ack) -> Option<SyncError> {
    let count = batch::refused(&ack);
    let listed = ack.refused.first().map(|one| (&one.class, &one.reason));
    let unlisted = ack.unlisted.first().map(|one| (&one.class, &one.reason));
    let (class, reason) = listed.or(unlisted)?;
    let mut text = format!("the server refused an object of '{class}': {reason}");
    if count > 1 {
        text += &format!(" (first of {count} refusals)");
    }
    if !ack.unlisted.is_empty() {
        text += &format!("; {} are not listed", count - ack.refused.len() as u64);
    }
    for kind in ack.unlisted.iter().take(KINDS_TOLD) {
        let Unlisted {
            class,
            code,
            reason,
            count,
        } = kind;
        text += &match class.as_str() {
            "" => format!(", {count} of further kinds: {code}"),
            class => format!(", {count} of '{class}': {reason}"),
        };
    }
    let mut report = sync_error(Code::SyncWriteNotAllowed, text, false);
    report.compensating_writes = ack.refused.into_iter().map(batch::compensating_write).collect();
    Some(report)
}

pub(super) async fn finish_waits(core: &Arc<Core>) -> outbox::Result<()> {
    let core = core.clone();
    // A panic in it has been printed.
    spawn_blocking(move || core.finish_waits())
        .await
        .unwrap_or(Ok(()))
}
