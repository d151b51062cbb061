//! Users and their identities.

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{ApiKey, KeyOwner, Linked, Provider, UserKind};
use serde_json::json;
use serde_json::value::RawValue;

use crate::stores::{Store, identity, new, registration, session, user};

async fn an_identity_makes_a_user_once_and_its_data_is_renewed<S: Store>() {
    let (state, _data) = new::<S>().await;
    let log_in = |name| state.find_or_create(identity(Provider::CustomToken, "x", name), UserKind::Normal);
    let before = clock::unix_millis();
    let first = log_in("old").await.unwrap().unwrap();
    assert_eq!((first.id.len(), first.kind), (24, UserKind::Normal));
    assert!(first.created >= before && first.last_login == first.created && !first.disabled);
    let second = log_in("new").await.unwrap().unwrap();
    assert_eq!((&second.id, second.created), (&first.id, first.created));
    assert!(second.last_login >= first.last_login);
    let found = state.user(&first.id).await.unwrap().unwrap();
    assert_eq!(found.identities, [identity(Provider::CustomToken, "x", "new")]);
    let by_identity = state.user_by_identity(Provider::CustomToken, "x").await.unwrap();
    assert_eq!(by_identity.unwrap().id, first.id);
}

async fn providers_do_not_share_names<S: Store>() {
    let (state, _data) = new::<S>().await;
    let mut users = Vec::new();
    let proven = [Provider::Password, Provider::ApiKey];
    let others = Provider::ALL
        .into_iter()
        .filter(|provider| !proven.contains(provider));
    for provider in others.clone() {
        let user = state.find_or_create(identity(provider, "x", ""), UserKind::Normal);
        users.push(user.await.unwrap().unwrap().id);
    }
    users.sort_unstable();
    users.dedup();
    assert_eq!(users.len(), others.count());
    let nobody = state.user_by_identity(Provider::Google, "y").await.unwrap();
    assert!(nobody.is_none());
    assert!(state.user("nobody").await.unwrap().is_none());
}

async fn one_identity_at_once_makes_one_user<S: Store>() {
    let (state, _data) = new::<S>().await;
    let one = || state.find_or_create(identity(Provider::Apple, "x", ""), UserKind::Normal);
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    let id = a.unwrap().unwrap().id;
    assert!([b, c, d].into_iter().all(|user| user.unwrap().unwrap().id == id));
    assert_eq!(state.users(None, 10).await.unwrap().len(), 1);
}

async fn a_linked_identity_comes_behind_the_others_and_says_more<S: Store>() {
    let (state, _data) = new::<S>().await;
    let anonymous = identity(Provider::Anonymous, "a", "old");
    let user = state
        .find_or_create(anonymous.clone(), UserKind::Normal)
        .await
        .unwrap()
        .unwrap();
    let token = identity(Provider::CustomToken, "t", "new");
    for _ in 0..2 {
        let Linked::Done(linked) = state.link(&user.id, token.clone(), None).await.unwrap() else {
            panic!("it is his");
        };
        assert_eq!(linked.id, user.id);
        assert_eq!(linked.identities, [anonymous.clone(), token.clone()]);
        assert_eq!(linked.data()["name"], "new");
    }
    let by_token = state
        .find_or_create(token, UserKind::Normal)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(by_token.id, user.id);
}

async fn an_identity_of_another_is_not_linked<S: Store>() {
    let (state, _data) = new::<S>().await;
    let create = |id| state.find_or_create(identity(Provider::CustomToken, id, ""), UserKind::Normal);
    let (one, other) = (
        create("1").await.unwrap().unwrap(),
        create("2").await.unwrap().unwrap(),
    );
    let token = |id| identity(Provider::CustomToken, id, "");
    assert!(matches!(
        state.link(&one.id, token("2"), None).await.unwrap(),
        Linked::Taken
    ));
    assert!(matches!(
        state.link("nobody", token("3"), None).await.unwrap(),
        Linked::NoUser
    ));
    assert!(matches!(
        state.link(&other.id, token("3"), None).await.unwrap(),
        Linked::Done(_)
    ));
    let password = |id| identity(Provider::Password, id, "");
    assert!(matches!(
        state.link(&one.id, password("p"), None).await.unwrap(),
        Linked::Done(_)
    ));
    let second = state.link(&one.id, password("q"), None).await.unwrap();
    assert!(matches!(second, Linked::HasAnother));
    assert_eq!(state.user(&one.id).await.unwrap().unwrap().identities.len(), 2);
}

async fn of_two_who_link_one_identity_at_once_one_has_it<S: Store>() {
    let (state, _data) = new::<S>().await;
    let create = |id| state.find_or_create(identity(Provider::Anonymous, id, ""), UserKind::Normal);
    let (one, other) = (
        create("1").await.unwrap().unwrap(),
        create("2").await.unwrap().unwrap(),
    );
    let token = || identity(Provider::CustomToken, "t", "");
    let (a, b) = tokio::join!(
        state.link(&one.id, token(), None),
        state.link(&other.id, token(), None)
    );
    let done = [a.unwrap(), b.unwrap()].map(|linked| matches!(linked, Linked::Done(_)));
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
}

async fn a_disabled_user_has_no_sessions_and_is_told_as_such<S: Store>() {
    let (state, _data) = new::<S>().await;
    let user = user(&*state).await;
    state.open_session(session("s", &user), None).await.unwrap();
    assert!(state.set_disabled(&user, true).await.unwrap());
    assert!(state.user(&user).await.unwrap().unwrap().disabled);
    assert!(state.session("s").await.unwrap().is_none());
    let later = state.open_session(session("later", &user), None).await.unwrap();
    assert!(later.is_none() && state.session("later").await.unwrap().is_none());
    assert!(state.set_disabled(&user, false).await.unwrap());
    assert!(!state.user(&user).await.unwrap().unwrap().disabled);
    assert!(state.session("s").await.unwrap().is_none(), "it has ended");
    assert!(!state.set_disabled("nobody", true).await.unwrap());
}

async fn custom_data_is_kept_as_it_was_written<S: Store>() {
    let (state, _data) = new::<S>().await;
    let user = user(&*state).await;
    assert!(state.user(&user).await.unwrap().unwrap().custom_data.is_none());
    let text = r#"{"z":{"$numberLong":"1"},"a":[1.50,null]}"#;
    let document = RawValue::from_string(text.to_owned()).unwrap();
    assert!(
        state
            .set_custom_data(&user, Some(document.clone()))
            .await
            .unwrap()
    );
    let found = state.user(&user).await.unwrap().unwrap();
    assert_eq!(found.custom_data.unwrap().get(), text);
    assert!(state.set_custom_data(&user, None).await.unwrap());
    assert!(state.user(&user).await.unwrap().unwrap().custom_data.is_none());
    assert!(!state.set_custom_data("nobody", Some(document)).await.unwrap());
}

async fn a_removed_user_leaves_nothing_that_lets_anybody_in<S: Store>() {
    let (state, _data) = new::<S>().await;
    let who = registration("me@example.com");
    state.register(who.clone()).await.unwrap();
    let mine = identity(Provider::Password, &who.identity, "me");
    let user = state
        .find_or_create(mine.clone(), UserKind::Normal)
        .await
        .unwrap()
        .unwrap();
    state
        .link(&user.id, identity(Provider::Google, "g", ""), None)
        .await
        .unwrap();
    state.open_session(session("s", &user.id), None).await.unwrap();
    let key = ApiKey {
        id: "k".to_owned(),
        owner: KeyOwner::User(user.id.clone()),
        name: "key".to_owned(),
        disabled: false,
        created: 1,
    };
    state.add_api_key(key, [1; 32]).await.unwrap();

    assert!(state.remove_user(&user.id).await.unwrap());
    assert!(!state.remove_user(&user.id).await.unwrap());
    assert!(state.user(&user.id).await.unwrap().is_none());
    assert!(state.registration("me@example.com").await.unwrap().is_none());
    assert!(state.session("s").await.unwrap().is_none());
    assert!(state.api_key([1; 32]).await.unwrap().is_none());
    assert_eq!(state.users(None, 10).await.unwrap().len(), 0);
    let later = state.open_session(session("later", &user.id), None);
    assert!(later.await.unwrap().is_none() && state.session("later").await.unwrap().is_none());
    let again = |gone| state.find_or_create(gone, UserKind::Normal);
    assert!(again(mine).await.unwrap().is_none(), "nothing proves it");
    let other = again(identity(Provider::Google, "g", "")).await.unwrap();
    assert_ne!(other.unwrap().id, user.id);
}

async fn revocations_are_told_from_a_moment_on<S: Store>() {
    let (state, _data) = new::<S>().await;
    let (a, b, c) = (user(&*state).await, user(&*state).await, user(&*state).await);
    let before = clock::unix_millis();
    assert_eq!(state.revocations(0).await.unwrap(), []);
    state.open_session(session("s", &a), None).await.unwrap();
    assert!(state.end_sessions(&a).await.unwrap());
    assert!(state.session("s").await.unwrap().is_none());
    assert!(!state.end_sessions("nobody").await.unwrap());
    state.set_disabled(&b, true).await.unwrap();
    state.remove_user(&c).await.unwrap();
    let mut told = state.revocations(before).await.unwrap();
    assert!(
        told.iter()
            .all(|one| (before..=clock::unix_millis()).contains(&one.time))
    );
    told.sort_unstable_by(|one, other| one.of.cmp(&other.of));
    let mut expected = [a, b, c, "s".to_owned()];
    expected.sort_unstable();
    assert!(told.iter().map(|one| &one.of).eq(&expected));
    assert_eq!(state.revocations(clock::unix_millis() + 1).await.unwrap(), []);
}

async fn users_are_listed_in_the_order_in_which_they_came<S: Store>() {
    let (state, _data) = new::<S>().await;
    let mut made = Vec::new();
    for number in 0..7 {
        let id = number.to_string();
        let user = state.find_or_create(identity(Provider::CustomToken, &id, ""), UserKind::Normal);
        made.push(user.await.unwrap().unwrap());
    }
    let mut listed = Vec::new();
    loop {
        let page = state.users(listed.last(), 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    // Within one millisecond it is not known who came first.
    made.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    let names = |users: &[realm_ingest_gateway::state::User]| {
        json!(users.iter().map(|user| &user.id).collect::<Vec<_>>())
    };
    assert_eq!(names(&listed), names(&made));
}

suite! {
    an_identity_makes_a_user_once_and_its_data_is_renewed,
    providers_do_not_share_names,
    one_identity_at_once_makes_one_user,
    a_linked_identity_comes_behind_the_others_and_says_more,
    an_identity_of_another_is_not_linked,
    of_two_who_link_one_identity_at_once_one_has_it,
    a_disabled_user_has_no_sessions_and_is_told_as_such,
    custom_data_is_kept_as_it_was_written,
    a_removed_user_leaves_nothing_that_lets_anybody_in,
    revocations_are_told_from_a_moment_on,
    users_are_listed_in_the_order_in_which_they_came,
}
