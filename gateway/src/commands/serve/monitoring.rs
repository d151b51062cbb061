//! The listener for monitoring, which has nothing in common with the public one.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tracing::info;

use super::{bind, resolve};
use crate::commands::CommandError;
use crate::gateway::Gateway;
use crate::metrics;
use crate::proxies::TrustedProxies;
use crate::server::Server;

/// Connections of one address: a few that scrape, and an operator.
const CONNECTIONS: usize = 32;

/// See the module.
pub(super) struct Monitoring {
    pub address: SocketAddr,
    listener: TcpListener,
}

impl Monitoring {
    /// Listens where the operator says, nowhere otherwise.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn listen(address: Option<&str>) -> Result<Option<Self>, CommandError> {
        let Some(address) = address else {
            return Ok(None);
        };
        let listen = metrics_address(address);
        let addresses = resolve(&listen).await?;
        let (listener, address) = bind(&listen, &addresses).await?;
        Ok(Some(Self { address, listener }))
    }

    /// Serves until the gateway is to stop.
    pub async fn serve(self, gateway: Arc<Gateway>) {
        info!(address = %self.address, "metrics are served");
        let stopping = gateway.stopping();
        let server = Server::new(self.listener, metrics::router(gateway), TrustedProxies::default());
        server.connections_per_address(CONNECTIONS).run(stopping).await;
    }
}

/// What `--metrics-listen` means: a port alone is one of loopback.
pub(in crate::commands) fn metrics_address(given: &str) -> String {
    let port = given.strip_prefix(':').unwrap_or(given).parse::<u16>();
    port.map_or_else(|_| given.to_owned(), |port| format!("127.0.0.1:{port}"))
}
