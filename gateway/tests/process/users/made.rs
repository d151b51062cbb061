//! Users that an operator makes, shows and takes over.

use super::*;

#[test]
fn a_user_is_made_shown_and_logs_in() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    create(data, "me@example.com");
    let shown = parsed(data, &["users", "show", "me@example.com"]).remove(0);
    assert_eq!(shown["type"], "normal");
    assert_eq!(shown["data"], json!({"email": "me@example.com"}));
    assert_eq!(shown["identities"][0]["provider"], "local-userpass");
    assert_eq!(
        (&shown["custom_data"], &shown["api_keys"]),
        (&Value::Null, &json!([]))
    );
    let login = log_in(&server, "me@example.com", "secret-1");
    assert_eq!(login.json["user_id"], shown["user"]);
    let printed = lines(data, &["users", "list"]).concat() + &shown.to_string();
    assert!(!printed.contains("argon2") && !printed.contains("secret"));

    let again = with_input(data, &["users", "create", "me@example.com"], "secret-1");
    refused(&again, 1, "'me@example.com' is registered already");
    refused(
        &with_input(data, &["users", "create", "x"], "short"),
        2,
        "6 to 128 characters",
    );
    refused(
        &with_input(data, &["users", "create", ""], "secret-1"),
        2,
        "an e-mail has",
    );
}

/// As `script` of Linux runs a command at a terminal of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_does_not_show_the_password_that_is_typed() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut process = Command::new("script")
        .args([
            "-qec",
            r#"tty; exec "$BINARY" users create me --data "$DATA""#,
            "/dev/null",
        ])
        .env("BINARY", BINARY)
        .env("DATA", data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut screen = BufReader::new(process.stdout.take().unwrap());
    let mut terminal = String::new();
    screen.read_line(&mut terminal).unwrap();
    let mut prompt = Vec::new();
    screen.read_until(b':', &mut prompt).unwrap();
    assert_eq!(String::from_utf8(prompt).unwrap(), "Password:");
    let begin = Instant::now();
    while shows_what_is_typed(terminal.trim()) {
        assert!(begin.elapsed() < Duration::from_secs(30), "the password is shown");
    }
    let mut keyboard = process.stdin.take().unwrap();
    keyboard.write_all(b"secret-1\n").unwrap();
    let mut shown = String::new();
    screen.read_to_string(&mut shown).unwrap();
    assert!(process.wait().unwrap().success(), "{shown}");
    assert!(shown.contains("is there") && !shown.contains("secret"), "{shown}");
    assert_eq!(log_in(&server, "me", "secret-1").status, 200);
}

#[cfg(target_os = "linux")]
fn shows_what_is_typed(terminal: &str) -> bool {
    let settings = Command::new("stty")
        .args(["-a", "-F", terminal])
        .output()
        .unwrap();
    let settings = String::from_utf8(settings.stdout).unwrap();
    settings.split_whitespace().any(|setting| setting == "echo")
}

#[test]
fn users_are_listed_with_those_who_never_logged_in_behind() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let anonymous = post(&server, "anon-user/login", &json!({}));
    create(data, "b");
    for name in ["z", "a"] {
        let registered = post(
            &server,
            "local-userpass/register",
            &json!({"email": name, "password": "secret-1"}),
        );
        assert_eq!(registered.status, 201);
    }
    let listed = parsed(data, &["users", "list"]);
    let seen: Vec<_> = listed
        .iter()
        .map(|line| (&line["user"], &line["email"], &line["data"]["email"]))
        .collect();
    assert_eq!(seen[0].0, &anonymous.json["user_id"]);
    assert_eq!((seen.len(), seen[1].2), (4, &json!("b")));
    assert_eq!(
        (seen[2].0, seen[2].1, seen[3].1),
        (&Value::Null, &json!("a"), &json!("z"))
    );
    refused(
        &command(data, &["users", "disable", "a"]),
        1,
        "has never logged in",
    );
    let removed = lines(data, &["users", "delete", "a"]);
    assert_eq!(removed, ["the registration of 'a' is removed"]);
    assert_eq!(parsed(data, &["users", "list"]).len(), 3);
}

#[test]
fn custom_data_is_a_document_and_comes_with_the_next_token() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    let login = post(&server, "anon-user/login", &json!({})).json;
    let user = login["user_id"].as_str().unwrap();
    let document = r#"{"station":"north","since":{"$date":{"$numberLong":"1"}}}"#;
    lines(data, &["users", "set-custom-data", user, document]);
    let refreshed = call(&server, "POST", SESSION, &login["refresh_token"]);
    assert_eq!(refreshed.status, 201);
    let profile = call(&server, "GET", PROFILE, &refreshed.json["access_token"]);
    assert_eq!(
        profile.json["custom_data"],
        serde_json::from_str::<Value>(document).unwrap()
    );
    let shown = parsed(data, &["users", "show", user]).remove(0);
    assert_eq!(shown["custom_data"], profile.json["custom_data"]);

    for (wrong, text) in [
        ("[1]", "a document in Extended JSON"),
        ("{", "a document in Extended JSON"),
        (r#"{"x":{"$oid":"short"}}"#, "a document in Extended JSON"),
        (&format!(r#"{{"x":"{}"}}"#, "y".repeat(16 * 1024)), "up to 16 KiB"),
    ] {
        refused(
            &command(data, &["users", "set-custom-data", user, wrong]),
            2,
            text,
        );
    }
    lines(data, &["users", "set-custom-data", user, "null"]);
    assert_eq!(
        parsed(data, &["users", "show", user])[0]["custom_data"],
        Value::Null
    );
}

#[test]
fn users_of_the_closed_service_come_with_their_ids() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let _server = Server::start(data);
    create(data, "taken@example.com");
    let id = |number: u8| format!("{number:024x}");
    let by_email = |number, email: &str| {
        json!({"_id": id(number), "type": "normal", "creation_date": 1_600_000_000, "data": {"email": email},
            "identities": [{"id": format!("identity-{number}"), "provider_type": "local-userpass"}]})
    };
    let by_token = json!({"_id": id(2), "disabled": true,
        "identities": [{"id": "station-7", "provider_type": "custom-token"}]});
    let file = data.join("users.json");
    let all =
        json!([by_email(1, "me@example.com"), by_token, by_email(3, "taken@example.com"), {"_id": "x"}]);
    std::fs::write(&file, all.to_string()).unwrap();
    let file = file.to_str().unwrap();

    let output = with_input(data, &["users", "import", file], "");
    refused(&output, 1, "2 users were not taken in");
    refused(
        &output,
        1,
        &format!("user {}: 'taken@example.com' is registered already", id(3)),
    );
    refused(&output, 1, "entry 4: '_id' is not the id of a user");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("2 users were taken in, 0 were there already, 2 were not taken in"),
        "{said}"
    );
    assert!(
        said.contains("1 of them log in by e-mail and have no password here"),
        "{said}"
    );

    let shown = parsed(data, &["users", "show", "me@example.com"]).remove(0);
    assert_eq!(
        (&shown["user"], &shown["disabled"]),
        (&json!(id(1)), &json!(false))
    );
    assert_eq!(shown["time"], json!({"$date": "2020-09-13T12:26:40Z"}));
    assert_eq!(
        shown["identities"],
        json!([{"provider": "local-userpass", "id": "identity-1"}])
    );
    let shown = parsed(data, &["users", "show", &id(2)]).remove(0);
    assert_eq!(shown["disabled"], true);

    // Again, one behind the other, from standard input.
    let lines = format!("{}\n{by_token}\n", by_email(1, "me@example.com"));
    let output = with_input(data, &["users", "import", "-"], &lines);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("0 users were taken in, 2 were there already, 0 were not taken in"),
        "{said}"
    );
    let cut = with_input(data, &["users", "import", "-"], &lines[..lines.len() - 9]);
    refused(&cut, 1, "behind user 1 the file is no JSON");
    refused(
        &with_input(data, &["users", "import", "missing.json"], ""),
        1,
        "cannot read missing.json",
    );
}
