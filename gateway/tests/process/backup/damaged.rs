//! Files that are damaged: what a server says of them, and the check.

use super::*;

#[test]
fn a_server_on_a_damaged_file_says_what_to_do() {
    for name in ["gateway.sqlite", "documents.sqlite"] {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(name), "no database at all").unwrap();
        let mut command = Command::new(BINARY);
        command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]);
        let output = command.arg(data.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        let said = String::from_utf8(output.stderr).unwrap();
        for part in [name, "is damaged", "put a backup in its place", "check-integrity"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}

#[test]
fn the_check_says_what_is_wrong_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let sent = [one_run(
        1,
        "Note",
        &[note("a", "x"), doc! {"_id": "bad", "text": 5}],
    )];
    let sent = batch(&outbox(1), &schema(), &sent);
    post(&mut server.client(), &server.token(), &sent).unwrap().ack();
    is_in_order(&data);
    for (number, (file, damage, wanted)) in [
        (
            "documents",
            "UPDATE documents SET document = x'0500000001'",
            "document 1 is not sound: ",
        ),
        (
            "documents",
            "UPDATE documents SET id = x'0200000000'",
            "document 1 is stored under an _id that it does not have",
        ),
        (
            "documents",
            "UPDATE collections SET documents = 2",
            "collection 'Note' is counted with 2 documents",
        ),
        (
            "documents",
            "UPDATE collections SET bytes = 2",
            "collection 'Note' is counted with 1 documents of 2",
        ),
        (
            "documents",
            "UPDATE collections SET id = 9",
            "there are documents of collection 1, which is not",
        ),
        (
            "documents",
            "DELETE FROM blocks",
            "collection 1 has documents in block 0, which is not noted",
        ),
        (
            "documents",
            "UPDATE letter_counts SET letters = 5",
            "is counted with 5 dead letters",
        ),
        (
            "documents",
            "DELETE FROM letter_counts WHERE user = ''",
            "dead letters of user '' are not counted",
        ),
        (
            "documents",
            "UPDATE outboxes SET position = 0",
            "dead letter 1 is of transaction 1 of outbox",
        ),
        (
            "documents",
            "UPDATE outboxes SET position = -1",
            "has a position that cannot be: -1",
        ),
        (
            "documents",
            "UPDATE outboxes SET lineage = NULL",
            "has a position that cannot be: 1",
        ),
        (
            "gateway",
            "DELETE FROM users",
            "there are outboxes or dead letters of user",
        ),
        ("gateway", "DELETE FROM users", "session"),
        (
            "gateway",
            "INSERT INTO client_files (ident, salt, user, client, created, seen) VALUES (2, 5, 'nobody', '', 1, 1)",
            "client file 2/5 is of user 'nobody', who is not there",
        ),
        (
            "gateway",
            "INSERT INTO client_files (ident, salt, user, registry, client, created, seen) VALUES (2, 5, '', x'00', '', 1, 1)",
            "client file 2/5: what is known of a client file cannot be read",
        ),
        (
            "gateway",
            "UPDATE schemas SET json = 'x'",
            "the schemas cannot be read",
        ),
        (
            "documents",
            "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'documents_id'",
            "documents.sqlite: ",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let copy = folder.path().join(number.to_string());
        backup(&data, &copy, |_| {}).unwrap();
        let connection = Connection::open(copy.join(format!("{file}.sqlite"))).unwrap();
        connection
            .execute_batch(&format!("PRAGMA foreign_keys = 0; {damage}"))
            .unwrap();
        drop(connection);
        let output = command(&copy, &["check-integrity"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(wanted), "{damage}: {said}");
        assert_eq!(output.status.code(), Some(1), "{damage}");
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .ends_with("things are wrong\n")
        );
    }
}
