//! Requests to the server of one app: where it is, redirects, headers. Knows no users.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::answer;
use super::base_url::{BaseUrl, URL_VARIABLE, normalised};
use super::failover::{Failover, is_lost, is_unreachable, was_not_made};
use super::redirect::{MAX_REDIRECTS, gives_up_tls, is_redirect, redirect_target, too_many_redirects};
use super::server_time::{ServerClock, ServerTime};
use crate::error::{Code, Error, Result};
use crate::ffi::os::boot_time;
use crate::transport::{MAX_ANSWER, Method, Request, Response, Transport};

pub(super) const BASE_PATH: &str = "/api/client/v2.0";
/// Without a byte that moves: the server is gone or hangs.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The same for the location, which is a small answer, where there is another address to ask.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where batches are sent, beneath the app.
pub(crate) const INGEST: &str = "ingest";
/// Where functions are called, beneath the app.
pub(super) const FUNCTION: &str = "functions/call";

/// What a function returns: twice the largest document.
const MAX_RESULT: usize = 32 << 20;
/// Tokens, profiles, positions and errors have some KiB. Taken apart in memory an answer may be many times as large.
const MAX_REPLY: usize = 1 << 20;

/// Which part of the API a path belongs to.
#[derive(Clone)]
pub(crate) enum Route {
    /// Beneath `/app/<id>`.
    App(String),
    /// Beneath the API's root; the server finds the app by the token.
    Base(&'static str),
}

impl Route {
    fn max_answer(&self) -> usize {
        match self {
            Route::App(path) if path == INGEST => MAX_ANSWER,
            Route::App(path) if path == FUNCTION => MAX_RESULT,
            Route::App(_) | Route::Base(_) => MAX_REPLY,
        }
    }
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

/// The server of an app, which may have several addresses: all of them lead to one service with one state.
pub(crate) struct Remote {
    app_id: String,
    transport: Arc<dyn Transport>,
    addresses: Mutex<Arc<Addresses>>,
    /// The warning about a location without TLS was given.
    warned: AtomicBool,
    clock: ServerClock,
}

/// The one that was configured first, and those that stand in for it.
struct Addresses {
    places: Vec<Place>,
    failover: Failover,
}

struct Place {
    base: BaseUrl,
    /// What the location answer named; held while it is asked for, so that it is asked for once.
    host: tokio::sync::Mutex<Option<String>>,
}

impl Addresses {
    fn new(bases: impl IntoIterator<Item = BaseUrl>) -> Arc<Addresses> {
        let place = |base| Place {
            base,
            host: tokio::sync::Mutex::new(None),
        };
        let places: Vec<_> = bases.into_iter().map(place).collect();
        Arc::new(Addresses {
            failover: Failover::new(places.len()),
            places,
        })
    }

    fn has_others(&self) -> bool {
        self.places.len() > 1
    }
}

impl Place {
    /// The location is asked for again before the next request, where that could lead elsewhere.
    async fn forget_location(&self) {
        let mut host = self.host.lock().await;
        if host.as_ref().is_some_and(|host| *host != self.base.url) {
            *host = None;
        }
    }
}

impl Remote {
    pub(crate) fn new(
        app_id: &str,
        base: BaseUrl,
        fallbacks: Vec<BaseUrl>,
        transport: Arc<dyn Transport>,
    ) -> Arc<Remote> {
        Arc::new(Remote {
            app_id: app_id.to_owned(),
            transport,
            addresses: Mutex::new(Addresses::new(std::iter::once(base).chain(fallbacks))),
            warned: AtomicBool::new(false),
            clock: ServerClock::default(),
        })
    }

    fn addresses(&self) -> Arc<Addresses> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The address that was configured, whichever serves now.
    pub(crate) fn base_url(&self) -> String {
        let addresses = self.addresses();
        let first = addresses.places.first();
        first.map_or_else(String::new, |place| place.base.url.clone())
    }

    /// Asks the new server for its location and moves there; stays where it is if that fails. What stood in for the
    /// former address does not stand in for this one.
    pub(crate) async fn move_to(&self, base: BaseUrl, fallbacks: Vec<BaseUrl>) -> Result<()> {
        let addresses = self.addresses();
        if let Some(first) = addresses.places.first()
            && first.base.url == base.url
            && first.host.lock().await.is_some()
        {
            return Ok(());
        }
        let found = self.locate(&base, base.url.clone(), TIMEOUT).await?;
        let moved = if self.base_url() == base.url {
            addresses
        } else {
            Addresses::new(std::iter::once(base).chain(fallbacks))
        };
        if let Some(first) = moved.places.first() {
            *first.host.lock().await = Some(found);
        }
        moved.failover.looked_back(true, Instant::now());
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = moved;
        Ok(())
    }

    /// Somebody has reason to think that the first address can be reached again.
    pub(crate) fn hurry(&self) {
        self.addresses().failover.hurry(Instant::now());
    }

    /// Sends the request with the app's transport and checks the answer.
    pub(crate) async fn send(self: &Arc<Self>, call: Call) -> Result<Response> {
        self.send_over(&*self.transport, call)
            .await
            .and_then(answer::check)
    }

    /// Sends the request over this transport, following redirects. The answer may be any; it is that of the location
    /// request where the transport failed at that one. Where an address cannot be reached the others are asked from then
    /// on, and with this request too if nothing of it can have been done.
    pub(crate) async fn send_over(
        self: &Arc<Self>,
        transport: &dyn Transport,
        call: Call,
    ) -> Result<Response> {
        let addresses = self.addresses();
        self.look_back(&addresses);
        let mut left = addresses.places.len();
        loop {
            let index = addresses.failover.current();
            let Some(place) = addresses.places.get(index) else {
                return Err(Error::aborted());
            };
            let patience = if addresses.has_others() { PATIENCE } else { TIMEOUT };
            let is_current = || addresses.failover.current() == index;
            let Some(host) = self.host(place, patience, is_current).await else {
                // Another request has found out while this one waited for it, and this one has not tried yet.
                continue;
            };
            let outcome = match host {
                Ok(host) => self.send_to(place, host, patience, transport, call.clone()).await,
                Err(reason) => Err(reason),
            };
            left -= 1;
            let (was_made, is_unreachable) = match &outcome {
                Ok(response) => (!was_not_made(response), is_unreachable(response)),
                Err(Unlocated::Transport(_) | Unlocated::Gone(_)) => (false, true),
                Err(Unlocated::Error(_)) => (true, false),
            };
            if is_unreachable {
                if outcome.as_ref().is_ok_and(is_lost) {
                    place.forget_location().await;
                }
                let next = addresses.failover.failed(index, Instant::now());
                if let Some(next) = next.and_then(|next| addresses.places.get(next)) {
                    log::warn!(
                        target: "ingest::app",
                        "{} cannot be reached: requests go to {} from now on", place.base.url, next.base.url
                    );
                }
                if !was_made && left > 0 {
                    continue;
                }
            }
            return match outcome {
                Ok(response) | Err(Unlocated::Transport(response)) => Ok(response),
                Err(reason) => Err(reason.into()),
            };
        }
    }

    async fn exchange(&self, transport: &dyn Transport, request: Request) -> Response {
        let sent = boot_time::now();
        let response = transport.send(request).await;
        self.clock.answered(sent, &response);
        response
    }

    pub(crate) fn server_time(&self) -> Option<ServerTime> {
        self.clock.now()
    }

    async fn send_to(
        &self,
        place: &Place,
        mut host: String,
        patience: Duration,
        transport: &dyn Transport,
        call: Call,
    ) -> std::result::Result<Response, Unlocated> {
        for _ in 0..=MAX_REDIRECTS {
            let request = self.request(&host, call.clone(), TIMEOUT);
            let response = self.exchange(transport, request).await;
            if !is_redirect(&response) {
                return Ok(response);
            }
            let target = redirect_target(&host, &response)?;
            let mut known = place.host.lock().await;
            *known = None;
            host = self.locate(&place.base, target, patience).await?;
            *known = Some(host.clone());
        }
        Err(too_many_redirects().into())
    }

    /// Tries the first address again if it is time, beside the requests that others serve meanwhile.
    fn look_back(self: &Arc<Self>, addresses: &Arc<Addresses>) {
        if !addresses.failover.looks_back(Instant::now()) {
            return;
        }
        let (remote, addresses) = (self.clone(), addresses.clone());
        tokio::spawn(async move {
            let Some(first) = addresses.places.first() else {
                return;
            };
            let located = remote.locate(&first.base, first.base.url.clone(), PATIENCE).await;
            let answers = located.is_ok();
            if let Ok(host) = located {
                log::info!(target: "ingest::app", "{} can be reached again", first.base.url);
                *first.host.lock().await = Some(host);
            }
            addresses.failover.looked_back(answers, Instant::now());
        });
    }

    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// The host of a place; none where it is not known, and others were waited for until the place was current no more.
    async fn host(
        &self,
        place: &Place,
        patience: Duration,
        is_current: impl FnOnce() -> bool,
    ) -> Option<std::result::Result<String, Unlocated>> {
        let mut host = place.host.lock().await;
        if let Some(known) = &*host {
            return Some(Ok(known.clone()));
        }
        if !is_current() {
            return None;
        }
        let found = self.locate(&place.base, place.base.url.clone(), patience).await;
        if let Ok(found) = &found {
            *host = Some(found.clone());
        }
        Some(found)
    }

    /// The host that serves this app, as the server at `from` says.
    async fn locate(
        &self,
        base: &BaseUrl,
        mut from: String,
        patience: Duration,
    ) -> std::result::Result<String, Unlocated> {
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
            let request = self.request(&from, call, patience);
            let response = self.exchange(&*self.transport, request).await;
            if is_redirect(&response) {
                from = redirect_target(&from, &response)?;
                continue;
            }
            if response.is_failed() {
                return Err(Unlocated::Transport(response));
            }
            if is_unreachable(&response) {
                return Err(Unlocated::Gone(response));
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
                host => normalised(host).map_err(|_| {
                    let text = format!("the server at {from} names '{host}' as its address, which is none");
                    Error::app(Code::MalformedJson, text)
                })?,
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

    fn request(&self, host: &str, call: Call, timeout: Duration) -> Request {
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
            timeout,
            max_answer: call.route.max_answer(),
            headers,
            body: call.body,
        }
    }
}

/// Why the host is not known.
enum Unlocated {
    /// The transport could not ask, and said this.
    Transport(Response),
    /// There is a proxy, and no server behind it.
    Gone(Response),
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
            Unlocated::Gone(response) => match answer::check(response) {
                Err(error) => error,
                Ok(_) => Error::aborted(),
            },
            Unlocated::Error(error) => error,
        }
    }
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
