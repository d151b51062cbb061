//! Sets of keys, in files and on servers that mean well and others.

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

#[tokio::test]
async fn a_key_of_a_set_is_found_by_the_name_that_the_token_gives() {
    let server = Server::start(set(&[rsa_jwk("a"), ec_jwk("b"), other_rsa_jwk("c")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    for (signer, name) in [(Signer::Rsa, "a"), (Signer::Ec, "b"), (Signer::OtherRsa, "c")] {
        assert_eq!(log_in(&verifier, token(signer, name), now).await.unwrap(), "ada");
    }
    for (signer, name, expected) in [
        (Signer::Rsa, "c", TokenError::Signature),
        (Signer::Rsa, "b", TokenError::Algorithm),
        (
            Signer::Secret(super::super::testing::RSA),
            "a",
            TokenError::Algorithm,
        ),
        (Signer::Rsa, "d", TokenError::UnknownKey),
    ] {
        let refused = log_in(&verifier, token(signer, name), now).await;
        assert_eq!(refused, Err(expected.into()));
    }
    let nameless = Signer::Rsa.token(None, &json!({}));
    let refused = log_in(&verifier, nameless, now).await;
    assert_eq!(refused, Err(TokenError::NoKeyNamed.into()));
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn many_who_come_at_once_have_the_server_asked_once() {
    let server = Server::start(set(&[ec_jwk("a")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    let all = (0..100).map(|_| {
        let verifier = Arc::clone(&verifier);
        tokio::spawn(async move { log_in(&verifier, token(Signer::Ec, "a"), now).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_known_within_a_minute_and_made_up_names_cost_one_request_in_it() {
    let server = Server::start(set(&[rsa_jwk("old")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    log_in(&verifier, token(Signer::Rsa, "old"), now).await.unwrap();
    server.now_answers(set(&[rsa_jwk("old"), ec_jwk("new")]));
    let early = log_in(&verifier, token(Signer::Ec, "new"), now + MINUTE - SECOND).await;
    assert_eq!(early, Err(TokenError::UnknownKey.into()));
    assert_eq!(server.asked(), 1);
    log_in(&verifier, token(Signer::Ec, "new"), now + MINUTE)
        .await
        .unwrap();
    for number in 0..100 {
        let name = format!("made up {number}");
        let refused = log_in(&verifier, token(Signer::Ec, &name), now + MINUTE + SECOND).await;
        assert_eq!(refused, Err(TokenError::UnknownKey.into()));
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_key_that_was_taken_away_is_good_for_an_hour_at_most() {
    let server = Server::start(set(&[rsa_jwk("old"), ec_jwk("new")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    log_in(&verifier, token(Signer::Rsa, "old"), now).await.unwrap();
    server.now_answers(set(&[ec_jwk("new")]));
    log_in(&verifier, token(Signer::Rsa, "old"), now + HOUR - SECOND)
        .await
        .unwrap();
    let refused = log_in(&verifier, token(Signer::Rsa, "old"), now + HOUR).await;
    assert_eq!(refused, Err(TokenError::UnknownKey.into()));
}

#[tokio::test]
async fn keys_are_renewed_beside_the_log_ins_from_half_their_life_on() {
    let server = Server::start(set(&[rsa_jwk("old")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    log_in(&verifier, token(Signer::Rsa, "old"), now).await.unwrap();
    server.now_answers(set(&[ec_jwk("new")]));
    log_in(&verifier, token(Signer::Rsa, "old"), now + HOUR / 2 - SECOND)
        .await
        .unwrap();
    assert_eq!(server.asked(), 1);
    log_in(&verifier, token(Signer::Rsa, "old"), now + HOUR / 2)
        .await
        .unwrap();
    // Nobody has asked for the new key, nor waits for it.
    let old = async || log_in(&verifier, token(Signer::Rsa, "old"), now + HOUR / 2).await;
    until(async || old().await.is_err()).await;
    log_in(&verifier, token(Signer::Ec, "new"), now + HOUR / 2)
        .await
        .unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_server_that_fails_leaves_the_keys_as_they_are_until_they_are_an_hour_old() {
    let server = Server::start(set(&[rsa_jwk("a")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    log_in(&verifier, token(Signer::Rsa, "a"), now).await.unwrap();
    server.now_answers(Answer::Status(500));
    for (later, asked) in [(HOUR / 2, 2), (HOUR / 2 + SECOND, 2), (HOUR - SECOND, 3)] {
        log_in(&verifier, token(Signer::Rsa, "a"), now + later)
            .await
            .unwrap();
        // Whether there is such a key by now cannot be told; who asks for it waits for the answer.
        let unknown = log_in(&verifier, token(Signer::Ec, "b"), now + later).await;
        assert!(unavailable(unknown).contains("500"));
        until(async || server.asked() >= asked).await;
        assert_eq!(server.asked(), asked, "it is not asked again within a minute");
    }
    server.now_answers(set(&[rsa_jwk("a")]));
    let old = log_in(&verifier, token(Signer::Rsa, "a"), now + HOUR).await;
    assert!(
        unavailable(old).contains("500"),
        "the server was asked a second ago"
    );
    let later = async || log_in(&verifier, token(Signer::Rsa, "a"), now + HOUR + MINUTE).await;
    until(async || later().await.is_ok()).await;
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_log_in_of_a_pause_its_wait_and_the_others_nothing() {
    let server = Server::start(set(&[rsa_jwk("a")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    log_in(&verifier, token(Signer::Rsa, "a"), now).await.unwrap();
    server.now_answers(Answer::Never);
    tokio::time::pause();
    let seconds = async |name: &str, later| {
        let began = tokio::time::Instant::now();
        let result = log_in(&verifier, token(Signer::Rsa, name), now + later).await;
        (result, began.elapsed().as_secs())
    };
    let half = HOUR / 2;
    assert_eq!(seconds("a", half).await, (Ok("ada".to_owned()), 0));
    let (unknown, waited) = seconds("b", half).await;
    assert!(unavailable(unknown).contains("within 5 seconds"));
    assert_eq!(waited, 5, "for the renewal that the first has begun");
    assert_eq!(seconds("b", half + MINUTE - SECOND).await.1, 0);
    assert_eq!(seconds("a", half + MINUTE - SECOND).await.1, 0);
    let at_once = tokio::join!(seconds("a", HOUR), seconds("a", HOUR), seconds("a", HOUR));
    let (at_once, mut waits) = ([at_once.0, at_once.1, at_once.2], Vec::new());
    for (result, waited) in at_once {
        unavailable(result);
        waits.push(waited);
    }
    assert_eq!(waits, [5, 0, 0]);
    assert_eq!(seconds("a", HOUR + 19 * SECOND).await.1, 0);
    assert_eq!(seconds("a", HOUR + 20 * SECOND).await.1, 5);
    assert_eq!(seconds("a", HOUR + 59 * SECOND).await.1, 0);
}

/// What is logged by this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_url_that_fails_is_one_line_of_the_log_a_pause() {
    let log = Log::default();
    let lines = {
        let written = Arc::clone(&log.0);
        move || {
            let text = String::from_utf8(std::mem::take(&mut *written.lock().unwrap())).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        }
    };
    // With one for all threads no place of the program is ever taken for one that nobody listens to, whichever test comes by
    // there first. It may be there already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::fmt().with_ansi(false);
    let subscriber = subscriber.with_writer(move || log.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let server = Server::start(Answer::Status(503)).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    for (later, told) in [(0, 1), (5, 0), (10, 1), (29, 0), (30, 1)] {
        for _ in 0..3 {
            unavailable(log_in(&verifier, token(Signer::Rsa, "a"), now + later * SECOND).await);
        }
        let lines = lines();
        assert_eq!(lines.len(), told, "{later} s: {lines:?}");
        assert!(lines.iter().all(|line| line.contains("nobody is let in by them")));
    }
    server.now_answers(set(&[rsa_jwk("a")]));
    log_in(&verifier, token(Signer::Rsa, "a"), now + MINUTE * 2)
        .await
        .unwrap();
    server.now_answers(Answer::Status(503));
    unavailable(log_in(&verifier, token(Signer::Ec, "b"), now + MINUTE * 3).await);
    let lines = lines();
    assert!(lines[0].contains("can be read again"), "{lines:?}");
    assert!(lines[1].contains("good until they are an hour old"), "{lines:?}");
}

#[tokio::test]
async fn a_server_that_was_not_there_is_asked_again_after_ten_seconds() {
    let server = Server::start(Answer::Status(503)).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    unavailable(log_in(&verifier, token(Signer::Rsa, "a"), now).await);
    server.now_answers(set(&[rsa_jwk("a")]));
    unavailable(log_in(&verifier, token(Signer::Rsa, "a"), now + 9 * SECOND).await);
    log_in(&verifier, token(Signer::Rsa, "a"), now + 10 * SECOND)
        .await
        .unwrap();
}

#[tokio::test]
async fn redirects_are_not_followed_and_an_answer_has_an_end() {
    let elsewhere = Server::start(set(&[rsa_jwk("a")])).await;
    for (answer, why) in [
        (Answer::Redirect(elsewhere.url()), "redirects are not followed"),
        (Answer::Endless, "larger than 262144 bytes"),
        (Answer::Status(204), "status 204"),
        (set(&[]), "no key that can be used"),
        (Answer::Set(json!("<html>")), "no JSON Web Key Set"),
    ] {
        let server = Server::start(answer).await;
        let text = unavailable(log_in(&server.verifier(), token(Signer::Rsa, "a"), Instant::now()).await);
        assert!(text.contains(why), "{text}");
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_for_longer_than_five_seconds_and_others_not_at_all() {
    let (hanging, good) = (
        Server::start(Answer::Never).await,
        Server::start(set(&[ec_jwk("a")])).await,
    );
    let (slow, now) = (hanging.verifier(), Instant::now());
    let token = token(Signer::Ec, "a");
    let all: Vec<_> = (0..300)
        .map(|_| {
            let (slow, token) = (Arc::clone(&slow), token.clone());
            tokio::spawn(async move { log_in(&slow, token, now).await })
        })
        .collect();
    while hanging.asked() == 0 {
        tokio::task::yield_now().await;
    }
    log_in(&good.verifier(), token, now).await.unwrap();
    assert_eq!(all.iter().filter(|one| one.is_finished()).count(), 300 - 256);
    let mut busy = 0;
    for one in all {
        match one.await.unwrap() {
            Err(ExternalError::Keys(KeysError::Busy)) => busy += 1,
            other => assert!(unavailable(other).contains("within 5 seconds")),
        }
    }
    assert_eq!((busy, hanging.asked()), (300 - 256, 1));
}

#[tokio::test]
async fn neighbours_in_a_private_network_are_not_asked_unless_the_operator_says_so() {
    let now = Instant::now();
    for url in [
        "https://10.255.255.1/keys",
        "https://[fd00::1]/keys",
        "https://169.254.169.254/keys",
    ] {
        let text = unavailable(log_in(&of(url), token(Signer::Rsa, "a"), now).await);
        assert!(text.contains("private network"), "{text}");
    }
}

#[tokio::test]
async fn who_asked_may_go_and_the_keys_are_read_all_the_same() {
    let server = Server::start(set(&[ec_jwk("a")])).await;
    let (verifier, now) = (server.verifier(), Instant::now());
    let gone = tokio::spawn({
        let verifier = Arc::clone(&verifier);
        async move { log_in(&verifier, token(Signer::Ec, "a"), now).await }
    });
    while server.asked() == 0 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    log_in(&verifier, token(Signer::Ec, "a"), now).await.unwrap();
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_file_is_read_again_and_a_broken_one_leaves_the_keys_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    let write = |keys: &[Value]| std::fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    let (verifier, now) = (of(file.to_str().unwrap()).clone(), Instant::now());
    let missing = unavailable_at(&file, now).await;
    assert!(missing.contains("No such file"), "{missing}");
    write(&[rsa_jwk("a")]);
    log_in(&verifier, token(Signer::Rsa, "a"), now).await.unwrap();
    write(&[ec_jwk("b")]);
    log_in(&verifier, token(Signer::Ec, "b"), now + SECOND)
        .await
        .unwrap();
    let gone = log_in(&verifier, token(Signer::Rsa, "a"), now + 2 * SECOND).await;
    assert_eq!(gone, Err(TokenError::UnknownKey.into()));
    std::fs::write(&file, "{").unwrap();
    log_in(&verifier, token(Signer::Ec, "b"), now + HOUR)
        .await
        .unwrap();
    std::fs::write(&file, " ".repeat(300_000)).unwrap();
    assert!(unavailable_at(&file, now).await.contains("larger"));
    assert!(unavailable_at(directory.path(), now).await.contains("no file"));
}

async fn unavailable_at(path: &Path, now: Instant) -> String {
    unavailable(log_in(&of(path.to_str().unwrap()), token(Signer::Rsa, "a"), now).await)
}

#[tokio::test]
async fn two_who_use_the_same_set_have_it_read_once() {
    let server = Server::start(set(&[ec_jwk("a")])).await;
    let now = Instant::now();
    let (one, sets) = (server.verifier().config.clone(), KeySets::default());
    for (config, asked) in [
        (one.clone(), 1),
        (one, 1),
        (of(&format!("{}/other", server.url())).config.clone(), 2),
    ] {
        let token = Token::parse(token(Signer::Ec, "a")).unwrap();
        config.candidates(&token, &sets, now).await.unwrap();
        assert_eq!(server.asked(), asked);
    }
}
