//! A sink out of steps may fail, forget its answer or stop half-way at every step: sent again, everything is there once.

use std::collections::BTreeSet;

use bson::doc;
use realm_ingest_gateway::ingest::IngestError;

use crate::common::note;
use crate::memory::MemorySteps;
use crate::stores::{Core, Faulty, Sent, Store};

fn sent() -> Sent {
    Sent::new(&[
        (
            1,
            &[
                ("Note", note("a", "superseded")),
                ("Note", doc! {"_id": "bad", "text": 5}),
                ("Note", note("a", "stands")),
            ],
        ),
        (2, &[("Note", note("taken", "second")), ("Note", note("b", "2"))]),
    ])
}

async fn over_what_is_there<S: Faulty>() -> Core<S> {
    let core = Core::new().await;
    let before = Sent {
        outbox: 2,
        ..Sent::new(&[(1, &[("Note", note("taken", "first"))])])
    };
    core.send(&before).await.unwrap();
    core
}

async fn every_step_may_fail_in_every_way<S: Faulty>() {
    let whole = over_what_is_there::<S>().await;
    let answer = whole.send(&sent()).await.unwrap();
    for fault in S::FAULTS {
        for step in 0.. {
            let core = over_what_is_there::<S>().await;
            core.store.fail(step, *fault);
            let first = core.send(&sent()).await;
            if !core.store.has_failed() {
                assert!(step >= 4, "known, documents, dead letters, position");
                break;
            }
            // A client of the store may have asked once more.
            let acknowledged = first.is_ok();
            assert!(
                matches!(&first, Err(IngestError::Backend(_))) || first.is_ok_and(|first| first == answer),
                "step {step} {fault:?} is not acknowledged, or is there"
            );
            if acknowledged {
                assert_eq!(core.store.documents().await, whole.store.documents().await);
            }
            assert_eq!(core.send(&sent()).await.unwrap(), answer, "step {step} {fault:?}");
            assert_eq!(core.store.documents().await, whole.store.documents().await);
            assert_eq!(core.store.letters().await, whole.store.letters().await);
            assert_eq!(core.position(&sent()).await, 2);
        }
    }
}

async fn the_position_never_promises_what_is_not_there<S: Faulty>() {
    for fault in S::FAULTS {
        for step in 0.. {
            let core = over_what_is_there::<S>().await;
            core.store.fail(step, *fault);
            let _ = core.send(&sent()).await;
            if !core.store.has_failed() {
                break;
            }
            if core.position(&sent()).await == 2 {
                assert_eq!(core.store.documents().await.len(), 3);
                assert_eq!(core.store.letters().await.len(), 2);
            }
        }
    }
}

async fn of_two_copies_none_loses_a_dead_letter_whichever_step_of_the_first_fails<S: Faulty>() {
    // Each has a bad document where the other one has none, and one where the other one has another.
    let bad = |text: i32| ("Note", doc! {"_id": "bad", "text": text});
    let shared = || ("Note", note("shared", "1"));
    let original = Sent::new(&[(1, &[shared()]), (2, &[bad(1), bad(2)])]);
    let clone = Sent::new(&[(1, &[shared()]), (2, &[("Note", note("own", "2")), bad(3)])]);
    for fault in S::FAULTS {
        for step in 0.. {
            let core = Core::<S>::new().await;
            core.store.fail(step, *fault);
            let _ = core.send(&original).await;
            if !core.store.has_failed() {
                break;
            }
            let mut told = 0;
            for (sent, name) in [(&clone, 2), (&original, 3)] {
                if let Err(error) = core.send(sent).await {
                    assert!(matches!(error, IngestError::Copied), "{error}");
                    told += 1;
                    let renamed = Sent {
                        outbox: name,
                        ..sent.clone()
                    };
                    core.send(&renamed).await.unwrap();
                }
            }
            assert_eq!(told, 1, "step {step} {fault:?}");
            let kept: BTreeSet<_> = core.store.letter_documents().await.into_iter().collect();
            let sent = [1, 2, 3].map(|text| bad(text).1.to_vec().unwrap());
            assert_eq!(kept, sent.into(), "step {step} {fault:?}");
        }
    }
}

macro_rules! over {
    ($($name:ident: $store:ty),+ $(,)?) => {
        $(mod $name {
            #[tokio::test]
            async fn every_step_may_fail_in_every_way() {
                super::every_step_may_fail_in_every_way::<$store>().await;
            }

            #[tokio::test]
            async fn the_position_never_promises_what_is_not_there() {
                super::the_position_never_promises_what_is_not_there::<$store>().await;
            }

            #[tokio::test]
            async fn of_two_copies_none_loses_a_dead_letter_whichever_step_of_the_first_fails() {
                super::of_two_copies_none_loses_a_dead_letter_whichever_step_of_the_first_fails::<$store>().await;
            }
        })+
    };
}

over! {
    stepwise: crate::memory::MemorySteps,
    mongodb: crate::mongodb::Proxied,
}

#[tokio::test]
async fn a_store_that_was_restored_takes_what_waits_and_says_so() {
    let core = Core::<MemorySteps>::new().await;
    let backup = core.store.contents().clone();
    core.send(&sent()).await.unwrap();
    core.store.restore(backup);
    let next = Sent {
        lineage: 2,
        acked: 2,
        after: 2,
        ..Sent::new(&[(3, &[("Note", note("c", "3"))])])
    };
    core.send(&next).await.unwrap();
    assert_eq!((core.position(&next).await, core.store.setbacks().await), (3, 1));
}

#[tokio::test]
async fn what_was_sent_and_not_acknowledged_before_a_restore_is_asked_for_again() {
    let core = Core::<MemorySteps>::new().await;
    let backup = core.store.contents().clone();
    core.send(&sent()).await.unwrap();
    core.store.restore(backup);
    // The device went on within one lineage: it has not let anything leave.
    let next = Sent {
        after: 2,
        ..Sent::new(&[(3, &[("Note", note("c", "3"))])])
    };
    let hole = core.send(&next).await.unwrap_err();
    assert!(matches!(hole, IngestError::Hole { position: 0 }), "{hole}");
    core.send(&sent()).await.unwrap();
    core.send(&next).await.unwrap();
    assert_eq!((core.position(&next).await, core.store.setbacks().await), (3, 0));
}
