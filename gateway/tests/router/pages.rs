//! Pages in browsers: whose may call, and what browsers are told.

use axum::body::Body;
use axum::http::Request;
use realm_ingest_gateway::definition::{Definition, Origin};
use realm_ingest_gateway::{Gateway, Settings};

use crate::common::{APP, Answer, Local};

const SHOP: &str = "https://shop.example";

/// A gateway whose app allows pages of these origins.
async fn allowing(origins: Option<&[&str]>) -> Local {
    Local::of(app("test-abcde", origins), Settings::default()).await
}

fn app(id: &str, origins: Option<&[&str]>) -> Definition {
    Definition {
        allowed_origins: origins.map(|all| all.iter().map(|one| Origin::parse(one).unwrap()).collect()),
        ..Definition::development(Some(id.to_owned()))
    }
}

async fn ask(gateway: &Local, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    gateway.send(request.body(Body::empty()).unwrap()).await
}

/// What a browser asks before it sends JSON with a token.
async fn ask_beforehand(gateway: &Local, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    ask(gateway, "OPTIONS", path, &headers).await
}

fn login() -> String {
    format!("{APP}/auth/providers/anon-user/login")
}

#[tokio::test]
async fn pages_of_a_listed_origin_may_call_and_others_may_not() {
    let gateway = allowing(Some(&[SHOP])).await;
    let may = ask_beforehand(&gateway, &login(), SHOP).await;
    assert_eq!(may.status, 200);
    assert_eq!(may.header("access-control-allow-origin"), SHOP);
    assert!(may.header("access-control-allow-methods").contains("POST"));
    assert_eq!(
        may.header("access-control-allow-headers"),
        "authorization,content-type"
    );
    let answer = ask(&gateway, "POST", &login(), &[("origin", SHOP)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), SHOP);
    for foreign in [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "null",
    ] {
        for answer in [
            ask_beforehand(&gateway, &login(), foreign).await,
            ask(&gateway, "POST", &login(), &[("origin", foreign)]).await,
        ] {
            let text = format!("pages of '{foreign}' may not call this app");
            answer.refused(403, Some("DomainNotAllowed"), &text);
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
}

#[tokio::test]
async fn a_listed_origin_is_the_one_that_browsers_write_however_it_is_listed() {
    for listed in [
        "https://shop.example/",
        "https://shop.example:443",
        "HTTPS://Shop.Example",
    ] {
        let gateway = allowing(Some(&[listed])).await;
        let may = ask_beforehand(&gateway, &login(), SHOP).await;
        assert_eq!(may.status, 200, "{listed}");
        assert_eq!(may.header("access-control-allow-origin"), SHOP);
        for foreign in [
            "http://shop.example",
            "https://shop.example:80",
            "https://shop.example/path",
        ] {
            let refused = ask_beforehand(&gateway, &login(), foreign).await;
            assert_eq!(refused.status, 403, "{foreign}");
        }
    }
}

#[tokio::test]
async fn a_page_can_read_why_it_is_refused() {
    let gateway = allowing(Some(&[SHOP])).await;
    let answer = ask(&gateway, "GET", &format!("{APP}/ingest/x"), &[("origin", SHOP)]).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), SHOP);
    let exposed = answer.header("access-control-expose-headers");
    assert_eq!(exposed, "x-appservices-request-id,retry-after");
}

#[tokio::test]
async fn without_a_list_pages_of_every_origin_may_call() {
    let gateway = allowing(None).await;
    let answer = ask(&gateway, "POST", &login(), &[("origin", SHOP)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), SHOP);
}

#[tokio::test]
async fn what_is_no_page_is_not_asked_for_an_origin() {
    let gateway = allowing(Some(&[])).await;
    let answer = ask(&gateway, "POST", &login(), &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("vary"), "");
}

#[tokio::test]
async fn where_no_path_names_it_the_token_tells_whose_pages_may_call() {
    let data = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::new(Settings::default()).unwrap();
    for (id, origins) in [("test-abcde", &[SHOP][..]), ("closed-abcde", &[][..])] {
        let directory = data.path().join(id);
        std::fs::create_dir(&directory).unwrap();
        let definition = app(id, Some(origins));
        gateway.add_directory(definition, &directory).await.unwrap();
    }
    let gateway = Local::behind_router(gateway, data.into());
    let profile = "/api/client/v2.0/auth/profile";
    assert_eq!(ask_beforehand(&gateway, profile, SHOP).await.status, 200);
    let foreign = ask_beforehand(&gateway, profile, "https://evil.example").await;
    foreign.refused(403, Some("DomainNotAllowed"), "");
    for (id, status) in [("test-abcde", 200), ("closed-abcde", 403)] {
        let login = format!("/api/client/v2.0/app/{id}/auth/providers/anon-user/login");
        let user = gateway.call("POST", &login, None, "").await.json;
        let bearer = format!("Bearer {}", user["access_token"].as_str().unwrap());
        let headers = [("origin", SHOP), ("authorization", bearer.as_str())];
        let answer = ask(&gateway, "GET", profile, &headers).await;
        assert_eq!(answer.status, status, "{id}");
    }
}

#[tokio::test]
async fn development_mode_lets_only_pages_of_its_own_machine_call() {
    let settings = Settings {
        own_names_only: true,
        public_url: Some("https://gateway.example".parse().unwrap()),
        ..Settings::default()
    };
    let gateway = Local::with(settings).await;
    for (origin, status) in [
        ("http://localhost:5173", 200),
        ("http://[::1]:80", 200),
        ("https://gateway.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let headers = [("origin", origin), ("host", "localhost")];
        let answer = ask(&gateway, "POST", &login(), &headers).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}
