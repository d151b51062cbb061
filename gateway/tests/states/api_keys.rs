//! API keys of users and of servers.

use realm_ingest_gateway::state::{AddedKey, ApiKey, KeyOwner, Managed, Provider, Session, UserKind};

use crate::stores::{Store, identity, new, session};

fn key(owner: &KeyOwner, number: u8) -> ApiKey {
    ApiKey {
        id: format!("key {number}"),
        owner: owner.clone(),
        name: format!("name {number}"),
        disabled: false,
        created: 1,
    }
}

async fn add(state: &dyn Managed, key: ApiKey, secret: u8) -> AddedKey {
    state.add_api_key(key, [secret; 32]).await.unwrap()
}

async fn owner(state: &dyn Managed, id: &str) -> KeyOwner {
    let user = state.find_or_create(identity(Provider::CustomToken, id, ""), UserKind::Normal);
    KeyOwner::User(user.await.unwrap().unwrap().id)
}

async fn keys_are_found_by_their_hash_and_listed_in_order_by_owner<S: Store>() {
    let (state, _data) = new::<S>().await;
    let mine = owner(&*state, "1").await;
    for (owner, number) in [(&mine, 3), (&KeyOwner::App, 2), (&mine, 1)] {
        assert_eq!(add(&*state, key(owner, number), number).await, AddedKey::Added);
    }
    assert_eq!(state.api_key([3; 32]).await.unwrap(), Some(key(&mine, 3)));
    assert_eq!(state.api_key([4; 32]).await.unwrap(), None);
    assert_eq!(
        state.api_keys(&mine).await.unwrap(),
        [key(&mine, 3), key(&mine, 1)]
    );
    assert_eq!(
        state.api_keys(&KeyOwner::App).await.unwrap(),
        [key(&KeyOwner::App, 2)]
    );
}

async fn a_name_is_an_owners_once_and_a_user_has_20<S: Store>() {
    let (state, _data) = new::<S>().await;
    let (mine, other) = (owner(&*state, "1").await, owner(&*state, "2").await);
    for number in 0..20 {
        assert_eq!(add(&*state, key(&mine, number), number).await, AddedKey::Added);
    }
    let same_name = ApiKey {
        id: "another".to_owned(),
        ..key(&mine, 0)
    };
    assert_eq!(add(&*state, same_name.clone(), 30).await, AddedKey::NameTaken);
    assert_eq!(add(&*state, key(&mine, 20), 20).await, AddedKey::TooMany);
    let of_other = ApiKey {
        owner: other,
        ..same_name
    };
    assert_eq!(add(&*state, of_other, 31).await, AddedKey::Added);
    let nobody = KeyOwner::User("nobody".to_owned());
    assert_eq!(add(&*state, key(&nobody, 40), 40).await, AddedKey::NoUser);
    assert!(state.remove_api_key(&mine, "key 0").await.unwrap());
    assert_eq!(add(&*state, key(&mine, 20), 20).await, AddedKey::Added);
}

async fn the_app_has_100<S: Store>() {
    let (state, _data) = new::<S>().await;
    for number in 0..100 {
        assert_eq!(
            add(&*state, key(&KeyOwner::App, number), number).await,
            AddedKey::Added
        );
    }
    assert_eq!(
        add(&*state, key(&KeyOwner::App, 100), 100).await,
        AddedKey::TooMany
    );
}

async fn a_key_is_changed_by_its_owner_alone<S: Store>() {
    let (state, _data) = new::<S>().await;
    let (mine, other) = (owner(&*state, "1").await, owner(&*state, "2").await);
    add(&*state, key(&mine, 1), 1).await;
    for stranger in [&other, &KeyOwner::App] {
        assert!(!state.set_api_key_disabled(stranger, "key 1", true).await.unwrap());
        assert!(!state.remove_api_key(stranger, "key 1").await.unwrap());
    }
    for disabled in [true, true, false] {
        assert!(
            state
                .set_api_key_disabled(&mine, "key 1", disabled)
                .await
                .unwrap()
        );
        assert_eq!(state.api_key([1; 32]).await.unwrap().unwrap().disabled, disabled);
    }
    assert!(state.remove_api_key(&mine, "key 1").await.unwrap());
    assert!(!state.remove_api_key(&mine, "key 1").await.unwrap());
    assert_eq!(state.api_key([1; 32]).await.unwrap(), None);
}

async fn sessions_end_with_the_key_that_opened_them<S: Store>() {
    let (state, _data) = new::<S>().await;
    let mine = owner(&*state, "1").await;
    let KeyOwner::User(user) = &mine else { panic!() };
    for number in [1, 2] {
        add(&*state, key(&mine, number), number).await;
    }
    let by = |id: &str, key: &str| Session {
        api_key: Some(key.to_owned()),
        ..session(id, user)
    };
    for opened in [by("1", "key 1"), by("2", "key 2"), session("own", user)] {
        state.open_session(opened, None).await.unwrap();
    }
    state.set_api_key_disabled(&mine, "key 1", true).await.unwrap();
    state.remove_api_key(&mine, "key 2").await.unwrap();
    for late in ["key 1", "key 2"] {
        let opened = state.open_session(by("late", late), None).await.unwrap();
        assert!(opened.is_none(), "its key lets nobody in");
    }
    let revoked = state.revocations(0).await.unwrap();
    let mut revoked: Vec<_> = revoked.into_iter().map(|one| one.of).collect();
    revoked.sort_unstable();
    assert_eq!(revoked, ["1", "2"], "and nothing else of the user");
    for ended in ["1", "2", "late"] {
        assert_eq!(state.session(ended).await.unwrap(), None, "{ended}");
    }
    assert!(state.session("own").await.unwrap().is_some());
    state.set_api_key_disabled(&mine, "key 1", false).await.unwrap();
    assert_eq!(state.session("1").await.unwrap(), None, "it has ended");
    state.open_session(by("new", "key 1"), None).await.unwrap();
    assert!(state.session("new").await.unwrap().is_some());
}

async fn the_user_of_a_server_goes_with_its_key<S: Store>() {
    let (state, _data) = new::<S>().await;
    let of_app = KeyOwner::App;
    for number in [1, 2] {
        add(&*state, key(&of_app, number), number).await;
        let server = identity(Provider::ApiKey, &format!("key {number}"), "");
        let user = state.find_or_create(server, UserKind::Server);
        let user = user.await.unwrap().unwrap();
        assert_eq!(user.kind, UserKind::Server);
    }
    state.remove_api_key(&of_app, "key 1").await.unwrap();
    let gone = state.user_by_identity(Provider::ApiKey, "key 1").await.unwrap();
    assert!(gone.is_none());
    let server = identity(Provider::ApiKey, "key 1", "");
    let again = state.find_or_create(server, UserKind::Server).await.unwrap();
    assert!(again.is_none(), "the key is gone");
    let second = state.user_by_identity(Provider::ApiKey, "key 2").await.unwrap();
    state.remove_user(&second.unwrap().id).await.unwrap();
    assert_eq!(state.api_keys(&of_app).await.unwrap(), []);
}

suite! {
    keys_are_found_by_their_hash_and_listed_in_order_by_owner,
    a_name_is_an_owners_once_and_a_user_has_20,
    the_app_has_100,
    a_key_is_changed_by_its_owner_alone,
    sessions_end_with_the_key_that_opened_them,
    the_user_of_a_server_goes_with_its_key,
}
