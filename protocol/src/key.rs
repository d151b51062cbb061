//! The `_id` of a refused document as a device reads it: any JSON, of which a few bytes each could take many times as much
//! memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// More than the Extended JSON of any key that a class can have.
const MOST_PARTS: usize = 256;

/// The value, or null where it has more parts than any key has: what was refused is known by its place as well.
pub(crate) fn bounded<'de, D: Deserializer<'de>>(json: D) -> Result<Value, D::Error> {
    let mut left = MOST_PARTS;
    let value = Part(&mut left).deserialize(json)?;
    Ok(value.unwrap_or_default())
}

/// A value within another, with the number of those that may come yet; none where they are too many, which are read all the same.
struct Part<'a>(&'a mut usize);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Value>, D::Error> {
        match self.0.checked_sub(1) {
            Some(left) => {
                *self.0 = left;
                json.deserialize_any(self)
            }
            None => json.deserialize_ignored_any(IgnoredAny).map(|_| None),
        }
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(Some(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Option<Value>, E> {
        Ok(Some(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<Value>, E> {
        Ok(Some(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<Value>, E> {
        Ok(Some(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Option<Value>, E> {
        Ok(Some(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Option<Value>, E> {
        Ok(Some(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Value>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Part(self.0))? {
            let Some(value) = value else {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            };
            values.push(value);
        }
        Ok(Some(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut values = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(value) = map.next_value_seed(Part(self.0))? else {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(None);
            };
            values.insert(name, value);
        }
        Ok(Some(Value::Object(values)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    use crate::Refusal;

    fn read(id: &str) -> Value {
        let json = format!(r#"{{"seq":1,"index":0,"class":"A","_id":{id},"code":"c","reason":"r"}}"#);
        serde_json::from_str::<Refusal>(&json).unwrap().id
    }

    #[test]
    fn keys_come_out_as_they_were_written() {
        let keys = [
            json!(null),
            json!(true),
            json!(-7),
            json!(u64::MAX),
            json!(1.5),
            json!("text\n"),
            json!({"$oid": "64a000000000000000000000"}),
            json!({"$binary": {"base64": "AA==", "subType": "04"}}),
            json!([1, [2, {"a": []}], {}]),
        ];
        for key in keys {
            assert_eq!(read(&key.to_string()), key);
        }
    }

    #[test]
    fn what_has_more_parts_than_any_key_is_not_kept() {
        let many = vec!["0"; 1_000].join(",");
        let members: Vec<_> = (0..1_000).map(|number| format!(r#""{number}":0"#)).collect();
        let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for id in [
            format!("[{many}]"),
            format!("{{{}}}", members.join(",")),
            format!(r#"{{"a":[[{many}]],"b":1}}"#),
            format!("[{nested},{nested},{nested}]"),
        ] {
            assert_eq!(read(&id), Value::Null, "{id}");
        }
        assert_ne!(read(&nested), Value::Null);
    }
}
