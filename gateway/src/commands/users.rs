//! `users`: who there is, and who may come in.

mod exported;
mod import;

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use bson::Document;
use clap::Subcommand;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::accounts::{Accounts, api_key};
use super::output::{Output, time};
use super::{CommandError, DataArgs};
use crate::auth::{Hasher, Passwords, check_name};
use crate::state::{Identity, KeyOwner, Provider, Registration, User, UserKind};
use crate::{custom_user_data, ids};

/// Users that are read at once.
const PAGE: usize = 1_000;

/// Show users, make them, keep them out, remove them, and say what the application is told about them
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway users list | jq 'select(.disabled)'\n  \
                  echo secret-1 | realm-ingest-gateway users create station-7@example.com\n  \
                  realm-ingest-gateway users disable station-7@example.com\n\n\
                  A user is named by his id or his e-mail. A running server knows within a second. No command shows a password."
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Args)]
struct Named {
    /// Id or e-mail
    user: String,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Show every user, one a line, in the order in which they came
    ///
    /// Behind them come e-mails that are registered and have never logged in.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Show one user with custom data and API keys
    Show(Named),
    /// Make a user with this e-mail, who is confirmed; the password is asked for, or read from standard input
    Create {
        /// The name to log in with
        email: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Take in users of the closed service, with their ids and identities
    ///
    /// The file has the user objects of its Admin API, in an array or one behind the other. Passwords are not among them: who logs
    /// in by e-mail resets his. Users that are there with the same identities are left alone, so the command can be run again.
    Import {
        /// The file; - for standard input
        file: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Keep a user out: his sessions end, and he cannot log in
    Disable(Named),
    /// Let a user in again
    Enable(Named),
    /// Remove a user, or an e-mail that has never logged in; documents stay
    Delete(Named),
    /// End every session of a user, who may log in again
    Revoke(Named),
    /// Set what the application is told about a user
    ///
    /// He is told with his next access token, after half an hour at the latest.
    SetCustomData {
        /// Id or e-mail
        user: String,
        /// A document in Extended JSON of up to 16 KiB; `null` takes it away
        document: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or written, or what was asked for cannot be done.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let mut output = Output::new(false);
    match &args.action {
        Action::List { data } => list(&Accounts::open(data)?, &mut output)?,
        Action::Show(Named { user, data }) => {
            let accounts = Accounts::open(data)?;
            let user = find(&accounts, user)?;
            let keys = accounts.ask(|state| state.api_keys(&KeyOwner::User(user.id.clone())))?;
            let mut line = described(&user);
            line["custom_data"] = json!(user.custom_data);
            line["api_keys"] = keys.iter().map(api_key).collect();
            output.line(&line.to_string())?;
        }
        Action::Create { email, data } => {
            let user = create(&Accounts::open(data)?, email)?;
            output.line(&format!("user {user} is there"))?;
        }
        Action::Import { file, data } => import::run(&Accounts::open(data)?, file, &mut output)?,
        Action::Disable(Named { user, data }) => {
            let accounts = Accounts::open(data)?;
            let user = find(&accounts, user)?.id;
            accounts.ask(|state| state.set_disabled(&user, true))?;
            output.line(&format!("user {user} is disabled"))?;
        }
        Action::Enable(Named { user, data }) => {
            let accounts = Accounts::open(data)?;
            let user = find(&accounts, user)?.id;
            accounts.ask(|state| state.set_disabled(&user, false))?;
            output.line(&format!("user {user} is enabled"))?;
        }
        Action::Delete(Named { user, data }) => {
            output.line(&delete(&Accounts::open(data)?, user)?)?;
        }
        Action::Revoke(Named { user, data }) => {
            let accounts = Accounts::open(data)?;
            let user = find(&accounts, user)?.id;
            accounts.ask(|state| state.end_sessions(&user))?;
            output.line(&format!("the sessions of user {user} have ended"))?;
        }
        Action::SetCustomData { user, document, data } => {
            let document = custom_data(document)?;
            let data = data.open()?;
            let accounts = data.accounts()?;
            let user = find(&accounts, user)?.id;
            accounts.ask(|state| state.set_custom_data(&user, document))?;
            output.line(&format!("user {user} is told with the next access token"))?;
            if data.is_shared() {
                output.line(
                    "this holds where the app's directory names no collection for custom user data; otherwise what is there does",
                )?;
            }
        }
    }
    output.finish()
}

fn list(accounts: &Accounts, output: &mut Output) -> Result<(), CommandError> {
    let mut last: Option<User> = None;
    loop {
        let page = accounts.ask(|state| state.users(last.as_ref(), PAGE))?;
        for user in &page {
            output.line(&described(user).to_string())?;
        }
        match page.into_iter().next_back() {
            Some(user) => last = Some(user),
            None => break,
        }
    }
    let mut last = String::new();
    loop {
        let page = accounts.ask(|state| state.unused_registrations(&last, PAGE))?;
        for registration in &page {
            let line =
                json!({"user": null, "email": registration.email, "confirmed": registration.confirmed});
            output.line(&line.to_string())?;
        }
        match page.into_iter().next_back() {
            Some(registration) => last = registration.email,
            None => return Ok(()),
        }
    }
}

fn described(user: &User) -> Value {
    let identities = user.identities.iter();
    let identities =
        identities.map(|identity| json!({"provider": identity.provider.as_str(), "id": identity.id}));
    json!({
        "user": user.id,
        "type": user.kind.as_str(),
        "disabled": user.disabled,
        "time": time(user.created),
        "last_login": time(user.last_login),
        "identities": identities.collect::<Vec<_>>(),
        "data": user.data(),
    })
}

/// The user of this id or e-mail.
pub(super) fn find(accounts: &Accounts, named: &str) -> Result<User, CommandError> {
    if let Some(user) = accounts.ask(|state| state.user(named))? {
        return Ok(user);
    }
    let nobody = || {
        CommandError::Refused(format!(
            "there is no user '{named}'; 'users list' shows those there are"
        ))
    };
    let registration = accounts.ask(|state| state.registration(named))?;
    let registration = registration.ok_or_else(nobody)?;
    let user = accounts.ask(|state| state.user_by_identity(Provider::Password, &registration.identity))?;
    user.ok_or_else(|| {
        CommandError::Refused(format!(
            "'{named}' is registered and has never logged in, so there is no user yet"
        ))
    })
}

fn create(accounts: &Accounts, email: &str) -> Result<String, CommandError> {
    let wrong = |text: String| CommandError::Usage(text);
    if email.is_empty() || check_name(email).is_err() {
        return Err(wrong(
            "an e-mail has up to 254 characters and no control characters".to_owned(),
        ));
    }
    let password = password()?;
    if Passwords::check_length(&password).is_err() {
        return Err(wrong("a password has 6 to 128 characters".to_owned()));
    }
    let registration = Registration {
        email: email.to_owned(),
        identity: ids::identity_id(),
        password_hash: Hasher::default()
            .hash(&password)
            .map_err(|error| CommandError::Refused(error.to_string()))?,
        confirmed: true,
    };
    let identity = Identity {
        provider: Provider::Password,
        id: registration.identity.clone(),
        data: Map::from_iter([("email".to_owned(), email.into())]),
    };
    if !accounts.ask(|state| state.register(registration))? {
        return Err(CommandError::Refused(format!("'{email}' is registered already")));
    }
    let user = accounts.ask(|state| state.find_or_create(identity, UserKind::Normal))?;
    let user =
        user.ok_or_else(|| CommandError::Refused(format!("'{email}' was removed by somebody else")))?;
    Ok(user.id)
}

/// What is typed at a terminal, which does not show it, or the first line of standard input.
fn password() -> Result<String, CommandError> {
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(rpassword::prompt_password("Password: ")?);
    }
    let mut text = String::new();
    stdin.read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Removes him, or the registration that has made no user; the answer says what was done.
fn delete(accounts: &Accounts, named: &str) -> Result<String, CommandError> {
    // Anybody can register what is another's id.
    let is_id = accounts.ask(|state| state.user(named))?.is_some();
    if !is_id && accounts.ask(|state| state.remove_registration(named))? {
        return Ok(format!("the registration of '{named}' is removed"));
    }
    let user = find(accounts, named)?.id;
    accounts.ask(|state| state.remove_user(&user))?;
    Ok(format!("user {user} is removed"))
}

fn custom_data(text: &str) -> Result<Option<Box<RawValue>>, CommandError> {
    if text.len() > custom_user_data::MAX_IN_TOKEN {
        return Err(CommandError::Usage("custom data has up to 16 KiB".to_owned()));
    }
    let wrong =
        |why: String| CommandError::Usage(format!("custom data is a document in Extended JSON: {why}"));
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => {
            Document::try_from(members).map_err(|error| wrong(error.to_string()))?;
            let raw = RawValue::from_string(text.to_owned());
            raw.map(Some).map_err(|error| wrong(error.to_string()))
        }
        _ => Err(wrong("it begins with '{'".to_owned())),
    }
}
