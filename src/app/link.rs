//! Several ways of logging in for one user.

use super::account::UserState;
use super::{Credentials, User};
use crate::error::{Code, Error, Result};

impl User {
    /// Adds another way of logging in to this user, whose id stays. An anonymous user is not anonymous any more.
    ///
    /// # Errors
    /// The user is not logged in, the credentials are anonymous, or the server refused: they belong to another user, for
    /// instance. If it is the profile that could not be fetched, or the file of users that could not be written, they are
    /// linked all the same.
    pub fn link(&self, credentials: &Credentials) -> Result<()> {
        if self.state() != UserState::LoggedIn {
            return Err(Error::app(
                Code::ClientUserNotLoggedIn,
                "The specified user is not logged in.",
            ));
        }
        if credentials.is_anonymous() {
            return Err(Error::app(
                Code::ClientUserAlreadyNamed,
                "Cannot add anonymous credentials to an existing user.",
            ));
        }
        let (user, credentials) = (self.clone(), credentials.clone());
        self.app
            .runtime
            .block_on(async move { user.link_at_server(&credentials).await })?
    }

    async fn link_at_server(&self, credentials: &Credentials) -> Result<()> {
        let mut call = self.app.login_call(credentials, "?link=true");
        call.token = Some(self.fresh_token().await?);
        let refresh_token = self.refresh_token();
        let response = self.app.remote.send(call).await?;
        // The server has linked, whatever follows: a logout of an anonymous user would delete what waits.
        self.account.link(credentials);
        let token = self.take_access_token(&response, &refresh_token);
        self.store_link().await?;
        token?;
        self.app.fetch_profile(self).await
    }

    async fn store_link(&self) -> Result<()> {
        let linked = self.account.stored();
        self.app
            .change(move |document| {
                let Some(record) = document.find(&linked.id) else {
                    return;
                };
                record.identities = linked.identities;
                record.principal = linked.principal;
                if record.refresh_token == linked.refresh_token {
                    record.access_token = linked.access_token;
                }
            })
            .await
    }
}
