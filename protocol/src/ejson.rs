//! MongoDB Extended JSON (version 2) of BSON, in either form.
//!
//! The bson crate does the work. Where it leaves the specification, this module does not: dates that ISO 8601 cannot
//! say, fractions of a second, numbers too small to be normal and the sign of what is not a number.

use bson::{Bson, Document};
use serde_json::{Map, Value, json};

use crate::document::{self, DocumentError, Limits};

/// Which of the two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Readable: numbers and dates as JSON has them, as far as nothing is lost.
    Relaxed,
    /// Every type spelled out.
    Canonical,
}

/// Why bytes have no Extended JSON.
#[derive(Debug, thiserror::Error)]
pub enum EjsonError {
    /// They are no document, or one that is nested too deep.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The bson crate does not read it.
    #[error(transparent)]
    Bson(#[from] bson::error::Error),
}

/// The conversion goes as deep as the document does.
const LIMITS: Limits = Limits {
    max_bytes: usize::MAX,
    max_depth: crate::MAX_DEPTH,
};

/// One document, of any size, as Extended JSON.
///
/// # Errors
/// When the bytes are not a document the bson crate reads, or one that is nested deeper than documents may be.
pub fn document(bytes: &[u8], form: Form) -> Result<Value, EjsonError> {
    document::Document::validate(bytes, &LIMITS)?;
    Ok(value(Bson::Document(Document::from_reader(bytes)?), form))
}

/// One value as Extended JSON.
#[must_use]
pub fn value(value: Bson, form: Form) -> Value {
    match (value, form) {
        (Bson::Document(document), _) => Value::Object(fields(document, form)),
        (Bson::Array(elements), _) => elements.into_iter().map(|one| self::value(one, form)).collect(),
        (Bson::JavaScriptCodeWithScope(code), _) => {
            json!({"$code": code.code, "$scope": fields(code.scope, form)})
        }
        (Bson::DateTime(date), Form::Relaxed) => relaxed_date(date.timestamp_millis()),
        (Bson::Double(number), _) if number.is_nan() => json!({"$numberDouble": "NaN"}),
        // The crate prints these bare.
        (Bson::Double(number), Form::Canonical) if number.is_subnormal() => {
            json!({"$numberDouble": format!("{number:e}")})
        }
        (other, Form::Relaxed) => other.into_relaxed_extjson(),
        (other, Form::Canonical) => other.into_canonical_extjson(),
    }
}

fn fields(document: Document, form: Form) -> Map<String, Value> {
    document
        .into_iter()
        .map(|(key, one)| (key, value(one, form)))
        .collect()
}

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// 10000-01-01T00:00:00Z.
const AFTER_9999: i64 = 253_402_300_800_000;

/// ISO 8601 for the years 1970 to 9999, as the specification says, with three digits of fraction or none.
fn relaxed_date(millis: i64) -> Value {
    if !(0..AFTER_9999).contains(&millis) {
        return json!({"$date": {"$numberLong": millis.to_string()}});
    }
    let (year, month, day) = civil(millis / DAY);
    let (of_day, fraction) = (millis % DAY / 1_000, millis % 1_000);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        text += &format!(".{fraction:03}");
    }
    json!({"$date": text + "Z"})
}

/// Year, month and day of a number of days since 1970-01-01, which is not negative. Years are counted from March, so
/// that the leap day is the last of its year; an era of 400 years has 146,097 days.
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + (month <= 2) as i64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use bson::{DateTime, doc};

    fn both(one: impl Into<Bson>) -> (String, String) {
        let one = one.into();
        let text = |form| value(one.clone(), form).to_string();
        (text(Form::Relaxed), text(Form::Canonical))
    }

    fn relaxed(millis: i64) -> String {
        both(DateTime::from_millis(millis)).0
    }

    #[test]
    fn fields_keep_their_order() {
        let bytes = doc! {"z": 1_i64, "a": 2.5, "m": DateTime::from_millis(0)}
            .to_vec()
            .unwrap();
        let text = |form| document(&bytes, form).unwrap().to_string();
        assert_eq!(
            text(Form::Relaxed),
            r#"{"z":1,"a":2.5,"m":{"$date":"1970-01-01T00:00:00Z"}}"#
        );
        assert_eq!(
            text(Form::Canonical),
            r#"{"z":{"$numberLong":"1"},"a":{"$numberDouble":"2.5"},"m":{"$date":{"$numberLong":"0"}}}"#
        );
    }

    #[test]
    fn a_document_that_is_nested_without_end_is_refused() {
        // From the outside in: lengths and keys, then the zeros that close them.
        let depth = 250_000_usize;
        let opened = (1..=depth).rev().flat_map(|left| {
            let length = i32::try_from(5 + 8 * (left - 1)).unwrap();
            let key: &[u8] = if left > 1 { b"\x03a\0" } else { b"" };
            [&length.to_le_bytes(), key].concat()
        });
        let bytes: Vec<u8> = opened.chain(std::iter::repeat_n(0, depth)).collect();
        assert!(matches!(
            document(&bytes, Form::Canonical),
            Err(EjsonError::Document(DocumentError::TooDeep(_)))
        ));
    }

    #[test]
    fn dates_that_iso_8601_cannot_say_are_numbers() {
        for millis in [
            i64::MIN,
            -62_135_596_800_000,
            -1,
            AFTER_9999,
            9_223_372_036_854_000,
            i64::MAX,
        ] {
            let text = format!(r#"{{"$date":{{"$numberLong":"{millis}"}}}}"#);
            let date = DateTime::from_millis(millis);
            assert_eq!(both(date), (text.clone(), text));
            assert_eq!(
                value(doc! {"at": [date]}.into(), Form::Relaxed)["at"][0]["$date"]["$numberLong"],
                millis.to_string(),
                "inside others as well"
            );
        }
        assert_eq!(relaxed(AFTER_9999 - 1), r#"{"$date":"9999-12-31T23:59:59.999Z"}"#);
    }

    #[test]
    fn fractions_have_three_digits_or_none() {
        assert_eq!(relaxed(0), r#"{"$date":"1970-01-01T00:00:00Z"}"#);
        assert_eq!(relaxed(500), r#"{"$date":"1970-01-01T00:00:00.500Z"}"#);
        assert_eq!(
            relaxed(1_700_000_000_120),
            r#"{"$date":"2023-11-14T22:13:20.120Z"}"#
        );
        assert_eq!(
            relaxed(951_782_400_007),
            r#"{"$date":"2000-02-29T00:00:00.007Z"}"#
        );
    }

    #[test]
    fn every_day_is_the_one_of_the_bson_crate() {
        // Each day of 150 years, and then one in three months of each year.
        for day in (0..55_000).chain((55_000..AFTER_9999 / DAY).step_by(97)) {
            let millis = day * DAY + 61_001;
            let wanted = DateTime::from_millis(millis).try_to_rfc3339_string().unwrap();
            assert_eq!(relaxed(millis), json!({"$date": wanted}).to_string());
        }
    }

    #[test]
    fn numbers_are_spelled_as_the_specification_says() {
        let double = |text: &str| format!(r#"{{"$numberDouble":"{text}"}}"#);
        assert_eq!(both(-f64::NAN), (double("NaN"), double("NaN")));
        assert_eq!(
            both(f64::NEG_INFINITY),
            (double("-Infinity"), double("-Infinity"))
        );
        assert_eq!(both(-0.0), ("-0.0".to_owned(), double("-0.0")));
        assert_eq!(both(5e-324), ("5e-324".to_owned(), double("5e-324")));
    }

    #[test]
    fn every_value_is_read_back_as_it_was() {
        let all = doc! {
            "small": f64::MIN_POSITIVE / 2.0, "large": f64::MAX, "lowest": i64::MIN, "narrow": 5_i32,
            "at": DateTime::from_millis(i64::MIN), "soon": DateTime::from_millis(1), "far": DateTime::MAX,
            "scope": bson::JavaScriptCodeWithScope { code: "f".into(), scope: doc! {"at": DateTime::MAX} },
            "list": [doc! {"n": f64::INFINITY}],
        };
        let canonical = value(all.clone().into(), Form::Canonical);
        assert_eq!(Bson::try_from(canonical).unwrap(), Bson::from(all));
    }
}
