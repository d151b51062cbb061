//! Settings by flag, environment and file.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::APP;
use crate::common::server::{BINARY, Server, command, logged};

const FILE: &str = "
    listen = '127.0.0.1:1'
    app-id = 'of-the-file'
    logins-per-minute = 7
    new-users-burst = 8
    access-token-lifetime = 60
    public-url = 'https://file.example'
    trusted-proxy = ['10.0.0.0/8', '192.0.2.1']
    app = ['one', 'two']
    secrets = 'secrets.toml'
";

fn serve(file: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(BINARY)
        .args(["serve", "--config"])
        .arg(file)
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("gateway.toml");
    std::fs::write(&file, FILE).unwrap();
    let output = serve(
        &file,
        &["--print-config", "--listen", "127.0.0.1:3", "--dev"],
        &[
            ("REALM_INGEST_GATEWAY_LISTEN", "127.0.0.1:2"),
            ("REALM_INGEST_GATEWAY_APP_ID", "of-the-environment"),
            ("REALM_INGEST_GATEWAY_LOG_FORMAT", "json"),
            ("REALM_INGEST_GATEWAY_NEW_USERS_BURST", "9"),
        ],
    );
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    for line in [
        "dev = true",
        "app = [\"one\", \"two\"]",
        "secrets = \"secrets.toml\"",
        "listen = \"127.0.0.1:3\"",
        "data = \"./realm-ingest-data\"",
        "app-id = \"of-the-environment\"",
        "expose-dev-mode-to-network = false",
        "public-url = \"https://file.example\"",
        "trusted-proxy = [\"10.0.0.0/8\", \"192.0.2.1/32\"]",
        "logins-burst = 1000",
        "logins-per-minute = 7",
        "new-users-burst = 9",
        "new-users-per-minute = 60",
        "connections-per-address = 1024",
        "access-token-lifetime = 60",
        "refresh-token-lifetime = 5184000",
        "log-format = \"json\"",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line} is not in\n{printed}"
        );
    }
    // What is printed can be read again.
    std::fs::write(&file, &printed).unwrap();
    assert_eq!(
        String::from_utf8(serve(&file, &["--print-config"], &[]).stdout).unwrap(),
        printed
    );
}

#[test]
fn what_is_no_setting_is_refused_by_its_name() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("gateway.toml");
    for (text, reason) in [
        ("\nlisten-on = 'x'", "line 2: unknown field `listen-on`"),
        ("trusted-proxy = ['nonsense']", "line 1: 'nonsense' is no network"),
        ("public-url = 'ftp://x'", "line 1: 'ftp://x' is no URL"),
        ("logins-burst = 0", "line 1: invalid value: integer `0`"),
        ("dev = ", "line 1: "),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = serve(&file, &[], &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(reason) && said.contains("gateway.toml"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let output = serve(&data.path().join("nowhere"), &[], &[]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn exit_codes_tell_what_kind_of_thing_is_wrong() {
    let data = tempfile::tempdir().unwrap();
    let nothing = command(data.path(), &["find", "Note"]);
    assert_eq!(nothing.status.code(), Some(3), "{nothing:?}");
    let unknown = command(data.path(), &["find", "Note", "--nonsense"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    std::fs::write(data.path().join("gateway.sqlite"), "no database").unwrap();
    let damaged = command(data.path(), &["serve", "--dev", "--listen", "127.0.0.1:0"]);
    assert_eq!(damaged.status.code(), Some(4), "{damaged:?}");
}

#[test]
fn as_many_users_as_are_set_come_from_one_address() {
    let data = tempfile::tempdir().unwrap();
    // A proxy's word makes an address that is not this machine's own.
    let more = [
        "--new-users-burst",
        "2",
        "--new-users-per-minute",
        "1",
        "--trusted-proxy",
        "127.0.0.1",
    ];
    let server = Server::start_with(data.path(), &more);
    let mut client = server.client();
    let path = format!("{APP}/auth/providers/anon-user/login");
    let mut log_in = |from| {
        let answer = client.call("POST", &path, &[("x-forwarded-for", from)], b"{}");
        answer.unwrap().status
    };
    assert_eq!([(); 3].map(|()| log_in("192.0.2.1")), [200, 200, 429]);
    assert_eq!(log_in("192.0.2.2"), 200);
}

#[test]
fn a_log_in_json_has_an_object_a_line() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "info", &["--log-format", "json"]);
    server.client().call("GET", "/nowhere", &[], b"").unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let refused = lines.iter().find(|line| line["status"] == 404).unwrap();
    assert_eq!(
        (&refused["level"], &refused["code"], &refused["span"]["path"]),
        (&"INFO".into(), &"BadRequest".into(), &"/nowhere".into())
    );
}
