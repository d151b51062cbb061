//! What a user logs in with: the provider's name in the URL and the JSON body that goes there.

use std::fmt::{self, Write};

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::tokens;
use crate::error::{Error, Result};

/// Credentials of any provider.
#[derive(Clone)]
pub struct Credentials {
    provider: String,
    body: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// Credentials for the provider of this name (`anon-user`, `local-userpass`, `api-key`, `custom-token`,
    /// `custom-function`, `oauth2-google`, `oauth2-facebook`, `oauth2-apple`), with the body it wants. Bytes of the body
    /// are kept as they are: the payload of a custom function may hold extended JSON and its order matters.
    ///
    /// # Errors
    /// The body is not a JSON object, or the provider's name could not stand in a URL.
    pub fn new(provider: &str, body_json: &str) -> Result<Credentials> {
        let plain = !provider.is_empty() && provider.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !plain {
            return Err(Error::InvalidArgument(format!(
                "no provider has the name '{provider}'"
            )));
        }
        let parsed: &RawValue = serde_json::from_str(body_json).map_err(|error| {
            Error::InvalidArgument(format!("the credentials are not valid JSON: {error}"))
        })?;
        if !parsed.get().starts_with('{') {
            return Err(Error::InvalidArgument(
                "the credentials are not a JSON object".to_owned(),
            ));
        }
        Ok(Credentials {
            provider: provider.to_owned(),
            body: parsed.get().to_owned(),
        })
    }

    /// A new user without name or password, or the one already logged in.
    pub fn anonymous() -> Credentials {
        Credentials {
            provider: ANONYMOUS.to_owned(),
            body: r#"{"provider":"anon-user"}"#.to_owned(),
        }
    }

    /// A registered e-mail address and its password.
    pub fn email_password(email: &str, password: &str) -> Credentials {
        let body = serde_json::json!({"provider": "local-userpass", "username": email, "password": password});
        Credentials {
            provider: "local-userpass".to_owned(),
            body: body.to_string(),
        }
    }

    /// A key of a user or of the app.
    pub fn api_key(key: &str) -> Credentials {
        Credentials::with_token("api-key", "key", key)
    }

    /// A JWT that somebody else has signed whom the app trusts.
    pub fn custom(token: &str) -> Credentials {
        Credentials::with_token("custom-token", "token", token)
    }

    /// An id token of Google.
    pub fn google_id_token(id_token: &str) -> Credentials {
        Credentials::with_token("oauth2-google", "id_token", id_token)
    }

    /// An authorisation code of Google, which the server exchanges.
    pub fn google_auth_code(auth_code: &str) -> Credentials {
        Credentials::with_token("oauth2-google", "authCode", auth_code)
    }

    /// An id token of Apple.
    pub fn apple(id_token: &str) -> Credentials {
        Credentials::with_token("oauth2-apple", "id_token", id_token)
    }

    /// An access token of Facebook.
    pub fn facebook(access_token: &str) -> Credentials {
        Credentials::with_token("oauth2-facebook", "accessToken", access_token)
    }

    /// What the app's own authentication function wants: a JSON object (extended JSON).
    ///
    /// # Errors
    /// The payload is no JSON object.
    pub fn function(payload_json: &str) -> Result<Credentials> {
        Credentials::new("custom-function", payload_json)
    }

    fn with_token(provider: &str, field: &str, token: &str) -> Credentials {
        let body = serde_json::json!({"provider": provider, field: token});
        Credentials {
            provider: provider.to_owned(),
            body: body.to_string(),
        }
    }

    /// The name that stands in the URL.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.provider == ANONYMOUS
    }

    /// Who logs in with these, comparable between log-ins and without a secret that could be read back: the provider,
    /// and the SHA-256 of the login name. Empty where the credentials have no name that stays the same.
    pub(crate) fn principal(&self) -> String {
        let body = serde_json::from_str::<Value>(&self.body).unwrap_or(Value::Null);
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        let name = match self.provider.as_str() {
            ANONYMOUS => return ANONYMOUS.to_owned(),
            "local-userpass" => text("username"),
            "api-key" => text("key"),
            "custom-token" => text("token").as_deref().and_then(tokens::subject),
            "oauth2-google" | "oauth2-apple" => text("id_token").as_deref().and_then(tokens::subject),
            // The payload is the function's own affair: who sends the same one is the same.
            "custom-function" => Some(self.body.clone()),
            _ => None,
        };
        let Some(name) = name else {
            return String::new();
        };
        let mut principal = format!("{}:", self.provider);
        for byte in Sha256::digest(name.as_bytes()) {
            // Writing to a string does not fail.
            let _ = write!(principal, "{byte:02x}");
        }
        principal
    }

    /// The body with the device added as `options`.
    pub(crate) fn body(&self, options: &Value) -> String {
        let fields = self.body.trim_start_matches('{').trim_start();
        if fields == "}" {
            return format!(r#"{{"options":{options}}}"#);
        }
        // The first of two equal keys counts for some servers and the last for others: none is left to chance.
        let has_options =
            serde_json::from_str::<Value>(&self.body).is_ok_and(|body| body.get("options").is_some());
        if has_options {
            let mut body = serde_json::from_str::<Value>(&self.body).unwrap_or(Value::Null);
            body["options"] = options.clone();
            return body.to_string();
        }
        format!(r#"{{"options":{options},{fields}"#)
    }
}

pub(crate) const ANONYMOUS: &str = "anon-user";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_payload_of_a_function_keeps_its_order_and_its_numbers() {
        let text = r#" {"z": 1, "a": {"$numberLong": "9223372036854775807"}, "big": 123456789012345678901234567890} "#;
        let body = Credentials::new("custom-function", text)
            .unwrap()
            .body(&json!({"device": {}}));
        assert!(body.ends_with(text.trim().strip_prefix('{').unwrap()), "{body}");
        assert!(serde_json::from_str::<Value>(&body).unwrap()["options"]["device"].is_object());
    }

    #[test]
    fn an_empty_body_and_one_with_options_are_joined_too() {
        let empty = Credentials::new("custom-function", "{ }")
            .unwrap()
            .body(&json!({"device": 1}));
        assert_eq!(empty, r#"{"options":{"device":1}}"#);
        let own = Credentials::new("custom-function", r#"{"options":5,"a":1}"#)
            .unwrap()
            .body(&json!({"device": 1}));
        assert_eq!(
            serde_json::from_str::<Value>(&own).unwrap(),
            json!({"options": {"device": 1}, "a": 1})
        );
    }

    #[test]
    fn a_principal_tells_people_apart_and_shows_no_name() {
        let email = Credentials::email_password("a@b.c", "one").principal();
        assert_eq!(email, Credentials::email_password("a@b.c", "another").principal());
        assert_ne!(email, Credentials::email_password("b@b.c", "one").principal());
        assert!(email.starts_with("local-userpass:") && !email.contains("a@b.c"));
        assert_eq!(email.len(), "local-userpass:".len() + 64);
        assert_eq!(Credentials::anonymous().principal(), "anon-user");
        let token = |claims: &str| {
            use base64::Engine;
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
            let body = json!({"token": format!("e30.{claims}.sig")}).to_string();
            Credentials::new("custom-token", &body).unwrap().principal()
        };
        assert_eq!(
            token(r#"{"sub":"bob","exp":1}"#),
            token(r#"{"exp":2,"sub":"bob"}"#)
        );
        assert_eq!(token(r#"{"exp":1}"#), "");
    }

    #[test]
    fn what_is_no_object_or_no_provider_is_refused_and_nothing_shows_in_debug() {
        assert!(Credentials::new("custom-function", "[1]").is_err());
        assert!(Credentials::new("custom-function", "{").is_err());
        assert!(Credentials::new("../x", "{}").is_err());
        let debug = format!("{:?}", Credentials::email_password("a@b.c", "secret"));
        assert!(!debug.contains("secret") && !debug.contains("a@b.c"), "{debug}");
    }
}
