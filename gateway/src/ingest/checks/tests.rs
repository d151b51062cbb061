#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use realm_ingest_protocol::{RefusalCode, Schema};
use tokio::sync::Semaphore;

use super::*;
use crate::definition::Definition;
use crate::ingest::Run;
use crate::state::KnownSchema;

/// A schema whose class `A` has an integer as its key, by its fingerprint.
fn schemas() -> Schemas {
    let text = r#"{"classes":[{"name":"A","kind":"asymmetric","primary_key":"_id",
        "properties":[{"name":"_id","type":"int"}]}]}"#;
    let judge = Judge::from(KnownSchema {
        schema: Schema::parse(text).unwrap(),
        used: true,
        ..KnownSchema::default()
    });
    Schemas::from([("fingerprint".into(), Arc::new(judge))])
}

/// Documents of a class under that schema.
fn form(class: &str, count: u32) -> Arc<Form> {
    let class = class.into();
    Arc::new(Form {
        schema: "fingerprint".into(),
        runs: vec![Run { class, count }],
    })
}

#[test]
fn of_transactions_with_one_form_each_is_judged_by_itself() {
    let (form, other) = (form("A", 2), form("B", 1));
    let sound = |id: i32| bson::doc! {"_id": id};
    let wrong = || bson::doc! {"_id": "a text"};
    let transaction = |seq, form: &Arc<Form>, documents: &[bson::Document]| Transaction {
        seq,
        form: Arc::clone(form),
        payload: documents.iter().flat_map(|one| one.to_vec().unwrap()).collect(),
    };
    let transactions = vec![
        transaction(1, &form, &[sound(1), wrong()]),
        transaction(2, &form, &[sound(1), sound(2)]),
        transaction(3, &other, &[sound(1)]),
        transaction(4, &form, &[wrong(), sound(2)]),
    ];
    let memory = || Budget::new(Arc::new(Semaphore::new(100_000)));
    let mut refused = Refusals::new(memory());
    let (definition, user) = (Definition::development(None), serde_json::Value::Null);
    let mut permits = Permits::new(&definition, &user);
    let checked = check(
        transactions,
        &schemas(),
        &mut permits,
        &mut refused,
        &mut memory(),
    );
    let stored = checked.unwrap();
    let stored = stored.iter().flat_map(Checked::documents);
    let stored: Vec<_> = stored.map(|place| (place.seq, place.index)).collect();
    assert_eq!(stored, [(1, 0), (2, 0), (2, 1), (4, 1)]);
    let refused = refused.as_slice().iter();
    let refused: Vec<_> = refused.map(|one| (one.seq, one.index, one.code)).collect();
    let wrong = RefusalCode::TypeMismatch;
    assert_eq!(
        refused,
        [(1, 1, wrong), (3, 0, RefusalCode::UnknownClass), (4, 0, wrong)]
    );
}

#[test]
fn what_it_takes_to_find_the_later_of_two_is_accounted_for() {
    let schemas = schemas();
    let ids = (0..1_000_i32).chain([500]);
    let documents = ids.flat_map(|id| bson::doc! {"_id": id}.to_vec().unwrap());
    let transaction = Transaction {
        seq: 1,
        form: form("A", 1_001),
        payload: documents.collect(),
    };
    let checked = |bytes: usize| {
        let all = Arc::new(Semaphore::new(bytes));
        let mut memory = Budget::new(Arc::clone(&all));
        let mut refused = Refusals::new(Budget::new(Arc::new(Semaphore::new(0))));
        let (definition, user) = (Definition::development(None), serde_json::Value::Null);
        let mut permits = Permits::new(&definition, &user);
        let transactions = vec![transaction.clone()];
        let checked = check(transactions, &schemas, &mut permits, &mut refused, &mut memory);
        assert_eq!(all.available_permits(), bytes, "it is given back");
        checked
    };
    assert!(matches!(checked(10_000), Err(IngestError::NoMemory(_))));
    let checked = checked(100_000).unwrap();
    let stored: Vec<_> = checked[0].documents().map(|place| place.index).collect();
    assert_eq!(stored.len(), 1_000);
    assert!(!stored.contains(&500) && stored.contains(&1_000));
}
