//! The server is busy, silent, wrong or gone: what is written stays, and arrives when that is over.

use std::time::Duration;

use realm_ingest::app::{Credentials, UserState};
use realm_ingest::realm::Realm;
use realm_ingest::uploader::session::{ConnectionState, SessionState};
use realm_ingest::{Code, SyncError};

use crate::common::server::{Reaction, Seen, Server, jwt};
use crate::common::{Fixture, LIMIT, open_realm, until, uploaded, wait, write};

fn busy(seconds: u32) -> Reaction {
    let body = r#"{"error":"busy","error_code":"InternalServerError"}"#.to_owned();
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Retry-After", seconds.to_string()),
    ];
    Reaction::Answer(503, headers, body)
}

#[test]
fn a_batch_is_sent_again_after_503_and_not_before_the_server_wants_it() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    uploaded(&realm);
    fixture.server.next("POST ingest", busy(7));
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::SyncConnectFailed, false));
    assert!(
        error.message.starts_with("Failed to connect to sync: busy"),
        "{}",
        error.message
    );
    let longest = fixture.clock.pauses().into_iter().max().unwrap();
    assert!(
        longest > Duration::from_secs(7) && longest < Duration::from_secs(8),
        "{longest:?}"
    );
}

#[test]
fn each_failed_attempt_is_reported_and_pauses_grow() {
    let fixture = Fixture::new();
    for _ in 0..4 {
        fixture.server.next("GET ingest/", Reaction::Cut);
    }
    let (realm, errors) = fixture.realm();
    uploaded(&realm);
    let reported: Vec<SyncError> = errors.try_iter().collect();
    assert_eq!(reported.len(), 4, "{reported:?}");
    assert!(
        reported
            .iter()
            .all(|error| error.message.starts_with("Failed to connect to sync: "))
    );
    let pauses: Vec<_> = fixture.clock.short_pauses().into_iter().take(4).collect();
    let expected: Vec<_> = [250, 500, 1000, 2000].map(Duration::from_millis).to_vec();
    assert_eq!(pauses, expected);
}

#[test]
fn a_lost_answer_makes_the_batch_go_again_and_nothing_is_doubled() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", Reaction::DoAndCut);
    write(&realm, [1, 2]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [0, 1, 2]);
    assert_eq!(fixture.server.state().repeated, 1);
    assert_eq!(realm.pending().unwrap().objects, 0);
}

#[test]
fn an_expired_token_is_refreshed_once_and_nobody_is_told() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    {
        let mut state = fixture.server.state();
        state.strict_tokens = true;
        state.tokens += 1;
    }
    write(&realm, [2]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2]);
    assert_eq!(fixture.server.seen("POST auth/session").len(), 1);
    assert!(errors.try_recv().is_err());
}

#[test]
fn a_token_is_refreshed_before_it_ends() {
    let fixture = Fixture::new();
    fixture.server.state().access_seconds = 0;
    let user = fixture.user();
    fixture.server.state().access_seconds = 1800;
    let (realm, _errors) = crate::common::open_realm(&user);
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(fixture.server.seen("POST auth/session").len(), 1);
    assert!(
        fixture.server.seen("POST ingest").len() <= 2,
        "no request was tried in vain"
    );
}

#[test]
fn a_second_401_is_fatal_and_keeps_the_data() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    uploaded(&realm);
    for _ in 0..2 {
        fixture.server.next(
            "POST ingest",
            Reaction::error(401, "InvalidSession", "unauthorized"),
        );
    }
    let waiting = {
        realm.session().pause();
        write(&realm, [1]);
        let waiting = wait(&realm);
        realm.session().resume();
        waiting
    };
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::AuthError, true));
    assert_eq!(
        waiting.recv_timeout(LIMIT).unwrap().unwrap_err().code(),
        Code::AuthError
    );
    assert_eq!(fixture.server.seen("POST auth/session").len(), 1);
    assert_eq!(realm.session().state(), SessionState::Inactive);
    assert_eq!(realm.pending().unwrap().objects, 1);
}

#[test]
fn a_refused_refresh_logs_the_user_out_and_a_login_brings_everything_back() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    let user = fixture.app.current_user().unwrap();
    uploaded(&realm);
    fixture.server.next(
        "POST ingest",
        Reaction::error(401, "InvalidSession", "unauthorized"),
    );
    let words = "invalid session: failed to find refresh token";
    fixture
        .server
        .next("POST auth/session", Reaction::error(401, "InvalidSession", words));
    realm.session().pause();
    write(&realm, [1]);
    let waiting = wait(&realm);
    realm.session().resume();
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::AuthError, true));
    assert_eq!(
        error.message,
        format!("Unable to refresh the user access token: {words}")
    );
    assert_eq!(
        waiting.recv_timeout(LIMIT).unwrap().unwrap_err().code(),
        Code::InvalidSession
    );
    assert_eq!(
        (user.state(), realm.session().state()),
        (UserState::LoggedOut, SessionState::Inactive)
    );

    write(&realm, [2]);
    let again = fixture
        .app
        .login(&Credentials::email_password("a@b.c", "password"))
        .unwrap();
    assert_eq!(again, user, "the same user object revives");
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2]);
}

#[test]
fn answers_that_make_no_sense_settle_nothing() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    write(&realm, [0]);
    uploaded(&realm);
    let lies: [fn(i64) -> String; 6] = [
        |acked| format!(r#"{{"acked":{},"refused":[]}}"#, acked + 1),
        |_| r#"{"acked":0,"refused":[]}"#.to_owned(),
        |acked| {
            format!(
                r#"{{"acked":{acked},"refused":[{{"seq":{acked},"index":9,"class":"Reading","code":"","reason":""}}]}}"#
            )
        },
        |acked| {
            format!(
                r#"{{"acked":{acked},"refused":[{{"seq":1,"index":0,"class":"Reading","code":"","reason":""}}]}}"#
            )
        },
        |_| "<html>welcome to the hotel</html>".to_owned(),
        |_| "{}".to_owned(),
    ];
    realm.session().pause();
    write(&realm, [1, 2]);
    for lie in lies {
        // None of these requests reaches what stores.
        let body = lie(2);
        fixture
            .server
            .next("POST ingest", Reaction::Answer(200, Vec::new(), body));
    }
    realm.session().resume();
    for _ in lies {
        let error = errors.recv_timeout(LIMIT).unwrap();
        assert_eq!(
            (error.code, error.is_fatal),
            (Code::SyncProtocolInvariantFailed, false)
        );
        assert!(error.compensating_writes.is_empty());
    }
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [0, 1, 2]);
}

fn unreadable() -> Reaction {
    Reaction::error(400, "BadRequest", "the batch contradicts itself")
}

#[test]
fn a_batch_the_server_cannot_read_is_fatal_and_kept() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    fixture.server.next("POST ingest", unreadable());
    write(&realm, [1]);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (error.code, error.is_fatal, error.message.as_str()),
        (Code::BadChangeset, true, "the batch contradicts itself")
    );
    assert_eq!(realm.session().state(), SessionState::Inactive);
    assert_eq!(
        wait(&realm).recv_timeout(LIMIT).unwrap().unwrap_err().code(),
        Code::OperationAborted
    );
    assert_eq!(realm.pending().unwrap().objects, 1);

    // Whoever mended the cause starts the session again.
    realm.session().pause();
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn a_fatal_session_tries_again_by_itself_ever_more_rarely_and_tells_of_it_once() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    for _ in 0..3 {
        fixture.server.next("POST ingest", unreadable());
    }
    write(&realm, [1]);
    assert!(errors.recv_timeout(LIMIT).unwrap().is_fatal);
    for attempt in 1..=3 {
        until("a pause", || fixture.clock.long_pauses().len() == attempt);
        assert_eq!(realm.session().state(), SessionState::Inactive);
        assert_eq!(realm.session().connection_state(), ConnectionState::Disconnected);
        fixture.clock.release();
    }
    fixture.server.until("the row", |state| !state.stored.is_empty());
    until("activity", || realm.session().state() == SessionState::Active);
    uploaded(&realm);
    let pauses: Vec<_> = fixture
        .clock
        .long_pauses()
        .iter()
        .map(Duration::as_secs)
        .collect();
    assert_eq!(pauses, [30, 60, 120]);
    assert!(errors.try_recv().is_err(), "it is told once");

    fixture.server.next("POST ingest", unreadable());
    write(&realm, [2]);
    let again = errors.recv_timeout(LIMIT).unwrap();
    assert!(again.is_fatal, "after a success it is news");
    until("a pause", || fixture.clock.long_pauses().len() == 4);
    assert_eq!(fixture.clock.long_pauses()[3].as_secs(), 30);
}

#[test]
fn a_fatal_session_tries_again_at_once_when_it_is_asked_to() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    let asks: [fn(&Fixture, &Realm) -> Option<Realm>; 3] = [
        |_, realm| {
            realm.session().reconnect();
            None
        },
        |_, realm| {
            realm.session().resume();
            None
        },
        |fixture, _| Some(fixture.realm().0),
    ];
    for (attempt, ask) in asks.into_iter().enumerate() {
        fixture.server.next("POST ingest", unreadable());
        write(&realm, [attempt as i64]);
        assert!(errors.recv_timeout(LIMIT).unwrap().is_fatal);
        until("a pause", || fixture.clock.long_pauses().len() > attempt);
        let _open = ask(&fixture, &realm);
        fixture
            .server
            .until("the row", |state| state.stored.len() == attempt + 1);
        until("activity", || realm.session().state() == SessionState::Active);
    }
}

#[test]
fn a_fatal_session_that_nobody_has_open_any_more_tries_again_all_the_same() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    fixture.server.next("POST ingest", unreadable());
    write(&realm, [1]);
    assert!(errors.recv_timeout(LIMIT).unwrap().is_fatal);
    until("a pause", || fixture.clock.long_pauses().len() == 1);
    let session = realm.session();
    drop(realm);
    assert!(session.is_alive());
    fixture.clock.release();
    fixture.server.until("the row", |state| !state.stored.is_empty());
    until("the end of the session", || !session.is_alive());
}

#[test]
fn a_schema_that_contradicts_the_server_is_told_and_asked_for_again_and_stops_nobody() {
    let fixture = Fixture::new();
    fixture.clock.hold_long_pauses();
    let (realm, errors) = fixture.realm();
    let text = "property 'Reading.note' has been changed from 'int' to 'string'";
    for _ in 0..2 {
        let refusal = Reaction::error(409, "SchemaConflict", text);
        fixture.server.next("PUT ingest/schemas/", refusal);
    }
    write(&realm, [1]);
    let waiting = wait(&realm);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(
        (error.code, error.is_fatal),
        (Code::SyncInvalidSchemaChange, false)
    );
    assert_eq!(error.message, text);
    until("a pause", || fixture.clock.long_pauses().len() == 1);
    assert_eq!(realm.session().state(), SessionState::Active);
    fixture.clock.release();
    until("a pause", || fixture.clock.long_pauses().len() == 2);
    fixture.clock.release();
    waiting.recv_timeout(LIMIT).unwrap().unwrap();
    assert_eq!(fixture.server.ids(), [1]);
    assert!(errors.try_recv().is_err(), "it is told once");
}

#[test]
fn a_server_that_keeps_asking_for_schemas_is_not_asked_without_end() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    uploaded(&realm);
    for _ in 0..2 {
        fixture.server.next(
            "PUT ingest/schemas/",
            Reaction::Answer(204, Vec::new(), String::new()),
        );
    }
    write(&realm, [1]);
    uploaded(&realm);
    let reported: Vec<_> = errors.try_iter().map(|error| error.code).collect();
    assert_eq!(reported, [Code::SyncProtocolInvariantFailed; 2]);
}

#[test]
fn a_request_without_answer_does_not_stop_other_realms_of_the_app() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let (first, _) = crate::common::open_realm(&user);
    uploaded(&first);
    fixture.server.next("POST ingest", Reaction::Hold);
    write(&first, [1]);
    fixture.server.until_held(1);

    let (handler, _errors) = crate::common::handler();
    let other = realm_ingest::realm::RealmConfig {
        path: Some(fixture.directory.path().join("other.realm")),
        ..realm_ingest::realm::RealmConfig::new(crate::common::SCHEMA)
    };
    let second = realm_ingest::realm::Realm::open(&user, other, Some(handler)).unwrap();
    write(&second, [2]);
    uploaded(&second);
    assert_eq!(fixture.server.ids(), [2]);
    fixture.server.release();
    uploaded(&first);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_server_that_moved_is_found_by_its_location() {
    let fixture = Fixture::new();
    let elsewhere = Server::start();
    fixture.server.next(
        "GET location",
        Reaction::Answer(
            200,
            Vec::new(),
            format!(r#"{{"hostname":"{}","ws_hostname":""}}"#, elsewhere.url()),
        ),
    );
    let (realm, _errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!((fixture.server.ids().len(), elsewhere.ids().len()), (0, 1));
}

#[test]
fn a_location_that_leads_nowhere_is_asked_for_again() {
    let elsewhere = Server::start();
    // No address, no server that speaks TLS, and not even a host.
    for host in [
        "gateway",
        &elsewhere.url().replace("http:", "https:"),
        "http://a b",
    ] {
        let fixture = Fixture::new();
        let named = format!(r#"{{"hostname":"{host}","ws_hostname":""}}"#);
        fixture.user();
        let app = fixture.restarted();
        fixture
            .server
            .next("GET location", Reaction::Answer(200, Vec::new(), named));
        let (realm, _errors) = open_realm(&app.current_user().unwrap());
        write(&realm, [1]);
        uploaded(&realm);
        assert_eq!(fixture.server.ids(), [1], "{host}");
    }
}

#[test]
fn a_server_that_counts_backwards_is_not_sent_the_same_again_and_again() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    for position in 1..200 {
        let body = format!(
            r#"{{"error":"a hole","error_code":"BatchOutOfOrder","position":{}}}"#,
            -position
        );
        fixture.server.next(
            "POST ingest",
            Reaction::Answer(409, vec![("Content-Type", "application/json".to_owned())], body),
        );
    }
    write(&realm, [1]);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!(error.code, Code::SyncProtocolInvariantFailed, "{error:?}");
    uploaded(&realm);
    let pauses = fixture.clock.pauses();
    assert!(pauses.len() >= 90, "it waits longer and longer: {}", pauses.len());
    assert_eq!(fixture.server.ids(), [1]);
}

#[test]
fn an_answer_that_is_larger_than_any_of_its_kind_is_not_kept() {
    let fixture = Fixture::new();
    fixture.server.next(
        "GET location",
        Reaction::Answer(200, Vec::new(), "0,".repeat(1 << 20)),
    );
    let error = fixture.app.login(&Credentials::anonymous()).unwrap_err();
    assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
    fixture.app.login(&Credentials::anonymous()).unwrap();
}

#[test]
fn a_token_of_another_user_is_not_used() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    let foreign = jwt(&serde_json::json!({
        "exp": 4_000_001_800_i64, "iat": 4_000_000_000_i64, "n": 1_000_000, "sub": "somebody"
    }));
    let renewed = serde_json::json!({"access_token": foreign}).to_string();
    fixture
        .server
        .next("POST ingest", Reaction::error(401, "InvalidSession", "expired"));
    fixture.server.next(
        "POST auth/session",
        Reaction::Answer(
            201,
            vec![("Content-Type", "application/json".to_owned())],
            renewed,
        ),
    );
    write(&realm, [2]);
    uploaded(&realm);
    let used = |seen: &Seen| seen.headers["authorization"].contains(&foreign);
    assert!(!fixture.server.seen("POST ingest").iter().any(used));
    assert_eq!(fixture.server.ids(), [1, 2]);
}

#[test]
fn a_portal_on_the_way_neither_logs_the_user_out_nor_stops_the_session() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    let page = |status| {
        Reaction::Answer(
            status,
            vec![("Content-Type", "text/html".to_owned())],
            "<html>".to_owned(),
        )
    };
    write(&realm, [0]);
    uploaded(&realm);
    fixture.server.next("POST ingest", page(200));
    fixture.server.next("POST ingest", page(403));
    fixture.server.next("POST ingest", page(400));
    fixture.server.next("POST ingest", page(401));
    fixture.server.next("POST auth/session", page(401));
    write(&realm, [1]);
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [0, 1]);
    assert_eq!(fixture.app.current_user().unwrap().state(), UserState::LoggedIn);
    assert!(errors.try_iter().all(|error| !error.is_fatal));
}
