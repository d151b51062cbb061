#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::sync::mpsc;

use realm_ingest_protocol::Schema;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::memory::NoMemory;
use crate::state::{EmbeddedState, Schemas};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);

#[tokio::test]
async fn what_a_batch_is_checked_by_comes_out_of_its_budget() {
    let data = tempfile::tempdir().unwrap();
    let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
    let mut named = BTreeSet::new();
    let mut json = 0;
    for name in ["One", "Other"] {
        let text = format!(r#"{{"classes":[{{"name":"{name}","kind":"embedded","properties":[]}}]}}"#);
        let schema = Schema::parse(&text).unwrap();
        json += schema.to_json().len();
        named.insert(schema.fingerprint().into());
        state.add_schema(schema, "user").await.unwrap();
    }
    let cache = SchemaCache::new(state, Work::new(1));
    let definition = Arc::new(Definition::development(None));
    let all = Arc::new(Semaphore::new(100 * json));
    // Read, and then remembered.
    for _ in 0..2 {
        let mut budget = Budget::new(Arc::clone(&all));
        assert_eq!(
            cache
                .of(&definition, &named, HERE, &mut budget)
                .await
                .unwrap()
                .len(),
            2
        );
        assert!(budget.held() > json, "{}", budget.held());
    }
    let mut small = Budget::new(Arc::new(Semaphore::new(json)));
    let refused = cache
        .of(&definition, &named, HERE, &mut small)
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, IngestError::NoMemory(NoMemory)), "{refused}");
}

#[tokio::test]
async fn schemas_that_never_fit_are_too_large_and_not_a_want_of_memory() {
    let data = tempfile::tempdir().unwrap();
    let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
    let mut named = BTreeSet::new();
    for number in 0..6 {
        let class = |class| {
            let properties = (0..1_000).map(|p| format!(r#"{{"name":"p{p}","type":"int"}}"#));
            let properties = properties.collect::<Vec<_>>().join(",");
            format!(r#"{{"name":"S{number}C{class}","kind":"embedded","properties":[{properties}]}}"#)
        };
        let classes = (0..30).map(class).collect::<Vec<_>>().join(",");
        let schema = Schema::parse(&format!(r#"{{"classes":[{classes}]}}"#)).unwrap();
        named.insert(schema.fingerprint().into());
        assert!(state.add_schema(schema, "user").await.unwrap());
    }
    let cache = SchemaCache::new(state, Work::new(1));
    let definition = Arc::new(Definition::development(None));
    let mut budget = Budget::new(Arc::new(Semaphore::new(1 << 28)));
    let refused = cache
        .of(&definition, &named, HERE, &mut budget)
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, IngestError::SchemasTooLarge), "{refused}");
    named.pop_first();
    named.pop_first();
    cache.of(&definition, &named, HERE, &mut budget).await.unwrap();
}

#[tokio::test]
async fn another_definition_makes_schemas_ready_again() {
    let data = tempfile::tempdir().unwrap();
    let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
    let text = r#"{"classes":[{"name":"A","kind":"asymmetric","primary_key":"_id",
        "properties":[{"name":"_id","type":"int"}]}]}"#;
    let schema = Schema::parse(text).unwrap();
    let fingerprint = schema.fingerprint();
    state.add_schema(schema, "user").await.unwrap();
    let cache = SchemaCache::new(state, Work::new(1));
    let mut strict = Definition::development(None);
    strict.sync.development_mode = false;
    let budget = Budget::new(Arc::new(Semaphore::new(1 << 20)));
    let (open, strict) = (Arc::new(Definition::development(None)), Arc::new(strict));
    for (definition, conflicts) in [(&open, 0), (&strict, 1), (&open, 0)] {
        for _ in 0..2 {
            let judge = cache
                .one(definition, &fingerprint, HERE, &budget)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(judge.conflicts().len(), conflicts);
        }
    }
}

#[tokio::test]
async fn others_read_schemas_while_one_waits_for_its_turn() {
    let data = tempfile::tempdir().unwrap();
    let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
    let (mut fingerprints, mut bytes) = (Vec::new(), 0);
    for name in ["One", "Other"] {
        let text = format!(r#"{{"classes":[{{"name":"{name}","kind":"embedded","properties":[]}}]}}"#);
        let schema = Schema::parse(&text).unwrap();
        fingerprints.push(schema.fingerprint());
        bytes += memory_of(&schema);
        state.add_schema(schema, "user").await.unwrap();
    }
    let work = Work::new(1);
    let cache = Arc::new(SchemaCache::new(state, work.clone()));
    let definition = Arc::new(Definition::development(None));
    let all = Arc::new(Semaphore::new(1 << 20));
    let (end, ended) = mpsc::channel::<()>();
    let (begin, begun) = oneshot::channel();
    let long = tokio::spawn(async move {
        let long = move || {
            begin.send(()).unwrap();
            ended.recv()
        };
        work.run(HERE, long).await
    });
    begun.await.unwrap();
    let read = |(fingerprint, from): (String, IpAddr)| {
        let (cache, definition) = (Arc::clone(&cache), Arc::clone(&definition));
        let budget = Budget::new(Arc::clone(&all));
        tokio::spawn(async move { cache.one(&definition, &fingerprint, from, &budget).await })
    };
    let reads: Vec<_> = fingerprints.into_iter().zip([HERE, THERE]).map(read).collect();
    // Each takes its memory once it was read, and then waits for its turn.
    let is_read = || all.available_permits() == (1 << 20) - bytes;
    while !is_read() && !reads.iter().any(JoinHandle::is_finished) {
        tokio::task::yield_now().await;
    }
    assert!(is_read(), "all but one wait behind that one");
    end.send(()).unwrap();
    long.await.unwrap().unwrap().unwrap();
    for read in reads {
        assert!(read.await.unwrap().unwrap().is_some());
    }
    assert_eq!(all.available_permits(), 1 << 20);
}
