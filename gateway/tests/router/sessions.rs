//! Sessions: how long they last, what is remembered of them, and what an earlier release left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::{EncodingKey, Header};
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::embedded::EmbeddedSink;
use realm_ingest_gateway::state::{EmbeddedState, Operator, Users};
use realm_ingest_gateway::{Gateway, Settings, clock};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::common::{Local, copy_files, format_1};

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";
const MINUTE: i64 = 60 * 1000;

/// The gateway's file, as if time had passed.
fn file(gateway: &Local) -> Connection {
    Connection::open(gateway.data().join("gateway.sqlite")).unwrap()
}

fn number(file: &Connection, query: &str) -> i64 {
    file.query_one(query, [], |row| row.get(0)).unwrap()
}

fn refresh_token(login: &Value) -> &str {
    login["refresh_token"].as_str().unwrap()
}

async fn refresh(gateway: &Local, login: &Value) -> String {
    let answer = gateway
        .call("POST", SESSION, Some(refresh_token(login)), "")
        .await;
    assert_eq!(answer.status, 201);
    answer.json["access_token"].as_str().unwrap().to_owned()
}

/// Waits until the gateway knows that this access token was revoked.
async fn refused(gateway: &Local, token: &str) {
    let begin = Instant::now();
    let answer = loop {
        let answer = gateway.call("GET", PROFILE, Some(token), "").await;
        if answer.status != 200 {
            break answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "it is still good");
    };
    answer.refused(401, Some("InvalidSession"), "the access token was revoked");
}

#[tokio::test]
async fn a_session_that_has_expired_is_over_and_is_removed_by_a_later_login() {
    let gateway = Local::new().await;
    let (one, two) = (gateway.log_in().await, gateway.log_in().await);
    let file = file(&gateway);
    let user = one["user_id"].as_str().unwrap();
    let expire = "UPDATE sessions SET expires = ?2 WHERE user = ?1";
    file.execute(expire, (user, clock::unix_millis())).unwrap();
    let answer = gateway.call("POST", SESSION, Some(refresh_token(&one)), "").await;
    answer.refused(401, Some("InvalidSession"), "invalid session");
    gateway.log_in().await;
    let left = "SELECT count(*) FROM sessions";
    assert_eq!(number(&file, left), 2);
    assert_eq!(number(&file, "SELECT count(*) FROM users"), 3, "users are kept");
    let answer = gateway.call("POST", SESSION, Some(refresh_token(&two)), "").await;
    assert_eq!(answer.status, 201, "other sessions go on");
}

#[tokio::test]
async fn one_login_removes_a_bounded_number_of_expired_sessions() {
    let gateway = Local::new().await;
    gateway.log_in().await;
    let file = file(&gateway);
    file.execute_batch(
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers LIMIT 250)
         INSERT INTO sessions (id, user, device, key, created, used, expires)
             SELECT number, id, '', 1, 0, 0, number FROM numbers, users",
    )
    .unwrap();
    for left in [152, 53, 4, 5] {
        gateway.log_in().await;
        assert_eq!(number(&file, "SELECT count(*) FROM sessions"), left);
    }
}

#[tokio::test]
async fn when_a_session_was_used_is_noted_once_an_hour() {
    let gateway = Local::new().await;
    let before = clock::unix_millis();
    let login = gateway.log_in().await;
    let file = file(&gateway);
    let used = || number(&file, "SELECT used FROM sessions");
    assert!(used() >= before, "it begins with its first use");
    for (ago, noted) in [(59, false), (61, true)] {
        let then = clock::unix_millis() - ago * MINUTE;
        file.execute("UPDATE sessions SET used = ?1", [then]).unwrap();
        let answer = gateway
            .call("POST", SESSION, Some(refresh_token(&login)), "")
            .await;
        assert_eq!(answer.status, 201);
        assert_eq!(used() >= before, noted, "{ago} minutes");
        assert_eq!(used() != then, noted, "{ago} minutes");
    }
}

#[tokio::test]
async fn a_session_goes_on_where_its_use_cannot_be_noted() {
    let gateway = Local::new().await;
    let login = gateway.log_in().await;
    file(&gateway)
        .execute_batch(
            "UPDATE sessions SET used = 0;
             CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT raise(FAIL, 'the disk is full'); END;",
        )
        .unwrap();
    let answer = gateway
        .call("POST", SESSION, Some(refresh_token(&login)), "")
        .await;
    assert_eq!(answer.status, 201);
}

/// The refresh token of a session of release 0.1.0, as that release signed it.
fn token_of_format_1(data: &std::path::Path) -> String {
    let file = Connection::open(data.join("gateway.sqlite")).unwrap();
    let meta = |name: &str| -> Vec<u8> {
        let query = "SELECT value FROM meta WHERE name = ?1";
        file.query_one(query, [name], |row| row.get(0)).unwrap()
    };
    let (key, domain) = (meta("signing_key"), String::from_utf8(meta("domain")).unwrap());
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let session = file.query_one("SELECT id, user FROM sessions LIMIT 1", [], read);
    let (session, user) = session.unwrap();
    let now = clock::unix_seconds();
    let identity = json!({"id": "i", "provider_type": "anon-user", "provider_id": "p"});
    let claims = json!({
        "sub": user, "iat": now, "exp": now + 1000, "typ": "refresh", "baas_id": session, "stitch_id": session,
        "baas_device_id": "", "stitch_devId": "", "baas_domain_id": domain, "stitch_domainId": domain,
        "baas_identity": identity, "stitch_ident": identity, "baas_data": null, "stitch_data": null,
    });
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&key)).unwrap()
}

#[tokio::test]
async fn sessions_of_an_earlier_release_go_on() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    copy_files(&format_1(), directory.path());
    let token = token_of_format_1(directory.path());
    let gateway = Local::over(directory, Settings::default()).await;
    let years = "SELECT min((expires - created) / 1000 / 86400 / 365) FROM sessions";
    assert_eq!(number(&file(&gateway), years), 50);
    let answer = gateway.call("POST", SESSION, Some(&token), "").await;
    assert_eq!(answer.status, 201, "{:?}", answer.json);
}

#[tokio::test]
async fn a_token_that_is_made_while_its_user_is_being_disabled_is_refused() {
    let gateway = Local::new().await;
    let login = gateway.log_in().await;
    let user = login["user_id"].as_str().unwrap().to_owned();
    let operator = EmbeddedState::open_existing(gateway.data()).unwrap();
    let file = file(&gateway);
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let disabling = tokio::spawn(async move { operator.set_disabled(&user, true).await });
    // Others write, so its turn has not come; and the session is read before it has.
    let begin = Instant::now();
    let token = loop {
        let token = refresh(&gateway, &login).await;
        if begin.elapsed() > Duration::from_millis(50) {
            break token;
        }
    };
    file.execute_batch("COMMIT").unwrap();
    assert!(disabling.await.unwrap().unwrap());
    refused(&gateway, &token).await;
}

#[tokio::test]
async fn a_session_that_ends_with_the_key_of_its_refresh_token_takes_its_access_tokens_along() {
    let gateway = Local::new().await;
    let login = gateway.log_in().await;
    let operator = EmbeddedState::open_existing(gateway.data()).unwrap();
    let key = operator.rotate_keys().await.unwrap().to_string();
    let token = loop {
        let token = refresh(&gateway, &login).await;
        if jsonwebtoken::decode_header(&token).unwrap().kid.as_ref() == Some(&key) {
            break token;
        }
    };
    assert_eq!(operator.retire_key(1, true).await.unwrap(), Ok(1));
    refused(&gateway, &token).await;
}

#[tokio::test]
async fn tokens_of_a_new_key_are_good_at_once_at_gateways_that_have_not_heard_of_it() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let state = Arc::new(EmbeddedState::open(directory.path()).unwrap());
    let sink = Arc::new(EmbeddedSink::open(directory.path()).unwrap());
    let over = async || {
        let mut gateway = Gateway::new(Settings::default()).unwrap();
        let definition = Definition::development(None);
        let added = gateway.add(definition, Arc::clone(&state) as _, Arc::clone(&sink) as _);
        added.await.unwrap();
        Local::behind_router(gateway, Arc::clone(&directory))
    };
    let [one, second, third] = [over().await, over().await, over().await];
    let operator = EmbeddedState::open_existing(directory.path()).unwrap();
    assert_eq!(operator.rotate_keys().await.unwrap(), 2);
    let login = one.log_in().await;
    let token = login["access_token"].as_str();
    let named = jsonwebtoken::decode_header(token.unwrap()).unwrap().kid;
    assert_eq!(named.as_deref(), Some("2"));
    let answer = second.call("GET", PROFILE, token, "").await;
    assert_eq!(answer.status, 200, "{:?}", answer.json);
    refresh(&third, &login).await;
}
