#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use tokio::sync::Semaphore;

use super::open::MAX_CHANGES;
use super::round::ROUND_CHANGESETS;
use super::*;
use crate::device_sync::changeset::encode::Encoder;
use crate::device_sync::changeset::{
    Column, ColumnType, Instruction, Key, KeyColumn, KeyType, Payload, Place, Table, Value,
};

fn changeset(instructions: &[Instruction<'_, '_>]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    for instruction in instructions {
        encoder.push(*instruction);
    }
    encoder.finish()
}

/// Decodes uploads of a file with class `A`.
fn decoder(changesets: &[Vec<u8>]) -> Decoder {
    let budget = Budget::new(Arc::new(Semaphore::new(1 << 28)));
    let mut registry = Registry::default();
    let table = Table::Asymmetric(Some(KeyColumn {
        name: "_id",
        kind: KeyType::Int,
        nullable: false,
    }));
    let table = Instruction::AddTable { class: "A", table };
    registry.apply(&table).unwrap();
    let shared = Arc::new(SharedClasses::default());
    let classes = shared.of(registry, &budget).unwrap();
    let mut body = Vec::new();
    for (version, changeset) in (1_u64..).zip(changesets) {
        body.extend(format!("{version} 0 375325657408 0 {} ", changeset.len()).bytes());
        body.extend(changeset);
    }
    let header = UploadHeader {
        session: 1,
        compressed: false,
        uncompressed: body.len(),
        compressed_size: 0,
        progress_client: changesets.len() as u64,
        progress_server: 0,
        locked_server: 0,
    };
    let upload = Upload {
        header,
        body: body.into(),
        budget: budget.another(),
    };
    Decoder::new([upload].into(), classes, (shared, budget.another()), budget)
}

fn rounds(decoder: &mut Decoder) -> Vec<Round> {
    let mut rounds = Vec::new();
    loop {
        let round = decoder.round();
        let has_ended = !matches!(round.end, End::More);
        rounds.push(round);
        if has_ended {
            return rounds;
        }
    }
}

/// Changesets that add a property and take it away again.
fn changes(count: usize) -> Vec<Vec<u8>> {
    let column = Column {
        kind: ColumnType::Int,
        nullable: true,
        container: None,
        target: None,
    };
    let (class, field) = ("A", "x");
    let add = changeset(&[Instruction::AddColumn { class, field, column }]);
    let erase = changeset(&[Instruction::EraseColumn { class, field }]);
    [add, erase].into_iter().cycle().take(count).collect()
}

#[test]
fn a_round_ends_though_nothing_becomes_of_its_changesets() {
    let mut decoder = decoder(&vec![Vec::new(); 3 * ROUND_CHANGESETS as usize]);
    let rounds = rounds(&mut decoder);
    assert_eq!(rounds.len(), 4);
    assert_eq!(rounds.last().unwrap().settled, Some(30_000));
    assert!(rounds.iter().all(|round| round.transactions.is_empty()));
}

#[test]
fn each_change_of_classes_has_a_round_of_its_own() {
    let mut decoder = decoder(&changes(10));
    let rounds = rounds(&mut decoder);
    let changed: Vec<_> = rounds.iter().filter_map(|round| round.changed).collect();
    assert_eq!(changed, (1..=10).collect::<Vec<_>>());
    assert_eq!(rounds.last().unwrap().settled, Some(10));
}

#[test]
fn who_changes_classes_without_end_is_refused() {
    let mut decoder = decoder(&changes(MAX_CHANGES as usize + 1));
    let rounds = rounds(&mut decoder);
    let last = rounds.last().unwrap();
    assert!(matches!(last.end, End::Failed(_)) && last.settled.is_none());
}

#[test]
fn what_is_asked_in_vain_is_not_asked_again_and_something_else_is() {
    let object = |key: i64, field: &str| {
        let (class, key) = ("A", Key::Int(key));
        let place = Place {
            class,
            key,
            field,
            path: &[],
        };
        let payload = Payload::Value(Value::Int(1));
        changeset(&[
            Instruction::CreateObject { class, key },
            Instruction::Update { place, payload },
        ])
    };
    let mut decoder = decoder(&[object(1, "x"), object(2, "x"), object(3, "y")]);
    let mut asked = Vec::new();
    loop {
        match decoder.round().end {
            End::Unknown(question) => {
                asked.push((question.version, question.classes));
                decoder.define(None, question.lacking).unwrap();
            }
            End::More => {}
            End::Done => break,
            End::Failed(ending) => panic!("{ending:?}"),
        }
    }
    assert_eq!(asked, [(1, vec!["A".to_owned()]), (3, vec!["A".to_owned()])]);
}
