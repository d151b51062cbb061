//! What the claims of a token must be.

use serde_json::Value;

use super::domain::Domain;
use super::error::TokenError;
use super::token::Claims;

/// Seconds by which the clock of who signs may be ahead of this one, for `nbf` and `iat`. Nothing is added to `exp`.
pub const LEEWAY: f64 = 60.0;

/// Bytes of a subject: more than any provider has, and little enough to be kept as a name.
const MAX_SUBJECT: usize = 1_024;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// `aud` has all of these. Without any it has the client app id.
    pub audience: Vec<String>,
    /// One of them is enough.
    pub any_audience: bool,
    /// `iss` is one of these. Without any it is not looked at.
    pub issuers: Vec<String>,
    /// The user is of one of these domains, by `hd` or by an e-mail that the issuer has verified. Without any that is not looked at.
    pub domains: Vec<Domain>,
}

impl Rules {
    /// The subject, if the claims are good for the app of this id at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// When they are not.
    pub fn check(&self, claims: &Claims, app_id: Option<&str>, now: i64) -> Result<String, TokenError> {
        // Exact for longer than there are tokens.
        let now = now as f64;
        let expires = time(claims, "exp")?.ok_or(TokenError::Claim("exp", "a time"))?;
        if expires <= now {
            return Err(TokenError::Expired);
        }
        for name in ["nbf", "iat"] {
            if time(claims, name)?.is_some_and(|time| time > now + LEEWAY) {
                return Err(TokenError::NotYet(name));
            }
        }
        self.check_audience(claims, app_id)?;
        self.check_issuer(claims)?;
        self.check_domain(claims)?;
        let subject = claims.get("sub").and_then(Value::as_str);
        subject
            .filter(|subject| (1..=MAX_SUBJECT).contains(&subject.len()))
            .map(str::to_owned)
            .ok_or(TokenError::Claim("sub", "a text of 1 to 1,024 bytes"))
    }

    fn check_audience(&self, claims: &Claims, app_id: Option<&str>) -> Result<(), TokenError> {
        let given = match claims.get("aud") {
            Some(Value::String(one)) => Some(vec![one.as_str()]),
            Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let given = given.ok_or(TokenError::Claim("aud", "a text or a list of texts"))?;
        let mut wanted = self.audience.iter().map(|name| given.contains(&name.as_str()));
        let good = match app_id {
            _ if self.audience.is_empty() => app_id.is_some_and(|id| given.contains(&id)),
            _ if self.any_audience => wanted.any(|is_there| is_there),
            _ => wanted.all(|is_there| is_there),
        };
        if good { Ok(()) } else { Err(TokenError::Audience) }
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), TokenError> {
        let given = claims.get("iss").and_then(Value::as_str);
        let good = self.issuers.is_empty() || self.issuers.iter().any(|name| given == Some(name));
        if good { Ok(()) } else { Err(TokenError::Issuer) }
    }

    fn check_domain(&self, claims: &Claims) -> Result<(), TokenError> {
        if self.domains.is_empty() {
            return Ok(());
        }
        let text = |name| claims.get(name).and_then(Value::as_str);
        let is_allowed = |name| Domain::parse(name).is_some_and(|domain| self.domains.contains(&domain));
        // Apple has it as text.
        let verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)))
            || text("email_verified") == Some("true");
        let email = text("email").filter(|_| verified);
        let of_email = email.and_then(|email| email.rsplit_once('@'));
        if text("hd").is_some_and(is_allowed) || of_email.is_some_and(|(_, name)| is_allowed(name)) {
            Ok(())
        } else {
            Err(TokenError::Domain)
        }
    }
}

/// Seconds since 1970, which may have fractions.
fn time(claims: &Claims, name: &'static str) -> Result<Option<f64>, TokenError> {
    let value = claims.get(name);
    let time = value.map(|value| value.as_f64().ok_or(TokenError::Claim(name, "a time")));
    time.transpose()
}
