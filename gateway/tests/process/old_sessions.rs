//! `--old-sessions-until`: imported users go on with the sessions that App Services opened for them.

use std::process::{Command, Output};

use jsonwebtoken::{EncodingKey, Header, encode};
use realm_ingest_gateway::clock;
use serde_json::{Value, json};

use crate::common::Answer;
use crate::common::server::{BINARY, Server};
use crate::database::{Server as Database, fresh_name};
use crate::place::{ONE, Place, said};

const USER: &str = "6553f100a1b2c3d4e5f60718";
const OTHER: &str = "6553f100a1b2c3d4e5f60719";

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";

/// A day that has gone, and one that has not.
const PAST: &str = "2026-01-01";
const FUTURE: &str = "2999-12-31";

/// A refresh token as the service made them, signed with this key.
fn token(user: &str, key: &str) -> String {
    let expires = clock::unix_seconds() + 1_000;
    let claims = json!({
        "sub": user, "exp": expires, "iat": 1_700_000_000, "typ": "refresh", "baas_id": "6553f1000000000000000001",
        "baas_device_id": "000000000000000000000000", "baas_domain_id": "6553f1000000000000000002"
    });
    encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(key.as_bytes()),
    )
    .unwrap()
}

/// An app whose gateway keeps everything in its directory, or in a database.
struct Home {
    place: Place,
    database: Option<(&'static str, String)>,
}

impl Home {
    /// Where these two were imported.
    fn of(database: Option<(&'static str, String)>) -> Self {
        let home = Self {
            place: Place::with(&[ONE]),
            database,
        };
        if let Some((_, name)) = &home.database {
            home.place.edit(ONE, "sync/config.json", |sync| {
                sync["database_name"] = json!(name);
            });
        }
        drop(home.serve(FUTURE));
        let users = [USER, OTHER].map(
            |id| json!({"_id": id, "identities": [{"id": format!("{id}-abc"), "provider_type": "anon-user"}]}),
        );
        let file = home.place.app(ONE).with_extension("users");
        std::fs::write(&file, Value::from(users.to_vec()).to_string()).unwrap();
        let imported = home.run(&["users", "import", file.to_str().unwrap()]);
        assert!(imported.status.success(), "{:?}", said(&imported));
        home
    }

    async fn each() -> [Self; 2] {
        let database = (Database::shared().await.uri(), fresh_name());
        [Self::of(None), Self::of(Some(database))]
    }

    fn kept_at(&self, mut command: Command) -> Command {
        match &self.database {
            Some((uri, name)) => {
                let state = format!("{name}_state");
                command.env("REALM_INGEST_GATEWAY_MONGODB", uri);
                command.env("REALM_INGEST_GATEWAY_MONGODB_DATABASE", state);
            }
            None => {
                command.env("REALM_INGEST_GATEWAY_DATA", self.place.data());
            }
        }
        command
    }

    fn serve(&self, until: &str) -> Server {
        let command = self.place.serve(&[ONE], &["--old-sessions-until", until]);
        let mut command = self.kept_at(command);
        command.env("RUST_LOG", "info").stderr(self.place.log_file());
        Server::run(command)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.place.app(ONE));
        self.kept_at(command).output().unwrap()
    }

    fn done(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{:?}", said(&output));
    }
}

fn call(server: &Server, method: &str, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    server.client().call(method, path, &headers, b"").unwrap()
}

fn refreshed(server: &Server, token: &str) -> Answer {
    call(server, "POST", SESSION, token)
}

/// The token's session goes on: its access token is this user's.
#[track_caller]
fn goes_on(server: &Server, token: &str, user: &str) {
    let answer = refreshed(server, token);
    assert_eq!(answer.status, 201, "{:?}", answer.json);
    let access = answer.json["access_token"].as_str().unwrap();
    let profile = call(server, "GET", PROFILE, access);
    assert_eq!((profile.status, &profile.json["user_id"]), (200, &json!(user)));
}

#[track_caller]
fn is_refused(server: &Server, token: &str) {
    refreshed(server, token).refused(401, Some("InvalidSession"), "failed to find refresh token");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_user_goes_on_from_before_the_day_to_long_after_it() {
    for home in Home::each().await {
        let server = home.serve(FUTURE);
        let (mine, made_up) = (token(USER, "of the service"), token(USER, "of a stranger"));
        goes_on(&server, &mine, USER);
        goes_on(&server, &mine, USER);
        let log = home.place.log();
        let warnings: Vec<_> = log.lines().filter(|line| line.contains(" WARN ")).collect();
        assert_eq!(warnings.len(), 1, "{log}");
        assert!(warnings[0].contains(USER) && !log.contains(&mine), "{log}");
        drop(server);

        let server = home.serve(PAST);
        goes_on(&server, &mine, USER);
        is_refused(&server, &made_up);
        is_refused(&server, &token(OTHER, "of the service"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_come_with_one_token_at_once_both_go_on() {
    for home in Home::each().await {
        let server = home.serve(FUTURE);
        let mine = token(USER, "of the service");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| goes_on(&server, &mine, USER));
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_day_lasts_whoever_knows_an_imported_user_may_make_up_a_token() {
    for home in Home::each().await {
        let server = home.serve(FUTURE);
        goes_on(&server, &token(USER, "of the service"), USER);
        goes_on(&server, &token(USER, "of a stranger"), USER);
        // Who was not imported is nobody.
        is_refused(&server, &token("6553f100a1b2c3d4e5f6071a", "of the service"));
        is_refused(&server, &token("no id", "of the service"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_disabled_does_not_come_in_and_his_sessions_do_not_come_back() {
    for home in Home::each().await {
        let server = home.serve(FUTURE);
        let (mine, fresh) = (token(USER, "of the service"), token(USER, "of a stranger"));
        goes_on(&server, &mine, USER);
        home.done(&["users", "disable", USER]);
        is_refused(&server, &mine);
        is_refused(&server, &fresh);
        home.done(&["users", "enable", USER]);
        is_refused(&server, &mine);
        goes_on(&server, &fresh, USER);
        goes_on(&server, &token(OTHER, "of the service"), OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_revoked_or_logged_out_has_ended() {
    for home in Home::each().await {
        let server = home.serve(FUTURE);
        let (revoked, left) = (token(USER, "of the service"), token(OTHER, "of the service"));
        goes_on(&server, &revoked, USER);
        home.done(&["users", "revoke", USER]);
        is_refused(&server, &revoked);
        goes_on(&server, &left, OTHER);
        assert_eq!(call(&server, "DELETE", SESSION, &left).status, 204);
        drop(server);

        let server = home.serve(PAST);
        is_refused(&server, &revoked);
        is_refused(&server, &left);
        assert_eq!(call(&server, "DELETE", SESSION, &left).status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_session_does_not_delete_its_user() {
    for home in Home::each().await {
        let server = home.serve(FUTURE);
        let mine = token(USER, "of the service");
        let access = refreshed(&server, &mine).json["access_token"].clone();
        let access = access.as_str().unwrap();
        let removal = call(&server, "DELETE", "/api/client/v2.0/auth/delete", access);
        removal.refused(403, Some("BadRequest"), "this session was opened at App Services");
        goes_on(&server, &mine, USER);
    }
}
