//! E-mails, passwords and one-time tokens.

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{AddedToken, Linked, OneTimeToken, Provider, Purpose, UserKind};

use crate::stores::{Store, identity, new, registration, session};

const EMAIL: &str = "me@example.com";

/// Good for an hour.
fn token(id: &str, secret: u8, purpose: Purpose) -> OneTimeToken {
    OneTimeToken {
        id: id.to_owned(),
        hash: [secret; 32],
        purpose,
        expires: clock::unix_millis() + 3_600_000,
    }
}

async fn an_e_mail_is_registered_once_and_case_matters<S: Store>() {
    let (state, _data) = new::<S>().await;
    assert!(state.register(registration(EMAIL)).await.unwrap());
    let second = realm_ingest_gateway::state::Registration {
        identity: "another".to_owned(),
        ..registration(EMAIL)
    };
    assert!(!state.register(second).await.unwrap());
    assert!(state.register(registration("ME@example.com")).await.unwrap());
    let found = state.registration(EMAIL).await.unwrap().unwrap();
    assert_eq!(
        (found.identity.as_str(), found.confirmed),
        ("identity of me@example.com", false)
    );
    assert!(state.registration("").await.unwrap().is_none());
}

async fn a_registration_is_confirmed_by_its_token_once<S: Store>() {
    let (state, _data) = new::<S>().await;
    state.register(registration(EMAIL)).await.unwrap();
    let added = state
        .add_token(EMAIL, token("t", 1, Purpose::Confirm))
        .await
        .unwrap();
    assert_eq!(added, AddedToken::Added);
    assert!(!state.confirm("t", [2; 32]).await.unwrap());
    assert!(!state.confirm("u", [1; 32]).await.unwrap());
    assert!(!state.reset_password("t", [1; 32], "other").await.unwrap());
    assert!(!state.registration(EMAIL).await.unwrap().unwrap().confirmed);
    assert!(state.confirm("t", [1; 32]).await.unwrap());
    assert!(state.registration(EMAIL).await.unwrap().unwrap().confirmed);
    assert!(!state.confirm("t", [1; 32]).await.unwrap());
}

async fn a_registration_is_confirmed_without_a_token_while_it_proves_the_same_identity<S: Store>() {
    let (state, _data) = new::<S>().await;
    let registration = registration(EMAIL);
    state.register(registration.clone()).await.unwrap();
    let confirm = |email, identity| state.confirm_registration(email, identity);
    assert!(!confirm(EMAIL, "of who was removed").await.unwrap());
    assert!(!confirm("nobody", &registration.identity).await.unwrap());
    assert!(!state.registration(EMAIL).await.unwrap().unwrap().confirmed);
    for _ in 0..2 {
        assert!(confirm(EMAIL, &registration.identity).await.unwrap());
        assert!(state.registration(EMAIL).await.unwrap().unwrap().confirmed);
    }
}

async fn a_password_that_was_replaced_since_it_was_checked_links_nothing<S: Store>() {
    let (state, _data) = new::<S>().await;
    let registration = registration(EMAIL);
    let identity = identity(Provider::Password, &registration.identity, "");
    state.register(registration.clone()).await.unwrap();
    let anonymous = crate::stores::identity(Provider::Anonymous, "a", "");
    let user = state
        .find_or_create(anonymous, UserKind::Normal)
        .await
        .unwrap()
        .unwrap();
    let link = |hash: &str| state.link(&user.id, identity.clone(), Some(hash.to_owned()));
    let added = state.add_token(EMAIL, token("t", 1, Purpose::Reset));
    assert_eq!(added.await.unwrap(), AddedToken::Added);
    assert!(state.reset_password("t", [1; 32], "other").await.unwrap());
    let refused = link(&registration.password_hash).await.unwrap();
    assert!(matches!(refused, Linked::NotProven));
    assert_eq!(state.user(&user.id).await.unwrap().unwrap().identities.len(), 1);
    for _ in 0..2 {
        assert!(matches!(link("other").await.unwrap(), Linked::Done(_)));
    }
    // What is his already is not told to who does not know the password.
    let refused = link(&registration.password_hash).await.unwrap();
    assert!(matches!(refused, Linked::NotProven));
}

async fn a_password_is_replaced_by_a_token_once<S: Store>() {
    let (state, _data) = new::<S>().await;
    state.register(registration(EMAIL)).await.unwrap();
    state
        .add_token(EMAIL, token("t", 1, Purpose::Reset))
        .await
        .unwrap();
    assert!(state.has_token(Purpose::Reset, "t", [1; 32]).await.unwrap());
    assert!(!state.has_token(Purpose::Confirm, "t", [1; 32]).await.unwrap());
    let reset = |hash| state.reset_password("t", [1; 32], hash);
    let (a, b) = tokio::join!(reset("a"), reset("b"));
    let used = [("a", a.unwrap()), ("b", b.unwrap())];
    let used: Vec<_> = used.into_iter().filter(|(_, used)| *used).collect();
    assert_eq!(used.len(), 1);
    let found = state.registration(EMAIL).await.unwrap().unwrap();
    assert_eq!(
        (found.password_hash.as_str(), found.confirmed),
        (used[0].0, false)
    );
    assert!(!state.has_token(Purpose::Reset, "t", [1; 32]).await.unwrap());
}

async fn a_new_password_ends_the_sessions_of_the_old_one_and_no_others<S: Store>() {
    let (state, _data) = new::<S>().await;
    for (email, session_id) in [(EMAIL, "mine"), ("you@example.com", "yours")] {
        state.register(registration(email)).await.unwrap();
        let identity = identity(Provider::Password, &format!("identity of {email}"), email);
        let user = state
            .find_or_create(identity, UserKind::Normal)
            .await
            .unwrap()
            .unwrap();
        state
            .open_session(session(session_id, &user.id), None)
            .await
            .unwrap();
    }
    let added = state.add_token(EMAIL, token("t", 1, Purpose::Reset));
    assert_eq!(added.await.unwrap(), AddedToken::Added);
    assert!(!state.reset_password("t", [2; 32], "other").await.unwrap());
    assert!(
        state.session("mine").await.unwrap().is_some(),
        "nothing was reset"
    );
    assert!(state.reset_password("t", [1; 32], "other").await.unwrap());
    assert!(state.session("mine").await.unwrap().is_none());
    assert!(state.session("yours").await.unwrap().is_some());
    let revoked = state.revocations(0).await.unwrap();
    assert_eq!(revoked.len(), 2, "the user and his session");
}

async fn a_password_that_was_replaced_since_it_was_checked_opens_no_session<S: Store>() {
    let (state, _data) = new::<S>().await;
    let registration = registration(EMAIL);
    let checked = registration.password_hash.clone();
    let identity = identity(Provider::Password, &registration.identity, "");
    state.register(registration).await.unwrap();
    let user = state
        .find_or_create(identity, UserKind::Normal)
        .await
        .unwrap()
        .unwrap()
        .id;
    let open = async |hash: &str| {
        let opened = state.open_session(session(hash, &user), Some(hash.to_owned()));
        opened.await.unwrap().is_some()
    };
    assert!(open(&checked).await);
    let added = state.add_token(EMAIL, token("t", 1, Purpose::Reset));
    assert_eq!(added.await.unwrap(), AddedToken::Added);
    assert!(state.reset_password("t", [1; 32], "other").await.unwrap());
    assert!(!open(&checked).await);
    assert!(state.session(&checked).await.unwrap().is_none());
    assert!(open("other").await);
}

async fn a_token_that_is_used_takes_the_others_of_its_purpose_along<S: Store>() {
    let (state, _data) = new::<S>().await;
    state.register(registration(EMAIL)).await.unwrap();
    for (id, purpose) in [
        ("a", Purpose::Reset),
        ("b", Purpose::Reset),
        ("c", Purpose::Confirm),
        ("d", Purpose::Confirm),
    ] {
        let added = state.add_token(EMAIL, token(id, 1, purpose)).await.unwrap();
        assert_eq!(added, AddedToken::Added);
    }
    assert!(state.reset_password("a", [1; 32], "mine").await.unwrap());
    assert!(!state.reset_password("b", [1; 32], "a thief's").await.unwrap());
    assert!(state.confirm("c", [1; 32]).await.unwrap());
    assert!(!state.confirm("d", [1; 32]).await.unwrap());
}

async fn a_token_that_has_expired_is_not_good<S: Store>() {
    let (state, _data) = new::<S>().await;
    state.register(registration(EMAIL)).await.unwrap();
    for purpose in [Purpose::Confirm, Purpose::Reset] {
        let expired = OneTimeToken {
            expires: clock::unix_millis(),
            ..token(purpose.as_str(), 1, purpose)
        };
        state.add_token(EMAIL, expired).await.unwrap();
        assert!(!state.has_token(purpose, purpose.as_str(), [1; 32]).await.unwrap());
    }
    assert!(!state.confirm("confirm", [1; 32]).await.unwrap());
    assert!(!state.reset_password("reset", [1; 32], "other").await.unwrap());
}

async fn a_registration_has_five_good_tokens_of_a_purpose<S: Store>() {
    let (state, _data) = new::<S>().await;
    state.register(registration(EMAIL)).await.unwrap();
    let expired = OneTimeToken {
        expires: clock::unix_millis(),
        ..token("old", 9, Purpose::Reset)
    };
    state.add_token(EMAIL, expired).await.unwrap();
    for number in 0..5 {
        let added = state.add_token(EMAIL, token(&number.to_string(), number, Purpose::Reset));
        assert_eq!(added.await.unwrap(), AddedToken::Added);
    }
    let add = |id, purpose| state.add_token(EMAIL, token(id, 7, purpose));
    assert_eq!(add("6", Purpose::Reset).await.unwrap(), AddedToken::TooMany);
    assert_eq!(add("7", Purpose::Confirm).await.unwrap(), AddedToken::Added);
    assert!(state.reset_password("0", [0; 32], "other").await.unwrap());
    assert_eq!(add("8", Purpose::Reset).await.unwrap(), AddedToken::Added);
    let nobody = state
        .add_token("nobody", token("9", 1, Purpose::Reset))
        .await
        .unwrap();
    assert_eq!(nobody, AddedToken::NoRegistration);
}

async fn a_registration_is_removed_with_its_tokens_while_no_user_has_it<S: Store>() {
    let (state, _data) = new::<S>().await;
    for email in ["a", "b", "c"] {
        state.register(registration(email)).await.unwrap();
    }
    state
        .add_token("a", token("t", 1, Purpose::Confirm))
        .await
        .unwrap();
    let used = identity(Provider::Password, "identity of b", "");
    state
        .find_or_create(used, UserKind::Normal)
        .await
        .unwrap()
        .unwrap();
    let unused = state.unused_registrations("", 10).await.unwrap();
    assert!(unused.iter().map(|one| one.email.as_str()).eq(["a", "c"]));
    let unused = state.unused_registrations("a", 10).await.unwrap();
    assert!(unused.iter().map(|one| one.email.as_str()).eq(["c"]));
    assert_eq!(state.unused_registrations("", 1).await.unwrap().len(), 1);

    assert!(state.remove_registration("a").await.unwrap());
    assert!(!state.remove_registration("a").await.unwrap());
    assert!(!state.remove_registration("b").await.unwrap());
    assert!(state.registration("b").await.unwrap().is_some());
    assert!(!state.confirm("t", [1; 32]).await.unwrap());
    assert!(state.register(registration("a")).await.unwrap());
}

suite! {
    an_e_mail_is_registered_once_and_case_matters,
    a_registration_is_confirmed_by_its_token_once,
    a_registration_is_confirmed_without_a_token_while_it_proves_the_same_identity,
    a_password_that_was_replaced_since_it_was_checked_links_nothing,
    a_password_is_replaced_by_a_token_once,
    a_new_password_ends_the_sessions_of_the_old_one_and_no_others,
    a_password_that_was_replaced_since_it_was_checked_opens_no_session,
    a_token_that_is_used_takes_the_others_of_its_purpose_along,
    a_token_that_has_expired_is_not_good,
    a_registration_has_five_good_tokens_of_a_purpose,
    a_registration_is_removed_with_its_tokens_while_no_user_has_it,
}
