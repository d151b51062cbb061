//! What the operator's commands may rely on, over each sink that they work on.

mod shared;

use std::ops::ControlFlow;
use std::sync::Arc;

use bson::{Document, doc};
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::embedded::EmbeddedOperator;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoOperator};
use realm_ingest_gateway::sink::{
    Amount, DeadLetter, LetterStats, Operator, Quota, Replayed, SchemaUse, Verdict, Which,
};
use realm_ingest_protocol::{RefusalCode, Violation};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::common::{note, outbox, schema};
use crate::mongodb::Mongo;
use crate::server::Server;
use crate::stores::{APP, Core, Embedded, Sent, Store};

/// A sink that commands work on.
pub trait Operated: Store {
    async fn operator(&self) -> Box<dyn Operator + Send>;
}

impl Operated for Embedded {
    async fn operator(&self) -> Box<dyn Operator + Send> {
        Box::new(EmbeddedOperator::open(self.directory()).unwrap())
    }
}

impl Operated for Mongo {
    async fn operator(&self) -> Box<dyn Operator + Send> {
        let cluster = Server::shared().await.cluster().await;
        let state = cluster.database(self.state.name());
        Box::new(MongoOperator::new(
            Handle::current(),
            &state,
            DataSources::new(cluster),
            APP,
        ))
    }
}

async fn ask<S: Operated, T: Send + 'static>(
    core: &Core<S>,
    question: impl FnOnce(&dyn Operator) -> T + Send + 'static,
) -> T {
    let operator = core.store.operator().await;
    spawn_blocking(move || question(&*operator)).await.unwrap()
}

/// The letters that are meant.
async fn letters<S: Operated>(core: &Core<S>, which: &Which) -> Vec<DeadLetter> {
    let which = which.clone();
    ask(core, move |operator| {
        let mut letters = Vec::new();
        let keep = &mut |letter| {
            letters.push(letter);
            ControlFlow::Continue(())
        };
        operator.each_dead_letter(&which, keep).unwrap();
        letters
    })
    .await
}

async fn purge<S: Operated>(core: &Core<S>, which: &Which) -> u64 {
    let which = which.clone();
    ask(core, move |operator| operator.purge(&which, &mut |_| ()).unwrap()).await
}

async fn replay<S: Operated>(core: &Core<S>, check: fn(&DeadLetter) -> Verdict) -> [u64; 3] {
    let definition: Arc<Definition> = Arc::clone(&core.definition);
    let replayed = ask(core, move |operator| {
        operator
            .replay(&Which::default(), &definition, &check, &mut |_| ())
            .unwrap()
    });
    let Replayed {
        stored,
        already,
        left,
    } = replayed.await;
    [stored, already, left]
}

/// A note that does not fit its schema.
fn bad(id: &str) -> Document {
    doc! {"_id": id, "text": 5}
}

/// Two letters of a user, and one of another.
async fn with_letters<S: Operated>() -> Core<S> {
    let core = Core::<S>::new().await;
    let one = Sent::new(&[
        (1, &[("Note", note("a", "fits")), ("Note", bad("b"))]),
        (2, &[("Nobody", note("c", "x"))]),
    ]);
    let other = Sent {
        user: "other",
        outbox: 2,
        ..Sent::new(&[(1, &[("Note", bad("d"))])])
    };
    core.send(&one).await.unwrap();
    core.send(&other).await.unwrap();
    core
}

async fn letters_are_shown_as_far_as_they_are_meant<S: Operated>() {
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

async fn a_purge_takes_what_is_meant_and_makes_room<S: Operated>() {
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

async fn more_letters_than_are_looked_at_at_once_are_all_found<S: Operated>() {
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

async fn a_letter_that_passes_is_stored_once_and_the_others_stay_with_the_reason_they_have_now<
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

async fn a_letter_whose_document_is_stored_goes_and_one_whose_id_another_has_stays<S: Operated>() {
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

async fn of_one_transaction_the_later_document_stands_however_many_are_between<S: Operated>() {
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

async fn letters_with_one_id_all_stay_when_it_is_taken<S: Operated>() {
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

async fn what_is_kept_is_counted<S: Operated>() {
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

async fn outboxes_are_shown_with_how_far_they_are<S: Operated>() {
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

macro_rules! suite {
    ($($promise:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<super::Embedded>().await;
            })+
        }
        mod mongodb {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<super::Mongo>().await;
            })+
        }
    };
}

suite! {
    letters_are_shown_as_far_as_they_are_meant,
    a_purge_takes_what_is_meant_and_makes_room,
    more_letters_than_are_looked_at_at_once_are_all_found,
    a_letter_that_passes_is_stored_once_and_the_others_stay_with_the_reason_they_have_now,
    a_letter_whose_document_is_stored_goes_and_one_whose_id_another_has_stays,
    of_one_transaction_the_later_document_stands_however_many_are_between,
    letters_with_one_id_all_stay_when_it_is_taken,
    what_is_kept_is_counted,
    outboxes_are_shown_with_how_far_they_are,
}
