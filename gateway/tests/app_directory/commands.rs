//! `check` and `init`, as they are run.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{SECRET, fixture};

fn run(arguments: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_realm-ingest-gateway"))
        .args(arguments)
        .arg(directory)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn check_prints_the_report_and_ends_with_success_when_the_directory_can_be_served() {
    let environment = [
        ("REALM_INGEST_SECRET_SIGNING_KEY", SECRET),
        ("REALM_INGEST_SECRET_UPSTREAM_PASSWORD", SECRET),
    ];
    let output = run(&["check"], &fixture("weather"), &environment);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.starts_with("honoured: .mdb/meta.json: client app id\n"),
        "{printed}"
    );
    assert!(printed.ends_with("\ncan be served, warnings: 8\n"), "{printed}");
    assert!(!printed.contains(SECRET));
}

#[test]
fn check_ends_with_status_1_and_says_so_when_it_cannot() {
    let output = run(&["check"], &fixture("weather"), &[]);
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("refused: auth/providers.json $[\"custom-token\"]"),
        "{printed}"
    );
    assert_eq!(text(&output.stderr), "error: cannot be served, refused: 2\n");
}

#[test]
fn check_prints_one_object_for_programs() {
    let output = run(
        &["check", "--json", "--app-id", "telemetry-abcde"],
        &fixture("former"),
        &[],
    );
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&printed["refusals"], &printed["warnings"]),
        (&0.into(), &3.into())
    );
    let first = &printed["entries"][0];
    assert_eq!(first["level"], "ignored");
    assert_eq!(first["file"], "auth/custom_user_data.json");
}

#[test]
fn secrets_that_cannot_be_read_are_told_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets.toml");
    fs::write(&file, format!("signing-key = {SECRET}")).unwrap();
    let output = run(
        &["check", "--secrets", file.to_str().unwrap()],
        &fixture("weather"),
        &[],
    );
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("line 1 is not TOML of the form: name = \"value\"") && !said.contains(SECRET),
        "{said}"
    );
}

#[test]
fn init_makes_a_directory_that_passes_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("weather");
    let output = run(&["init", "--app-id", "weather-abcde"], &directory, &[]);
    let said = format!("made {}, client app id weather-abcde\n", directory.display());
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), said));

    let checked = run(&["check"], &directory, &[]);
    let printed = text(&checked.stdout);
    assert!(printed.ends_with("\ncan be served, warnings: 0\n"), "{printed}");
    let readme = fs::read_to_string(directory.join("README.md")).unwrap();
    for line in printed.lines().filter(|line| line.starts_with("honoured")) {
        let file = line.split(": ").nth(1).unwrap();
        assert!(readme.contains(&format!("`{file}`")), "{file} is explained");
    }
}

#[test]
fn init_names_the_app_after_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("my weather.app");
    assert!(run(&["init"], &directory, &[]).status.success());
    let root: Value = serde_json::from_slice(&fs::read(directory.join("root_config.json")).unwrap()).unwrap();
    assert_eq!(root["name"], "myweatherapp");
    let id = root["app_id"].as_str().unwrap();
    let letters = id.strip_prefix("myweatherapp-").unwrap();
    assert!(
        letters.len() == 5 && letters.bytes().all(|byte| byte.is_ascii_lowercase()),
        "{id}"
    );
}

#[test]
fn init_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "text").unwrap();
    let output = run(&["init"], folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("is not empty; name one that is"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
