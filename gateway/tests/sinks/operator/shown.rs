//! What is shown and counted.

use super::*;

pub(super) async fn letters_are_shown_as_far_as_they_are_meant<S: Operated>() {
    let core = with_letters::<S>().await;
    let shown = async |which: Which| {
        let letters = letters(&core, &which).await;
        let mut shown: Vec<_> = letters
            .into_iter()
            .map(|one| (one.user, one.seq, one.index))
            .collect();
        shown.sort_unstable();
        shown
    };
    let [b, c, d] = [("user", 1, 1), ("user", 2, 0), ("other", 1, 0)]
        .map(|(user, seq, index)| (user.to_owned(), seq, index));
    let of = |text: &str| Some(text.to_owned());
    let any = Which::default;
    for (which, wanted) in [
        (any(), vec![&d, &b, &c]),
        (
            Which {
                class: of("Note"),
                ..any()
            },
            vec![&d, &b],
        ),
        (
            Which {
                code: of("UnknownClass"),
                ..any()
            },
            vec![&c],
        ),
        (
            Which {
                user: of("user"),
                ..any()
            },
            vec![&b, &c],
        ),
        (
            Which {
                user: of("use"),
                ..any()
            },
            vec![],
        ),
        (
            Which {
                outbox: Some(outbox(2)),
                ..any()
            },
            vec![&d],
        ),
        (
            Which {
                user: of("user"),
                outbox: Some(outbox(1)),
                class: of("Note"),
                ..any()
            },
            vec![&b],
        ),
        (
            Which {
                user: of("user"),
                outbox: Some(outbox(2)),
                ..any()
            },
            vec![],
        ),
        (
            Which {
                before: Some(1),
                ..any()
            },
            vec![],
        ),
        (
            Which {
                before: Some(i64::MAX / 2_000),
                ..any()
            },
            vec![&d, &b, &c],
        ),
    ] {
        let wanted: Vec<_> = wanted.into_iter().cloned().collect();
        assert_eq!(shown(which.clone()).await, wanted, "{which:?}");
    }
    let letter = letters(
        &core,
        &Which {
            code: of("TypeMismatch"),
            user: of("user"),
            ..any()
        },
    )
    .await
    .remove(0);
    assert_eq!(letter.document, bad("b").to_vec().unwrap());
    assert_eq!((&*letter.app, &*letter.collection), (APP, "Note"));
    assert_eq!(letter.schema, Some(schema().fingerprint()));
    assert_eq!(letter.outbox, outbox(1));
    assert!(letter.reason.contains("text"), "{}", letter.reason);
}

pub(super) async fn a_purge_takes_what_is_meant_and_makes_room<S: Operated>() {
    let any = Amount {
        letters: u64::MAX,
        bytes: u64::MAX,
    };
    let quota = Quota {
        of_user: Amount { letters: 2, ..any },
        in_all: any,
        ..Quota::default()
    };
    let core = Core::<S>::with(quota).await;
    let sent = |seq, ids: [&str; 2]| Sent {
        after: seq - 1,
        ..Sent::new(&[(seq, &[("Note", bad(ids[0])), ("Nobody", bad(ids[1]))])])
    };
    core.send(&sent(1, ["a", "b"])).await.unwrap();
    core.send(&sent(2, ["c", "d"])).await.unwrap_err();
    let notes = Which {
        class: Some("Note".to_owned()),
        ..Which::default()
    };
    assert_eq!(purge(&core, &notes).await, 1);
    assert_eq!(core.store.letters().await.len(), 1);
    core.send(&sent(2, ["c", "d"])).await.unwrap_err();
    assert_eq!(purge(&core, &Which::default()).await, 1);
    core.send(&sent(2, ["c", "d"])).await.unwrap();
    assert_eq!(purge(&core, &Which::default()).await, 2);
    assert_eq!(purge(&core, &Which::default()).await, 0);
}

pub(super) async fn more_letters_than_are_looked_at_at_once_are_all_found<S: Operated>() {
    let core = Core::<S>::new().await;
    let rare = |index: usize| if index % 2_000 == 1 { "Nobody" } else { "Note" };
    let documents: Vec<_> = (0..5_600)
        .map(|index| (rare(index), bad(&index.to_string())))
        .collect();
    core.send(&Sent::new(&[(1, &documents)])).await.unwrap();
    let rare = Which {
        class: Some("Nobody".to_owned()),
        ..Which::default()
    };
    let found: Vec<_> = letters(&core, &rare)
        .await
        .into_iter()
        .map(|one| one.index)
        .collect();
    assert_eq!(found, [1, 2_001, 4_001]);
    let found = letters(&core, &Which::default()).await;
    assert!(found.iter().map(|one| one.index).eq(0..5_600));
    let stats = ask(&core, |operator| operator.stats().unwrap()).await;
    assert_eq!(stats.dead_letters, 5_600);
    assert_eq!(purge(&core, &Which::default()).await, 5_600);
    assert_eq!(core.store.letters().await, []);
}

pub(super) async fn what_is_kept_is_counted<S: Operated>() {
    let core = with_letters::<S>().await;
    let set_back = Sent {
        outbox: 3,
        acked: 5,
        after: 5,
        ..Sent::new(&[(6, &[("Note", note("e", ""))])])
    };
    core.send(&set_back).await.unwrap();
    let stats = ask(&core, |operator| operator.stats().unwrap()).await;
    assert_eq!((stats.dead_letters, stats.outboxes), (3, 3));
    assert_eq!((stats.setbacks, stats.set_back_outboxes), (1, 1));
    assert!(stats.last_setback.is_some());
    let size = |document: Document| document.to_vec().unwrap().len() as u64;
    let kind = |class: &str, code: &str, letters, bytes| LetterStats {
        class: class.to_owned(),
        code: code.to_owned(),
        letters,
        bytes,
    };
    let wanted = [
        kind("Note", "TypeMismatch", 2, 2 * size(bad("b"))),
        kind("Nobody", "UnknownClass", 1, size(note("c", "x"))),
    ];
    assert_eq!(stats.letters, wanted);
    let uses = ask(&core, |operator| operator.schema_uses().unwrap()).await;
    let SchemaUse { outboxes, heard } = uses[&schema().fingerprint()];
    assert_eq!((uses.len(), outboxes), (1, 3));
    assert!(heard.is_some());
}

pub(super) async fn outboxes_are_shown_with_how_far_they_are<S: Operated>() {
    let core = with_letters::<S>().await;
    let mut shown = ask(&core, |operator| {
        let mut shown = Vec::new();
        let keep = &mut |one: &realm_ingest_gateway::sink::OutboxStats| {
            shown.push((
                one.outbox.clone(),
                one.user.clone(),
                one.position,
                one.heard.is_some(),
            ));
            ControlFlow::Continue(())
        };
        operator.each_outbox(keep).unwrap();
        let mut seen = 0;
        let one = &mut |_: &realm_ingest_gateway::sink::OutboxStats| {
            seen += 1;
            ControlFlow::Break(())
        };
        operator.each_outbox(one).unwrap();
        assert_eq!(seen, 1);
        shown
    })
    .await;
    shown.sort();
    let wanted = [(outbox(1), "user", 2), (outbox(2), "other", 1)];
    assert_eq!(
        shown,
        wanted.map(|(outbox, user, position)| (outbox, user.to_owned(), position, true))
    );
}
