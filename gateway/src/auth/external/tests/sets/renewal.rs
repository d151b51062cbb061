//! Which keys are good, and when they are read again.

use super::*;

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
            Signer::Secret(super::super::super::testing::RSA),
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
