//! Where clients are sent, which apps are served, and what is not there.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use realm_ingest_gateway::Settings;
use realm_ingest_gateway::definition::{Definition, Deployment};
use serde_json::Value;

use crate::common::{APP, Local};

async fn only(app_id: &str) -> Local {
    let settings = Settings {
        address: Some("127.0.0.1:9090".parse().unwrap()),
        ..Settings::default()
    };
    Local::of(Definition::development(Some(app_id.into())), settings).await
}

#[tokio::test]
async fn clients_are_sent_to_the_host_they_asked() {
    let gateway = only("test-abcde").await;
    let request = Request::builder()
        .uri(format!("{APP}/location"))
        .header("host", "gateway.local:7000");
    let answer = gateway.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["hostname"], "http://gateway.local:7000");
    assert_eq!(answer.json["ws_hostname"], "ws://gateway.local:7000");
    assert_eq!(answer.json["deployment_model"], "LOCAL");
    let answer = gateway.call("GET", &format!("{APP}/location"), None, "").await;
    assert_eq!(answer.json["hostname"], "http://127.0.0.1:9090");
}

#[tokio::test]
async fn clients_are_told_how_the_app_says_it_is_deployed() {
    let definition = Definition {
        deployment: Deployment {
            model: "GLOBAL".into(),
            location: "IE".into(),
        },
        ..Definition::development(None)
    };
    let gateway = Local::of(definition, Settings::default()).await;
    let answer = gateway.call("GET", &format!("{APP}/location"), None, "").await;
    assert_eq!(answer.json["deployment_model"], "GLOBAL");
    assert_eq!(answer.json["location"], "IE");
}

/// The location as a client behind `peer` is told it.
async fn location(gateway: &Local, peer: &str, headers: &[(&str, &str)]) -> (Value, Value) {
    let mut request = Request::builder().uri(format!("{APP}/location"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer = ConnectInfo(peer.parse::<SocketAddr>().unwrap());
    let request = request.extension(peer).body(Body::empty()).unwrap();
    let mut answer = gateway.send(request).await.json;
    (answer["hostname"].take(), answer["ws_hostname"].take())
}

fn both(http: &str, web_socket: &str) -> (Value, Value) {
    (http.into(), web_socket.into())
}

#[tokio::test]
async fn realm_cpp_names_the_port_in_the_request_line_only() {
    let gateway = only("test-abcde").await;
    for (uri, host, expected) in [
        ("", "localhost", "http://localhost:9090"),
        ("http://10.0.0.1:80", "10.0.0.1", "http://10.0.0.1:80"),
        ("", "[::1]:5000", "http://[::1]:5000"),
        ("", "user:secret@evil host", "http://127.0.0.1:9090"),
        ("", "name:pass@host:1", "http://host:1"),
    ] {
        let request = Request::builder().uri(format!("{uri}{APP}/location"));
        let request = request.header("host", host).body(Body::empty()).unwrap();
        assert_eq!(gateway.send(request).await.json["hostname"], expected);
    }
}

#[tokio::test]
async fn clients_are_sent_to_the_public_url_if_there_is_one() {
    let gateway = Local::with(Settings {
        public_url: Some("https://gateway.example/realm".parse().unwrap()),
        ..Settings::default()
    })
    .await;
    assert_eq!(
        location(&gateway, "192.0.2.1:5000", &[("host", "inside:9090")]).await,
        both("https://gateway.example/realm", "wss://gateway.example/realm")
    );
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed_about_what_the_client_asked() {
    let gateway = Local::with(Settings {
        address: Some("127.0.0.1:9090".parse().unwrap()),
        trusted_proxies: ["10.0.0.0/8".parse().unwrap()].into_iter().collect(),
        ..Settings::default()
    })
    .await;
    let headers = [
        ("host", "inside:9090"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "gateway.example"),
    ];
    assert_eq!(
        location(&gateway, "10.1.2.3:5000", &headers).await,
        both("https://gateway.example", "wss://gateway.example")
    );
    assert_eq!(
        location(&gateway, "192.0.2.1:5000", &headers).await,
        both("http://inside:9090", "ws://inside:9090")
    );
}

#[tokio::test]
async fn another_app_is_not_found_whatever_is_asked() {
    let gateway = only("other-app").await;
    for (method, path) in [
        ("GET", "location"),
        ("POST", "auth/providers/anon-user/login"),
        ("POST", "auth/providers/local-userpass/register"),
        ("POST", "functions/call"),
        ("POST", "ingest"),
        ("GET", "ingest/00000000000000000000000000000000"),
        ("PUT", "ingest/schemas/00000000000000000000000000000000"),
    ] {
        let answer = gateway.call(method, &format!("{APP}/{path}"), None, "{}").await;
        answer.refused(
            404,
            Some("AppNotFound"),
            "cannot find app using Client App ID 'test-abcde'",
        );
    }
    assert_eq!(
        gateway
            .call("GET", "/api/client/v2.0/app/other-app/location", None, "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_is_no_app_id_is_no_app() {
    let gateway = Local::new().await;
    let status = async |id: &str| {
        let path = format!("/api/client/v2.0/app/{id}/location");
        gateway.call("GET", &path, None, "").await
    };
    for id in ["a", "weather-abcde", "My_App-1", &"a".repeat(64)] {
        assert_eq!(status(id).await.status, 200, "{id}");
    }
    for id in ["a.b", "..", "a%20b", "a%2Fb", "%C3%A9", "a%00b", &"a".repeat(65)] {
        status(id)
            .await
            .refused(404, Some("AppNotFound"), "cannot find app using Client App ID");
    }
}

#[tokio::test]
async fn without_an_app_id_every_id_is_the_one_app() {
    let gateway = Local::new().await;
    let register = |app: &str| format!("/api/client/v2.0/app/{app}/auth/providers/local-userpass/register");
    let body = r#"{"email":"a","password":"secret"}"#;
    assert_eq!(
        gateway.call("POST", &register("one"), None, body).await.status,
        201
    );
    gateway
        .call("POST", &register("two"), None, body)
        .await
        .refused(409, Some("AccountNameInUse"), "");
}

#[tokio::test]
async fn what_is_not_served_is_refused_in_json() {
    let gateway = Local::new().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/api/client/v2.0/nowhere"),
        ("DELETE", "/api/client/v2.0/app/x/location"),
        ("POST", "/healthz"),
        (
            "POST",
            "/api/client/v2.0/app/x/auth/providers/local-userpass/other",
        ),
    ] {
        let answer = gateway.call(method, path, None, "").await;
        answer.refused(
            404,
            Some("BadRequest"),
            &format!("this version does not serve {method} {path}"),
        );
    }
    // A token in the query stays out of the answer.
    let answer = gateway.call("GET", "/nowhere?token=secret", None, "").await;
    assert!(!answer.json.to_string().contains("secret"));
}

#[tokio::test]
async fn health_is_told() {
    let gateway = Local::new().await;
    assert_eq!(
        gateway.call("GET", "/healthz", None, "").await.json["status"],
        "alive"
    );
    let ready = gateway.call("GET", "/readyz", None, "").await;
    assert_eq!((ready.status, &ready.json["status"]), (200, &"ready".into()));
    assert_eq!(ready.header("x-appservices-request-id").len(), 24);
}
