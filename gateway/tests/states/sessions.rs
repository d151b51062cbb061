//! Sessions and the keys of their tokens.

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{Provider, Session, UserKind};

use crate::stores::{Store, identity, new, session};

async fn a_session_lasts_until_it_is_closed_or_expires<S: Store>() {
    let (state, _data) = new::<S>();
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

async fn what_tokens_are_made_with_stays<S: Store>() {
    let (state, data) = new::<S>();
    let first = state.secrets().await.unwrap();
    assert_eq!(
        (first.domain.len(), first.keys.len(), first.keys[0].secret.len()),
        (24, 1, 32)
    );
    drop(state);
    let second = S::open(&data).secrets().await.unwrap();
    assert_eq!(second.domain, first.domain);
    assert_eq!(second.keys[0].secret, first.keys[0].secret);
}

suite! {
    a_session_lasts_until_it_is_closed_or_expires,
    what_tokens_are_made_with_stays,
}
