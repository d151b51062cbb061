//! The commands over dead letters.

use bson::doc;
use serde_json::{Value, json};

use crate::common::server::{Server, command, lines, post};
use crate::common::{batch, note, one_run, outbox, schema};

/// A server with dead letters of two outboxes: two notes, and one of a class that is not there.
fn with_letters(data: &std::path::Path) -> Server {
    let server = Server::start(data);
    let token = server.token();
    let bad = doc! {"_id": "b", "text": 5};
    let notes = one_run(1, "Note", &[bad.clone(), bad]);
    let nobody = one_run(1, "Nobody", &[note("a", "b")]);
    for (device, transaction) in [(1, notes), (2, nobody)] {
        let body = batch(&outbox(device), &schema(), &[transaction]);
        post(&mut server.client(), &token, &body).unwrap().ack();
    }
    server
}

#[test]
fn dead_letters_are_shown_as_far_as_they_are_meant() {
    let data = tempfile::tempdir().unwrap();
    let _server = with_letters(data.path());
    let shown = |arguments: &[&str]| -> Vec<Value> {
        let arguments: Vec<_> = [&["dead-letters"], arguments].concat();
        let lines = lines(data.path(), &arguments);
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let all = shown(&[]);
    assert_eq!(all.len(), 3);
    assert_eq!(shown(&["--class", "Nobody"]), all[2..]);
    assert_eq!(
        shown(&["--code", "TypeMismatch", "--outbox", &outbox(1)]),
        all[..2]
    );
    assert_eq!(shown(&["--code", "TypeMismatch", "--limit", "1"]), all[..1]);
    assert_eq!(shown(&["--user", all[0]["user"].as_str().unwrap()]), all);
    assert_eq!(shown(&["--user", "nobody"]), [json!(null); 0]);
    assert_eq!(shown(&["--older-than", "1d"]), [json!(null); 0]);
    assert_eq!(shown(&["--older-than", "0s", "--limit", "2"]), all[..2]);
}

#[test]
fn a_purge_says_how_many_it_took_and_takes_none_that_were_not_named() {
    let data = tempfile::tempdir().unwrap();
    let _server = with_letters(data.path());
    let purged = |arguments: &[&str]| {
        let arguments: Vec<_> = [&["dead-letters", "purge"], arguments].concat();
        lines(data.path(), &arguments)
    };
    for arguments in [&[][..], &["--all", "--class", "Note"]] {
        let arguments: Vec<_> = [&["dead-letters", "purge"], arguments].concat();
        let output = command(data.path(), &arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("or --all alone"), "{text}");
    }
    let wrong = command(data.path(), &["dead-letters", "purge", "--older-than", "90"]);
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{text}");
    assert!(text.contains("d, h, m or s"), "{text}");

    assert_eq!(purged(&["--older-than", "90d"]), ["purged 0"]);
    assert_eq!(
        purged(&["--class", "Note", "--code", "TypeMismatch"]),
        ["purged 2"]
    );
    assert_eq!(lines(data.path(), &["dead-letters"]).len(), 1);
    assert_eq!(purged(&["--all"]), ["purged 1"]);
    assert_eq!(purged(&["--all"]), ["purged 0"]);
}
