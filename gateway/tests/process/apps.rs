//! Apps out of directories: several in one process, their data for commands, and new definitions while the server runs.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use realm_ingest_protocol::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::common::server::{Server, command, lines};
use crate::common::{batch, note, one_run, outbox, schema};
use crate::place::{ONE, Place, READ, TWO, call, log_in, said, token};

/// Sends a document, named after the app, and one that is refused. Answers with the user's token.
fn send(server: &Server, app: &str) -> String {
    let token = token(server, app);
    let schema = schema();
    let put = format!("ingest/schemas/{}", schema.fingerprint());
    let put = call(
        server,
        "PUT",
        app,
        &put,
        Some(&token),
        schema.to_json().as_bytes(),
    );
    assert_eq!(put.status, 204, "{:?}", put.json);
    let documents = [note(app, "kept"), bson::doc! {"_id": 1, "text": "refused"}];
    let body = batch(&outbox(1), &schema, &[one_run(1, "Note", &documents)]);
    assert_eq!(
        call(server, "POST", app, "ingest", Some(&token), &body)
            .ack()
            .acked,
        1
    );
    token
}

#[test]
fn two_apps_of_one_gateway_see_nothing_of_each_other() {
    let place = Place::with(&[ONE, TWO]);
    let server = place.start(&[ONE, TWO]);
    let tokens = [send(&server, ONE), send(&server, TWO)];
    let position = format!("ingest/{}", outbox(1));
    for (own, token, other) in [(ONE, &tokens[0], TWO), (TWO, &tokens[1], ONE)] {
        let here = call(&server, "GET", own, &position, Some(token), b"");
        assert_eq!(here.json["position"], 1);
        let there = call(&server, "GET", other, &position, Some(token), b"");
        there.refused(401, Some("InvalidSession"), "the access token is for another app");
        let register = "auth/providers/local-userpass/register";
        let user = br#"{"email": "ann", "password": "secret"}"#;
        let answer = call(&server, "POST", own, register, None, user);
        assert_eq!(answer.status, 201, "the name is free in each");
        let login = "auth/providers/local-userpass/login";
        let user = br#"{"username": "ann", "password": "secret"}"#;
        assert_eq!(call(&server, "POST", own, login, None, user).status, 200);
    }
    let unknown = log_in(&server, "three-ccccc");
    unknown.refused(404, Some("AppNotFound"), "'three-ccccc'");
    for app in [ONE, TWO] {
        let show = |arguments: &[&str]| lines(&place.data(), &[arguments, &["--app", app]].concat());
        assert_eq!(
            show(&["find", "Note"]),
            [format!(r#"{{"_id":"{app}","text":"kept"}}"#)]
        );
        assert_eq!(show(&["export", "Note"]).len(), 1);
        assert_eq!(show(&["dead-letters"]).len(), 1);
        assert_eq!(show(&["outboxes"]).len(), 1);
        assert_eq!(show(&["schemas", "list"]).len(), 1);
        assert_eq!(show(&["keys", "list"]).len(), 1);
        let stats: Value = serde_json::from_str(&show(&["stats", "--json"])[0]).unwrap();
        assert_eq!((&stats["users"], &stats["documents"]), (&json!(2), &json!(1)));
        assert_eq!(
            show(&["check-integrity"]),
            ["in order: 1 documents, 1 dead letters, 1 outboxes, 2 users"]
        );
        let copy = place.app("backup").join(app);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        show(&["backup", copy.to_str().unwrap()]);
        assert_eq!(lines(&copy, &["find", "Note"]), show(&["find", "Note"]));
        assert_eq!(show(&["dead-letters", "purge", "--all"]), ["purged 1"]);
    }
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(place.log().contains("stopped clean=true"), "{}", place.log());
}

#[test]
fn commands_say_which_apps_there_are() {
    let place = Place::with(&[ONE, TWO]);
    let only = place.start(&[TWO]);
    send(&only, TWO);
    only.kill();
    assert_eq!(
        lines(&place.data(), &["find", "Note"]).len(),
        1,
        "of the only one"
    );
    place.start(&[ONE, TWO]).kill();
    let (code, error) = said(&command(&place.data(), &["find", "Note"]));
    assert_eq!(code, Some(2));
    assert!(
        error.contains("name one with --app: one-aaaaa, two-bbbbb"),
        "{error}"
    );
    let (code, error) = said(&command(&place.data(), &["stats", "--app", "three"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("there is no app 'three'"), "{error}");
    assert!(error.contains("there are: one-aaaaa, two-bbbbb"), "{error}");
    let development = tempfile::tempdir().unwrap();
    Server::start(development.path()).kill();
    let (code, error) = said(&command(development.path(), &["stats", "--app", "three"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("leave --app out"), "{error}");
    let nothing = tempfile::tempdir().unwrap();
    let (code, error) = said(&command(nothing.path(), &["stats", "--app", "three"]));
    assert_eq!(code, Some(3), "{error}");
}

#[test]
fn dead_letters_of_an_app_are_replayed_by_its_directory() {
    let place = Place::with(&[ONE]);
    let only = |kind: &str| {
        let file = "data_sources/mongodb-atlas/default_rule.json";
        place.edit(ONE, file, |rule| {
            rule["roles"][0]["insert"] = json!({"%%user.type": kind})
        });
    };
    only("server");
    let server = place.start(&[ONE]);
    send(&server, ONE);
    let codes = || -> Vec<String> {
        let letters = lines(&place.data(), &["dead-letters"]).into_iter();
        let code = |line: String| serde_json::from_str::<Value>(&line).unwrap()["code"].clone();
        letters
            .map(|line| code(line).as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(codes(), ["NotPermitted", "TypeMismatch"]);

    let (code, error) = said(&command(&place.data(), &["dead-letters", "replay"]));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("name it with --directory"), "{error}");

    let directory = place.app(ONE);
    let replay = || {
        let arguments = [
            "dead-letters",
            "replay",
            "--directory",
            directory.to_str().unwrap(),
        ];
        let count = |line: &String| line.split_whitespace().last().unwrap().parse::<u64>().unwrap();
        lines(&place.data(), &arguments)
            .iter()
            .map(count)
            .collect::<Vec<_>>()
    };
    assert_eq!(replay(), [0, 0, 2], "the rule still forbids it");
    only("normal");
    assert_eq!(replay(), [1, 0, 1]);
    assert_eq!(codes(), ["TypeMismatch"]);
    assert_eq!(
        lines(&place.data(), &["find", "Note"]),
        [format!(r#"{{"_id":"{ONE}","text":"kept"}}"#)]
    );
}

#[test]
fn on_sighup_a_directory_is_read_again_and_a_broken_one_changes_nothing() {
    let place = Place::with(&[ONE, TWO]);
    let server = place.start(&[ONE, TWO]);
    let token = token(&server, ONE);
    place.switch(ONE, "anon-user", false);
    server.signal("HUP");
    place.await_log(READ, 2);
    log_in(&server, ONE).refused(404, Some("AuthProviderNotFound"), "anon-user");
    assert_eq!(log_in(&server, TWO).status, 200);
    let position = format!("ingest/{}", outbox(1));
    let position = call(&server, "GET", ONE, &position, Some(&token), b"");
    assert_eq!(position.status, 200, "who is logged in stays so");

    place.switch(ONE, "anon-user", true);
    fs::write(place.app(TWO).join("auth/providers.json"), "{").unwrap();
    server.signal("HUP");
    place.await_log("the former one stays", 1);
    place.await_log(READ, 3);
    let log = place.log();
    assert!(log.contains("auth/providers.json"), "{log}");
    assert_eq!(log_in(&server, TWO).status, 200);
    assert_eq!(
        log_in(&server, ONE).status,
        200,
        "the other one is read all the same"
    );

    place.edit(ONE, "root_config.json", |root| root["app_id"] = json!(TWO));
    server.signal("HUP");
    place.await_log("the former one stays", 3);
    assert!(
        place.log().contains("is of another app now, 'two-bbbbb'"),
        "{}",
        place.log()
    );
    assert_eq!(log_in(&server, ONE).status, 200);
}

#[test]
fn a_batch_that_is_on_its_way_when_the_app_is_paused_stays_on_its_device() {
    let place = Place::with(&[ONE]);
    let server = place.start(&[ONE]);
    let token = token(&server, ONE);
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note("a", "b")])]);
    let put = format!("ingest/schemas/{}", schema().fingerprint());
    let schema = schema().to_json().into_bytes();
    for (method, rest, kind, body) in [
        ("POST", "ingest", CONTENT_TYPE, body),
        ("PUT", &*put, "application/json", schema),
    ] {
        place.edit(ONE, "sync/config.json", |sync| sync["state"] = json!("enabled"));
        let times = place.log().matches(READ).count();
        server.signal("HUP");
        place.await_log(READ, times + 1);
        let mut client = server.client();
        let head = format!(
            "{method} /api/client/v2.0/app/{ONE}/{rest} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: {kind}\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        client.stream().write_all(head.as_bytes()).unwrap();
        assert_eq!(client.read().unwrap().status, 100, "the body is awaited");
        place.edit(ONE, "sync/config.json", |sync| sync["state"] = json!(""));
        server.signal("HUP");
        place.await_log(READ, times + 2);
        client.stream().write_all(&body).unwrap();
        let answer = client.read().unwrap();
        assert_eq!(answer.status, 503, "{:?}", answer.json);
    }
}

#[test]
fn all_that_keeps_directories_from_being_served_is_told_at_once() {
    let place = Place::with(&[ONE, TWO]);
    fs::write(place.app(ONE).join("sync/config.json"), "[]").unwrap();
    fs::write(place.app(ONE).join("auth/providers.json"), "{").unwrap();
    place.edit(TWO, "root_config.json", |root| root["name"] = json!(7));
    let (code, error) = place.refused(&[ONE, TWO], &[]);
    assert_eq!(code, Some(4), "{error}");
    for file in ["sync/config.json", "auth/providers.json", "root_config.json"] {
        assert!(error.contains(file), "{file}: {error}");
    }
    let last = error.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains("cannot be served"),
        "{error}"
    );
}

#[test]
fn what_is_served_has_to_be_clear() {
    let place = Place::with(&[ONE, TWO]);
    for (apps, more, code, text) in [
        (&[ONE][..], &["--dev"][..], 2, "leave out --dev or --app"),
        (
            &[],
            &[],
            2,
            "name the directory of an app with --app, or add --dev",
        ),
        (&[ONE, TWO], &["--app-id", ONE], 2, "--app-id is for one app"),
        (
            &[ONE],
            &["--app-id", TWO],
            4,
            "is of the app 'one-aaaaa', not 'two-bbbbb'",
        ),
        (&[ONE, ONE], &[], 4, "two directories are of one app, 'one-aaaaa'"),
        (&["nowhere"], &[], 4, "cannot be served"),
        (&[ONE], &["--secrets", "/nowhere"], 4, "cannot read /nowhere"),
    ] {
        let (status, error) = place.refused(apps, more);
        assert_eq!(status, Some(code), "{error}");
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn a_directory_without_a_client_app_id_is_given_one() {
    let place = Place::with(&[ONE]);
    place.edit(ONE, "root_config.json", |root| {
        root.as_object_mut().unwrap().remove("app_id");
    });
    let (code, error) = place.refused(&[ONE], &[]);
    assert_eq!(code, Some(4), "{error}");
    assert!(error.contains("--app-id"), "{error}");
    let server = Server::run(place.serve(&[ONE], &["--app-id", "given-abcde"]));
    assert_eq!(log_in(&server, "given-abcde").status, 200);
    assert_eq!(log_in(&server, ONE).status, 404);
}

#[test]
fn development_mode_and_apps_do_not_share_a_directory() {
    let place = Place::with(&[ONE]);
    place.start(&[ONE]).kill();
    let (code, error) = place.refused(&[], &["--dev"]);
    assert_eq!(code, Some(4));
    assert!(
        error.contains("has the data of apps that --app serves (one-aaaaa)"),
        "{error}"
    );
    let other = Place::with(&[ONE]);
    Server::start(&other.data()).kill();
    let (code, error) = other.refused(&[ONE], &[]);
    assert_eq!(code, Some(4));
    assert!(error.contains("has the data of development mode"), "{error}");
    // What it says how to do.
    move_into_app(&other.data(), ONE);
    let server = other.start(&[ONE]);
    assert_eq!(log_in(&server, ONE).status, 200);
}

fn move_into_app(data: &Path, app: &str) {
    let directory = data.join("apps").join(app);
    fs::create_dir_all(&directory).unwrap();
    for entry in data.read_dir().unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if name.to_string_lossy().contains(".sqlite") {
            fs::rename(entry.path(), directory.join(name)).unwrap();
        }
    }
}

#[test]
fn the_log_says_why_a_token_is_refused_and_shows_nothing_of_it() {
    let place = Place::with(&[ONE]);
    let key = "a-secret-of-at-least-32-characters";
    place.edit(ONE, "auth/providers.json", |providers| {
        let config = json!({"signingAlgorithm": "HS256", "signingKey": key});
        providers["custom-token"] = json!({"name": "custom-token", "type": "custom-token", "config": config});
    });
    let server = place.start(&[ONE]);
    let claims = json!({"sub": "s3cret-user", "aud": "s3cret-app", "exp": 9_999_999_999_i64});
    let key = jsonwebtoken::EncodingKey::from_secret(key.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let path = format!("/api/client/v2.0/app/{ONE}/auth/providers/custom-token/login");
    let body = json!({"token": token}).to_string();
    let json = [("content-type", "application/json")];
    let answer = server
        .client()
        .call("POST", &path, &json, body.as_bytes())
        .unwrap();
    assert_eq!(answer.status, 401);
    let log = place.log();
    let line = log.lines().find(|line| line.contains("status=401")).unwrap();
    assert!(
        line.contains("INFO") && line.contains("code=\"AuthError\""),
        "{line}"
    );
    assert!(
        line.contains("another audience (aud) than is configured"),
        "{line}"
    );
    assert!(!log.contains("s3cret") && !log.contains(&token[..20]), "{log}");
}
