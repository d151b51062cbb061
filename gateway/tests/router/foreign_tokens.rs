//! Log-ins with tokens that others have signed.

use std::path::Path;
use std::time::Duration;

use jsonwebtoken::{Algorithm as Alg, EncodingKey, Header};
use realm_ingest_gateway::auth::external::{
    Algorithm, KeySource, Location, MetadataField, Rules, TokenConfig, VerificationKey,
};
use realm_ingest_gateway::auth::{LoginLimits, Quota};
use realm_ingest_gateway::definition::{Definition, Providers};
use realm_ingest_gateway::{Settings, clock};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::common::{APP, Answer, Local};

const APP_ID: &str = "test-abcde";
const SECRET: &str = "a-secret-of-at-least-32-characters";

fn custom_token() -> TokenConfig {
    let key = VerificationKey::from_text(Algorithm::Hs256, SECRET).unwrap();
    TokenConfig {
        keys: KeySource::Keys([key].into()),
        rules: Rules::default(),
        metadata: vec![MetadataField::new("email", None, false).unwrap()],
    }
}

/// Id tokens for `client`, whose keys are there.
fn open_id(keys: &str) -> TokenConfig {
    TokenConfig {
        keys: KeySource::Set(Location::parse(keys, Path::new("/"), false).unwrap()),
        rules: Rules {
            audience: vec!["client".to_owned()],
            issuers: vec!["https://id.example".to_owned()],
            ..Rules::default()
        },
        metadata: Vec::new(),
    }
}

async fn gateway(providers: Providers) -> Local {
    let definition = Definition {
        providers,
        ..Definition::development(Some(APP_ID.to_owned()))
    };
    Local::of(definition, Settings::default()).await
}

async fn with_custom_token() -> Local {
    gateway(Providers {
        custom_token: Some(custom_token()),
        ..Providers::development()
    })
    .await
}

fn claims(subject: &str) -> Value {
    json!({"sub": subject, "aud": APP_ID, "exp": clock::unix_seconds() + 60})
}

fn signed(secret: &str, claims: &Value) -> String {
    jsonwebtoken::encode(
        &Header::new(Alg::HS256),
        claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

async fn log_in(gateway: &Local, provider: &str, body: Value) -> Answer {
    let path = format!("{APP}/auth/providers/{provider}/login");
    gateway.call("POST", &path, None, &body.to_string()).await
}

async fn by_token(gateway: &Local, token: &str) -> Answer {
    let options = json!({"device": {"platform": "Linux"}});
    let body = json!({"provider": "custom-token", "token": token, "options": options});
    log_in(gateway, "custom-token", body).await
}

#[tokio::test]
async fn the_first_log_in_makes_the_user_and_each_renews_what_the_token_says_of_him() {
    let gateway = with_custom_token().await;
    let mut users = Vec::new();
    for email in ["old@example.com", "new@example.com"] {
        let mut claims = claims("ada");
        claims["email"] = email.into();
        let answer = by_token(&gateway, &signed(SECRET, &claims)).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json);
        let access = answer.json["access_token"].as_str().unwrap();
        let profile = gateway
            .call("GET", "/api/client/v2.0/auth/profile", Some(access), "")
            .await;
        assert_eq!(profile.json["data"], json!({"email": email}));
        let identity = &profile.json["identities"][0];
        assert_eq!(
            (&identity["id"], &identity["provider_type"]),
            (&json!("ada"), &json!("custom-token"))
        );
        users.push(answer.json["user_id"].clone());
    }
    assert_eq!(users[0], users[1]);
    let other = by_token(&gateway, &signed(SECRET, &claims("eve"))).await;
    assert_ne!(other.json["user_id"], users[0]);
}

#[tokio::test]
async fn a_token_is_one_more_way_in_for_the_user_it_is_linked_to() {
    let gateway = with_custom_token().await;
    let anonymous = gateway.log_in().await;
    let access = anonymous["access_token"].as_str().unwrap();
    let path = format!("{APP}/auth/providers/custom-token/login?link=true");
    let link = |token: &str| json!({"token": token}).to_string();
    let bad = gateway
        .call("POST", &path, Some(access), &link(&signed("x", &claims("ada"))))
        .await;
    bad.refused(401, Some("AuthError"), "unauthorized");
    let token = signed(SECRET, &claims("ada"));
    let linked = gateway.call("POST", &path, Some(access), &link(&token)).await;
    assert_eq!(linked.status, 200, "{:?}", linked.json);
    let later = by_token(&gateway, &token).await;
    assert_eq!(later.json["user_id"], anonymous["user_id"]);
}

#[tokio::test]
async fn a_token_that_is_not_good_lets_nobody_in_and_why_is_not_told() {
    let gateway = with_custom_token().await;
    let expired = json!({"sub": "ada", "aud": APP_ID, "exp": 1});
    let elsewhere = json!({"sub": "ada", "aud": "another-app", "exp": clock::unix_seconds() + 60});
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.";
    for token in [
        signed(SECRET, &expired),
        signed(SECRET, &elsewhere),
        signed("another-secret-of-32-characters-..", &claims("ada")),
        unsigned.to_owned(),
        String::new(),
        "t".repeat(1_000_001),
    ] {
        let answer = by_token(&gateway, &token).await;
        assert_eq!(answer.json["error"], "unauthorized");
        answer.refused(401, Some("AuthError"), "unauthorized");
    }
    let nothing = log_in(&gateway, "custom-token", json!({})).await;
    nothing.refused(400, Some("BadRequest"), "'token' is a required string");
}

#[tokio::test]
async fn log_ins_with_tokens_are_limited_by_address() {
    let definition = Definition {
        providers: Providers {
            custom_token: Some(custom_token()),
            ..Providers::development()
        },
        ..Definition::development(Some(APP_ID.to_owned()))
    };
    let settings = Settings {
        logins: LoginLimits {
            attempts: Quota {
                burst: 2,
                each: Duration::from_secs(3600),
            },
            loopback_times: 1,
            ..LoginLimits::default()
        },
        ..Settings::default()
    };
    let gateway = Local::of(definition, settings).await;
    for status in [401, 401, 429] {
        assert_eq!(by_token(&gateway, "no token").await.status, status);
    }
}

#[tokio::test]
async fn a_token_may_have_a_million_characters_and_other_log_ins_stay_small() {
    let gateway = with_custom_token().await;
    let mut large = claims("ada");
    large["more"] = "m".repeat(740_000).into();
    assert_eq!(by_token(&gateway, &signed(SECRET, &large)).await.status, 200);
    let body = json!({"username": "u".repeat(100_000), "password": "password"});
    assert_eq!(log_in(&gateway, "local-userpass", body).await.status, 413);
}

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/jwt")
        .join(name)
}

#[tokio::test]
async fn id_tokens_of_each_vendor_are_where_its_clients_have_them() {
    let keys = data("keys.json");
    let vendor = || Some(open_id(keys.to_str().unwrap()));
    let gateway = gateway(Providers {
        google: vendor(),
        apple: vendor(),
        facebook: vendor(),
        ..Providers::default()
    })
    .await;
    for (file, algorithm) in [("rsa", Alg::RS256), ("ec", Alg::ES256)] {
        let der = PrivateKeyDer::from_pem_file(data(&format!("{file}.key"))).unwrap();
        let key = match algorithm {
            Alg::RS256 => EncodingKey::from_rsa_der(der.secret_der()),
            _ => EncodingKey::from_ec_der(der.secret_der()),
        };
        let header = Header {
            kid: Some(file.to_owned()),
            ..Header::new(algorithm)
        };
        let mut claims = claims("ada");
        claims["aud"] = "client".into();
        let strange = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        claims["iss"] = "https://id.example".into();
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        for (provider, member) in [
            ("oauth2-google", "id_token"),
            ("oauth2-apple", "id_token"),
            ("oauth2-facebook", "accessToken"),
        ] {
            let answer = log_in(&gateway, provider, json!({member: token})).await;
            assert_eq!(answer.status, 200, "{provider}: {:?}", answer.json);
            let answer = log_in(&gateway, provider, json!({member: strange})).await;
            answer.refused(401, Some("AuthError"), "unauthorized");
        }
    }
    let code = log_in(&gateway, "oauth2-google", json!({"authCode": "4/x"})).await;
    code.refused(
        400,
        Some("BadRequest"),
        "'authCode' is not exchanged by this gateway; log in with 'id_token'",
    );
}

#[tokio::test]
async fn while_keys_cannot_be_had_their_users_come_back_later_and_others_log_in() {
    // It takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", silent.local_addr().unwrap());
    let gateway = gateway(Providers {
        google: Some(open_id(&url)),
        custom_token: Some(custom_token()),
        ..Providers::development()
    })
    .await;
    let header = Header {
        kid: Some("k".to_owned()),
        ..Header::new(Alg::HS256)
    };
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&header, &claims("ada"), &key).unwrap();
    let waiting = log_in(&gateway, "oauth2-google", json!({"id_token": token}));
    let others = async {
        let _connection = silent.accept().await.unwrap();
        gateway.log_in().await;
        by_token(&gateway, &signed(SECRET, &claims("ada"))).await
    };
    tokio::pin!(waiting);
    tokio::select! {
        biased;
        answer = &mut waiting => panic!("{:?}", answer.json),
        answer = others => assert_eq!(answer.status, 200),
    }
    let answer = waiting.await;
    assert_eq!(answer.status, 503, "{:?}", answer.json);
    assert_eq!(answer.header("retry-after"), "5");
}
