//! Directories with one mistake each. Every mistake has its sentence.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{change_json, copy, refusals};

const ROOT: &str = "root_config.json";
const PROVIDERS: &str = "auth/providers.json";
const CUSTOM: &str = "auth/custom_user_data.json";
const SOURCE: &str = "data_sources/mongodb-atlas/config.json";
const DEFAULT: &str = "data_sources/mongodb-atlas/default_rule.json";
const RULES: &str = "data_sources/mongodb-atlas/weather/Reading/rules.json";
const SCHEMA: &str = "data_sources/mongodb-atlas/weather/stations/schema.json";
const LINKS: &str = "data_sources/mongodb-atlas/weather/Reading/relationships.json";
const TIME: &str = "data_sources/mongodb-atlas/weather/Reading/time_series.json";
const FUNCTIONS: &str = "functions/config.json";
const SYNC: &str = "sync/config.json";

/// One mistake.
enum Mistake {
    /// This member is that.
    Is(&'static str, Value),
    /// This member is not there.
    Lacks(&'static str),
    /// The file has this text.
    Text(&'static str),
    /// There is no such file.
    Gone,
}

use Mistake::{Gone, Is, Lacks, Text};

fn make(mistake: &Mistake, directory: &Path, file: &str) {
    match mistake {
        Is(pointer, new) => change_json(directory, file, |json| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match json.pointer_mut(parent).unwrap() {
                Value::Array(list) => list[name.parse::<usize>().unwrap()] = new.clone(),
                parent => parent[name] = new.clone(),
            }
        }),
        Lacks(pointer) => change_json(directory, file, |json| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = json.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent.remove(name).unwrap();
        }),
        Text(text) => {
            let path = directory.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Gone => fs::remove_file(directory.join(file)).unwrap(),
    }
}

#[track_caller]
fn each(mistakes: &[(&str, Mistake, &str)]) {
    for (file, mistake, sentence) in mistakes {
        let copy = copy("weather");
        make(mistake, copy.path(), file);
        assert_eq!(refusals(copy.path()), [format!("refused: {sentence}")]);
    }
}

#[test]
fn mistakes_in_the_root_are_told() {
    each(&[
        (
            ROOT,
            Is("/name", json!("no name!")),
            r#"root_config.json $.name: found "no name!", expected 1 to 32 letters, digits, '_' and '-'"#,
        ),
        (ROOT, Lacks("/name"), "root_config.json $: 'name' is missing"),
        (
            ROOT,
            Is("/deployment_model", json!("NEAR")),
            r#"root_config.json $.deployment_model: found "NEAR", expected one of "GLOBAL", "LOCAL""#,
        ),
        (
            ROOT,
            Is("/allowed_request_origins/0", json!("https://a.example/path")),
            r#"root_config.json $.allowed_request_origins[0]: found "https://a.example/path", expected an origin such as "https://app.example" or "http://localhost:3000""#,
        ),
        (
            ROOT,
            Is("/config_version", json!(20_180_301)),
            "root_config.json $.config_version: found 20180301, expected 20230101, the layout with root_config.json",
        ),
        (
            ROOT,
            Is("/app_id", json!("other-abcde")),
            r#".mdb/meta.json $.client_app_id: found "weather-abcde", expected "other-abcde" as in root_config.json"#,
        ),
        (
            ".mdb/meta.json",
            Gone,
            r#"root_config.json: no client app id: put "app_id" here or "client_app_id" into .mdb/meta.json, or give --app-id"#,
        ),
        (
            ROOT,
            Gone,
            "root_config.json: is missing; name the directory of an exported app, or make one with 'init'",
        ),
        (
            "realm_config.json",
            Text("{}"),
            "realm_config.json: is of another layout than root_config.json; keep one of them",
        ),
    ]);
}

#[test]
fn a_layout_of_before_2021_is_refused() {
    let copy = copy("weather");
    fs::rename(copy.path().join(ROOT), copy.path().join("config.json")).unwrap();
    let sentence = "refused: config.json: is of a layout before 20210101, which is not read; move the files to the layout of 'init'";
    assert_eq!(refusals(copy.path()), [sentence]);
}

#[test]
fn what_is_no_json_is_told_with_line_and_column() {
    each(&[
        (
            SYNC,
            Text("{\n  \"type\": \"flexible\",,\n}"),
            "sync/config.json: is not JSON: key must be a string at line 2 column 22",
        ),
        (
            SYNC,
            Text(r#"{"type": "flexible", "state": "enabled", "state": ""}"#),
            "sync/config.json: is not JSON: 'state' is there a second time at line 1 column 48",
        ),
        (
            PROVIDERS,
            Text("{} // comment"),
            "auth/providers.json: is not JSON: trailing characters at line 1 column 4",
        ),
        (
            TIME,
            Text("\u{feff}{}"),
            "data_sources/mongodb-atlas/weather/Reading/time_series.json: begins with a byte order mark; save it as UTF-8 without one",
        ),
        (
            FUNCTIONS,
            Text("{}"),
            "functions/config.json $: found an object, expected an array",
        ),
    ]);
}

#[test]
fn mistakes_in_providers_are_told() {
    each(&[
        (
            PROVIDERS,
            Gone,
            "auth/providers.json: is missing, so nobody can log in",
        ),
        (
            PROVIDERS,
            Text("{}"),
            "auth/providers.json: no provider is enabled, so nobody can log in",
        ),
        (
            PROVIDERS,
            Is("/anon-user/disabled", json!("no")),
            r#"auth/providers.json $["anon-user"].disabled: found "no", expected true or false"#,
        ),
        (
            PROVIDERS,
            Is("/anon-user/type", json!("anonymous")),
            r#"auth/providers.json $["anon-user"].type: found "anonymous", expected "anon-user""#,
        ),
        (
            PROVIDERS,
            Is("/oauth2-github", json!({})),
            r#"auth/providers.json $["oauth2-github"]: is no provider; remove it, or write its name right"#,
        ),
        (
            PROVIDERS,
            Is("/local-userpass/config", json!({"autoConfirm": false})),
            r#"auth/providers.json $["local-userpass"].config: nobody could ever log in; expected one of 'autoConfirm', 'runConfirmationFunction' and 'emailConfirmationUrl'"#,
        ),
        (
            PROVIDERS,
            Is("/local-userpass/config/runResetFunction", json!(true)),
            r#"auth/providers.json $["local-userpass"].config: 'resetFunctionName' is missing"#,
        ),
        (
            PROVIDERS,
            Is(
                "/local-userpass/config",
                json!({"runConfirmationFunction": true, "confirmationFunctionName": "gone"}),
            ),
            r#"auth/providers.json $["local-userpass"].config.confirmationFunctionName: there is no functions/gone.js"#,
        ),
        (
            PROVIDERS,
            Is(
                "/local-userpass/config/emailConfirmationUrl",
                json!("https://%(%%environment.values.gone)/"),
            ),
            r#"auth/providers.json $["local-userpass"].config.emailConfirmationUrl: 'gone' is no value of environments/production.json"#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/config/signingAlgorithm", json!("none")),
            r#"auth/providers.json $["custom-token"].config.signingAlgorithm: found "none", expected one of "HS256", "RS256", "ES256""#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/config/useJWKURI", json!(true)),
            r#"auth/providers.json $["custom-token"].config: 'jwkURI' is missing"#,
        ),
        (
            PROVIDERS,
            Is("/oauth2-google/config/clientId", json!("")),
            r#"auth/providers.json $["oauth2-google"].config.clientId: found "", expected a string that is not empty"#,
        ),
    ]);
}

#[test]
fn mistakes_around_tokens_of_others_are_told() {
    each(&[
        (
            PROVIDERS,
            Is("/custom-token/config/signingAlgorithm", json!("RS256")),
            r#"auth/providers.json $["custom-token"].secret_config.signingKeys[0]: is no key to verify tokens with: it is no public RSA key in PEM of up to 4,096 bits"#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/config/signingKey", json!("too short")),
            r#"auth/providers.json $["custom-token"].config.signingKey: is no key to verify tokens with: a key for HS256 has 32 to 512 bytes"#,
        ),
        (
            PROVIDERS,
            Is(
                "/custom-token/config",
                json!({"useJWKURI": true, "jwkURI": "http://id.example/keys"}),
            ),
            r#"auth/providers.json $["custom-token"].config.jwkURI: an https URL was expected; http is for this machine (localhost) alone"#,
        ),
        (
            PROVIDERS,
            Is(
                "/custom-token/config",
                json!({"useJWKURI": true, "jwkURI": "gone.json"}),
            ),
            r#"auth/providers.json $["custom-token"].config.jwkURI: found "gone.json", expected an https URL, or a file of the directory"#,
        ),
        (
            PROVIDERS,
            Is(
                "/oauth2-google/domain_restrictions",
                json!(["example.com", "me@example.com"]),
            ),
            r#"auth/providers.json $["oauth2-google"].domain_restrictions[1]: found "me@example.com", expected a domain such as "example.com""#,
        ),
        (
            PROVIDERS,
            Is(
                "/oauth2-google/config/jwkURI",
                json!("environments/production.json"),
            ),
            r#"auth/providers.json $["oauth2-google"].config.jwkURI: names a file that cannot be used: it is no JSON Web Key Set: an object with the list 'keys' was expected"#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/metadata_fields/0/name", json!("address..city")),
            r#"auth/providers.json $["custom-token"].metadata_fields[0]: a path of names parted by dots was expected, with a backslash before a dot that is part of a name"#,
        ),
        (
            PROVIDERS,
            Is(
                "/custom-token/metadata_fields/0/field_name",
                json!("n".repeat(64)),
            ),
            r#"auth/providers.json $["custom-token"].metadata_fields[0]: a name of 1 to 63 characters was expected"#,
        ),
    ]);
}

#[test]
fn a_secret_that_is_missing_is_told_without_its_name_as_it_may_be_the_secret() {
    let copy = copy("weather");
    let key = json!([super::SECRET]);
    make(
        &Is("/custom-token/secret_config/signingKeys", key),
        copy.path(),
        PROVIDERS,
    );
    let said = refusals(copy.path());
    let sentence = "refused: auth/providers.json $[\"custom-token\"].secret_config.signingKeys[0]: names a secret that is not there; \
                    put it into the file of --secrets or the environment";
    assert!(said.contains(&sentence.to_owned()), "{said:?}");
}

#[test]
fn mistakes_around_users_and_values_are_told() {
    each(&[
        (
            CUSTOM,
            Is("/mongo_service_name", json!("elsewhere")),
            r#"auth/custom_user_data.json $.mongo_service_name: found "elsewhere", expected the name of a data source"#,
        ),
        (
            CUSTOM,
            Lacks("/user_id_field"),
            "auth/custom_user_data.json $: 'user_id_field' is missing",
        ),
        (
            "values/other.json",
            Text(r#"{"name": "region", "value": 1}"#),
            "values/region.json $.name: 'region' is a value of another file as well",
        ),
        (
            "values/upstream.json",
            Lacks("/value"),
            "values/upstream.json $: 'value' is missing",
        ),
        (
            FUNCTIONS,
            Is("/0/name", json!("utils/gone")),
            "functions/config.json $[0]: there is no functions/utils/gone.js",
        ),
        (
            FUNCTIONS,
            Is("/0/name", json!("letIn")),
            "functions/config.json $[1]: the function 'letIn' is configured a second time",
        ),
    ]);
}

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
    let loaded = super::loaded(copy.path());
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

#[test]
fn all_mistakes_are_told_at_once() {
    let copy = copy("weather");
    for (file, mistake) in [
        (ROOT, Lacks("/name")),
        (PROVIDERS, Is("/api-key/disabled", json!(0))),
        (PROVIDERS, Is("/oauth2-google/config", json!([]))),
        (SYNC, Text("{")),
        (SCHEMA, Text("[]")),
    ] {
        make(&mistake, copy.path(), file);
    }
    let said = refusals(copy.path());
    let files: Vec<_> = said
        .iter()
        .map(|line| line.split([' ', ':']).nth(2).unwrap())
        .collect();
    assert_eq!(files, [PROVIDERS, PROVIDERS, SCHEMA, ROOT, SYNC]);
}
