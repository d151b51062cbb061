//! Room for dead letters.

use super::*;

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

pub(super) async fn a_batch_without_room_for_its_dead_letters_is_not_settled<S: Store>() {
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

pub(super) async fn one_request_has_room_when_its_user_has_nothing_else<S: Store>() {
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

pub(super) async fn what_all_have_holds_up_only_users_with_more_than_their_own<S: Store>() {
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

pub(super) async fn of_batches_at_once_only_those_without_room_wait<S: Store>() {
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
