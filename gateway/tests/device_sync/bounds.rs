//! What one device may take of the memory and the time of the others.

use std::sync::Arc;
use std::time::Duration;

use realm_ingest_gateway::Settings;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::Sink;

use crate::changesets::{another_property, body, heavy, object, schema};
use crate::common::Local;
use crate::device::{Device, ask, error, offers, path};
use crate::gate::Gate;
use crate::standing::Standing;

const MEMORY: &str = "realm_ingest_memory_used_bytes";
const QUEUED: &str = "realm_ingest_device_sync_queued_bytes";

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_never_stops_sending_waits_for_the_store_and_loses_nothing() {
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
    let (mut version, mut sent) = (6, 0);
    loop {
        let changesets = [version + 1, version + 2].map(|version| {
            let number = u32::try_from(version).unwrap();
            (version, heavy(number, 100_000))
        });
        version += 2;
        let body = body(&changesets);
        sent += body.len();
        let said = device.upload_up_to(1, version, &body);
        if tokio::time::timeout(Duration::from_secs(2), said).await.is_err() {
            break;
        }
        assert!(sent < 64 << 20, "the gateway takes no more than it can hold");
        assert!(gate.metric(MEMORY).await < f64::from(32 << 20));
        assert!(gate.metric(QUEUED).await < f64::from(5 << 20));
    }
    // Others are served meanwhile.
    let other_token = gate.local.token().await;
    let mut other = Device::connect(&gate, &other_token).await;
    other.bind_new(1).await;
    other.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    other.acknowledged(1, 6).await;
    standing.go_on();
    // What had not been sent to its end when it was given up is sent now.
    futures_util::SinkExt::flush(&mut device.socket).await.unwrap();
    device.acknowledged(1, version).await;
    drop((device, other));
    gate.until(QUEUED, 0.0).await;
    gate.until(MEMORY, 0.0).await;
    let stored = crate::common::arrivals(
        &realm_ingest_gateway::sink::embedded::Reader::open(directory.path()).unwrap(),
    );
    assert_eq!(stored.len() as u64, version - 6 + 1);
}

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_end_with_a_word_and_harm_nobody() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut good = Device::connect(&gate, &token).await;
    good.bind_new(1).await;
    good.upload(1, &[(5, schema())]).await;
    good.acknowledged(1, 5).await;
    let zeros = packed(&vec![0; 60 << 20]);
    let hostile = gate.local.token().await;
    for (number, (announced, body, code)) in [
        // Less than is in it, as much, and more than anybody may.
        (10, &zeros, 110),
        (60 << 20, &zeros, 111),
        (1 << 40, &zeros, 201),
        (usize::MAX >> 1, &zeros, 201),
    ]
    .into_iter()
    .enumerate()
    {
        let mut device = Device::connect(&gate, &hostile).await;
        device.bind_new(1).await;
        let head = format!("upload 1 1 {announced} {} 20 0 0\n", body.len());
        device.say([head.as_bytes(), body].concat()).await;
        assert_eq!(error(&device.hear().await).0, code, "{announced}");
        let version = 6 + number as u64;
        good.upload(1, &[(version, object(u32::try_from(number).unwrap(), 1))])
            .await;
        good.acknowledged(1, version).await;
    }
    drop(good);
    gate.until(MEMORY, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused_and_not_its_connection() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.bind_new(2).await;
    let mut message = format!("upload 1 0 {} 0 20 0 0\n", 65 << 20).into_bytes();
    message.resize(66 << 20, b' ');
    device.say(message).await;
    let (code, session, body) = error(&device.hear().await);
    assert_eq!(
        (code, session, &body["action"]),
        (201, 1, &"ApplicationBug".into())
    );
    device.upload(2, &[(5, schema()), (6, object(1, 1))]).await;
    device.acknowledged(2, 6).await;
    drop(device);
    gate.until(MEMORY, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_sessions_on_one_connection_are_paid_for_or_refused() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    for session in 1..=1_000 {
        device.say(format!("bind {session} 0 0 0 0\n")).await;
    }
    device.say("ping 1 0\n").await;
    assert_eq!(device.hear().await, "pong 1\n");
    let memory = gate.metric(MEMORY).await;
    assert!((1e6..8e6).contains(&memory), "{memory}");
    device.say("bind 1001 0 0 0 0\n").await;
    assert_eq!(error(&device.hear().await).0, 101);
    device.end().await;
    gate.until(MEMORY, 0.0).await;
}

#[tokio::test]
async fn sessions_beyond_a_few_wait_for_their_turn_and_all_get_one() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    let sessions = 1..=40;
    for session in sessions.clone() {
        device.bind_new(session).await;
    }
    for session in sessions.clone() {
        let number = u32::try_from(session).unwrap();
        device
            .upload(session, &[(5, schema()), (6, object(number, 1))])
            .await;
    }
    let mut acknowledged = std::collections::BTreeSet::new();
    for _ in sessions.clone() {
        let fields = crate::device::fields(&device.hear().await);
        assert_eq!(fields[2], 6);
        acknowledged.insert(fields[0]);
    }
    assert!(acknowledged.into_iter().eq(sessions));
    assert_eq!(gate.local.counts(), (40, 0));
}

#[tokio::test]
async fn a_file_on_which_nothing_comes_takes_nothing_of_what_passes_through() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let mut device = Device::connect(&gate, &token).await;
    device.bind_new(1).await;
    device.upload(1, &[(5, schema()), (6, object(1, 1))]).await;
    device.acknowledged(1, 6).await;
    gate.until(MEMORY, 0.0).await;
    device.upload(1, &[(7, object(2, 1))]).await;
    device.acknowledged(1, 7).await;
}

#[tokio::test]
async fn an_address_behind_a_proxy_has_no_more_web_sockets_than_another() {
    let settings = Settings {
        connections_per_address: Some(2),
        trusted_proxies: ["127.0.0.0/8".parse().unwrap()].into_iter().collect(),
        ..Settings::default()
    };
    let gate = Gate::over(Local::of(Definition::development(None), settings).await).await;
    let token = gate.local.token().await;
    let connect = |from: &str, token: &str| {
        let (path, from) = (path(token), format!("x-forwarded-for: {from}"));
        async move { ask(gate.address, &path, &[&offers(14), &from]).await }
    };
    let first = connect("192.0.2.1", &token).await;
    // Who is not let in has a place until he is told so.
    let denied = connect("192.0.2.1", "nonsense").await;
    assert_eq!((first.status, denied.status), (101, 101));
    let third = connect("192.0.2.1", &token).await;
    assert_eq!(third.status, 503);
    assert!(third.headers.contains_key("retry-after"));
    assert_eq!(connect("192.0.2.2", &token).await.status, 101);
    assert_eq!(Device::over(denied).await.end().await, Some(4001));
    drop(first);
    let again = async {
        while connect("192.0.2.1", &token).await.status != 101 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again)
        .await
        .unwrap();
}
