//! What holds of the database itself: its format, the apps in it, and a server that fails.

use bson::{Document, doc};
use realm_ingest_gateway::backend::BackendError;
use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{
    AddedKey, ApiKey, ApiKeys, KeyOwner, MongoState, Operator, Provider, Registrations, Schemas, Session,
    Sessions, State, UserKind, Users,
};
use realm_ingest_protocol::Schema;

use crate::server::Server;
use crate::stores::{Mongo, Store, identity, registered, session, user};

#[tokio::test]
async fn a_database_of_a_later_release_is_refused_in_one_sentence() {
    let place = Mongo::place().await;
    let database = place.database().await;
    MongoState::open(database.clone(), None).await.unwrap();
    let formats = database.collection::<Document>("format");
    let later = doc! {"$set": {"version": 99_i64}};
    formats.update_one(doc! {"_id": "format"}, later).await.unwrap();
    let expected = format!(
        "database '{}' has format 99, this version reads up to 1; use the gateway that wrote it",
        database.name()
    );
    let server = MongoState::open(database.clone(), None).await.err().unwrap();
    assert_eq!(server.to_string(), expected);
    let command = MongoState::open_existing(database, None).await.err().unwrap();
    assert_eq!(command.to_string(), expected);
}

#[tokio::test]
async fn a_command_makes_nothing_where_no_server_was() {
    let database = Mongo::place().await.database().await;
    let refused = MongoState::open_existing(database.clone(), None).await;
    let text = refused.err().unwrap().to_string();
    assert!(text.starts_with("there is no gateway data in database"), "{text}");
    assert_eq!(database.list_collection_names().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn apps_share_a_database_and_nothing_else() {
    let place = Mongo::place().await;
    let open = async |id| MongoState::open(place.database().await, id).await.unwrap();
    let (one, other) = (open(Some("one-abcde")).await, open(Some("other-abcde")).await);
    assert_ne!(one.domain(), other.domain());
    let mine = registered(&one, "me@example.com").await;
    assert!(other.user(&mine).await.unwrap().is_none());
    assert!(other.registration("me@example.com").await.unwrap().is_none());
    let theirs = registered(&other, "me@example.com").await;
    assert_ne!(mine, theirs);
    one.open_session(session("s", &mine), None)
        .await
        .unwrap()
        .unwrap();
    assert!(other.session("s").await.unwrap().is_none());
    assert!(
        other
            .open_session(session("s", &mine), None)
            .await
            .unwrap()
            .is_none()
    );
    other.end_sessions(&theirs).await.unwrap();
    assert_eq!(one.revocations(0).await.unwrap(), []);
    assert!(one.session("s").await.unwrap().is_some());

    let database = place.database().await;
    assert_eq!(
        MongoState::apps(&database).await.unwrap(),
        ["one-abcde", "other-abcde"]
    );
    let again = MongoState::open_existing(database.clone(), Some("one-abcde")).await;
    assert_eq!(again.unwrap().domain(), one.domain());
    let none = MongoState::open_existing(database, Some("third-abcde")).await;
    let text = none.err().unwrap().to_string();
    assert!(
        text.starts_with("there is no app 'third-abcde' in database"),
        "{text}"
    );
}

#[tokio::test]
async fn a_server_that_dies_in_a_removal_finds_it_to_be_done_or_does_it_the_next_time() {
    let server = Server::own().await;
    let database = server.database().await;
    let state = MongoState::open(database.clone(), None).await.unwrap();
    let mut users = Vec::new();
    for number in 0..8 {
        let email = format!("{number}@example.com");
        let user = registered(&state, &email).await;
        state
            .open_session(session(&email, &user), None)
            .await
            .unwrap()
            .unwrap();
        users.push((user, email));
    }
    let removing = users.iter().map(|(user, _)| {
        let (state, user) = (state.clone(), user.clone());
        tokio::spawn(async move { state.remove_user(&user).await })
    });
    let removing: Vec<_> = removing.collect();
    let mut removing = removing.into_iter();
    // The others are on the way.
    removing.next().unwrap().await.unwrap().unwrap();
    server.kill().await;
    for one in removing {
        match one.await.unwrap() {
            Ok(removed) => assert!(removed),
            Err(error) => assert!(matches!(error, BackendError::Unavailable(_)), "{error}"),
        }
    }
    server.restart().await;
    let state = MongoState::open(database, None).await.unwrap();
    for (user, email) in &users {
        state.remove_user(user).await.unwrap();
        assert!(state.user(user).await.unwrap().is_none());
        assert!(state.registration(email).await.unwrap().is_none());
        assert!(state.session(email).await.unwrap().is_none());
    }
    let revoked = state.revocations(0).await.unwrap();
    assert_eq!(revoked.len(), 2 * users.len(), "each user and his session");
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_power_cut() {
    let server = Server::own().await;
    let database = server.database().await;
    let state = MongoState::open(database.clone(), None).await.unwrap();
    let gone = user(&state).await;
    state
        .open_session(session("s", &gone), None)
        .await
        .unwrap()
        .unwrap();
    let kept = state.find_or_create(identity(Provider::Google, "x", ""), UserKind::Normal);
    let kept = kept.await.unwrap().unwrap().id;
    state.set_disabled(&gone, true).await.unwrap();
    server.kill().await;
    assert!(matches!(state.probe().await, Err(BackendError::Unavailable(_))));
    server.restart().await;
    let state = MongoState::open(database, None).await.unwrap();
    assert!(state.user(&kept).await.unwrap().is_some());
    assert!(state.user(&gone).await.unwrap().unwrap().disabled);
    assert!(state.session("s").await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::own().await;
    let state = MongoState::open(server.database().await, None).await.unwrap();
    server.pause().await;
    let error = state.user("nobody").await.err().unwrap();
    assert!(matches!(error, BackendError::Unavailable(_)), "{error}");
    server.resume().await;
    assert!(state.user("nobody").await.unwrap().is_none());
}

/// A class of its own.
fn schema(number: usize) -> Schema {
    let text = format!(
        r#"{{"classes":[{{"name":"C{number}","kind":"asymmetric","primary_key":"_id",
        "properties":[{{"name":"_id","type":"int"}}]}}]}}"#
    );
    Schema::parse(&text).unwrap()
}

#[tokio::test]
async fn the_oldest_schemas_that_nobody_uses_make_room() {
    let database = Mongo::place().await.database().await;
    let state = MongoState::open(database, None).await.unwrap().with_schemas(4);
    let add = async |number| state.add_schema(schema(number), "user").await.unwrap();
    for number in 0..4 {
        assert!(add(number).await);
    }
    assert!(state.note_schema_use(&schema(0).fingerprint()).await.unwrap());
    let before = state.schemas_version().await.unwrap();
    assert!(add(4).await);
    assert!(
        state.schemas_version().await.unwrap() > before,
        "nobody remembers the others"
    );
    let there = async || {
        let listed = state.list_schemas().await.unwrap().into_iter();
        listed.flat_map(|one| one.classes).collect::<Vec<_>>()
    };
    assert_eq!(there().await, ["C0", "C3", "C4"]);
    let accepted = state.accepted_schema().await.unwrap();
    assert!(
        accepted
            .classes
            .iter()
            .map(|class| &class.name)
            .eq(["C0", "C3", "C4"])
    );
    for number in [3, 4] {
        assert!(
            state
                .note_schema_use(&schema(number).fingerprint())
                .await
                .unwrap()
        );
    }
    assert!(add(5).await);
    assert!(state.note_schema_use(&schema(5).fingerprint()).await.unwrap());
    assert!(!add(6).await, "those that are used make no room");
    assert_eq!(there().await, ["C0", "C3", "C4", "C5"]);
}

#[tokio::test]
async fn who_makes_and_removes_api_keys_without_end_is_stopped_once_each_has_opened_a_session() {
    let database = Mongo::place().await.database().await;
    let state = MongoState::open(database, None).await.unwrap();
    let user = user(&state).await;
    let owner = KeyOwner::User(user.clone());
    let add = async |number: u8, kind: u8| {
        let key = ApiKey {
            id: format!("{kind} {number}"),
            owner: owner.clone(),
            name: "name".to_owned(),
            disabled: false,
            created: 1,
        };
        let hash = [[number, kind]; 16].concat().try_into().unwrap();
        state.add_api_key(key, hash).await.unwrap()
    };
    for (kind, opens) in [(0, false), (1, true)] {
        for number in 0..100 {
            assert_eq!(add(number, kind).await, AddedKey::Added, "{number}");
            let id = format!("{kind} {number}");
            if opens {
                let session = Session {
                    api_key: Some(id.clone()),
                    ..session(&id, &user)
                };
                state.open_session(session, None).await.unwrap().unwrap();
            }
            assert!(state.remove_api_key(&owner, &id).await.unwrap());
        }
    }
    assert_eq!(add(0, 2).await, AddedKey::TooMany);
    assert_eq!(state.revocations(0).await.unwrap().len(), 100);
}

#[tokio::test]
async fn of_what_was_revoked_just_now_each_session_is_told_whose_token_may_be_good() {
    let place = Mongo::place().await;
    let state = MongoState::open(place.database().await, None).await.unwrap();
    let user = user(&state).await;
    state
        .open_session(session("s", &user), None)
        .await
        .unwrap()
        .unwrap();
    let now = clock::unix_millis();
    // That it was used is noted once an hour, and the token may have been made at the end of it.
    let used = doc! {"$set": {"used": now - 85 * 60 * 1000}};
    let sessions = place.database().await.collection::<Document>("sessions");
    sessions.update_one(doc! {}, used).await.unwrap();
    assert!(state.end_sessions(&user).await.unwrap());
    let told = state.revocations(now).await.unwrap();
    assert!(told.iter().any(|one| one.of == "s"));
}
