//! Several users of one app: switching, removing, deleting, linking; and the mails and resets of e-mail addresses.

use std::path::Path;

use realm_ingest::app::{App, Credentials, User, UserState};
use realm_ingest::realm::{Realm, RealmConfig};
use realm_ingest::{Code, Error};
use serde_json::{Value, json};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, closed, open_realm, uploaded, wait, write};

/// The user of an e-mail address, who has the address's first letters as its id.
fn log_in(fixture: &Fixture, email: &str) -> User {
    fixture.server.state().email_user = email.split('@').next().unwrap().to_owned();
    fixture
        .app
        .login(&Credentials::email_password(email, "password"))
        .unwrap()
}

fn refused(result: Result<(), Error>) -> (Code, String) {
    let error = result.unwrap_err();
    (error.code(), error.to_string())
}

fn current(app: &App) -> Option<String> {
    app.current_user().map(|user| user.id().to_owned())
}

/// The file of a user in which two documents wait.
fn waiting_file(fixture: &Fixture, user: &User) -> std::path::PathBuf {
    let (realm, _errors) = open_realm(user);
    realm.session().pause();
    write(&realm, [1, 2]);
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    assert!(path.starts_with(fixture.directory.path().canonicalize().unwrap()));
    path
}

fn is_there(path: &Path) -> bool {
    path.exists()
}

#[test]
fn the_user_who_was_switched_to_is_current_also_after_a_restart() {
    let fixture = Fixture::new();
    let (one, two) = (log_in(&fixture, "one@b.c"), log_in(&fixture, "two@b.c"));
    assert_eq!(current(&fixture.app).as_deref(), Some("two"));
    let before = fixture.server.seen("").len();
    fixture.app.switch_user(&one).unwrap();
    assert_eq!(current(&fixture.app).as_deref(), Some("one"));
    assert_eq!(current(&fixture.restarted()).as_deref(), Some("one"));
    assert_eq!(fixture.app.users(), [one.clone(), two]);
    assert_eq!(fixture.server.seen("").len(), before, "no server is asked");
    one.log_out().unwrap();
    assert_eq!(current(&fixture.app).as_deref(), Some("two"));
}

#[test]
fn who_is_logged_out_or_of_another_app_cannot_be_switched_to() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let elsewhere = fixture.restarted();
    let stranger = elsewhere.current_user().unwrap();
    assert_eq!(
        refused(fixture.app.switch_user(&stranger)),
        (Code::ClientUserNotFound, "User does not exist".to_owned())
    );
    user.log_out().unwrap();
    assert_eq!(
        refused(fixture.app.switch_user(&user)),
        (
            Code::ClientUserNotLoggedIn,
            "User is no longer valid or is logged out".to_owned()
        )
    );
}

#[test]
fn a_removed_user_is_logged_out_at_the_server_and_stays_removed() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    fixture.app.remove_user(&user).unwrap();
    assert_eq!(fixture.server.seen("DELETE auth/session").len(), 1);
    assert_eq!(user.state(), UserState::Removed);
    assert!(fixture.app.users().is_empty() && fixture.restarted().users().is_empty());
    assert_eq!(
        refused(fixture.app.remove_user(&user)),
        (
            Code::ClientUserNotFound,
            "User has already been removed".to_owned()
        )
    );
    let again = log_in(&fixture, "one@b.c");
    assert_eq!((again.id(), again.state()), ("one", UserState::LoggedIn));
    assert_eq!(user.state(), UserState::Removed, "the handle stays dead");
}

#[test]
fn a_user_who_is_logged_out_is_removed_without_the_network() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    user.log_out().unwrap();
    let before = fixture.server.seen("").len();
    fixture.app.remove_user(&user).unwrap();
    assert_eq!(user.state(), UserState::Removed);
    assert!(fixture.restarted().users().is_empty());
    assert_eq!(fixture.server.seen("").len(), before);
}

#[test]
fn a_removal_that_the_server_cannot_be_told_of_is_one_and_says_so() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    fixture.server.next("DELETE auth/session", Reaction::Cut);
    assert_eq!(refused(fixture.app.remove_user(&user)).0, Code::CustomError);
    assert_eq!(user.state(), UserState::Removed);
    assert!(fixture.restarted().users().is_empty());
}

#[test]
fn a_removal_that_could_not_be_stored_is_stored_by_the_next_attempt() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let in_the_way = fixture.keep_users_from_being_stored();
    assert!(fixture.app.remove_user(&user).is_err());
    std::fs::remove_dir(in_the_way).unwrap();
    fixture.app.remove_user(&user).unwrap();
    assert!(fixture.restarted().users().is_empty());
}

#[test]
fn an_attempt_to_store_a_removal_again_spares_a_log_in_that_came_after_it() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let in_the_way = fixture.keep_users_from_being_stored();
    assert!(fixture.app.remove_user(&user).is_err());
    std::fs::remove_dir(in_the_way).unwrap();
    let again = log_in(&fixture, "one@b.c");
    user.log_out().unwrap();
    assert_eq!(
        refused(fixture.app.remove_user(&user)).1,
        "User has already been removed"
    );
    assert_eq!(again.state(), UserState::LoggedIn);
    assert_eq!(fixture.app.users(), [again]);
    assert_eq!(current(&fixture.restarted()).as_deref(), Some("one"));
}

#[test]
fn a_realm_is_not_opened_for_a_user_whom_another_process_has_removed() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let elsewhere = fixture.restarted();
    elsewhere.remove_user(&elsewhere.current_user().unwrap()).unwrap();
    let error = Realm::open(&user, RealmConfig::new(SCHEMA), None).unwrap_err();
    assert!(
        error.to_string().ends_with("this user has been removed."),
        "{error}"
    );
}

#[test]
fn a_wait_for_a_rejected_user_ends_when_the_user_is_removed() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    fixture.server.forget_sessions();
    fixture
        .server
        .next("POST auth/providers/anon-user", Reaction::Hold);
    write(&realm, [1]);
    let result = wait(&realm);
    fixture.server.until_held(1);
    fixture.app.remove_user(&user).unwrap();
    assert!(result.recv_timeout(LIMIT).unwrap().is_err());
    fixture.server.release();
}

#[test]
fn what_a_removed_user_left_goes_at_the_next_start_and_what_others_left_stays() {
    let fixture = Fixture::new();
    let (one, two) = (log_in(&fixture, "one@b.c"), log_in(&fixture, "two@b.c"));
    let (gone, kept) = (waiting_file(&fixture, &one), waiting_file(&fixture, &two));
    fixture.app.remove_user(&one).unwrap();
    assert!(is_there(&gone), "until the next start");
    two.log_out().unwrap();
    drop(fixture.restarted());
    assert!(!is_there(&gone) && is_there(&kept));
}

#[test]
fn a_deleted_user_is_gone_from_the_server_and_its_files_from_the_device() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let file = waiting_file(&fixture, &user);
    fixture.app.delete_user(&user).unwrap();
    let deleted = fixture.server.seen("DELETE auth/delete");
    assert_eq!(deleted.len(), 1);
    assert!(deleted[0].headers["authorization"].starts_with("Bearer "));
    assert!(
        fixture.server.seen("DELETE auth/session").is_empty(),
        "it went with the account"
    );
    assert_eq!(user.state(), UserState::Removed);
    assert!(!is_there(&file));
    assert!(fixture.restarted().users().is_empty());
    assert_eq!(
        refused(fixture.app.delete_user(&user)),
        (
            Code::ClientUserNotLoggedIn,
            "User must be logged in to be deleted.".to_owned()
        )
    );
}

#[test]
fn a_deleted_user_whose_end_could_not_be_stored_is_logged_out_and_can_be_removed() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let in_the_way = fixture.keep_users_from_being_stored();
    assert!(fixture.app.delete_user(&user).is_err());
    assert_eq!(user.state(), UserState::Removed);
    std::fs::remove_dir(in_the_way).unwrap();
    fixture.app.remove_user(&user).unwrap();
    assert!(fixture.restarted().users().is_empty());
}

#[test]
fn a_session_that_ends_with_the_deletion_of_its_user_is_not_replaced() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    write(&realm, [1]);
    uploaded(&realm);
    let done = Reaction::Answer(204, Vec::new(), String::new());
    fixture.server.next("DELETE auth/delete", done.held());
    let (app, deleted) = (fixture.app.clone(), user.clone());
    let deleting = std::thread::spawn(move || app.delete_user(&deleted));
    fixture.server.until_held(1);
    fixture.server.forget_sessions();
    let before = fixture.server.seen("").len();
    write(&realm, [2]);
    fixture
        .server
        .until("a refusal", |state| state.seen.len() > before);
    fixture.server.release();
    deleting.join().unwrap().unwrap();
    assert_eq!(user.state(), UserState::Removed);
    assert!(fixture.server.seen("POST auth/session").is_empty(), "no refresh");
    assert_eq!(fixture.server.state().users, 1, "nobody takes its place");
}

#[test]
fn where_the_server_does_not_delete_the_account_nothing_is_deleted() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let file = waiting_file(&fixture, &user);
    for reaction in [Reaction::error(500, "InternalServerError", "no"), Reaction::Cut] {
        fixture.server.next("DELETE auth/delete", reaction);
        assert!(fixture.app.delete_user(&user).is_err());
        assert_eq!(user.state(), UserState::LoggedIn);
        assert!(is_there(&file));
    }
}

#[test]
fn a_linked_identity_is_the_same_users_and_an_anonymous_one_is_kept_by_it() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let profile = json!({"data": {}, "identities": [
        {"id": "i", "provider_type": "anon-user"}, {"id": "e", "provider_type": "local-userpass"}]});
    let answer = move |_| profile.to_string();
    fixture
        .server
        .next("GET auth/profile", Reaction::DoAndSay(Box::new(answer)));
    let token = user.access_token();
    user.link(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    let asked = fixture
        .server
        .seen("POST auth/providers/local-userpass/login?link=true");
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {token}"));
    assert_ne!(user.access_token(), token);
    let kinds: Vec<_> = user
        .identities()
        .into_iter()
        .map(|identity| identity.provider_type)
        .collect();
    assert_eq!(kinds, ["anon-user", "local-userpass"]);
    assert!(user.principal().starts_with("local-userpass:"));
    let restored = fixture.restarted().current_user().unwrap();
    assert_eq!(restored.identities().len(), 2);
    user.log_out().unwrap();
    assert_eq!(
        user.state(),
        UserState::LoggedOut,
        "not removed, as it can log in again"
    );
}

#[test]
fn links_that_make_no_sense_are_refused_here() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    assert_eq!(
        refused(user.link(&Credentials::anonymous())),
        (
            Code::ClientUserAlreadyNamed,
            "Cannot add anonymous credentials to an existing user.".to_owned()
        )
    );
    user.log_out().unwrap();
    assert_eq!(
        refused(user.link(&Credentials::api_key("k"))),
        (
            Code::ClientUserNotLoggedIn,
            "The specified user is not logged in.".to_owned()
        )
    );
}

#[test]
fn a_link_that_the_server_refuses_changes_nothing() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, "one@b.c");
    let token = user.access_token();
    fixture.server.next(
        "POST auth/providers/api-key",
        Reaction::error(401, "InvalidSession", "unauthorized"),
    );
    assert_eq!(
        refused(user.link(&Credentials::api_key("k"))),
        (Code::InvalidSession, "unauthorized".to_owned())
    );
    assert_eq!((user.state(), user.access_token()), (UserState::LoggedIn, token));
    assert!(
        fixture.server.seen("POST auth/session").is_empty(),
        "no refresh, no retry"
    );
}

#[test]
fn each_call_about_an_email_address_sends_its_own_request() {
    let fixture = Fixture::new();
    let app = &fixture.app;
    let sent = |path: &str, result: Result<(), Error>| -> Value {
        result.unwrap();
        let what = format!("POST auth/providers/local-userpass/{path}");
        let seen = fixture
            .server
            .seen(&what)
            .into_iter()
            .rfind(|seen| seen.what == what);
        let seen = seen.unwrap_or_else(|| panic!("{what} was not sent"));
        assert!(!seen.headers.contains_key("authorization"));
        serde_json::from_slice(&seen.body).unwrap()
    };
    assert_eq!(
        sent("register", app.register_user("a@b.c", "secret")),
        json!({"email": "a@b.c", "password": "secret"})
    );
    assert_eq!(
        sent("confirm", app.confirm_user("t", "i")),
        json!({"token": "t", "tokenId": "i"})
    );
    assert_eq!(
        sent("confirm/send", app.resend_confirmation_email("a@b.c")),
        json!({"email": "a@b.c"})
    );
    assert_eq!(
        sent("confirm/call", app.retry_custom_confirmation("a@b.c")),
        json!({"email": "a@b.c"})
    );
    assert_eq!(
        sent("reset/send", app.send_reset_password_email("a@b.c")),
        json!({"email": "a@b.c"})
    );
    assert_eq!(
        sent("reset", app.reset_password("secret", "t", "i")),
        json!({"password": "secret", "token": "t", "tokenId": "i"})
    );
    let arguments = r#"[{"$numberLong":"1"}]"#;
    assert_eq!(
        sent(
            "reset/call",
            app.call_reset_password_function("a@b.c", "secret", arguments)
        ),
        json!({"email": "a@b.c", "password": "secret", "arguments": [{"$numberLong": "1"}]})
    );
    assert_eq!(
        refused(app.call_reset_password_function("a", "b", "{}")).0,
        Code::MalformedJson
    );
}
