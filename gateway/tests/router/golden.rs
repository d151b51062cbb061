//! The golden documents, which the C++ headers write byte for byte, go through the checks of a batch.

use realm_ingest_gateway::ingest::checks::Judge;
use realm_ingest_gateway::state::KnownSchema;

#[path = "../common/golden.rs"]
mod documents;

use documents::{class_of, documents, schema};

#[test]
fn golden_documents_pass_the_checks() {
    let golden = documents();
    assert!(golden.len() > 50, "the whole matrix, not a part of it");
    let judge = Judge::from(KnownSchema {
        schema: schema(),
        ..KnownSchema::default()
    });
    for (name, document) in golden {
        let verdict = judge.of(class_of(&name)).check(&document);
        assert!(verdict.is_ok(), "{name}: {verdict:?}");
    }
}
