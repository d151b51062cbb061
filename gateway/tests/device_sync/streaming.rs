//! What a device writes arrives once, and it is told so.

use bson::doc;
use bson::oid::ObjectId;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

use crate::changesets::{body, key, object, schema};
use crate::device::{Device, fields};
use crate::gate::Gate;

const STORED: &str = r#"realm_ingest_documents_stored_total{app="any",door="device_sync"}"#;

#[tokio::test]
async fn objects_of_a_new_file_are_stored_and_acknowledged() {
    for version in [14, 12, 10, 8, 7, 5, 4, 2] {
        let gate = Gate::open().await;
        let token = gate.local.token().await;
        let mut device = Device::speaking(&gate, &token, version).await;
        device.bind_new(1).await;
        device.upload(1, &[(5, schema()), (7, object(1, 42))]).await;
        device.acknowledged(1, 7).await;
        let stored = gate.local.stored();
        let at = bson::DateTime::from_millis(1_700_000_000_250);
        let expected = doc! {
            "_id": ObjectId::from_bytes(key(1)), "n": 42_i64, "at": at, "tags": ["a", "bc"], "pos": {"lat": 1.5},
        };
        assert_eq!(stored, [expected], "{version}");
        device.say("unbind 1\n").await;
        assert_eq!(device.hear().await, "unbound 1\n");
        assert_eq!(gate.metric(STORED).await, 1.0);
    }
}

#[tokio::test]
async fn a_ping_is_answered_and_so_is_one_of_the_web_socket() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.say("ping 123456 0\n").await;
    assert_eq!(device.hear().await, "pong 123456\n");
    device.socket.send(Message::text("not ours")).await.unwrap();
    device.socket.send(Message::Ping(b"x"[..].into())).await.unwrap();
    let pong = futures_util::StreamExt::next(&mut device.socket).await;
    assert_eq!(pong.unwrap().unwrap(), Message::Pong(b"x"[..].into()));
}

#[tokio::test]
async fn a_progress_beyond_the_changesets_is_acknowledged_and_an_empty_upload_is_not_answered() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.upload_up_to(1, 9, &body(&[(5, schema())])).await;
    device.acknowledged(1, 9).await;
    device.upload_up_to(1, 11, &[]).await;
    device.say("mark 1 2\n").await;
    assert_eq!(device.hear().await, "mark 1 2\n");
    assert!(gate.local.stored().is_empty());
}

#[tokio::test]
async fn compressed_uploads_and_such_that_wait_for_each_other_arrive_in_order() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.upload(1, &[(5, schema())]).await;
    for number in 0..300_u32 {
        let version = u64::from(number) + 6;
        device.upload(1, &[(version, object(number, 1))]).await;
    }
    device.acknowledged(1, 305).await;
    let changesets: Vec<_> = (300..2_000_u32)
        .map(|number| (u64::from(number) + 6, object(number, 2)))
        .collect();
    let plain = body(&changesets);
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &plain).unwrap();
    let packed = encoder.finish().unwrap();
    let head = format!("upload 1 1 {} {} 2005 1 1\n", plain.len(), packed.len());
    device.say([head.as_bytes(), &packed].concat()).await;
    device.acknowledged(1, 2_005).await;
    let stored = gate.local.stored();
    assert!(
        stored
            .iter()
            .map(|one| one.get_object_id("_id").unwrap())
            .eq((0..2_000).map(|number| ObjectId::from_bytes(key(number))))
    );
}

#[tokio::test]
async fn several_files_of_one_connection_do_not_disturb_each_other() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    for session in 1..=4 {
        device.bind_new(session).await;
        let number = u32::try_from(session).unwrap();
        device
            .upload(session, &[(5, schema()), (6, object(number, 1))])
            .await;
        device.acknowledged(session, 6).await;
    }
    assert_eq!(gate.metric("realm_ingest_device_sync_sessions").await, 4.0);
    for session in (1..=4).rev() {
        device.say(format!("unbind {session}\n")).await;
        assert_eq!(device.hear().await, format!("unbound {session}\n"));
    }
    assert_eq!(gate.local.stored().len(), 4);
    // The same session may begin again.
    device.bind_new(4).await;
}

#[tokio::test]
async fn the_empty_set_of_subscriptions_is_served_and_another_one_refused() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.say("query 1 1 2\n{}").await;
    let bootstrap = device.hear().await;
    assert_eq!(fields(&bootstrap)[7..9], [1, 1], "{bootstrap}");
    let top = r#"{"Top":"(TRUEPREDICATE)"}"#;
    device.say(format!("query 1 2 {}\n{top}", top.len())).await;
    let refused = device.hear().await;
    assert!(
        refused.starts_with("query_error 226 ") && refused.contains("'Top'"),
        "{refused}"
    );
    device.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    device.acknowledged(1, 6).await;
}

#[tokio::test]
async fn who_is_connected_is_counted_and_so_is_what_the_device_says_of_itself() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    device.acknowledged(1, 6).await;
    let clients = r#"realm_ingest_device_sync_clients{core="14.12.0",sdk="RealmKotlin/2.3.0",protocol="14"}"#;
    assert_eq!(gate.metric(clients).await, 1.0);
    let age = r#"realm_ingest_document_age_seconds_count{app="any",door="device_sync"}"#;
    assert_eq!(gate.metric(age).await, 1.0);
    drop(device);
    gate.until("realm_ingest_device_sync_connections", 0.0).await;
    gate.until("realm_ingest_device_sync_sessions", 0.0).await;
    assert_eq!(gate.metric(clients).await, 0.0);
}
