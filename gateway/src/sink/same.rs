//! When a document is the one that is stored.

use realm_ingest_protocol::Document;

/// To the bit, but that `_id` may stand anywhere: some devices send it first, and a database puts it there. Both are sound.
pub(super) fn same(sent: &[u8], stored: &[u8]) -> bool {
    let id = |bytes| {
        Document::assume_valid(bytes)
            .field("_id")
            .map(|id| (id.kind, id.raw))
    };
    let rest = |bytes| {
        let fields = Document::assume_valid(bytes).fields();
        let rest = fields.filter(|field| field.key != "_id");
        rest.map(|field| (field.key, field.kind, field.raw))
    };
    sent == stored || (id(sent) == id(stored) && rest(sent).eq(rest(stored)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bson::doc;

    use super::*;

    fn are_same(one: bson::Document, other: bson::Document) -> bool {
        same(&one.to_vec().unwrap(), &other.to_vec().unwrap())
    }

    #[test]
    fn a_document_is_the_same_wherever_its_id_stands_and_in_no_other_order() {
        assert!(are_same(
            doc! {"a": 1, "_id": 5, "b": 2},
            doc! {"_id": 5, "a": 1, "b": 2}
        ));
        assert!(!are_same(
            doc! {"_id": 5, "a": 1, "b": 2},
            doc! {"_id": 5, "b": 2, "a": 1}
        ));
        assert!(!are_same(
            doc! {"_id": 5, "a": 1},
            doc! {"_id": 5, "a": 1, "b": 2}
        ));
        assert!(!are_same(doc! {"_id": 5, "a": 0.0}, doc! {"_id": 5, "a": -0.0}));
    }
}
