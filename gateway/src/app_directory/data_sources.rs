//! `data_sources/`: the collections, with their schemas and rules.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::reading::Reading;
use super::{relationships, rules, schemas, time_series};
use crate::definition::{Collection, DataSource, Sync, TimeSeries};
use crate::rules::{Facts, Rules};

const FOLDER: &str = "data_sources/";

/// The collection of a class that a device brings, which has no folder.
const NEW_CLASS: &str = "";

/// Files that make a folder a collection.
const OF_COLLECTION: [&str; 4] = [
    "rules.json",
    "schema.json",
    "relationships.json",
    "time_series.json",
];

/// A data source as its files have it. What its rules and schemas mean depends on which classes are streamed.
pub(super) struct Source {
    pub(super) name: String,
    folder: String,
    is_federated: bool,
    default_roles: Vec<Value>,
    pub(super) collections: Vec<Found>,
}

/// A collection as its files have it.
pub(super) struct Found {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) folder: String,
    pub(super) title: Option<String>,
    pub(super) schema: Option<Value>,
    roles: Option<Vec<Value>>,
    time_series: Option<TimeSeries>,
}

impl Found {
    fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }
}

pub(super) fn read(reading: &Reading<'_>) -> BTreeMap<String, Source> {
    let names = reading.files.folders_in(FOLDER);
    let sources = names.into_iter().map(|name| {
        let source = read_one(reading, &name);
        (name, source)
    });
    sources.collect()
}

/// Makes of the files what is served. A mistake counts where a class that is streamed is concerned; elsewhere it is a warning,
/// as nobody comes that way.
pub(super) fn build(
    reading: &Reading<'_>,
    sources: &BTreeMap<String, Source>,
    sync: &Sync,
    facts: &Facts<'_>,
) -> BTreeMap<String, DataSource> {
    let built = sources.iter().map(|(name, source)| {
        let built = build_one(reading, source, sources, sync, facts);
        (name.clone(), built)
    });
    built.collect()
}

fn build_one(
    reading: &Reading<'_>,
    source: &Source,
    sources: &BTreeMap<String, Source>,
    sync: &Sync,
    facts: &Facts<'_>,
) -> DataSource {
    let synced = sync.data_source.as_ref() == Some(&source.name);
    let open = synced && sync.development_mode;
    let titles: HashSet<_> = source.collections.iter().filter_map(Found::title).collect();
    // Where devices bring classes, a collection without a title is that of its name.
    let is_named = |found: &Found| {
        open && sync.database.as_ref() == Some(&found.database) && !titles.contains(found.name.as_str())
    };
    let class_of = |found: &Found| {
        let name = is_named(found).then_some(found.name.as_str());
        found.title().or(name).map(str::to_owned)
    };
    let streamed = |found: &Found| {
        let class = class_of(found);
        synced && class.is_some_and(|class| open || sync.classes.contains(&class))
    };
    if source.is_federated {
        let file = format!("{}config.json", source.folder);
        let text = "found \"datalake\", expected \"mongodb-atlas\": a federated database takes no documents";
        reading.found(&file, vec![("$.type".to_owned(), text.to_owned())], synced);
    }
    let by_default = source.collections.iter().filter(|found| found.roles.is_none());
    let mut takers: Vec<_> = by_default
        .filter(|found| streamed(found))
        .map(|found| found.name.as_str())
        .collect();
    // Classes of devices without a folder, of which more fields may be asked than of others.
    let mut named: Vec<&str> = Vec::new();
    if open {
        takers.push(NEW_CLASS);
        let is_found = |class: &str| {
            source
                .collections
                .iter()
                .any(|one| class_of(one).as_deref() == Some(class))
        };
        let names = sync.collection_queryable_fields.keys().map(String::as_str);
        named.extend(names.filter(|name| !is_found(name)));
        takers.extend(&named);
    }
    let default_rule = format!("{}default_rule.json", source.folder);
    let asked = |name: &str, field: &str| {
        let own = sync.collection_queryable_fields.get(name);
        sync.queryable_fields.contains(field) || own.is_some_and(|own| own.contains(field))
    };
    let rules_of = |roles: &[Value], name: &str| {
        // What is wrong with them is told by the check.
        let roles = rules::parse(roles, &mut Vec::new());
        Rules::new(roles, |field| asked(name, field))
    };
    rules::check(
        reading,
        &default_rule,
        &source.default_roles,
        &takers,
        facts,
        asked,
    );
    if source.default_roles.is_empty() && !takers.is_empty() {
        let text = "has no roles: nobody may write to collections without roles of their own";
        reading.warn(&default_rule, text);
    }
    let collections = source.collections.iter().map(|found| {
        let counts = streamed(found);
        let file = |name| format!("{}{name}", found.folder);
        let schema = found.schema.as_ref();
        if let Some(roles) = &found.roles {
            let takers: &[_] = if counts { &[found.name.as_str()] } else { &[] };
            rules::check(reading, &file("rules.json"), roles, takers, facts, asked);
        }
        let relationships = relationships::read(reading, &file("relationships.json"), counts);
        relationships::check(reading, found, &relationships, sources, counts);
        Collection {
            database: found.database.clone(),
            name: found.name.clone(),
            class: class_of(found),
            schema: schema.and_then(|schema| schemas::build(reading, &file("schema.json"), schema, counts)),
            rules: rules_of(found.roles.as_ref().unwrap_or(&source.default_roles), &found.name),
            relationships,
            time_series: found.time_series.clone(),
        }
    });
    let collections = collections.collect();
    let default_rules = |class| rules_of(&source.default_roles, class);
    let mut built = DataSource::new(source.name.clone(), default_rules(NEW_CLASS), collections);
    built.default_rules_of = named
        .into_iter()
        .map(|class| (class.to_owned(), default_rules(class)))
        .collect();
    built
}

fn read_one(reading: &Reading<'_>, name: &str) -> Source {
    let folder = format!("{FOLDER}{name}/");
    let is_federated = config(reading, &folder, name);
    let default_roles = rules::default(reading, &format!("{folder}default_rule.json"));
    let mut collections = Vec::new();
    for database in reading.files.folders_in(&folder) {
        let folder = format!("{folder}{database}/");
        for collection in reading.files.folders_in(&folder) {
            collections.push(collection_of(reading, &folder, &database, &collection));
        }
    }
    check_titles(reading, &collections);
    Source {
        name: name.to_owned(),
        folder,
        is_federated,
        default_roles,
        collections,
    }
}

/// Whether it is a federated database.
fn config(reading: &Reading<'_>, folder: &str, name: &str) -> bool {
    let file = format!("{folder}config.json");
    let Some(document) = reading.document(&file) else {
        if !reading.files.has(&file) {
            reading.refuse(&file, "is missing; it has to have \"name\" and \"type\"");
        }
        return false;
    };
    let Some(object) = document.root().object() else {
        return false;
    };
    if let Some(node) = object.required("name")
        && node.string().is_some_and(|found| found != name)
    {
        node.expected(&format!("\"{name}\", as the folder is called"));
    }
    let is_federated = object.required("type").is_some()
        && object.one_of("type", &["mongodb-atlas", "mongodb", "datalake"]) == Some("datalake");
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
    is_federated
}

fn collection_of(reading: &Reading<'_>, folder: &str, database: &str, name: &str) -> Found {
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
    Found {
        database: database.to_owned(),
        name: name.to_owned(),
        title,
        schema,
        roles: rules::of_collection(reading, &format!("{folder}rules.json"), database, name),
        time_series: time_series::read(reading, &format!("{folder}time_series.json")),
        folder,
    }
}

/// A class has one collection.
fn check_titles(reading: &Reading<'_>, collections: &[Found]) {
    let mut seen = HashMap::new();
    for one in collections {
        let Some(title) = &one.title else { continue };
        let file = format!("{}schema.json", one.folder);
        if let Some(other) = seen.insert(title, file.clone()) {
            let text = format!("found \"{title}\", which is the title of {other} as well");
            reading.refuse_at(&file, "$.title", text);
        }
    }
}
