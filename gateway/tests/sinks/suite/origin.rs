//! Whose transactions they are, and whether some are missing.

use super::*;

pub(super) async fn a_hole_is_refused_with_the_position_until_it_is_filled<S: Store>() {
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

pub(super) async fn an_outbox_that_was_acknowledged_more_is_taken_and_recorded<S: Store>() {
    let core = Core::<S>::new().await;
    let sent = Sent {
        acked: 5,
        after: 5,
        ..Sent::new(&[(8, &[("Note", note("8", ""))])])
    };
    core.send(&sent).await.unwrap();
    assert_eq!((core.position(&sent).await, core.store.setbacks().await), (8, 1));
}

pub(super) async fn a_copy_is_told_and_changes_nothing<S: Store>() {
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

pub(super) async fn a_copy_that_shares_what_waited_is_told_by_its_dead_letters<S: Store>() {
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

pub(super) async fn of_two_copies_at_once_one_is_told<S: Store>() {
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

pub(super) async fn two_users_with_one_outbox_name_do_not_meet<S: Store>() {
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
