//! `auth/custom_user_data.json`: where documents with data of users are.

use std::collections::BTreeMap;

use super::Store;
use super::data_sources::Source;
use super::functions::{self, Functions};
use super::reading::Reading;
use crate::definition::CustomUserData;

const FILE: &str = "auth/custom_user_data.json";

pub(super) fn read(
    reading: &Reading<'_>,
    data_sources: &BTreeMap<String, Source>,
    functions: &Functions,
) -> Option<CustomUserData> {
    let document = reading.document(FILE)?;
    let object = document.root().object()?;
    let on_user_creation = object.get("on_user_creation_function_name");
    if let Some(node) = &on_user_creation {
        node.warn("functions are not run by this version, so users are made without it");
    }
    if !object.flag("enabled") {
        reading.ignored(FILE, "it is not enabled");
        return None;
    }
    let source = object.required("mongo_service_name");
    let (database, collection) = (object.text("database_name"), object.text("collection_name"));
    let field = object.text("user_id_field");
    object.ignore(&["mongo_service_id"]);
    object.finish();
    let source = source?;
    let name = source.string()?;
    if !data_sources.contains_key(name) {
        source.expected("the name of a data source");
    }
    let custom = CustomUserData {
        data_source: name.to_owned(),
        database: database?.to_owned(),
        collection: collection?.to_owned(),
        user_id_field: field?.to_owned(),
        on_user_creation: on_user_creation.and_then(|node| functions::named(&node, functions)),
    };
    let place = format!("documents of '{}.{}'", custom.database, custom.collection);
    match reading.store {
        Store::MongoDb => {
            reading.honoured(FILE, format!("{place}, by '{}'", custom.user_id_field));
        }
        Store::Embedded => reading.warn(
            FILE,
            format!("{place} are read from MongoDB alone; what a user's custom data is, is set by command"),
        ),
    }
    Some(custom)
}
