//! A file that is bound: where its transactions go, and what its classes are.
//!
//! ```text
//! uploads -> decode (rounds of transactions) -> Ingest -> Stored
//!              |
//!              +-> classes (shared by files) -> state
//! ```
//!
//! What a file sends is its outbox, named by its ident and salt; the client's version of a changeset is the number of its transaction.
//! Nothing is left out because its number was seen before: a device that was restored from a backup uses its numbers once more. When
//! the core finds that out, the file gets another outbox, and the same is handed in again.

pub(super) mod classes;
pub(super) mod decode;
pub(super) mod failure;
mod kept;
mod refused;
mod resolve;
mod store;

use std::sync::Arc;

use classes::Classes;
use failure::{Ending, internal, of_classes};
use kept::Kept;
pub(super) use store::{Done, store};

use super::client::Client;
use super::frames::FileIdent;
use crate::sink::OutboxKey;
use crate::state::ClientFile;

/// Bytes of JSON above which what the classes are is read in a turn of its own.
const LONG: usize = 64 * 1024;

/// See the module.
pub(super) struct File {
    pub name: FileIdent,
    generation: u32,
    revision: u64,
    outbox: String,
    classes: Arc<Classes>,
    /// Fingerprint of the schema that the core was told last.
    told: Option<Arc<str>>,
    /// Everything of the outbox up to here was settled when it was asked last.
    acked: i64,
    /// Number of the last transaction that was handed in.
    after: i64,
    /// The client's version that it had been acknowledged when it was bound, and that it has reached since.
    bound_at: u64,
    version: u64,
    /// Documents that were handed in, and instructions that were skipped.
    pub documents: u64,
    pub skipped: u64,
}

/// Makes a name for a new file.
pub(super) async fn allocate(client: &Client) -> Result<FileIdent, Ending> {
    let agent = client.agent.to_string();
    let file = client.app.state.new_client_file(client.user(), &agent).await?;
    Ok(FileIdent {
        ident: file.ident,
        salt: file.salt,
    })
}

/// Finds what is known of a file, or takes it in. The client was acknowledged all up to `acked`.
pub(super) async fn identify(client: &Client, name: FileIdent, acked: u64) -> Result<Box<File>, Ending> {
    let FileIdent { ident, salt } = name;
    let (state, agent) = (&client.app.state, client.agent.to_string());
    let known = state.client_file(ident, salt).await?;
    let known = match known {
        Some(file) => {
            state.note_client_file(ident, salt, &agent).await?;
            if file.user != client.user() {
                tracing::warn!(
                    ident,
                    first = file.user,
                    "a file is bound by another user than its first"
                );
            }
            file
        }
        None => {
            tracing::info!(
                ident,
                "a file is taken in that another gateway has named, or an older state of this one"
            );
            state
                .adopt_client_file(ident, salt, client.user(), &agent)
                .await?
        }
    };
    let outbox = known.outbox();
    let position = client.app.sink.position(&key(client, &outbox)).await?;
    let settled = position.min(i64::try_from(acked).unwrap_or(i64::MAX));
    Ok(Box::new(File {
        name,
        generation: known.generation,
        revision: known.revision,
        outbox,
        classes: classes_at(client, known, acked).await?,
        told: None,
        acked: settled,
        after: settled,
        bound_at: acked,
        version: acked,
        documents: 0,
        skipped: 0,
    }))
}

/// What the classes of a file were when its client was at this version.
async fn classes_at(client: &Client, file: ClientFile, version: u64) -> Result<Arc<Classes>, Ending> {
    let shared = Arc::clone(&client.gateway.device_sync.classes);
    let account = client.budget_of_classes();
    let long = file.registry.as_ref().is_some_and(|json| json.len() > LONG);
    let read = move || {
        let kept = file
            .registry
            .as_deref()
            .map_or_else(|| Ok(Kept::default()), Kept::parse);
        let kept = kept.map_err(|error| internal(&error.to_string()))?;
        shared
            .of(kept.back_at(version).into_classes(), &account)
            .map_err(of_classes)
    };
    if long {
        client.gateway.work.run(client.from, read).await?
    } else {
        read()
    }
}

fn key(client: &Client, outbox: &str) -> OutboxKey {
    OutboxKey {
        app: client.app.domain().to_owned(),
        user: client.user().to_owned(),
        outbox: outbox.to_owned(),
    }
}
