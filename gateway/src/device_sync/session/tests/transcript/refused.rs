//! Sessions and connections that end.

use super::*;

#[test]
fn after_an_error_nothing_is_sent_until_the_session_is_bound_again() {
    let mut client = Conversation::of(14);
    let binding = client.known(1);
    client.says("upload 1 0 1 0 5 0 0\nx");
    let error = SessionError::later("the database does not answer");
    let failed = client.sessions.failed(binding, error.clone().into());
    let session = 1;
    let wanted = [
        Effect::Send(ServerMessage::SessionError { session, error }),
        Effect::End { binding },
    ];
    assert_eq!(failed, wanted);
    for crossing in [
        "mark 1 2\n",
        "upload 1 0 1 0 6 0 0\nx",
        "query 1 1 2\n{}",
        "unbind 1\n",
    ] {
        assert_eq!(client.says(crossing), [], "{crossing}");
    }
    let again = client.known(1);
    for late in [
        client.sessions.stored(binding, stored(5)),
        client.sessions.identified(binding),
    ] {
        assert_eq!(late, []);
    }
    let error = SessionError::later("late").into();
    assert_eq!(client.sessions.failed(binding, error), []);
    client.says("upload 1 0 1 0 5 0 0\nx");
    assert_ne!(client.sessions.stored(again, stored(5)), []);
}

#[test]
fn a_client_that_could_not_use_something_is_told_to_bind_again() {
    let mut client = Conversation::of(14);
    client.known(1);
    let effects = client.says("json_error 233 15 1\n{\"message\":\"x\"}");
    let [
        Effect::Note(Note::ClientError { code: 233, .. }),
        Effect::Send(error),
        Effect::End { .. },
    ] = &*effects
    else {
        panic!("{effects:?}")
    };
    let error = client.text(error);
    assert!(
        error.starts_with("json_error 200 ") && error.contains("\"action\":\"Transient\""),
        "{error}"
    );
    client.known(1);
}

#[test]
fn a_message_at_the_wrong_time_ends_the_connection() {
    let cases = [
        (107, "bind 1 0 0 0 0\n"),
        (106, "bind 0 0 0 0 0\n"),
        (106, "mark 2 1\n"),
        (106, "unbind 0\n"),
        (106, "json_error 233 0 9\n"),
        (109, "ident 1 2 1 0 0 0 0 0 2\n{}"),
        (109, "query 1 0 2\n{}"),
        (111, "upload 1 0 0 0 9 0 0\n"),
        (111, "upload 1 0 1 0 10 0 0\nx"),
    ];
    for (code, message) in cases {
        let mut client = Conversation::of(14);
        client.known(1);
        client.says("upload 1 0 0 0 10 0 0\n");
        let effects = client.says(message);
        assert_eq!(client.ends(&effects), code, "{message}");
        assert_eq!(client.says("ping 1 0\n"), [], "the connection has ended");
        assert_eq!(client.sessions.count(), 0);
    }
    for early in ["mark 1 1\n", "query 1 1 2\n{}", "upload 1 0 0 0 9 0 0\n"] {
        for bind in ["bind 1 0 0 0 0\n", "bind 1 0 0 1 0\n"] {
            let mut client = Conversation::of(14);
            client.says(bind);
            let effects = client.says(early);
            assert_eq!(client.ends(&effects), 109, "{early}");
        }
    }
    let mut client = Conversation::of(14);
    client.says("bind 1 0 0 1 0\n");
    let effects = client.says("ident 1 2 1 0 0 0 0 0 2\n{}");
    assert_eq!(client.ends(&effects), 109, "it has no ident as yet");
}

#[test]
fn what_is_not_known_is_ignored() {
    let mut client = Conversation::of(14);
    client.known(1);
    let name = "transact".to_owned();
    assert_eq!(
        client.says("transact 1 2 3\nx"),
        [Effect::Note(Note::UnknownMessage { name })]
    );
    assert_eq!(client.says("test_command 1 1 2\n{}"), []);
}

#[test]
fn a_file_that_no_gateway_named_is_not_served() {
    for ident in ["1 5", "0 5", "2 0"] {
        let mut client = Conversation::of(14);
        client.says("bind 1 0 0 0 0\n");
        let effects = client.says(&format!("ident 1 {ident} 0 0 0 0 0 2\n{{}}"));
        assert!(
            matches!(&*effects, [Effect::Send(ServerMessage::SessionError { error, .. }), Effect::End { .. }] if error.number() == 201),
            "{effects:?}"
        );
    }
}

#[test]
fn versions_near_the_end_of_numbers_are_not_passed() {
    let mut client = Conversation::of(14);
    client.says("bind 1 0 0 0 0\n");
    let effects = client.says("ident 1 2 1 9223372036854775807 0 0 0 0 2\n{}");
    assert!(matches!(
        &*effects,
        [Effect::Send(ServerMessage::SessionError { .. }), _]
    ));
    let binding = client.known(1);
    client.says("upload 1 0 1 0 9223372036854775807 9223372036854775807 0\nx");
    let acknowledged = client.sessions.stored(binding, stored(u64::MAX));
    assert_eq!(
        client.sent(acknowledged),
        ["download 1 2 9223372036854775807 2 8243101811291549287 9223372036854775807 1 0 2 1 0 0 0\n"]
    );
}

#[test]
fn a_connection_has_so_many_sessions() {
    let mut client = Conversation::of(14);
    for session in 1..=MAX_SESSIONS {
        assert_eq!(client.says(&format!("bind {session} 0 0 0 0\n")), []);
    }
    let effects = client.says("bind 100000 0 0 0 0\n");
    assert_eq!(client.ends(&effects), 101);
}
