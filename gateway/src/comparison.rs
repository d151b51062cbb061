//! Values as MongoDB compares them: numbers by what they are worth, whatever their type; others within their type.
//!
//! Decimals are compared as the nearest double.

use std::cmp::Ordering;
use std::fmt;

use bson::Bson;
use realm_ingest_protocol::{Document, Value};

/// Scalars that do not change, kept as BSON so that they are read like those of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constants {
    document: Vec<u8>,
}

impl Constants {
    /// One or several, each JSON or Extended JSON. None when one of them is no scalar.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a serde_json::Value>) -> Option<Self> {
        let values: Option<Vec<_>> = values.into_iter().map(scalar).collect();
        Self::of_bson(values?)
    }

    /// One value of any kind, JSON or Extended JSON.
    #[must_use]
    pub fn of_any(value: &serde_json::Value) -> Option<Self> {
        Self::of_bson([Bson::try_from(value.clone()).ok()?])
    }

    /// One or several.
    #[must_use]
    pub fn of_bson(values: impl IntoIterator<Item = Bson>) -> Option<Self> {
        let fields = (0..)
            .zip(values)
            .map(|(at, value): (usize, _)| (at.to_string(), value));
        let document = fields.collect::<bson::Document>().to_vec().ok()?;
        Some(Self { document })
    }

    /// In their order.
    pub fn values(&self) -> impl Iterator<Item = Value<'_>> {
        Document::assume_valid(&self.document)
            .fields()
            .map(|field| field.value)
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> Option<Value<'_>> {
        self.values().next()
    }

    /// Whether one of them equals this value.
    #[must_use]
    pub fn contains(&self, value: Value<'_>) -> bool {
        match Number::of(value) {
            Some(number) => self.values().any(|one| Number::of(one) == Some(number)),
            None => self.values().any(|one| one == value),
        }
    }
}

/// JSON or Extended JSON of a scalar.
fn scalar(json: &serde_json::Value) -> Option<Bson> {
    let value = Bson::try_from(json.clone()).ok()?;
    let is_scalar = matches!(
        value,
        Bson::Null
            | Bson::Boolean(_)
            | Bson::Int32(_)
            | Bson::Int64(_)
            | Bson::Double(_)
            | Bson::Decimal128(_)
            | Bson::String(_)
            | Bson::DateTime(_)
            | Bson::ObjectId(_)
            | Bson::Binary(_)
    );
    is_scalar.then_some(value)
}

/// A number of any type.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// Of 32 or 64 bits.
    Int(i64),
    /// Also a decimal.
    Double(f64),
}

impl Number {
    /// The value, where it is a number.
    #[must_use]
    pub fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int32(int) => Some(Self::Int(int.into())),
            Value::Int64(int) => Some(Self::Int(int)),
            Value::Double(double) => Some(Self::Double(double)),
            Value::Decimal128(bytes) => {
                let text = bson::Decimal128::from_bytes(bytes).to_string();
                Some(Self::Double(text.parse().unwrap_or(f64::NAN)))
            }
            _ => None,
        }
    }

    /// The double that is nearest to it.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "the nearest is asked for")]
    pub const fn to_double(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Double(double) => double,
        }
    }

    /// The integer that it is worth, if it is one of 64 bits.
    #[must_use]
    pub fn to_int(self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(int),
            Self::Double(double) => {
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "it is compared to what came of it"
                )]
                let int = double as i64;
                (Self::Int(int).partial_cmp(&self) == Some(Ordering::Equal)).then_some(int)
            }
        }
    }

    /// Whether dividing by `divisor`, which is above 0, leaves nothing: of fractions nothing that their rounding to binary
    /// does not account for, so that 19.99 is a multiple of 0.01.
    #[must_use]
    pub fn is_multiple_of(self, divisor: Self) -> bool {
        match (self.to_int(), divisor.to_int()) {
            (Some(int), Some(divisor)) => int.checked_rem(divisor) == Some(0),
            _ => {
                let quotient = self.to_double() / divisor.to_double();
                (quotient - quotient.round()).abs() <= 4.0 * f64::EPSILON * quotient.abs()
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => int.fmt(f),
            Self::Double(double) => double.fmt(f),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(&other)),
            (Self::Double(one), Self::Double(other)) => one.partial_cmp(&other),
            (Self::Int(int), Self::Double(double)) => int_and_double(int, double),
            (Self::Double(double), Self::Int(int)) => int_and_double(int, double).map(Ordering::reverse),
        }
    }
}

/// Without rounding either.
fn int_and_double(int: i64, double: f64) -> Option<Ordering> {
    /// The first double beyond 64 bits.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= END {
        return Some(Ordering::Less);
    }
    if double < -END {
        return Some(Ordering::Greater);
    }
    #[allow(clippy::cast_possible_truncation, reason = "it is within 64 bits")]
    let whole = double.trunc() as i64;
    let fraction = 0.0.partial_cmp(&double.fract())?;
    Some(int.cmp(&whole).then(fraction))
}

/// Whether they are the same value.
#[must_use]
pub fn equal(one: Value<'_>, other: Value<'_>) -> bool {
    match (Number::of(one), Number::of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Which comes first; nothing where they are of types that have no order among each other.
#[must_use]
pub fn order(one: Value<'_>, other: Value<'_>) -> Option<Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::DateTime(one), Value::DateTime(other)) => Some(one.cmp(&other)),
        (Value::ObjectId(one), Value::ObjectId(other)) => Some(one.cmp(&other)),
        (Value::Boolean(one), Value::Boolean(other)) => Some(one.cmp(&other)),
        _ => Number::of(one)?.partial_cmp(&Number::of(other)?),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_without_rounding() {
        let large = (1_i64 << 53) + 1;
        let order = |int, double| Number::Int(int).partial_cmp(&Number::Double(double));
        assert_eq!(order(large, 9_007_199_254_740_992.0), Some(Ordering::Greater));
        assert_eq!(order(i64::MAX, 9_223_372_036_854_775_808.0), Some(Ordering::Less));
        assert_eq!(
            order(i64::MIN, -9_223_372_036_854_775_808.0),
            Some(Ordering::Equal)
        );
        assert_eq!(order(1, 1.5), Some(Ordering::Less));
        assert_eq!(order(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(order(0, -0.0), Some(Ordering::Equal));
        assert_eq!(order(0, f64::NAN), None);
        assert_eq!(Number::Double(9_223_372_036_854_775_808.0).to_int(), None);
        assert_eq!(Number::Double(3.0).to_int(), Some(3));
    }

    #[test]
    fn fractions_are_multiples_as_they_are_written() {
        let fits = |one, divisor| Number::Double(one).is_multiple_of(Number::Double(divisor));
        for (one, divisor) in [
            (19.99, 0.01),
            (0.3, 0.1),
            (-4.35, 0.05),
            (1_234_567.89, 0.01),
            (0.0, 0.01),
            (5.0, 0.1),
            (1e300, 0.5),
        ] {
            assert!(fits(one, divisor), "{one} {divisor}");
        }
        for (one, divisor) in [
            (19.995, 0.01),
            (1_234_567.891, 0.01),
            (0.001, 0.01),
            (1e-20, 0.01),
            (0.300_000_001, 0.1),
            (f64::NAN, 0.1),
            (f64::INFINITY, 0.1),
        ] {
            assert!(!fits(one, divisor), "{one} {divisor}");
        }
        assert!(Number::Int(3).is_multiple_of(Number::Double(0.1)));
    }

    #[test]
    fn numbers_of_all_types_can_be_equal_and_others_only_within_their_type() {
        let list = [json!(1), json!("a"), json!({"$oid": "0123456789abcdef01234567"})];
        let constants = Constants::of(&list).unwrap();
        let decimal: bson::Decimal128 = "1.0".parse().unwrap();
        for value in [
            Value::Int64(1),
            Value::Double(1.0),
            Value::Decimal128(decimal.bytes()),
            Value::String("a"),
        ] {
            assert!(constants.contains(value), "{value:?}");
        }
        for value in [
            Value::Boolean(true),
            Value::Null,
            Value::String("0123456789abcdef01234567"),
        ] {
            assert!(!constants.contains(value), "{value:?}");
        }
    }

    #[test]
    fn what_is_no_scalar_is_no_constant() {
        for json in [
            json!([1]),
            json!({"a": 1}),
            json!({}),
            json!({"$oid": "no"}),
            json!({"$regex": "a"}),
        ] {
            assert_eq!(Constants::of([&json]), None, "{json}");
        }
    }
}
