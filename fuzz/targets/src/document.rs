//! A document is well-formed exactly when the bson crate can read all of it, and then has the values it reads.

use bson::{RawBsonRef, RawDocument, spec::BinarySubtype};
use realm_ingest_protocol::document::Field;
use realm_ingest_protocol::{Document, DocumentError, Limits, Value};

pub(crate) fn run(data: &[u8]) {
    let limits = Limits::default();
    let ours = Document::validate(data, &limits);
    let theirs = depth(data);
    match (&ours, &theirs) {
        (Ok(document), Ok(depth)) => {
            assert!(*depth <= limits.max_depth);
            compare(document);
            assert_eq!(Document::key_of_invalid_field(data, &limits), None);
        }
        (Err(DocumentError::TooDeep(_)), Ok(depth)) => assert!(*depth > limits.max_depth),
        (ours, theirs) => assert!(
            ours.is_err() && theirs.is_err(),
            "{ours:?}, by the crate {theirs:?}"
        ),
    }
    // Of what is not well-formed, fields are read as far as they make sense.
    let read = Document::assume_valid(data);
    for field in read.fields() {
        assert!(read.field(field.key).is_some());
    }
}

/// How deep the document is; none where it cannot be read. Not of the crate's affair here: the length inside of binary
/// subtype 2, which servers store as it comes.
fn depth(bytes: &[u8]) -> Result<usize, String> {
    let mut most = 0;
    let mut waiting = vec![(1, bytes)];
    while let Some((depth, bytes)) = waiting.pop() {
        most = most.max(depth);
        let document = RawDocument::from_bytes(bytes).map_err(|error| error.to_string())?;
        for element in document.iter_elements() {
            let element = element.map_err(|error| error.to_string())?;
            match element.value() {
                Ok(RawBsonRef::Document(inner)) => waiting.push((depth + 1, inner.as_bytes())),
                Ok(RawBsonRef::Array(inner)) => waiting.push((depth + 1, inner.as_bytes())),
                Ok(RawBsonRef::JavaScriptCodeWithScope(code)) => {
                    waiting.push((depth + 1, code.scope.as_bytes()));
                }
                Ok(_) => {}
                Err(error) if is_of_inner_length(&error.to_string()) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
    Ok(most)
}

/// What the crate says where the length inside of binary subtype 2 is not that of the rest.
fn is_of_inner_length(error: &str) -> bool {
    ["old binary subtype", "attempted to add with overflow"]
        .iter()
        .any(|text| error.contains(text))
}

fn compare(document: &Document<'_>) {
    let theirs = RawDocument::from_bytes(document.as_bytes()).unwrap();
    let mut ours = document.fields();
    for element in theirs.iter_elements() {
        let element = element.unwrap();
        let field = ours.next().expect("a field that the crate reads");
        assert_eq!(
            (field.key, field.kind),
            (element.key().as_str(), element.element_type() as u8)
        );
        if let Ok(theirs) = element.value() {
            assert!(is_same(&field, theirs), "{field:?} is {theirs:?}");
        }
    }
    assert_eq!(ours.next(), None);
}

fn is_same(field: &Field<'_>, theirs: RawBsonRef<'_>) -> bool {
    use RawBsonRef as R;
    match (field.value, theirs) {
        (Value::Double(a), R::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::String(a), R::String(b))
        | (Value::JavaScript(a), R::JavaScriptCode(b))
        | (Value::Symbol(a), R::Symbol(b)) => a == b,
        (Value::Document(a), R::Document(b)) => inner(a, b),
        (Value::Array(a), R::Array(b)) => {
            compare(&a);
            a.as_bytes() == b.as_bytes()
        }
        (Value::Binary { subtype, bytes }, R::Binary(b)) => {
            // The crate shows the old kind without its inner length.
            let skipped = if b.subtype == BinarySubtype::BinaryOld {
                4
            } else {
                0
            };
            subtype == u8::from(b.subtype) && bytes.get(skipped..) == Some(b.bytes)
        }
        (Value::ObjectId(a), R::ObjectId(b)) => a == b.bytes(),
        (Value::Boolean(a), R::Boolean(b)) => a == b,
        (Value::DateTime(a), R::DateTime(b)) => a == b.timestamp_millis(),
        (Value::RegularExpression { pattern, options }, R::RegularExpression(b)) => {
            pattern == b.pattern.as_str() && options == b.options.as_str()
        }
        (Value::DbPointer { .. }, R::DbPointer(_)) => db_pointer(field, theirs),
        (Value::JavaScriptWithScope { code, scope }, R::JavaScriptCodeWithScope(b)) => {
            code == b.code && inner(scope, b.scope)
        }
        (Value::Int32(a), R::Int32(b)) => a == b,
        (Value::Int64(a), R::Int64(b)) => a == b,
        (Value::Timestamp(a), R::Timestamp(b)) => a == u64::from(b.time) << 32 | u64::from(b.increment),
        (Value::Decimal128(a), R::Decimal128(b)) => a == b.bytes(),
        (Value::Undefined, R::Undefined)
        | (Value::Null, R::Null)
        | (Value::MinKey, R::MinKey)
        | (Value::MaxKey, R::MaxKey) => true,
        _ => false,
    }
}

fn inner(ours: Document<'_>, theirs: &RawDocument) -> bool {
    compare(&ours);
    ours.as_bytes() == theirs.as_bytes()
}

/// The crate shows the parts of it as Extended JSON alone.
fn db_pointer(field: &Field<'_>, theirs: RawBsonRef<'_>) -> bool {
    let Value::DbPointer { namespace, id } = field.value else {
        return false;
    };
    let owned = bson::Bson::try_from(theirs).unwrap().into_canonical_extjson();
    owned["$dbPointer"]["$ref"] == namespace
        && owned["$dbPointer"]["$id"]["$oid"] == bson::oid::ObjectId::from_bytes(id).to_hex()
}
