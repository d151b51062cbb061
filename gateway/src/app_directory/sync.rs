//! `sync/config.json`: which classes are written one way, and whether devices bring new ones.

use std::collections::{BTreeMap, BTreeSet};

use super::data_sources::{Found, Source};
use super::json::{Node, Object};
use super::reading::Reading;
use crate::definition::Sync;

const FILE: &str = "sync/config.json";

pub(super) fn read(reading: &Reading<'_>, data_sources: &BTreeMap<String, Source>) -> Sync {
    let Some(document) = reading.document(FILE) else {
        if !reading.files.has(FILE) {
            reading.warn(FILE, "is missing: users can log in, and no documents are taken");
        }
        return Sync::default();
    };
    let Some(object) = document.root().object() else {
        return Sync::default();
    };
    if object.is_empty() {
        reading.warn(FILE, "is empty: users can log in, and no documents are taken");
        return Sync::default();
    }
    let sync = read_all(&object, data_sources);
    let mode = if sync.development_mode {
        ", development mode"
    } else {
        ""
    };
    reading.honoured(FILE, format!("classes: {}{mode}", sync.classes.len()));
    sync
}

fn read_all(object: &Object<'_>, data_sources: &BTreeMap<String, Source>) -> Sync {
    match object.required("type") {
        Some(node) if node.value == "partition" => node.refuse(
            "found \"partition\", expected \"flexible\": Data Ingest was part of Flexible Sync alone",
        ),
        Some(node) if node.value != "flexible" => node.expected("\"flexible\""),
        _ => {}
    }
    let source = data_source(object, data_sources);
    let development_mode = object.flag("development_mode_enabled");
    let database = object.get("database_name");
    if development_mode && database.is_none() {
        object
            .node
            .refuse("'database_name' is missing; development mode makes collections there");
    }
    let sync = Sync {
        enabled: is_enabled(object),
        development_mode,
        data_source: source.map(|source| source.name.clone()),
        database: database.and_then(|node| node.string()).map(str::to_owned),
        classes: classes(object, source, development_mode),
        recovery_disabled: object.flag("is_recovery_mode_disabled"),
        queryable_fields: set(object.strings("queryable_fields_names")),
        collection_queryable_fields: collection_fields(object),
    };
    let offline = "is not a limit here: what waits on a device is taken however late it comes";
    object.unserved("client_max_offline_days", offline);
    if let Some(node) = object.saying("permissions") {
        node.refuse("is of before 2023 and not read; expected roles in rules.json and default_rule.json");
    }
    object.ignore(&[
        "last_disabled",
        "indexed_queryable_fields_names",
        "queryable_fields_version",
        "enabled",
    ]);
    object.ignore(&["partition"]);
    object.finish();
    sync
}

fn is_enabled(object: &Object<'_>) -> bool {
    let state = object.one_of("state", &["enabled", "disabled", ""]);
    let enabled = state == Some("enabled");
    if !enabled {
        object
            .node
            .warn("'state' is not \"enabled\": users can log in, and no documents are taken");
    }
    enabled
}

fn data_source<'a>(object: &Object<'_>, data_sources: &'a BTreeMap<String, Source>) -> Option<&'a Source> {
    let node = object.required("service_name")?;
    let found = data_sources.get(node.string()?);
    if found.is_none() {
        node.expected("the name of a data source");
    }
    found
}

/// Titles of schemas; where there is no such title, names of collections.
fn classes(object: &Object<'_>, source: Option<&Source>, development_mode: bool) -> BTreeSet<String> {
    let nodes = object.get("asymmetric_tables").and_then(|node| node.list());
    let mut classes = BTreeSet::new();
    for node in nodes.unwrap_or_default() {
        let (Some(name), Some(source)) = (node.string(), source) else {
            continue;
        };
        if let Some(title) = title(&node, name, source, development_mode) {
            classes.insert(title);
        }
    }
    classes
}

fn title(node: &Node<'_>, name: &str, source: &Source, development_mode: bool) -> Option<String> {
    let titled = |found: &Found| found.title.as_deref() == Some(name);
    if source.collections.iter().any(titled) {
        return Some(name.to_owned());
    }
    let of_name = source.collections.iter().filter(|found| found.name == name);
    let titles: Vec<_> = of_name.filter_map(|found| found.title.as_ref()).collect();
    if let [title] = titles[..] {
        node.warn(format!(
            "is the name of a collection; the title of its schema is '{title}', and is taken"
        ));
        return Some(title.clone());
    }
    if development_mode {
        return Some(name.to_owned());
    }
    node.expected("the title of a schema of the data source, as development mode is off");
    None
}

fn collection_fields(object: &Object<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let all = object
        .object("collection_queryable_fields_names")
        .map(|all| all.all());
    let all = all.unwrap_or_default().into_iter();
    all.map(|(name, node)| (name.to_owned(), set(node.strings().unwrap_or_default())))
        .collect()
}

fn set(names: Vec<&str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}
