//! Mistakes around collections, rules, schemas and classes.

use super::*;

#[test]
fn mistakes_around_collections_are_told() {
    each(&[
        (
            SOURCE,
            Is("/name", json!("other")),
            r#"data_sources/mongodb-atlas/config.json $.name: found "other", expected "mongodb-atlas", as the folder is called"#,
        ),
        (
            SOURCE,
            Is("/type", json!("datalake")),
            r#"data_sources/mongodb-atlas/config.json $.type: found "datalake", expected "mongodb-atlas": a federated database takes no documents"#,
        ),
        (
            SOURCE,
            Gone,
            r#"data_sources/mongodb-atlas/config.json: is missing; it has to have "name" and "type""#,
        ),
        (
            "data_sources/mongodb-atlas/weather/empty/notes.txt",
            Text(""),
            "data_sources/mongodb-atlas/weather/empty/: is no collection: there is neither rules.json nor schema.json",
        ),
        (
            RULES,
            Is("/database", json!("climate")),
            r#"data_sources/mongodb-atlas/weather/Reading/rules.json $.database: found "climate", expected "weather", as the folder is called"#,
        ),
        (
            SCHEMA,
            Is("/title", json!("Reading")),
            r#"data_sources/mongodb-atlas/weather/stations/schema.json $.title: found "Reading", which is the title of data_sources/mongodb-atlas/weather/Reading/schema.json as well"#,
        ),
        (
            LINKS,
            Is("/station/ref", json!("stations")),
            r##"data_sources/mongodb-atlas/weather/Reading/relationships.json $.station.ref: found "stations", expected "#/relationship/<data source>/<database>/<collection>""##,
        ),
        (
            LINKS,
            Is("/station/ref", json!("#/relationship/mongodb-atlas/weather/gone")),
            "data_sources/mongodb-atlas/weather/Reading/relationships.json $.station: there is no collection 'weather.gone' in the data source 'mongodb-atlas'",
        ),
        (
            TIME,
            Is("/granularity", json!("days")),
            r#"data_sources/mongodb-atlas/weather/Reading/time_series.json $.granularity: found "days", expected one of "seconds", "minutes", "hours""#,
        ),
    ]);
}

#[test]
fn mistakes_in_rules_and_schemas_of_streamed_classes_are_told() {
    each(&[
        (
            RULES,
            Is("/roles/0/apply_when", json!({"%%root.owner": "%%user.id"})),
            r#"data_sources/mongodb-atlas/weather/Reading/rules.json $.roles[0].apply_when["%%root.owner"]: expansion '%%root.owner' is not served here; known are %%true, %%false, %%user.id, .type, .data, .custom_data and .identities, %%values, and %%environment.tag and .values"#,
        ),
        (
            "values/region.json",
            Gone,
            "data_sources/mongodb-atlas/weather/Reading/rules.json $.roles[0]: asks for '%%values.region', which has no value",
        ),
        (
            "values/region.json",
            Text(r#"{"name": "region", "from_secret": true, "value": "no-such-secret"}"#),
            "data_sources/mongodb-atlas/weather/Reading/rules.json $.roles[0]: asks for '%%values.region', which has no value",
        ),
        (
            "values/region.json",
            Is("/value", json!(vec!["x"; 1_001])),
            "data_sources/mongodb-atlas/weather/Reading/rules.json $.roles[0]: asks for '%%values.region', a list of more than 1000 values",
        ),
        (
            RULES,
            Is(
                "/roles/1/insert",
                json!({"%not": {"%%environment.values.closed": true}}),
            ),
            "data_sources/mongodb-atlas/weather/Reading/rules.json $.roles[1]: asks for '%%environment.values.closed', which has no value",
        ),
        (
            DEFAULT,
            Is("/roles/0/document_filters", json!({"read": true})),
            "data_sources/mongodb-atlas/default_rule.json $.roles: there is no role with which anybody can stream",
        ),
        (
            SCHEMA,
            Is("/properties/height/bsonType", json!("regex")),
            "data_sources/mongodb-atlas/weather/stations/schema.json $.properties.height.bsonType: type 'regex' is none that a Realm property has",
        ),
        (
            SCHEMA,
            Lacks("/properties/_id"),
            "data_sources/mongodb-atlas/weather/stations/schema.json $.properties: expected a property '_id', the primary key",
        ),
        (
            SCHEMA,
            Is("/properties/_id/bsonType", json!("objectId")),
            "data_sources/mongodb-atlas/weather/Reading/relationships.json $.station: found the type string, expected objectId as '_id' has it there",
        ),
    ]);
}

#[test]
fn mistakes_around_classes_that_nobody_streams_are_warnings() {
    let copy = copy("weather");
    change_json(copy.path(), SYNC, |sync| {
        sync["asymmetric_tables"] = json!(["Reading"])
    });
    change_json(copy.path(), DEFAULT, |rule| {
        rule["roles"][0]["apply_when"] = json!({"%%args.x": 1});
        rule["roles"][0]["insert"] = json!({"%%values.gone": 1});
    });
    let links = "data_sources/mongodb-atlas/weather/stations/relationships.json";
    let gone = json!({
        "name": {"ref": "#/relationship/mongodb-atlas/weather/gone", "foreign_key": "name"},
        "other": {"ref": "stations"}
    });
    fs::write(copy.path().join(links), gone.to_string()).unwrap();
    change_json(copy.path(), SCHEMA, |schema| {
        schema["properties"]["height"]["bsonType"] = json!("regex")
    });
    let loaded = crate::loaded(copy.path());
    let told: Vec<_> = loaded
        .report
        .warnings()
        .map(|entry| (entry.file.as_str(), entry.path.as_str()))
        .collect();
    assert!(
        told.contains(&(DEFAULT, r#"$.roles[0].apply_when["%%args.x"]"#)),
        "{told:?}"
    );
    assert!(told.contains(&(DEFAULT, "$.roles[0]")), "{told:?}");
    for path in ["$.name", "$.name.foreign_key", "$.other.ref"] {
        assert!(told.contains(&(links, path)), "{told:?}");
    }
    assert!(
        told.contains(&(SCHEMA, "$.properties.height.bsonType")),
        "{told:?}"
    );
    assert!(loaded.definition.is_some());
}

#[test]
fn mistakes_in_sync_are_told() {
    each(&[
        (
            SYNC,
            Is("/type", json!("partition")),
            r#"sync/config.json $.type: found "partition", expected "flexible": Data Ingest was part of Flexible Sync alone"#,
        ),
        (
            SYNC,
            Is("/service_name", json!("other")),
            r#"sync/config.json $.service_name: found "other", expected the name of a data source"#,
        ),
        (
            SYNC,
            Is("/asymmetric_tables/1", json!("Gone")),
            r#"sync/config.json $.asymmetric_tables[1]: found "Gone", expected the title of a schema of the data source, as development mode is off"#,
        ),
        (
            SYNC,
            Is("/state", json!(true)),
            "sync/config.json $.state: found true, expected a string",
        ),
        (
            SYNC,
            Is(
                "/permissions",
                json!({"rules": {}, "defaultRoles": [{"name": "all"}]}),
            ),
            "sync/config.json $.permissions: is of before 2023 and not read; expected roles in rules.json and default_rule.json",
        ),
    ]);
}
