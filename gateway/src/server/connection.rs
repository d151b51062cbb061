//! One connection, from its first byte to its last.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::debug;

use super::limits;
use super::requests::Requests;
use super::upgraded::Leaving;
use crate::http::Encrypted;
use crate::stopping::Stopping;

/// Serves it until its client, its idleness or the end of the gateway closes it, and whoever goes on with it if it leaves HTTP.
pub(super) async fn serve<I>(
    io: I,
    peer: SocketAddr,
    encrypted: bool,
    router: Router,
    requests: Requests,
    stopping: Stopping,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let leaving = Leaving::default();
    let (of_http, until) = (requests.clone(), stopping.clone());
    let http = http(io, peer, (encrypted, router), of_http, until, leaving.clone());
    // On the heap, so that what follows it does not hold its memory.
    Box::pin(http).await;
    leaving.go_on(requests, stopping).await;
}

/// The same until it leaves HTTP.
async fn http<I>(
    io: I,
    peer: SocketAddr,
    (encrypted, router): (bool, Router),
    requests: Requests,
    stopping: Stopping,
    leaving: Leaving,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut changed = requests.changed();
    let running = requests.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let running = running.begin();
        let (router, leaving) = (router.clone(), leaving.clone());
        let mut request = request.map(Body::new);
        let upgrade = hyper::upgrade::on(&mut request);
        request.extensions_mut().insert(ConnectInfo(peer));
        if encrypted {
            request.extensions_mut().insert(Encrypted);
        }
        async move {
            let response = router.oneshot(request).await;
            response.map(|mut response| {
                leaving.note(&mut response, upgrade);
                running.answer(response)
            })
        }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(io), service));
    let mut begun = pin!(stopping.begun());
    let mut since = Instant::now();
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%peer, error, "connection broke off");
                }
                return;
            }
            _ = changed.changed() => since = Instant::now(),
            () = begun.as_mut(), if !stopping => {
                stopping = true;
                since = Instant::now();
                connection.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep_until(closing(&requests, since, stopping)) => {
                if closing(&requests, since, stopping) <= Instant::now() {
                    debug!(%peer, "connection stood still and is closed");
                    return;
                }
            }
        }
    }
}

/// When to close the connection if nothing happens on it: no request comes, or no answer is fetched. `since` is when the
/// number of its requests changed last.
fn closing(requests: &Requests, since: Instant, stopping: bool) -> Instant {
    let wait = |usually| if stopping { limits::STOP_WAIT } else { usually };
    if !requests.none() {
        let unfetched = requests.unfetched_since();
        // An answer may be made at any moment; then there is a time that says since when it waits.
        return unfetched.unwrap_or_else(Instant::now) + wait(limits::ANSWER_WAIT);
    }
    let next = if requests.any_yet() {
        limits::NEXT_REQUEST
    } else {
        limits::FIRST_REQUEST
    };
    since + wait(next)
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // The rules above cover the head too, and know whether a request is under way.
        .header_read_timeout(None)
        .max_buf_size(limits::HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits::HEAD)
        .max_concurrent_streams(limits::STREAMS)
        .initial_stream_window_size(limits::WINDOW)
        .initial_connection_window_size(limits::WINDOW)
        .max_send_buf_size(limits::ANSWER_PIECE)
        .keep_alive_interval(limits::PING)
        .keep_alive_timeout(limits::PING);
    builder
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::future::pending;
    use std::time::Duration;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::stopping::Stop;

    const GET: &[u8] = b"GET /small HTTP/1.1\r\nhost: x\r\n\r\n";
    const LARGE: usize = 16 * 1024 * 1024;

    /// The other end of a connection, over which time passes at once.
    struct Client {
        io: DuplexStream,
        server: JoinHandle<()>,
        stop: Stop,
    }

    fn connect() -> Client {
        let (io, other) = tokio::io::duplex(1024);
        let router = Router::new()
            .route("/small", get(|| async { "small" }))
            .route("/large", get(|| async { "x".repeat(LARGE) }))
            .route("/slow", get(|| tokio::time::sleep(Duration::from_secs(600))))
            .route("/never", get(pending::<()>));
        let stop = Stop::default();
        let peer = "192.0.2.1:5000".parse().unwrap();
        let requests = Requests::default();
        let server = tokio::spawn(serve(other, peer, false, router, requests, stop.stopping()));
        Client { io, server, stop }
    }

    impl Client {
        async fn send(&mut self, bytes: &[u8]) {
            self.io.write_all(bytes).await.unwrap();
        }

        async fn read_until(&mut self, end: &str) -> String {
            let mut read = Vec::new();
            while !read.ends_with(end.as_bytes()) {
                read.push(self.io.read_u8().await.unwrap());
            }
            String::from_utf8(read).unwrap()
        }

        /// How long the server keeps the connection from now on.
        async fn kept(self) -> Duration {
            let begun = Instant::now();
            let server = tokio::time::timeout(Duration::from_secs(3600), self.server);
            server.await.unwrap().unwrap();
            Duration::from_secs(begun.elapsed().as_secs())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_to_bring_a_request() {
        assert_eq!(connect().kept().await, limits::FIRST_REQUEST);
        for beginning in [
            "GET / HTTP/1.1\r\nhost:",
            "PRI * HT",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            let mut client = connect();
            client.send(beginning.as_bytes()).await;
            assert_eq!(client.kept().await, limits::FIRST_REQUEST, "{beginning}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_not_waited_for() {
        let mut client = connect();
        let begun = Instant::now();
        while client.io.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(begun.elapsed().as_secs(), limits::FIRST_REQUEST.as_secs() + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_kept_for_the_next_request() {
        let mut client = connect();
        for _ in 0..3 {
            client.send(GET).await;
            client.read_until("small").await;
            tokio::time::sleep(limits::NEXT_REQUEST.mul_f64(0.9)).await;
        }
        client.send(GET).await;
        client.read_until("small").await;
        client.send(b"GET").await;
        assert_eq!(client.kept().await, limits::NEXT_REQUEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_be_worked_at_for_long() {
        let mut client = connect();
        client.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(client.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_to_be_fetched() {
        let mut client = connect();
        client.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let kept = client.kept().await;
        assert!(
            (limits::ANSWER_WAIT..=limits::ANSWER_WAIT * 2).contains(&kept),
            "{kept:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_fetched_slowly_arrives() {
        let mut client = connect();
        client.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
        client.read_until("\r\n\r\n").await;
        let mut left = LARGE;
        let mut piece = vec![0; limits::ANSWER_PIECE];
        while left > 0 {
            left -= client.io.read(&mut piece).await.unwrap();
            tokio::time::sleep(limits::ANSWER_WAIT / 100).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_closes_what_stands_still_and_lets_requests_end() {
        let client = connect();
        client.stop.begin();
        assert!(client.kept().await <= limits::STOP_WAIT, "nothing was sent");

        let mut client = connect();
        client.send(&GET[..10]).await;
        client.stop.begin();
        assert!(client.kept().await <= limits::STOP_WAIT, "half a head");

        let mut client = connect();
        client.send(GET).await;
        client.read_until("small").await;
        client.stop.begin();
        assert_eq!(client.kept().await, Duration::ZERO, "between two requests");

        let mut client = connect();
        client.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
        client.read_until("\r\n\r\n").await;
        client.stop.begin();
        assert!(
            client.kept().await <= limits::STOP_WAIT * 2,
            "an answer nobody fetches"
        );

        let mut client = connect();
        client.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        tokio::task::yield_now().await;
        client.stop.begin();
        assert!(client.read_until("\r\n\r\n").await.contains("connection: close"));
        assert_eq!(client.kept().await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_http_2_client_is_told_how_much_it_may_send() {
        let mut client = connect();
        client
            .send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .await;
        let mut head = [0; 9];
        client.io.read_exact(&mut head).await.unwrap();
        assert_eq!(head[3], 4, "SETTINGS");
        let mut settings = vec![0; usize::from(head[2])];
        client.io.read_exact(&mut settings).await.unwrap();
        // Streams at the same time, and bytes of a head.
        for (setting, value) in [(3, limits::STREAMS), (6, limits::HEAD)] {
            let entry = [&[0, setting][..], &value.to_be_bytes()].concat();
            assert!(settings.chunks(6).any(|setting| setting == entry), "{settings:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_http_2_client_that_does_not_answer_pings_is_gone() {
        let mut client = connect();
        client
            .send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            .await;
        // GET /never: indexed fields for the method and the scheme, the path as a literal.
        client
            .send(b"\0\0\x0a\x01\x05\0\0\0\x01\x82\x86\x04\x06/never")
            .await;
        let kept = client.kept().await;
        assert!(kept <= limits::PING * 3, "{kept:?}");
    }
}
