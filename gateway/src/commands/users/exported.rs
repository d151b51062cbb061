//! A user as the closed service showed him: an object of its Admin API, or of what it wrote into a file.

use bson::DateTime;
use bson::oid::ObjectId;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::auth::check_name;
use crate::state::{Identity, ImportedUser, Provider, Registration, User, UserKind};

/// Times below this are in seconds: in milliseconds it would be in 1973.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Bytes that the name of an identity may have. It is in an index.
const MAX_IDENTITY: usize = 512;

/// See the module. What else he has counts for nothing here.
#[derive(Deserialize)]
pub(super) struct Exported {
    #[serde(rename = "_id", alias = "id", alias = "user_id")]
    id: Value,
    #[serde(default)]
    identities: Vec<ExportedIdentity>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    custom_data: Option<Map<String, Value>>,
    #[serde(default, alias = "created_at")]
    creation_date: Value,
    #[serde(default, alias = "last_login")]
    last_authentication_date: Value,
}

#[derive(Deserialize)]
struct ExportedIdentity {
    id: Value,
    #[serde(alias = "providerType")]
    provider_type: String,
    #[serde(default, alias = "data")]
    provider_data: Option<Map<String, Value>>,
}

impl Exported {
    /// As he is kept. Registrations get this hash for a password; who is without times has come `now`.
    ///
    /// # Errors
    /// With what is wrong with him.
    pub(super) fn user(self, password_hash: &str, now: i64) -> Result<ImportedUser, String> {
        let id =
            object_id(&self.id).ok_or("'_id' is not the id of a user, which has 24 hexadecimal digits")?;
        let wrong = |what: String| format!("user {id}: {what}");
        if self.identities.is_empty() {
            return Err(wrong("he has no identities, so he could not log in".to_owned()));
        }
        let data = self.data.unwrap_or_default();
        let (mut identities, mut registrations) = (Vec::new(), Vec::new());
        let mut general = Some(data.clone());
        for one in self.identities {
            let identity = one.identity(&data, &mut general).map_err(wrong)?;
            if identity.provider == Provider::Password {
                let email = identity
                    .data
                    .get("email")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                registrations.push(Registration {
                    email: email.to_owned(),
                    identity: identity.id.clone(),
                    password_hash: password_hash.to_owned(),
                    confirmed: true,
                });
            }
            identities.push(identity);
        }
        if registrations.len() > 1 {
            return Err(wrong(
                "he has more than one identity of e-mail and password".to_owned(),
            ));
        }
        let kind = self.kind.as_deref().unwrap_or("normal");
        let kind =
            UserKind::from_name(kind).ok_or_else(|| wrong(format!("there is no type '{kind}' of users")))?;
        let time =
            |name: &str, value: &Value| time(value).ok_or_else(|| wrong(format!("'{name}' is no time")));
        // The ids of the service say when they were made.
        let born = ObjectId::parse_str(&id).map_or(now, |id| id.timestamp().timestamp_millis().min(now));
        let created = time("creation_date", &self.creation_date)?.unwrap_or(born);
        let last_login = time("last_authentication_date", &self.last_authentication_date)?;
        let custom_data = self.custom_data.filter(|data| !data.is_empty());
        Ok(ImportedUser {
            registrations,
            user: User {
                id: id.clone(),
                kind,
                identities,
                disabled: self.disabled,
                custom_data: custom_data.and_then(|data| {
                    let text = Value::Object(data).to_string();
                    RawValue::from_string(text).ok()
                }),
                created,
                last_login: last_login.unwrap_or(created),
            },
        })
    }
}

impl ExportedIdentity {
    /// What the service says of the user in `general`, it says for the first identity of which it says nothing else.
    fn identity(
        self,
        data: &Map<String, Value>,
        general: &mut Option<Map<String, Value>>,
    ) -> Result<Identity, String> {
        let provider = Provider::from_name(&self.provider_type)
            .ok_or_else(|| format!("there is no provider '{}'", self.provider_type))?;
        let id = text(&self.id).filter(|id| (1..=MAX_IDENTITY).contains(&id.len()));
        let id = id.ok_or_else(|| format!("an identity of {} has no 'id'", provider.as_str()))?;
        let mut own = self.provider_data.filter(|data| !data.is_empty());
        if own.is_none() {
            own = general.take();
        }
        let mut own = own.unwrap_or_default();
        if provider == Provider::Password {
            let email = own.get("email").or_else(|| data.get("email"));
            let email = email.and_then(Value::as_str).filter(|email| !email.is_empty());
            let email = email.ok_or("an identity of e-mail and password has no 'email'")?;
            if check_name(email).is_err() {
                return Err("an e-mail has up to 254 characters and no control characters".to_owned());
            }
            let email = Value::from(email);
            own.insert("email".to_owned(), email);
        }
        Ok(Identity {
            provider,
            id,
            data: own,
        })
    }
}

/// A text, or what Extended JSON writes an object id as.
fn text(value: &Value) -> Option<String> {
    let text = value.get("$oid").unwrap_or(value);
    text.as_str().map(str::to_owned)
}

fn object_id(value: &Value) -> Option<String> {
    let id = text(value)?.to_ascii_lowercase();
    let is_id = id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

/// Milliseconds since 1970, if it says any; the outer none is of what is no time.
fn time(value: &Value) -> Option<Option<i64>> {
    let number = |value: &Value| match value.get("$numberLong").or_else(|| value.get("$numberInt")) {
        Some(digits) => digits.as_str()?.parse().ok(),
        None => value.as_i64(),
    };
    if value.is_null() {
        return Some(None);
    }
    let date = value.get("$date");
    let value = date.unwrap_or(value);
    if let Some(text) = value.as_str() {
        let date = DateTime::parse_rfc3339_str(text).ok()?;
        return Some(Some(date.timestamp_millis()));
    }
    let number = number(value)?;
    let is_seconds = date.is_none() && number.abs() < MILLISECONDS_FROM;
    let millis = if is_seconds {
        number.checked_mul(1_000)?
    } else {
        number
    };
    // None was noted.
    Some(Some(millis).filter(|millis| *millis > 0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;

    const ID: &str = "6566a1d0c2f3b4a5d6e7f801";

    fn read(user: Value) -> Result<ImportedUser, String> {
        let exported: Exported = serde_json::from_value(user).map_err(|error| error.to_string())?;
        exported.user("hash", 7)
    }

    #[test]
    fn a_user_of_the_admin_api_is_read_as_he_was() {
        let imported = read(json!({
            "_id": ID, "domain_id": "5f60207f14dfb25d23101100", "type": "normal", "disabled": true,
            "data": {"email": "me@example.com"}, "custom_data": {"a": {"$numberLong": "1"}},
            "creation_date": 1_600_000_000, "last_authentication_date": 1_700_000_000,
            "identities": [{"id": "5f60207f14dfb25d23101102-abc", "provider_type": "local-userpass",
                "provider_id": "5f60207f14dfb25d23101101"}]
        }));
        let ImportedUser { user, registrations } = imported.unwrap();
        assert_eq!(
            (user.id.as_str(), user.kind, user.disabled),
            (ID, UserKind::Normal, true)
        );
        assert_eq!(
            (user.created, user.last_login),
            (1_600_000_000_000, 1_700_000_000_000)
        );
        assert_eq!(user.custom_data.unwrap().get(), r#"{"a":{"$numberLong":"1"}}"#);
        let [identity] = &user.identities[..] else {
            unreachable!("{:?}", user.identities)
        };
        assert_eq!(
            (identity.provider, identity.id.as_str()),
            (Provider::Password, "5f60207f14dfb25d23101102-abc")
        );
        assert_eq!(
            Value::Object(identity.data.clone()),
            json!({"email": "me@example.com"})
        );
        let [registration] = &registrations[..] else {
            unreachable!("{registrations:?}")
        };
        assert_eq!(registration.email, "me@example.com");
        assert_eq!(registration.identity, identity.id);
        assert_eq!(
            (registration.password_hash.as_str(), registration.confirmed),
            ("hash", true)
        );
    }

    #[test]
    fn each_identity_has_what_its_own_provider_says() {
        let imported = read(json!({
            "_id": {"$oid": ID.to_uppercase()}, "data": {"email": "me@example.com", "name": "Me"},
            "identities": [
                {"id": "x", "provider_type": "custom-token"},
                {"id": "y", "provider_type": "local-userpass"},
                {"id": "z", "providerType": "oauth2-google", "provider_data": {"name": "Google"}},
                {"id": {"$oid": ID}, "provider_type": "api-key"}
            ]
        }));
        let ImportedUser { user, registrations } = imported.unwrap();
        assert_eq!((user.id.as_str(), user.created, user.last_login), (ID, 7, 7));
        let data: Vec<_> = user
            .identities
            .iter()
            .map(|one| Value::Object(one.data.clone()))
            .collect();
        assert_eq!(data[0], json!({"email": "me@example.com", "name": "Me"}));
        assert_eq!(data[1], json!({"email": "me@example.com"}));
        assert_eq!((&data[2], &data[3]), (&json!({"name": "Google"}), &json!({})));
        assert_eq!((user.identities[3].id.as_str(), registrations.len()), (ID, 1));
    }

    #[test]
    fn times_are_read_in_every_form() {
        let second = 1_600_000_000_000;
        for (value, expected) in [
            (json!(null), Some(None)),
            (json!(0), Some(None)),
            (json!(1_600_000_000), Some(Some(second))),
            (json!(1_600_000_000_000_i64), Some(Some(second))),
            (json!("2020-09-13T12:26:40Z"), Some(Some(second))),
            (json!({"$date": "2020-09-13T12:26:40.000Z"}), Some(Some(second))),
            (
                json!({"$date": {"$numberLong": "1600000000000"}}),
                Some(Some(second)),
            ),
            (json!({"$date": 1}), Some(Some(1))),
            (json!({"$numberLong": "1600000000"}), Some(Some(second))),
            (json!("soon"), None),
            (json!([]), None),
            (json!(i64::MIN + 1), Some(None)),
        ] {
            assert_eq!(time(&value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let one = |provider: &str| json!([{"id": "x", "provider_type": provider}]);
        for (user, text) in [
            (
                json!({"_id": "x", "identities": one("anon-user")}),
                "24 hexadecimal digits",
            ),
            (json!({"_id": ID}), "no identities"),
            (
                json!({"_id": ID, "identities": one("carrier-pigeon")}),
                "no provider 'carrier-pigeon'",
            ),
            (
                json!({"_id": ID, "identities": one("local-userpass")}),
                "no 'email'",
            ),
            (
                json!({"_id": ID, "identities": [{"id": "", "provider_type": "api-key"}]}),
                "no 'id'",
            ),
            (
                json!({"_id": ID, "identities": one("api-key"), "type": "odd"}),
                "type 'odd'",
            ),
            (
                json!({"_id": ID, "identities": one("api-key"), "creation_date": "soon"}),
                "'creation_date' is no time",
            ),
            (
                json!({"_id": ID, "identities": one("local-userpass"), "data": {"email": "a\nb"}}),
                "control characters",
            ),
            (
                json!({"_id": ID, "data": {"email": "a"}, "identities": [
                {"id": "x", "provider_type": "local-userpass"}, {"id": "y", "provider_type": "local-userpass"}]}),
                "more than one",
            ),
            (json!({"identities": []}), "_id"),
            (json!({"_id": ID, "identities": [{"id": "x"}]}), "provider_type"),
        ] {
            let wrong = read(user).unwrap_err();
            assert!(wrong.contains(text), "{wrong}");
        }
    }
}
