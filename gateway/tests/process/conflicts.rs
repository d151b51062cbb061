//! The log says all that a class of a device has against the app's directory, and says it again once the directory was read
//! again.

use std::fs;

use serde_json::json;

use crate::common::{batch, one_run, outbox, reading, schema};
use crate::place::{ONE, Place, READ, call, token};

#[test]
fn everything_that_contradicts_the_directory_is_logged_and_again_once_it_was_read_again() {
    let place = Place::with(&[ONE]);
    let folder = place.app(ONE).join("data_sources/mongodb-atlas/weather/readings");
    fs::create_dir_all(&folder).unwrap();
    let described = json!({
        "title": "Reading", "bsonType": "object", "required": ["a", "b", "c", "d"],
        "properties": {
            "_id": {"bsonType": "objectId"}, "value": {"bsonType": "string"}, "note": {"bsonType": "long"},
            "a": {"bsonType": "bool"}, "b": {"bsonType": "bool"}, "c": {"bsonType": "bool"}, "d": {"bsonType": "bool"}
        }
    });
    fs::write(folder.join("schema.json"), described.to_string()).unwrap();
    let server = place.start(&[ONE]);
    let token = token(&server, ONE);
    let schema = schema();
    let put = format!("ingest/schemas/{}", schema.fingerprint());
    let json = schema.to_json();
    let put = call(&server, "PUT", ONE, &put, Some(&token), json.as_bytes());
    assert_eq!(put.status, 204, "{:?}", put.json);
    for times in 1..=2 {
        for seq in [1, 2] {
            let seq = seq + 2 * (times - 1);
            let body = batch(&outbox(1), &schema, &[one_run(seq, "Reading", &[reading(1.0)])]);
            let ack = call(&server, "POST", ONE, "ingest", Some(&token), &body).ack();
            assert_eq!(ack.refused[0].code, "SchemaConflict", "{:?}", ack.refused);
        }
        let times = usize::try_from(times).unwrap();
        place.await_log("documents of this class become dead letters", times + 1);
        for (property, expected, found) in [
            ("value", "string", "double"),
            ("note", "int", "string"),
            ("a", "required", "missing"),
            ("b", "required", "missing"),
            ("c", "required", "missing"),
            ("d", "required", "missing"),
        ] {
            let told = format!(
                r#"class="Reading" property="Reading.{property}" expected="{expected}" found="{found}""#
            );
            place.await_log(&told, times);
            assert_eq!(place.log().matches(&told).count(), times, "{}", place.log());
        }
        server.signal("HUP");
        place.await_log(READ, times);
    }
}
