//! E-mails that are confirmed and passwords that are forgotten: what is configured decides what happens.

use std::time::Duration;

use axum::http::Request;
use realm_ingest_gateway::auth::Quota;
use realm_ingest_gateway::definition::{Confirmation, Definition, Mail, Password, Reset};
use realm_ingest_gateway::mail::{MailLimits, MailSettings};
use realm_ingest_gateway::{Gateway, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::mails::next_mail;
use crate::common::{APP, Answer, Local};

const ME: &str = "me@example.com";

/// A gateway whose mails go to a directory.
struct Post {
    gateway: Local,
    mails: TempDir,
}

fn mail(subject: &str) -> Mail {
    Mail {
        url: "https://app.example/page?lang=en".to_owned(),
        subject: subject.to_owned(),
    }
}

impl Post {
    async fn new(confirmation: Confirmation, reset: Reset) -> Self {
        Self::limited(confirmation, reset, MailLimits::default()).await
    }

    async fn limited(confirmation: Confirmation, reset: Reset, mail_limits: MailLimits) -> Self {
        let mails = tempfile::tempdir().unwrap();
        let mut definition = Definition::development(None);
        definition.providers.password = Some(Password { confirmation, reset });
        let settings = Settings {
            mail: MailSettings::Directory(mails.path().to_owned()),
            mail_limits,
            ..Settings::default()
        };
        Self {
            gateway: Local::of(definition, settings).await,
            mails,
        }
    }

    /// The same gateway, started again with another configuration of its app.
    async fn reconfigured(self, confirmation: Confirmation) -> Self {
        let mut definition = Definition::development(None);
        let reset = Reset::Off;
        definition.providers.password = Some(Password { confirmation, reset });
        let directory = self.gateway.close();
        let mut gateway = Gateway::new(Settings::default()).unwrap();
        gateway.add_directory(definition, directory.path()).await.unwrap();
        Self {
            gateway: Local::behind_router(gateway, directory),
            ..self
        }
    }

    async fn by_mail() -> Self {
        Self::new(
            Confirmation::Mail(mail("Confirm it")),
            Reset::Mail(mail("Reset it")),
        )
        .await
    }

    async fn call(&self, path: &str, body: Value) -> Answer {
        let path = format!("{APP}/auth/providers/local-userpass/{path}");
        self.gateway.call("POST", &path, None, &body.to_string()).await
    }

    async fn register(&self, email: &str) -> Answer {
        self.call("register", json!({"email": email, "password": "secret-1"}))
            .await
    }

    async fn log_in(&self, password: &str) -> Answer {
        self.call("login", json!({"username": ME, "password": password}))
            .await
    }

    /// What the next mail lets one send.
    fn token(&self) -> Value {
        let (_, token, id) = next_mail(self.mails.path());
        json!({"token": token, "tokenId": id})
    }
}

fn with_password(mut token: Value, password: &str) -> Value {
    token["password"] = password.into();
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn an_e_mail_is_confirmed_by_the_link_of_its_mail() {
    let post = Post::by_mail().await;
    assert_eq!(post.register(ME).await.status, 201);
    post.log_in("secret-1")
        .await
        .refused(401, Some("AuthError"), "confirmation required");
    post.log_in("secret-2")
        .await
        .refused(401, Some("InvalidPassword"), "unauthorized");
    post.register(ME)
        .await
        .refused(409, Some("AccountNameInUse"), "name already in use");
    let (text, token, id) = next_mail(post.mails.path());
    for part in [
        "To: me@example.com",
        "Subject: Confirm it",
        &format!("https://app.example/page?lang=en&token={token}&tokenId={id}"),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let sent = json!({"token": token, "tokenId": id});
    assert_eq!(post.call("confirm", sent.clone()).await.status, 200);
    assert_eq!(post.log_in("secret-1").await.status, 200);
    post.call("confirm", sent)
        .await
        .refused(400, Some("BadRequest"), "invalid token data");
    for path in ["confirm/send", "confirm/call"] {
        post.call(path, json!({"email": ME})).await.refused(
            400,
            Some("UserAlreadyConfirmed"),
            "already confirmed",
        );
    }
}

#[tokio::test]
async fn who_registered_before_that_was_enough_is_let_in_and_confirmed_then() {
    let post = Post::by_mail().await;
    assert_eq!(post.register(ME).await.status, 201);
    let unconfirmed = "confirmation required";
    let refused = post.log_in("secret-1").await;
    refused.refused(401, Some("AuthError"), unconfirmed);
    let post = post.reconfigured(Confirmation::Automatic).await;
    let wrong = post.log_in("secret-2").await;
    wrong.refused(401, Some("InvalidPassword"), "unauthorized");
    let post = post.reconfigured(Confirmation::Mail(mail(""))).await;
    let refused = post.log_in("secret-1").await;
    refused.refused(401, Some("AuthError"), unconfirmed);
    let post = post.reconfigured(Confirmation::Automatic).await;
    assert_eq!(post.log_in("secret-1").await.status, 200);
    let post = post.reconfigured(Confirmation::Mail(mail(""))).await;
    assert_eq!(post.log_in("secret-1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_can_be_asked_for_again_some_times() {
    let post = Post::by_mail().await;
    post.register(ME).await;
    let first = post.token();
    for _ in 0..4 {
        assert_eq!(post.call("confirm/send", json!({"email": ME})).await.status, 200);
        post.token();
    }
    let refused = post.call("confirm/send", json!({"email": ME})).await;
    refused.refused(429, Some("LimitsExceeded"), "too many mails to this address");
    assert_eq!(
        post.call("confirm", first).await.status,
        200,
        "the first is good still"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_the_link_of_a_mail_and_its_sessions_end() {
    let post = Post::new(Confirmation::Automatic, Reset::Mail(mail("Reset it"))).await;
    post.register(ME).await;
    let login = post.log_in("secret-1").await;
    assert_eq!(post.call("reset/send", json!({"email": ME})).await.status, 200);
    let token = post.token();
    post.call("reset", with_password(token.clone(), "short"))
        .await
        .refused(
            400,
            Some("BadRequest"),
            "password must be between 6 and 128 characters",
        );
    assert_eq!(
        post.call("reset", with_password(token.clone(), "secret-2"))
            .await
            .status,
        200
    );
    post.log_in("secret-1")
        .await
        .refused(401, Some("InvalidPassword"), "unauthorized");
    assert_eq!(
        post.log_in("secret-2").await.json["user_id"],
        login.json["user_id"]
    );
    post.call("reset", with_password(token, "secret-3"))
        .await
        .refused(400, Some("BadRequest"), "invalid token data");
    let refresh = login.json["refresh_token"].as_str();
    let path = "/api/client/v2.0/auth/session";
    let ended = post.gateway.call("POST", path, refresh, "").await;
    ended.refused(
        401,
        Some("InvalidSession"),
        "invalid session: failed to find refresh token",
    );
}

#[tokio::test]
async fn while_too_many_mails_wait_that_is_said_and_nothing_is_counted_or_registered() {
    let full = MailLimits {
        waiting: 0,
        ..MailLimits::default()
    };
    let post = Post::limited(Confirmation::Mail(mail("")), Reset::Off, full).await;
    let refused = post.register(ME).await;
    refused.refused(503, Some("InternalServerError"), "too many mails wait to be sent");
    assert_eq!(refused.header("retry-after"), "1");
    let unknown = post.log_in("secret-1").await;
    unknown.refused(401, Some("InvalidPassword"), "unauthorized");
    let post = Post::limited(Confirmation::Automatic, Reset::Mail(mail("")), full).await;
    assert_eq!(post.register(ME).await.status, 201);
    for _ in 0..10 {
        let refused = post.call("reset/send", json!({"email": ME})).await;
        refused.refused(503, Some("InternalServerError"), "too many mails wait to be sent");
    }
}

#[tokio::test]
async fn a_client_that_has_asked_for_too_many_mails_is_told_when_to_come_back() {
    let one = MailLimits {
        client: Quota {
            burst: 1,
            each: Duration::from_secs(3600),
        },
        loopback_times: 1,
        ..MailLimits::default()
    };
    let post = Post::limited(Confirmation::Mail(mail("")), Reset::Off, one).await;
    assert_eq!(post.register("you@example.com").await.status, 201);
    let refused = post.register(ME).await;
    let text = "too many mails were asked for from this address; try again later";
    refused.refused(429, Some("LimitsExceeded"), text);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    let unknown = post.log_in("secret-1").await;
    unknown.refused(401, Some("InvalidPassword"), "unauthorized");
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let post = Post::by_mail().await;
    for path in ["confirm/send", "confirm/call", "reset/send"] {
        post.call(path, json!({"email": "nobody@example.com"}))
            .await
            .refused(404, Some("UserNotFound"), "user not found");
        post.call(path, json!({}))
            .await
            .refused(400, Some("BadRequest"), "'email' is a required string");
    }
    let nonsense = json!({"token": "t", "tokenId": "i"});
    post.call("confirm", nonsense.clone())
        .await
        .refused(400, Some("BadRequest"), "invalid token data");
    post.call("reset", with_password(nonsense, "secret-1"))
        .await
        .refused(400, Some("BadRequest"), "invalid token data");
    post.register("not an address")
        .await
        .refused(400, Some("BadRequest"), "no e-mail address");
}

#[tokio::test]
async fn without_confirmation_any_name_is_taken_and_nothing_is_confirmed() {
    let post = Post::new(Confirmation::Automatic, Reset::Off).await;
    assert_eq!(post.register("any name").await.status, 201);
    let named = json!({"email": "any name"});
    post.call("confirm/call", named.clone()).await.refused(
        400,
        Some("BadRequest"),
        "cannot run confirmation for any name: automatic confirmation is enabled",
    );
    post.call("confirm/send", named.clone()).await.refused(
        400,
        Some("UserAlreadyConfirmed"),
        "already confirmed",
    );
    post.call("reset/send", named)
        .await
        .refused(400, Some("BadRequest"), "error processing request");
}

#[tokio::test]
async fn functions_that_would_decide_are_not_served_and_nobody_is_let_in_instead() {
    let function = || "decide".to_owned();
    let post = Post::new(Confirmation::Function(function()), Reset::Function(function())).await;
    post.register(ME).await.refused(
        400,
        Some("BadRequest"),
        "failed to confirm user \"me@example.com\"",
    );
    post.log_in("secret-1")
        .await
        .refused(401, Some("InvalidPassword"), "unauthorized");
    let body = json!({"email": ME, "password": "secret-2", "arguments": []});
    post.call("reset/call", body).await.refused(
        400,
        Some("BadRequest"),
        "failed to reset password for user \"me@example.com\"",
    );
}

#[tokio::test]
async fn a_reset_function_is_named_to_who_asks_for_a_mail() {
    let post = Post::new(Confirmation::Automatic, Reset::Function("decide".to_owned())).await;
    post.register(ME).await;
    post.call("reset/send", json!({"email": ME})).await.refused(
        400,
        Some("BadRequest"),
        "please use reset password via function",
    );
}

#[tokio::test]
async fn where_no_mail_can_be_sent_that_is_an_error_and_the_registration_stays() {
    let mut definition = Definition::development(None);
    definition.providers.password = Some(Password {
        confirmation: Confirmation::Mail(mail("")),
        reset: Reset::Off,
    });
    let gateway = Local::of(definition, Settings::default()).await;
    let call = async |path: &str, body: Value| {
        let path = format!("{APP}/auth/providers/local-userpass/{path}");
        let request = Request::post(path).header("content-type", "application/json");
        gateway.send(request.body(body.to_string().into()).unwrap()).await
    };
    let body = json!({"email": ME, "password": "secret-1"});
    assert_eq!(call("register", body).await.status, 201);
    let refused = call("confirm/send", json!({"email": ME})).await;
    refused.refused(400, Some("BadRequest"), "error processing request");
}
