//! Changes between whose steps in the database another one comes, at every point there is.

use std::pin::pin;

use bson::{Document, doc};
use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{
    Linked, MongoState, OneTimeToken, Operator, Provider, Purpose, Registrations, Schemas, Sessions,
    UserKind, Users,
};
use realm_ingest_protocol::Schema;

use crate::cut_off::cut_off;
use crate::stores::{Fresh, Mongo, Store, identity, registered, registration, session, user};

/// The state of an app of its own.
async fn app(place: &Fresh, number: usize) -> MongoState {
    let id = format!("app{number}-abcde");
    MongoState::open(place.database().await, Some(&id)).await.unwrap()
}

/// The answer of the work, and of what comes when it has gone on so many times; none of the latter if it was done before.
async fn overtaken<T, O>(
    work: impl Future<Output = T>,
    after: usize,
    other: impl Future<Output = O>,
) -> (T, Option<O>) {
    let mut work = pin!(work);
    if let Some(done) = cut_off(work.as_mut(), after).await {
        return (done, None);
    }
    let other = other.await;
    (work.await, Some(other))
}

/// A class of this name with one property.
fn schema(class: &str, kind: &str) -> Schema {
    Schema::parse(&format!(
        r#"{{"classes":[{{"name":"{class}","kind":"asymmetric","primary_key":"_id",
        "properties":[{{"name":"_id","type":"int"}},{{"name":"p","type":"{kind}"}}]}}]}}"#
    ))
    .unwrap()
}

#[tokio::test]
async fn of_schemas_that_contradict_each_other_one_is_in_conflict_whatever_is_forgotten_meanwhile() {
    let place = Mongo::place().await;
    for after in 1.. {
        let state = app(&place, after).await;
        let add = async |schema| assert!(state.add_schema(schema, "user").await.unwrap());
        let (mine, theirs) = (schema("A", "int"), schema("A", "double"));
        let others = async {
            add(schema("B", "int")).await;
            add(theirs.clone()).await;
            let forgotten = schema("B", "int").fingerprint();
            assert!(state.forget_schema(&forgotten).await.unwrap());
        };
        let ((), others) = overtaken(add(mine.clone()), after, others).await;
        if others.is_none() {
            return;
        }
        let known = state.known_schemas().await.unwrap();
        let in_conflict = |schema: &Schema| !known[&schema.fingerprint()].conflicts.is_empty();
        assert_ne!(in_conflict(&mine), in_conflict(&theirs), "after {after}");
    }
}

#[tokio::test]
async fn what_an_operator_chooses_while_schemas_make_room_stays() {
    let place = Mongo::place().await;
    for after in 1.. {
        let state = app(&place, after).await.with_schemas(3);
        let chosen = schema("A", "double");
        for schema in [chosen.clone(), schema("A", "int"), schema("B", "int")] {
            assert!(state.add_schema(schema, "user").await.unwrap());
        }
        let add = state.add_schema(schema("C", "int"), "user");
        let before = state.schemas_version().await.unwrap();
        let choose = async {
            let chose = state.choose_schema(&chosen.fingerprint(), Some("A")).await;
            // Or else it was forgotten first.
            chose.unwrap().is_ok() && state.schemas_version().await.unwrap() == before + 1
        };
        let (added, chose) = overtaken(add, after, choose).await;
        assert!(added.unwrap());
        let Some(chose) = chose else {
            return;
        };
        let listed = state.list_schemas().await.unwrap();
        let is_there = listed.iter().any(|one| one.chosen == ["A"]);
        assert!(is_there || !chose, "after {after}");
    }
}

#[tokio::test]
async fn what_an_operator_chooses_while_unused_schemas_are_forgotten_stays() {
    let place = Mongo::place().await;
    for after in 1.. {
        let state = app(&place, after).await;
        let chosen = schema("A", "double");
        for schema in [chosen.clone(), schema("A", "int")] {
            assert!(state.add_schema(schema, "user").await.unwrap());
        }
        let before = state.schemas_version().await.unwrap();
        let choose = async {
            let chose = state.choose_schema(&chosen.fingerprint(), Some("A")).await;
            // Or else it was forgotten first.
            chose.unwrap().is_ok() && state.schemas_version().await.unwrap() == before + 1
        };
        let (forgotten, chose) = overtaken(state.forget_unused_schemas(), after, choose).await;
        let Some(chose) = chose else {
            return;
        };
        assert!(forgotten.unwrap().len() == 1 || !chose, "after {after}");
        let listed = state.list_schemas().await.unwrap();
        assert!(listed.iter().any(|one| one.chosen == ["A"]) || !chose);
    }
}

fn reset(id: &str) -> OneTimeToken {
    OneTimeToken {
        id: id.to_owned(),
        hash: [1; 32],
        purpose: Purpose::Reset,
        expires: clock::unix_millis() + 3_600_000,
    }
}

#[tokio::test]
async fn a_link_that_was_cut_off_before_its_second_look_gives_nothing_to_who_knew_the_old_password() {
    let place = Mongo::place().await;
    let users = place.database().await.collection::<Document>("users");
    let mut was_unproven = false;
    for after in 1.. {
        let state = app(&place, after).await;
        let stranger = user(&state).await;
        let opened = state.open_session(session("s", &stranger), None).await;
        opened.unwrap().unwrap();
        let email = "me@example.com";
        let proven = identity(Provider::Password, &registration(email).identity, "");
        state.register(registration(email)).await.unwrap();
        state.add_token(email, reset("t")).await.unwrap();

        let link = state.link(&stranger, proven.clone(), Some("hash".to_owned()));
        let linked = cut_off(link, after).await;
        let unproven = doc! {"id": &stranger, "identities.unproven": true};
        let is_unproven = users.find_one(unproven).await.unwrap().is_some();
        was_unproven |= is_unproven;
        assert!(state.reset_password("t", [1; 32], "new").await.unwrap());
        if is_unproven {
            let came = state.find_or_create(proven.clone(), UserKind::Normal).await;
            assert_ne!(came.unwrap().unwrap().id, stranger, "after {after}");
            let stranger = state.user(&stranger).await.unwrap().unwrap();
            assert!(!stranger.has(Provider::Password));
            assert!(
                state.session("s").await.unwrap().is_some(),
                "nothing of his has changed"
            );
        }
        if linked.is_some() {
            let holder = state.user_by_identity(Provider::Password, &proven.id).await;
            assert_eq!(holder.unwrap().unwrap().id, stranger, "what was answered stays");
            assert!(was_unproven);
            return;
        }
    }
}

#[tokio::test]
async fn a_link_and_a_reset_that_come_at_once_have_one_order() {
    let place = Mongo::place().await;
    for after in 1.. {
        let state = app(&place, after).await;
        let mine = user(&state).await;
        let email = "me@example.com";
        let proven = identity(Provider::Password, &registration(email).identity, "");
        state.register(registration(email)).await.unwrap();
        state.add_token(email, reset("t")).await.unwrap();
        let link = state.link(&mine, proven.clone(), Some("hash".to_owned()));
        let reset = state.reset_password("t", [1; 32], "new");
        let (linked, reset) = overtaken(link, after, reset).await;
        let holder = state.user_by_identity(Provider::Password, &proven.id).await;
        let is_his = holder.unwrap().is_some_and(|holder| holder.id == mine);
        let is_done = matches!(linked.unwrap(), Linked::Done(_));
        assert_eq!(is_his, is_done, "after {after}");
        if reset.is_none() {
            assert!(is_done);
            return;
        }
        assert!(reset.unwrap().unwrap());
    }
}

#[tokio::test]
async fn a_user_to_whom_something_is_linked_while_his_registration_goes_stays() {
    let place = Mongo::place().await;
    let state = app(&place, 1).await;
    let users = place.database().await.collection::<Document>("users");
    for after in 1.. {
        let email = format!("{after}@example.com");
        let proven = identity(Provider::Password, &registration(&email).identity, "");
        let other = identity(Provider::Google, &email, "");
        let mine = registered(&state, &email).await;
        // He comes when it was seen already that nobody has the registration.
        let late = users.find_one_and_delete(doc! {"id": &mine}).await;
        let late = late.unwrap().unwrap();
        let mut removal = pin!(state.remove_registration(&email));
        while state.registration(&email).await.unwrap().is_some() {
            assert!(cut_off(removal.as_mut(), 1).await.is_none());
        }
        users.insert_one(&late).await.unwrap();
        let (removed, linked) = overtaken(removal, after, state.link(&mine, other, None)).await;
        assert!(removed.unwrap());
        let holder = state.user_by_identity(proven.provider, &proven.id).await;
        assert!(holder.unwrap().is_none(), "after {after}");
        let Some(linked) = linked else {
            return;
        };
        let is_linked = matches!(linked.unwrap(), Linked::Done(_));
        let is_there = state.user(&mine).await.unwrap().is_some();
        assert_eq!(is_there, is_linked, "after {after}");
    }
}

#[tokio::test]
async fn a_session_that_comes_while_its_key_is_retired_counts_as_ended() {
    let place = Mongo::place().await;
    let sessions = place.database().await.collection::<Document>("sessions");
    for after in 1.. {
        let state = app(&place, after).await;
        let mine = user(&state).await;
        // What a log-in adds that began before the other key signed.
        state.open_session(session("s", &mine), None).await.unwrap();
        let late = doc! {"user": &mine};
        let late = sessions.find_one_and_delete(late).await.unwrap().unwrap();
        assert_eq!(state.rotate_keys().await.unwrap(), 2);
        let comes = async {
            sessions.insert_one(&late).await.unwrap();
            state.session("s").await.unwrap().is_some()
        };
        let (retired, came) = overtaken(state.retire_key(1, false), after, comes).await;
        let Some(came) = came else {
            return;
        };
        match retired.unwrap() {
            Ok(ended) => assert!(ended == 1 || !came, "after {after}"),
            Err(refused) => assert!(came, "{refused}"),
        }
    }
}
