//! Sets of keys, in files and on servers that mean well and others.

mod failing;
mod renewal;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, header};
use serde_json::{Value, json};

use super::super::testing::{Signer, ec_jwk, other_rsa_jwk, rsa_jwk};
use super::super::*;
use crate::clock;

const APP: &str = "weather-abcde";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a server does when it is asked for keys.
#[derive(Clone)]
enum Answer {
    Set(Value),
    Status(u16),
    Redirect(String),
    /// Bytes without end.
    Endless,
    Never,
}

/// A server on this machine.
struct Server {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::default(),
        };
        let (answer, asked) = (Arc::clone(&server.answer), Arc::clone(&server.asked));
        let handle = move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            respond(answer)
        };
        let router = axum::Router::new().fallback(handle);
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    fn now_answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    fn verifier(&self) -> Arc<LogIn> {
        of(&self.url())
    }
}

async fn respond(answer: Answer) -> Response<Body> {
    match answer {
        Answer::Set(set) => Response::new(set.to_string().into()),
        Answer::Status(status) => Response::builder().status(status).body(Body::empty()).unwrap(),
        Answer::Redirect(to) => {
            let builder = Response::builder().status(302).header(header::LOCATION, to);
            builder.body(Body::empty()).unwrap()
        }
        Answer::Endless => {
            let endless = http_body_util::Channel::<bytes::Bytes>::new(1);
            let (mut sender, body) = endless;
            tokio::spawn(async move { while sender.send_data(vec![b' '; 65_536].into()).await.is_ok() {} });
            Response::new(Body::new(body))
        }
        Answer::Never => std::future::pending().await,
    }
}

/// What a gateway has that lets in whom one set vouches for.
struct LogIn {
    config: TokenConfig,
    sets: KeySets,
}

fn of(location: &str) -> Arc<LogIn> {
    let location = Location::parse(location, Path::new("/"), false).unwrap();
    Arc::new(LogIn {
        config: TokenConfig {
            keys: KeySource::Set(location),
            rules: Rules::default(),
            metadata: Vec::new(),
        },
        sets: KeySets::default(),
    })
}

fn set(keys: &[Value]) -> Answer {
    Answer::Set(json!({"keys": keys}))
}

fn token(signer: Signer, name: &str) -> String {
    signer.token(
        Some(name),
        &json!({"sub": "ada", "aud": APP, "exp": clock::unix_seconds() + 60}),
    )
}

/// The subject of a token that is checked at `at`.
async fn log_in(verifier: &LogIn, token: String, at: Instant) -> Result<String, ExternalError> {
    let LogIn { config, sets } = verifier;
    let token = Token::parse(token)?;
    let candidates = config.candidates(&token, sets, at).await?;
    let person = config.check(&token, &candidates, Some(APP), clock::unix_seconds())?;
    Ok(person.subject)
}

/// Returns once it is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(60 * SECOND, waiting).await.unwrap();
}

fn unavailable(result: Result<String, ExternalError>) -> String {
    match result {
        Err(ExternalError::Keys(KeysError::Unavailable(why))) => why,
        other => panic!("{other:?}"),
    }
}
