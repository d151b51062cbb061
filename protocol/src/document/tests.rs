#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use super::*;
use bson::{Bson, doc, oid::ObjectId, spec::BinarySubtype};

fn every_type() -> bson::Document {
    doc! {
        "double": f64::NAN, "text": "grüße\0ende", "doc": {"a": 1, "b": {"c": []}}, "array": [1, "two", {"x": 3_i64}],
        "binary": bson::Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 1, 2] },
        "uuid": bson::Uuid::from_bytes([7; 16]), "undefined": Bson::Undefined,
        "oid": ObjectId::from_bytes([9; 12]), "yes": true, "no": false,
        "date": bson::DateTime::from_millis(-1), "null": Bson::Null,
        "regex": bson::Regex { pattern: "^a".try_into().unwrap(), options: "i".try_into().unwrap() },
        "js": Bson::JavaScriptCode("f()".into()), "symbol": Bson::Symbol("s".into()),
        "scoped": bson::JavaScriptCodeWithScope { code: "g()".into(), scope: doc! {"v": 1} },
        "int": i32::MIN, "stamp": bson::Timestamp { time: 1, increment: 2 }, "long": i64::MAX,
        "decimal": "1.50".parse::<bson::Decimal128>().unwrap(), "min": Bson::MinKey, "max": Bson::MaxKey, "": "empty key",
    }
}

#[test]
fn reads_what_the_bson_crate_writes() {
    let bytes = every_type().to_vec().unwrap();
    let document = Document::validate(&bytes, &Limits::default()).unwrap();
    let names: Vec<_> = document
        .fields()
        .map(|field| (field.key.to_owned(), field.value.type_name()))
        .collect();
    let expected: Vec<_> = every_type().keys().cloned().collect();
    assert_eq!(
        names.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(document.get("text"), Some(Value::String("grüße\0ende")));
    assert_eq!(
        document.get("uuid"),
        Some(Value::Binary {
            subtype: 4,
            bytes: &[7; 16]
        })
    );
    assert_eq!(document.get("oid"), Some(Value::ObjectId([9; 12])));
    assert_eq!(document.get("date"), Some(Value::DateTime(-1)));
    assert_eq!(
        document.get("regex"),
        Some(Value::RegularExpression {
            pattern: "^a",
            options: "i"
        })
    );
    assert_eq!(document.integer("int"), Some(i32::MIN.into()));
    assert_eq!(document.integer("long"), Some(i64::MAX));
    assert_eq!(document.integer("text"), None);
    let Some(Value::JavaScriptWithScope { code: "g()", scope }) = document.get("scoped") else {
        panic!()
    };
    assert_eq!(scope.integer("v"), Some(1));
    let Some(Value::Array(array)) = document.get("array") else {
        panic!()
    };
    assert_eq!(array.fields().count(), 3);
    assert_eq!(document.get("absent"), None);
}

#[test]
fn the_bson_crate_reads_what_the_writer_writes() {
    let mut out = vec![1, 2, 3];
    let mut writer = Writer::new(&mut out);
    writer.string("s", "ä");
    writer.int32("i", -4);
    writer.int64("l", 1 << 40);
    writer.array("a", |array| array.document("0", |inner| inner.string("k", "")));
    writer.finish();
    let read = bson::Document::from_reader(&out[3..]).unwrap();
    assert_eq!(read, doc! {"s": "ä", "i": -4, "l": 1_i64 << 40, "a": [{"k": ""}]});
}

#[test]
fn split_takes_documents_one_by_one() {
    let mut bytes = doc! {"a": 1}.to_vec().unwrap();
    let first = bytes.len();
    bytes.extend(doc! {}.to_vec().unwrap());
    let (one, rest) = split(&bytes).unwrap();
    assert_eq!(one.len(), first);
    let (two, rest) = split(rest).unwrap();
    assert_eq!((two, rest), (&[5_u8, 0, 0, 0, 0][..], &[][..]));
    assert_eq!(split(&[]), Err(DocumentError::Truncated));
    assert_eq!(split(&[4, 0, 0, 0]), Err(DocumentError::BadLength));
    assert_eq!(split(&[255, 255, 255, 255, 0]), Err(DocumentError::BadLength));
    assert_eq!(split(&[6, 0, 0, 0, 0]), Err(DocumentError::Truncated));
    assert_eq!(split(&[5, 0, 0, 0, 1]), Err(DocumentError::MissingTerminator));
}

#[test]
fn names_what_is_wrong() {
    let limits = Limits::default();
    let check = |bytes: &[u8]| Document::validate(bytes, &limits).unwrap_err();
    let element = |kind: u8, value: &[u8]| {
        let mut bytes = vec![0, 0, 0, 0, kind, b'k', 0];
        bytes.extend_from_slice(value);
        bytes.push(0);
        bytes[0] = u8::try_from(bytes.len()).unwrap();
        bytes
    };
    assert_eq!(check(&element(0x20, &[])), DocumentError::UnknownType(0x20));
    assert_eq!(check(&element(0x08, &[2])), DocumentError::InvalidBoolean);
    assert_eq!(
        check(&element(0x02, &[2, 0, 0, 0, 0xFF, 0])),
        DocumentError::InvalidUtf8
    );
    assert_eq!(
        check(&element(0x02, &[2, 0, 0, 0, b'a', b'b'])),
        DocumentError::MissingTerminator
    );
    assert_eq!(check(&element(0x02, &[0, 0, 0, 0])), DocumentError::BadLength);
    assert_eq!(check(&element(0x02, &[9, 0, 0, 0, 0])), DocumentError::Truncated);
    assert_eq!(
        check(&element(0x05, &[255, 255, 255, 255, 0])),
        DocumentError::BadLength
    );
    assert_eq!(check(&element(0x12, &[1, 2])), DocumentError::Truncated);
    let mut behind = doc! {}.to_vec().unwrap();
    behind.push(0);
    assert_eq!(check(&behind), DocumentError::TrailingBytes);
    let large = doc! {"b": "x".repeat(100)}.to_vec().unwrap();
    let small = Limits {
        max_bytes: 100,
        ..limits
    };
    assert!(matches!(
        Document::validate(&large, &small),
        Err(DocumentError::TooLarge { limit: 100, .. })
    ));
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |levels: usize| {
        let mut document = doc! {};
        for _ in 1..levels {
            document = doc! {"d": document};
        }
        document.to_vec().unwrap()
    };
    let limits = Limits::default();
    assert!(Document::validate(&nested(crate::MAX_DEPTH), &limits).is_ok());
    let deep = nested(crate::MAX_DEPTH + 1);
    assert_eq!(
        Document::validate(&deep, &limits),
        Err(DocumentError::TooDeep(crate::MAX_DEPTH))
    );
}

/// A small generator with a fixed seed, so that a failure repeats itself.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap()
    }
}

/// Reads everything there is to read in a document.
fn exhaust(document: Document<'_>) -> usize {
    document
        .fields()
        .map(|field| match field.value {
            Value::Document(inner) | Value::Array(inner) => exhaust(inner),
            Value::JavaScriptWithScope { scope, .. } => exhaust(scope),
            _ => 1,
        })
        .sum()
}

#[test]
fn hostile_bytes_never_panic() {
    let good = every_type().to_vec().unwrap();
    let limits = Limits::default();
    for end in 0..good.len() {
        assert!(Document::validate(&good[..end], &limits).is_err());
    }
    let mut random = Random(0x5EED_CAFE);
    let mut accepted = 0;
    for _ in 0..50_000 {
        let mut bytes = good.clone();
        for _ in 0..=random.next() % 4 {
            let place = random.next() % bytes.len();
            bytes[place] = u8::try_from(random.next() % 256).unwrap();
        }
        if let Ok(document) = Document::validate(&bytes, &limits) {
            exhaust(document);
            accepted += 1;
        }
        // Whatever was not validated must still be safe to walk.
        exhaust(Document { bytes: &bytes });
    }
    assert!(
        accepted > 0,
        "the mutations are so wild that nothing behind validation is reached"
    );
}

#[test]
fn fields_of_a_validated_document_are_complete() {
    let mut random = Random(42);
    let good = every_type().to_vec().unwrap();
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        let place = random.next() % bytes.len();
        bytes[place] = u8::try_from(random.next() % 256).unwrap();
        if let Ok(document) = Document::validate(&bytes, &Limits::default()) {
            let mut elements = Elements::new(&bytes);
            let mut count = 0;
            while let Some(element) = elements.next() {
                element.unwrap();
                count += 1;
            }
            assert_eq!(document.fields().count(), count);
        }
    }
}
