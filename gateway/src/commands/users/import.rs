//! `users import`: users of the closed service come with their ids and identities.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Deserializer, Value};

use super::super::CommandError;
use super::super::accounts::Accounts;
use super::super::output::{Output, Progress};
use super::exported::Exported;
use crate::auth::Hasher;
use crate::clock;
use crate::state::{Imported, ImportedUser};
use crate::terminal::escaped;

/// Users that are taken in together.
const TOGETHER: usize = 100;

/// What became of users.
struct Tally<'a> {
    accounts: &'a Accounts,
    progress: Progress,
    waiting: Vec<ImportedUser>,
    added: u64,
    there: u64,
    refused: u64,
    /// Of those who were added, who log in by e-mail and have no password.
    without_password: u64,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read or the state not be written, and when users are not taken in.
pub(super) fn run(accounts: &Accounts, file: &Path, output: &mut Output) -> Result<(), CommandError> {
    let cannot =
        |error: std::io::Error| CommandError::Refused(format!("cannot read {}: {error}", file.display()));
    let read: Box<dyn Read> = match file.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(File::open(file).map_err(cannot)?),
    };
    let mut tally = Tally {
        accounts,
        progress: Progress::new("read", "users", 0),
        waiting: Vec::with_capacity(TOGETHER),
        added: 0,
        there: 0,
        refused: 0,
        without_password: 0,
    };
    // Of a password that nobody knows.
    let secret = crate::ids::signing_key()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let hash = Hasher::default().hash(&secret);
    let hash = hash.map_err(|error| CommandError::Refused(error.to_string()))?;
    let now = clock::unix_millis();
    let mut read = BufReader::new(read);
    let read_all = each(&mut read, &mut |number, user| {
        let exported = serde_json::from_value::<Exported>(user).map_err(|error| error.to_string());
        tally.take(number, exported.and_then(|exported| exported.user(&hash, now)))
    });
    let settled = tally.settle();
    tally.progress.finish();
    settled?;
    let Tally {
        added,
        there,
        refused,
        without_password,
        ..
    } = tally;
    output.line(&format!(
        "{added} users were taken in, {there} were there already, {refused} were not taken in"
    ))?;
    if without_password > 0 {
        output.line(&format!(
            "{without_password} of them log in by e-mail and have no password here: they reset it"
        ))?;
    }
    read_all?;
    match refused {
        0 => Ok(()),
        refused => {
            output.flush()?;
            Err(CommandError::Refused(format!(
                "{refused} users were not taken in; see above"
            )))
        }
    }
}

/// Each user of a file: of an array, or of what comes one behind the other.
fn each(
    read: &mut impl BufRead,
    user: &mut dyn FnMut(u64, Value) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut number = 0;
    for value in Deserializer::from_reader(read).into_iter::<Value>() {
        let value = value.map_err(|error| {
            CommandError::Refused(format!(
                "behind user {number} the file is no JSON: {error}; the users before it were taken in"
            ))
        })?;
        let several = match value {
            Value::Array(several) => several,
            one => vec![one],
        };
        for one in several {
            number += 1;
            user(number, one)?;
        }
    }
    Ok(())
}

impl Tally<'_> {
    fn take(&mut self, number: u64, user: Result<ImportedUser, String>) -> Result<(), CommandError> {
        match user {
            Ok(user) => self.waiting.push(user),
            Err(wrong) => self.refuse(&format!("entry {number}: {wrong}")),
        }
        self.progress.is_at(number, 0);
        if self.waiting.len() >= TOGETHER {
            self.settle()?;
        }
        Ok(())
    }

    /// Takes in those who wait.
    fn settle(&mut self) -> Result<(), CommandError> {
        let waiting = std::mem::take(&mut self.waiting);
        let users: Vec<_> = waiting
            .iter()
            .map(|one| (one.user.id.clone(), one.registrations.len() as u64))
            .collect();
        let imported = self.accounts.ask(|state| state.import_users(waiting))?;
        for ((id, registrations), imported) in users.into_iter().zip(imported) {
            match imported {
                Imported::Added => {
                    self.added += 1;
                    self.without_password += registrations;
                }
                Imported::There => self.there += 1,
                Imported::Conflict(why) => self.refuse(&format!("user {id}: {why}")),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, why: &str) {
        self.refused += 1;
        eprintln!("{}", escaped(why));
    }
}
