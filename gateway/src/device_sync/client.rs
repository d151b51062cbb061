//! Who is at the other end of a connection, and for how long he may be.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use realm_ingest_protocol::batch::MAX_REPORT_TEXT;

use super::agent::Agent;
use super::version::Version;
use crate::app::App;
use crate::auth::Access;
use crate::backend::BackendError;
use crate::clock;
use crate::gateway::Gateway;
use crate::memory::Budget;

/// Seconds for which a session that outlasts its token is taken for lasting: whoever ended it waits a minute at most.
const LASTS: i64 = 60;

/// See the module.
pub(super) struct Client {
    pub gateway: Arc<Gateway>,
    pub app: Arc<App>,
    pub claims: Access,
    pub from: IpAddr,
    pub version: Version,
    pub agent: Agent,
    /// Seconds since 1970 until when he need not be looked at again.
    lasts: AtomicI64,
}

impl Client {
    /// A user who was let in just now.
    pub fn new(
        gateway: Arc<Gateway>,
        app: Arc<App>,
        claims: Access,
        from: IpAddr,
        (version, agent): (Version, Agent),
    ) -> Self {
        let lasts = AtomicI64::new(claims.expires());
        Self {
            gateway,
            app,
            claims,
            from,
            version,
            agent,
            lasts,
        }
    }

    /// His id.
    pub fn user(&self) -> &str {
        &self.claims.sub
    }

    /// An account for what he brings.
    pub fn budget(&self) -> Budget {
        self.gateway.memory.budget(self.user(), self.from)
    }

    /// An account for what the classes of his files are.
    pub fn budget_of_classes(&self) -> Budget {
        let memory = &self.gateway.device_sync.memory_of_classes;
        memory.budget(self.user(), self.from)
    }

    /// Whether he may still be there. A token is good until it expires; a connection goes on after that, as long as the session does
    /// that the token is of.
    ///
    /// # Errors
    /// When it cannot be looked up.
    pub async fn may_stay(&self) -> Result<bool, BackendError> {
        let is_good = self.app.revocations.check(&self.claims, Instant::now()).await?;
        if is_good.is_err() {
            return Ok(false);
        }
        let now = clock::unix_seconds();
        if now < self.lasts.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let lasts = self.app.state.session(&self.claims.iss).await?.is_some();
        if lasts {
            self.lasts.store(now + LASTS, Ordering::Relaxed);
        }
        Ok(lasts)
    }

    /// Version of the library and platform, as an operator is shown them.
    pub fn report(&self) -> (String, String) {
        let short = |text: &str| text.chars().take(MAX_REPORT_TEXT).collect();
        let platform = self.agent.platform.as_deref().unwrap_or_default();
        (short(&self.agent.library()), short(platform))
    }
}
