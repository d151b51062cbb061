//! `dead-letters replay`: whether dead letters may be stored by now.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::Value;

use super::accounts::Accounts;
use super::opened::Data;
use super::output::{Output, Progress};
use super::{CommandError, DataArgs};
use crate::app_directory::{Secrets, Store, load_for};
use crate::backend::BackendError;
use crate::cluster::NamedUri;
use crate::custom_user_data::CustomUserData;
use crate::definition::Definition;
use crate::ingest::checks::Judge;
use crate::ingest::permits::{Permits, user_facts};
use crate::sink::{DeadLetter, Replayed, Verdict, Which};
use crate::state::KnownSchema;

/// What an app's directory says, for apps that have one.
#[derive(clap::Args)]
pub struct DirectoryArgs {
    /// Directory of the app, whose schemas and rules hold; not for development mode
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
    /// File with the secrets of the directory, as for `check`
    #[arg(long, env = "REALM_INGEST_GATEWAY_SECRETS", value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// With --mongodb: the app is served in development mode, so it has no directory
    #[arg(long, conflicts_with = "directory", requires = "mongodb")]
    dev: bool,
    /// With --mongodb: where a data source of the app's directory is, if not there: NAME=URI; may be given more than once
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_DATA_SOURCE",
        value_name = "NAME=URI",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    data_source: Vec<NamedUri>,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or written, or the directory is missing or not good.
pub fn run(args: &DirectoryArgs, data: &DataArgs, which: &Which) -> Result<(), CommandError> {
    let data = data.open()?;
    let definition = definition(args, &data)?;
    let accounts = data.accounts()?;
    // What was refused before its schema was kept with it is tried under what is accepted.
    let accepted = KnownSchema {
        schema: accounts.ask(|state| state.accepted_schema())?,
        ..KnownSchema::default()
    };
    let schemas = accounts.ask(|state| state.known_schemas())?.into_iter();
    let sink = data.sink_with(&args.data_source)?;
    let check = Check {
        judges: schemas
            .map(|(name, known)| (name, Judge::under(known, &definition)))
            .collect(),
        accepted: Judge::under(accepted, &definition),
        accounts,
        custom_data: sink.custom_data,
        users: RefCell::default(),
        definition,
    };
    let mut progress = Progress::new("tried", "letters", 0);
    let mut tell = |done: &Replayed| progress.is_at(done.stored + done.already + done.left, 0);
    let replayed = sink
        .letters
        .replay(which, &check.definition, &|letter| check.one(letter), &mut tell)?;
    progress.finish();
    let mut output = Output::new(false);
    output.line(&format!("stored         {:>12}", replayed.stored))?;
    output.line(&format!("already stored {:>12}", replayed.already))?;
    output.line(&format!("left           {:>12}", replayed.left))?;
    output.finish()
}

fn definition(args: &DirectoryArgs, data: &Data) -> Result<Definition, CommandError> {
    let (id, of_app) = match (data.app(), &args.directory) {
        (None, None) => return Ok(Definition::development(None)),
        // In a directory of ours the app of development mode has no id, whatever it is called.
        (Some(id), None) if args.dev && data.is_shared() => {
            return Ok(Definition::development(Some(id.to_owned())));
        }
        (Some(id), Some(of_app)) => (id, of_app),
        (Some(id), None) => {
            let or = if data.is_shared() {
                ", or say --dev if it has none"
            } else {
                ""
            };
            let text = format!(
                "app '{id}' has a directory, which says what may be stored; name it with --directory{or}"
            );
            return Err(CommandError::Usage(text));
        }
        (None, Some(_)) => {
            let text = "the app of development mode has no directory; leave --directory out";
            return Err(CommandError::Usage(text.to_owned()));
        }
    };
    let secrets = Secrets::read(args.secrets.as_deref());
    let secrets = secrets.map_err(|error| CommandError::Usage(error.to_string()))?;
    let there = of_app.display();
    let store = if data.is_shared() {
        Store::MongoDb
    } else {
        Store::Embedded
    };
    match load_for(store, of_app, &secrets, Some(id)).definition {
        None => Err(CommandError::Refused(format!(
            "{there} cannot be served; 'check' says why"
        ))),
        Some(definition) if definition.client_app_id.as_deref() != Some(id) => Err(CommandError::Usage(
            format!("{there} is the directory of another app than '{id}'"),
        )),
        Some(definition) => Ok(definition),
    }
}

/// All that letters are checked by.
struct Check {
    judges: HashMap<String, Judge>,
    accepted: Judge,
    definition: Definition,
    accounts: Accounts,
    custom_data: Box<dyn CustomUserData>,
    /// What rules may ask, of those who were looked up: with their custom data, and without.
    users: RefCell<HashMap<(String, bool), Value>>,
}

impl Check {
    fn one(&self, letter: &DeadLetter) -> Verdict {
        let judge = match &letter.schema {
            None => &self.accepted,
            // Without its schema nothing can be said; a device that still has it sends it again.
            Some(fingerprint) => self.judges.get(fingerprint).ok_or(None)?,
        };
        let document = judge
            .of(&letter.collection)
            .check(&letter.document)
            .map_err(Some)?;
        let needs = judge.needs();
        let user = if needs.user {
            // Who cannot be read may be there the next time.
            self.facts(&letter.user, needs.custom_data).map_err(|_| None)?
        } else {
            user_facts(&letter.user, None, None)
        };
        let mut permits = Permits::new(&self.definition, &user);
        permits
            .of(&letter.collection.as_str().into())
            .check(&document)
            .map_err(Some)
    }

    /// What rules may ask of a user, as the server has it.
    fn facts(&self, id: &str, with_custom_data: bool) -> Result<Value, BackendError> {
        let mut users = self.users.borrow_mut();
        let name = (id.to_owned(), with_custom_data);
        if let Some(facts) = users.get(&name) {
            return Ok(facts.clone());
        }
        let user = self.accounts.ask(|state| state.user(id))?;
        let custom_data = match &user {
            Some(user) if with_custom_data => self
                .accounts
                .ask(|_| self.custom_data.of(&self.definition, user))?,
            _ => None,
        };
        let facts = user_facts(id, user.as_ref(), custom_data.as_deref());
        users.insert(name, facts.clone());
        Ok(facts)
    }
}
