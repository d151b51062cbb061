//! How users may log in. A provider that is off is not there.

use crate::auth::external::TokenConfig;
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
    pub custom_token: Option<TokenConfig>,
    /// `custom-function`: the function that lets users in.
    pub custom_function: Option<String>,
    /// `oauth2-google`.
    pub google: Option<TokenConfig>,
    /// `oauth2-apple`.
    pub apple: Option<TokenConfig>,
    /// `oauth2-facebook`.
    pub facebook: Option<TokenConfig>,
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

    /// How the tokens of this one are verified, if it is on and has any.
    #[must_use]
    pub const fn tokens(&self, provider: Provider) -> Option<&TokenConfig> {
        match provider {
            Provider::CustomToken => self.custom_token.as_ref(),
            Provider::Google => self.google.as_ref(),
            Provider::Facebook => self.facebook.as_ref(),
            Provider::Apple => self.apple.as_ref(),
            Provider::Anonymous | Provider::Password | Provider::ApiKey | Provider::CustomFunction => None,
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

    /// Whether users get mails.
    #[must_use]
    pub fn sends_mails(&self) -> bool {
        self.password.as_ref().is_some_and(|password| {
            matches!(password.confirmation, Confirmation::Mail(_)) || matches!(password.reset, Reset::Mail(_))
        })
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
