//! Uploads of a file are handed to the core.

use std::collections::VecDeque;
use std::sync::Arc;

use realm_ingest_protocol::DeviceReport;

use super::decode::{Decoder, End, Round, Upload, no_memory};
use super::failure::{Ending, internal, of_classes, of_ingest, paused};
use super::kept::Kept;
use super::{File, key, refused, resolve};
use crate::clock;
use crate::definition::Definition;
use crate::device_sync::client::Client;
use crate::device_sync::errors::SessionError;
use crate::device_sync::registry::Registry;
use crate::device_sync::session::Stored;
use crate::ingest::{Context, Door, IngestError, Source, Transaction};
use crate::memory::Budget;

/// How often a round is handed in: under another outbox once it turns out that the file was turned back, and with its schema once
/// that has made room for others.
const ATTEMPTS: usize = 4;

/// How often classes of one changeset are found out.
const MAX_UNKNOWN: u32 = 16;

/// What became of some uploads.
pub(in crate::device_sync) struct Done {
    pub file: Box<File>,
    /// Up to where everything is stored, if any upload is.
    pub stored: Option<Stored>,
    /// Why not all of them are.
    pub ending: Option<Ending>,
}

/// Stores the uploads one after the other, until one of them is not taken. `account` is of who sends.
pub(in crate::device_sync) async fn store(
    client: Arc<Client>,
    mut file: Box<File>,
    uploads: VecDeque<Upload>,
    account: Budget,
) -> Done {
    let mut stored = None;
    let ending = store_all(&client, &mut file, uploads, account, &mut stored).await;
    Done {
        file,
        stored,
        ending: ending.err(),
    }
}

async fn store_all(
    client: &Arc<Client>,
    file: &mut File,
    uploads: VecDeque<Upload>,
    account: Budget,
    stored: &mut Option<Stored>,
) -> Result<(), Ending> {
    if !client.may_stay().await? {
        return Err(Ending::Denied);
    }
    let shared = Arc::clone(&client.gateway.device_sync.classes);
    let shared = (shared, client.budget_of_classes());
    let mut decoder = Decoder::new(uploads, Arc::clone(&file.classes), shared, account);
    // Of an upload that is not settled; it comes again, and is refused again.
    let mut refused = Stored::default();
    let mut unknown = (0, 0);
    loop {
        let work = move || {
            let round = decoder.round();
            (decoder, round)
        };
        let (back, round) = client.gateway.work.run(client.from, work).await?;
        decoder = back;
        let definition = client.app.taking_documents().ok_or_else(paused)?;
        if let Some(version) = round.changed {
            file.classes = Arc::clone(&decoder.classes);
            keep(client, file, version).await?;
        }
        let told = stored.as_ref().map_or(0, |stored| stored.refused.len());
        let (settled, end) = (
            round.settled,
            hand_in(client, file, &definition, round, told, &mut refused).await?,
        );
        if let Some(progress) = settled {
            let stored = stored.get_or_insert_default();
            stored.progress_client = progress;
            stored.refused.append(&mut refused.refused);
            stored.unnamed += std::mem::take(&mut refused.unnamed);
        }
        match end {
            End::Done => return Ok(()),
            // What comes behind a round takes as long again, and a stop waits for it.
            End::More if client.gateway.is_stopping() => {
                return Err(SessionError::closed("the gateway stops").into());
            }
            End::More => {}
            End::Failed(ending) => return Err(ending),
            End::Unknown(question) => {
                let (version, times) = unknown;
                unknown = (question.version, 1);
                if version == question.version {
                    unknown.1 += times;
                }
                if unknown.1 > MAX_UNKNOWN {
                    return Err(internal("classes of a changeset cannot be found out"));
                }
                let found = resolve::define(client, &definition, file, &question).await?;
                decoder.define(found, question.lacking).map_err(of_classes)?;
                file.classes = Arc::clone(&decoder.classes);
            }
        }
    }
}

/// Keeps what the classes of a file are from this version on, before anything is stored under them.
async fn keep(client: &Client, file: &mut File, version: u64) -> Result<(), Ending> {
    let (now, acked) = (file.classes.registry.clone(), file.bound_at);
    let change = move |kept: &mut Kept| {
        kept.change(version, now, acked);
        Ok(())
    };
    keep_changed(client, file, change).await?;
    file.version = version;
    Ok(())
}

/// Keeps what becomes of a file's classes by such a change, unless somebody else has kept something since the file was bound. The
/// answer is what they are.
pub(super) async fn keep_changed(
    client: &Client,
    file: &mut File,
    change: impl FnOnce(&mut Kept) -> Result<(), Ending> + Send + 'static,
) -> Result<Registry, Ending> {
    let (ident, salt, version) = (file.name.ident, file.name.salt, file.version);
    let known = client.app.state.client_file(ident, salt).await?;
    let known = known
        .filter(|known| known.revision == file.revision)
        .ok_or_else(again)?;
    let changed = move || {
        let kept = known
            .registry
            .as_deref()
            .map_or_else(|| Ok(Kept::default()), Kept::parse);
        let mut kept = kept
            .map_err(|error| internal(&error.to_string()))?
            .back_at(version);
        change(&mut kept)?;
        let json = kept.to_json().map_err(of_classes)?;
        Ok::<_, Ending>((json, kept.into_classes()))
    };
    let (json, classes) = client.gateway.work.run(client.from, changed).await??;
    let set = client.app.state.set_registry(ident, salt, file.revision, &json);
    file.revision = set.await?.ok_or_else(again)?;
    Ok(classes)
}

fn again() -> Ending {
    SessionError::later("the file is bound elsewhere, or not known any more; bind it again").into()
}

/// Hands the transactions of a round to the core, and notes what it refuses, where the device is told of so many others.
async fn hand_in(
    client: &Client,
    file: &mut File,
    definition: &Arc<Definition>,
    round: Round,
    told: usize,
    refused: &mut Stored,
) -> Result<End, Ending> {
    let Round {
        transactions,
        mut memory,
        documents,
        bytes,
        skipped,
        made,
        end,
        ..
    } = round;
    if skipped > 0 && file.skipped == 0 {
        tracing::warn!(
            skipped,
            "changes of objects that are not new are skipped: only new objects are taken"
        );
    }
    file.skipped += skipped;
    let (Some(first), Some(last)) = (
        transactions.first().map(|one| one.seq),
        transactions.last().map(|one| one.seq),
    ) else {
        return Ok(end);
    };
    let now = clock::unix_millis();
    let (oldest, newest) = made.unwrap_or((now, now));
    let (version, platform) = client.report();
    let report = DeviceReport {
        clock: newest,
        transactions: transactions.len() as u64,
        objects: documents,
        bytes: bytes as u64,
        oldest_age: now.saturating_sub(oldest).max(0),
        version,
        platform,
    };
    let held = memory.held();
    for _ in 0..ATTEMPTS {
        // The core has had it, and keeps it as long as the store has the batch, whoever waits for that.
        let given = held.saturating_sub(memory.held());
        memory.try_grow(given).map_err(no_memory)?;
        tell_schema(client, file, definition, &memory).await?;
        let context = Context {
            door: Door::DeviceSync,
            app: client.app.domain().to_owned(),
            user: client.user().to_owned(),
            source: Source {
                outbox: file.outbox.clone(),
                lineage: file.outbox.clone(),
                acked: file.acked.min(first - 1),
                after: file.after.min(first - 1),
                device: Some(report.clone()),
            },
        };
        let batch: Vec<Transaction> = transactions.clone();
        let taken = client.app.ingest.ingest(
            Arc::clone(definition),
            context,
            client.from,
            batch,
            memory.split(),
        );
        match taken.await {
            Ok((ack, _memory)) => {
                file.after = last;
                file.acked = ack.position;
                file.version = u64::try_from(last).unwrap_or_default();
                file.documents += documents;
                refused::add(&ack, &file.classes.registry, told, refused);
                return Ok(end);
            }
            Err(IngestError::Copied) => turn_back(client, file).await?,
            // It has made room for others.
            Err(IngestError::SchemaRequired(_)) => file.told = None,
            Err(error) => return Err(of_ingest(error)),
        }
    }
    Err(SessionError::later("the file is used elsewhere; bind it again").into())
}

/// Tells the core the schema of a file's classes, if it was not told that before.
async fn tell_schema(
    client: &Client,
    file: &mut File,
    definition: &Arc<Definition>,
    memory: &Budget,
) -> Result<(), Ending> {
    let fingerprint = file.classes.fingerprint();
    if file.told.as_ref() == Some(&fingerprint) {
        return Ok(());
    }
    let schema = file.classes.registry.schema();
    let told = client
        .app
        .ingest
        .add_schema(definition, schema, client.user(), client.from, memory);
    for (class, reason) in told.await.map_err(of_ingest)? {
        tracing::warn!(
            %fingerprint,
            class,
            reason,
            "documents of this class become dead letters until a definition is accepted, see schemas, or the app's directory is changed"
        );
    }
    file.told = Some(fingerprint);
    Ok(())
}

/// The file has gone back: a device that was restored, or cloned. It goes on under another outbox.
async fn turn_back(client: &Client, file: &mut File) -> Result<(), Ending> {
    let (ident, salt) = (file.name.ident, file.name.salt);
    let renewed = client.app.state.renew_generation(ident, salt, file.generation);
    file.generation = renewed.await?.ok_or_else(again)?;
    let known = client
        .app
        .state
        .client_file(ident, salt)
        .await?
        .ok_or_else(again)?;
    file.outbox = known.outbox();
    tracing::warn!(
        ident,
        generation = file.generation,
        outbox = file.outbox,
        "a file has gone back or was copied, and goes on under another outbox"
    );
    let position = client.app.sink.position(&key(client, &file.outbox)).await?;
    file.acked = position;
    file.after = position;
    Ok(())
}
