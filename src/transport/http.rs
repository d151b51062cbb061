//! The transport a program gets by default: reqwest with rustls (ring), HTTP/2 where the server offers it, and
//! connections that are kept. With proxy.rs and
//! certificates.rs the only file that imports reqwest.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use rustls::AlertDescription;

use super::certificates::{CertificateCheck, Ports};
use super::progress::{Body, Progress};
use super::{FailureKind, Method, Request, Response, ResponseFuture, Transport, proxy, tls};
use crate::error::{Error, Result};

/// A name that does not resolve or a host that does not answer shall not hold an attempt for longer: the uploader
/// has its own pause between attempts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Below the idle limits of common load balancers (60 s and more), so that the client closes first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// What can be set for the default transport.
#[derive(Clone, Default)]
pub struct HttpOptions {
    /// Sent with every request; they replace what the library would send under the same name.
    pub headers: Vec<(String, String)>,
    /// `http://[user:password@]host:port`; none means what the environment says.
    pub proxy: Option<String>,
    /// A PEM file with certificates to trust beside those of the system.
    pub trusted_certificates: Option<PathBuf>,
    /// Accept any certificate, and ask nobody about it. For tests against a server that has a self-signed one.
    pub accept_any_certificate: bool,
    /// What this device shows to a server that asks for a certificate.
    pub client_certificate: Option<ClientCertificate>,
    /// The application's word on each certificate that a server shows; it overrides the library's.
    pub certificate_check: Option<Arc<dyn CertificateCheck>>,
}

/// Where a device's own certificate is. Both are read when the transport is made.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// A PEM file: the certificate, and those that lead from it to its authority.
    pub chain: PathBuf,
    /// A PEM file with its private key.
    pub key: PathBuf,
}

impl HttpOptions {
    /// These options with a session's own on top: its headers replace those of the same names, and its proxy, where it
    /// names one, the proxy. Whom to trust stays.
    pub(crate) fn with(&self, headers: &[(String, String)], proxy: Option<&str>) -> HttpOptions {
        let mut options = self.clone();
        options
            .headers
            .retain(|(name, _)| !headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        options.headers.extend_from_slice(headers);
        if let Some(proxy) = proxy.filter(|proxy| !proxy.is_empty()) {
            options.proxy = Some(proxy.to_owned());
        }
        options
    }
}

/// The default transport.
#[derive(Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    headers: Arc<[(String, String)]>,
    /// For an application's [`CertificateCheck`].
    asked: Option<Arc<Ports>>,
}

impl HttpTransport {
    /// Makes a transport. It opens no connection yet.
    ///
    /// # Errors
    /// A header that HTTP does not allow; a proxy URL, a certificate file or a key that cannot be used.
    pub fn new(options: HttpOptions) -> Result<HttpTransport> {
        options.headers.iter().try_for_each(check_header)?;
        if options.accept_any_certificate {
            log::warn!(
                target: "ingest::transport",
                "certificates of servers are not checked, as was asked for: whoever is on the way can read and change \
                 everything, passwords and tokens too"
            );
        }
        let asked = options
            .certificate_check
            .is_some()
            .then(|| Arc::new(Ports::default()));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&options, asked.clone())?)
            .user_agent(concat!("realm-ingest/", env!("CARGO_PKG_VERSION")))
            // Redirects are followed by the app, which has to ask the new host for its location.
            .redirect(reqwest::redirect::Policy::none())
            // The uploader counts attempts and reports each: nothing is to be tried again beneath it.
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_keepalive(Duration::from_secs(30))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(20));
        if let Some(proxy) = options.proxy.as_deref().filter(|proxy| !proxy.is_empty()) {
            let proxy = reqwest::Proxy::all(proxy).map_err(|error| {
                Error::InvalidArgument(format!("the proxy cannot be used: {}", chain(&error)))
            })?;
            builder = builder.proxy(proxy);
        } else {
            // The first one keeps reqwest from reading the environment itself.
            for proxy in proxy::of_environment(|name| std::env::var(name).ok()) {
                builder = builder.proxy(proxy);
            }
        }
        let client = builder.build().map_err(|error| {
            Error::InvalidArgument(format!("the HTTP client cannot be made: {}", chain(&error)))
        })?;
        Ok(HttpTransport {
            client,
            headers: options.headers.into(),
            asked,
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> ResponseFuture {
        if let Some(asked) = &self.asked {
            asked.note(&request.url);
        }
        let mut builder = self.client.request(method(request.method), &request.url);
        let own = |name: &str| self.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        for (name, value) in request
            .headers
            .iter()
            .filter(|(name, _)| !own(name))
            .chain(self.headers.iter())
        {
            builder = builder.header(name, value);
        }
        let (limit, size, most) = (request.timeout, request.body.len(), request.max_answer);
        Box::pin(async move {
            let progress = Progress::start();
            if size > 0 {
                let body = Body::new(request.body, progress.clone());
                builder = builder.body(reqwest::Body::wrap(body));
            }
            let mut answer = match progress.watch(builder.send(), limit).await {
                Some(Ok(answer)) => answer,
                Some(Err(error)) => return failed(error),
                None => return stalled(limit, progress.sent(), size),
            };
            progress.answer_begins();
            let status = answer.status().as_u16();
            let headers = answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    (
                        name.to_string(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect();
            let mut body = Vec::new();
            loop {
                match progress.watch(answer.chunk(), limit).await {
                    Some(Ok(Some(piece))) if body.len() + piece.len() <= most => {
                        body.extend_from_slice(&piece)
                    }
                    Some(Ok(Some(_))) => return too_large(most),
                    Some(Ok(None)) => break,
                    Some(Err(error)) => return failed(error),
                    None => return stalled(limit, size, size),
                }
            }
            Response {
                status,
                headers,
                body,
                ..Response::default()
            }
        })
    }
}

/// Otherwise each request would fail, as if the server could not be reached.
fn check_header((name, value): &(String, String)) -> Result<()> {
    let found = HeaderName::try_from(name)
        .map_err(|error| error.to_string())
        .and_then(|_| HeaderValue::try_from(value).map_err(|error| error.to_string()));
    // Its value may be a secret.
    found
        .map(drop)
        .map_err(|error| Error::InvalidArgument(format!("the header {name:?} cannot be sent: {error}")))
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Patch => reqwest::Method::PATCH,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn stalled(limit: Duration, sent: usize, size: usize) -> Response {
    let what = if sent < size {
        format!("nothing moved for more than {limit:?}, with {sent} of {size} bytes sent")
    } else {
        format!("no answer came, or no more of it, for more than {limit:?}")
    };
    Response::failed(FailureKind::Timeout, what)
}

fn too_large(most: usize) -> Response {
    Response::failed(
        FailureKind::Broken,
        format!("the answer is larger than {most} bytes, which no gateway sends"),
    )
}

fn failed(error: reqwest::Error) -> Response {
    let tls =
        std::iter::successors(Some(&error as &dyn StdError), |error| (*error).source()).find_map(tls_cause);
    let kind = match tls {
        Some(cause) if error.is_connect() || refuses_device(cause) => FailureKind::Tls,
        // Also one that takes too long: nothing was sent.
        _ if error.is_connect() => FailureKind::Connect,
        _ if error.is_timeout() => FailureKind::Timeout,
        _ => FailureKind::Broken,
    };
    // The URL is left out: callers know it, and a query may carry a token.
    Response::failed(kind, chain(&error.without_url()))
}

/// An I/O error carries what it wraps beside the chain of causes, several times over where layers wrap each other.
fn tls_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = || {
        error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
    };
    error
        .downcast_ref()
        .or_else(|| wrapped().and_then(|inner| tls_cause(inner)))
}

/// Whether the server does not accept this device's certificate, or the lack of one. By TLS 1.3 that may arrive when the
/// request is on its way; a server reads none before it has accepted the device.
fn refuses_device(cause: &rustls::Error) -> bool {
    matches!(
        cause,
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
                | AlertDescription::HandshakeFailure
        )
    )
}

/// The causes of an error, outermost first, each text once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for error in std::iter::successors(Some(error), |error| (*error).source()) {
        let more = error.to_string();
        if !text.contains(&more) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&more);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn a_closed_port_is_a_connect_failure_that_names_its_cause() {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let request = Request {
            method: Method::Get,
            url: format!("http://127.0.0.1:{port}/?baas_at=secret"),
            timeout: Duration::from_secs(60),
            max_answer: 1 << 20,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        };
        let transport = HttpTransport::new(HttpOptions::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let failure = runtime.block_on(transport.send(request)).failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Connect);
        assert!(
            failure.cause.to_lowercase().contains("refused"),
            "{}",
            failure.cause
        );
        assert!(!failure.cause.contains("secret"), "{}", failure.cause);
    }

    #[test]
    fn an_unusable_proxy_or_certificate_file_is_refused_at_once() {
        let proxy = HttpOptions {
            proxy: Some("not a proxy".to_owned()),
            ..HttpOptions::default()
        };
        assert!(HttpTransport::new(proxy).is_err());
        let file = HttpOptions {
            trusted_certificates: Some("/nonexistent.pem".into()),
            ..HttpOptions::default()
        };
        assert!(HttpTransport::new(file).is_err());
    }
}
