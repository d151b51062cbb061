//! What the gateway counts.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bson::doc;
use bson::oid::ObjectId;
use http_body_util::BodyExt;
use realm_ingest_gateway::metrics;
use realm_ingest_protocol::DeviceReport;
use tower::ServiceExt;

use crate::common::scrape::Scrape;
use crate::common::{APP, Local, body, header_of, one_run, outbox, reading, schema};

const INGEST: &str = "/api/client/v2.0/app/{app}/ingest";

async fn get(router: Router, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn scrape(local: &Local) -> Scrape {
    let (status, text) = get(metrics::router(Arc::clone(&local.gateway)), "/metrics").await;
    assert_eq!(status, 200);
    Scrape::parse(&text)
}

fn requests(route: &str, status: &str) -> String {
    format!("realm_ingest_requests_total{{route=\"{route}\",status=\"{status}\"}}")
}

fn device(clock: i64, oldest_age: i64) -> DeviceReport {
    DeviceReport {
        clock,
        oldest_age,
        ..DeviceReport::default()
    }
}

#[tokio::test]
async fn what_was_sent_is_in_the_numbers() {
    let local = Local::new().await;
    let token = local.ready().await;
    let documents = [
        reading(1.0),
        reading(2.0),
        doc! {"_id": ObjectId::new(), "value": "warm"},
    ];
    let transactions = [one_run(1, "Reading", &documents)];
    for number in [1, 2] {
        let name = outbox(number);
        let mut header = header_of((&name, &name, 0), &schema(), &transactions);
        // A clock that is wrong changes nothing about how long something has waited by it.
        header.device = Some(device(0, 90_000));
        let answer = local.post(&token, "identity", body(&header, &transactions)).await;
        assert_eq!(answer.ack().refused.len(), 1);
    }
    let name = outbox(1);
    let behind = [one_run(9, "Reading", &documents)];
    let mut hole = header_of((&name, &name, 1), &schema(), &behind);
    hole.after = 8;
    let hole = body(&hole, &behind);
    assert_eq!(local.post(&token, "identity", hole).await.status, 409);
    assert_eq!(local.post("no token", "identity", Vec::new()).await.status, 401);

    let scrape = scrape(&local).await;
    let bytes: usize = documents
        .iter()
        .map(|document| document.to_vec().unwrap().len())
        .sum();
    for (name, value) in [
        (requests(INGEST, "200").as_str(), 2.0),
        (requests(INGEST, "409").as_str(), 1.0),
        (requests(INGEST, "401").as_str(), 1.0),
        ("realm_ingest_requests_in_flight", 0.0),
        (
            r#"realm_ingest_batches_total{app="any",door="http",result="stored"}"#,
            2.0,
        ),
        (
            r#"realm_ingest_batches_total{app="any",door="http",result="out_of_order"}"#,
            1.0,
        ),
        (
            r#"realm_ingest_documents_stored_total{app="any",door="http"}"#,
            2.0,
        ),
        (
            r#"realm_ingest_documents_duplicate_total{app="any",door="http"}"#,
            2.0,
        ),
        (
            r#"realm_ingest_documents_refused_total{app="any",door="http",code="TypeMismatch"}"#,
            2.0,
        ),
        (
            r#"realm_ingest_documents_refused_total{app="any",door="http",code="DuplicateId"}"#,
            0.0,
        ),
        (
            r#"realm_ingest_batch_documents_bucket{app="any",door="http",le="3"}"#,
            3.0,
        ),
        (
            r#"realm_ingest_batch_documents_bucket{app="any",door="http",le="1"}"#,
            0.0,
        ),
        (
            r#"realm_ingest_batch_bytes_sum{app="any",door="http"}"#,
            3.0 * bytes as f64,
        ),
        (r#"realm_ingest_store_seconds_count{app="any",door="http"}"#, 3.0),
        (r#"realm_ingest_batch_seconds_count{app="any",door="http"}"#, 3.0),
        (
            r#"realm_ingest_document_age_seconds_sum{app="any",door="http"}"#,
            180.0,
        ),
        (
            r#"realm_ingest_device_clock_error_seconds_bucket{app="any",door="http",le="2.592e+06"}"#,
            0.0,
        ),
        (
            r#"realm_ingest_device_clock_error_seconds_count{app="any",door="http"}"#,
            2.0,
        ),
        (r#"realm_ingest_batches_waiting{app="any"}"#, 0.0),
        (r#"realm_ingest_oldest_batch_seconds{app="any"}"#, 0.0),
        (
            r#"realm_ingest_logins_total{provider="anon-user",result="ok"}"#,
            1.0,
        ),
        (r#"realm_ingest_outboxes{app="any",heard="5m"}"#, 2.0),
        (r#"realm_ingest_outboxes{app="any",heard="longer"}"#, 0.0),
        (r#"realm_ingest_dead_letters{app="any"}"#, 2.0),
        ("realm_ingest_memory_used_bytes", 0.0),
        ("realm_ingest_memory_limit_bytes", 268_435_456.0),
    ] {
        assert!(scrape.series().contains(&name), "{name} is not there");
        assert_eq!(scrape.value(name), value, "{name}");
    }
    assert!(scrape.value("process_start_time_seconds") > 1.7e9);
    assert!(scrape.value("process_resident_memory_bytes") > 1e6);
    assert!(scrape.value(r#"realm_ingest_dead_letter_bytes{app="any"}"#) > 0.0);
    assert!(scrape.has("realm_ingest_build_info"));
}

#[tokio::test]
async fn log_ins_count_by_provider_and_result() {
    let local = Local::new().await;
    let log_in = |provider: &str| format!("{APP}/auth/providers/{provider}/login");
    let wrong = r#"{"username":"nobody","password":"not this"}"#;
    local.call("POST", &log_in("local-userpass"), None, wrong).await;
    local.call("POST", &log_in("local-userpass"), None, "{").await;
    local.call("POST", &log_in("oauth2-google"), None, "{}").await;
    local.call("POST", &log_in("oauth2-made-up"), None, "{}").await;
    local.call("GET", &log_in("anon-user"), None, "").await;
    let scrape = scrape(&local).await;
    let value = |provider: &str, result: &str| {
        let name = format!("realm_ingest_logins_total{{provider=\"{provider}\",result=\"{result}\"}}");
        assert!(scrape.series().contains(&name.as_str()), "{name}");
        scrape.value(&name)
    };
    assert_eq!(value("local-userpass", "denied"), 1.0);
    assert_eq!(value("local-userpass", "invalid"), 1.0);
    assert_eq!(value("oauth2-google", "invalid"), 1.0);
    assert_eq!(value("other", "invalid"), 1.0);
    assert_eq!(value("anon-user", "ok") + value("anon-user", "invalid"), 0.0);
}

#[tokio::test]
async fn there_are_no_more_series_whatever_is_asked_for() {
    let local = Local::new().await;
    let token = local.ready().await;
    let hostile = async |number: u32| {
        for (method, path) in [
            ("GET", format!("/{number}")),
            ("POST", format!("/api/client/v2.0/{number}")),
            ("PUT", format!("/api/client/v2.0/app/{number}/ingest")),
            ("POST", format!("/api/client/v2.0/app/a-{number}/ingest")),
            ("GET", format!("/api/client/v2.0/app/a-{number}/location")),
            ("POST", format!("{APP}/auth/providers/{number}/login")),
            ("POST", format!("{APP}/auth/providers/%22%7B{number}/login")),
            ("GET", format!("/api/client/v2.0/auth/api_keys/{number}")),
            ("GET", format!("{APP}/ingest/{number}")),
        ] {
            local.call(method, &path, Some(&token), "{}").await;
        }
        let documents = [reading(1.0)];
        let body = crate::common::batch(
            &outbox(number.into()),
            &schema(),
            &[one_run(1, "Reading", &documents)],
        );
        local.post(&token, "identity", body).await;
    };
    hostile(0).await;
    let before = scrape(&local).await;
    for number in 1..50 {
        hostile(number).await;
    }
    let after = scrape(&local).await;
    assert_eq!(before.series(), after.series());
    let user = local.log_in().await["user_id"].as_str().unwrap().to_owned();
    assert!(!after.series().iter().any(|series| series.contains(&user)));
    let stored = r#"realm_ingest_documents_stored_total{app="any",door="http"}"#;
    assert_eq!((before.value(stored), after.value(stored)), (1.0, 50.0));
}

#[tokio::test]
async fn the_public_router_serves_no_metrics_and_the_other_nothing_else() {
    let local = Local::new().await;
    let own = metrics::router(Arc::clone(&local.gateway));
    assert_eq!(get(local.router.clone(), "/metrics").await.0, 404);
    for (path, status) in [("/metrics", 200), ("/healthz", 200), ("/readyz", 404), (APP, 404)] {
        assert_eq!(get(own.clone(), path).await.0, status, "{path}");
    }
}
