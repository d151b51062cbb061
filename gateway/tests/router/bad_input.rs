//! Whatever is sent: the documented status and error JSON, nothing changed, and the gateway serves on.

use std::io::Read;

use axum::body::Body;
use axum::http::Request;
use bson::doc;
use bson::oid::ObjectId;
use realm_ingest_gateway::ingest::MAX_LISTED_BYTES;

use crate::common::{APP, Answer, Local, batch, bytes, note, one_run, outbox, reading, schema};

fn good() -> Vec<u8> {
    batch(
        &outbox(1),
        &schema(),
        &[one_run(1, "Reading", &[reading(1.0), reading(2.0)])],
    )
}

/// The gateway holds nothing, and takes a good batch.
async fn unchanged_and_serving(gateway: &Local, token: &str) {
    assert_eq!(gateway.counts(), (0, 0));
    assert_eq!(gateway.position(token, &outbox(1)).await, 0);
    assert_eq!(gateway.post(token, "identity", good()).await.ack().acked, 1);
    assert_eq!(gateway.counts(), (2, 0));
}

#[tokio::test]
async fn a_truncated_or_malformed_batch_changes_nothing() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let body = good();
    for end in 0..body.len() {
        let answer = gateway.post(&token, "identity", body[..end].to_vec()).await;
        answer.refused(400, Some("BadRequest"), "");
    }
    let mut longer = body.clone();
    longer.extend(reading(3.0).to_vec().unwrap());
    gateway
        .post(&token, "identity", longer)
        .await
        .refused(400, Some("BadRequest"), "transaction header");
    for compressed in [zstd::encode_all(&body[..], 1).unwrap()] {
        for end in 1..compressed.len() {
            let answer = gateway.post(&token, "zstd", compressed[..end].to_vec()).await;
            answer.refused(400, Some("BadRequest"), "");
        }
    }
    gateway
        .post(&token, "zstd", body)
        .await
        .refused(400, Some("BadRequest"), "not valid zstd");
    unchanged_and_serving(&gateway, &token).await;
}

#[tokio::test]
async fn numbers_that_contradict_each_other_are_found() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let header = |first: i64, last: i64, count: i64| {
        let fingerprints = [schema().fingerprint()];
        doc! {"outbox": outbox(1), "lineage": outbox(1), "acked": 0, "first_seq": first, "last_seq": last, "count": count, "schemas": &fingerprints[..]}
    };
    let transaction = |seq: i64, schema: i32| doc! {"seq": seq, "schema": schema, "runs": [{"class": "Reading", "count": 1}]};
    for documents in [
        vec![header(1, 1, 2), transaction(1, 0), reading(1.0)],
        vec![header(1, 2, 1), transaction(1, 0), reading(1.0)],
        vec![header(2, 2, 1), transaction(1, 0), reading(1.0)],
        vec![header(1, 1, 1), transaction(1, 1), reading(1.0)],
        vec![
            header(1, 1, 2),
            transaction(1, 0),
            reading(1.0),
            transaction(1, 0),
            reading(2.0),
        ],
        vec![header(1, 1, 0)],
        vec![reading(1.0)],
    ] {
        let body = bytes(&documents).concat();
        gateway
            .post(&token, "identity", body)
            .await
            .refused(400, Some("BadRequest"), "");
    }
    unchanged_and_serving(&gateway, &token).await;
}

#[tokio::test]
async fn tokens_apps_and_media_types_are_checked_first() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let elsewhere = Local::new().await.token().await;
    for bad in ["nonsense", &elsewhere] {
        gateway
            .post(bad, "identity", good())
            .await
            .refused(401, Some("InvalidSession"), "unauthorized");
    }
    let without =
        Request::post(format!("{APP}/ingest")).header("content-type", realm_ingest_protocol::CONTENT_TYPE);
    let answer = gateway.send(without.body(Body::from(good())).unwrap()).await;
    answer.refused(401, Some("InvalidSession"), "unauthorized");
    gateway
        .post(&token, "gzip", good())
        .await
        .refused(415, Some("InvalidParameter"), "'gzip'");
    let json = gateway
        .call("POST", &format!("{APP}/ingest"), Some(&token), "{}")
        .await;
    json.refused(415, Some("InvalidParameter"), "content type");
    let position = gateway
        .call("GET", &format!("{APP}/ingest/nonsense"), Some(&token), "")
        .await;
    position.refused(400, Some("BadRequest"), "32 lower-case hexadecimal digits");
    let position = gateway
        .call("GET", &format!("{APP}/ingest/{}", outbox(1)), None, "")
        .await;
    position.refused(401, Some("InvalidSession"), "unauthorized");
    unchanged_and_serving(&gateway, &token).await;
}

#[tokio::test]
async fn oversized_bodies_and_bombs_are_refused() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let oversized = vec![0; 65 * 1024 * 1024 + 1];
    gateway
        .post(&token, "identity", oversized)
        .await
        .refused(413, Some("ReadSizeLimitExceeded"), "");
    // Without a length in front it is found out while reading.
    let piece = axum::body::Bytes::from(vec![0; 1024 * 1024]);
    let request = Request::post(format!("{APP}/ingest"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", realm_ingest_protocol::CONTENT_TYPE);
    let body = Body::new(Pieces(vec![piece; 66].into_iter()));
    gateway
        .send(request.body(body).unwrap())
        .await
        .refused(413, Some("ReadSizeLimitExceeded"), "");
    let bomb = zstd::encode_all(std::io::repeat(0).take(66 * 1024 * 1024), 1).unwrap();
    for _ in 0..4 {
        let answer = gateway.post(&token, "zstd", bomb.clone()).await;
        answer.refused(413, Some("ReadSizeLimitExceeded"), "after decompression");
    }
    unchanged_and_serving(&gateway, &token).await;
}

/// A body in pieces, of a length that is not told.
struct Pieces(std::vec::IntoIter<axum::body::Bytes>);

impl axum::body::HttpBody for Pieces {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Ready(self.0.next().map(|piece| Ok(http_body::Frame::data(piece))))
    }
}

#[tokio::test]
async fn a_transaction_is_settled_however_many_of_its_documents_are_refused() {
    const COUNT: usize = 410_000;
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    // Five bytes each, and no `_id`.
    let documents = vec![vec![5, 0, 0, 0, 0]; COUNT];
    let answer = refusals(&gateway, &token, "Reading", documents).await;
    let ack = answer.ack();
    assert_eq!(ack.acked, 1);
    let last = ack.refused.last().unwrap();
    assert_eq!(
        (last.seq, last.index as usize),
        (1, ack.refused.len() - 1),
        "the first of them"
    );
    let listed: usize = ack
        .refused
        .iter()
        .map(|one| serde_json::to_vec(one).unwrap().len())
        .sum();
    assert!(
        (MAX_LISTED_BYTES - 1_000..=MAX_LISTED_BYTES).contains(&listed),
        "{listed}"
    );
    let [rest] = ack.unlisted.as_slice() else {
        panic!("{:?}", ack.unlisted)
    };
    assert_eq!(
        (&rest.class, &rest.code, &rest.reason),
        (&last.class, &last.code, &last.reason)
    );
    assert_eq!(usize::try_from(rest.count).unwrap(), COUNT - ack.refused.len());
    assert_eq!(gateway.counts(), (0, COUNT), "all of them are dead letters");
}

async fn refusals(gateway: &Local, token: &str, class: &'static str, documents: Vec<Vec<u8>>) -> Answer {
    gateway
        .post(
            token,
            "zstd",
            zstd::encode_all(
                &batch(&outbox(2), &schema(), &[(1, vec![(class, documents)])])[..],
                1,
            )
            .unwrap(),
        )
        .await
}

#[tokio::test]
async fn a_bad_document_is_refused_alone_and_kept_as_a_dead_letter() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let id = ObjectId::new();
    let mut not_utf8 = note("bad", "xx").to_vec().unwrap();
    let place = not_utf8.windows(2).position(|two| two == b"xx").unwrap();
    not_utf8[place] = 0xFF;
    let deep = (0..100).fold(doc! {}, |inner, _| doc! {"d": inner});
    let bad: Vec<(Vec<u8>, &str, &str)> = vec![
        (not_utf8, "InvalidDocument", "a key or string is not valid UTF-8"),
        (
            doc! {"_id": "deep", "text": "", "d": deep}.to_vec().unwrap(),
            "InvalidDocument",
            "deeper than 100 levels",
        ),
        (
            doc! {"_id": id, "text": ""}.to_vec().unwrap(),
            "TypeMismatch",
            "property 'Note._id' expects string, found objectId",
        ),
        (
            doc! {"_id": "t", "text": 1}.to_vec().unwrap(),
            "TypeMismatch",
            "property 'Note.text' expects string, found int",
        ),
        (
            doc! {"_id": "m"}.to_vec().unwrap(),
            "MissingProperty",
            "required property 'Note.text' is missing",
        ),
        (
            doc! {"text": "no id"}.to_vec().unwrap(),
            "MissingProperty",
            "required property 'Note._id' is missing",
        ),
        (
            doc! {"_id": "u", "text": "", "x": 1}.to_vec().unwrap(),
            "UnknownProperty",
            "class 'Note' has no property 'x'",
        ),
    ];
    let mut documents: Vec<_> = bad.iter().map(|(bytes, _, _)| bytes.clone()).collect();
    documents.insert(3, note("good", "stays").to_vec().unwrap());
    let ack = refusals(&gateway, &token, "Note", documents).await.ack();
    assert_eq!(gateway.stored(), [note("good", "stays")]);
    let letters = gateway.letters();
    assert_eq!((ack.refused.len(), letters.len()), (bad.len(), bad.len()));
    for ((refusal, letter), (bytes, code, reason)) in ack.refused.iter().zip(&letters).zip(&bad) {
        assert_eq!(refusal.code, *code);
        assert!(
            refusal.reason.contains(reason),
            "{} has no '{reason}'",
            refusal.reason
        );
        assert_eq!(
            (&letter.document, &letter.code, &letter.reason),
            (bytes, &refusal.code, &refusal.reason)
        );
        assert_eq!(
            (letter.seq, letter.index, &letter.outbox),
            (1, refusal.index, &outbox(2))
        );
        assert_eq!((letter.collection.as_str(), letter.user.len()), ("Note", 24));
    }
    assert_eq!(ack.refused[2].id, serde_json::json!({"$oid": id.to_hex()}));
    assert!(ack.refused[5].id.is_null());
}

#[tokio::test]
async fn documents_of_a_class_that_is_not_there_are_refused() {
    for (class, reason) in [
        ("Nobody", "class 'Nobody' is not in the schema"),
        (
            "Place",
            "class 'Place' is embedded and has no documents of its own",
        ),
    ] {
        let gateway = Local::new().await;
        let token = gateway.ready().await;
        let ack = refusals(&gateway, &token, class, bytes(&[note("a", "b")]))
            .await
            .ack();
        assert_eq!((ack.acked, ack.refused[0].code.as_str()), (1, "UnknownClass"));
        assert!(ack.refused[0].reason.contains(reason));
        assert_eq!(gateway.counts(), (0, 1));
        assert_eq!(
            gateway.reader().collections().unwrap().len(),
            0,
            "nothing is made for them"
        );
    }
}

#[tokio::test]
async fn a_document_above_the_limit_is_refused_and_its_neighbours_are_stored() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let documents = bytes(&[note("large", &"x".repeat(16 * 1024 * 1024)), note("small", "x")]);
    let ack = refusals(&gateway, &token, "Note", documents).await.ack();
    assert_eq!(
        (ack.refused.len(), ack.refused[0].code.as_str()),
        (1, "DocumentTooLarge")
    );
    assert_eq!(gateway.counts(), (1, 1));
}
