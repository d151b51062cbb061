//! Requests to the server of one app: where it is, redirects, headers. Knows no users.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::answer;
use super::base_url::{BaseUrl, URL_VARIABLE};
use super::redirect::{MAX_REDIRECTS, gives_up_tls, is_redirect, redirect_target, too_many_redirects};
use crate::error::{Code, Error, Result};
use crate::transport::{Method, Request, Response, Transport};

pub(super) const BASE_PATH: &str = "/api/client/v2.0";
/// Without a byte that moves: the server is gone or hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Which part of the API a path belongs to.
#[derive(Clone)]
pub(crate) enum Route {
    /// Beneath `/app/<id>`.
    App(String),
    /// Beneath the API's root; the server finds the app by the token.
    Base(&'static str),
}

/// A request before its host is known.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) token: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Call {
    /// A request with JSON or nothing as its body.
    pub(crate) fn json(method: Method, route: Route, token: Option<String>, body: impl Into<Bytes>) -> Call {
        let headers = [
            ("Content-Type", "application/json;charset=utf-8"),
            ("Accept", "application/json"),
        ];
        Call {
            method,
            route,
            token,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: body.into(),
        }
    }
}

pub(crate) struct Remote {
    app_id: String,
    transport: Arc<dyn Transport>,
    base: Mutex<BaseUrl>,
    /// What the location answer named; held while it is asked for, so that it is asked for once.
    host: tokio::sync::Mutex<Option<String>>,
    /// The warning about a location without TLS was given.
    warned: AtomicBool,
}

impl Remote {
    pub(crate) fn new(app_id: &str, base: BaseUrl, transport: Arc<dyn Transport>) -> Remote {
        let host = tokio::sync::Mutex::new(None);
        Remote {
            app_id: app_id.to_owned(),
            transport,
            base: Mutex::new(base),
            host,
            warned: AtomicBool::new(false),
        }
    }

    pub(crate) fn base(&self) -> BaseUrl {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the new server for its location and moves there; stays where it is if that fails.
    pub(crate) async fn move_to(&self, base: BaseUrl) -> Result<()> {
        let mut host = self.host.lock().await;
        if host.is_some() && self.base().url == base.url {
            return Ok(());
        }
        let found = self.locate(&base, base.url.clone()).await?;
        *host = Some(found);
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = base;
        Ok(())
    }

    /// The location is asked for again before the next request, where that could lead elsewhere.
    pub(crate) async fn forget_location(&self) {
        let mut host = self.host.lock().await;
        if host.as_ref().is_some_and(|host| *host != self.base().url) {
            *host = None;
        }
    }

    /// Sends the request with the app's transport and checks the answer.
    pub(crate) async fn send(&self, call: Call) -> Result<Response> {
        self.send_over(&*self.transport, call)
            .await
            .and_then(answer::check)
    }

    /// Sends the request over this transport, following redirects. The answer may be any; it is that of the location
    /// request where the transport failed at that one.
    pub(crate) async fn send_over(&self, transport: &dyn Transport, call: Call) -> Result<Response> {
        let mut host = match self.host().await {
            Ok(host) => host,
            Err(Unlocated::Transport(response)) => return Ok(response),
            Err(Unlocated::Error(error)) => return Err(error),
        };
        for _ in 0..=MAX_REDIRECTS {
            let response = transport.send(self.request(&host, call.clone())).await;
            if !is_redirect(&response) {
                return Ok(response);
            }
            let target = redirect_target(&host, &response)?;
            let mut known = self.host.lock().await;
            *known = None;
            host = self.locate(&self.base(), target).await?;
            *known = Some(host.clone());
        }
        Err(too_many_redirects())
    }

    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    async fn host(&self) -> std::result::Result<String, Unlocated> {
        let mut host = self.host.lock().await;
        if let Some(known) = &*host {
            return Ok(known.clone());
        }
        let base = self.base();
        let found = self.locate(&base, base.url.clone()).await?;
        *host = Some(found.clone());
        Ok(found)
    }

    /// The host that serves this app, as the server at `from` says.
    async fn locate(&self, base: &BaseUrl, mut from: String) -> std::result::Result<String, Unlocated> {
        if base.unset {
            let error = Error::app(
                Code::CustomError,
                format!(
                    "no base_url is set and Realm's cloud is shut down: set base_url in the app's configuration, \
                     or the environment variable {URL_VARIABLE}, to the address of your gateway"
                ),
            );
            return Err(error.into());
        }
        for _ in 0..=MAX_REDIRECTS {
            let call = Call {
                method: Method::Get,
                route: Route::App("location".to_owned()),
                token: None,
                headers: Vec::new(),
                body: Bytes::new(),
            };
            let response = self.transport.send(self.request(&from, call)).await;
            if is_redirect(&response) {
                from = redirect_target(&from, &response)?;
                continue;
            }
            if response.is_failed() {
                return Err(Unlocated::Transport(response));
            }
            let response = answer::check(response)?;
            let location = answer::object(&response)?;
            let host = answer::text(&location, "hostname")?;
            return Ok(match host.strip_suffix('/').unwrap_or(&host) {
                "" => base.url.clone(),
                host if gives_up_tls(&from, host) => {
                    self.warn_of_plain_location(&from, host);
                    from
                }
                host => host.to_owned(),
            });
        }
        Err(too_many_redirects().into())
    }

    /// Behind a proxy that does the TLS, a server that was not told its public address names the one it sees.
    fn warn_of_plain_location(&self, from: &str, host: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            log::warn!(
                target: "ingest::app",
                "the server at {from} names {host} as its address, which has no TLS; requests stay with {from}: \
                 set the server's public address"
            );
        }
    }

    fn request(&self, host: &str, call: Call) -> Request {
        let url = match &call.route {
            Route::App(path) => format!("{host}{BASE_PATH}/app/{}/{path}", self.app_id),
            Route::Base(path) => format!("{host}{BASE_PATH}/{path}"),
        };
        let mut headers = call.headers;
        headers.extend(
            call.token
                .map(|token| ("Authorization".to_owned(), format!("Bearer {token}"))),
        );
        Request {
            method: call.method,
            url,
            timeout: TIMEOUT,
            headers,
            body: call.body,
        }
    }
}

/// Why the host is not known.
enum Unlocated {
    /// The transport could not ask, and said this.
    Transport(Response),
    Error(Error),
}

impl From<Error> for Unlocated {
    fn from(error: Error) -> Unlocated {
        Unlocated::Error(error)
    }
}

impl From<Unlocated> for Error {
    fn from(reason: Unlocated) -> Error {
        match reason {
            Unlocated::Transport(response) => answer::of_failed(&response),
            Unlocated::Error(error) => error,
        }
    }
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
