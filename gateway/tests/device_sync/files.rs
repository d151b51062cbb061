//! Files that come again: after a connection was lost, to another gateway, twice at a time, or turned back.

use crate::changesets::{another_property, object, schema};
use crate::device::{Device, Name, error, fields};
use crate::gate::Gate;

const DUPLICATES: &str = r#"realm_ingest_documents_duplicate_total{app="any",door="device_sync"}"#;

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_is_stored_once() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    let name = device.bind_new(1).await;
    let changesets = [(5, schema()), (6, object(1, 1)), (7, object(2, 2))];
    device.upload(1, &changesets).await;
    let server = device.acknowledged(1, 7).await;
    drop(device);
    // The acknowledgement was lost.
    let mut device = Device::connect(&gate, &token).await;
    device.bind(2, name, (1, 0)).await;
    device.upload(2, &changesets).await;
    device.acknowledged(2, 7).await;
    // This one was not.
    device.say("unbind 2\n").await;
    assert_eq!(device.hear().await, "unbound 2\n");
    device.bind(3, name, (server + 5, 7)).await;
    device.upload(3, &[(9, object(3, 3))]).await;
    device.acknowledged(3, 9).await;
    assert_eq!(gate.local.counts(), (3, 0));
    assert_eq!(gate.metric(DUPLICATES).await, 2.0);
}

#[tokio::test]
async fn a_file_that_another_gateway_has_named_is_taken_in() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    let name = Name(4_711, 946_016_527_359_837_633);
    device.bind(1, name, (40, 12)).await;
    device.upload(1, &[(13, schema()), (15, object(1, 1))]).await;
    device.acknowledged(1, 15).await;
    assert_eq!(gate.local.stored().len(), 1);
}

#[tokio::test]
async fn a_file_that_was_turned_back_goes_on_and_loses_nothing() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    let name = device.bind_new(1).await;
    device
        .upload(1, &[(5, schema()), (6, object(1, 1)), (7, object(2, 2))])
        .await;
    device.acknowledged(1, 7).await;
    drop(device);
    // A backup from before the first object: its versions are used anew, for other objects.
    for round in 0..3_u32 {
        let mut device = Device::connect(&gate, &token).await;
        device.bind(1, name, (1, 5)).await;
        let first = 10 + 10 * round;
        device
            .upload(1, &[(6, object(first, 1)), (7, object(first + 1, 2))])
            .await;
        device.acknowledged(1, 7).await;
        device.upload(1, &[(8, object(first + 2, 3))]).await;
        device.acknowledged(1, 8).await;
    }
    assert_eq!(gate.local.counts(), (2 + 3 * 3, 0));
}

#[tokio::test]
async fn a_file_and_its_copy_are_bound_at_the_same_time_and_both_go_on() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut first = Device::connect(&gate, &token).await;
    let name = first.bind_new(1).await;
    let mut second = Device::connect(&gate, &token).await;
    second.bind(1, name, (1, 0)).await;
    second.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    second.acknowledged(1, 6).await;
    // Its classes were said by the other one meanwhile.
    let changesets = [(5, schema()), (6, object(2, 1))];
    first.upload(1, &changesets).await;
    let (code, session, body) = error(&first.hear().await);
    assert_eq!((code, session, &body["action"]), (201, 1, &"Transient".into()));
    first.bind(2, name, (1, 0)).await;
    first.upload(2, &changesets).await;
    first.acknowledged(2, 6).await;
    for round in 0..3 {
        first
            .upload(2, &[(7 + round, object(10 + round as u32, 1))])
            .await;
        second
            .upload(1, &[(7 + round, object(20 + round as u32, 1))])
            .await;
        first.acknowledged(2, 7 + round).await;
        second.acknowledged(1, 7 + round).await;
    }
    assert_eq!(gate.local.counts(), (2 + 3 * 2, 0));
}

#[tokio::test]
async fn a_gateway_that_starts_again_knows_its_files() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    let name = device.bind_new(1).await;
    device.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    let server = device.acknowledged(1, 6).await;
    drop(device);
    gate.local.gateway.stop();
    gate.server.await.unwrap();
    let gate = Gate::over(gate.local.restart().await).await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind(1, name, (server, 6)).await;
    // Its classes are not said again.
    device.upload(1, &[(8, object(2, 2))]).await;
    device.acknowledged(1, 8).await;
    assert_eq!(gate.local.counts(), (2, 0));
}

#[tokio::test]
async fn what_was_written_before_a_change_of_classes_stays_as_it_was_when_it_comes_again_behind_it() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    let name = device.bind_new(1).await;
    let changesets = [
        (5, schema()),
        (6, object(1, 1)),
        (7, another_property("one")),
        (8, object(2, 2)),
        (9, another_property("other")),
        (10, object(3, 3)),
    ];
    device.upload(1, &changesets).await;
    device.acknowledged(1, 10).await;
    for acked in [0, 5, 6, 7, 8, 9] {
        drop(device);
        device = Device::connect(&gate, &token).await;
        device.bind(1, name, (1, acked)).await;
        let again: Vec<_> = changesets
            .iter()
            .filter(|(version, _)| *version > acked)
            .cloned()
            .collect();
        device.upload(1, &again).await;
        device.acknowledged(1, 10).await;
    }
    assert_eq!(gate.local.counts(), (3, 0));
    let properties: Vec<_> = gate.local.stored().iter().map(bson::Document::len).collect();
    assert_eq!(properties, [5, 6, 7]);
}

#[tokio::test]
async fn a_file_that_the_closed_service_has_served_is_taken_in() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    let name = Name(4_711, 946_016_527_359_837_633);
    device.bind_foreign(1, name, (40, 12)).await;
    device.upload(1, &[(23, schema()), (25, object(1, 1))]).await;
    // What comes first has a bootstrap in it.
    let told = fields(&device.hear().await);
    let server = told[1];
    assert!(server > 40 && (told[2], told[8]) == (25, 1), "{told:?}");
    drop(device);
    let mut device = Device::connect(&gate, &token).await;
    device.bind(1, name, (server, 25)).await;
    device.upload(1, &[(27, object(2, 1))]).await;
    device.acknowledged(1, 27).await;
    assert_eq!(gate.local.counts(), (2, 0));
}
