//! Under which name and for whom an outbox is sent: what the server says of it at the handshake, and what follows where
//! it is a copy, belongs to another user by now, or is ahead of a server that forgot.

use super::policy::{Stop, sync_error};
use super::session::ConnectionState;
use super::{BUSY_POLL, Uploader, exchange, unusable};
use crate::error::Code;
use crate::outbox::{Origin, Owner};
use crate::realm::homes;

impl Uploader {
    pub(super) async fn handshake(&mut self) -> Result<(), Stop> {
        self.check_owner().await?;
        let waits = self.core.waits();
        // Read before the question: what is acknowledged from now on, to whomever, the server knows.
        let origin = self.outbox(|outbox| outbox.origin()).await.map_err(unusable)?;
        self.goes_as(&origin);
        let position = exchange::handshake(&self.core, &origin.identity).await?;
        self.size.limit(position.max_batch_bytes);
        // Read after the answer: another process may have added and uploaded rows meanwhile.
        let last = self.outbox(|outbox| outbox.last_seq()).await.map_err(unusable)?;
        if position.position <= last {
            self.taken = self.taken.max(position.position);
        }
        if position.position > last {
            let why = format!("it gave out {last}, and the server has {}", position.position);
            self.renew_identity(&origin.identity, &why).await?;
        } else if position.position < origin.acked {
            self.server_went_back(&origin, position.position);
        }
        self.core.answered(&waits);
        self.core.show_connection(self.stops, ConnectionState::Connected);
        Ok(())
    }

    /// The server has taken rows up to here under the present lineage: another process sent them, and ended before it was
    /// answered. A position beyond all that was given out is left to the next handshake.
    pub(super) async fn took(&mut self, position: i64) -> Result<(), Stop> {
        if position > self.taken {
            let last = self.outbox(|outbox| outbox.last_seq()).await.map_err(unusable)?;
            if position <= last {
                self.taken = position;
            }
        }
        Ok(())
    }

    /// Rows are sent with the tokens of whom they belong to, at every moment: another process may have re-homed them.
    pub(super) async fn check_owner(&mut self) -> Result<(), Stop> {
        let owner = self.outbox(|outbox| outbox.owner()).await.map_err(unusable)?;
        match owner.filter(|owner| !homes::is_owner(&self.core.user(), owner)) {
            None => Ok(()),
            Some(owner) => {
                // Whoever changes the owner needs it.
                self.right = None;
                Err(self.moved(owner).await)
            }
        }
    }

    /// Another process has given the outbox to another user.
    async fn moved(&self, owner: Owner) -> Stop {
        if homes::follow(&self.core, &owner).await {
            // The new user's coming ends this.
            return Stop::SignedOut;
        }
        let text = format!(
            "the outbox at {} was re-homed by another process and belongs to user {} of app {}, who is not logged in here",
            self.core.path.display(),
            owner.user,
            owner.app
        );
        Stop::Retry(sync_error(Code::MismatchedConfig, text, false), None)
    }

    /// The outbox is a copy, an older one or a twin: its next rows would be taken for ones that are already stored.
    pub(super) async fn renew_identity(&mut self, former: &str, why: &str) -> Result<(), Stop> {
        while !self.take_right().await? {
            self.core.app.clock.sleep(BUSY_POLL).await;
        }
        let origin = self.outbox(|outbox| outbox.origin()).await.map_err(unusable)?;
        if origin.identity != former {
            // Another process has seen to it.
            return Ok(());
        }
        let renewed = self.outbox(|outbox| {
            outbox.renew_identity()?;
            outbox.origin()
        });
        let renewed = renewed.await.map_err(unusable)?;
        self.goes_as(&renewed);
        let text = format!(
            "the outbox at {} is a copy of another or of its own past ({why}): it goes on as outbox {}, and nothing of it \
             is lost",
            self.core.path.display(),
            renewed.identity
        );
        self.core
            .report_soon(sync_error(Code::InvalidDatabase, text, false));
        Ok(())
    }

    /// Takes note of what the outbox goes under; whether its identity is another one than before.
    pub(super) fn goes_as(&mut self, origin: &Origin) -> bool {
        if self.lineage == origin.lineage {
            return false;
        }
        self.lineage.clone_from(&origin.lineage);
        self.acked = 0;
        self.core.counts_anew();
        if self.identity == origin.identity {
            return false;
        }
        self.identity.clone_from(&origin.identity);
        // Under this one the server has taken nothing.
        self.taken = 0;
        self.core.is_behind(0);
        true
    }

    /// It forgot what it had acknowledged, which this outbox has no more.
    fn server_went_back(&mut self, origin: &Origin, position: i64) {
        let gap = (origin.identity.clone(), position, origin.acked);
        if self.gap.as_ref() == Some(&gap) {
            return;
        }
        let text = format!(
            "the server knows write transactions up to {position} of outbox {}, but {} were acknowledged: it was restored \
             from an older backup or is another one, and what lies between may be missing there",
            origin.identity, origin.acked
        );
        self.gap = Some(gap);
        self.core
            .report_soon(sync_error(Code::SyncProtocolInvariantFailed, text, false));
    }
}
