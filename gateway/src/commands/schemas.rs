//! `schemas`: what devices write under, and which definition of a class is the accepted one.

use clap::Subcommand;
use serde_json::{Value, json};

use super::accounts::Accounts;
use super::output::{Output, time};
use super::{CommandError, DataArgs};

/// Show the schemas that devices sent, and decide between those that contradict each other
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway schemas list | jq 'select(.conflicts != [])'\n  \
                  realm-ingest-gateway schemas accept 4089b2ff14b1a9a6f6e9bd5ad6cbfb23 --class Reading\n  \
                  realm-ingest-gateway dead-letters replay --class Reading"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show every schema, one a line, with its classes in conflict: their documents are dead letters
    ///
    /// 'user' sent it first, 'outboxes' is how many last wrote under it, and 'heard' when one of them last sent.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Show one schema as JSON, as it was sent
    Show {
        /// The schema, as `schemas list` names it
        fingerprint: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Forget a schema, and what was accepted by it alone
    ///
    /// For one that came by mistake and contradicts all others. Who still writes under it sends it again; it then comes last.
    Forget {
        /// The schema, as `schemas list` names it
        #[arg(required_unless_present = "unused")]
        fingerprint: Option<String>,
        /// Every schema under which nobody has written and of which nothing was accepted by hand
        #[arg(long, conflicts_with = "fingerprint")]
        unused: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make a schema's definition of its classes in conflict the accepted one
    ///
    /// Documents written under the former definition become dead letters from now on. Those that are stored stay. Dead
    /// letters of the accepted definition are stored by `dead-letters replay`.
    Accept {
        /// The schema, as `schemas list` names it
        fingerprint: String,
        /// Only this class, with the embedded classes in it
        #[arg(long, value_name = "NAME")]
        class: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or written, or there is no such schema or class.
pub fn run(args: &Args) -> Result<(), CommandError> {
    match &args.action {
        Action::List { data } => list(data),
        Action::Show { fingerprint, data } => show(data, fingerprint),
        Action::Forget {
            fingerprint, data, ..
        } => forget(data, fingerprint.as_deref()),
        Action::Accept {
            fingerprint,
            class,
            data,
        } => accept(data, fingerprint, class.as_deref()),
    }
}

fn list(data: &DataArgs) -> Result<(), CommandError> {
    let data = data.open()?;
    let uses = data.sink()?.schema_uses()?;
    let mut output = Output::new(false);
    for listed in data.list_schemas()? {
        let used = uses.get(&listed.fingerprint).copied().unwrap_or_default();
        let conflicts: Vec<Value> = listed
            .conflicts
            .iter()
            .map(|one| json!({"class": one.class, "since": time(one.since), "reason": one.reason}))
            .collect();
        let line = json!({
            "fingerprint": listed.fingerprint,
            "time": time(listed.created),
            "user": listed.user,
            "outboxes": used.outboxes,
            "heard": used.heard.map(time),
            "classes": listed.classes,
            "chosen": listed.chosen,
            "conflicts": conflicts,
        });
        output.line(&line.to_string())?;
    }
    output.finish()
}

fn show(data: &DataArgs, fingerprint: &str) -> Result<(), CommandError> {
    let Some(schema) = data.open()?.find_schema(fingerprint)? else {
        return Err(unknown(fingerprint));
    };
    let mut output = Output::new(false);
    output.line(&schema.to_json())?;
    output.finish()
}

/// Forgets this one, or all that are not used.
fn forget(data: &DataArgs, fingerprint: Option<&str>) -> Result<(), CommandError> {
    let accounts = Accounts::open(data)?;
    let forgotten = match fingerprint {
        None => accounts.ask(|state| state.forget_unused_schemas())?,
        Some(fingerprint) if accounts.ask(|state| state.forget_schema(fingerprint))? => {
            vec![fingerprint.to_owned()]
        }
        Some(fingerprint) => return Err(unknown(fingerprint)),
    };
    let mut output = Output::new(false);
    for fingerprint in forgotten {
        output.line(&format!("forgotten {fingerprint}"))?;
    }
    output.finish()
}

fn unknown(fingerprint: &str) -> CommandError {
    CommandError::Refused(format!(
        "there is no schema {fingerprint}; 'schemas list' shows those there are"
    ))
}

fn accept(data: &DataArgs, fingerprint: &str, class: Option<&str>) -> Result<(), CommandError> {
    let accounts = Accounts::open(data)?;
    let chosen = accounts.ask(|state| state.choose_schema(fingerprint, class))?;
    let chosen = chosen.map_err(CommandError::Refused)?;
    let mut output = Output::new(false);
    if chosen.is_empty() {
        output.line("no class of this schema is in conflict")?;
    }
    for class in chosen {
        output.line(&format!("accepted {class} of {fingerprint}"))?;
    }
    for listed in accounts.ask(|state| state.list_schemas())? {
        for one in listed.conflicts {
            output.line(&format!(
                "in conflict {} of {}: {}",
                one.class, listed.fingerprint, one.reason
            ))?;
        }
    }
    output.finish()
}
