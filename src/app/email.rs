//! What the provider of e-mail addresses and passwords offers beside the login. Nobody has to be logged in for it.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::App;
use super::remote::{Call, Route};
use super::user::arguments;
use crate::error::Result;
use crate::transport::Method;

/// Each waits for the server, and fails where it refused or could not be reached.
impl App {
    /// Registers an e-mail address. The user still has to log in.
    ///
    /// # Errors
    /// As all of these calls; somebody has registered with this address before, for instance.
    pub fn register_user(&self, email: &str, password: &str) -> Result<()> {
        self.post("register", json!({"email": email, "password": password}))
    }

    /// Confirms an address with what its mail held.
    ///
    /// # Errors
    /// As all of these calls; the token is not valid any more, for instance.
    pub fn confirm_user(&self, token: &str, token_id: &str) -> Result<()> {
        self.post("confirm", json!({"token": token, "tokenId": token_id}))
    }

    /// Has the mail that asks for a confirmation sent again.
    ///
    /// # Errors
    /// As all of these calls; the address is confirmed already, for instance.
    pub fn resend_confirmation_email(&self, email: &str) -> Result<()> {
        self.post("confirm/send", json!({"email": email}))
    }

    /// Has the app's own confirmation function run again.
    ///
    /// # Errors
    /// As all of these calls.
    pub fn retry_custom_confirmation(&self, email: &str) -> Result<()> {
        self.post("confirm/call", json!({"email": email}))
    }

    /// Has a mail sent with which the password can be set anew.
    ///
    /// # Errors
    /// As all of these calls.
    pub fn send_reset_password_email(&self, email: &str) -> Result<()> {
        self.post("reset/send", json!({"email": email}))
    }

    /// Sets a password with what that mail held.
    ///
    /// # Errors
    /// As all of these calls; the token is not valid any more, for instance.
    pub fn reset_password(&self, password: &str, token: &str, token_id: &str) -> Result<()> {
        let body = json!({"password": password, "token": token, "tokenId": token_id});
        self.post("reset", body)
    }

    /// Has the app's own function set the password, with a JSON array of arguments (extended JSON).
    ///
    /// # Errors
    /// As all of these calls, or the arguments are no JSON array.
    pub fn call_reset_password_function(&self, email: &str, password: &str, args_ejson: &str) -> Result<()> {
        let arguments: &RawValue = arguments(args_ejson)?;
        let (email, password) = (Value::from(email), Value::from(password));
        let body = format!(r#"{{"arguments":{arguments},"email":{email},"password":{password}}}"#);
        self.post("reset/call", body)
    }

    fn post(&self, path: &str, body: impl ToString) -> Result<()> {
        let route = Route::App(format!("auth/providers/local-userpass/{path}"));
        let call = Call::json(Method::Post, route, None, body.to_string());
        let inner = self.inner.clone();
        self.inner
            .runtime
            .block_on(async move { inner.remote.send(call).await.map(|_| ()) })?
    }
}
