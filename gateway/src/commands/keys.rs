//! `keys`: the keys that sign tokens, of which another one can sign without anybody being logged out, and the API keys of servers.

use clap::Subcommand;
use serde_json::json;

use super::accounts::{Accounts, api_key};
use super::output::{Output, time};
use super::users::find;
use super::{CommandError, DataArgs};
use crate::auth::{hash_of_secret, is_key_name, new_api_key};
use crate::state::{AddedKey, ApiKey, KeyOwner};

/// Show the keys that sign tokens, let a new one sign, and retire old ones; and make API keys
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway keys rotate\n  realm-ingest-gateway keys list\n  \
                  realm-ingest-gateway keys retire 1\n  \
                  realm-ingest-gateway keys create weather-importer\n\nA running server knows within a second. No command \
                  shows a key itself, but for `create`, once."
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show every key, one a line: those that sign, with the sessions that end with each and when one of these was used last, and
    /// then API keys of servers
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make a key that signs from now on
    ///
    /// What the former ones signed stays good, so nobody is logged out.
    Rotate {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Forget a key that does not sign any more
    ///
    /// Access tokens that it has signed are replaced by their holders. Refresh tokens are not: their sessions end.
    Retire {
        /// The key, as `keys list` numbers it
        key: i64,
        /// Also when refresh tokens that it has signed are good
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make an API key for a server, or for a user, and show it, which is not done again
    Create {
        /// What it is called: letters and digits of ASCII, `_` and `-`
        name: String,
        /// Whose it is, by id or e-mail: who logs in by it is this user, such as one who was imported and whose keys were not
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let nobody in by an API key; the sessions that it has opened end
    Disable(ApiKeyArgs),
    /// Let its server in again
    Enable(ApiKeyArgs),
    /// Forget an API key, and the user that its server was
    Delete(ApiKeyArgs),
}

#[derive(clap::Args)]
struct ApiKeyArgs {
    /// The API key, as `keys list` names it
    id: String,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or written, or the key cannot be retired.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let mut output = Output::new(false);
    match &args.action {
        Action::List { data } => {
            let accounts = Accounts::open(data)?;
            for key in accounts.ask(|state| state.signing_keys())? {
                let line = json!({
                    "key": key.id,
                    "time": time(key.created),
                    "signs": key.signs,
                    "sessions": key.sessions,
                    "used": key.used.map(time),
                    "until": key.until.map(time),
                });
                output.line(&line.to_string())?;
            }
            for key in accounts.ask(|state| state.api_keys(&KeyOwner::App))? {
                output.line(&api_key(&key).to_string())?;
            }
        }
        Action::Rotate { data } => {
            let key = Accounts::open(data)?.ask(|state| state.rotate_keys())?;
            output.line(&format!("key {key} signs from now on"))?;
        }
        Action::Retire { key, force, data } => {
            let retired = Accounts::open(data)?.ask(|state| state.retire_key(*key, *force))?;
            let ended = retired.map_err(CommandError::Refused)?;
            output.line(&format!("key {key} is retired, sessions ended: {ended}"))?;
        }
        Action::Create { name, user, data } => {
            let accounts = Accounts::open(data)?;
            let owner = match user {
                Some(user) => KeyOwner::User(find(&accounts, user)?.id),
                None => KeyOwner::App,
            };
            let (key, text) = create(&accounts, owner, name)?;
            let mut line = api_key(&key);
            line["text"] = text.into();
            output.line(&line.to_string())?;
        }
        Action::Disable(ApiKeyArgs { id, data }) => {
            let found =
                Accounts::open(data)?.ask(|state| state.set_api_key_disabled(&KeyOwner::App, id, true))?;
            output.line(&done(found, id, "is disabled")?)?;
        }
        Action::Enable(ApiKeyArgs { id, data }) => {
            let found =
                Accounts::open(data)?.ask(|state| state.set_api_key_disabled(&KeyOwner::App, id, false))?;
            output.line(&done(found, id, "is enabled")?)?;
        }
        Action::Delete(ApiKeyArgs { id, data }) => {
            let found = Accounts::open(data)?.ask(|state| state.remove_api_key(&KeyOwner::App, id))?;
            output.line(&done(found, id, "is removed")?)?;
        }
    }
    output.finish()
}

/// A new key and its text.
fn create(accounts: &Accounts, owner: KeyOwner, name: &str) -> Result<(ApiKey, String), CommandError> {
    if !is_key_name(name) {
        let text = "a key's name has up to 128 letters and digits of ASCII, '_' and '-'";
        return Err(CommandError::Usage(text.to_owned()));
    }
    let most = match owner {
        KeyOwner::App => "an app",
        KeyOwner::User(_) => "a user",
    };
    let (key, text) = new_api_key(owner, name.to_owned());
    let added = accounts.ask(|state| state.add_api_key(key.clone(), hash_of_secret(&text)))?;
    match added {
        AddedKey::Added => Ok((key, text)),
        AddedKey::NameTaken => Err(CommandError::Refused(format!(
            "there is an API key '{name}' already"
        ))),
        AddedKey::TooMany => Err(CommandError::Refused(format!(
            "there are as many API keys as {most} may have; delete one first"
        ))),
        AddedKey::NoUser => Err(CommandError::Refused("the user has just been removed".to_owned())),
    }
}

fn done(found: bool, id: &str, what: &str) -> Result<String, CommandError> {
    if found {
        return Ok(format!("API key {id} {what}"));
    }
    Err(CommandError::Refused(format!(
        "there is no API key '{id}' of a server; 'keys list' shows those there are"
    )))
}
