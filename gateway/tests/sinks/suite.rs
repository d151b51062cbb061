//! The suite.

use std::sync::atomic::Ordering;

use bson::doc;
use realm_ingest_gateway::ingest::IngestError;
use realm_ingest_gateway::sink::{Amount, Full, Quota};

use crate::common::{note, outbox};
use crate::stores::{Core, Sent, Store};

async fn documents_and_the_position_are_stored<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent::new(&[
        (3, &[("Note", note("a", "1")), ("Note", note("b", "2"))]),
        (7, &[("Note", note("c", "3"))]),
    ]);
    assert_eq!(core.position(&sent).await, 0);
    assert_eq!(core.send(&sent).await.unwrap(), (7, vec![]));
    assert_eq!(core.position(&sent).await, 7);
    assert_eq!(core.store.documents().await.len(), 3);
}

async fn a_batch_sent_again_changes_nothing_and_is_answered_the_same<S: Store>() {
    let core = Core::<S>::new().await;
    let other = Sent {
        outbox: 2,
        ..Sent::new(&[(1, &[("Note", note("taken", "first"))])])
    };
    core.send(&other).await.unwrap();
    let sent = Sent::new(&[
        (
            1,
            &[("Note", note("a", "1")), ("Note", doc! {"_id": "bad", "text": 5})],
        ),
        (
            2,
            &[("Note", note("taken", "second")), ("Nobody", note("x", "y"))],
        ),
    ]);
    let first = core.send(&sent).await.unwrap();
    let codes: Vec<_> = first.1.iter().map(|(.., code)| code.as_str()).collect();
    assert_eq!(codes, ["TypeMismatch", "DuplicateId", "UnknownClass"]);
    let (documents, letters) = (core.store.documents().await, core.store.letters().await);
    assert_eq!((documents.len(), letters.len()), (2, 3));
    for _ in 0..3 {
        assert_eq!(core.send(&sent).await.unwrap(), first);
    }
    assert_eq!(
        (core.store.documents().await, core.store.letters().await),
        (documents, letters)
    );
}

async fn what_is_stored_already_is_counted_and_what_differs_is_not<S: Store>() {
    let core = Core::<S>::new().await;
    let equal = || core.equal.load(Ordering::SeqCst);
    let sent = Sent::new(&[
        (1, &[("Note", note("a", "1")), ("Note", note("b", "2"))]),
        (2, &[("Note", note("a", "1")), ("Note", note("b", "other"))]),
    ]);
    core.send(&sent).await.unwrap();
    assert_eq!(equal(), 1, "of the second transaction");
    core.send(&sent).await.unwrap();
    assert_eq!(equal(), 1 + 3);
}

async fn the_later_of_two_in_one_transaction_stands<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent::new(&[(
        1,
        &[
            ("Note", note("a", "first")),
            (
                "Note",
                note("a", "bad")
                    .into_iter()
                    .chain([("x".to_owned(), 1.into())])
                    .collect(),
            ),
            ("Note", note("b", "other")),
            ("Note", note("a", "last")),
        ],
    )]);
    let (_, refused) = core.send(&sent).await.unwrap();
    assert_eq!(refused, [(1, 1, "UnknownProperty".to_owned())]);
    let documents = core.store.documents().await;
    assert_eq!(documents["Note \"a\""], note("a", "last"));
    assert_eq!(documents.len(), 2);
    assert_eq!(core.send(&sent).await.unwrap().1, refused);
}

async fn the_first_of_two_transactions_stands<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent::new(&[
        (1, &[("Note", note("a", "first"))]),
        (2, &[("Note", note("a", "first"))]),
        (3, &[("Note", note("a", "second"))]),
    ]);
    let answer = (3, vec![(3, 0, "DuplicateId".to_owned())]);
    assert_eq!(core.send(&sent).await.unwrap(), answer);
    assert_eq!(core.store.documents().await["Note \"a\""], note("a", "first"));
    assert_eq!(core.store.letters().await.len(), 1);
}

async fn a_document_is_the_same_wherever_its_id_stands<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent::new(&[
        (1, &[("Note", doc! {"_id": "a", "text": "first"})]),
        (2, &[("Note", doc! {"text": "first", "_id": "a"})]),
        (3, &[("Note", doc! {"text": "second", "_id": "a"})]),
    ]);
    let answer = (3, vec![(3, 0, "DuplicateId".to_owned())]);
    assert_eq!(core.send(&sent).await.unwrap(), answer);
}

async fn one_id_in_two_classes_is_two_documents<S: Store>() {
    let core = Core::<S>::new().await;
    let id = bson::oid::ObjectId::new();
    let reading = doc! {"_id": id, "value": 1.0};
    let sent = Sent::new(&[(1, &[("Reading", reading), ("Note", note(&id.to_hex(), "t"))])]);
    core.send(&sent).await.unwrap();
    assert_eq!(core.store.documents().await.len(), 2);
}

async fn a_hole_is_refused_with_the_position_until_it_is_filled<S: Store>() {
    let core = Core::<S>::new().await;
    let one = Sent::new(&[(1, &[("Note", note("1", ""))])]);
    let three = Sent {
        after: 2,
        ..Sent::new(&[(3, &[("Note", note("3", ""))])])
    };
    let hole = core.send(&three).await.unwrap_err();
    assert!(matches!(hole, IngestError::Hole { position: 0 }), "{hole}");
    core.send(&one).await.unwrap();
    let hole = core.send(&three).await.unwrap_err();
    assert!(matches!(hole, IngestError::Hole { position: 1 }), "{hole}");
    assert_eq!(
        (core.store.documents().await.len(), core.position(&one).await),
        (1, 1)
    );
    let two = Sent {
        after: 1,
        ..Sent::new(&[(2, &[("Note", note("2", ""))])])
    };
    core.send(&two).await.unwrap();
    core.send(&three).await.unwrap();
    assert_eq!(
        (core.store.documents().await.len(), core.position(&one).await),
        (3, 3)
    );
    assert_eq!(core.store.setbacks().await, 0);
}

async fn an_outbox_that_was_acknowledged_more_is_taken_and_recorded<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent {
        acked: 5,
        after: 5,
        ..Sent::new(&[(8, &[("Note", note("8", ""))])])
    };
    core.send(&sent).await.unwrap();
    assert_eq!((core.position(&sent).await, core.store.setbacks().await), (8, 1));
}

async fn a_copy_is_told_and_changes_nothing<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent::new(&[(1, &[("Note", note("a", "1"))]), (2, &[("Note", note("b", "2"))])]);
    core.send(&sent).await.unwrap();
    let cloned = Sent {
        lineage: 2,
        ..Sent::new(&[(2, &[("Note", note("c", "3"))])])
    };
    assert!(matches!(core.send(&cloned).await, Err(IngestError::Copied)));
    let turned_back = Sent::new(&[(1, &[("Note", note("d", "4"))])]);
    assert!(matches!(core.send(&turned_back).await, Err(IngestError::Copied)));
    assert_eq!(
        (core.store.documents().await.len(), core.position(&sent).await),
        (2, 2)
    );
}

/// What waits in a file, and behind it a document that is not to be stored.
fn with_bad_end(outbox: u64, class: &'static str, bad: bson::Document) -> Sent {
    Sent {
        outbox,
        ..Sent::new(&[
            (1, &[("Note", note("shared", "1"))]),
            (
                2,
                &[("Note", note(&format!("{class} {bad}"), "own")), (class, bad)],
            ),
        ])
    }
}

async fn a_copy_that_shares_what_waited_is_told_by_its_dead_letters<S: Store>() {
    let bad = || doc! {"_id": "bad", "text": 5};
    let of_other_document = ("Note", doc! {"_id": "bad", "text": 6});
    for (class, other) in [of_other_document, ("Nobody", bad())] {
        let core = Core::<S>::new().await;
        let original = with_bad_end(1, "Note", bad());
        let clone = with_bad_end(1, class, other.clone());
        let answer = core.send(&original).await.unwrap();
        let letters = core.store.letters().await;
        let told = core.send(&clone).await;
        assert!(matches!(told, Err(IngestError::Copied)), "{told:?}");
        assert_eq!(
            (core.store.letters().await, core.position(&clone).await),
            (letters, 2)
        );
        assert_eq!(core.send(&original).await.unwrap(), answer);

        let renamed = with_bad_end(2, class, other);
        assert_eq!(core.send(&renamed).await.unwrap().1.len(), 1);
        assert_eq!(
            (
                core.store.letters().await.len(),
                core.store.documents().await.len()
            ),
            (2, 3)
        );
    }
}

async fn of_two_copies_at_once_one_is_told<S: Store>() {
    let core = Core::<S>::new().await;
    let original = with_bad_end(1, "Note", doc! {"_id": "bad", "text": 5});
    let clone = with_bad_end(1, "Note", doc! {"_id": "bad", "text": 6});
    let (one, two) = tokio::join!(core.send(&original), core.send(&clone));
    assert_eq!([&one, &two].iter().filter(|answer| answer.is_ok()).count(), 1);
    let told = one.and(two);
    assert!(matches!(told, Err(IngestError::Copied)), "{told:?}");
    assert_eq!(
        (core.store.letters().await.len(), core.position(&original).await),
        (1, 2)
    );
}

async fn two_users_with_one_outbox_name_do_not_meet<S: Store>() {
    let core = Core::<S>::new().await;
    let bad = doc! {"_id": "bad", "text": 5};
    let one = Sent::new(&[(1, &[("Note", note("a", "1"))]), (2, &[("Note", bad.clone())])]);
    core.send(&one).await.unwrap();
    let other = Sent {
        user: "other",
        lineage: 9,
        ..Sent::new(&[(2, &[("Note", bad)]), (3, &[("Note", note("b", "2"))])])
    };
    assert_eq!(
        core.position(&other).await,
        0,
        "nobody learns how far another user is"
    );
    core.send(&other).await.unwrap();
    assert_eq!((core.position(&one).await, core.position(&other).await), (2, 3));
    let users: Vec<_> = core
        .store
        .letters()
        .await
        .into_iter()
        .map(|(user, ..)| user)
        .collect();
    assert_eq!(users.len(), 2, "each has its own dead letters: {users:?}");
}

async fn the_same_batch_from_many_at_once_is_stored_once<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent::new(&[(1, &[("Note", note("a", "1"))]), (2, &[("Note", note("b", "2"))])]);
    let answers = tokio::join!(
        core.send(&sent),
        core.send(&sent),
        core.send(&sent),
        core.send(&sent)
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_eq!(answer.unwrap(), (2, vec![]));
    }
    assert_eq!(
        (core.store.documents().await.len(), core.position(&sent).await),
        (2, 2)
    );
}

async fn two_batches_at_once_end_as_if_one_came_first<S: Store>() {
    for _ in 0..20 {
        let core = Core::<S>::new().await;
        let one = Sent::new(&[(1, &[("Note", note("a", "1"))])]);
        let two = Sent {
            after: 1,
            ..Sent::new(&[(2, &[("Note", note("b", "2"))])])
        };
        let (later, earlier) = tokio::join!(core.send(&two), core.send(&one));
        earlier.unwrap();
        match later {
            Ok(answer) => assert_eq!(answer.0, 2),
            Err(IngestError::Hole { position }) => {
                assert!(position < 2);
                core.send(&two).await.unwrap();
            }
            Err(error) => panic!("{error}"),
        }
        assert_eq!(
            (core.store.documents().await.len(), core.position(&one).await),
            (2, 2)
        );
    }
}

/// One document that fits and some that do not, of which each has 26 bytes.
fn with_refused(user: &'static str, outbox: u64, refused: i32) -> Sent {
    let fits = ("Note", note(&format!("{user} {outbox}"), "fits"));
    let bad = (0..refused).map(|_| ("Note", doc! {"_id": "b", "text": 5}));
    let documents: Vec<_> = [fits].into_iter().chain(bad).collect();
    Sent {
        user,
        outbox,
        ..Sent::new(&[(1, &documents)])
    }
}

fn full(error: &IngestError) -> Option<Full> {
    match error {
        IngestError::TooManyDeadLetters(full) => Some(*full),
        _ => None,
    }
}

const NONE: Amount = Amount { letters: 0, bytes: 0 };

const ANY: Amount = Amount {
    letters: u64::MAX,
    bytes: u64::MAX,
};

async fn a_batch_without_room_for_its_dead_letters_is_not_settled<S: Store>() {
    let (letters, bytes) = (Amount { letters: 3, ..ANY }, Amount { bytes: 80, ..ANY });
    for (of_user, in_all, wanted) in [
        (letters, ANY, Full::User),
        (bytes, ANY, Full::User),
        (ANY, letters, Full::All),
        (ANY, bytes, Full::All),
    ] {
        let core = Core::<S>::with(Quota {
            of_user,
            in_all,
            of_its_own: NONE,
        })
        .await;
        let first = with_refused("user", 1, 2);
        let answer = core.send(&first).await.unwrap();
        let kept = core.store.letters().await;
        let more = with_refused("user", 2, 2);
        let refused = core.send(&more).await.unwrap_err();
        assert_eq!(full(&refused), Some(wanted), "{refused}");
        assert_eq!(
            (core.store.letters().await, core.position(&more).await),
            (kept.clone(), 0)
        );

        assert_eq!(
            core.send(&first).await.unwrap(),
            answer,
            "what is there stays there"
        );
        core.send(&with_refused("user", 3, 0)).await.unwrap();
        core.send(&with_refused("user", 4, 1)).await.unwrap();
        core.send(&with_refused("other", 5, 1)).await.unwrap();
    }
}

async fn one_request_has_room_when_its_user_has_nothing_else<S: Store>() {
    let one = Amount { letters: 1, bytes: 1 };
    let core = Core::<S>::with(Quota {
        of_user: one,
        in_all: one,
        of_its_own: NONE,
    })
    .await;
    core.send(&with_refused("other", 1, 1)).await.unwrap();
    core.send(&with_refused("user", 1, 5)).await.unwrap();
    assert_eq!(core.store.letters().await.len(), 6);
    core.send(&with_refused("user", 2, 1)).await.unwrap_err();
}

async fn what_all_have_holds_up_only_users_with_more_than_their_own<S: Store>() {
    let core = Core::<S>::with(Quota {
        of_user: ANY,
        in_all: Amount { letters: 3, ..ANY },
        of_its_own: Amount { letters: 2, ..ANY },
    })
    .await;
    core.send(&with_refused("many", 1, 3)).await.unwrap();
    let refused = core.send(&with_refused("many", 2, 1)).await.unwrap_err();
    assert_eq!(full(&refused), Some(Full::All));
    for user in ["one", "other"] {
        for outbox in 1..=3 {
            core.send(&with_refused(user, outbox, 1)).await.unwrap();
        }
        core.send(&with_refused(user, 4, 1)).await.unwrap_err();
    }
}

async fn of_batches_at_once_only_those_without_room_wait<S: Store>() {
    let five = Amount { letters: 5, ..ANY };
    let core = Core::<S>::with(Quota {
        of_user: five,
        in_all: ANY,
        of_its_own: NONE,
    })
    .await;
    core.send(&with_refused("user", 7, 3)).await.unwrap();
    // Where it is counted anew before somebody is held up, that is done by now: it misses what others are about to keep.
    core.send(&with_refused("user", 8, 3)).await.unwrap_err();
    let sent: Vec<_> = (1..=6)
        .map(|outbox| with_refused("user", outbox, i32::from(outbox % 2 == 0) * 2))
        .collect();
    let answers = tokio::join!(
        core.send(&sent[0]),
        core.send(&sent[1]),
        core.send(&sent[2]),
        core.send(&sent[3]),
        core.send(&sent[4]),
        core.send(&sent[5])
    );
    let (a, b, c, d, e, f) = answers;
    let settled: Vec<_> = [&a, &b, &c, &d, &e, &f].map(Result::is_ok).into();
    assert_eq!(settled.iter().filter(|ok| **ok).count(), 4, "{settled:?}");
    assert_eq!(core.store.letters().await.len(), 5);
    for (sent, ok) in sent.iter().zip(settled) {
        assert_eq!(
            core.position(sent).await,
            i64::from(ok),
            "{}",
            outbox(sent.outbox)
        );
    }
}

macro_rules! suite {
    ($name:ident, $store:ty: $($promise:ident),+ $(,)?) => {
        mod $name {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<$store>().await;
            })+
        }
    };
}

macro_rules! suites {
    ($($name:ident: $store:ty),+ $(,)?) => {
        $(suite! { $name, $store:
            documents_and_the_position_are_stored,
            a_batch_sent_again_changes_nothing_and_is_answered_the_same,
            what_is_stored_already_is_counted_and_what_differs_is_not,
            the_later_of_two_in_one_transaction_stands,
            the_first_of_two_transactions_stands,
            a_document_is_the_same_wherever_its_id_stands,
            one_id_in_two_classes_is_two_documents,
            a_hole_is_refused_with_the_position_until_it_is_filled,
            an_outbox_that_was_acknowledged_more_is_taken_and_recorded,
            a_copy_is_told_and_changes_nothing,
            a_copy_that_shares_what_waited_is_told_by_its_dead_letters,
            of_two_copies_at_once_one_is_told,
            two_users_with_one_outbox_name_do_not_meet,
            the_same_batch_from_many_at_once_is_stored_once,
            two_batches_at_once_end_as_if_one_came_first,
            a_batch_without_room_for_its_dead_letters_is_not_settled,
            one_request_has_room_when_its_user_has_nothing_else,
            what_all_have_holds_up_only_users_with_more_than_their_own,
            of_batches_at_once_only_those_without_room_wait,
        })+
    };
}

suites! {
    embedded: crate::stores::Embedded,
    stepwise: crate::memory::MemorySteps,
    mongodb: crate::mongodb::Mongo,
}
