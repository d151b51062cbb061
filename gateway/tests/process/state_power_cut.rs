//! The power is cut while users come and go: whatever was answered is in `gateway.sqlite` when the server starts again,
//! and the file can be opened whenever that was.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realm_ingest_gateway::state::{ApiKeys, EmbeddedState, KeyOwner, Registrations, Sessions, State, Users};
use serde_json::{Value, json};

use crate::common::server::{BINARY, Server};
use crate::common::{APP, Answer};
use crate::disk::{Disk, Event, Place, Survives, in_memory};

const AUTH: &str = "/api/client/v2.0/auth";

/// What is known of the store: by what it is about, whether it is there. While something is asked for that changes it,
/// nothing is known.
type Known = BTreeMap<String, bool>;

/// Hears what [`Program`] says: `?` while a change is asked for, `+` and `-` once it was answered.
fn hear(known: &mut Known, event: &Event) {
    let Some((kind, about)) = event.said().and_then(|said| said.split_at_checked(1)) else {
        return;
    };
    match kind {
        "?" => known.remove(about),
        kind => known.insert(about.to_owned(), kind == "+"),
    };
}

/// A program with users, and an operator.
struct Program<'a> {
    place: &'a Place,
    server: Server,
}

impl Program<'_> {
    fn call(&self, method: &str, path: &str, token: &Value, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", token.as_str().unwrap_or_default());
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let body = body.to_string();
        let answer = self.server.client().call(method, path, &headers, body.as_bytes());
        answer.unwrap()
    }

    fn say(&self, kind: char, about: &str) {
        self.place.say(&format!("{kind}{about}"));
    }

    fn register(&self, email: &str) {
        let path = format!("{APP}/auth/providers/local-userpass/register");
        let body = json!({"email": email, "password": "secret-1"});
        assert_eq!(self.call("POST", &path, &Value::Null, &body).status, 201);
        self.say('+', &format!("registration {email}"));
    }

    fn log_in(&self, provider: &str, body: &Value) -> Value {
        let path = format!("{APP}/auth/providers/{provider}/login");
        let login = self.call("POST", &path, &Value::Null, body);
        assert_eq!(login.status, 200, "{:?}", login.json);
        self.say('+', &format!("user {}", login.json["user_id"].as_str().unwrap()));
        self.say('+', &format!("session {}", session_of(&login.json)));
        login.json
    }

    fn log_in_by_password(&self, email: &str) -> Value {
        let body = json!({"username": email, "password": "secret-1"});
        self.log_in("local-userpass", &body)
    }

    /// The id of a new key, and its text.
    fn make_key(&self, login: &Value, name: &str) -> (String, Value) {
        let path = format!("{AUTH}/api_keys");
        let made = self.call("POST", &path, &login["refresh_token"], &json!({"name": name}));
        assert_eq!(made.status, 201, "{:?}", made.json);
        let id = made.json["_id"].as_str().unwrap().to_owned();
        let user = login["user_id"].as_str().unwrap();
        self.say('+', &format!("key {user} {id}"));
        (id, made.json["key"].clone())
    }

    /// What is asked for takes these away.
    fn end(&self, method: &str, path: &str, token: &Value, gone: &[String]) {
        gone.iter().for_each(|about| self.say('?', about));
        assert_eq!(self.call(method, path, token, &Value::Null).status, 204);
        gone.iter().for_each(|about| self.say('-', about));
    }

    /// The operator's command makes these so.
    fn operate(&self, arguments: &[&str], changes: &[(char, String)]) {
        changes.iter().for_each(|(_, about)| self.say('?', about));
        let mut command = Command::new(BINARY);
        command.args(arguments).arg("--data").arg(&self.place.folder);
        self.place.watch(&mut command);
        assert!(command.status().unwrap().success());
        changes.iter().for_each(|(kind, about)| self.say(*kind, about));
    }
}

/// The session of a refresh token.
fn session_of(login: &Value) -> String {
    let claims = login["refresh_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["baas_id"].as_str().unwrap().to_owned()
}

/// Everything that is in the store comes, changes and goes.
fn run(place: &Place) {
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(&place.folder);
    place.watch(&mut command);
    let server = Server::run(command);
    let program = Program { place, server };
    let anonymous = program.log_in("anon-user", &json!({}));
    for email in ["a@b.c", "b@b.c", "c@b.c"] {
        program.register(email);
    }
    let [a, b, c] = ["a@b.c", "b@b.c", "c@b.c"].map(|email| program.log_in_by_password(email));
    let id = |login: &Value| login["user_id"].as_str().unwrap().to_owned();
    let session = |login: &Value| format!("session {}", session_of(login));

    let (kept, text) = program.make_key(&a, "kept");
    let (removed, _) = program.make_key(&a, "removed");
    let by_key = program.log_in("api-key", &json!({"key": text}));
    let gone = [format!("key {} {removed}", id(&a))];
    program.end(
        "DELETE",
        &format!("{AUTH}/api_keys/{removed}"),
        &a["refresh_token"],
        &gone,
    );
    program.end(
        "DELETE",
        &format!("{AUTH}/session"),
        &anonymous["refresh_token"],
        &[session(&anonymous)],
    );
    let keyed = [format!("usable {} {kept}", id(&a)), session(&by_key)];
    program.end(
        "PUT",
        &format!("{AUTH}/api_keys/{kept}/disable"),
        &a["refresh_token"],
        &keyed,
    );

    let gone = [
        format!("user {}", id(&b)),
        "registration b@b.c".to_owned(),
        session(&b),
    ];
    program.end("DELETE", &format!("{AUTH}/delete"), &b["access_token"], &gone);
    let enabled = format!("enabled {}", id(&c));
    program.operate(
        &["users", "disable", "c@b.c"],
        &[('-', enabled.clone()), ('-', session(&c))],
    );
    program.operate(&["users", "enable", "c@b.c"], &[('+', enabled)]);
    let again = program.log_in_by_password("c@b.c");
    program.operate(&["users", "revoke", "c@b.c"], &[('-', session(&again))]);
    program.server.kill();
}

/// # Panics
/// When the store says something else than what is known.
async fn check(data: &Path, known: &Known, state: &str) {
    let store = EmbeddedState::open(data).unwrap_or_else(|error| panic!("{state}: {error}"));
    store.probe().await.unwrap();
    for (about, is_so) in known {
        let words: Vec<_> = about.split(' ').collect();
        let keys = async |user: &str| store.api_keys(&KeyOwner::User(user.to_owned())).await.unwrap();
        let found = match words[..] {
            ["registration", email] => store.registration(email).await.unwrap().is_some(),
            ["user", id] => store.user(id).await.unwrap().is_some(),
            ["enabled", id] => store.user(id).await.unwrap().is_some_and(|user| !user.disabled),
            ["session", id] => store.session(id).await.unwrap().is_some(),
            ["key", user, id] => keys(user).await.iter().any(|key| key.id == id),
            ["usable", user, id] => keys(user).await.iter().any(|key| key.id == id && !key.disabled),
            _ => panic!("{about}"),
        };
        assert_eq!(found, *is_so, "{about}, {state}");
    }
}

#[test]
fn who_was_let_in_or_kept_out_before_the_power_was_cut_is_so_afterwards() {
    let place = Place::new(&BTreeMap::new());
    run(&place);
    let recorded = place.recorded();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut disk = Disk::new(&recorded.folder, &BTreeMap::new(), Survives::All);
    let (mut known, mut judged) = (Known::new(), 0);
    for (index, event) in recorded.events.iter().enumerate() {
        disk.apply(event);
        hear(&mut known, event);
        if !event.path.to_string_lossy().contains("gateway.sqlite") && event.said().is_none() {
            continue;
        }
        for survives in [
            Survives::Nothing,
            Survives::All,
            Survives::Some(index as u64),
            Survives::Some(index as u64 + 1_000_000),
        ] {
            let folder = in_memory();
            disk.lose_power(folder.path(), survives);
            let state = format!("after event {index}, {survives:?} of what was not synced");
            runtime.block_on(check(folder.path(), &known, &state));
            judged += 1;
        }
    }
    assert!(known.len() > 15 && judged > 500, "{} {judged}", known.len());
}
