//! What the operator's commands ask.

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{Linked, OneTimeToken, Provider, Purpose};

use crate::stores::{Store, identity, new, registration, session, user};

async fn keys_are_listed_with_the_sessions_that_end_with_them<S: Store>() {
    let (state, _place) = new::<S>().await;
    let user = user(&*state).await;
    let before = clock::unix_millis();
    for id in ["1", "2", "closed"] {
        state.open_session(session(id, &user), None).await.unwrap();
    }
    state.close_session("closed").await.unwrap();
    assert_eq!(state.rotate_keys().await.unwrap(), 2);
    let keys = state.signing_keys().await.unwrap();
    let listed = keys.iter().map(|key| (key.id, key.signs, key.sessions));
    assert!(listed.eq([(1, false, 2), (2, true, 0)]));
    assert!(keys[0].used.is_some_and(|used| used >= before));
    assert!(keys[0].until.is_some_and(|until| until > before + 3_500_000));
    assert_eq!((keys[1].used, keys[1].until), (None, None));
}

async fn a_key_is_retired_when_it_does_not_sign_and_no_session_needs_it<S: Store>() {
    let (state, _place) = new::<S>().await;
    let user = user(&*state).await;
    state.open_session(session("s", &user), None).await.unwrap();
    let refused = async |key, force| state.retire_key(key, force).await.unwrap().unwrap_err();
    assert!(refused(1, true).await.starts_with("key 1 signs"));
    assert!(refused(7, true).await.starts_with("there is no key 7"));
    state.rotate_keys().await.unwrap();
    assert!(refused(1, false).await.starts_with("1 refresh tokens of key 1"));
    assert!(state.session("s").await.unwrap().is_some());
    state.end_sessions(&user).await.unwrap();
    assert_eq!(state.retire_key(1, false).await.unwrap(), Ok(0), "it has ended");
    assert!(refused(1, false).await.starts_with("there is no key 1"));
    assert_eq!(state.rotate_keys().await.unwrap(), 3, "no number is used twice");
}

async fn sessions_that_a_reset_has_ended_do_not_count_as_going_on<S: Store>() {
    let (state, _place) = new::<S>().await;
    let (mine, email) = (user(&*state).await, "me@example.com");
    let opened = state
        .open_session(session("before it was his", &mine), None)
        .await;
    opened.unwrap().unwrap();
    let who = registration(email);
    let proven = identity(Provider::Password, &who.identity, "");
    state.register(who).await.unwrap();
    let linked = state.link(&mine, proven, Some("hash".to_owned())).await.unwrap();
    assert!(matches!(linked, Linked::Done(_)));
    let opened = state.open_session(session("since", &mine), Some("hash".to_owned()));
    opened.await.unwrap().unwrap();
    let other = user(&*state).await;
    let opened = state.open_session(session("other", &other), None).await;
    opened.unwrap().unwrap();
    assert_eq!(state.signing_keys().await.unwrap()[0].sessions, 3);

    let token = OneTimeToken {
        id: "t".to_owned(),
        hash: [1; 32],
        purpose: Purpose::Reset,
        expires: clock::unix_millis() + 3_600_000,
    };
    state.add_token(email, token).await.unwrap();
    assert!(state.reset_password("t", [1; 32], "new").await.unwrap());
    assert_eq!(state.signing_keys().await.unwrap()[0].sessions, 1);
    let opened = state.open_session(session("by the new one", &mine), Some("new".to_owned()));
    opened.await.unwrap().unwrap();
    assert_eq!(state.signing_keys().await.unwrap()[0].sessions, 2);
}

async fn users_are_counted_while_they_are_there<S: Store>() {
    let (state, _place) = new::<S>().await;
    let (one, _other) = (user(&*state).await, user(&*state).await);
    assert_eq!(state.count_users().await.unwrap(), 2);
    state.remove_user(&one).await.unwrap();
    assert_eq!(state.count_users().await.unwrap(), 1);
}

async fn the_state_can_be_written<S: Store>() {
    let (state, _place) = new::<S>().await;
    state.probe().await.unwrap();
}

suite! {
    sessions_that_a_reset_has_ended_do_not_count_as_going_on,
    keys_are_listed_with_the_sessions_that_end_with_them,
    a_key_is_retired_when_it_does_not_sign_and_no_session_needs_it,
    users_are_counted_while_they_are_there,
    the_state_can_be_written,
}
