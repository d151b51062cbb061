//! Sessions and the keys of their tokens.

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{Linked, OneTimeToken, Provider, Purpose, Session, UserKind};

use crate::stores::{Store, identity, is_revoked, new, registration, session, user};

async fn a_session_lasts_until_it_is_closed_or_expires<S: Store>() {
    let (state, _data) = new::<S>().await;
    let user = state.find_or_create(identity(Provider::Apple, "x", ""), UserKind::Normal);
    let user = user.await.unwrap().unwrap().id;
    let secrets = state.secrets().await.unwrap();
    let opened = session("s", &user);
    assert_eq!(
        state.open_session(opened.clone(), None).await.unwrap(),
        secrets.keys.last().map(|key| key.id)
    );
    assert_eq!(state.session("s").await.unwrap(), Some(opened));
    let expired = Session {
        expires: clock::unix_millis(),
        ..session("old", &user)
    };
    state.open_session(expired, None).await.unwrap();
    assert_eq!(state.session("old").await.unwrap(), None);
    assert!(state.close_session("s").await.unwrap());
    assert!(!state.close_session("s").await.unwrap());
    assert_eq!(state.session("s").await.unwrap(), None);
    assert_eq!(state.session("never").await.unwrap(), None);
}

async fn an_id_is_of_one_session_and_of_none_after_it_was_ended<S: Store>() {
    let (state, _data) = new::<S>().await;
    let user = user(&*state).await;
    let open = async || state.open_session(session("s", &user), None).await.unwrap();
    assert!(open().await.is_some());
    assert!(open().await.is_none(), "it lasts");
    assert!(state.session("s").await.unwrap().is_some());
    assert!(state.end_sessions(&user).await.unwrap());
    assert!(open().await.is_none(), "it has ended");
    assert!(state.session("s").await.unwrap().is_none());
}

async fn what_tokens_are_made_with_stays<S: Store>() {
    let (state, data) = new::<S>().await;
    let first = state.secrets().await.unwrap();
    assert_eq!(
        (first.domain.len(), first.keys.len(), first.keys[0].secret.len()),
        (24, 1, 32)
    );
    drop(state);
    let second = S::open(&data).await.secrets().await.unwrap();
    assert_eq!(second.domain, first.domain);
    assert_eq!(second.keys[0].secret, first.keys[0].secret);
}

async fn a_reset_ends_the_sessions_of_every_way_in<S: Store>() {
    let (state, _place) = new::<S>().await;
    let who = registration("me@example.com");
    let mine = identity(Provider::Password, &who.identity, "");
    let token = |id: &str| OneTimeToken {
        id: id.to_owned(),
        hash: [1; 32],
        purpose: Purpose::Reset,
        expires: clock::unix_millis() + 3_600_000,
    };
    state.register(who).await.unwrap();
    // It was reset before anybody had it.
    for id in ["before", "after"] {
        state.add_token("me@example.com", token(id)).await.unwrap();
        if id == "before" {
            assert!(state.reset_password(id, [1; 32], "other").await.unwrap());
        }
    }
    let user = user(&*state).await;
    let open = async |id| state.open_session(session(id, &user), None).await.unwrap();
    assert!(open("before it was linked").await.is_some());
    let linked = state.link(&user, mine, None).await.unwrap();
    assert!(matches!(linked, Linked::Done(_)));
    assert!(open("another way").await.is_some());
    let sessions = ["before it was linked", "another way"];
    for id in sessions {
        assert!(state.session(id).await.unwrap().is_some(), "{id}");
        assert!(!is_revoked(&*state, id).await, "{id}");
    }
    assert!(state.reset_password("after", [1; 32], "new").await.unwrap());
    for id in sessions {
        assert!(state.session(id).await.unwrap().is_none(), "{id}");
        assert!(is_revoked(&*state, id).await, "{id}");
    }
    assert!(open("later").await.is_some());
    assert!(state.session("later").await.unwrap().is_some());
    assert!(!is_revoked(&*state, "later").await);
}

suite! {
    a_reset_ends_the_sessions_of_every_way_in,
    a_session_lasts_until_it_is_closed_or_expires,
    an_id_is_of_one_session_and_of_none_after_it_was_ended,
    what_tokens_are_made_with_stays,
}
