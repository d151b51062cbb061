//! The client against the real gateway, over sockets: what was written is what it stores, also across its restarts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use realm_ingest::Code;
use realm_ingest::app::{App, Credentials};
use realm_ingest::realm::{Realm, RealmConfig};
use realm_ingest_gateway::app_directory::{Secrets, load};
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::embedded::{Arrival, Reader};
use realm_ingest_gateway::{Gateway, Settings};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::common::{
    LIMIT, SCHEMA, TestClock, config, handler, open_realm, panics_end_the_test, uploaded, write,
};

/// A gateway that ends when it is dropped, connections and all.
pub struct Running {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Running {
    fn start(data: &Path, address: SocketAddr) -> Running {
        Running::serve(Definition::development(None), data, address)
    }

    fn serve(definition: Definition, data: &Path, address: SocketAddr) -> Running {
        panics_end_the_test();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let address = runtime.block_on(async {
            let listener = TcpListener::bind(address).await.unwrap();
            let address = listener.local_addr().unwrap();
            let settings = Settings {
                address: Some(address),
                ..Settings::default()
            };
            let mut gateway = Gateway::new(settings).unwrap();
            gateway.add_directory(definition, data).await.unwrap();
            let router = realm_ingest_gateway::app(Arc::new(gateway));
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
            address
        });
        Running {
            address,
            runtime: Some(runtime),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(LIMIT);
        }
    }
}

pub struct Place {
    device: TempDir,
    data: PathBuf,
    _server: TempDir,
}

impl Place {
    pub fn new() -> Place {
        let server = tempfile::tempdir().unwrap();
        let data = server.path().to_owned();
        Place {
            device: tempfile::tempdir().unwrap(),
            data,
            _server: server,
        }
    }

    pub fn start(&self) -> Running {
        Running::start(&self.data, "127.0.0.1:0".parse().unwrap())
    }

    fn app(&self, gateway: &Running) -> App {
        App::open(config(
            &gateway.url(),
            &self.device,
            Arc::new(TestClock::default()),
        ))
        .unwrap()
    }

    /// What the gateway has, in the order of arrival.
    fn arrivals(&self) -> Vec<Arrival> {
        let reader = Reader::open(&self.data).unwrap();
        let mut arrivals: Vec<Arrival> = Vec::new();
        loop {
            let after = arrivals.last().map_or(0, |arrival| arrival.seq);
            let more = reader.documents(None, after, i64::MAX, u32::MAX).unwrap();
            if more.is_empty() {
                return arrivals;
            }
            arrivals.extend(more);
        }
    }

    /// The `_id`s of that.
    pub fn stored(&self) -> Vec<i64> {
        let id = |bytes: &[u8]| {
            bson::deserialize_from_slice::<bson::Document>(bytes)
                .unwrap()
                .get_i64("_id")
                .unwrap()
        };
        self.arrivals()
            .iter()
            .map(|arrival| id(&arrival.document))
            .collect()
    }
}

#[test]
fn what_is_written_is_what_the_gateway_stores_also_across_its_restart() {
    let place = Place::new();
    let gateway = place.start();
    let app = place.app(&gateway);
    app.register_user("a@b.c", "password").unwrap();
    let user = app
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    let (realm, _errors) = open_realm(&user);
    (0..50).for_each(|n| write(&realm, [10 * n, 10 * n + 1]));
    uploaded(&realm);
    let address = gateway.address;
    drop(gateway);
    (50..100).for_each(|n| write(&realm, [10 * n, 10 * n + 1]));
    let _gateway = Running::start(&place.data, address);
    uploaded(&realm);
    assert_eq!(
        place.stored(),
        (0..100).flat_map(|n| [10 * n, 10 * n + 1]).collect::<Vec<_>>()
    );
    assert_eq!(realm.pending().unwrap().objects, 0);
}

/// A reading of so many bytes, which compresses badly.
fn of_bytes(id: i64, bytes: usize) -> Vec<u8> {
    let with_note = |note: String| bson::serialize_to_vec(&bson::doc! {"_id": id, "note": note}).unwrap();
    let mut state = id.cast_unsigned() * 2 + 1;
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + (state >> 58) as u8)
    };
    let document = with_note((0..bytes - with_note(String::new()).len()).map(letter).collect());
    assert_eq!(document.len(), bytes);
    document
}

#[test]
fn documents_up_to_the_limit_arrive_and_a_larger_one_is_refused_where_it_is_written() {
    use realm_ingest_protocol::MAX_DOCUMENT_BYTES;
    let place = Place::new();
    let gateway = place.start();
    let user = place.app(&gateway).login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    let append = |documents: &[Vec<u8>]| {
        let run = realm_ingest::outbox::Run {
            class: "Reading".to_owned(),
            count: u32::try_from(documents.len()).unwrap(),
        };
        realm.append(&[run], &documents.concat())
    };
    append(&[of_bytes(1, MAX_DOCUMENT_BYTES)]).unwrap();
    let refused = append(&[of_bytes(2, MAX_DOCUMENT_BYTES + 1)]).unwrap_err();
    assert_eq!(refused.code(), Code::LimitExceeded, "{refused}");
    // In one transaction, with small ones around them.
    append(&[
        of_bytes(3, 100),
        of_bytes(4, MAX_DOCUMENT_BYTES),
        of_bytes(5, MAX_DOCUMENT_BYTES),
        of_bytes(6, 100),
    ])
    .unwrap();
    write(&realm, [7]);
    uploaded(&realm);
    assert_eq!(place.stored(), [1, 3, 4, 5, 6, 7]);
    let arrivals = place.arrivals();
    let largest = arrivals
        .iter()
        .filter(|one| one.document.len() >= MAX_DOCUMENT_BYTES)
        .count();
    assert_eq!(largest, 3);
}

#[test]
fn a_second_object_with_the_same_id_is_refused_and_the_application_is_told() {
    let place = Place::new();
    let gateway = place.start();
    let user = place.app(&gateway).login(&Credentials::anonymous()).unwrap();
    let (realm, errors) = open_realm(&user);
    write(&realm, [1]);
    let other = bson::serialize_to_vec(&bson::doc! {"_id": 1_i64, "note": "another"}).unwrap();
    let run = realm_ingest::outbox::Run {
        class: "Reading".to_owned(),
        count: 1,
    };
    realm.append(&[run], &other).unwrap();
    write(&realm, [2]);
    uploaded(&realm);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::SyncWriteNotAllowed, false));
    assert_eq!(error.compensating_writes.len(), 1);
    assert_eq!(error.compensating_writes[0].object_name, "Reading");
    assert_eq!(
        error.compensating_writes[0].primary_key,
        json!({"$numberLong": "1"})
    );
    assert_eq!(place.stored(), [1, 2]);
    let stats = Reader::open(&place.data).unwrap().stats().unwrap();
    assert_eq!(stats.dead_letters, 1);
    assert!(errors.try_recv().is_err());
}

#[test]
fn a_class_that_contradicts_an_earlier_release_is_refused_object_by_object_and_holds_up_nothing() {
    let place = Place::new();
    let gateway = place.start();
    let app = place.app(&gateway);
    let user = app.login(&Credentials::anonymous()).unwrap();
    let (first, _errors) = open_realm(&user);
    write(&first, [1]);
    uploaded(&first);
    let changed = RealmConfig {
        path: Some(place.device.path().join("changed.realm")),
        ..RealmConfig::new(SCHEMA.replace("string", "bool"))
    };
    let (handler, errors) = handler();
    let second = Realm::open(&user, changed, Some(handler)).unwrap();
    let document = bson::serialize_to_vec(&bson::doc! {"_id": 2_i64, "note": true}).unwrap();
    let run = realm_ingest::outbox::Run {
        class: "Reading".to_owned(),
        count: 1,
    };
    second.append(&[run], &document).unwrap();
    uploaded(&second);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::SyncWriteNotAllowed, false));
    assert_eq!(error.compensating_writes[0].object_name, "Reading");
    assert_eq!(second.pending().unwrap().objects, 0);
    assert_eq!(place.stored(), [1]);
}

/// An app that takes readings with a note of up to five characters, and lets users write their own ones.
fn directory() -> Definition {
    let directory = tempfile::tempdir().unwrap();
    let role = json!({
        "name": "owner", "document_filters": {"read": true, "write": true}, "write": true,
        "insert": {"note": {"$ne": "other"}},
    });
    let schema = json!({
        "title": "Reading", "bsonType": "object", "required": ["_id"],
        "properties": {"_id": {"bsonType": "long"}, "note": {"bsonType": "string", "maxLength": 5}},
    });
    for (file, json) in [
        (
            "root_config.json",
            json!({"config_version": 20_230_101, "name": "test", "app_id": "app-test"}),
        ),
        (
            "auth/providers.json",
            json!({"anon-user": {"name": "anon-user", "type": "anon-user"}}),
        ),
        (
            "data_sources/db/config.json",
            json!({"name": "db", "type": "mongodb-atlas"}),
        ),
        ("data_sources/db/default_rule.json", json!({"roles": [role]})),
        ("data_sources/db/weather/readings/schema.json", schema),
        (
            "sync/config.json",
            json!({"type": "flexible", "state": "enabled", "service_name": "db", "asymmetric_tables": ["Reading"],
                   "queryable_fields_names": ["note"]}),
        ),
    ] {
        let path = directory.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, json.to_string()).unwrap();
    }
    let loaded = load(directory.path(), &Secrets::default(), None);
    loaded.definition.unwrap_or_else(|| panic!("{:?}", loaded.report))
}

#[test]
fn what_schema_and_rules_of_the_app_refuse_is_told_and_the_rest_of_the_transaction_is_stored() {
    let place = Place::new();
    let gateway = Running::serve(directory(), &place.data, "127.0.0.1:0".parse().unwrap());
    let user = place.app(&gateway).login(&Credentials::anonymous()).unwrap();
    let (realm, errors) = open_realm(&user);
    let notes = ["short", "too long", "other", "mine"];
    let documents = (1_i64..)
        .zip(notes)
        .map(|(id, note)| bson::doc! {"_id": id, "note": note});
    let payload: Vec<u8> = documents
        .flat_map(|one| bson::serialize_to_vec(&one).unwrap())
        .collect();
    let run = realm_ingest::outbox::Run {
        class: "Reading".to_owned(),
        count: 4,
    };
    realm.append(&[run], &payload).unwrap();
    uploaded(&realm);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::SyncWriteNotAllowed, false));
    let told = error.compensating_writes.iter().map(|write| {
        let id = write.primary_key.clone();
        (write.object_name.as_str(), id, write.reason.as_str())
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (
                "Reading",
                json!({"$numberLong": "2"}),
                "'Reading.note' has more than 5 characters"
            ),
            (
                "Reading",
                json!({"$numberLong": "3"}),
                "role 'owner' forbids it: 'insert' does not hold"
            ),
        ]
    );
    assert_eq!(place.stored(), [1, 4]);
    assert_eq!(realm.pending().unwrap().transactions, 0);
}

#[test]
fn the_gateways_words_reach_the_caller() {
    let place = Place::new();
    let gateway = place.start();
    let app = place.app(&gateway);
    let credentials = Credentials::email_password("a@b.c", "wrong password");
    assert_eq!(app.login(&credentials).unwrap_err().code(), Code::InvalidPassword);
    app.register_user("a@b.c", "password").unwrap();
    let error = app.register_user("a@b.c", "password").unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Code::AccountNameInUse, "name already in use")
    );
    let user = app
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    user.refresh_custom_data().unwrap();
    assert_eq!(
        user.call_function("none", "[]").unwrap_err().code(),
        Code::FunctionNotFound
    );
    user.log_out().unwrap();
}
