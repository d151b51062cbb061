//! Every document that is well-formed can be shown, and its canonical form is read back by the bson crate as the same.

use bson::{Bson, Document, RawBsonRef, RawDocument};
use realm_ingest::fuzzing;
use realm_ingest_gateway::ejson::{self, Form};
use realm_ingest_protocol::Limits;

pub(crate) fn run(data: &[u8]) {
    let on_device = fuzzing::from_bson(data);
    let relaxed = ejson::document(data, Form::Relaxed);
    let canonical = ejson::document(data, Form::Canonical);
    assert_eq!(relaxed.is_some(), canonical.is_some());
    assert_eq!(on_device.is_ok(), canonical.is_some());
    let _ = ejson::id_of(data);
    if realm_ingest_protocol::Document::validate(data, &Limits::default()).is_err() {
        assert!(canonical.is_none());
        return;
    }
    let raw = RawDocument::from_bytes(data).unwrap();
    let Some(canonical) = canonical else {
        assert!(
            holds(raw, &|element| element.is_err()),
            "a document that cannot be shown"
        );
        return;
    };
    assert_eq!(on_device, Ok(canonical.to_string()));
    if holds(raw, &is_ambiguous) {
        return;
    }
    let document = Document::from_reader(data).unwrap();
    let again = Bson::try_from(canonical.clone()).unwrap_or_else(|error| panic!("{canonical}: {error}"));
    assert_eq!(plain(again), plain(Bson::Document(document)), "{canonical}");
}

type Element<'a> = Result<(&'a str, RawBsonRef<'a>), bson::error::Error>;

/// Whether anything in the document, however deep, is so.
fn holds(document: &RawDocument, is_so: &dyn Fn(&Element<'_>) -> bool) -> bool {
    document.iter().any(|element| {
        let element = element.map(|(key, value)| (key.as_str(), value));
        is_so(&element)
            || match element {
                Ok((_, RawBsonRef::Document(inner))) => holds(inner, is_so),
                Ok((_, RawBsonRef::Array(inner))) => {
                    holds(RawDocument::from_bytes(inner.as_bytes()).unwrap(), is_so)
                }
                Ok((_, RawBsonRef::JavaScriptCodeWithScope(code))) => holds(code.scope, is_so),
                _ => false,
            }
    })
}

/// What Extended JSON does not tell from something else: names that begin like its own, and decimals that are not in their
/// canonical encoding.
fn is_ambiguous(element: &Element<'_>) -> bool {
    match element {
        Ok((key, _)) if key.starts_with('$') => true,
        Ok((_, RawBsonRef::Decimal128(decimal))) => !is_canonical(u128::from_le_bytes(decimal.bytes())),
        _ => false,
    }
}

fn is_canonical(bits: u128) -> bool {
    const MAX_COEFFICIENT: u128 = 9_999_999_999_999_999_999_999_999_999_999_999;
    match bits >> 122 & 0b1_1111 {
        0b1_1110 | 0b1_1111 => bits << 6 == 0 && bits >> 122 != 0b11_1111,
        top if top >> 3 == 0b11 => false,
        _ => bits & ((1 << 113) - 1) <= MAX_COEFFICIENT,
    }
}

/// With one NaN for all, which has no other form, and text where a number has no equal.
fn plain(value: Bson) -> Bson {
    match value {
        Bson::Double(number) if number.is_nan() => Bson::Symbol("NaN".to_owned()),
        Bson::Double(number) => Bson::Symbol(format!("{:x}", number.to_bits())),
        Bson::Array(all) => all.into_iter().map(plain).collect(),
        Bson::Document(all) => Bson::Document(fields(all)),
        Bson::JavaScriptCodeWithScope(mut code) => {
            code.scope = fields(code.scope);
            code.into()
        }
        other => other,
    }
}

fn fields(document: Document) -> Document {
    document
        .into_iter()
        .map(|(key, value)| (key, plain(value)))
        .collect()
}
