//! What a set is made of, in the order of the C++ headers: by type, and by value within a type.

use std::cmp::Ordering;

use super::super::changeset::Value;
use super::decimal;

/// A value of a set. Two are one when they have one type and are worth the same; floats and doubles are one type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ordered<'a>(pub(super) Value<'a>);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_type = place(self.0).cmp(&place(other.0));
        by_type.then_with(|| match (self.0, other.0) {
            (Value::Int(one), Value::Int(other)) => one.cmp(&other),
            (Value::Bool(one), Value::Bool(other)) => one.cmp(&other),
            (Value::String(one), Value::String(other)) => one.cmp(other),
            (Value::Binary(one), Value::Binary(other)) => one.cmp(other),
            (
                Value::Timestamp { seconds, nanoseconds },
                Value::Timestamp {
                    seconds: other_seconds,
                    nanoseconds: other_nanoseconds,
                },
            ) => (seconds, nanoseconds).cmp(&(other_seconds, other_nanoseconds)),
            (Value::Decimal(one), Value::Decimal(other)) => decimal::compare(one, other),
            (Value::ObjectId(one), Value::ObjectId(other)) => one.cmp(&other),
            (Value::Uuid(one), Value::Uuid(other)) => one.cmp(&other),
            (one, other) => match (double(one), double(other)) {
                (Some(one), Some(other)) => compare_doubles(one, other),
                _ => Ordering::Equal,
            },
        })
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered<'_> {}

/// The place of a type among the alternatives of the headers' `mixed`.
const fn place(value: Value<'_>) -> u8 {
    match value {
        Value::Null => 0,
        Value::Int(_) => 1,
        Value::Bool(_) => 2,
        Value::String(_) => 3,
        Value::Float(_) | Value::Double(_) => 4,
        Value::Binary(_) => 5,
        Value::Timestamp { .. } => 6,
        Value::Uuid(_) => 7,
        Value::ObjectId(_) => 8,
        Value::Decimal(_) => 9,
    }
}

fn double(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Float(value) => Some(value.into()),
        Value::Double(value) => Some(value),
        _ => None,
    }
}

/// What is no number comes first.
fn compare_doubles(one: f64, other: f64) -> Ordering {
    let by_value = one.partial_cmp(&other);
    by_value.unwrap_or_else(|| other.is_nan().cmp(&one.is_nan()))
}
