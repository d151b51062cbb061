#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::super::base_url::{normalised, resolve};
use super::*;
use crate::transport::ResponseFuture;

/// Answers by URL; everything else is 404.
struct Scripted(Mutex<Vec<String>>, fn(&str) -> Response);

impl Transport for Scripted {
    fn send(&self, request: Request) -> ResponseFuture {
        self.0.lock().unwrap().push(request.url.clone());
        let response = (self.1)(&request.url);
        Box::pin(async move { response })
    }
}

fn json(body: &str) -> Response {
    Response {
        status: 200,
        body: body.into(),
        ..Response::default()
    }
}

fn redirect(to: &str) -> Response {
    let headers = vec![("Location".to_owned(), to.to_owned())];
    Response {
        status: 308,
        headers,
        ..Response::default()
    }
}

fn run(base: &str, script: fn(&str) -> Response) -> (Result<Response>, Vec<String>) {
    let transport = Arc::new(Scripted(Mutex::new(Vec::new()), script));
    let remote = Remote::new(
        "app-x",
        resolve(Some(base), &[]).unwrap().0,
        Vec::new(),
        transport.clone(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = Call::json(Method::Get, Route::Base("auth/profile"), None, "");
    let result = runtime.block_on(remote.send(call));
    let seen = transport.0.lock().unwrap().clone();
    (result, seen)
}

#[test]
fn the_location_is_asked_for_first_and_its_host_is_used() {
    let (result, seen) = run("http://a/", |url| {
        if url.ends_with("location") {
            json(r#"{"hostname":"http://b","ws_hostname":""}"#)
        } else {
            json("{}")
        }
    });
    assert!(result.is_ok());
    assert_eq!(
        seen,
        [
            "http://a/api/client/v2.0/app/app-x/location",
            "http://b/api/client/v2.0/auth/profile"
        ]
    );
}

#[test]
fn an_empty_host_means_the_base_url() {
    let (_, seen) = run("http://a", |_| json(r#"{"hostname":""}"#));
    assert_eq!(seen[1], "http://a/api/client/v2.0/auth/profile");
}

#[test]
fn a_redirect_asks_the_new_host_for_the_location() {
    let (result, seen) = run("http://a", |url| match url {
        "http://a/api/client/v2.0/auth/profile" => redirect("http://c/api/client/v2.0/auth/profile"),
        "http://c/api/client/v2.0/app/app-x/location" => json(r#"{"hostname":"http://d"}"#),
        url if url.ends_with("location") => json(r#"{"hostname":"http://a"}"#),
        _ => json("{}"),
    });
    assert!(result.is_ok());
    assert_eq!(seen[3], "http://d/api/client/v2.0/auth/profile");
}

#[test]
fn a_location_without_tls_does_not_lead_away_from_an_address_with_it() {
    let (result, seen) = run("https://a", |url| {
        if url.ends_with("location") {
            json(r#"{"hostname":"http://a:9090"}"#)
        } else {
            json("{}")
        }
    });
    assert!(result.is_ok());
    assert_eq!(seen[1], "https://a/api/client/v2.0/auth/profile");
}

#[test]
fn a_redirect_to_an_address_without_tls_is_an_error_that_names_both() {
    for redirected in ["location", "auth/profile"] {
        let script: fn(&str) -> Response = match redirected {
            "location" => |_| redirect("http://b"),
            _ => |url| {
                if url.ends_with("location") {
                    json(r#"{"hostname":"HTTPS://c"}"#)
                } else {
                    redirect("http://b/api/client/v2.0/auth/profile")
                }
            },
        };
        let (result, seen) = run("https://a", script);
        let error = result.unwrap_err();
        assert_eq!(error.code(), Code::ClientRedirectError);
        assert!(
            error
                .to_string()
                .contains("redirects to http://b, which has no TLS"),
            "{error}"
        );
        assert!(seen.iter().all(|url| !url.starts_with("http://")), "{seen:?}");
    }
}

#[test]
fn redirects_without_end_or_target_are_errors_with_their_texts() {
    let (result, seen) = run("http://a", |_| redirect("http://a"));
    assert_eq!(
        result.unwrap_err().to_string(),
        "number of redirections exceeded 20"
    );
    assert_eq!(seen.len(), 21);
    let (result, _) = run("http://a", |_| Response {
        status: 301,
        ..Response::default()
    });
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "Redirect response missing location header");
    assert_eq!(error.code(), Code::ClientRedirectError);
}

#[test]
fn a_location_without_hostname_names_the_key() {
    let (result, _) = run("http://a", |_| json("{}"));
    assert_eq!(result.unwrap_err().to_string(), "hostname");
}

#[test]
fn addresses_are_trimmed_once_and_need_a_scheme() {
    assert_eq!(normalised("http://a/").unwrap(), "http://a");
    assert_eq!(normalised("http://a//").unwrap(), "http://a/");
    assert_eq!(
        normalised("asdf").unwrap_err().to_string(),
        "URL missing scheme: asdf"
    );
}

#[test]
fn a_service_that_is_moved_to_has_none_of_the_former_addresses() {
    let script: fn(&str) -> Response = |url| {
        if url.starts_with("http://new") || url.starts_with("http://spare") {
            json(r#"{"hostname":"","ws_hostname":""}"#)
        } else {
            Response::failed(crate::transport::FailureKind::Connect, "refused")
        }
    };
    let transport = Arc::new(Scripted(Mutex::new(Vec::new()), script));
    let base = |url| resolve(Some(url), &[]).unwrap().0;
    let remote = Remote::new(
        "app-x",
        base("http://old"),
        vec![base("http://spare")],
        transport.clone(),
    );
    let call = || Call::json(Method::Get, Route::Base("auth/profile"), None, "");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seen = || {
        let urls = std::mem::take(&mut *transport.0.lock().unwrap());
        urls.into_iter()
            .map(|url| url.split('/').nth(2).unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    runtime.block_on(remote.send(call())).unwrap();
    assert_eq!(seen(), ["old", "spare", "spare"]);
    runtime.block_on(remote.send(call())).unwrap();
    assert_eq!(seen(), ["spare"]);
    assert_eq!(remote.base_url(), "http://old");
    runtime
        .block_on(remote.move_to(base("http://old"), Vec::new()))
        .unwrap_err();
    runtime
        .block_on(remote.move_to(base("http://new"), Vec::new()))
        .unwrap();
    assert_eq!(seen(), ["old", "new"]);
    runtime.block_on(remote.send(call())).unwrap();
    assert_eq!(
        (seen(), remote.base_url()),
        (vec!["new".to_owned()], "http://new".to_owned())
    );
}

#[test]
fn an_address_may_be_followed_by_those_that_stand_in_for_it() {
    let further = ["http://c".to_owned()];
    let (base, fallbacks) = resolve(Some("http://a/  http://b/"), &further).unwrap();
    let fallbacks: Vec<_> = fallbacks.iter().map(|base| base.url.as_str()).collect();
    assert_eq!(
        (base.url.as_str(), fallbacks),
        ("http://a", vec!["http://b", "http://c"])
    );
    assert!(resolve(Some(" "), &[]).is_err());
    assert!(resolve(Some("http://a b"), &[]).is_err());
}

/// One address answers nobody until the gate is closed, and then refuses; the others serve.
struct Hanging {
    address: &'static str,
    gate: Arc<tokio::sync::Semaphore>,
    asked: Mutex<usize>,
}

impl Transport for Hanging {
    fn send(&self, request: Request) -> ResponseFuture {
        if !request.url.starts_with(self.address) {
            return Box::pin(async { json(r#"{"hostname":"","ws_hostname":""}"#) });
        }
        *self.asked.lock().unwrap() += 1;
        let gate = self.gate.clone();
        Box::pin(async move {
            gate.acquire().await.unwrap_err();
            Response::failed(crate::transport::FailureKind::Timeout, "no answer")
        })
    }
}

#[test]
fn requests_that_wait_for_an_address_that_hangs_do_not_each_try_it_in_their_turn() {
    let transport = Arc::new(Hanging {
        address: "http://a",
        gate: Arc::new(tokio::sync::Semaphore::new(0)),
        asked: Mutex::default(),
    });
    let base = |url| resolve(Some(url), &[]).unwrap().0;
    let remote = Remote::new(
        "app-x",
        base("http://a"),
        vec![base("http://b")],
        transport.clone(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let send = || remote.send(Call::json(Method::Get, Route::Base("auth/profile"), None, ""));
    // By now all of them wait.
    let release = async { transport.gate.close() };
    let (first, second, third, ()) =
        runtime.block_on(async { tokio::join!(biased; send(), send(), send(), release) });
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(*transport.asked.lock().unwrap(), 1);
}
