//! Dead letters stay within their quota, and leave when the operator says so; what has no room waits on its device.

use bson::doc;
use realm_ingest_gateway::sink::embedded::{Purge, Replay};
use realm_ingest_gateway::sink::{Amount, Quota, Replayed, Which};
use rusqlite::Connection;

use crate::common::{Local, batch, note, one_run, outbox, schema};

const ANY: Amount = Amount {
    letters: u64::MAX,
    bytes: u64::MAX,
};

/// A gateway that keeps three dead letters of a user.
async fn narrow() -> Local {
    Local::with_quota(Quota {
        of_user: Amount { letters: 3, ..ANY },
        in_all: ANY,
        ..Quota::default()
    })
    .await
}

/// A batch with one document that is stored and two that are refused.
fn refused(device: u64) -> Vec<u8> {
    let bad = |id: &str| doc! {"_id": id, "text": 5};
    let documents = [note(&device.to_string(), "fits"), bad("a"), bad("b")];
    batch(&outbox(device), &schema(), &[one_run(1, "Note", &documents)])
}

const STORED_AND_LEFT: Replayed = Replayed {
    stored: 1,
    already: 0,
    left: 1,
};

/// Replays every letter as if it could be stored.
fn replay_all(gateway: &Local) -> Replayed {
    let mut replay = Replay::open(gateway.data()).unwrap();
    replay.run(&Which::default(), |_| Ok(()), |_| ()).unwrap()
}

fn purge(gateway: &Local, which: &Which) -> u64 {
    Purge::open(gateway.data()).unwrap().run(which, |_| ()).unwrap()
}

#[tokio::test]
async fn a_batch_without_room_for_its_dead_letters_is_put_off_as_a_whole() {
    let gateway = narrow().await;
    let token = gateway.ready().await;
    gateway.post(&token, "identity", refused(1)).await.ack();
    let answer = gateway.post(&token, "identity", refused(2)).await;
    answer.refused(
        429,
        Some("LimitsExceeded"),
        "ask the operator to look at 'dead-letters'",
    );
    assert_eq!(answer.header("retry-after"), "300");
    assert_eq!(gateway.counts(), (1, 2), "nothing of it is stored");
    assert_eq!(gateway.position(&token, &outbox(2)).await, 0);

    let other = gateway.ready().await;
    gateway.post(&other, "identity", refused(3)).await.ack();
}

#[tokio::test]
async fn a_batch_that_waits_for_room_is_taken_after_a_purge() {
    let gateway = narrow().await;
    let token = gateway.ready().await;
    let ack = gateway.post(&token, "identity", refused(1)).await.ack();
    assert_eq!(gateway.post(&token, "identity", refused(2)).await.status, 429);
    let again = gateway.post(&token, "identity", refused(1)).await.ack();
    assert_eq!(again, ack, "what is sent again needs no room");
    let of_first = Which {
        outbox: Some(outbox(1)),
        ..Which::default()
    };
    assert_eq!(purge(&gateway, &of_first), 2);
    assert_eq!(
        gateway
            .post(&token, "identity", refused(2))
            .await
            .ack()
            .refused
            .len(),
        2
    );
    assert_eq!(gateway.post(&token, "identity", refused(3)).await.status, 429);
    assert_eq!(gateway.counts(), (2, 2));
}

#[tokio::test]
async fn a_purge_takes_away_what_is_meant_and_nothing_else() {
    let gateway = Local::new().await;
    let (one, other) = (gateway.ready().await, gateway.ready().await);
    gateway.post(&one, "identity", refused(1)).await.ack();
    gateway.post(&other, "identity", refused(2)).await.ack();
    let unknown = batch(&outbox(3), &schema(), &[one_run(1, "Nobody", &[note("a", "b")])]);
    gateway.post(&other, "identity", unknown).await.ack();
    let letters = gateway.letters();
    assert_eq!(letters.len(), 5);

    let nothing = [
        Which {
            class: Some("Other".into()),
            ..Which::default()
        },
        Which {
            outbox: Some(outbox(9)),
            ..Which::default()
        },
        Which {
            user: Some("nobody".into()),
            ..Which::default()
        },
        Which {
            code: Some("DuplicateId".into()),
            ..Which::default()
        },
        Which {
            before: Some(letters[0].time),
            ..Which::default()
        },
        Which {
            code: Some("UnknownClass".into()),
            class: Some("Note".into()),
            ..Which::default()
        },
    ];
    for which in nothing {
        assert_eq!(purge(&gateway, &which), 0, "{which:?}");
    }
    let class = Which {
        class: Some("Nobody".into()),
        ..Which::default()
    };
    assert_eq!(purge(&gateway, &class), 1);
    let user = Which {
        user: Some(letters[0].user.clone()),
        ..Which::default()
    };
    assert_eq!(purge(&gateway, &user), 2);
    assert!(gateway.letters().iter().all(|one| one.outbox == outbox(2)));
    let old = Which {
        before: Some(i64::MAX),
        ..Which::default()
    };
    assert_eq!(purge(&gateway, &old), 2);
    assert_eq!(gateway.counts(), (2, 0));
}

#[tokio::test]
async fn a_replay_does_not_take_two_users_with_one_outbox_name_for_one() {
    let gateway = Local::new().await;
    for text in [1, 2] {
        let bad = doc! {"_id": "one", "text": text};
        let sent = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[bad])]);
        let token = gateway.ready().await;
        gateway.post(&token, "identity", sent).await.ack();
    }
    assert_eq!(replay_all(&gateway), STORED_AND_LEFT);
    assert_eq!(gateway.stored(), [doc! {"_id": "one", "text": 1}]);
    assert_eq!(gateway.letters()[0].code, "DuplicateId");
}

#[tokio::test]
async fn a_replay_does_not_take_a_copy_of_an_outbox_for_the_original() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let shared = one_run(1, "Note", &[note("shared", "")]);
    let bad = |text: i32| doc! {"_id": "one", "text": text};
    for documents in [vec![bad(1)], vec![note("own", ""), bad(2)]] {
        let transactions = [shared.clone(), one_run(2, "Note", &documents)];
        let sent = batch(&outbox(1), &schema(), &transactions);
        gateway.post(&token, "identity", sent).await.ack();
        // The other one sends later.
        let file = Connection::open(gateway.data().join("documents.sqlite")).unwrap();
        file.execute("UPDATE dead_letters SET time = time - 1", [])
            .unwrap();
    }
    assert_eq!(replay_all(&gateway), STORED_AND_LEFT);
    let of_original = gateway.stored().into_iter().filter(|one| *one == bad(1));
    assert_eq!(of_original.count(), 1);
    assert_eq!(gateway.letters()[0].document, bad(2).to_vec().unwrap());
}

#[tokio::test]
async fn letters_behind_thousands_that_are_not_meant_are_found() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let bad: Vec<_> = (0..5_000).map(|_| doc! {"_id": "b", "text": 5}).collect();
    let nobody: Vec<_> = (0..450).map(|_| note("a", "b")).collect();
    let transactions = [
        one_run(1, "Note", &bad),
        one_run(2, "Nobody", &nobody),
        one_run(3, "Note", &bad),
    ];
    let ack = gateway
        .post(&token, "identity", batch(&outbox(1), &schema(), &transactions))
        .await
        .ack();
    assert_eq!(ack.refused.len(), 10_450);
    let rare = Which {
        class: Some("Nobody".into()),
        ..Which::default()
    };
    assert_eq!(purge(&gateway, &rare), 450);
    assert_eq!(gateway.letters().len(), 10_000);
    assert_eq!(purge(&gateway, &Which::default()), 10_000);
}
