//! What the operator's `schema.json` says of the documents of one collection. Pure.
//!
//! ```text
//! schema.json --parse--> CollectionSchema --contradictions--> is this a class whose documents belong here, once a schema
//!                                         --check--> and each of its documents, where more than types is asked
//! ```
//!
//! A class that contradicts nothing has the types that are wanted, and its documents have those of the class. So a schema
//! without constraints costs a document nothing. The dialect is MongoDB's JSON Schema, as far as it can be said of Realm
//! classes and looked at in one walk over a document.

mod check;
mod class;
mod compare;
mod node;
mod read;

use realm_ingest_protocol::schema::MAX_CLASS_NAME;
use serde_json::Value;

use crate::json_path::{Findings, JsonPath};
pub use class::Described;
pub use compare::Contradiction;
use node::{Kind, Node};
use read::Reader;

/// See the module.
#[derive(Clone, Debug)]
pub struct CollectionSchema {
    root: Node,
    has_constraints: bool,
}

impl CollectionSchema {
    /// Reads the JSON of a file. What is wrong with it, or not served, is added to `findings`, each with its JSON path.
    /// None when it is no schema of documents at all.
    pub fn parse(json: &Value, findings: &mut Findings) -> Option<Self> {
        let path = JsonPath::new("$");
        let mut root = Reader::new(findings).node(json, &path);
        if root.kind == Kind::Mixed && json.get("bsonType").or_else(|| json.get("type")).is_none() {
            root.kind = Kind::Object;
        }
        if root.kind != Kind::Object || !json.is_object() {
            path.report(findings, "the schema of a collection has the type 'object'");
            return None;
        }
        if root
            .title
            .as_ref()
            .is_some_and(|title| title.chars().count() > MAX_CLASS_NAME)
        {
            let text = format!("the name of a class has up to {MAX_CLASS_NAME} characters");
            path.key("title").report(findings, text);
        }
        check_key(&root, &path, findings);
        let has_constraints = root.has_constraints();
        Some(Self {
            root,
            has_constraints,
        })
    }

    /// Name of the class whose documents these are. Without one it is nobody's.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.root.title.as_deref()
    }

    /// Whether [`CollectionSchema::check`] has anything to say of documents of a class that contradicts nothing.
    #[must_use]
    pub const fn has_constraints(&self) -> bool {
        self.has_constraints
    }
}

/// `_id` is the primary key.
fn check_key(root: &Node, path: &JsonPath<'_>, findings: &mut Findings) {
    let objects = root.objects.as_deref();
    let key = objects.and_then(|objects| objects.properties.get("_id"));
    let path = path.key("properties");
    match key.map(|key| key.node.kind) {
        None => path.report(findings, "expected a property '_id', the primary key"),
        Some(Kind::ObjectId | Kind::String | Kind::Uuid | Kind::Int) => {}
        Some(_) => path.key("_id").report(
            findings,
            "the primary key is an objectId, string, uuid, int or long",
        ),
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
