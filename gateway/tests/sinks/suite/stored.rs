//! What is stored, and once.

use super::*;

pub(super) async fn documents_and_the_position_are_stored<S: Store>() {
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

pub(super) async fn a_batch_sent_again_changes_nothing_and_is_answered_the_same<S: Store>() {
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

pub(super) async fn what_is_stored_already_is_counted_and_what_differs_is_not<S: Store>() {
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

pub(super) async fn the_later_of_two_in_one_transaction_stands<S: Store>() {
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

pub(super) async fn the_first_of_two_transactions_stands<S: Store>() {
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

pub(super) async fn a_document_is_the_same_wherever_its_id_stands<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent::new(&[
        (1, &[("Note", doc! {"_id": "a", "text": "first"})]),
        (2, &[("Note", doc! {"text": "first", "_id": "a"})]),
        (3, &[("Note", doc! {"text": "second", "_id": "a"})]),
    ]);
    let answer = (3, vec![(3, 0, "DuplicateId".to_owned())]);
    assert_eq!(core.send(&sent).await.unwrap(), answer);
}

pub(super) async fn one_id_in_two_classes_is_two_documents<S: Store>() {
    let core = Core::<S>::new().await;
    let id = bson::oid::ObjectId::new();
    let reading = doc! {"_id": id, "value": 1.0};
    let sent = Sent::new(&[(1, &[("Reading", reading), ("Note", note(&id.to_hex(), "t"))])]);
    core.send(&sent).await.unwrap();
    assert_eq!(core.store.documents().await.len(), 2);
}

pub(super) async fn the_same_batch_from_many_at_once_is_stored_once<S: Store>() {
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

pub(super) async fn two_batches_at_once_end_as_if_one_came_first<S: Store>() {
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
