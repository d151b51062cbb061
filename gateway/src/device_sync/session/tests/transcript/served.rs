//! Files that are served.

use super::*;

#[test]
fn a_new_file_gets_an_ident_a_bootstrap_and_acknowledgements() {
    let mut client = Conversation::of(14);
    let allocate = client.says("bind 1 37 0 1 0\n{\"schemaVersion\":0,\"sessionReason\":0}");
    let [Effect::Allocate { binding }] = *allocate else {
        panic!("{allocate:?}")
    };
    let ident = client.sessions.allocated(binding, FILE);
    assert_eq!(client.sent(ident), ["ident 1 2 946016527359837633\n"]);
    assert_eq!(client.sessions.allocated(binding, FILE), [], "it has one");
    let identify = client.says("ident 1 2 946016527359837633 0 0 0 0 0 2\n{}");
    let wanted = Effect::Identify {
        binding,
        file: FILE,
        acked: 0,
    };
    assert_eq!(identify, [wanted]);
    assert_eq!(
        client.says("mark 1 1\n"),
        [],
        "a mark waits until the file is known"
    );
    let begun = client.sessions.identified(binding);
    let begun = client.sent(begun);
    assert_eq!(
        begun,
        [
            "download 1 1 0 1 8243101811291549287 0 0 0 1 1 0 23 0\n1 0 375324684512 1 0 0 ",
            "mark 1 1\n"
        ]
    );
    let store = client.says("upload 1 0 32 0 11 1 1\n5 0 375325657408 0 3 xyz12345678");
    assert!(
        matches!(*store, [Effect::Store { binding: one, upload }] if one == binding && upload.progress_client == 11)
    );
    let acknowledged = client.sessions.stored(binding, stored(11));
    assert_eq!(
        client.sent(acknowledged),
        ["download 1 2 11 2 8243101811291549287 11 1 0 2 1 0 0 0\n"]
    );
    assert_eq!(client.says("upload 1 0 0 0 12 2 2\n"), []);
    assert_eq!(
        client.says("ping 77 0\n"),
        [Effect::Send(ServerMessage::Pong { timestamp: 77 })]
    );
    let unbound = client.says("unbind 1\n");
    let wanted = [
        Effect::End { binding },
        Effect::Send(ServerMessage::Unbound { session: 1 }),
    ];
    assert_eq!(unbound, wanted);
}

#[test]
fn an_upload_may_come_before_the_file_is_known() {
    let mut client = Conversation::of(14);
    client.says("bind 4 0 0 0 0\n");
    let identify = client.says("ident 4 2 1 30 20 33 8243101811291549287 0 2\n{}");
    let store = client.says("upload 4 0 1 0 25 30 30\nx");
    let [Effect::Store { binding, .. }] = *store else {
        panic!("{store:?}")
    };
    let file = FileIdent { ident: 2, salt: 1 };
    let acked = 20;
    assert_eq!(identify, [Effect::Identify { binding, file, acked }]);
    let begun = client.sessions.identified(binding);
    let begun = client.sent(begun);
    assert!(
        begun[0].starts_with("download 4 34 20 34 8243101811291549287 20 0 0 1 1 0 25 0\n34 20 "),
        "{begun:?}"
    );
    let acknowledged = client.sessions.stored(binding, stored(25));
    assert_eq!(
        client.sent(acknowledged),
        ["download 4 35 25 35 8243101811291549287 25 30 0 2 1 0 0 0\n"]
    );
}

#[test]
fn what_is_asked_before_the_file_is_known_is_answered_once_it_is() {
    let mut client = Conversation::of(14);
    client.says("bind 1 0 0 0 0\n");
    let identify = client.says("ident 1 2 1 0 0 0 0 0 2\n{}");
    let [Effect::Identify { binding, .. }] = *identify else {
        panic!("{identify:?}")
    };
    for asked in ["mark 1 1\n", "query 1 1 2\n{}", "query 1 2 2\n{}", "mark 1 2\n"] {
        assert_eq!(client.says(asked), [], "{asked}");
    }
    let begun = client.sessions.identified(binding);
    let [first, second, mark] = client.sent(begun).try_into().unwrap();
    assert!(
        first.starts_with("download 1 1 0 1 8243101811291549287 0 0 0 1 "),
        "{first}"
    );
    assert!(
        second.starts_with("download 1 2 0 2 8243101811291549287 0 0 2 1 "),
        "{second}"
    );
    assert_eq!(mark, "mark 1 2\n", "behind what it asks for");
    assert_eq!(client.sessions.identified(binding), [], "it is known already");
}

#[test]
fn a_file_of_app_services_is_told_of_versions_once_it_has_said_how_far_it_is() {
    let mut client = Conversation::of(14);
    client.says("bind 1 0 0 0 0\n");
    let identify = client.says("ident 1 2 1 30 20 33 0 0 2\n{}");
    let [Effect::Identify { binding, .. }] = *identify else {
        panic!("{identify:?}")
    };
    assert_eq!(client.sessions.identified(binding), []);
    let mark = client.says("mark 1 1\n");
    assert_eq!(client.sent(mark), ["mark 1 1\n"], "or it would not upload");
    client.says("upload 1 0 1 0 25 30 30\nx");
    assert_eq!(client.says("query 1 1 2\n{}"), []);
    let begun = client.sessions.stored(binding, stored(25));
    let begun = client.sent(begun);
    assert!(
        begun[0].starts_with("download 1 34 25 34 8243101811291549287 25 30 0 1 "),
        "{begun:?}"
    );
    assert!(
        begun[1].starts_with("download 1 35 25 35 8243101811291549287 25 30 1 1 "),
        "{begun:?}"
    );
    assert_eq!(begun.len(), 2, "they acknowledge as well");
}

#[test]
fn an_empty_upload_says_how_far_a_file_of_app_services_is() {
    let mut client = Conversation::of(14);
    client.says("bind 1 0 0 0 0\n");
    let identify = client.says("ident 1 2 1 30 20 33 0 0 2\n{}");
    let [Effect::Identify { binding, .. }] = *identify else {
        panic!("{identify:?}")
    };
    client.sessions.identified(binding);
    assert_eq!(client.says("query 1 1 2\n{}"), []);
    let begun = client.says("upload 1 0 0 0 25 30 30\n");
    assert_eq!(
        client.sent(begun).len(),
        2,
        "the subscriptions before it can be served"
    );
    assert_eq!(client.says("upload 1 0 0 0 26 30 30\n"), []);
}

#[test]
fn one_acknowledgement_covers_uploads_that_were_stored_together() {
    let mut client = Conversation::of(14);
    let binding = client.known(1);
    for progress in [5, 9, 12] {
        client.says(&format!("upload 1 0 1 0 {progress} 0 0\nx"));
    }
    client.says("upload 1 0 0 0 14 1 1\n");
    let first = client.sessions.stored(binding, stored(9));
    assert_eq!(
        client.sent(first),
        ["download 1 2 9 2 8243101811291549287 9 0 0 2 1 0 0 0\n"]
    );
    let second = client.sessions.stored(binding, stored(12));
    assert_eq!(
        client.sent(second),
        ["download 1 3 14 3 8243101811291549287 14 1 0 2 1 0 0 0\n"],
        "with the versions behind it that have no changesets"
    );
    assert_eq!(client.sessions.stored(binding, stored(12)), []);
}

#[test]
fn what_is_refused_is_told_with_an_empty_changeset() {
    let refused = || Stored {
        progress_client: 5,
        refused: vec![RejectedUpdate {
            client_version: 4,
            table: "Reading".to_owned(),
            key: PrimaryKey::Null,
            reason: "no".to_owned(),
        }],
        unnamed: 0,
    };
    let answered = |version| {
        let mut client = Conversation::of(version);
        let binding = client.known(1);
        client.says("upload 1 0 1 0 5 1 1\nx");
        let effects = client.sessions.stored(binding, refused());
        client.sent(effects)
    };
    let [error, download] = answered(5).try_into().unwrap();
    assert!(
        error.starts_with("json_error 231 ") && error.contains("\"compensatingWriteServerVersion\":2"),
        "{error}"
    );
    assert_eq!(
        download,
        "download 1 2 5 2 8243101811291549287 5 1 0 2 0 0 23 0\n2 5 375324684512 1 0 0 "
    );
    assert_eq!(
        answered(4),
        ["download 1 2 5 2 8243101811291549287 5 1 0 2 0 0 0 0\n"]
    );
}

#[test]
fn the_empty_set_of_subscriptions_is_served_and_any_other_refused() {
    let mut client = Conversation::of(14);
    client.known(1);
    let served = client.says("query 1 1 2\n{}");
    let served = client.sent(served);
    assert!(
        served[0].starts_with("download 1 2 0 2 8243101811291549287 0 0 1 1 1 0 23 0\n"),
        "{served:?}"
    );
    let refused = client.says("query 1 2 11\n{\"Top\":\"x\"}");
    let [
        Effect::Send(error),
        Effect::Note(Note::RefusedSubscriptions { .. }),
    ] = &*refused
    else {
        panic!("{refused:?}")
    };
    let error = client.text(error);
    assert!(
        error.starts_with("query_error 226 ") && error.contains("('Top') are not served"),
        "{error}"
    );
    let next = client.says("query 1 3 2\n{}");
    assert!(client.sent(next)[0].starts_with("download 1 3 0 3 8243101811291549287 0 0 3 1 "));
}

#[test]
fn active_subscriptions_are_bootstrapped_all_the_same() {
    let mut client = Conversation::of(14);
    client.says("bind 1 0 0 0 0\n");
    let identify = client.says("ident 1 2 1 0 0 0 0 3 11\n{\"Top\":\"\"} ");
    let [
        Effect::Note(Note::ActiveSubscriptions { .. }),
        Effect::Identify { binding, .. },
    ] = *identify
    else {
        panic!("{identify:?}")
    };
    let begun = client.sessions.identified(binding);
    assert!(client.sent(begun)[0].starts_with("download 1 1 0 1 8243101811291549287 0 0 3 1 "));
}
