//! Logging in and out, tokens, files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use realm_ingest::Code;
use realm_ingest::app::{App, AppConfig, Credentials, UserState};
use realm_ingest::realm::{Realm, RealmConfig};
use realm_ingest::transport::host::{HostSend, HostTransport, ResponseSlot};
use realm_ingest::transport::http::{HttpOptions, HttpTransport};
use realm_ingest::transport::{Request, Transport};
use serde_json::json;

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, closed, config, handler, open_realm, uploaded, write};

#[test]
fn a_login_asks_for_the_location_logs_in_and_fetches_the_profile() {
    let fixture = Fixture::new();
    let user = fixture.user();
    assert_eq!((user.id(), user.state()), ("user1", UserState::LoggedIn));
    let seen: Vec<_> = fixture
        .server
        .seen("")
        .into_iter()
        .map(|seen| seen.what)
        .collect();
    assert_eq!(
        seen,
        [
            "GET location",
            "POST auth/providers/local-userpass/login",
            "GET auth/profile"
        ]
    );
    let login = &fixture.server.seen("POST auth")[0];
    let body: serde_json::Value = serde_json::from_slice(&login.body).unwrap();
    assert_eq!(
        (&body["username"], &body["password"]),
        (&json!("a@b.c"), &json!("password"))
    );
    assert_eq!(body["options"]["device"]["appId"], "app-test");
    assert_eq!(login.headers["content-type"], "application/json;charset=utf-8");
    assert_eq!(fixture.app.current_user(), Some(user));
}

#[test]
fn an_anonymous_user_is_used_again_without_asking() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let before = fixture.server.seen("").len();
    assert_eq!(fixture.app.login(&Credentials::anonymous()).unwrap(), user);
    assert_eq!(fixture.server.seen("").len(), before);
}

#[test]
fn where_users_cannot_be_stored_the_server_is_not_asked_for_one() {
    let fixture = Fixture::new();
    let in_the_way = fixture.keep_users_from_being_stored();
    let error = fixture.app.login(&Credentials::anonymous()).unwrap_err();
    assert!(error.to_string().contains("users.json"), "{error}");
    assert_eq!(fixture.server.state().users, 0);
    std::fs::remove_dir(in_the_way).unwrap();
    fixture.app.login(&Credentials::anonymous()).unwrap();
}

#[test]
fn an_anonymous_user_who_could_not_be_stored_is_the_one_of_the_next_attempt() {
    let fixture = Fixture::new();
    fixture
        .server
        .next("POST auth/providers/anon-user", Reaction::Hold);
    let in_the_way = std::thread::scope(|scope| {
        let login = scope.spawn(|| fixture.app.login(&Credentials::anonymous()));
        fixture.server.until_held(1);
        let in_the_way = fixture.keep_users_from_being_stored();
        fixture.server.release();
        assert!(login.join().unwrap().is_err());
        in_the_way
    });
    assert!(fixture.app.current_user().is_none());
    std::fs::remove_dir(in_the_way).unwrap();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    assert_eq!((user.id(), user.state()), ("anon1", UserState::LoggedIn));
    assert_eq!(fixture.restarted().current_user().unwrap().id(), "anon1");
    assert_eq!(fixture.server.state().users, 1);
}

#[test]
fn errors_of_the_server_come_through_with_their_kind() {
    let fixture = Fixture::new();
    let text = "invalid username/password";
    fixture.server.next(
        "POST auth/providers",
        Reaction::error(401, "InvalidPassword", text),
    );
    let error = fixture
        .app
        .login(&Credentials::email_password("a", "b"))
        .unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Code::InvalidPassword, text)
    );
    fixture.server.next(
        "POST auth/providers/local-userpass/register",
        Reaction::error(409, "AccountNameInUse", "name already in use"),
    );
    let error = fixture.app.register_user("a", "b").unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Code::AccountNameInUse, "name already in use")
    );
    fixture.app.register_user("a", "b").unwrap();
    let token = r#"{"access_token":"x","refresh_token":"y","user_id":"u","device_id":""}"#;
    fixture.server.next(
        "POST auth/providers",
        Reaction::Answer(200, Vec::new(), token.to_owned()),
    );
    let error = fixture.app.login(&Credentials::anonymous()).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Code::BadToken, "Could not log in user: received malformed JWT")
    );
    assert!(fixture.app.current_user().is_none());
}

#[test]
fn users_and_the_current_one_survive_a_restart_without_the_network() {
    let fixture = Fixture::new();
    fixture.user();
    let anonymous = fixture.app.login(&Credentials::anonymous()).unwrap();
    let before = fixture.server.seen("").len();
    let app = fixture.restarted();
    assert_eq!(app.users().len(), 2);
    let current = app.current_user().unwrap();
    assert_eq!(
        (current.id(), current.refresh_token()),
        (anonymous.id(), anonymous.refresh_token())
    );
    assert_eq!(app.login(&Credentials::anonymous()).unwrap(), current);
    assert_eq!(fixture.server.seen("").len(), before);
}

#[test]
fn a_logout_clears_the_tokens_also_when_the_server_cannot_be_told() {
    let fixture = Fixture::new();
    let user = fixture.user();
    fixture.server.next("DELETE auth/session", Reaction::Cut);
    let error = user.log_out().unwrap_err();
    assert_eq!(error.code(), Code::CustomError);
    assert!(
        error
            .to_string()
            .starts_with("non-zero custom status code considered fatal"),
        "{error}"
    );
    assert_eq!(
        (user.state(), user.access_token(), user.refresh_token()),
        (UserState::LoggedOut, String::new(), String::new())
    );
    let before = fixture.server.seen("").len();
    user.log_out().unwrap();
    assert_eq!(fixture.server.seen("").len(), before);
    assert_eq!(
        user.refresh_custom_data().unwrap_err().to_string(),
        "The user is not logged in"
    );
    assert!(fixture.restarted().current_user().is_none());
    assert_eq!(fixture.user(), user);
}

#[test]
fn a_logout_that_could_not_be_stored_ends_the_session_and_is_not_undone() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let in_the_way = fixture.keep_users_from_being_stored();
    let error = user.log_out().unwrap_err();
    assert!(error.to_string().contains("users.json"), "{error}");
    assert_eq!(fixture.server.seen("DELETE auth/session").len(), 1);
    std::fs::remove_dir(in_the_way).unwrap();
    // Reads the file, in which the user is logged in.
    fixture.app.login(&Credentials::anonymous()).unwrap();
    assert_eq!(user.state(), UserState::LoggedOut);
}

#[test]
fn an_anonymous_logout_that_could_not_be_stored_is_not_undone() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let in_the_way = fixture.keep_users_from_being_stored();
    user.log_out().unwrap_err();
    std::fs::remove_dir(in_the_way).unwrap();
    assert_eq!(
        fixture.app.login(&Credentials::anonymous()).unwrap().id(),
        "anon2"
    );
}

#[test]
fn a_logout_that_could_not_be_stored_is_stored_by_the_next_attempt() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let in_the_way = fixture.keep_users_from_being_stored();
    user.log_out().unwrap_err();
    user.log_out().unwrap_err();
    std::fs::remove_dir(in_the_way).unwrap();
    user.log_out().unwrap();
    assert!(fixture.restarted().current_user().is_none());
}

#[test]
fn an_anonymous_logout_removes_the_user_and_its_files_go_at_the_next_start() {
    let fixture = Fixture::new();
    let other = fixture.user();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    realm.session().pause();
    write(&realm, [1]);
    let path = realm.path().to_owned();
    user.log_out().unwrap();
    assert_eq!(user.state(), UserState::Removed);
    assert_eq!(fixture.app.current_user(), Some(other));
    let error = Realm::open(&user, RealmConfig::new(SCHEMA), None).unwrap_err();
    let text = format!(
        "Cannot start a sync session for user '{}' because this user has been removed.",
        user.id()
    );
    assert_eq!(error.to_string(), text);
    drop(realm);
    assert!(path.exists());
    let app = fixture.restarted();
    assert!(!path.parent().unwrap().exists());
    assert_eq!(app.users().len(), 1);
}

#[test]
fn an_anonymous_user_whom_another_process_has_logged_out_is_not_used_again() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    fixture.restarted().current_user().unwrap().log_out().unwrap();
    let next = fixture.app.login(&Credentials::anonymous()).unwrap();
    assert_eq!((user.id(), next.id()), ("anon1", "anon2"));
    assert_eq!(user.state(), UserState::Removed);
}

#[test]
fn a_realm_is_not_opened_for_an_anonymous_user_whom_another_process_has_logged_out() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    fixture.restarted().current_user().unwrap().log_out().unwrap();
    let error = Realm::open(&user, RealmConfig::new(SCHEMA), None).unwrap_err();
    assert!(
        error.to_string().ends_with("this user has been removed."),
        "{error}"
    );
}

#[test]
fn what_another_process_writes_after_an_anonymous_logout_is_not_deleted_unasked() {
    let fixture = Fixture::new();
    let user = fixture.app.login(&Credentials::anonymous()).unwrap();
    let other = fixture.restarted();
    let (realm, _errors) = open_realm(&other.current_user().unwrap());
    realm.session().pause();
    write(&realm, [1]);
    user.log_out().unwrap();
    // It has not heard of that.
    write(&realm, [2]);
    let path = realm.path().to_owned();
    drop(realm);
    closed(&path);
    let app = fixture.restarted();
    let stranded = app.stranded().unwrap();
    assert_eq!(stranded.len(), 1);
    assert_eq!((&stranded[0].path, stranded[0].pending.transactions), (&path, 2));
    let next = app.login(&Credentials::anonymous()).unwrap();
    assert_eq!(app.stranded().unwrap(), stranded, "it is nobody's yet");
    app.rehome(&path, &next, None).unwrap();
    fixture.server.until("the rows", |state| state.stored.len() == 2);
}

#[test]
fn files_lie_where_realm_puts_them() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let app = fixture
        .directory
        .path()
        .canonicalize()
        .unwrap()
        .join("mongodb-realm/app-test");
    assert_eq!(realm.path(), app.join("user1/flx_sync_default.realm"));
    assert!(realm.path().exists());
    assert!(app.join("server-utility/metadata/users.json").exists());
}

#[test]
fn custom_data_and_functions() {
    let fixture = Fixture::new();
    let user = fixture.user();
    assert_eq!(user.custom_data(), None);
    fixture.server.state().custom_data = Some(json!({"colour": "red"}));
    user.refresh_custom_data().unwrap();
    assert_eq!(user.custom_data().as_deref(), Some(r#"{"colour":"red"}"#));

    let answer = user.call_function("add", r#"[{"$numberLong":"1"}, 2]"#).unwrap();
    let seen = fixture.server.seen("POST functions/call").remove(0);
    assert_eq!(
        seen.body,
        br#"{"arguments":[{"$numberLong":"1"}, 2],"name":"add"}"#
    );
    assert_eq!(answer, format!("[{}]", seen.body.len()));
    assert_eq!(
        user.call_function("add", "{}").unwrap_err().code(),
        Code::MalformedJson
    );

    fixture.server.next(
        "POST functions/call",
        Reaction::error(401, "InvalidSession", "unauthorized"),
    );
    user.call_function("add", "[]").unwrap();
    fixture.server.next(
        "POST functions/call",
        Reaction::error(401, "InvalidSession", "unauthorized"),
    );
    fixture.server.next(
        "POST auth/session",
        Reaction::error(401, "InvalidSession", "revoked"),
    );
    assert_eq!(
        user.call_function("add", "[]").unwrap_err().to_string(),
        "unauthorized"
    );
}

#[test]
fn without_an_address_a_login_says_what_to_do() {
    if std::env::var_os("REALM_INGEST_URL").is_some() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let app = App::open(AppConfig {
        path: Some(directory.path().to_owned()),
        enable_caching: false,
        ..AppConfig::new("app-test")
    })
    .unwrap();
    assert_eq!(app.base_url(), "https://services.cloud.mongodb.com");
    let error = app.login(&Credentials::anonymous()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no base_url is set and Realm's cloud is shut down: set base_url in the app's configuration, or the environment \
         variable REALM_INGEST_URL, to the address of your gateway"
    );
}

#[test]
fn addresses_and_ids_that_cannot_be_used_are_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let open = |id: &str, url: &str| {
        App::open(AppConfig {
            base_url: Some(url.to_owned()),
            path: Some(directory.path().to_owned()),
            enable_caching: false,
            ..AppConfig::new(id)
        })
    };
    assert_eq!(
        open("a", "asdf").unwrap_err().to_string(),
        "URL missing scheme: asdf"
    );
    let error = open("..", "http://x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "A path can't have an identifier reserved by the filesystem: '..'"
    );
    assert_eq!(open("", "http://x/").unwrap().base_url(), "http://x");
}

#[test]
fn cached_apps_are_found_by_id_and_address() {
    let directory = tempfile::tempdir().unwrap();
    let open = |url: &str, path: &Path| {
        let config = AppConfig {
            base_url: Some(url.to_owned()),
            path: Some(path.to_owned()),
            ..AppConfig::new("cached-app")
        };
        App::open(config).unwrap()
    };
    let app = open("http://one/", directory.path());
    let elsewhere = directory.path().join("ignored");
    open("http://one", &elsewhere);
    assert!(!elsewhere.exists(), "the cached app is returned");
    open("http://two", directory.path());
    assert_eq!(
        App::cached("cached-app", Some("http://one")).unwrap().base_url(),
        app.base_url()
    );
    assert!(App::cached("cached-app", None).is_some());
    assert!(App::cached("cached-app", Some("http://three")).is_none());
    assert!(App::cached("no-app", None).is_none());
    App::clear_cached();
    assert!(App::cached("cached-app", None).is_none());
}

#[test]
fn the_address_moves_only_to_a_server_that_answers() {
    let fixture = Fixture::new();
    let other = crate::common::server::Server::start();
    fixture.user();
    let error = fixture.app.update_base_url("http://127.0.0.1:1").unwrap_err();
    assert_eq!(error.code(), Code::CustomError);
    assert_eq!(fixture.app.base_url(), fixture.server.url());
    fixture.app.update_base_url(&format!("{}/", other.url())).unwrap();
    assert_eq!(fixture.app.base_url(), other.url());
    fixture.user();
    assert_eq!(other.seen("POST auth/providers").len(), 1);
}

#[test]
fn an_applications_own_transport_carries_everything() {
    struct Counting(AtomicUsize, HttpTransport, tokio::runtime::Runtime);
    struct Own(Arc<Counting>);
    impl HostSend for Own {
        fn send(&self, request: Request, mut slot: ResponseSlot) {
            self.0.0.fetch_add(1, Ordering::Relaxed);
            // Blocks, as transports of existing applications do.
            slot.complete(self.0.2.block_on(self.0.1.send(request)));
        }
    }
    let fixture = Fixture::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let http = HttpTransport::new(HttpOptions::default()).unwrap();
    let counting = Arc::new(Counting(AtomicUsize::new(0), http, runtime));
    let directory = tempfile::tempdir().unwrap();
    let app = App::open(AppConfig {
        transport: Some(Arc::new(HostTransport::new(Own(counting.clone())))),
        ..config(&fixture.server.url(), &directory, fixture.clock.clone())
    })
    .unwrap();
    let user = app.login(&Credentials::anonymous()).unwrap();
    let (realm, _errors) = open_realm(&user);
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(counting.0.load(Ordering::Relaxed), fixture.server.seen("").len());
}

#[test]
fn realms_that_cannot_be_opened_say_why() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let open = |config: RealmConfig| Realm::open(&user, config, None).unwrap_err();
    let missing = fixture.directory.path().join("no/such/place.realm");
    let error = open(RealmConfig {
        path: Some(missing.clone()),
        ..RealmConfig::new(SCHEMA)
    });
    assert!(error.to_string().contains("place.realm"), "{error}");
    assert!(!missing.parent().unwrap().exists());
    let error = open(RealmConfig::new(
        r#"{"classes":[{"name":"A","kind":"asymmetric","properties":[]}]}"#,
    ));
    assert_eq!(error.code(), Code::InvalidSchema);
    assert!(
        error
            .to_string()
            .starts_with("Schema validation failed due to the following errors:\n- "),
        "{error}"
    );

    let (realm, _errors) = open_realm(&user);
    assert!(realm.session().is_alive());
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    let taken = RealmConfig {
        path: Some(realm.path().to_owned()),
        ..RealmConfig::new(SCHEMA)
    };
    let error = Realm::open(&other, taken, None).unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
}

#[test]
fn a_file_that_is_no_outbox_is_moved_aside_and_reported() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = fixture.directory.path().join("garbage.realm");
    std::fs::write(
        &path,
        b"this is not what should be here, and it is long enough to be looked at twice",
    )
    .unwrap();
    let (handler, errors) = handler();
    let config = RealmConfig {
        path: Some(path),
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&user, config, Some(handler)).unwrap();
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::InvalidDatabase, false));
    assert!(error.message.contains("garbage.realm"), "{}", error.message);
    write(&realm, [1]);
    uploaded(&realm);
}
