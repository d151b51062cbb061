//! Client files: their names, and what is known of each.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::{Document, doc};
use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{
    ClientFile, ClientFiles, EmbeddedState, MAX_REGISTRY, Managed, MongoState, Users,
};
use tokio::task::JoinSet;

use crate::stores::{Embedded, Mongo, Store, new, two, user};

const CORE: &str = "RealmSync/14.12.0 (Linux)";

async fn created(state: &(impl ClientFiles + Sync + ?Sized)) -> ClientFile {
    state.new_client_file("me", CORE).await.unwrap()
}

async fn found(state: &(impl ClientFiles + Sync + ?Sized), file: &ClientFile) -> Option<ClientFile> {
    state.client_file(file.ident, file.salt).await.unwrap()
}

async fn a_file_is_known_by_number_and_salt<S: Store>() {
    let (state, _place) = new::<S>().await;
    let before = clock::unix_millis();
    let file = created(&*state).await;
    assert_eq!((file.ident, file.generation, file.revision), (2, 0, 0));
    assert_eq!((file.user.as_str(), file.client.as_str()), ("me", CORE));
    assert!(file.salt > 0 && file.created >= before && file.seen == file.created && file.registry.is_none());
    assert_eq!(found(&*state, &file).await.as_ref(), Some(&file));
    for (ident, salt) in [(2, file.salt ^ 1), (3, file.salt), (u64::MAX, -1)] {
        assert!(state.client_file(ident, salt).await.unwrap().is_none());
        assert_eq!(state.set_registry(ident, salt, 0, "{}").await.unwrap(), None);
        assert_eq!(state.renew_generation(ident, salt, 0).await.unwrap(), None);
        state.note_client_file(ident, salt, "other").await.unwrap();
        assert!(state.client_file(ident, salt).await.unwrap().is_none());
    }
    assert_eq!(created(&*state).await.ident, 3);
}

async fn names_are_given_once_also_to_those_who_ask_at_the_same_time<S: Store>() {
    let (states, _place) = two::<S>().await;
    let mut all = JoinSet::new();
    for number in 0..20 {
        let state = Arc::clone(&states[number % 2]);
        all.spawn(async move { created(&*state).await.ident });
    }
    let idents: BTreeSet<_> = all.join_all().await.into_iter().collect();
    assert!(idents.into_iter().eq(2..22));
}

async fn a_file_is_adopted_once<S: Store>() {
    let (states, _place) = two::<S>().await;
    let mut all = JoinSet::new();
    for number in 0..10 {
        let state = Arc::clone(&states[number % 2]);
        let user = format!("user {number}");
        all.spawn(async move { state.adopt_client_file(7, i64::MAX, &user, CORE).await.unwrap() });
    }
    let adopted = all.join_all().await;
    let one = &adopted[0];
    assert_eq!((one.ident, one.salt, one.client.as_str()), (7, i64::MAX, CORE));
    assert!(adopted.iter().all(|other| other == one), "{adopted:?}");
    // Its number is given to another all the same, with another salt.
    for _ in 2..7 {
        created(&*states[0]).await;
    }
    let namesake = created(&*states[0]).await;
    assert_eq!(namesake.ident, 7);
    assert_ne!(namesake.salt, one.salt);
    assert_eq!(found(&*states[1], one).await.as_ref(), Some(one));
}

async fn of_those_who_renew_a_generation_at_once_one_does<S: Store>() {
    let (states, _place) = two::<S>().await;
    let file = created(&*states[0]).await;
    let (ident, salt) = (file.ident, file.salt);
    for from in 0..2 {
        let mut all = JoinSet::new();
        for number in 0..8 {
            let state = Arc::clone(&states[number % 2]);
            all.spawn(async move { state.renew_generation(ident, salt, from).await.unwrap() });
        }
        let renewed = all.join_all().await;
        assert!(
            renewed.iter().all(|generation| *generation == Some(from + 1)),
            "{renewed:?}"
        );
    }
    // Who comes late finds what another has made.
    assert_eq!(states[1].renew_generation(ident, salt, 0).await.unwrap(), Some(2));
    let renewed = found(&*states[1], &file).await.unwrap();
    assert_eq!(renewed.generation, 2);
    assert_ne!(renewed.outbox(), file.outbox());
}

async fn what_the_classes_are_is_set_by_who_knows_what_they_were<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    let file = created(&*one).await;
    let set = async |state: &Arc<dyn Managed>, revision, text: &str| {
        let set = state.set_registry(file.ident, file.salt, revision, text).await;
        set.unwrap()
    };
    let first = r#"{"classes":["Ä"]}"#;
    assert_eq!(set(&one, 0, first).await, Some(1));
    let read = found(&*other, &file).await.unwrap();
    assert_eq!((read.revision, read.registry.as_deref()), (1, Some(first)));
    assert_eq!(set(&other, 0, "late").await, None);
    assert_eq!(set(&other, 1, "second").await, Some(2));
    assert_eq!(set(&one, 1, "late").await, None);
    let (a, b) = tokio::join!(set(&one, 2, "a"), set(&other, 2, "b"));
    assert!(matches!((a, b), (Some(3), None) | (None, Some(3))), "{a:?} {b:?}");
    let read = found(&*one, &file).await.unwrap();
    let expected = if a.is_some() { "a" } else { "b" };
    assert_eq!((read.revision, read.registry.as_deref()), (3, Some(expected)));
}

async fn how_much_is_kept_is_bounded<S: Store>() {
    let (state, _place) = new::<S>().await;
    let file = state.new_client_file("me", &"ä".repeat(10_000)).await.unwrap();
    assert_eq!(file.client, "ä".repeat(200));
    state
        .note_client_file(file.ident, file.salt, &"ö".repeat(10_000))
        .await
        .unwrap();
    assert_eq!(found(&*state, &file).await.unwrap().client, "ö".repeat(200));
    let set = |text: String| async move { state.set_registry(file.ident, file.salt, 0, &text).await };
    let refused = set("x".repeat(MAX_REGISTRY + 1)).await.unwrap_err();
    assert!(
        refused.to_string().contains("more than 1048576 bytes"),
        "{refused}"
    );
}

async fn files_are_listed_by_their_names<S: Store>() {
    let (state, _place) = new::<S>().await;
    for salt in [5, i64::MAX, 1] {
        state.adopt_client_file(3, salt, "me", CORE).await.unwrap();
    }
    created(&*state).await;
    let mut listed: Vec<ClientFile> = Vec::new();
    loop {
        let page = state.client_files(listed.last(), 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    let names: Vec<_> = listed.iter().map(|file| (file.ident, file.salt)).collect();
    assert_eq!(names, [(2, listed[0].salt), (3, 1), (3, 5), (3, i64::MAX)]);
}

async fn the_files_of_a_removed_user_go_with_him<S: Store>() {
    let (state, _place) = new::<S>().await;
    let (gone, other) = (user(&*state).await, user(&*state).await);
    let his = state.new_client_file(&gone, CORE).await.unwrap();
    let others = state.new_client_file(&other, CORE).await.unwrap();
    assert!(state.remove_user(&gone).await.unwrap());
    assert!(found(&*state, &his).await.is_none());
    assert!(found(&*state, &others).await.is_some());
    assert_eq!(state.new_client_file(&other, CORE).await.unwrap().ident, 4);
}

/// Makes files of a user who may have three: of those that have sent nothing the one that was not seen for longest makes room, then
/// of all.
async fn makes_room(state: &(impl ClientFiles + Users + Sync)) {
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(created(state).await);
    }
    let other = state.new_client_file("other", CORE).await.unwrap();
    for used in [&all[0], &all[2]] {
        state.set_registry(used.ident, used.salt, 0, "{}").await.unwrap();
    }
    let fourth = created(state).await;
    assert!(found(state, &all[1]).await.is_none(), "it has sent nothing");
    state
        .set_registry(fourth.ident, fourth.salt, 0, "{}")
        .await
        .unwrap();
    let adopted = state.adopt_client_file(100, 1, "me", CORE).await.unwrap();
    assert!(
        found(state, &all[0]).await.is_none(),
        "it was not seen for longest"
    );
    for kept in [&all[2], &fourth, &adopted, &other] {
        assert!(found(state, kept).await.is_some());
    }
}

#[tokio::test]
async fn in_a_file_the_oldest_of_a_user_makes_room() {
    let place = Embedded::place().await;
    let state = EmbeddedState::open(place.path()).unwrap().with_client_files(3);
    makes_room(&state).await;
}

#[tokio::test]
async fn in_mongodb_the_oldest_of_a_user_makes_room() {
    let place = Mongo::place().await;
    let state = MongoState::open(place.database().await, None).await.unwrap();
    makes_room(&state.with_client_files(3)).await;
}

#[tokio::test]
async fn in_a_file_the_hour_in_which_a_file_is_seen_is_noted() {
    let place = Embedded::place().await;
    let state = EmbeddedState::open(place.path()).unwrap();
    let file = created(&state).await;
    let sqlite = rusqlite::Connection::open(place.path().join("gateway.sqlite")).unwrap();
    let set = |seen: i64| {
        sqlite
            .execute("UPDATE client_files SET seen = ?1", [seen])
            .unwrap();
    };
    is_noted_to_the_hour(&state, &file, async |seen| set(seen)).await;
}

#[tokio::test]
async fn in_mongodb_the_hour_in_which_a_file_is_seen_is_noted() {
    let place = Mongo::place().await;
    let database = place.database().await;
    let state = MongoState::open(database.clone(), None).await.unwrap();
    let file = created(&state).await;
    let records = database.collection::<Document>("client_files");
    let set = async |seen: i64| {
        let change = doc! {"$set": {"seen": seen}};
        records.update_one(doc! {}, change).await.unwrap();
    };
    is_noted_to_the_hour(&state, &file, set).await;
}

async fn is_noted_to_the_hour(state: &(impl ClientFiles + Sync), file: &ClientFile, set: impl AsyncFn(i64)) {
    let seen = async |client: &str| {
        state
            .note_client_file(file.ident, file.salt, client)
            .await
            .unwrap();
        let found = found(state, file).await.unwrap();
        (found.seen, found.client)
    };
    let now = clock::unix_millis();
    let lately = now - 30 * 60 * 1000;
    set(lately).await;
    assert_eq!(seen(CORE).await, (lately, CORE.to_owned()));
    set(now - 61 * 60 * 1000).await;
    assert!(seen(CORE).await.0 >= now);
    // Another release is worth a note at once.
    set(lately).await;
    let (seen, client) = seen("RealmSync/14.14.0").await;
    assert!(seen >= now && client == "RealmSync/14.14.0");
}

suite! {
    a_file_is_known_by_number_and_salt,
    names_are_given_once_also_to_those_who_ask_at_the_same_time,
    a_file_is_adopted_once,
    of_those_who_renew_a_generation_at_once_one_does,
    what_the_classes_are_is_set_by_who_knows_what_they_were,
    how_much_is_kept_is_bounded,
    files_are_listed_by_their_names,
    the_files_of_a_removed_user_go_with_him,
}
