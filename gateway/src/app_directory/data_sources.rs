//! `data_sources/`: the collections, with their schemas and rules.

use std::collections::{BTreeMap, HashMap};

use super::reading::Reading;
use super::{relationships, rules, schemas, time_series};
use crate::definition::{Collection, DataSource};

const FOLDER: &str = "data_sources/";

/// Files that make a folder a collection.
const OF_COLLECTION: [&str; 4] = [
    "rules.json",
    "schema.json",
    "relationships.json",
    "time_series.json",
];

pub(super) fn read(reading: &Reading<'_>) -> BTreeMap<String, DataSource> {
    let names = reading.files.folders_in(FOLDER);
    let sources = names.into_iter().map(|name| {
        let source = read_one(reading, &name);
        (name, source)
    });
    sources.collect()
}

fn read_one(reading: &Reading<'_>, name: &str) -> DataSource {
    let folder = format!("{FOLDER}{name}/");
    config(reading, &folder, name);
    let default_roles = rules::default(reading, &format!("{folder}default_rule.json"));
    let mut collections = Vec::new();
    for database in reading.files.folders_in(&folder) {
        let folder = format!("{folder}{database}/");
        for collection in reading.files.folders_in(&folder) {
            collections.push(collection_of(reading, &folder, &database, &collection));
        }
    }
    check_titles(reading, &folder, &collections);
    relationships::check(reading, &folder, &collections);
    DataSource::new(name.to_owned(), default_roles, collections)
}

fn config(reading: &Reading<'_>, folder: &str, name: &str) {
    let file = format!("{folder}config.json");
    let Some(document) = reading.document(&file) else {
        if !reading.files.has(&file) {
            reading.refuse(&file, "is missing; it has to have \"name\" and \"type\"");
        }
        return;
    };
    let Some(object) = document.root().object() else {
        return;
    };
    if let Some(node) = object.required("name")
        && node.string().is_some_and(|found| found != name)
    {
        node.expected(&format!("\"{name}\", as the folder is called"));
    }
    match object.required("type") {
        Some(node) if node.value == "datalake" => {
            node.refuse(
                "found \"datalake\", expected \"mongodb-atlas\": a federated database takes no documents",
            );
        }
        Some(_) => _ = object.one_of("type", &["mongodb-atlas", "mongodb"]),
        None => {}
    }
    if let Some(config) = object.object("config") {
        for key in ["clusterName", "readPreference", "readPreferenceTagSets", "uri"] {
            config.unserved(
                key,
                "is not used: documents go where the gateway's own settings say",
            );
        }
        config.ignore(&[
            "wireProtocolEnabled",
            "namespacePreimageConfigs",
            "cluster_size",
            "dataLakeName",
        ]);
        config.finish();
    }
    object.ignore(&["secret_config", "version", "id", "_id"]);
    object.finish();
    reading.honoured(&file, format!("data source '{name}'"));
}

fn collection_of(reading: &Reading<'_>, folder: &str, database: &str, name: &str) -> Collection {
    let folder = format!("{folder}{name}/");
    if !OF_COLLECTION
        .iter()
        .any(|file| reading.files.has(&format!("{folder}{file}")))
    {
        reading.refuse(
            &folder,
            "is no collection: there is neither rules.json nor schema.json",
        );
    }
    let (title, schema) = schemas::read(reading, &format!("{folder}schema.json"));
    Collection {
        database: database.to_owned(),
        name: name.to_owned(),
        title,
        schema,
        roles: rules::of_collection(reading, &format!("{folder}rules.json"), database, name),
        relationships: relationships::read(reading, &format!("{folder}relationships.json")),
        time_series: time_series::read(reading, &format!("{folder}time_series.json")),
    }
}

/// A class has one collection.
fn check_titles(reading: &Reading<'_>, folder: &str, collections: &[Collection]) {
    let mut seen = HashMap::new();
    for one in collections {
        let Some(title) = &one.title else { continue };
        let file = format!("{folder}{}/{}/schema.json", one.database, one.name);
        if let Some(other) = seen.insert(title, file.clone()) {
            let text = format!("found \"{title}\", which is the title of {other} as well");
            reading.refuse_at(&file, "$.title", text);
        }
    }
}
