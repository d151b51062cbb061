//! `schema.json`: what the documents of a collection look like.

use serde_json::Value;

use super::reading::Reading;
use crate::collection_schema::CollectionSchema;

/// The title and the schema, if there is one.
pub(super) fn read(reading: &Reading<'_>, file: &str) -> (Option<String>, Option<Value>) {
    let Some(document) = reading.document(file) else {
        return (None, None);
    };
    let Some(object) = document.root().object() else {
        return (None, None);
    };
    if object.is_empty() {
        reading.ignored(file, "it is empty");
        return (None, None);
    }
    let title = object.string("title").map(str::to_owned);
    match &title {
        Some(title) => reading.honoured(file, format!("class '{title}'")),
        None => object
            .node
            .warn("'title' is missing, so only a class that a device brings in development mode has this collection, by its name"),
    }
    (title, Some(object.node.value.clone()))
}

/// What judges documents. A mistake is refused where it `counts`.
pub(super) fn build(
    reading: &Reading<'_>,
    file: &str,
    schema: &Value,
    counts: bool,
) -> Option<CollectionSchema> {
    let mut findings = Vec::new();
    let schema = CollectionSchema::parse(schema, &mut findings);
    let is_sound = findings.is_empty();
    reading.found(file, findings, counts);
    schema.filter(|_| is_sound)
}
