//! Two gateways on one state, or a command beside one.

use std::sync::Arc;

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{
    AddedKey, AddedToken, ApiKey, KeyOwner, Linked, Managed, OneTimeToken, Provider, Purpose, Session,
    UserKind,
};
use tokio::task::JoinSet;

use crate::stores::{Store, identity, is_revoked, new, registered, registration, session, two, user};

const EMAIL: &str = "me@example.com";

fn token(id: &str, purpose: Purpose) -> OneTimeToken {
    OneTimeToken {
        id: id.to_owned(),
        hash: [1; 32],
        purpose,
        expires: clock::unix_millis() + 3_600_000,
    }
}

/// What each of so many gets who do the same at once, every other one at the other gateway.
async fn at_once<T, F>(
    states: &[Arc<dyn Managed>; 2],
    count: usize,
    each: impl Fn(Arc<dyn Managed>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut all = JoinSet::new();
    for number in 0..count {
        all.spawn(each(Arc::clone(&states[number % 2]), number));
    }
    all.join_all().await
}

async fn several_that_are_the_first_at_once_agree_on_the_app<S: Store>() {
    let place = S::place().await;
    let (a, b, c) = tokio::join!(S::open(&place), S::open(&place), S::open(&place));
    let first = a.secrets().await.unwrap();
    for other in [b, c] {
        let other = other.secrets().await.unwrap();
        assert_eq!(other.domain, first.domain);
        assert_eq!((other.keys.len(), first.keys.len()), (1, 1));
        assert_eq!(other.keys[0].secret, first.keys[0].secret);
    }
}

async fn an_identity_makes_one_user_for_many_at_once<S: Store>() {
    let (states, _place) = two::<S>().await;
    // Of some log-ins at once a database parts two.
    for (number, name) in ["x", "y", "z"].into_iter().enumerate() {
        let users = at_once(&states, 12, move |state, _| async move {
            let user = state.find_or_create(identity(Provider::Google, name, ""), UserKind::Normal);
            user.await.unwrap().unwrap().id
        });
        let mut users = users.await;
        users.dedup();
        assert_eq!(users.len(), 1);
        assert_eq!(states[0].users(None, 10).await.unwrap().len(), number + 1);
    }
}

async fn an_e_mail_is_registered_by_one_of_many_at_once<S: Store>() {
    let (states, _place) = two::<S>().await;
    let registered = at_once(&states, 8, |state, number| async move {
        let mine = realm_ingest_gateway::state::Registration {
            identity: number.to_string(),
            ..registration(EMAIL)
        };
        state.register(mine).await.unwrap()
    });
    assert_eq!(registered.await.into_iter().filter(|one| *one).count(), 1);
}

async fn a_one_time_token_is_used_by_one_of_many_at_once<S: Store>() {
    let (states, _place) = two::<S>().await;
    states[0].register(registration(EMAIL)).await.unwrap();
    for (id, purpose) in [("c", Purpose::Confirm), ("r", Purpose::Reset)] {
        states[0].add_token(EMAIL, token(id, purpose)).await.unwrap();
    }
    let confirmed = at_once(&states, 8, |state, _| async move {
        state.confirm("c", [1; 32]).await.unwrap()
    });
    assert_eq!(confirmed.await.into_iter().filter(|one| *one).count(), 1);
    let reset = at_once(&states, 8, |state, number| async move {
        let hash = number.to_string();
        let reset = state.reset_password("r", [1; 32], &hash).await.unwrap();
        reset.then_some(hash)
    });
    let reset: Vec<_> = reset.await.into_iter().flatten().collect();
    let found = states[0].registration(EMAIL).await.unwrap().unwrap();
    assert_eq!(reset, [found.password_hash]);
}

async fn a_registration_has_no_more_tokens_for_many_at_once<S: Store>() {
    let (states, _place) = two::<S>().await;
    states[0].register(registration(EMAIL)).await.unwrap();
    let added = at_once(&states, 12, |state, number| async move {
        let token = token(&number.to_string(), Purpose::Reset);
        state.add_token(EMAIL, token).await.unwrap()
    });
    let added = added.await.into_iter();
    assert_eq!(added.filter(|one| *one == AddedToken::Added).count(), 5);
}

async fn a_user_has_no_more_api_keys_for_many_at_once<S: Store>() {
    let (states, _place) = two::<S>().await;
    let owner = KeyOwner::User(user(&*states[0]).await);
    let added = at_once(&states, 25, |state, number| {
        let owner = owner.clone();
        async move {
            let key = ApiKey {
                id: format!("key {number}"),
                owner,
                name: format!("name {number}"),
                disabled: false,
                created: 1,
            };
            let hash = [u8::try_from(number).unwrap(); 32];
            state.add_api_key(key, hash).await.unwrap()
        }
    });
    let added = added.await.into_iter();
    assert_eq!(added.filter(|one| *one == AddedKey::Added).count(), 20);
    assert_eq!(states[1].api_keys(&owner).await.unwrap().len(), 20);
}

async fn of_two_registrations_linked_at_once_a_user_has_one<S: Store>() {
    let (states, _place) = two::<S>().await;
    let user = user(&*states[0]).await;
    for email in ["a", "b"] {
        states[0].register(registration(email)).await.unwrap();
    }
    let linked = at_once(&states, 2, |state, number| {
        let user = user.clone();
        async move {
            let id = registration(["a", "b"][number]).identity;
            let linked = state.link(&user, identity(Provider::Password, &id, ""), None);
            matches!(linked.await.unwrap(), Linked::Done(_))
        }
    });
    assert_eq!(linked.await.into_iter().filter(|one| *one).count(), 1);
    let user = states[1].user(&user).await.unwrap().unwrap();
    assert_eq!(user.identities.len(), 2);
}

async fn a_reset_ends_sessions_that_another_gateway_has_opened<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    let user = registered(&*one, EMAIL).await;
    one.add_token(EMAIL, token("t", Purpose::Reset)).await.unwrap();
    one.open_session(session("s", &user), Some("hash".to_owned()))
        .await
        .unwrap()
        .unwrap();
    assert!(other.reset_password("t", [1; 32], "new").await.unwrap());
    assert!(one.session("s").await.unwrap().is_none());
    assert!(is_revoked(&*one, &user).await && is_revoked(&*one, "s").await);
    let stale = one.open_session(session("late", &user), Some("hash".to_owned()));
    assert!(stale.await.unwrap().is_none());
}

async fn keys_that_one_makes_and_retires_are_the_others<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    let user = user(&*one).await;
    let opened = one.open_session(session("old", &user), None).await.unwrap();
    assert_eq!(opened, Some(1));
    assert_eq!(other.rotate_keys().await.unwrap(), 2);
    let known = one.secrets().await.unwrap();
    assert!(known.keys.iter().map(|key| key.id).eq([1, 2]));
    let opened = one.open_session(session("new", &user), None).await.unwrap();
    assert_eq!(opened, Some(2));
    assert_eq!(other.retire_key(1, true).await.unwrap(), Ok(1));
    let known = one.secrets().await.unwrap();
    assert!(known.keys.iter().map(|key| key.id).eq([2]));
    assert!(one.session("old").await.unwrap().is_none());
    assert!(one.session("new").await.unwrap().is_some());
    assert!(is_revoked(&*one, "old").await && !is_revoked(&*one, "new").await);
    assert!(!is_revoked(&*one, &user).await);
}

async fn keys_made_at_once_have_numbers_of_their_own<S: Store>() {
    let (states, _place) = two::<S>().await;
    let made = at_once(&states, 6, |state, _| async move {
        state.rotate_keys().await.unwrap()
    });
    let mut made = made.await;
    made.sort_unstable();
    assert_eq!(made, [2, 3, 4, 5, 6, 7]);
}

async fn what_one_revokes_the_other_knows<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    let [a, b, c] = [user(&*one).await, user(&*one).await, user(&*one).await];
    for user in [&a, &b, &c] {
        let opened = one.open_session(session(&format!("of {user}"), user), None);
        opened.await.unwrap().unwrap();
    }
    assert!(other.end_sessions(&a).await.unwrap());
    assert!(other.set_disabled(&b, true).await.unwrap());
    assert!(other.remove_user(&c).await.unwrap());
    for user in [&a, &b, &c] {
        let session = format!("of {user}");
        assert!(one.session(&session).await.unwrap().is_none());
        assert!(is_revoked(&*one, user).await && is_revoked(&*one, &session).await);
    }
}

/// Whatever comes first: a session that was opened has ended, and is told of as such.
async fn ends_sessions_at_the_same_moment<F>(
    states: &[Arc<dyn Managed>; 2],
    user: &str,
    api_key: Option<&str>,
    end: impl Fn(Arc<dyn Managed>) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut sessions = Vec::new();
    let mut opening = JoinSet::new();
    for number in 0..10 {
        let (id, state) = (format!("{number} of {user}"), Arc::clone(&states[number % 2]));
        sessions.push(id.clone());
        let session = Session {
            api_key: api_key.map(str::to_owned),
            ..session(&id, user)
        };
        opening.spawn(async move {
            let opened = state.open_session(session, None).await.unwrap();
            opened.map(|_| id)
        });
        if number == 4 {
            let ending = end(Arc::clone(&states[1]));
            opening.spawn(async move {
                ending.await;
                None
            });
        }
    }
    let opened: Vec<_> = opening.join_all().await.into_iter().flatten().collect();
    for id in &sessions {
        let lasts = states[0].session(id).await.unwrap().is_some();
        let is_told = is_revoked(&*states[0], id).await;
        // One that came after the end goes on, where more may come.
        assert!(
            !opened.contains(id) || lasts != is_told,
            "{id}: {lasts}, {is_told}"
        );
        assert!(opened.contains(id) || !lasts, "{id}");
    }
}

/// What [`ends_sessions_at_the_same_moment`] opens has ended, whenever it came.
async fn all_have_ended(states: &[Arc<dyn Managed>; 2], user: &str) {
    for state in states {
        for number in 0..10 {
            let id = format!("{number} of {user}");
            assert!(state.session(&id).await.unwrap().is_none(), "{id}");
        }
    }
}

async fn a_session_that_is_opened_while_the_user_is_disabled_has_ended<S: Store>() {
    let (states, _place) = two::<S>().await;
    for _ in 0..3 {
        let user = user(&*states[0]).await;
        let id = user.clone();
        ends_sessions_at_the_same_moment(&states, &user, None, |state| {
            let id = id.clone();
            async move { assert!(state.set_disabled(&id, true).await.unwrap()) }
        })
        .await;
        all_have_ended(&states, &user).await;
    }
}

async fn a_session_that_is_opened_while_others_of_the_user_end_lasts_or_has_ended<S: Store>() {
    let (states, _place) = two::<S>().await;
    for _ in 0..3 {
        let user = user(&*states[0]).await;
        let id = user.clone();
        ends_sessions_at_the_same_moment(&states, &user, None, |state| {
            let id = id.clone();
            async move { assert!(state.end_sessions(&id).await.unwrap()) }
        })
        .await;
    }
}

async fn a_session_that_is_opened_while_its_api_key_goes_has_ended<S: Store>() {
    let (states, _place) = two::<S>().await;
    let user = user(&*states[0]).await;
    for number in 0..3 {
        let owner = KeyOwner::User(user.clone());
        let key = ApiKey {
            id: format!("key {number}"),
            owner: owner.clone(),
            name: format!("name {number}"),
            disabled: false,
            created: 1,
        };
        let id = key.id.clone();
        states[0].add_api_key(key, [number; 32]).await.unwrap();
        let mine = crate::stores::user(&*states[0]).await;
        ends_sessions_at_the_same_moment(&states, &mine, Some(&id), |state| {
            let (owner, id) = (owner.clone(), id.clone());
            async move { assert!(state.remove_api_key(&owner, &id).await.unwrap()) }
        })
        .await;
        all_have_ended(&states, &mine).await;
    }
}

async fn a_user_who_comes_while_his_registration_goes_cannot_log_in<S: Store>() {
    let (states, _place) = two::<S>().await;
    for number in 0..5 {
        let email = format!("{number}@example.com");
        let who = registration(&email);
        let identity = identity(Provider::Password, &who.identity, "");
        states[0].register(who).await.unwrap();
        let (came, removed) = tokio::join!(
            states[0].find_or_create(identity.clone(), UserKind::Normal),
            states[1].remove_registration(&email)
        );
        let (came, removed) = (came.unwrap(), removed.unwrap());
        let left = states[0].registration(&email).await.unwrap();
        assert_eq!(left.is_none(), removed);
        let user = states[0].user_by_identity(Provider::Password, &identity.id);
        assert_eq!(user.await.unwrap().is_some(), !removed && came.is_some());
    }
}

async fn one_state_holds_the_same_for_both<S: Store>() {
    let (state, place) = new::<S>().await;
    let user = user(&*state).await;
    let other = S::open(&place).await;
    assert_eq!(other.user(&user).await.unwrap().unwrap().id, user);
    assert_eq!(other.count_users().await.unwrap(), 1);
}

suite! {
    several_that_are_the_first_at_once_agree_on_the_app,
    an_identity_makes_one_user_for_many_at_once,
    an_e_mail_is_registered_by_one_of_many_at_once,
    a_one_time_token_is_used_by_one_of_many_at_once,
    a_registration_has_no_more_tokens_for_many_at_once,
    a_user_has_no_more_api_keys_for_many_at_once,
    of_two_registrations_linked_at_once_a_user_has_one,
    a_reset_ends_sessions_that_another_gateway_has_opened,
    keys_that_one_makes_and_retires_are_the_others,
    keys_made_at_once_have_numbers_of_their_own,
    what_one_revokes_the_other_knows,
    a_session_that_is_opened_while_the_user_is_disabled_has_ended,
    a_session_that_is_opened_while_others_of_the_user_end_lasts_or_has_ended,
    a_session_that_is_opened_while_its_api_key_goes_has_ended,
    a_user_who_comes_while_his_registration_goes_cannot_log_in,
    one_state_holds_the_same_for_both,
}
