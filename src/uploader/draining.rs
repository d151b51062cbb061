//! What waits is sent, batch after batch, until nothing is left.

use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::batch::Batch;
use super::core::Core;
use super::policy::{self, BatchSize, Stop};
use super::sending::{self, Sent, send, settle};
use super::{NOT_LOOKED, Uploader, on_outbox, report, unusable};

impl Uploader {
    /// Sends until no rows are left, or until another process turns out to be sending them.
    pub(super) async fn drain(&mut self) -> Result<(), Stop> {
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

    pub(super) async fn take_right(&mut self) -> Result<bool, Stop> {
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
    pub(super) async fn settled(&mut self) -> Result<bool, Stop> {
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
