//! Servers that fail, hang or mean no good.

use super::*;

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
