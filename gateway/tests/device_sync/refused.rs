//! What is refused for good becomes a dead letter, and the application is told.

use serde_json::json;

use crate::changesets::{object, regular, schema};
use crate::device::{Device, error, fields};
use crate::gate::Gate;

#[tokio::test]
async fn an_application_is_told_of_an_object_that_is_refused() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    for version in [14, 5, 4] {
        let mut device = Device::speaking(&gate, &token, version).await;
        device.bind_new(1).await;
        let number = u32::from(version);
        device
            .upload(
                1,
                &[(5, schema()), (6, object(number, 1)), (7, object(number, 2))],
            )
            .await;
        let refused = device.hear().await;
        if version < 5 {
            assert_eq!(fields(&refused)[2], 7, "{refused}");
            continue;
        }
        let (code, session, body) = error(&refused);
        assert_eq!((code, session), (231, 1));
        assert_eq!(
            (&body["action"], &body["tryAgain"]),
            (&json!("Warning"), &json!(true))
        );
        assert_eq!(body["rejectedClientVersion"], 7);
        let update = &body["rejectedUpdates"][0];
        assert_eq!(update["table"], "Reading");
        assert!(update["reason"].as_str().unwrap().contains("_id"), "{update}");
        let acknowledged = device.hear().await;
        let fields = fields(&acknowledged);
        assert_eq!((fields[2], fields[8]), (7, 2), "{acknowledged}");
        assert_eq!(body["compensatingWriteServerVersion"], fields[1]);
        let empty_changeset = format!("{} 7 ", fields[1]);
        assert!(
            acknowledged
                .split_once('\n')
                .unwrap()
                .1
                .starts_with(&empty_changeset),
            "{acknowledged}"
        );
        // The session goes on.
        device.upload(1, &[(9, object(100 + number, 1))]).await;
        device.acknowledged(1, 9).await;
    }
    assert_eq!(gate.local.counts(), (5, 3));
}

#[tokio::test]
async fn a_changeset_that_cannot_be_read_stops_its_session_and_no_other() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.bind_new(2).await;
    device
        .upload(1, &[(5, schema()), (6, object(1, 1)), (7, vec![99, 99])])
        .await;
    let (code, session, body) = error(&device.hear().await);
    assert_eq!((code, session), (212, 1));
    assert_eq!(
        (&body["action"], &body["tryAgain"]),
        (&json!("ApplicationBug"), &json!(false))
    );
    device.say("unbind 1\n").await;
    device.upload(2, &[(5, schema()), (6, object(2, 1))]).await;
    device.acknowledged(2, 6).await;
    assert_eq!(gate.local.counts(), (2, 0));
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    for (message, expected) in [
        ("bind 1 0 0 0\n", 103),
        ("mark 1 1\n", 106),
        ("bind 1 0 0 0 0\nx", 103),
        ("nonsense", 103),
        ("upload 1 0 0 0 5 0 0\n", 106),
    ] {
        let mut device = Device::connect(&gate, &token).await;
        device.say(message).await;
        let (code, session, body) = error(&device.hear().await);
        assert_eq!((code, session), (expected, 0), "{message}");
        assert_eq!(body["tryAgain"], true);
        assert_eq!(device.end().await, None);
    }
    for (body, expected) in [
        (&b"x"[..], 111),
        (b"6 0 0 0 100 abc", 112),
        (b"900 0 0 0 1 a", 111),
        (b"6 0 0 0 0 6 0 0 0 0 ", 111),
    ] {
        let mut device = Device::connect(&gate, &token).await;
        device.bind_new(1).await;
        device.upload_up_to(1, 20, body).await;
        assert_eq!(error(&device.hear().await).0, expected, "{body:?}");
    }
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.say(b"upload 1 1 10 5 20 0 0\nhello").await;
    assert_eq!(error(&device.hear().await).0, 110);
}

#[tokio::test]
async fn an_object_of_a_regular_class_is_refused_with_the_reason() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.upload(1, &[(5, regular())]).await;
    let (code, _, body) = error(&device.hear().await);
    assert_eq!(code, 231);
    let update = &body["rejectedUpdates"][0];
    // Int 5 as the protocol has it.
    assert_eq!((&update["table"], &update["pk"]), (&json!("Top"), &json!("AQU=")));
    assert!(
        update["reason"].as_str().unwrap().contains("regular class"),
        "{update}"
    );
    device.acknowledged(1, 5).await;
    device.upload(1, &[(6, schema()), (7, object(1, 1))]).await;
    device.acknowledged(1, 7).await;
    assert_eq!(gate.local.counts(), (1, 1));
}
