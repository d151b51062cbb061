//! Directories that can be served.

use realm_ingest_gateway::app_directory::{Entry, Store, load, load_for};
use realm_ingest_gateway::auth::external::Domain;
use realm_ingest_gateway::definition::{Confirmation, Granularity, Reset};
use serde_json::json;

use super::{change_json, copy, fixture, lines, loaded, secrets};

#[test]
fn of_each_file_it_is_said_what_becomes_of_it() {
    let expected = "\
honoured: .mdb/meta.json: client app id
warning: auth/custom_user_data.json: documents of 'weather.people' are read from MongoDB alone; what a user's custom data is, is set by command
honoured: auth/providers.json: log-in by anon-user, api-key, custom-token, local-userpass, oauth2-google
warning: data_sources/mongodb-atlas/config.json $.config.clusterName: is not used: documents go where the gateway's own settings say
warning: data_sources/mongodb-atlas/config.json $.config.readPreference: is not used: documents go where the gateway's own settings say
honoured: data_sources/mongodb-atlas/config.json: data source 'mongodb-atlas'
honoured: data_sources/mongodb-atlas/default_rule.json: default roles: 1
honoured: data_sources/mongodb-atlas/weather/Reading/relationships.json: relationships: 1
honoured: data_sources/mongodb-atlas/weather/Reading/rules.json: roles: 2
honoured: data_sources/mongodb-atlas/weather/Reading/schema.json: class 'Reading'
warning: data_sources/mongodb-atlas/weather/Reading/time_series.json: time series by 'time', kept by MongoDB; the embedded store has no time series
ignored: data_sources/mongodb-atlas/weather/stations/relationships.json: it is empty
ignored: data_sources/mongodb-atlas/weather/stations/rules.json: it has no roles, so the default ones hold
honoured: data_sources/mongodb-atlas/weather/stations/schema.json: class 'Station'
ignored: environments/no-environment.json: another environment is chosen
honoured: environments/production.json: values: 2
warning: functions: 2 functions are read and checked, and not run by this version
honoured: functions/config.json: functions: 2
ignored: graphql: it has no part in Data Ingest
ignored: hosting: it has no part in Data Ingest
honoured: root_config.json: app 'weather-abcde', layout 20230101
warning: sync/config.json $.asymmetric_tables[1]: is the name of a collection; the title of its schema is 'Station', and is taken
warning: sync/config.json $.client_max_offline_days: is not a limit here: what waits on a device is taken however late it comes
honoured: sync/config.json: classes: 2
warning: triggers: triggers are not run
honoured: values/region.json: value 'region'
honoured: values/upstream.json: value 'upstream', from a secret";
    let said = lines(&loaded(&fixture("weather")).report);
    assert_eq!(said, expected.lines().collect::<Vec<_>>());
}

#[test]
fn with_mongodb_time_series_and_custom_user_data_hold() {
    let loaded = load_for(Store::MongoDb, &fixture("weather"), &secrets(), None);
    let said = lines(&loaded.report);
    for expected in [
        "honoured: auth/custom_user_data.json: documents of 'weather.people', by 'owner'",
        "honoured: data_sources/mongodb-atlas/weather/Reading/time_series.json: time series by 'time', kept by MongoDB",
    ] {
        assert!(said.iter().any(|line| line == expected), "{said:?}");
    }
    assert!(loaded.definition.is_some());
}

#[test]
fn the_app_is_what_its_files_say() {
    let app = loaded(&fixture("weather")).definition.unwrap();
    assert_eq!(app.client_app_id.as_deref(), Some("weather-abcde"));
    assert_eq!(
        (app.deployment.model.as_str(), app.deployment.location.as_str()),
        ("LOCAL", "IE")
    );
    assert_eq!(
        app.allowed_origins.as_ref().unwrap()[1].to_string(),
        "http://localhost:3000"
    );
    assert_eq!(app.environment.tag, "production");
    assert_eq!(app.environment.values["limits"], json!({"perDay": 100}));
    assert_eq!(app.values["region"], json!("north"));
    assert_eq!(app.values["upstream"], json!(super::SECRET));
    assert_eq!(app.custom_user_data.as_ref().unwrap().user_id_field, "owner");

    let password = app.providers.password.as_ref().unwrap();
    let Confirmation::Mail(mail) = &password.confirmation else {
        panic!("{password:?}")
    };
    assert_eq!(
        (mail.url.as_str(), mail.subject.as_str()),
        ("https://weather.example/confirm", "Welcome")
    );
    assert!(matches!(&password.reset, Reset::Mail(mail) if mail.url == "https://weather.example/reset"));
    assert!(app.providers.anonymous && app.providers.api_key && app.providers.google.is_some());
    assert!(app.providers.custom_function.is_none(), "it is disabled");

    assert!(app.sync.enabled && !app.sync.development_mode);
    assert!(app.sync.classes.iter().eq(["Reading", "Station"]));
    assert!(app.sync.queryable_fields.contains("owner"));
    let (reading, station) = (
        app.collection_of("Reading").unwrap(),
        app.collection_of("Station").unwrap(),
    );
    assert_eq!(
        (station.database.as_str(), station.name.as_str()),
        ("weather", "stations")
    );
    let time_series = reading.time_series.as_ref().unwrap();
    assert_eq!(time_series.granularity, Some(Granularity::Minutes));
    assert_eq!(reading.relationships["station"].collection, "stations");
    assert!(reading.rules.need_user() && !station.rules.need_user());
    assert!(reading.schema.as_ref().unwrap().has_constraints());
    assert!(app.functions["letIn"].run_as_system && app.functions["utils/add"].private);
}

#[test]
fn permissions_of_former_exports_that_are_empty_mean_nothing() {
    for empty in [json!({}), json!({"rules": {}, "defaultRoles": []}), json!(null)] {
        let copy = copy("weather");
        change_json(copy.path(), "sync/config.json", |sync| {
            sync["permissions"] = empty.clone();
        });
        let report = loaded(copy.path()).report;
        let said: Vec<_> = lines(&report)
            .into_iter()
            .filter(|line| line.contains("permissions"))
            .collect();
        assert!(loaded(copy.path()).definition.is_some(), "{empty}");
        assert_eq!(said, [""; 0], "{empty}");
    }
}

#[test]
fn a_provider_is_restricted_to_the_domains_that_its_directory_names() {
    let copy = copy("weather");
    change_json(copy.path(), "auth/providers.json", |providers| {
        let names = json!(["Example.com", "b\u{fc}cher.example"]);
        providers["oauth2-google"]["domain_restrictions"] = names;
    });
    let loaded = loaded(copy.path());
    assert!(
        !lines(&loaded.report)
            .iter()
            .any(|line| line.contains("domain_restrictions"))
    );
    let google = loaded.definition.unwrap().providers.google.unwrap();
    let names = ["example.com", "xn--bcher-kva.example"];
    assert!(
        google
            .rules
            .domains
            .into_iter()
            .eq(names.map(|name| Domain::parse(name).unwrap()))
    );
}

#[test]
fn a_restriction_that_lets_nobody_in_is_warned_of() {
    let copy = copy("weather");
    change_json(copy.path(), "auth/providers.json", |providers| {
        providers["oauth2-facebook"] = json!({
            "type": "oauth2-facebook",
            "config": {"clientId": "1234"},
            "domain_restrictions": ["example.com"],
        });
    });
    let said = lines(&loaded(copy.path()).report);
    let expected = "warning: auth/providers.json $[\"oauth2-facebook\"].domain_restrictions: lets nobody in, as tokens of this provider do not say of any e-mail that it is the user's";
    assert!(said.iter().any(|line| line == expected), "{said:?}");
}

#[test]
fn a_directory_of_the_former_layout_is_served_as_well() {
    let loaded = load(&fixture("former"), &secrets(), Some("telemetry-abcde"));
    let app = loaded.definition.unwrap();
    assert_eq!(app.client_app_id.as_deref(), Some("telemetry-abcde"));
    assert!(app.sync.development_mode && app.collection_of("SensorReading").is_some());
    let warnings: Vec<_> = loaded
        .report
        .warnings()
        .map(|entry| entry.path.as_str())
        .collect();
    assert_eq!(
        warnings,
        [
            "$.config.clusterName",
            "$.config.readPreference",
            "$.client_max_offline_days"
        ]
    );
}

#[test]
fn the_app_may_be_in_the_folder_backend() {
    let project = tempfile::tempdir().unwrap();
    std::fs::create_dir(project.path().join("frontend")).unwrap();
    std::fs::create_dir(project.path().join("backend")).unwrap();
    super::copy_folder(&fixture("weather"), &project.path().join("backend"));
    assert_eq!(loaded(project.path()).definition.unwrap().name, "weather");
}

#[test]
fn another_environment_gives_other_values() {
    let copy = copy("weather");
    change_json(copy.path(), "root_config.json", |root| {
        root["environment"] = json!("qa")
    });
    let qa = json!({"values": {"site": "https://qa.example"}});
    std::fs::write(copy.path().join("environments/qa.json"), qa.to_string()).unwrap();
    let app = loaded(copy.path()).definition.unwrap();
    let Confirmation::Mail(mail) = app.providers.password.unwrap().confirmation else {
        panic!()
    };
    assert_eq!(mail.url, "https://qa.example/confirm");
}

#[test]
fn files_under_a_wrong_name_are_told() {
    let copy = copy("weather");
    std::fs::write(copy.path().join("auth/provider.json"), "{}").unwrap();
    std::fs::write(copy.path().join("NOTES.md"), "").unwrap();
    let report = loaded(copy.path()).report;
    let told: Vec<_> = report
        .warnings()
        .filter(|entry| entry.text.contains("no file of an app"))
        .collect();
    assert_eq!(
        told.iter().map(|entry| entry.file.as_str()).collect::<Vec<_>>(),
        ["auth/provider.json"]
    );
}

#[test]
fn secrets_may_be_in_the_file_of_the_former_tool() {
    let copy = copy("weather");
    let legacy = json!({"auth_providers": {"custom-token": {"signingKeys": super::SECRET}}});
    std::fs::write(copy.path().join("secrets.json"), legacy.to_string()).unwrap();
    let loaded = load(
        copy.path(),
        &realm_ingest_gateway::app_directory::Secrets::default(),
        None,
    );
    let refusals: Vec<_> = loaded.report.refusals().map(Entry::to_string).collect();
    assert_eq!(refusals, Vec::<String>::new());
    assert!(loaded.definition.unwrap().providers.custom_token.is_some());
}

#[test]
fn a_federated_database_that_devices_do_not_write_to_is_a_warning() {
    let copy = copy("weather");
    let folder = copy.path().join("data_sources/lake");
    std::fs::create_dir(&folder).unwrap();
    let config = r#"{"name": "lake", "type": "datalake", "config": {"dataLakeName": "Lake"}}"#;
    std::fs::write(folder.join("config.json"), config).unwrap();
    let loaded = loaded(copy.path());
    let warnings: Vec<_> = loaded.report.warnings().map(ToString::to_string).collect();
    let told = r#"warning: data_sources/lake/config.json $.type: found "datalake", expected "mongodb-atlas": a federated database takes no documents"#;
    assert!(warnings.contains(&told.to_owned()), "{warnings:?}");
    assert!(loaded.definition.is_some());
}

#[test]
fn default_roles_may_ask_fields_of_each_collection_that_has_them() {
    let copy = copy("weather");
    let source = "data_sources/mongodb-atlas";
    change_json(copy.path(), &format!("{source}/default_rule.json"), |rule| {
        rule["roles"][0]["insert"] = json!({"height": {"$gt": 0}});
    });
    change_json(copy.path(), "sync/config.json", |sync| {
        sync["collection_queryable_fields_names"] = json!({"stations": ["height"]});
    });
    let warned = || {
        let loaded = loaded(copy.path());
        assert!(loaded.definition.is_some());
        let mut warnings = loaded.report.warnings();
        warnings.any(|entry| entry.text.contains("'height', which is no queryable field"))
    };
    assert!(!warned(), "the only collection without roles has the field");
    std::fs::remove_file(copy.path().join(source).join("weather/Reading/rules.json")).unwrap();
    assert!(warned(), "one of two has it");
    change_json(copy.path(), "sync/config.json", |sync| {
        sync["collection_queryable_fields_names"] = json!({});
    });
    let refused = format!(
        "refused: {source}/default_rule.json $.roles: there is no role with which anybody can stream"
    );
    assert_eq!(super::refusals(copy.path()), [refused]);
}

#[test]
fn a_relationship_may_lead_into_another_data_source_and_integers_are_of_one_type() {
    let copy = copy("weather");
    let other = copy.path().join("data_sources/other");
    std::fs::create_dir_all(other.join("weather/places")).unwrap();
    let config = r#"{"name": "other", "type": "mongodb-atlas"}"#;
    std::fs::write(other.join("config.json"), config).unwrap();
    let schema =
        r#"{"title": "Elsewhere", "bsonType": "object", "properties": {"_id": {"bsonType": "long"}}}"#;
    std::fs::write(other.join("weather/places/schema.json"), schema).unwrap();
    let reading = "data_sources/mongodb-atlas/weather/Reading";
    change_json(copy.path(), &format!("{reading}/relationships.json"), |links| {
        links["station"]["ref"] = json!("#/relationship/other/weather/places");
    });
    change_json(copy.path(), &format!("{reading}/schema.json"), |schema| {
        schema["properties"]["station"]["bsonType"] = json!("int");
    });
    assert_eq!(super::refusals(copy.path()), [""; 0]);
}
