//! Changes that are cut off at any point, as when a gateway dies in them: asked for again, they are whole.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{
    ApiKey, KeyOwner, Managed, OneTimeToken, Provider, Purpose, Session, UserKind,
};

use crate::stores::{Store, identity, new, registered, registration, session, user};

/// The answer, unless the work is not done when it has gone on so many times.
pub async fn cut_off<T>(work: impl Future<Output = T>, after: usize) -> Option<T> {
    let (mut work, mut left) = (pin!(work), after);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

fn key(owner: KeyOwner, id: &str) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        owner,
        name: "key".to_owned(),
        disabled: false,
        created: 1,
    }
}

fn hash(number: usize) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_le_bytes());
    hash
}

async fn a_removal_of_a_user_that_was_cut_off_is_whole_the_next_time<S: Store>() {
    let (state, place) = new::<S>().await;
    for after in 1.. {
        let email = format!("{after}@example.com");
        let user = registered(&*state, &email).await;
        let key = key(KeyOwner::User(user.clone()), &format!("key {after}"));
        let by_key = Session {
            api_key: Some(key.id.clone()),
            ..session(&format!("by key {after}"), &user)
        };
        state.add_api_key(key, hash(after)).await.unwrap();
        let own = session(&format!("own {after}"), &user);
        for opened in [&own, &by_key] {
            state.open_session(opened.clone(), None).await.unwrap().unwrap();
        }

        let removed = cut_off(state.remove_user(&user), after).await;
        let next = S::open(&place).await;
        next.remove_user(&user).await.unwrap();
        assert!(next.user(&user).await.unwrap().is_none());
        assert!(next.registration(&email).await.unwrap().is_none());
        assert!(next.api_key(hash(after)).await.unwrap().is_none());
        let identity = registration(&email).identity;
        let holder = next.user_by_identity(Provider::Password, &identity).await;
        assert!(holder.unwrap().is_none());
        for ended in [&own.id, &by_key.id, &user] {
            assert!(next.session(ended).await.unwrap().is_none());
            assert!(crate::stores::is_revoked(&*next, ended).await, "{ended}");
        }
        assert!(!next.remove_user(&user).await.unwrap());
        if removed.is_some() {
            return;
        }
    }
}

async fn the_key_of_a_server_whose_removal_was_cut_off_goes_with_its_user<S: Store>() {
    let (state, place) = new::<S>().await;
    for after in 1.. {
        let key = key(KeyOwner::App, &format!("key {after}"));
        let id = key.id.clone();
        state.add_api_key(key, hash(after)).await.unwrap();
        let server = identity(Provider::ApiKey, &id, "");
        let server = state.find_or_create(server, UserKind::Server).await;
        let server = server.unwrap().unwrap().id;
        let opened = Session {
            api_key: Some(id.clone()),
            ..session(&format!("session {after}"), &server)
        };
        state.open_session(opened.clone(), None).await.unwrap().unwrap();

        let removed = cut_off(state.remove_api_key(&KeyOwner::App, &id), after).await;
        let next = S::open(&place).await;
        next.remove_api_key(&KeyOwner::App, &id).await.unwrap();
        assert!(next.api_key(hash(after)).await.unwrap().is_none());
        assert!(next.user(&server).await.unwrap().is_none());
        assert!(next.session(&opened.id).await.unwrap().is_none());
        assert!(crate::stores::is_revoked(&*next, &opened.id).await);
        if removed.is_some() {
            return;
        }
    }
}

async fn a_reset_that_was_cut_off_is_done_or_not_begun<S: Store>() {
    let (state, place) = new::<S>().await;
    for after in 1.. {
        let email = format!("{after}@example.com");
        let user = registered(&*state, &email).await;
        let opened = session(&format!("session {after}"), &user);
        state.open_session(opened.clone(), None).await.unwrap().unwrap();
        let token = reset_token(&after.to_string());
        let id = token.id.clone();
        state.add_token(&email, token).await.unwrap();

        let reset = cut_off(state.reset_password(&id, [1; 32], "new"), after).await;
        let next = S::open(&place).await;
        // Without an answer it may be done, or yet to come; asked for again it is done.
        next.reset_password(&id, [1; 32], "new").await.unwrap();
        let found = next.registration(&email).await.unwrap().unwrap();
        assert_eq!(found.password_hash, "new");
        assert!(next.session(&opened.id).await.unwrap().is_none());
        let keys = next.signing_keys().await.unwrap();
        assert_eq!(
            keys[0].sessions, 0,
            "who was told that it has ended does not see it counted"
        );
        assert!(crate::stores::is_revoked(&*next, &opened.id).await);
        if reset.is_some() {
            return;
        }
    }
}

async fn a_session_that_has_ended_does_not_begin_again_in_a_removal_that_was_cut_off<S: Store>() {
    let (state, place) = new::<S>().await;
    for after in 1.. {
        let email = format!("{after}@example.com");
        let user = registered(&*state, &email).await;
        let ended = session(&format!("session {after}"), &user);
        state.open_session(ended.clone(), None).await.unwrap().unwrap();
        let token = reset_token(&after.to_string());
        state.add_token(&email, token).await.unwrap();
        let reset = state.reset_password(&after.to_string(), [1; 32], "new");
        assert!(reset.await.unwrap());

        let removed = cut_off(state.remove_user(&user), after).await;
        let next = S::open(&place).await;
        assert!(next.session(&ended.id).await.unwrap().is_none());
        assert!(crate::stores::is_revoked(&*next, &ended.id).await);
        if removed.is_some() {
            return;
        }
    }
}

/// Once it can be seen that something was disabled or retired, the sessions have ended, also when it is undone.
async fn a_change_that_was_cut_off_has_ended_sessions_if_it_can_be_seen<S: Store>() {
    let (state, place) = new::<S>().await;
    for after in 1.. {
        let [user, other] = [user(&*state).await, user(&*state).await];
        let owner = KeyOwner::User(user.clone());
        let key = key(owner.clone(), &format!("key {after}"));
        let by_key = Session {
            api_key: Some(key.id.clone()),
            ..session(&format!("by key {after}"), &user)
        };
        let (id, own) = (key.id.clone(), session(&format!("own {after}"), &other));
        state.add_api_key(key, hash(after)).await.unwrap();
        state.open_session(by_key.clone(), None).await.unwrap().unwrap();
        let signed_by = state.open_session(own.clone(), None).await.unwrap().unwrap();
        state.rotate_keys().await.unwrap();

        let disabled = cut_off(state.set_api_key_disabled(&owner, &id, true), after).await;
        let kept_out = cut_off(state.set_disabled(&other, true), after).await;
        let next = S::open(&place).await;
        if next.api_key(hash(after)).await.unwrap().unwrap().disabled {
            next.set_api_key_disabled(&owner, &id, false).await.unwrap();
            assert!(next.session(&by_key.id).await.unwrap().is_none());
            assert!(crate::stores::is_revoked(&*next, &by_key.id).await);
        }
        if next.user(&other).await.unwrap().unwrap().disabled {
            next.set_disabled(&other, false).await.unwrap();
            assert!(next.session(&own.id).await.unwrap().is_none());
            assert!(crate::stores::is_revoked(&*next, &own.id).await);
        }
        let late = session(&format!("late {after}"), &other);
        let late_by = next.open_session(late.clone(), None).await.unwrap().unwrap();
        assert_ne!(late_by, signed_by);
        next.rotate_keys().await.unwrap();
        let retired = cut_off(state.retire_key(late_by, true), after).await;
        let known = next.secrets().await.unwrap();
        if known.keys.iter().all(|key| key.id != late_by) {
            assert!(next.session(&late.id).await.unwrap().is_none());
            assert!(crate::stores::is_revoked(&*next, &late.id).await);
        }
        if disabled.is_some() && kept_out.is_some() && retired.is_some() {
            return;
        }
    }
}

fn reset_token(id: &str) -> OneTimeToken {
    OneTimeToken {
        id: id.to_owned(),
        hash: [1; 32],
        purpose: Purpose::Reset,
        expires: clock::unix_millis() + 3_600_000,
    }
}

async fn a_user_who_was_cut_off_in_coming_comes_the_next_time<S: Store>() {
    let (state, place) = new::<S>().await;
    for after in 1.. {
        let email = format!("{after}@example.com");
        let who = registration(&email);
        let proven = identity(Provider::Password, &who.identity, "");
        state.register(who).await.unwrap();
        let came = cut_off(state.find_or_create(proven.clone(), UserKind::Normal), after).await;
        let next = S::open(&place).await;
        let user = next.find_or_create(proven, UserKind::Normal).await.unwrap();
        let user = user.unwrap().id;
        let opened = next.open_session(session(&user, &user), Some("hash".to_owned()));
        assert!(opened.await.unwrap().is_some());
        if came.is_some() {
            assert_eq!(of_email(&*next, &email).await, 1);
            return;
        }
    }
}

/// How many users there are of this e-mail.
async fn of_email(state: &dyn Managed, email: &str) -> usize {
    let identity = registration(email).identity;
    let users = state.users(None, 1_000).await.unwrap();
    let has =
        |user: &&realm_ingest_gateway::state::User| user.identities.iter().any(|one| one.id == identity);
    users.iter().filter(has).count()
}

suite! {
    a_change_that_was_cut_off_has_ended_sessions_if_it_can_be_seen,
    a_session_that_has_ended_does_not_begin_again_in_a_removal_that_was_cut_off,
    a_removal_of_a_user_that_was_cut_off_is_whole_the_next_time,
    the_key_of_a_server_whose_removal_was_cut_off_goes_with_its_user,
    a_reset_that_was_cut_off_is_done_or_not_begun,
    a_user_who_was_cut_off_in_coming_comes_the_next_time,
}
