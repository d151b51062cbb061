//! Users to whom another way of logging in was added: what they are known by, and what becomes of what they wrote.

use std::path::PathBuf;

use realm_ingest::Code;
use realm_ingest::app::{Credentials, User, UserState};
use realm_ingest::realm::{Realm, RealmConfig};
use serde_json::{Value, json};

use crate::common::server::Reaction;
use crate::common::{Fixture, SCHEMA, closed, open_realm, until, write};

fn email() -> Credentials {
    Credentials::email_password("a@b.c", "password")
}

fn link(fixture: &Fixture, user: &User, credentials: &Credentials) {
    let profile = json!({"data": {}, "identities": [
        {"id": "i", "provider_type": "anon-user"}, {"id": "e", "provider_type": credentials.provider()}]});
    let answer = move |_| profile.to_string();
    fixture
        .server
        .next("GET auth/profile", Reaction::DoAndSay(Box::new(answer)));
    user.link(credentials).unwrap();
}

fn kinds(user: &User) -> Vec<String> {
    let identities = user.identities().into_iter();
    identities.map(|identity| identity.provider_type).collect()
}

/// What an anonymous user wrote before it was linked and logged out.
fn left_before_the_link(fixture: &Fixture, credentials: &Credentials) -> PathBuf {
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    realm.session().pause();
    write(&realm, [1]);
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    link(fixture, &user, credentials);
    user.log_out().unwrap();
    assert_eq!(user.state(), UserState::LoggedOut);
    path
}

fn is_nobody_elses(fixture: &Fixture, path: PathBuf) {
    let next = fixture.app.login(&Credentials::anonymous()).unwrap();
    assert_eq!(next.id(), "anon2");
    assert_eq!(fixture.app.stranded().unwrap().len(), 1);
    let config = RealmConfig {
        path: Some(path),
        ..RealmConfig::new(SCHEMA)
    };
    let error = Realm::open(&next, config, None).unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
    assert!(fixture.server.ids().is_empty());
}

#[test]
fn what_a_user_wrote_before_a_link_does_not_go_out_under_a_later_anonymous_user() {
    let fixture = Fixture::new();
    let path = left_before_the_link(&fixture, &email());
    is_nobody_elses(&fixture, path);
    fixture.server.state().email_user = "anon1".to_owned();
    fixture.app.login(&email()).unwrap();
    fixture.server.until("the row", |state| state.stored.len() == 1);
}

#[test]
fn a_user_who_was_linked_by_what_has_no_lasting_name_is_not_anonymous_any_more() {
    let fixture = Fixture::new();
    let path = left_before_the_link(&fixture, &Credentials::facebook("token"));
    assert_eq!(fixture.app.users()[0].principal(), "");
    is_nobody_elses(&fixture, path);
}

#[test]
fn an_outbox_that_is_opened_after_a_link_is_not_marked_anonymous_any_more() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    drop(open_realm(&user));
    link(&fixture, &user, &Credentials::facebook("token"));
    let (realm, _errors) = open_realm(&user);
    realm.session().pause();
    write(&realm, [1]);
    drop(realm);
    user.log_out().unwrap();
    assert_eq!(fixture.app.stranded().unwrap()[0].principal, "");
}

#[test]
fn a_link_holds_also_where_the_profile_cannot_be_fetched() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let failure = Reaction::error(500, "InternalServerError", "no");
    fixture.server.next("GET auth/profile", failure);
    user.link(&email()).unwrap_err();
    let restored = fixture.restarted().current_user().unwrap();
    for user in [&restored, &user] {
        assert_eq!(kinds(user), ["anon-user", "local-userpass"]);
        assert!(user.principal().starts_with("local-userpass:"));
    }
    user.log_out().unwrap();
    assert_eq!(user.state(), UserState::LoggedOut, "what waits is not deleted");
}

#[test]
fn who_logs_in_by_another_way_is_not_anonymous_also_where_the_profile_cannot_be_fetched() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    // It was linked on another device.
    fixture.server.state().email_user = "anon1".to_owned();
    let failure = Reaction::error(500, "InternalServerError", "no");
    fixture.server.next("GET auth/profile", failure);
    fixture.app.login(&email()).unwrap_err();
    user.log_out().unwrap();
    assert_eq!(user.state(), UserState::LoggedOut, "what waits is not deleted");
}

#[test]
fn a_link_is_asked_for_with_a_token_that_is_still_good() {
    let fixture = Fixture::new();
    fixture.server.state().access_seconds = 0;
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    fixture.server.state().access_seconds = 1800;
    let due = user.access_token();
    link(&fixture, &user, &email());
    let asked = fixture
        .server
        .seen("POST auth/providers/local-userpass/login?link=true");
    assert_ne!(asked[0].headers["authorization"], format!("Bearer {due}"));
    assert_eq!(fixture.server.seen("POST auth/session").len(), 1);
}

/// The access token that is stored of the only user.
fn stored_token(fixture: &Fixture) -> String {
    let file = std::fs::read(fixture.users_file()).unwrap();
    let document: Value = serde_json::from_slice(&file).unwrap();
    document["users"][0]["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_token_of_another_process_does_not_undo_a_link() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let elsewhere = fixture.restarted().current_user().unwrap();
    link(&fixture, &user, &email());
    elsewhere.refresh_custom_data().unwrap();
    until("the new token", || {
        stored_token(&fixture) == elsewhere.access_token()
    });
    let restored = fixture.restarted().current_user().unwrap();
    assert_eq!(kinds(&restored), ["anon-user", "local-userpass"]);
    assert_eq!(restored.principal(), user.principal());
}

#[test]
fn a_user_whom_another_process_has_linked_is_not_removed_by_a_logout() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let elsewhere = fixture.restarted().current_user().unwrap();
    link(&fixture, &user, &email());
    elsewhere.log_out().unwrap();
    assert_eq!(elsewhere.state(), UserState::LoggedOut);
    let restored = &fixture.restarted().users()[0];
    assert_eq!(kinds(restored), ["anon-user", "local-userpass"]);
    assert_eq!(restored.principal(), user.principal());
}

#[test]
fn a_user_whom_another_process_has_linked_is_not_the_anonymous_one_any_more() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let elsewhere = fixture.restarted();
    link(&fixture, &user, &email());
    let next = elsewhere.login(&Credentials::anonymous()).unwrap();
    assert_eq!((user.id(), next.id()), ("anon1", "anon2"));
}
