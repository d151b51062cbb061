//! Whose data an outbox holds, and who may open it.

use realm_ingest::Code;
use realm_ingest::app::{App, AppConfig, Credentials, User, UserState};
use realm_ingest::outbox::{Options, Outbox, Run, SqliteOutbox, WriteTransaction};
use realm_ingest::realm::{Realm, RealmConfig};

use crate::common::{Fixture, SCHEMA, reading, uploaded, write};
use crate::left::{left_by, stored};

#[test]
fn data_of_one_user_does_not_go_out_under_another_who_opens_the_path() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = fixture.directory.path().join("own.realm");
    let path = left_by(&user, Some(&path), &[1, 2]);
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    let open = |user: &User| {
        let config = RealmConfig {
            path: Some(path.clone()),
            ..RealmConfig::new(SCHEMA)
        };
        Realm::open(user, config, None)
    };
    let error = open(&other).unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
    assert_eq!(
        error.to_string(),
        format!(
            "the outbox at {} holds 2 write transactions of user 'user1' of app 'app-test', and cannot be opened for \
             user 'anon1' of app 'app-test' before they are uploaded: log that user in, or re-home them with \
             realm::ingest::rehome",
            path.display()
        )
    );
    let elsewhere = App::open(AppConfig {
        path: Some(fixture.directory.path().to_owned()),
        base_url: Some(fixture.server.url()),
        enable_caching: false,
        ..AppConfig::new("app-other")
    })
    .unwrap();
    let same_name = elsewhere
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    let error = open(&same_name).unwrap_err();
    assert!(
        error.to_string().contains("for user 'user1' of app 'app-other'"),
        "{error}"
    );

    let realm = open(&user).unwrap();
    uploaded(&realm);
    drop(realm);
    // Nothing of the former user is left in it.
    let realm = open(&other).unwrap();
    write(&realm, [3]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids().len(), 3);
}

#[test]
fn data_of_an_anonymous_user_who_is_logged_in_does_not_go_out_under_another_one() {
    let fixture = Fixture::new();
    fixture.app.login(&Credentials::anonymous()).unwrap();
    let elsewhere = Fixture::new();
    elsewhere.server.state().users = 1;
    elsewhere.app.login(&Credentials::anonymous()).unwrap();
    // As two processes leave it of which one has waited too long for the other.
    let read = |fixture: &Fixture| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(fixture.users_file()).unwrap()).unwrap()
    };
    let mut both = read(&fixture);
    both["users"]
        .as_array_mut()
        .unwrap()
        .push(read(&elsewhere)["users"][0].clone());
    std::fs::write(fixture.users_file(), both.to_string()).unwrap();
    let app = fixture.restarted();
    let [first, second] = &app.users()[..] else {
        panic!("two users");
    };
    assert_eq!(
        (first.principal(), first.state(), second.state()),
        (second.principal(), UserState::LoggedIn, UserState::LoggedIn)
    );
    let path = left_by(first, Some(&fixture.directory.path().join("own.realm")), &[1]);
    let config = RealmConfig {
        path: Some(path),
        ..RealmConfig::new(SCHEMA)
    };
    let error = Realm::open(second, config, None).unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
}

#[test]
fn data_of_an_email_address_goes_out_under_its_new_id_also_before_the_old_one_is_refused() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = left_by(&user, Some(&fixture.directory.path().join("own.realm")), &[1]);
    // The operator has made the account again.
    fixture.server.state().email_user = "user2".to_owned();
    let again = fixture.user();
    assert_eq!((user.state(), again.id()), (UserState::LoggedIn, "user2"));
    let config = RealmConfig {
        path: Some(path),
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&again, config, None).unwrap();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn an_empty_outbox_that_its_user_has_open_elsewhere_is_not_given_to_another() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = fixture.directory.path().join("own.realm");
    let path = left_by(&user, Some(&path), &[]);
    let other = fixture.app.login(&Credentials::anonymous()).unwrap();
    let open = || {
        let config = RealmConfig {
            path: Some(path.clone()),
            ..RealmConfig::new(SCHEMA)
        };
        Realm::open(&other, config, None)
    };
    let (elsewhere, _) = SqliteOutbox::open(&path, Options::default()).unwrap();
    let error = open().unwrap_err();
    assert_eq!(error.code(), Code::MismatchedConfig);
    assert!(error.to_string().contains("is open for user 'user1'"), "{error}");
    assert_eq!(elsewhere.owner().unwrap().unwrap().user, "user1");
    drop(elsewhere);
    let realm = open().unwrap();
    write(&realm, [1]);
    uploaded(&realm);
    let sent = fixture.server.seen("POST ingest").pop().unwrap();
    let token = format!("Bearer {}", other.access_token());
    assert_eq!(sent.headers["authorization"], token);
}

#[test]
fn an_outbox_without_an_owner_belongs_to_the_user_in_whose_directory_it_lies() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let path = user.realm_path().unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // As a release left it that kept no owner.
    let (outbox, _) = SqliteOutbox::open(&path, Options::default()).unwrap();
    let schema = realm_ingest_protocol::Schema::parse(SCHEMA).unwrap();
    let schema = outbox
        .register_schema(&schema.fingerprint(), &schema.to_json())
        .unwrap();
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    outbox
        .append(&WriteTransaction {
            schema,
            runs: &runs,
            payload: &reading(1),
        })
        .unwrap();
    drop(outbox);
    let _app = fixture.restarted();
    assert_eq!(stored(&fixture, 1), [1]);
}
