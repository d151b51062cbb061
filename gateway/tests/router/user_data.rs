//! Custom user data that is read elsewhere than in the state.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use realm_ingest_gateway::backend::{Answer, BackendError};
use realm_ingest_gateway::custom_user_data::{CustomUserData, MAX_IN_TOKEN};
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::embedded::EmbeddedSink;
use realm_ingest_gateway::state::{EmbeddedState, User};
use realm_ingest_gateway::{Gateway, Settings};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::accounts::claims;
use crate::common::{APP, Answer as Reply, Local, batch, one_run, outbox, reading, schema};
use crate::directory::Directory;

const LOGIN: &str = "/auth/providers/local-userpass/login";
const REGISTER: &str = "/auth/providers/local-userpass/register";

/// Says of every user what it is told to say, and counts how often it is asked.
#[derive(Default)]
struct Told {
    data: Mutex<Option<Value>>,
    /// It does not answer.
    silent: Mutex<bool>,
    asked: AtomicUsize,
}

impl Told {
    fn say(&self, data: Option<Value>) {
        *self.data.lock().unwrap() = data;
    }

    fn be_silent(&self, silent: bool) {
        *self.silent.lock().unwrap() = silent;
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl CustomUserData for Told {
    fn of<'a>(&'a self, _: &'a Definition, _: &'a User) -> Answer<'a, Option<Box<RawValue>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let data = self.data.lock().unwrap().clone();
        let silent = *self.silent.lock().unwrap();
        Box::pin(async move {
            if silent {
                return Err(BackendError::Unavailable("no answer".to_owned()));
            }
            Ok(data.map(|data| RawValue::from_string(data.to_string()).unwrap()))
        })
    }
}

async fn gateway(definition: Definition) -> (Local, Arc<Told>) {
    let data = tempfile::tempdir().unwrap();
    let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
    let sink = Arc::new(EmbeddedSink::open(data.path()).unwrap());
    let told = Arc::new(Told::default());
    let mut gateway = Gateway::new(Settings::default()).unwrap();
    gateway
        .add_with_user_data(definition, state, sink, Arc::clone(&told) as _)
        .await
        .unwrap();
    (Local::behind_router(gateway, Arc::new(data)), told)
}

async fn log_in(gateway: &Local) -> Reply {
    let body = json!({"username": "me", "password": "s3cr3t"}).to_string();
    gateway.call("POST", &format!("{APP}{LOGIN}"), None, &body).await
}

async fn register(gateway: &Local) {
    let body = json!({"email": "me", "password": "s3cr3t"}).to_string();
    let path = format!("{APP}{REGISTER}");
    let answer = gateway.call("POST", &path, None, &body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json);
}

fn comes_again(answer: &Reply) {
    answer.refused(503, Some("InternalServerError"), "does not answer");
    assert_ne!(answer.header("retry-after"), "");
}

#[tokio::test]
async fn it_comes_with_each_token_and_the_profile_and_without_an_answer_whoever_asks_comes_again() {
    let (gateway, told) = gateway(Definition::development(None)).await;
    register(&gateway).await;
    told.be_silent(true);
    comes_again(&log_in(&gateway).await);
    told.be_silent(false);
    told.asked();
    let login = log_in(&gateway).await.json;
    assert_eq!(told.asked(), 1);
    assert!(
        claims(&login["access_token"]).get("user_data").is_none(),
        "there is none"
    );
    told.say(Some(json!({"team": "red"})));
    let login = log_in(&gateway).await.json;
    assert_eq!(
        claims(&login["access_token"])["user_data"],
        json!({"team": "red"})
    );

    told.say(Some(json!({"team": "blue"})));
    let (access, refresh) = (login["access_token"].as_str(), login["refresh_token"].as_str());
    let session = "/api/client/v2.0/auth/session";
    let refreshed = gateway.call("POST", session, refresh, "").await;
    assert_eq!(
        claims(&refreshed.json["access_token"])["user_data"],
        json!({"team": "blue"})
    );
    let profile = "/api/client/v2.0/auth/profile";
    let answer = gateway.call("GET", profile, access, "").await;
    assert_eq!(answer.json["custom_data"], json!({"team": "blue"}));

    told.be_silent(true);
    comes_again(&gateway.call("POST", session, refresh, "").await);
    comes_again(&gateway.call("GET", profile, access, "").await);
    comes_again(&log_in(&gateway).await);
}

#[tokio::test]
async fn what_is_too_large_for_a_token_is_left_out_of_it() {
    let (gateway, told) = gateway(Definition::development(None)).await;
    register(&gateway).await;
    told.say(Some(json!({"team": "x".repeat(MAX_IN_TOKEN)})));
    let login = log_in(&gateway).await;
    assert_eq!(login.status, 200);
    assert!(claims(&login.json["access_token"]).get("user_data").is_none());
}

#[tokio::test]
async fn a_rule_that_asks_for_it_waits_for_an_answer_and_no_other_asks() {
    for (role, asks) in [
        (json!({"apply_when": {"%%user.custom_data.team": "red"}}), true),
        (json!({"apply_when": {"%%user.type": "normal"}}), false),
    ] {
        let (gateway, told) = gateway(Directory::with_role(&role).definition()).await;
        told.say(Some(json!({"team": "red"})));
        let token = gateway.token().await;
        assert_eq!(gateway.put_schema(&token, &schema()).await.status, 204);
        let body = batch(&outbox(1), &schema(), &[one_run(1, "Reading", &[reading(1.0)])]);
        told.be_silent(true);
        told.asked();
        let answer = gateway.post(&token, "identity", body.clone()).await;
        assert_eq!(told.asked(), usize::from(asks));
        if asks {
            comes_again(&answer);
            assert_eq!(gateway.counts(), (0, 0), "nothing is refused for good");
        }
        told.be_silent(false);
        let ack = gateway.post(&token, "identity", body).await.ack();
        assert_eq!((ack.acked, ack.refused, gateway.counts()), (1, vec![], (1, 0)));
        told.say(Some(json!({"team": "blue"})));
        let body = batch(&outbox(1), &schema(), &[one_run(2, "Reading", &[reading(1.0)])]);
        let refused = gateway.post(&token, "identity", body).await.ack().refused;
        assert_eq!(refused.len(), usize::from(asks), "the next batch asks anew");
    }
}
