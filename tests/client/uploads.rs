//! What is written arrives, once and in order, whatever size the server takes.

use realm_ingest::Code;
use realm_ingest::outbox::Run;
use realm_ingest::realm::{Realm, RealmConfig, StopPolicy};

use crate::common::server::Reaction;
use crate::common::{Fixture, LIMIT, SCHEMA, reading, uploaded, write, write_large};

#[test]
fn what_is_written_arrives_in_order_and_leaves_the_outbox() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    for n in 0..20 {
        write(&realm, [2 * n, 2 * n + 1]);
    }
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (0..40).collect::<Vec<_>>());
    assert_eq!(realm.pending().unwrap().objects, 0);
    assert_eq!(fixture.server.state().repeated, 0);
}

#[test]
fn a_schema_is_sent_when_the_server_asks_for_it_and_only_then() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    write(&realm, [1]);
    uploaded(&realm);
    write(&realm, [2]);
    uploaded(&realm);
    let sent = fixture.server.seen("PUT ingest/schemas/");
    assert_eq!(sent.len(), 1);
    let sent = String::from_utf8(sent[0].body.clone()).unwrap();
    assert!(sent.contains("Reading"), "{sent}");
    assert!(errors.try_recv().is_err());
}

#[test]
fn a_batch_that_is_too_large_is_halved_until_it_fits() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    realm.session().pause();
    for n in 0..8 {
        write(&realm, [n]);
    }
    for _ in 0..2 {
        fixture.server.next(
            "POST ingest",
            Reaction::error(413, "ReadSizeLimitExceeded", "too large"),
        );
    }
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (0..8).collect::<Vec<_>>());
    let sizes: Vec<_> = fixture
        .server
        .seen("POST ingest")
        .iter()
        .map(|seen| seen.body.len())
        .collect();
    assert!(sizes[1] < sizes[0] && sizes[2] < sizes[1], "{sizes:?}");
    assert!(errors.try_recv().is_err(), "halving is no error");
}

#[test]
fn a_transaction_that_is_too_large_alone_is_reported_kept_and_tried_again_later() {
    let fixture = Fixture::new();
    let (realm, errors) = fixture.realm();
    // The first request meets the size limit; the schema is not asked for before.
    fixture.server.next(
        "POST ingest",
        Reaction::error(413, "ReadSizeLimitExceeded", "too large"),
    );
    write(&realm, [1]);
    let error = errors.recv_timeout(LIMIT).unwrap();
    assert_eq!((error.code, error.is_fatal), (Code::LimitExceeded, false));
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1]);
    assert!(fixture.clock.pauses().iter().any(|pause| pause.as_secs() >= 300));
}

#[test]
fn rows_leave_as_they_are_acknowledged_also_after_more_of_them_was_refused_together() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [-1]);
    uploaded(&realm);
    realm.session().pause();
    write_large(&realm, 0..2, 400_000);
    let busy = Reaction::error(503, "InternalServerError", "busy");
    fixture.server.next("POST ingest", busy);
    let as_it_should = || Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
    fixture.server.next("GET ingest/", as_it_should());
    // From now on one row fits into a batch.
    let less = |mut answer: serde_json::Value| {
        answer["max_batch_bytes"] = 1_000_000.into();
        answer.to_string()
    };
    fixture
        .server
        .next("GET ingest/", Reaction::DoAndSay(Box::new(less)));
    fixture.server.next("POST ingest", as_it_should());
    fixture.server.next("POST ingest", Reaction::Hold);
    realm.session().resume();
    fixture.server.until_held(1);
    assert_eq!(realm.pending().unwrap().transactions, 1);
    fixture.server.release();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [-1, 0, 1]);
}

#[test]
fn large_backlogs_go_in_several_batches() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    write_large(&realm, 0..10, 400_000);
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (0..10).collect::<Vec<_>>());
    assert!(fixture.server.seen("POST ingest").len() > 2);
    assert_eq!(fixture.server.state().repeated, 0);
}

#[test]
fn a_batch_that_is_sent_again_has_the_lineage_it_had_also_behind_another() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [-1]);
    uploaded(&realm);
    realm.session().pause();
    write_large(&realm, 0..6, 400_000);
    let as_it_should = Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
    fixture.server.next("POST ingest", as_it_should);
    fixture.server.next("POST ingest", Reaction::DoAndCut);
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (-1..6).collect::<Vec<_>>());
    let state = fixture.server.state();
    assert!(state.repeated > 0, "a batch was sent again");
    assert_eq!(state.positions.len(), 1, "it was not taken for one of a copy");
}

#[test]
fn what_was_acknowledged_is_not_sent_again_over_a_link_that_is_cut_again_and_again() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    write(&realm, [-1]);
    uploaded(&realm);
    realm.session().pause();
    write_large(&realm, 0..12, 100_000);
    // The first batch may have arrived, and is larger than all that get through.
    fixture.server.next("POST ingest", Reaction::Cut);
    for _ in 0..4 {
        let as_it_should = Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
        fixture.server.next("POST ingest", as_it_should);
        fixture.server.next("POST ingest", Reaction::Cut);
    }
    realm.session().resume();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (-1..12).collect::<Vec<_>>());
    let state = fixture.server.state();
    assert_eq!(state.repeated, 0);
    assert_eq!(state.positions.len(), 1, "it was not taken for one of a copy");
}

#[test]
fn what_a_restored_server_lost_between_two_batches_is_sent_again() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    write_large(&realm, 0..12, 100_000);
    // All may have arrived, so what is acknowledged next does not leave alone.
    fixture.server.next("POST ingest", Reaction::Cut);
    let as_it_should = Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
    fixture.server.next("POST ingest", as_it_should);
    let as_it_should = Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
    fixture.server.next("POST ingest", as_it_should);
    fixture.server.next("POST ingest", Reaction::Hold);
    realm.session().resume();
    fixture.server.until_held(1);
    fixture.server.forget_batches();
    fixture.server.release();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (0..12).collect::<Vec<_>>());
}

#[test]
fn each_batch_says_how_the_device_is() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    realm.session().pause();
    write(&realm, [1, 2, 3]);
    write(&realm, [4]);
    let as_it_should = Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
    fixture.server.next("POST ingest", as_it_should);
    realm.session().resume();
    uploaded(&realm);
    let sent = fixture.server.seen("POST ingest").remove(0);
    let body = match sent.headers["content-encoding"].as_str() {
        "zstd" => zstd::stream::decode_all(&sent.body[..]).unwrap(),
        _ => sent.body,
    };
    let reader = realm_ingest_protocol::BatchReader::new(&body).unwrap();
    let device = reader.header().device.clone().unwrap();
    let waiting: usize = 4;
    assert_eq!((device.transactions, device.objects), (2, waiting as u64));
    assert!(device.bytes > 0 && device.oldest_age >= 0 && device.clock > 1_700_000_000_000);
    assert_eq!(device.version, env!("CARGO_PKG_VERSION"));
    assert!(device.platform.contains(std::env::consts::ARCH));
}

#[test]
fn a_program_that_starts_again_behind_a_lost_answer_is_not_taken_for_a_copy() {
    let fixture = Fixture::new();
    let user = fixture.user();
    let config = RealmConfig {
        stop_policy: StopPolicy::Immediately,
        ..RealmConfig::new(SCHEMA)
    };
    let realm = Realm::open(&user, config, None).unwrap();
    write(&realm, [-1]);
    uploaded(&realm);
    realm.session().pause();
    write_large(&realm, 0..6, 400_000);
    // The second batch is larger than the first one of the next start.
    let as_it_should = Reaction::DoAndSay(Box::new(|answer| answer.to_string()));
    fixture.server.next("POST ingest", as_it_should);
    fixture.server.next("POST ingest", Reaction::DoAndCut);
    fixture.server.next(
        "GET ingest/",
        Reaction::DoAndSay(Box::new(|answer| answer.to_string())),
    );
    fixture.server.next("GET ingest/", Reaction::Hold);
    realm.session().resume();
    fixture.server.until_held(1);
    drop(realm);
    drop(user);
    fixture.server.release();
    let app = fixture.restarted();
    let (realm, _errors) = crate::common::open_realm(&app.current_user().unwrap());
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), (-1..6).collect::<Vec<_>>());
    let state = fixture.server.state();
    assert!(state.repeated > 0, "a batch was sent again");
    assert_eq!(state.positions.len(), 1, "it was not taken for one of a copy");
}

#[test]
fn classes_that_alternate_arrive_however_often_they_do() {
    let fixture = Fixture::new();
    let schema = SCHEMA.replace(
        "[{",
        r#"[{"name":"Alarm","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"int"},{"name":"note","type":"string"}]},{"#,
    );
    let realm = Realm::open(&fixture.user(), RealmConfig::new(schema), None).unwrap();
    let runs: Vec<_> = (0..30_000)
        .map(|n| Run {
            class: ["Reading", "Alarm"][n % 2].to_owned(),
            count: 1,
        })
        .collect();
    let documents: Vec<_> = (0..30_000).map(reading).collect();
    realm.append(&runs, &documents.concat()).unwrap();
    write(&realm, [30_000]);
    uploaded(&realm);
    let even = (0..30_000).step_by(2);
    let expected: Vec<_> = even.chain((1..30_000).step_by(2)).chain([30_000]).collect();
    assert_eq!(fixture.server.ids(), expected);
}

#[test]
fn threads_write_while_the_uploader_sends() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    std::thread::scope(|scope| {
        for thread in 0..4_i64 {
            let realm = &realm;
            scope.spawn(move || (0..50).for_each(|n| write(realm, [thread * 1000 + n])));
        }
    });
    uploaded(&realm);
    let mut ids = fixture.server.ids();
    ids.sort_unstable();
    let expected: Vec<i64> = (0..4)
        .flat_map(|thread| (0..50).map(move |n| thread * 1000 + n))
        .collect();
    assert_eq!(ids, expected);
    assert_eq!(fixture.server.state().repeated, 0);
}

#[test]
fn what_the_server_could_not_read_is_not_let_in() {
    let fixture = Fixture::new();
    let (realm, _errors) = fixture.realm();
    let run = |class: &str, count| {
        [Run {
            class: class.to_owned(),
            count,
        }]
    };
    let two = [reading(1), reading(2)].concat();
    for (runs, payload) in [
        (run("Reading", 1), two.clone()),
        (run("Reading", 3), two.clone()),
        (run("Reading", 1), two[..two.len() - 1].to_vec()),
        (run("Reading", 1), vec![1, 2, 3]),
        (run("Unknown", 2), two.clone()),
    ] {
        let error = realm.append(&runs, &payload).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    }
    realm.append(&[], &[]).unwrap();
    realm.append(&run("Reading", 0), &[]).unwrap();
    assert_eq!(realm.pending().unwrap().transactions, 0);
    let runs = [run("Reading", 0), run("Reading", 2)].concat();
    realm.append(&runs, &two).unwrap();
    uploaded(&realm);
    assert_eq!(fixture.server.ids(), [1, 2]);
}
