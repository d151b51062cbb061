//! What the first release has written.

use super::*;

/// A gateway over documents of format 1 after `change`, and the token of who sent what is there.
async fn over_format_1(change: impl FnOnce(&Connection, &str)) -> (Local, String) {
    let gateway = Local::new().await;
    let user = gateway.log_in().await;
    let token = user["access_token"].as_str().unwrap().to_owned();
    gateway.put_schema(&token, &schema()).await;
    let (closed, data) = (gateway.close(), tempfile::tempdir().unwrap());
    copy_files(closed.path(), data.path());
    for log in ["documents.sqlite-wal", "documents.sqlite-shm"] {
        let _ = std::fs::remove_file(data.path().join(log));
    }
    let path = data.path().join("documents.sqlite");
    std::fs::copy(format_1().join("documents.sqlite"), &path).unwrap();
    let file = Connection::open(path).unwrap();
    let user = user["user_id"].as_str().unwrap();
    file.execute("UPDATE dead_letters SET user = ?1", [user]).unwrap();
    change(&file, user);
    drop(file);
    (Local::over(Arc::new(data), Settings::default()).await, token)
}

/// Adds a dead letter in the place of number 2, as a copy of the outbox sent it.
fn add_another(file: &Connection, user: &str) {
    let document = doc! {"_id": "of a copy", "text": 5}.to_vec().unwrap();
    let add =
        "INSERT INTO dead_letters (outbox, seq, position, collection, user, time, code, reason, document)
        SELECT outbox, seq, position, 'Note', ?1, time, code, reason, ?2 FROM dead_letters WHERE number = 2";
    assert_eq!(file.execute(add, params![user, document]).unwrap(), 1);
}

#[tokio::test]
async fn dead_letters_of_format_1_with_one_place_are_all_taken_over() {
    let (gateway, _) = over_format_1(add_another).await;
    let letters = gateway.letters();
    assert_eq!(letters.len(), 3);
    assert_eq!(
        (&letters[1].outbox, letters[1].seq, letters[1].index),
        (&letters[2].outbox, letters[2].seq, letters[2].index)
    );
    assert_ne!(letters[1].document, letters[2].document);
}

#[tokio::test]
async fn a_dead_letter_of_format_1_that_is_sent_again_is_not_kept_again() {
    for (number, class) in [(1, "Reading"), (2, "Note")] {
        let (gateway, token) = over_format_1(add_another).await;
        let letter = &gateway.letters()[number];
        let mut device = Device {
            outbox: letter.outbox.clone(),
            ..Device::new()
        };
        device.write(&["1"]);
        let document = bson::Document::from_reader(&*letter.document).unwrap();
        device.rows.push(one_run(letter.seq, class, &[document]));
        let ack = device.post(&gateway, &token).await.ack();
        assert_eq!((ack.acked, ack.refused.len()), (2, 1));
        assert_eq!(gateway.letters().len(), 3);
    }
}

#[tokio::test]
async fn a_file_of_format_1_is_taken_over_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    copy_files(&format_1(), directory.path());
    let gateway = Local::over(Arc::new(directory), Settings::default()).await;
    let gateway = gateway.restart().await;
    assert_eq!(gateway.counts(), (4, 2));
    let letters = gateway.letters();
    assert!(letters.iter().all(|one| one.code == "TypeMismatch"));
    let stats = gateway.reader().stats().unwrap();
    assert_eq!((stats.outboxes, stats.setbacks), (2, 0));

    // An outbox whose last acknowledgement got lost sends again, now with a lineage.
    let token = gateway.ready().await;
    let mut device = Device {
        outbox: "33ae0ceb814641389bb91d4181f4af07".to_owned(),
        ..Device::new()
    };
    assert_eq!(gateway.position(&token, &device.outbox).await, 2);
    device.write(&["1", "2", "3"]);
    let mut clone = device.clone();
    clone.rows[0] = one_run(1, "Note", &[note("other", "x")]);
    device.post(&gateway, &token).await.ack();
    device.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    assert_eq!(gateway.counts().0, 4 + 4);
}
