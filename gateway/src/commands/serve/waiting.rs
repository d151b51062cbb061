//! What is answered while a server waits for its database: that the process lives, and that nothing is served yet.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::backend::BackendError;
use crate::http::{Reject, alive};
use crate::proxies::TrustedProxies;
use crate::server::{Server, Tls};
use crate::stopping::Stop;

/// See the module.
pub(super) struct Waiting {
    stop: Stop,
    server: JoinHandle<()>,
}

impl Waiting {
    /// Answers on the listener until it ends. The other one listens at the same address, and takes nothing until it is used.
    ///
    /// # Errors
    /// When the system has no other one.
    pub fn over(listener: TcpListener, tls: Option<Arc<Tls>>) -> std::io::Result<(Self, TcpListener)> {
        let listener = listener.into_std()?;
        let other = TcpListener::from_std(listener.try_clone()?)?;
        let router = Router::new().route("/healthz", get(alive)).fallback(not_yet);
        let mut server = Server::new(
            TcpListener::from_std(listener)?,
            router,
            TrustedProxies::default(),
        );
        if let Some(tls) = tls {
            server = server.by_tls(tls);
        }
        let stop = Stop::default();
        let server = tokio::spawn(server.run(stop.stopping()));
        Ok((Self { stop, server }, other))
    }

    /// Answers what was asked, and nothing more.
    pub async fn end(self) {
        self.stop.begin();
        // A panic in it was logged, and ends nothing else.
        let _ = self.server.await;
    }
}

async fn not_yet() -> Reject {
    Reject::Backend(BackendError::Unavailable(
        "the server waits for its database".to_owned(),
    ))
}
