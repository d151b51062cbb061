//! What a server is told by signals: to stop, and to read its files again.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

use super::apps::{self, Directories};
use crate::commands::CommandError;
use crate::gateway::Gateway;
use crate::server::Tls;

/// The signals that end a server.
pub(super) struct Stop {
    term: Signal,
    interrupt: Signal,
}

impl Stop {
    pub fn new() -> Result<Self, CommandError> {
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    pub async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Who tells a server again that it should stop does not want to wait. What was acknowledged is on the disk.
    pub async fn end_at_once(mut self) {
        let signal = self.wait().await;
        warn!(signal, "ending at once; batches that were under way come again");
        std::process::exit(1);
    }
}

/// What SIGHUP is about.
pub(super) struct Reload {
    hangup: Signal,
    tls: Option<Arc<Tls>>,
    directories: Option<Directories>,
}

impl Reload {
    /// Waits from now on, or not at all where there is nothing to read again.
    pub fn new(
        tls: Option<Arc<Tls>>,
        directories: Option<Directories>,
    ) -> Result<Option<Self>, CommandError> {
        if tls.is_none() && directories.is_none() {
            return Ok(None);
        }
        let hangup = listen(SignalKind::hangup())?;
        Ok(Some(Self {
            hangup,
            tls,
            directories,
        }))
    }

    /// Reads again whenever it is told.
    pub async fn run(mut self, gateway: Arc<Gateway>) {
        while self.hangup.recv().await.is_some() {
            if let Some(tls) = &self.tls {
                tls.reload();
            }
            if let Some(directories) = &self.directories {
                apps::reload(directories, &gateway).await;
            }
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal, CommandError> {
    signal(kind).map_err(|error| CommandError::CannotStart(format!("cannot wait for signals: {error}")))
}
