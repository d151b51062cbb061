//! `_id` is the key: sent once or five times, each document is there once, and each refusal is told each time.

use bson::doc;
use bson::oid::ObjectId;
use realm_ingest_protocol::Ack;

use crate::common::{APP, Local, Transaction, batch, bytes, note, one_run, outbox, reading, schema};

async fn send(gateway: &Local, token: &str, outbox: &str, transactions: &[Transaction]) -> Ack {
    gateway
        .post(token, "identity", batch(outbox, &schema(), transactions))
        .await
        .ack()
}

#[tokio::test]
async fn documents_are_stored_byte_for_byte_and_the_position_moves() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let outbox = outbox(1);
    assert_eq!(gateway.position(&token, &outbox).await, 0);
    let documents = [
        reading(1.0),
        doc! {"_id": ObjectId::new(), "value": f64::NAN, "place": {"name": "roof"}},
    ];
    let transactions = [
        one_run(4, "Reading", &documents),
        (
            9,
            vec![
                ("Note", bytes(&[note("a", "b")])),
                ("Reading", bytes(&[reading(2.0)])),
            ],
        ),
    ];
    let ack = send(&gateway, &token, &outbox, &transactions).await;
    assert_eq!(
        ack,
        Ack {
            acked: 9,
            position: 9,
            refused: vec![],
            unlisted: vec![]
        }
    );
    assert_eq!(gateway.position(&token, &outbox).await, 9);
    assert_eq!(gateway.counts(), (4, 0));
    let stored = gateway.reader().documents(None, 0, i64::MAX, 2).unwrap();
    let stored: Vec<_> = stored.into_iter().map(|one| one.document).collect();
    assert_eq!(stored, bytes(&documents));
    // An older batch that comes late does not turn the position back, and is told where it is.
    let late = [one_run(2, "Reading", &[reading(3.0)])];
    let ack = send(&gateway, &token, &outbox, &late).await;
    assert_eq!((ack.acked, ack.position), (2, 9));
    assert_eq!(gateway.position(&token, &outbox).await, 9);
    let answer = gateway
        .call("GET", &format!("{APP}/ingest/{outbox}"), Some(&token), "")
        .await;
    assert_eq!(answer.json["max_batch_bytes"], 65 * 1024 * 1024);
}

#[tokio::test]
async fn a_batch_sent_again_changes_nothing_and_is_answered_the_same() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    send(
        &gateway,
        &token,
        &outbox(7),
        &[one_run(1, "Note", &[note("taken", "first")])],
    )
    .await;
    let wrong_type = doc! {"_id": "wrong", "text": 5};
    let body = batch(
        &outbox(1),
        &schema(),
        &[
            one_run(
                1,
                "Note",
                &[
                    note("a", "1"),
                    wrong_type,
                    note("a", "2"),
                    note("taken", "second"),
                ],
            ),
            (
                2,
                vec![
                    ("Nobody", bytes(&[note("x", "y")])),
                    ("Note", bytes(&[note("b", "1")])),
                ],
            ),
        ],
    );
    let first = gateway.post(&token, "identity", body.clone()).await;
    let counts = gateway.counts();
    assert_eq!(counts, (3, 3));
    let refused = first.ack().refused;
    let told: Vec<_> = refused
        .iter()
        .map(|one| (one.seq, one.index, one.code.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, 1, "TypeMismatch"),
            (1, 3, "DuplicateId"),
            (2, 0, "UnknownClass")
        ]
    );
    assert_eq!(refused[1].id, "taken");
    let mut gateway = gateway;
    for _ in 0..3 {
        assert_eq!(
            gateway.post(&token, "identity", body.clone()).await.json,
            first.json
        );
        gateway = gateway.restart().await;
    }
    assert_eq!(gateway.counts(), counts);
    let texts: Vec<_> = gateway
        .stored()
        .iter()
        .map(|one| one.get_str("text").unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["first", "2", "1"]);
    let stats = gateway.reader().stats().unwrap();
    assert_eq!(
        (stats.collections[0].documents, stats.collections[0].bytes),
        (3, expected_bytes(&gateway))
    );
}

fn expected_bytes(gateway: &Local) -> u64 {
    gateway
        .stored()
        .iter()
        .map(|document| document.to_vec().unwrap().len() as u64)
        .sum()
}

#[tokio::test]
async fn within_one_transaction_the_later_document_stands() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let documents = [
        note("a", "1"),
        note("b", "1"),
        note("a", "2"),
        note("a", "longer than before"),
        note("b", "1"),
    ];
    let transactions = [one_run(1, "Note", &documents)];
    for _ in 0..2 {
        assert!(
            send(&gateway, &token, &outbox(1), &transactions)
                .await
                .refused
                .is_empty()
        );
        let stored = gateway.stored();
        assert_eq!(stored, [note("a", "longer than before"), note("b", "1")]);
    }
    // One that is refused does not count as the later one.
    let documents = [note("c", "1"), doc! {"_id": "c", "text": 1}];
    let ack = send(&gateway, &token, &outbox(1), &[one_run(2, "Note", &documents)]).await;
    assert_eq!((ack.refused.len(), ack.refused[0].index), (1, 1));
    assert_eq!(gateway.stored()[2], note("c", "1"));
    assert_eq!(
        gateway.reader().stats().unwrap().collections[0].bytes,
        expected_bytes(&gateway)
    );
}

#[tokio::test]
async fn across_transactions_the_first_document_stands() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let same = [
        one_run(1, "Note", &[note("a", "1")]),
        one_run(2, "Note", &[note("a", "1")]),
    ];
    assert!(
        send(&gateway, &token, &outbox(1), &same).await.refused.is_empty(),
        "equal bytes are a success"
    );
    for (number, seq) in [(1, 3), (2, 1)] {
        let other = [one_run(seq, "Note", &[note("a", "2"), note("a", "3")])];
        let ack = send(&gateway, &token, &outbox(number), &other).await;
        let told: Vec<_> = ack
            .refused
            .iter()
            .map(|one| (one.index, one.code.as_str()))
            .collect();
        assert_eq!(
            told,
            [(1, "DuplicateId")],
            "the one before it was replaced within its own transaction"
        );
    }
    assert_eq!(gateway.stored(), [note("a", "1")]);
    assert_eq!(gateway.counts().1, 2);
}

#[tokio::test]
async fn one_id_in_two_classes_is_two_documents() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let two = realm_ingest_protocol::Schema::parse(
        r#"{"classes":[
            {"name":"A","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"int"}]},
            {"name":"B","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"int"}]}]}"#,
    )
    .unwrap();
    assert_eq!(gateway.put_schema(&token, &two).await.status, 204);
    let runs = vec![
        ("A", bytes(&[doc! {"_id": 1_i64}])),
        ("B", bytes(&[doc! {"_id": 1_i64}])),
        ("A", bytes(&[doc! {"_id": 2_i64}])),
    ];
    let body = batch(&outbox(1), &two, &[(1, runs)]);
    assert!(
        gateway
            .post(&token, "identity", body)
            .await
            .ack()
            .refused
            .is_empty()
    );
    assert_eq!(gateway.counts(), (3, 0));
    // 32 and 64 bits are one number, as in MongoDB; the bytes differ, so the first stands.
    let body = batch(&outbox(1), &two, &[one_run(2, "A", &[doc! {"_id": 1_i32}])]);
    assert_eq!(
        gateway.post(&token, "identity", body).await.ack().refused[0].code,
        "DuplicateId"
    );
}

#[tokio::test]
async fn batches_at_the_same_time_all_arrive() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64_u64 {
        let shared = note("shared", &number.to_string());
        let documents = [note(&format!("own {number}"), "x"), shared];
        let body = batch(&outbox(number), &schema(), &[one_run(1, "Note", &documents)]);
        let request = axum::http::Request::post(format!("{APP}/ingest"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", realm_ingest_protocol::CONTENT_TYPE)
            .body(axum::body::Body::from(body))
            .unwrap();
        let router = gateway.router.clone();
        tasks.spawn(async move {
            tower::ServiceExt::oneshot(router, request)
                .await
                .unwrap()
                .status()
        });
    }
    for status in tasks.join_all().await {
        assert_eq!(status, 200);
    }
    assert_eq!(
        gateway.counts(),
        (65, 63),
        "one of the shared ones was first, the others are refused"
    );
    assert_eq!(gateway.reader().stats().unwrap().outboxes, 64);
}
