//! How a connection leaves HTTP, and who is not let in.

use std::time::{Duration, Instant};

use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::state::{EmbeddedState, Users};

use crate::common::APP;
use crate::device::{Device, ask, offers, path};
use crate::gate::Gate;

const UPGRADES: &str = "realm_ingest_device_sync_upgrades_total";

#[tokio::test]
async fn the_answer_has_what_a_client_looks_at() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    for (newest, spoken) in [
        (14, "com.mongodb.realm-query-sync#14"),
        (8, "com.mongodb.realm-query-sync#8"),
        (7, "com.mongodb.realm-query-sync/7"),
        (2, "com.mongodb.realm-query-sync/2"),
    ] {
        let answer = ask(gate.address, &path(&token), &[&offers(newest)]).await;
        assert_eq!(answer.status, 101);
        assert_eq!(
            answer.headers["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(answer.headers["sec-websocket-protocol"], spoken);
        assert_eq!(answer.headers["upgrade"], "websocket");
        assert_eq!(answer.headers["x-appservices-request-id"].len(), 24);
        assert!(!answer.headers.contains_key("content-length"));
    }
    gate.until(&format!("{UPGRADES}{{result=\"connected\"}}"), 4.0)
        .await;
}

#[tokio::test]
async fn what_is_not_served_is_told_by_a_status() {
    let gate = Gate::open().await;
    let token = gate.local.token().await;
    let other = "sec-websocket-protocol: com.mongodb.realm-sync#14";
    let unknown = "sec-websocket-protocol: com.mongodb.realm-query-sync#15";
    for lines in [&[other][..], &[unknown], &["x: y"]] {
        let answer = ask(gate.address, &path(&token), lines).await;
        assert_eq!(answer.status, 400, "{lines:?}");
    }
    let plain = gate.local.call("GET", &path(&token), None, "").await;
    plain.refused(400, Some("BadRequest"), "upgrade");
    assert_eq!(
        gate.local.call("POST", &path(&token), None, "{}").await.status,
        404
    );
    gate.until(&format!("{UPGRADES}{{result=\"unsupported\"}}"), 4.0)
        .await;
}

#[tokio::test]
async fn another_app_is_not_found_and_a_paused_one_is_put_off() {
    let mut definition = Definition::development(Some("weather-abcde".to_owned()));
    definition.sync.enabled = false;
    let gate = Gate::of(definition).await;
    let answer = ask(gate.address, &path("x"), &[&offers(14)]).await;
    assert_eq!(answer.status, 404);
    let own = path("x").replace("test-abcde", "weather-abcde");
    let answer = ask(gate.address, &own, &[&offers(14)]).await;
    assert_eq!(
        (answer.status, answer.headers["retry-after"].as_str()),
        (503, "300")
    );
    assert_eq!(
        gate.metric(&format!("{UPGRADES}{{result=\"paused\"}}")).await,
        1.0
    );
}

#[tokio::test]
async fn a_bad_token_is_told_after_a_while_in_the_way_that_a_client_understands() {
    let gate = Gate::open().await;
    let good = gate.local.token().await;
    let other = Gate::open().await.local.token().await;
    let revoked = gate.local.log_in().await;
    let user = revoked["user_id"].as_str().unwrap();
    let revoked = revoked["access_token"].as_str().unwrap();
    let operator = EmbeddedState::open_existing(gate.local.data()).unwrap();
    assert!(operator.end_sessions(user).await.unwrap());
    gate.until_revoked(revoked).await;
    for token in ["", "nonsense", &other, &good[..good.len() - 2], revoked] {
        let begun = Instant::now();
        let answer = ask(gate.address, &path(token), &[&offers(7)]).await;
        assert_eq!(answer.status, 401, "{token}");
        assert!(begun.elapsed() >= Duration::from_secs(1));
        let begun = Instant::now();
        let answer = ask(gate.address, &path(token), &[&offers(8)]).await;
        assert_eq!(answer.status, 101);
        assert_eq!(Device::over(answer).await.end().await, Some(4001), "{token}");
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }
    let without = format!("{APP}/realm-sync");
    assert_eq!(ask(gate.address, &without, &[&offers(7)]).await.status, 401);
    assert_eq!(
        gate.metric(&format!("{UPGRADES}{{result=\"denied\"}}")).await,
        11.0
    );
}
