//! How users may log in. A provider that is off is not there.

use std::path::PathBuf;

use super::Secret;
use crate::state::Provider;

/// The providers that are on.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    /// `anon-user`.
    pub anonymous: bool,
    /// `local-userpass`.
    pub password: Option<Password>,
    /// `api-key`.
    pub api_key: bool,
    /// `custom-token`.
    pub custom_token: Option<CustomToken>,
    /// `custom-function`: the function that lets users in.
    pub custom_function: Option<String>,
    /// `oauth2-google`.
    pub google: Option<OpenId>,
    /// `oauth2-apple`.
    pub apple: Option<OpenId>,
    /// `oauth2-facebook`.
    pub facebook: Option<OpenId>,
}

impl Providers {
    /// Whether this one is on.
    #[must_use]
    pub const fn has(&self, provider: Provider) -> bool {
        match provider {
            Provider::Anonymous => self.anonymous,
            Provider::Password => self.password.is_some(),
            Provider::ApiKey => self.api_key,
            Provider::CustomToken => self.custom_token.is_some(),
            Provider::CustomFunction => self.custom_function.is_some(),
            Provider::Google => self.google.is_some(),
            Provider::Facebook => self.facebook.is_some(),
            Provider::Apple => self.apple.is_some(),
        }
    }
}

/// E-mail addresses and passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    /// What makes a registered user one who can log in.
    pub confirmation: Confirmation,
    /// How a forgotten password is replaced.
    pub reset: Reset,
}

/// What makes a registered user one who can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Registering.
    Automatic,
    /// A function of this name.
    Function(String),
    /// A link in a mail.
    Mail(Mail),
}

/// How a forgotten password is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Not at all.
    Off,
    /// By a function of this name.
    Function(String),
    /// By a link in a mail.
    Mail(Mail),
}

/// A mail with a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Where the link leads; `token` and `tokenId` are added to its query.
    pub url: String,
    /// The mail's subject.
    pub subject: String,
}

/// Tokens that somebody else makes.
#[derive(Clone, Debug)]
pub struct CustomToken {
    /// Whom tokens have to be for; the client app id where there is nobody.
    pub audience: Vec<String>,
    /// Whether one of them is enough.
    pub any_audience: bool,
    /// What they are verified with.
    pub keys: TokenKeys,
    /// What of them becomes data of the user.
    pub metadata: Vec<MetadataField>,
}

/// What a token is verified with.
#[derive(Clone, Debug)]
pub enum TokenKeys {
    /// One of these: shared secrets with HS256, public keys in PEM with the others.
    Fixed(Algorithm, Vec<Secret>),
    /// The key of a set that the token names.
    Set(JwkSource),
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of JSON Web Algorithms")]
pub enum Algorithm {
    Hs256,
    Rs256,
    Es256,
}

/// Where a set of JSON Web Keys is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwkSource {
    /// In a file.
    File(PathBuf),
    /// At an `https` address, or `http` on this machine.
    Url(String),
}

/// A field of a token that becomes data of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataField {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// What it is called in the user's data.
    pub name: String,
    /// Nobody logs in without it.
    pub required: bool,
}

/// OpenID Connect id tokens of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenId {
    /// Whom tokens have to be for.
    pub audience: String,
    /// Who may have made them; some issuers have two names.
    pub issuers: Vec<String>,
    /// The issuer's keys.
    pub keys: JwkSource,
}

impl Providers {
    /// Everything that needs no further setting.
    #[must_use]
    pub fn development() -> Self {
        let mail = Mail {
            url: String::new(),
            subject: "Reset your password".to_owned(),
        };
        Self {
            anonymous: true,
            password: Some(Password {
                confirmation: Confirmation::Automatic,
                reset: Reset::Mail(mail),
            }),
            api_key: true,
            ..Self::default()
        }
    }

    /// Whether anybody can log in.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.anonymous
            || self.password.is_some()
            || self.api_key
            || self.custom_token.is_some()
            || self.custom_function.is_some()
            || self.google.is_some()
            || self.apple.is_some()
            || self.facebook.is_some()
    }
}
