//! Connections that leave HTTP: an answer may name who goes on with its connection, which keeps its place among the others.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tracing::debug;

use super::requests::Requests;
use crate::stopping::Stopping;

/// A connection that has left HTTP.
pub struct Upgraded {
    /// What comes and goes.
    pub io: TokioIo<hyper::upgrade::Upgraded>,
    /// While something of it is worked at, that is to be counted here: a connection on which nothing happens makes room for another.
    pub requests: Requests,
    /// When the gateway stops, the connection is to end.
    pub stopping: Stopping,
}

type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

type Serve = Box<dyn FnOnce(Upgraded) -> Served + Send>;

/// Goes with an answer of status 101: who serves the connection from then on. Clones are the same.
#[derive(Clone)]
pub struct Successor(Arc<Mutex<Option<Serve>>>);

impl fmt::Debug for Successor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Successor").finish_non_exhaustive()
    }
}

impl Successor {
    /// Whoever is called with the connection.
    pub fn new<F>(serve: impl FnOnce(Upgraded) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let serve: Serve = Box::new(|upgraded| Box::pin(serve(upgraded)));
        Self(Arc::new(Mutex::new(Some(serve))))
    }

    fn take(&self) -> Option<Serve> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What an answer says about its connection; the last word counts. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Leaving(Arc<Mutex<Option<(Successor, OnUpgrade)>>>);

impl Leaving {
    /// Notes who is named in the answer to a request that has brought `upgrade`.
    pub fn note(&self, response: &mut Response, upgrade: OnUpgrade) {
        if let Some(successor) = response.extensions_mut().remove() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((successor, upgrade));
        }
    }

    /// Serves the connection to its end, if it has left HTTP.
    pub async fn go_on(self, requests: Requests, stopping: Stopping) {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((successor, upgrade)) = noted else { return };
        let Some(serve) = successor.take() else { return };
        match upgrade.await {
            Ok(io) => {
                requests.upgraded();
                let io = TokioIo::new(io);
                serve(Upgraded {
                    io,
                    requests,
                    stopping,
                })
                .await;
            }
            Err(error) => debug!(
                error = &error as &dyn std::error::Error,
                "connection did not leave HTTP"
            ),
        }
    }
}
