//! Several ways of logging in for one user.

use super::account::UserState;
use super::{Credentials, User};
use crate::error::{Code, Error, Result};

impl User {
    /// Adds another way of logging in to this user, whose id stays. An anonymous user is not anonymous any more.
    ///
    /// # Errors
    /// The user is not logged in, the credentials are anonymous, or the server refused: they belong to another user, for
    /// instance.
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
        let refresh_token = self.refresh_token();
        let mut call = self.app.login_call(credentials, "?link=true");
        call.token = Some(self.access_token());
        let response = self.app.remote.send(call).await?;
        self.take_access_token(&response, &refresh_token)?;
        self.account.link(credentials.principal());
        self.app.fetch_profile(self).await?;
        self.app.persist_in_background(&self.account);
        Ok(())
    }
}
