//! Servers and users that log in by an API key.

use super::*;

#[test]
fn a_server_logs_in_by_its_key_until_the_operator_takes_it_away() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let made = parsed(data, &["keys", "create", "importer"]).remove(0);
    let by_key = || post(&server, "api-key/login", &json!({"key": made["text"]}));
    let login = by_key();
    assert_eq!(login.status, 200, "{:?}", login.json);
    let profile = call(&server, "GET", PROFILE, &login.json["access_token"]);
    assert_eq!(profile.json["type"], "server");
    let listed = lines(data, &["keys", "list"]);
    assert_eq!(listed.len(), 2, "one signs, one is the server's");
    assert!(!listed.concat().contains(made["text"].as_str().unwrap()));
    let id = made["api_key"].as_str().unwrap();
    refused(
        &command(data, &["keys", "create", "importer"]),
        1,
        "there is an API key 'importer' already",
    );
    refused(&command(data, &["keys", "create", "a b"]), 2, "a key's name has");

    lines(data, &["keys", "disable", id]);
    by_key().refused(401, Some("AuthError"), "unauthorized");
    while call(&server, "GET", PROFILE, &login.json["access_token"]).status == 200 {
        std::thread::yield_now();
    }
    lines(data, &["keys", "enable", id]);
    assert_eq!(by_key().json["user_id"], login.json["user_id"]);
    assert_eq!(
        lines(data, &["keys", "delete", id]),
        [format!("API key {id} is removed")]
    );
    by_key().refused(401, Some("AuthError"), "unauthorized");
    refused(&command(data, &["keys", "enable", id]), 1, "there is no API key");
    assert_eq!(parsed(data, &["users", "list"]), [Value::Null; 0]);
}

#[test]
fn who_logs_in_by_a_key_that_was_made_for_a_user_is_he() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me@example.com");
    let user = parsed(data, &["users", "show", "me@example.com"]).remove(0)["user"].clone();
    let id = user.as_str().unwrap();
    for (number, named) in ["me@example.com", id].into_iter().enumerate() {
        let name = format!("station-{number}");
        let made = parsed(data, &["keys", "create", &name, "--user", named]).remove(0);
        let login = post(&server, "api-key/login", &json!({"key": made["text"]}));
        assert_eq!(login.json["user_id"], user, "{:?}", login.json);
    }
    let shown = parsed(data, &["users", "show", id]).remove(0);
    assert_eq!(shown["api_keys"].as_array().unwrap().len(), 2);
    let again = command(data, &["keys", "create", "station-1", "--user", id]);
    refused(&again, 1, "there is an API key 'station-1' already");
    let nobody = command(data, &["keys", "create", "station", "--user", "nobody"]);
    refused(&nobody, 1, "there is no user 'nobody'");
}
