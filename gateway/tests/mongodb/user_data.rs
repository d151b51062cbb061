//! Custom user data in a collection of the operator's.

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use mongodb::Collection;
use realm_ingest_gateway::backend::BackendError;
use realm_ingest_gateway::custom_user_data::{CustomUserData, InDataSources, UserDocuments};
use realm_ingest_gateway::definition::{self, Definition};
use realm_ingest_gateway::sink::mongodb::DataSources;
use realm_ingest_gateway::state::{User, UserKind};
use serde_json::{Value, json};

use crate::server::{Server, fresh_name};

fn user() -> User {
    User {
        id: ObjectId::new().to_hex(),
        kind: UserKind::Normal,
        identities: Vec::new(),
        disabled: false,
        custom_data: None,
        created: 0,
        last_login: 0,
    }
}

/// The team that is kept about the user.
async fn team(documents: &UserDocuments, user: &User) -> Option<String> {
    let found = documents.of(&user.id).await.unwrap()?;
    let found: Value = serde_json::from_str(found.get()).unwrap();
    Some(found["team"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn of_a_users_documents_the_one_with_his_id_as_a_text_wins_over_that_with_an_object_id() {
    let people: Collection<Document> = Server::shared().await.database().await.collection("people");
    let documents = UserDocuments::new(people.clone_with_type(), "owner".to_owned());
    let user = user();
    assert_eq!(team(&documents, &user).await, None);
    let id = ObjectId::parse_str(&user.id).unwrap();
    for (owner, name, expected) in [
        (Bson::from("somebody else"), "blue", None),
        (Bson::ObjectId(id), "green", Some("green")),
        (Bson::from(&user.id), "red", Some("red")),
    ] {
        people
            .insert_one(doc! {"owner": owner, "team": name})
            .await
            .unwrap();
        assert_eq!(team(&documents, &user).await.as_deref(), expected);
    }
}

#[tokio::test]
async fn it_is_read_where_the_definition_says_as_extended_json() {
    let server = Server::shared().await;
    let cluster = server.cluster().await;
    let (user, database) = (user(), fresh_name());
    let document = doc! {"_id": &user.id, "level": 3_i64, "since": bson::DateTime::from_millis(500)};
    let people = cluster.database(&database).collection::<Document>("people");
    people.insert_one(document).await.unwrap();
    let reader = InDataSources::new(DataSources::new(cluster));
    let mut definition = Definition::development(None);
    assert!(reader.of(&definition, &user).await.unwrap().is_none());
    let named = definition::CustomUserData {
        data_source: "atlas".to_owned(),
        database,
        collection: "people".to_owned(),
        user_id_field: "_id".to_owned(),
        on_user_creation: None,
    };
    definition.custom_user_data = Some(named);
    let found = reader.of(&definition, &user).await.unwrap().unwrap();
    let found: Value = serde_json::from_str(found.get()).unwrap();
    let since = json!({"$date": "1970-01-01T00:00:00.500Z"});
    assert_eq!(found, json!({"_id": user.id, "level": 3, "since": since}));
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_another_thing_than_a_user_without_a_document() {
    let server = Server::own().await;
    let people = server.database().await.collection("people");
    let documents = UserDocuments::new(people, "owner".to_owned());
    let user = user();
    assert_eq!(team(&documents, &user).await, None);
    server.pause().await;
    let unknown = documents.of(&user.id).await;
    assert!(
        matches!(unknown, Err(BackendError::Unavailable(_))),
        "{unknown:?}"
    );
    server.resume().await;
    assert_eq!(team(&documents, &user).await, None);
}
