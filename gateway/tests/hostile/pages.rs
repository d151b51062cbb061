//! Pages of other sites in the browser of a developer, beside whom a gateway runs.

use super::beside::Attacked;
use crate::common::APP;
use crate::common::server::Server;

#[test]
fn a_page_whose_name_leads_here_is_not_served() {
    let attacked = Attacked::new(&["--public-url", "http://gateway.example:80"]);
    attacked.by(|attacked| {
        let mut client = attacked.server.client();
        let mut ask = |host: &str| {
            let headers = [("host", host)];
            let path = format!("{APP}/auth/providers/anon-user/login");
            client.call("POST", &path, &headers, b"{}").unwrap()
        };
        for own in ["localhost:9090", "127.0.0.1", "[::1]:9090", "gateway.example"] {
            assert_eq!(ask(own).status, 200, "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example:9090",
            "192.0.2.1",
            "evil host",
        ] {
            ask(foreign).refused(421, Some("BadRequest"), "is not served as");
        }
    });
}

#[test]
fn a_page_does_not_pass_for_a_trusted_proxy() {
    let more = [
        "--trusted-proxy",
        "127.0.0.1",
        "--public-url",
        "http://gateway.example:80",
    ];
    Attacked::new(&more).by(|attacked| {
        let mut client = attacked.server.client();
        let mut ask = |host: &str, forwarded: &str| {
            let headers = [("host", host), ("x-forwarded-host", forwarded)];
            client
                .call("GET", &format!("{APP}/location"), &headers, b"")
                .unwrap()
        };
        for foreign in [("evil.example", "localhost"), ("localhost", "evil.example")] {
            ask(foreign.0, foreign.1).refused(421, Some("BadRequest"), "is not served as 'evil.example'");
        }
        assert_eq!(ask("127.0.0.1:9090", "gateway.example").status, 200);
        assert_eq!(ask("gateway.example", "gateway.example").status, 200);
    });
}

#[test]
fn exposed_to_a_network_a_gateway_has_any_name() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &["--expose-dev-mode-to-network"]);
    let answer = server
        .client()
        .call(
            "GET",
            &format!("{APP}/location"),
            &[("host", "gateway.example:80")],
            b"",
        )
        .unwrap();
    assert_eq!(answer.json["hostname"], "http://gateway.example:80");
}

#[test]
fn what_a_form_can_send_is_not_taken_for_json() {
    Attacked::new(&[]).by(|attacked| {
        let mut client = attacked.server.client();
        let path = format!("{APP}/auth/providers/local-userpass/register");
        let body = br#"{"email":"a","password":"secret"}"#;
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let answer = client
                .call("POST", &path, &[("content-type", kind)], body)
                .unwrap();
            answer.refused(415, Some("InvalidParameter"), "send 'application/json'");
        }
        let answer = client
            .call("POST", &path, &[("content-type", "application/json")], body)
            .unwrap();
        assert_eq!(answer.status, 201);
        // An anonymous log-in may have no body, and then needs no name for it.
        let path = format!("{APP}/auth/providers/anon-user/login");
        assert_eq!(client.call("POST", &path, &[], b"").unwrap().status, 200);
    });
}
