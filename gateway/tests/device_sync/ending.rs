//! How connections end that nobody has broken.

use std::sync::Arc;
use std::time::Duration;

use realm_ingest_gateway::sink::Sink;
use realm_ingest_gateway::sink::embedded::Reader;
use realm_ingest_gateway::state::{EmbeddedState, Users};

use crate::changesets::{another_property, heavy, object, schema};
use crate::device::{Device, ask, error, offers, path};
use crate::gate::Gate;
use crate::standing::Standing;

#[tokio::test]
async fn a_gateway_that_stops_says_so_and_has_acknowledged_what_it_has_stored() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut idle = Device::connect(&gate, &token).await;
    idle.bind_new(1).await;
    let mut busy = Device::connect(&gate, &token).await;
    busy.bind_new(1).await;
    busy.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    busy.acknowledged(1, 6).await;
    gate.local.gateway.stop();
    assert_eq!(idle.end().await, Some(1000));
    assert_eq!(busy.end().await, Some(1000));
    drop((idle, busy));
    tokio::time::timeout(Duration::from_secs(30), gate.server)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_user_who_was_logged_out_by_the_operator_is_told_with_his_next_upload() {
    let gate = Gate::open().await;
    let login = gate.local.log_in().await;
    let (user, token) = (
        login["user_id"].as_str().unwrap(),
        login["access_token"].as_str().unwrap(),
    );
    let mut device = Device::connect(&gate, token).await;
    device.bind_new(1).await;
    let operator = EmbeddedState::open_existing(gate.local.data()).unwrap();
    assert!(operator.end_sessions(user).await.unwrap());
    gate.until_revoked(token).await;
    device.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    assert_eq!(device.end().await, Some(4001));
    assert!(gate.local.stored().is_empty());
}

#[tokio::test]
async fn a_client_that_reads_no_codes_is_cut_off_and_learns_the_same_when_it_comes_again() {
    let gate = Gate::open().await;
    let login = gate.local.log_in().await;
    let (user, token) = (
        login["user_id"].as_str().unwrap(),
        login["access_token"].as_str().unwrap(),
    );
    let mut device = Device::speaking(&gate, token, 7).await;
    device.bind_new(1).await;
    let operator = EmbeddedState::open_existing(gate.local.data()).unwrap();
    assert!(operator.end_sessions(user).await.unwrap());
    gate.until_revoked(token).await;
    device.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    assert_eq!(device.end().await, None);
    let answer = ask(gate.address, &path(token), &[&offers(7)]).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_what_is_left_of_a_long_upload() {
    let directory = tempfile::tempdir().unwrap();
    let standing = Standing::over(directory.path());
    let gate = Gate::with_sink(Arc::clone(&standing) as Arc<dyn Sink>).await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.upload(1, &[(5, schema())]).await;
    device.acknowledged(1, 5).await;
    device.upload(1, &[(6, another_property("text"))]).await;
    device.acknowledged(1, 6).await;
    // One upload of several rounds.
    let changesets: Vec<_> = (7..207_u32)
        .map(|number| (u64::from(number), heavy(number, 100_000)))
        .collect();
    device.upload(1, &changesets).await;
    standing.arrived().await;
    gate.local.gateway.stop();
    standing.go_on();
    let (code, session, _) = error(&device.hear().await);
    assert_eq!((code, session), (200, 1));
    assert_eq!(device.end().await, Some(1000));
    drop(device);
    gate.server.await.unwrap();
    let stored = crate::common::arrivals(&Reader::open(directory.path()).unwrap()).len();
    assert!((1..200).contains(&stored), "{stored}");
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.socket.close(None).await.unwrap();
    device.end().await;
    gate.until("realm_ingest_device_sync_connections", 0.0).await;
}
