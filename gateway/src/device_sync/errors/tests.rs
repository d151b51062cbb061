#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bson::oid::ObjectId;
use bson::{Bson, Uuid};

use super::*;

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

fn update(client_version: u64, key: PrimaryKey) -> RejectedUpdate {
    RejectedUpdate {
        client_version,
        table: "Reading".to_owned(),
        key,
        reason: "class 'Reading' has no property 'depth'".to_owned(),
    }
}

#[test]
fn every_error_has_the_keys_that_clients_insist_on() {
    let rejected = Rejected::new(vec![update(5, PrimaryKey::Null)], 0, 9).unwrap();
    let bodies = [
        SessionError::later("x").body(),
        SessionError::closed("x").body(),
        SessionError::bad_changeset("x").body(),
        SessionError::never("x").body(),
        SessionError::compensating(rejected).body(),
        ConnectionError::new(ConnectionCode::BadSyntax, "x").body(),
    ];
    for body in bodies {
        let body = parsed(&body);
        assert!(body["message"].is_string() && body["logURL"].is_string() && body["action"].is_string());
        assert!(body["tryAgain"].is_boolean());
        assert_eq!(body["shouldClientReset"], false);
        assert_eq!(body["isRecoveryModeDisabled"], false);
    }
}

#[test]
fn what_may_be_tried_again_says_when() {
    let body = parsed(&SessionError::later("the database does not answer").body());
    let wanted = json!({
        "message": "the database does not answer", "logURL": "", "tryAgain": true, "shouldClientReset": false,
        "isRecoveryModeDisabled": false, "action": "Transient",
        "backoffIntervalSec": 1, "backoffMaxDelaySec": 300, "backoffMultiplier": 2,
    });
    assert_eq!(body, wanted);
    let never = parsed(&SessionError::bad_changeset("x").body());
    assert_eq!(never["tryAgain"], false);
    assert_eq!(never["action"], "ApplicationBug");
    assert!(never.get("backoffIntervalSec").is_none());
}

#[test]
fn objects_that_were_refused_are_named() {
    let updates = vec![update(5, PrimaryKey::Int(64)), update(7, PrimaryKey::Null)];
    let error = SessionError::compensating(Rejected::new(updates, 0, 12).unwrap());
    assert_eq!(error.number(), 231);
    let body = parsed(&error.body());
    assert_eq!(body["action"], "Warning");
    assert_eq!(body["tryAgain"], true);
    assert_eq!(body["rejectedClientVersion"], 7);
    assert_eq!(body["compensatingWriteServerVersion"], 12);
    let wanted = json!([
        {"table": "Reading", "pk": "AcAA", "reason": "class 'Reading' has no property 'depth'"},
        {"table": "Reading", "pk": "AA==", "reason": "class 'Reading' has no property 'depth'"},
    ]);
    assert_eq!(body["rejectedUpdates"], wanted);
    assert!(Rejected::new(Vec::new(), 0, 12).is_none());
}

#[test]
fn a_message_names_a_thousand_and_counts_the_others() {
    let updates = (0..1_005).map(|one| update(one, PrimaryKey::Null)).collect();
    let error = SessionError::compensating(Rejected::new(updates, 10, 12).unwrap());
    assert!(error.message().starts_with("1015 objects"));
    let body = parsed(&error.body());
    assert_eq!(
        body["rejectedClientVersion"], 1_004,
        "the last one that is answered for"
    );
    let updates = body["rejectedUpdates"].as_array().unwrap();
    assert_eq!(updates.len(), MAX_REJECTED);
    let last = updates[MAX_REJECTED - 1]["reason"].as_str().unwrap();
    assert!(last.ends_with("(and 15 more objects were refused, which are not named here)"));
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let mut long = update(1, PrimaryKey::Null);
    long.reason = format!("x{}", "ä".repeat(1_000));
    let body = parsed(&SessionError::compensating(Rejected::new(vec![long], 0, 1).unwrap()).body());
    let reason = body["rejectedUpdates"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, format!("x{}", "ä".repeat(499)));
}

#[test]
fn keys_are_written_as_clients_read_them() {
    let encoded = |key: PrimaryKey| STANDARD.decode(key.encoded()).unwrap();
    let int = |value| encoded(PrimaryKey::Int(value));
    let integers: [(i64, &[u8]); 10] = [
        (0, &[0x00]),
        (63, &[0x3f]),
        (64, &[0xc0, 0x00]),
        (300, &[0xac, 0x02]),
        (1_700_000_000, &[0x80, 0xe2, 0xcf, 0xaa, 0x06]),
        (-1, &[0x40]),
        (-64, &[0x7f]),
        (-65, &[0xc0, 0x40]),
        (
            i64::MAX,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00],
        ),
        (
            i64::MIN,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x40],
        ),
    ];
    for (value, bytes) in integers {
        assert_eq!(int(value), [&[0x01], bytes].concat(), "{value}");
    }
    assert_eq!(encoded(PrimaryKey::Null), [0x00]);
    assert_eq!(
        encoded(PrimaryKey::String("aé".to_owned())),
        [0x03, 0x03, b'a', 0xc3, 0xa9]
    );
    assert_eq!(encoded(PrimaryKey::ObjectId([7; 12]))[..2], [0x0a, 7]);
    assert_eq!(encoded(PrimaryKey::Uuid([8; 16])).len(), 17);
}

#[test]
fn an_id_of_a_document_is_a_key() {
    assert_eq!(PrimaryKey::of(&Bson::Int64(-5)), PrimaryKey::Int(-5));
    assert_eq!(
        PrimaryKey::of(&Bson::String("a".to_owned())),
        PrimaryKey::String("a".to_owned())
    );
    let oid = ObjectId::from_bytes([1; 12]);
    assert_eq!(PrimaryKey::of(&oid.into()), PrimaryKey::ObjectId([1; 12]));
    let uuid = Uuid::from_bytes([2; 16]);
    assert_eq!(PrimaryKey::of(&uuid.into()), PrimaryKey::Uuid([2; 16]));
    assert_eq!(PrimaryKey::of(&Bson::Null), PrimaryKey::Null);
    assert_eq!(PrimaryKey::of(&Bson::Double(1.5)), PrimaryKey::Null);
}

#[test]
fn no_error_is_one_that_harms_clients() {
    // These make clients abort, or reset their file.
    let harmful = [
        104, 202, 203, 205, 207, 208, 209, 210, 211, 214, 215, 217, 218, 219, 220, 221, 222, 224, 232, 234,
        236,
    ];
    let numbers = [
        SessionError::later("").number(),
        SessionError::closed("").number(),
        SessionError::bad_changeset("").number(),
        SessionError::never("").number(),
    ];
    assert!(numbers.iter().all(|number| !harmful.contains(number)));
    let codes = [
        ConnectionCode::Other,
        ConnectionCode::BadSyntax,
        ConnectionCode::BadSessionIdent,
        ConnectionCode::ReuseOfSessionIdent,
        ConnectionCode::BadMessageOrder,
        ConnectionCode::BadDecompression,
        ConnectionCode::BadChangesetHeader,
        ConnectionCode::BadChangesetSize,
    ];
    for code in codes {
        let number = ConnectionError::new(code, "").number();
        assert!((100..113).contains(&number) && !harmful.contains(&number));
    }
}
