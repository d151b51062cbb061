//! A gateway of this process that listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::server::Server;
use realm_ingest_gateway::sink::Sink;
use realm_ingest_gateway::state::EmbeddedState;
use realm_ingest_gateway::{Gateway, Settings, TrustedProxies, metrics};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::common::scrape::Scrape;
use crate::common::{APP, Local, outbox};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Gate {
    pub local: Local,
    pub address: SocketAddr,
    pub server: JoinHandle<()>,
}

impl Gate {
    /// In development mode.
    pub async fn open() -> Self {
        Self::over(Local::new().await).await
    }

    pub async fn of(definition: Definition) -> Self {
        Self::over(Local::of(definition, Settings::default()).await).await
    }

    /// With a store of its own for documents.
    pub async fn with_sink(sink: Arc<dyn Sink>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = Arc::new(EmbeddedState::open(directory.path()).unwrap());
        let mut gateway = Gateway::new(Settings::default()).unwrap();
        let definition = Definition::development(None);
        gateway.add(definition, state, sink).await.unwrap();
        Self::over(Local::behind_router(gateway, Arc::new(directory))).await
    }

    pub async fn over(local: Local) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(listener, local.router.clone(), TrustedProxies::default());
        let server = tokio::spawn(server.run(local.gateway.stopping()));
        Self {
            local,
            address,
            server,
        }
    }

    /// Waits until the gateway knows that a token is good no more.
    pub async fn until_revoked(&self, token: &str) {
        let path = format!("{APP}/ingest/{}", outbox(1));
        let revoked = async {
            while self.local.call("GET", &path, Some(token), "").await.status == 200 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, revoked)
            .await
            .expect("it is revoked");
    }

    /// The value of a metric.
    pub async fn metric(&self, name: &str) -> f64 {
        let own = metrics::router(Arc::clone(&self.local.gateway));
        let request = axum::http::Request::get("/metrics")
            .body(axum::body::Body::empty())
            .unwrap();
        let response = tower::ServiceExt::oneshot(own, request).await.unwrap();
        let body = http_body_util::BodyExt::collect(response.into_body())
            .await
            .unwrap();
        Scrape::parse(std::str::from_utf8(&body.to_bytes()).unwrap()).value(name)
    }

    /// Waits until a metric has this value.
    pub async fn until(&self, name: &str, value: f64) {
        let reached = async {
            while self.metric(name).await != value {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.unwrap_or_else(|_| panic!("{name} never was {value}"));
    }
}
