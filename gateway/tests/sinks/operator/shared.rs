//! What is so of the sink over MongoDB alone.

use std::sync::Arc;

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
