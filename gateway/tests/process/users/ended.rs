//! Users who are disabled, logged out or deleted.

use super::*;

#[test]
fn a_disabled_user_is_out_within_a_second_and_comes_back_when_enabled() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let login = log_in(&server, "me", "secret-1").json;
    assert_eq!(call(&server, "GET", PROFILE, &login["access_token"]).status, 200);
    lines(data, &["users", "disable", "me"]);
    assert_eq!(parsed(data, &["users", "show", "me"])[0]["disabled"], true);
    log_in(&server, "me", "secret-1").refused(401, Some("UserDisabled"), "unauthorized");
    call(&server, "POST", SESSION, &login["refresh_token"]).refused(401, Some("InvalidSession"), "");
    // The server has not been told; it looks.
    let refusal = loop {
        let answer = call(&server, "GET", PROFILE, &login["access_token"]);
        if answer.status != 200 {
            break answer;
        }
        std::thread::yield_now();
    };
    refusal.refused(
        401,
        Some("InvalidSession"),
        "unauthorized: the access token was revoked",
    );
    lines(data, &["users", "enable", "me"]);
    let again = log_in(&server, "me", "secret-1").json;
    assert_eq!(again["user_id"], login["user_id"]);
    assert_eq!(call(&server, "GET", PROFILE, &again["access_token"]).status, 200);
}

#[test]
fn revoked_sessions_end_and_the_user_logs_in_again_at_once() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let login = log_in(&server, "me", "secret-1").json;
    lines(data, &["users", "revoke", "me"]);
    let again = log_in(&server, "me", "secret-1");
    assert_eq!(again.status, 200);
    while call(&server, "GET", PROFILE, &login["access_token"]).status == 200 {
        std::thread::yield_now();
    }
    call(&server, "POST", SESSION, &login["refresh_token"]).refused(401, Some("InvalidSession"), "");
    assert_eq!(
        call(&server, "GET", PROFILE, &again.json["access_token"]).status,
        200
    );
    assert_eq!(
        call(&server, "POST", SESSION, &again.json["refresh_token"]).status,
        201
    );
}

#[test]
fn a_user_is_deleted_by_his_id_also_where_somebody_has_registered_it_as_an_e_mail() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let id = parsed(data, &["users", "show", "me"])[0]["user"].clone();
    let body = json!({"email": id, "password": "secret-2"});
    assert_eq!(post(&server, "local-userpass/register", &body).status, 201);
    let id = id.as_str().unwrap();
    let removed = lines(data, &["users", "delete", id]);
    assert_eq!(removed, [format!("user {id} is removed")]);
    let removed = lines(data, &["users", "delete", id]);
    assert_eq!(removed, [format!("the registration of '{id}' is removed")]);
}

#[test]
fn a_deleted_user_is_gone_for_commands_and_clients() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me");
    let id = parsed(data, &["users", "show", "me"])[0]["user"].clone();
    let removed = lines(data, &["users", "delete", "me"]);
    assert_eq!(removed, [format!("user {} is removed", id.as_str().unwrap())]);
    log_in(&server, "me", "secret-1").refused(401, Some("InvalidPassword"), "unauthorized");
    for name in ["me", id.as_str().unwrap()] {
        refused(
            &command(data, &["users", "show", name]),
            1,
            &format!("there is no user '{name}'"),
        );
    }
    assert_eq!(parsed(data, &["users", "list"]), [Value::Null; 0]);
    let checked = command(data, &["check-integrity"]);
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
}
