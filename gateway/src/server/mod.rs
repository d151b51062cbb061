//! How the gateway is served: which connections are taken, and what each may take of the time and the memory of the others.
//! `limits.rs` has every limit with its reason.

mod admission;
mod connection;
mod limits;
mod requests;
mod tls;
mod upgraded;

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::proxies::TrustedProxies;
use crate::stopping::Stopping;
use admission::Admission;

pub(crate) use limits::{CONNECTIONS_OF_ONE_ADDRESS, SITE_TIMES};
pub use requests::{Requests, Running};
pub use tls::{Tls, TlsError, TlsFiles};
pub use upgraded::{Successor, Upgraded};

/// Serves `router` to whoever connects.
pub struct Server {
    listener: TcpListener,
    router: Router,
    proxies: TrustedProxies,
    of_one_address: usize,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Over a listener.
    #[must_use]
    pub const fn new(listener: TcpListener, router: Router, proxies: TrustedProxies) -> Self {
        Self {
            listener,
            router,
            proxies,
            of_one_address: limits::CONNECTIONS_OF_ONE_ADDRESS,
            tls: None,
        }
    }

    /// The same with so many connections of one address at most.
    #[must_use]
    pub fn connections_per_address(self, most: usize) -> Self {
        Self {
            of_one_address: most,
            ..self
        }
    }

    /// The same by TLS.
    #[must_use]
    pub fn by_tls(self, tls: Arc<Tls>) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    /// Serves until `stopping` begins; then takes no more connections and returns when the last request has ended.
    pub async fn run(self, stopping: Stopping) {
        let admission = Admission::new(connections(), self.of_one_address, self.proxies.clone());
        let mut connections = JoinSet::new();
        let mut begun = std::pin::pin!(stopping.clone().begun());
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = begun.as_mut() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if went_away(&error) => continue,
                Err(error) => {
                    warn!(%error, "no connection can be accepted for now");
                    tokio::time::sleep(limits::ACCEPT_AGAIN).await;
                    continue;
                }
            };
            match admission.admit(peer.ip()) {
                Ok(admitted) => {
                    let (tls, router, requests) =
                        (self.tls.clone(), self.router.clone(), admitted.requests());
                    let serving = serve(stream, peer, tls, router, requests, stopping.clone());
                    connections.spawn(async move {
                        tokio::select! {
                            () = serving => {}
                            () = admitted.displaced() => {
                                debug!(%peer, "connection gave its place to another");
                            }
                        }
                    });
                }
                // Closed at once: whoever waits has a connection.
                Err(full) => debug!(%peer, %full, "connection not taken"),
            }
        }
        // Nobody is told to wait for what is not served any more.
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// The client has closed what was about to be accepted.
fn went_away(error: &Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
    router: Router,
    requests: Requests,
    stopping: Stopping,
) {
    // Acknowledgements are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return connection::serve(stream, peer, false, router, requests, stopping).await;
    };
    let handshake = tokio::time::timeout(limits::HANDSHAKE, tls.acceptor().accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = stopping.clone().begun() => return,
    };
    match shaken {
        Ok(Ok(stream)) => connection::serve(stream, peer, true, router, requests, stopping).await,
        // Whoever connects can make it fail.
        Ok(Err(error)) => debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => debug!(%peer, "TLS handshake not ended in time"),
    }
}

/// How many connections may be open, within what the system lets this process have.
fn connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = limits::CONNECTIONS as u64 + limits::OTHER_FILES;
    // Most systems give little until they are asked.
    let more = wanted.min(maximum.unwrap_or(wanted));
    let mut files = current.unwrap_or(wanted);
    if more > files {
        let raised = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(more),
                maximum,
            },
        );
        files = if raised.is_ok() { more } else { files };
    }
    let connections = files.saturating_sub(limits::OTHER_FILES);
    let connections =
        usize::try_from(connections).map_or(limits::CONNECTIONS, |most| most.clamp(1, limits::CONNECTIONS));
    if connections < limits::CONNECTIONS {
        warn!(
            connections,
            files, "the limit of open files allows fewer connections than usual"
        );
    }
    connections
}
