//! What is so of the sink over MongoDB alone.

use std::sync::Arc;

use ::mongodb::IndexModel;
use ::mongodb::options::IndexOptions;
use bson::{Document, doc};
use realm_ingest_gateway::backend::BackendError;
use realm_ingest_gateway::cluster::Cluster;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoOperator};
use realm_ingest_gateway::sink::{Operator, Which};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::{ask, bad, letters, purge, replay, with_letters};
use crate::common::{note, outbox};
use crate::memory::Fault;
use crate::mongodb::{Mongo, all};
use crate::proxy::Proxy;
use crate::server::Server;
use crate::stores::{APP, Core, Sent, Store};

#[tokio::test]
async fn what_is_of_another_app_is_neither_shown_nor_taken() {
    let core = with_letters::<Mongo>().await;
    for collection in ["dead_letters", "outboxes"] {
        for app in ["0", "z", "0123456789abcdef012345678"] {
            let id = doc! {"app": app, "user": "user", "outbox": outbox(1), "seq": 1_i64, "index": 1_i64};
            let record = doc! {"_id": id, "class": "Note", "position": 1_i64};
            core.store
                .state
                .collection(collection)
                .insert_one(record)
                .await
                .unwrap();
        }
    }
    let stats = ask(&core, |operator| operator.stats().unwrap()).await;
    assert_eq!((stats.dead_letters, stats.outboxes), (3, 2));
    assert_eq!(purge(&core, &Which::default()).await, 3);
    assert_eq!(all(&core.store.state, "dead_letters").await.len(), 3);
    let counts = all(&core.store.state, "letter_counts").await;
    assert!(
        counts.iter().all(|one| one.get_i64("letters").unwrap() == 0),
        "{counts:?}"
    );
}

#[tokio::test]
async fn a_letter_in_parts_is_shown_whole_and_goes_with_them() {
    let core = Core::<Mongo>::new().await;
    let large = |id: &str| doc! {"_id": id, "text": 5, "more": "x".repeat(9 << 20)};
    core.send(&Sent::new(&[(1, &[("Note", large("a")), ("Note", bad("b"))])]))
        .await
        .unwrap();
    assert_eq!(all(&core.store.state, "dead_letter_parts").await.len(), 2);
    let shown = letters(&core, &Which::default()).await;
    assert_eq!(shown[0].document, large("a").to_vec().unwrap());
    assert_eq!(
        replay(&core, |letter| if letter.index == 0 { Ok(()) } else { Err(None) }).await,
        [1, 0, 1]
    );
    assert_eq!(all(&core.store.state, "dead_letter_parts").await.len(), 0);
    assert_eq!(core.store.documents().await["Note \"a\""], large("a"));
    let again = Sent {
        outbox: 2,
        ..Sent::new(&[(1, &[("Note", large("c"))])])
    };
    core.send(&again).await.unwrap();
    assert_eq!(purge(&core, &Which::default()).await, 2);
    assert_eq!(all(&core.store.state, "dead_letter_parts").await.len(), 0);
}

#[tokio::test]
async fn whatever_is_lost_of_a_replay_a_document_is_a_letter_or_stored_once() {
    let server = Server::shared().await;
    for fault in [Fault::Before, Fault::After] {
        for step in 0.. {
            let core = Core::<Mongo>::new().await;
            let sent = Sent::new(&[(1, &[("Note", note("a", "fits")), ("Note", bad("b"))])]);
            core.send(&sent).await.unwrap();
            let proxy = Proxy::before(server.uri()).await;
            let cluster = Cluster::new(&proxy.uri().into()).await.unwrap();
            let state = cluster.database(core.store.state.name());
            let sources = DataSources::new(cluster);
            let operator = MongoOperator::new(Handle::current(), &state, sources, APP);
            let definition = Arc::clone(&core.definition);
            proxy.fail(step, fault);
            let tried = spawn_blocking(move || {
                let all = Which::default();
                operator.replay(&all, &definition, &|_| Ok(()), &mut |_| ())
            });
            if let Err(error) = tried.await.unwrap() {
                assert!(matches!(error, BackendError::Unavailable(_)), "{error}");
                let (documents, letters) = (core.store.documents().await, core.store.letters().await);
                let is_stored = documents.contains_key("Note \"b\"");
                assert!(is_stored || letters.len() == 1, "step {step} {fault:?}");
                let [stored, already, left] = replay(&core, |_| Ok(())).await;
                assert_eq!((stored + already, left), (letters.len() as u64, 0));
            }
            assert_eq!(core.store.documents().await.len(), 2, "step {step} {fault:?}");
            assert_eq!(core.store.letters().await, [], "step {step} {fault:?}");
            let counts = all(&core.store.state, "letter_counts").await;
            let is_too_low = |one: &Document| one.get_i64("letters").unwrap() < 0;
            assert!(!counts.iter().any(is_too_low), "step {step} {fault:?} {counts:?}");
            if !proxy.has_failed() {
                assert!(step >= 7, "range, page, look, insert, delete, two counts");
                break;
            }
        }
    }
}

#[tokio::test]
async fn letters_with_one_id_all_stay_when_a_unique_index_of_the_collection_is_against_the_last() {
    let core = Core::<Mongo>::new().await;
    let options = IndexOptions::builder().unique(true).build();
    let index = IndexModel::builder().keys(doc! {"text": 1}).options(options);
    let notes = core.store.data.collection::<Document>("Note");
    notes.create_index(index.build()).await.unwrap();
    let at = |id: &str, text: i32| ("Note", doc! {"_id": id, "text": text});
    let filler = (0..700).map(|number| at(&number.to_string(), number));
    // In one page, and with the last of them in another one, which would replace the first.
    let documents: Vec<_> = [at("b", 1_000), at("a", 1_001), at("a", 1)]
        .into_iter()
        .chain(filler)
        .chain([at("b", 2)])
        .collect();
    core.send(&Sent::new(&[(1, &documents)])).await.unwrap();
    notes.insert_one(doc! {"_id": "other", "text": 1}).await.unwrap();
    notes
        .insert_one(doc! {"_id": "another", "text": 2})
        .await
        .unwrap();
    // Both of "a", the last of "b", and two of the others.
    let [stored, _, left] = replay(&core, |_| Ok(())).await;
    assert_eq!((stored, left), (699, 5));
    let kept = letters(&core, &Which::default()).await;
    let kept = kept.iter().map(|one| {
        let document = Document::from_reader(&one.document[..]).unwrap();
        (
            document.get_str("_id").unwrap().to_owned(),
            document.get_i32("text").unwrap(),
        )
    });
    let kept: Vec<_> = kept.collect();
    let wanted = [("a", 1_001), ("a", 1), ("1", 1), ("2", 2), ("b", 2)];
    assert_eq!(kept, wanted.map(|(id, text)| (id.to_owned(), text)));
    let stored = core.store.documents().await;
    assert_eq!(stored["Note \"b\""], doc! {"_id": "b", "text": 1_000});
}
