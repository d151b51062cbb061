//! Who has a token that somebody else has signed for him.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::{Credentials, Proven};
use crate::auth::Address;
use crate::auth::external::{MAX_TOKEN, Token};
use crate::clock;
use crate::definition::Definition;
use crate::gateway::Gateway;
use crate::http::reject::Reject;
use crate::http::routes::required;
use crate::state::Provider;

/// Bytes of a body with such a token and what else clients say.
pub(super) const MAX_BODY: u64 = MAX_TOKEN as u64 + 64 * 1024;

/// Checks the token.
pub(super) async fn prove(
    gateway: &Gateway,
    definition: Arc<Definition>,
    provider: Provider,
    from: IpAddr,
    credentials: Credentials,
) -> Result<Proven, Reject> {
    let text = text(provider, credentials)?;
    gateway.limits.attempt(Address::from(from), "", Instant::now())?;
    let token = Token::parse(text)?;
    let unknown = || Reject::UnknownProvider(provider.as_str().to_owned());
    let config = definition.providers.tokens(provider).ok_or_else(unknown)?;
    let candidates = config
        .candidates(&token, &gateway.key_sets, Instant::now())
        .await?;
    let check = move || {
        let config = definition.providers.tokens(provider)?;
        let app_id = definition.client_app_id.as_deref();
        Some(config.check(&token, &candidates, app_id, clock::unix_seconds()))
    };
    let person = gateway.work.run(from, check).await?.ok_or_else(unknown)??;
    Ok(Proven::identity(provider, person.subject, person.data))
}

/// The token, where clients of each provider have it.
fn text(provider: Provider, credentials: Credentials) -> Result<String, Reject> {
    let (name, text) = match provider {
        Provider::CustomToken => ("token", credentials.token),
        Provider::Facebook => ("accessToken", credentials.access_token),
        _ => ("id_token", credentials.id_token),
    };
    if text.is_none() && credentials.auth_code.is_some() {
        let why = "'authCode' is not exchanged by this gateway; log in with 'id_token'";
        return Err(Reject::BadRequest(why.to_owned()));
    }
    required(name, text)
}
