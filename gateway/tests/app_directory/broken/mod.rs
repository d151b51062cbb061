//! Directories with one mistake each. Every mistake has its sentence.

mod accounts;
mod data;

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
