//! Documents that cost more than they have bytes, or that nobody can read.

use bson::doc;
use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{Ack, BatchHeader, Run, Schema, TransactionHeader};

use super::beside::Attacked;
use super::connections::connect_from;
use crate::common::http::Client;
use crate::common::server::{lines, post};
use crate::common::{APP, batch, header_of, note, one_run, outbox, schema};

/// A document whose `_id` is nested so deep.
fn nested_id(levels: usize) -> Vec<u8> {
    let mut value = doc! {}.to_vec().unwrap();
    for level in 0..levels {
        let name: &[u8] = if level + 1 == levels { b"_id" } else { b"a" };
        let length = i32::try_from(4 + 1 + name.len() + 1 + value.len() + 1).unwrap();
        value = [&length.to_le_bytes()[..], &[3], name, &[0], &value, &[0]].concat();
    }
    value
}

#[test]
fn an_id_that_is_nested_without_end_is_refused_and_never_read_again() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        for (levels, outbox_number) in [(120, 1), (500, 2), (2_000, 3), (20_000, 4)] {
            let transaction = (1, vec![("Note", vec![nested_id(levels)])]);
            let body = batch(&outbox(outbox_number), &schema(), &[transaction]);
            let answer = post(&mut client, &attacked.token, &body).unwrap();
            let ack: Ack = serde_json::from_value(answer.json).unwrap();
            assert_eq!(ack.refused[0].code, "InvalidDocument", "{levels}");
            assert!(ack.refused[0].id.is_null());
        }
    });
    let letters = lines(attacked.data.path(), &["dead-letters"]);
    assert_eq!(letters.len(), 4);
    assert!(letters[3].contains("$binary"));
}

#[test]
fn a_document_that_is_nested_without_end_is_refused_whatever_its_id() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        let inner = nested_id(20_000);
        let length = i32::try_from(4 + 10 + 3 + inner.len() + 1).unwrap();
        let id = b"\x10_id\0\x01\0\0\0";
        let document = [&length.to_le_bytes()[..], id, b"\x03a\0", &inner, b"\0"].concat();
        let length = i32::try_from(document.len()).unwrap();
        let document = [&length.to_le_bytes()[..], &document[4..]].concat();
        let body = batch(&outbox(1), &schema(), &[(1, vec![("Note", vec![document])])]);
        let answer = post(&mut client, &attacked.token, &body).unwrap();
        let ack: Ack = serde_json::from_value(answer.json).unwrap();
        assert_eq!(ack.refused[0].code, "InvalidDocument");
    });
}

#[test]
fn a_long_name_is_not_multiplied() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        let name = "n".repeat(1 << 20);
        let header = |class: &str, count: u32| {
            let mut body = Vec::new();
            let header = BatchHeader {
                outbox: outbox(1),
                lineage: outbox(1),
                acked: 0,
                after: 0,
                first_seq: 1,
                last_seq: 1,
                count: count.into(),
                schemas: vec![schema().fingerprint()],
                device: None,
            };
            encode_batch_header(&header, &mut body);
            let runs = vec![Run {
                class: class.to_owned(),
                count,
            }];
            encode_transaction_header(
                &TransactionHeader {
                    seq: 1,
                    schema: 0,
                    runs,
                },
                &mut body,
            );
            body
        };
        // A name beyond Realm's limit is no class's.
        let mut body = header(&name, 2_000);
        body.extend(doc! {}.to_vec().unwrap().repeat(2_000));
        let answer = post(&mut client, &attacked.token, &body).unwrap();
        answer.refused(400, Some("BadRequest"), "");
        // A field's name is shortened where a reason shows it.
        let one = doc! {"_id": "x", &name[..60_000]: 1}.to_vec().unwrap();
        let mut body = header("Note", 200);
        body.extend(one.repeat(200));
        let answer = post(&mut client, &attacked.token, &body).unwrap();
        let ack: Ack = serde_json::from_value(answer.json).unwrap();
        assert_eq!(ack.refused.len(), 200);
        assert!(ack.refused.iter().all(|refused| refused.reason.len() < 300));
    });
}

#[test]
fn a_flood_of_refused_documents_is_bounded_in_memory_and_in_the_answer() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        let documents = vec![doc! {"_id": "same", "text": 1}; 60_000];
        let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &documents)]);
        for _ in 0..2 {
            let answer = post(&mut client, &attacked.token, &body).unwrap();
            assert!(matches!(answer.status, 200 | 429), "{:?}", answer.status);
        }
    });
}

#[test]
fn a_batch_of_more_than_a_million_empty_documents_is_not_looked_at() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let count = 1_000_001;
        let runs = vec![Run {
            class: "Note".to_owned(),
            count,
        }];
        let mut body = Vec::new();
        let transactions = [one_run(1, "Note", &[])];
        let name = outbox(1);
        let header = BatchHeader {
            count: count.into(),
            ..header_of((&name, &name, 0), &schema(), &transactions)
        };
        encode_batch_header(&header, &mut body);
        let header = TransactionHeader {
            seq: 1,
            schema: 0,
            runs,
        };
        encode_transaction_header(&header, &mut body);
        body.extend(doc! {}.to_vec().unwrap().repeat(1_000_001));
        let answer = post(&mut attacked.server.client(), &attacked.token, &body).unwrap();
        answer.refused(413, Some("ReadSizeLimitExceeded"), "1000000 documents");
    });
}

#[test]
fn strangers_who_use_up_the_room_for_dead_letters_hold_up_nobody_else() {
    let attacked = Attacked::new(&[]);
    // As though a dozen had sent the largest batch there is.
    rusqlite::Connection::open(attacked.data.path().join("documents.sqlite"))
        .unwrap()
        .execute_batch("UPDATE letter_counts SET letters = 20000000, bytes = 17179869184 WHERE user = ''")
        .unwrap();
    let refused = |device: u64, seq: i64, count: usize| {
        let documents = vec![doc! {"_id": "bad", "text": 5}; count];
        batch(&outbox(device), &schema(), &[one_run(seq, "Note", &documents)])
    };
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        for stranger in 0..12 {
            let token = attacked.server.token();
            let mut send = |seq| post(&mut client, &token, &refused(100 + stranger, seq, 2_000)).unwrap();
            assert_eq!(send(1).ack().acked, 1, "one request has room");
            for _ in 0..3 {
                send(2).refused(429, Some("LimitsExceeded"), "dead-letters");
            }
        }
        for device in 0..12 {
            let token = attacked.server.token();
            for seq in 1..=5 {
                let answer = post(&mut client, &token, &refused(200 + device, seq, 10)).unwrap();
                assert_eq!(answer.ack().refused.len(), 10);
            }
        }
    });
}

#[test]
fn a_large_class_does_not_make_its_small_objects_expensive() {
    let attacked = Attacked::new(&[]);
    let properties: Vec<_> = (0..1_000)
        .map(|n| format!(r#"{{"name":"p{n:03}","type":"int","optional":true}}"#))
        .collect();
    let schema = Schema::parse(&format!(
        r#"{{"classes":[{{"name":"Large","kind":"embedded","properties":[{}]}},
        {{"name":"Holder","kind":"asymmetric","primary_key":"_id","properties":[
          {{"name":"_id","type":"int"}},
          {{"name":"all","type":"object","object":"Large","collection":"list"}}]}}]}}"#,
        properties.join(",")
    ))
    .unwrap();
    assert_eq!(attacked.server.put_schema(&attacked.token, &schema), 204);
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        let all = vec![bson::Bson::from(doc! {"p999": 1_i64}); 100_000];
        let documents = [doc! {"_id": 1_i64, "all": all}];
        let body = batch(&outbox(1), &schema, &[one_run(1, "Holder", &documents)]);
        let answer = post(&mut client, &attacked.token, &body).unwrap();
        let ack: Ack = serde_json::from_value(answer.json).unwrap();
        assert!(ack.refused.is_empty());
    });
}

/// The status of sending twice as many zeros as a batch may have.
fn send_bomb(client: &mut Client, token: &str) -> u16 {
    let zeros = std::io::Read::take(std::io::repeat(0), 2 * realm_ingest_protocol::MAX_BATCH_BYTES);
    let bomb = zstd::encode_all(zeros, 1).unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", realm_ingest_protocol::CONTENT_TYPE),
        ("content-encoding", "zstd"),
    ];
    let answer = client.call("POST", &format!("{APP}/ingest"), &headers, &bomb);
    answer.unwrap().status
}

#[test]
fn a_bomb_of_zeros_is_stopped_at_the_limit() {
    Attacked::new(&[]).by(|attacked| {
        let mut client = attacked.server.client();
        for _ in 0..3 {
            assert_eq!(send_bomb(&mut client, &attacked.token), 413);
        }
    });
}

#[test]
fn bombs_of_many_users_at_once_are_stopped_at_the_limit_or_told_to_wait() {
    Attacked::new(&[]).by(|attacked| {
        let address = attacked.server.address;
        std::thread::scope(|scope| {
            for number in 2..10 {
                let token = attacked.server.token();
                let mut client = Client::over(connect_from(&format!("127.0.0.{number}"), address));
                scope.spawn(move || {
                    for _ in 0..3 {
                        let status = send_bomb(&mut client, &token);
                        assert!(matches!(status, 413 | 503), "{status}");
                    }
                });
            }
        });
    });
}

#[test]
fn a_batch_of_a_million_transactions_is_told_to_come_in_parts() {
    let attacked = Attacked::new(&[]);
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        let documents = [note("n", "")];
        let transactions: Vec<_> = (1..=100_001)
            .map(|seq| one_run(seq, "Note", &documents))
            .collect();
        let body = batch(&outbox(1), &schema(), &transactions);
        let answer = post(&mut client, &attacked.token, &body).unwrap();
        answer.refused(413, Some("ReadSizeLimitExceeded"), "100000 transactions");
        let body = batch(&outbox(1), &schema(), &transactions[..1_000]);
        assert_eq!(post(&mut client, &attacked.token, &body).unwrap().status, 200);
    });
}
