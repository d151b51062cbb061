//! Providers that sign id tokens as OpenID Connect describes them, and where they publish their keys.

use super::metadata::{FieldError, MetadataField};

/// A provider of id tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// `oauth2-google`.
    Google,
    /// `oauth2-apple`.
    Apple,
    /// `oauth2-facebook`: the tokens of Limited Login.
    Facebook,
}

impl Vendor {
    /// Where its keys are.
    #[must_use]
    pub const fn keys(self) -> &'static str {
        match self {
            Self::Google => "https://www.googleapis.com/oauth2/v3/certs",
            Self::Apple => "https://appleid.apple.com/auth/keys",
            Self::Facebook => "https://limited.facebook.com/.well-known/oauth/openid/jwks/",
        }
    }

    /// What its tokens have as `iss`: one of these.
    #[must_use]
    pub const fn issuers(self) -> &'static [&'static str] {
        match self {
            Self::Google => &["https://accounts.google.com", "accounts.google.com"],
            Self::Apple => &["https://appleid.apple.com"],
            Self::Facebook => &[
                "https://www.facebook.com",
                "https://facebook.com",
                "https://limited.facebook.com",
            ],
        }
    }
}

impl MetadataField {
    /// A field of App Services' lists for these providers, whose names are not all those of the claims.
    ///
    /// # Errors
    /// When the name is none.
    pub fn of_openid(name: &str, required: bool) -> Result<Self, FieldError> {
        let claim = match name {
            "first_name" => "given_name",
            "last_name" => "family_name",
            "birthday" => "birthdate",
            "picture_url" => "picture",
            same => same,
        };
        Self::new(claim, Some(name), required)
    }
}
