//! A schema that is read has one canonical form, findings about it are bounded, and every valid one can be checked against.

use realm_ingest_protocol::batch::is_identity;
use realm_ingest_protocol::{Checker, Document, Kind, Schema};

/// Bytes of all that is said about one schema.
const MAX_TEXT: usize = 1024 * 1024;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(schema) = Schema::parse(text) else { return };
    let canonical = schema.to_json();
    let again = Schema::parse(&canonical).unwrap();
    assert_eq!(again, schema);
    assert_eq!(again.to_json(), canonical);
    assert_eq!(again.fingerprint(), schema.fingerprint());
    assert!(is_identity(&schema.fingerprint()));

    if let Err(finding) = schema.check_limits() {
        assert!(finding.len() <= 2048, "{finding}");
        return;
    }
    match schema.validate() {
        Err(findings) => {
            let bytes: usize = findings.iter().map(String::len).sum();
            assert!(!findings.is_empty() && bytes <= MAX_TEXT + data.len());
        }
        Ok(()) => valid(&schema),
    }
}

fn valid(schema: &Schema) {
    let checker = Checker::new(schema);
    let empty = Document::assume_valid(&[5, 0, 0, 0, 0]);
    for class in &schema.classes {
        assert_eq!(checker.class(&class.name), Some(class));
        assert_eq!(schema.class(&class.name), Some(class));
        let reached = schema.with_embedded(class);
        assert!(reached.iter().skip(1).all(|class| class.kind == Kind::Embedded));
        // Without a key it is no object of a class that stands alone.
        let fits = checker.check(&class.name, &empty).is_ok();
        assert!(!fits || class.kind == Kind::Embedded);
    }
}
