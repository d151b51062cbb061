//! A directory of an app, and a gateway over it.

use std::fs;
use std::path::Path;

use realm_ingest_gateway::Settings;
use realm_ingest_gateway::app_directory::{Secrets, load};
use realm_ingest_gateway::definition::Definition;
use realm_ingest_protocol::{Refusal, Schema};
use serde_json::{Value, json};

use crate::common::{Local, Transaction, batch, one_run, outbox, schema};

/// A directory with the class 'Reading' of the devices, that lets everybody write.
pub struct Directory {
    pub schema: Value,
    pub role: Value,
    pub sync: Value,
    pub files: Vec<(&'static str, Value)>,
}

impl Directory {
    pub fn new() -> Self {
        Self {
            schema: json!({
                "title": "Reading", "bsonType": "object", "required": ["_id", "value"],
                "properties": {
                    "_id": {"bsonType": "objectId"},
                    "value": {"bsonType": "double"},
                    "note": {"bsonType": "string"},
                    "place": {
                        "title": "Place", "bsonType": "object", "required": ["name"],
                        "properties": {"name": {"bsonType": "string"}}
                    }
                }
            }),
            role: json!({
                "name": "devices", "apply_when": {}, "document_filters": {"read": true, "write": true},
                "read": true, "write": true, "insert": true, "delete": true, "search": true
            }),
            sync: json!({
                "type": "flexible", "state": "enabled", "service_name": "mongodb-atlas",
                "database_name": "weather", "asymmetric_tables": ["Reading"],
                "queryable_fields_names": ["note", "place"]
            }),
            files: Vec::new(),
        }
    }

    pub fn with_role(changes: &Value) -> Self {
        let mut new = Self::new();
        for (key, value) in changes.as_object().unwrap() {
            if value.is_null() {
                new.role.as_object_mut().unwrap().remove(key);
            } else {
                new.role[key] = value.clone();
            }
        }
        new
    }

    pub fn definition(&self) -> Definition {
        let directory = tempfile::tempdir().unwrap();
        let root = json!({"config_version": 20_230_101, "name": "test", "app_id": "test-abcde"});
        let files = [
            ("root_config.json", root),
            (
                "auth/providers.json",
                json!({"anon-user": {"name": "anon-user", "type": "anon-user"}}),
            ),
            (
                "data_sources/mongodb-atlas/config.json",
                json!({"name": "mongodb-atlas", "type": "mongodb-atlas"}),
            ),
            (
                "data_sources/mongodb-atlas/default_rule.json",
                json!({"roles": [self.role]}),
            ),
            (
                "data_sources/mongodb-atlas/weather/readings/schema.json",
                self.schema.clone(),
            ),
            ("sync/config.json", self.sync.clone()),
        ];
        for (file, json) in files.iter().chain(&self.files) {
            write(directory.path(), file, json);
        }
        let loaded = load(directory.path(), &Secrets::default(), None);
        let said: Vec<_> = loaded.report.refusals().map(ToString::to_string).collect();
        assert_eq!(said, [""; 0]);
        loaded.definition.unwrap()
    }

    pub async fn gateway(&self) -> Local {
        Local::of(self.definition(), Settings::default()).await
    }
}

fn write(directory: &Path, file: &str, json: &Value) {
    let path = directory.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, json.to_string()).unwrap();
}

pub async fn send(
    gateway: &Local,
    token: &str,
    schema: &Schema,
    transactions: &[Transaction],
) -> Vec<Refusal> {
    assert_eq!(gateway.put_schema(token, schema).await.status, 204);
    let body = batch(&outbox(1), schema, transactions);
    gateway.post(token, "identity", body).await.ack().refused
}

/// Sends one reading; why it is refused, if it is.
pub async fn refused(directory: &Directory, reading: bson::Document) -> Option<(String, String)> {
    let gateway = directory.gateway().await;
    let token = gateway.token().await;
    let refused = send(&gateway, &token, &schema(), &[one_run(1, "Reading", &[reading])]).await;
    let expected = if refused.is_empty() { (1, 0) } else { (0, 1) };
    assert_eq!(gateway.counts(), expected, "{refused:?}");
    let one = refused.into_iter().next()?;
    Some((one.code, one.reason))
}
