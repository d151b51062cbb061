//! Dead letters that are tried again.

use super::*;

pub(super) async fn a_letter_that_passes_is_stored_once_and_the_others_stay_with_the_reason_they_have_now<
    S: Operated,
>() {
    let core = with_letters::<S>().await;
    let check = |letter: &DeadLetter| -> Verdict {
        match &*letter.collection {
            "Nobody" => Err(Some(Violation {
                code: RefusalCode::NotPermitted,
                reason: "still bad".to_owned(),
            })),
            _ if letter.user == "other" => Err(None),
            _ => Ok(()),
        }
    };
    assert_eq!(replay(&core, check).await, [1, 0, 2]);
    let documents = core.store.documents().await;
    assert_eq!(documents["Note \"b\""], bad("b"));
    assert_eq!(documents.len(), 2);
    let mut left: Vec<_> = letters(&core, &Which::default()).await;
    left.sort_by(|one, other| one.code.cmp(&other.code));
    let left: Vec<_> = left
        .iter()
        .map(|one| (&*one.user, &*one.code, &*one.reason))
        .collect();
    assert_eq!(left[0], ("user", "NotPermitted", "still bad"));
    assert_eq!((left.len(), left[1].0, left[1].1), (2, "other", "TypeMismatch"));
    assert_eq!(replay(&core, check).await, [0, 0, 2]);
}

pub(super) async fn a_letter_whose_document_is_stored_goes_and_one_whose_id_another_has_stays<S: Operated>() {
    let core = Core::<S>::new().await;
    let sent = |number: u64, id: &str| Sent {
        outbox: number,
        ..Sent::new(&[(1, &[("Note", bad(id))])])
    };
    core.send(&sent(1, "a")).await.unwrap();
    assert_eq!(replay(&core, |_| Ok(())).await, [1, 0, 0]);
    core.send(&sent(2, "a")).await.unwrap();
    let other = Sent {
        outbox: 3,
        ..Sent::new(&[(1, &[("Note", doc! {"_id": "a", "text": 6})])])
    };
    core.send(&other).await.unwrap();
    assert_eq!(replay(&core, |_| Ok(())).await, [0, 1, 1]);
    assert_eq!(core.store.documents().await["Note \"a\""], bad("a"));
    let left = letters(&core, &Which::default()).await;
    assert_eq!((left.len(), &*left[0].code), (1, "DuplicateId"));
}

pub(super) async fn of_one_transaction_the_later_document_stands_however_many_are_between<S: Operated>() {
    let core = Core::<S>::new().await;
    let filler = (0..700).map(|index| ("Note", bad(&index.to_string())));
    let documents: Vec<_> = [("Note", doc! {"_id": "a", "text": 1})]
        .into_iter()
        .chain(filler)
        .chain([
            ("Note", doc! {"_id": "b", "text": 1}),
            ("Note", doc! {"_id": "b", "text": 2}),
        ])
        .chain([("Note", doc! {"_id": "a", "text": 2})])
        .collect();
    core.send(&Sent::new(&[(1, &documents)])).await.unwrap();
    let kept = core.store.letters().await.len() as u64;
    assert_eq!(replay(&core, |_| Ok(())).await, [kept, 0, 0]);
    let stored = core.store.documents().await;
    assert_eq!(stored["Note \"a\""], doc! {"_id": "a", "text": 2});
    assert_eq!(stored["Note \"b\""], doc! {"_id": "b", "text": 2});
    assert_eq!(core.store.letters().await, []);
}

pub(super) async fn letters_with_one_id_all_stay_when_it_is_taken<S: Operated>() {
    let core = Core::<S>::new().await;
    core.send(&Sent::new(&[(1, &[("Note", note("a", "of another"))])]))
        .await
        .unwrap();
    let both = [
        ("Note", doc! {"_id": "a", "text": 1}),
        ("Note", doc! {"_id": "a", "text": 2}),
    ];
    let sent = Sent {
        outbox: 2,
        ..Sent::new(&[(1, &both)])
    };
    core.send(&sent).await.unwrap();
    for _ in 0..2 {
        assert_eq!(replay(&core, |_| Ok(())).await, [0, 0, 2]);
        let left = letters(&core, &Which::default()).await;
        let codes: Vec<_> = left.iter().map(|one| &*one.code).collect();
        assert_eq!(codes, ["DuplicateId"; 2]);
    }
    let stored = core.store.documents().await;
    assert_eq!(stored["Note \"a\""], note("a", "of another"));
}
