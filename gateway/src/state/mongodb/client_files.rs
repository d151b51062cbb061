//! Client files, each one record. Their numbers are counted in the record of the app.

use bson::{Binary, Document, doc};
use serde::{Deserialize, Serialize};

use super::copying::CopiedClientFile;
use super::store::{Name, Store, TRIES, contended, pause, within};
use super::{APPS, CLIENT_FILES, registrations};
use crate::backend::BackendError;
use crate::state::ClientFile;
use crate::state::client_files::{NOTED_EVERY, New, SERVER, new_salt, packed, stored, unpacked};

#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(rename = "_id")]
    name: Name,
    app: String,
    ident: i64,
    salt: i64,
    user: String,
    generation: i64,
    revision: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registry: Option<Binary>,
    client: String,
    created: i64,
    seen: i64,
}

impl Record {
    fn file(self) -> Result<ClientFile, BackendError> {
        let registry = self.registry.as_ref();
        Ok(ClientFile {
            ident: self.ident.unsigned_abs(),
            salt: self.salt,
            user: self.user,
            generation: generation(self.generation),
            revision: self.revision.unsigned_abs(),
            registry: registry.map(|packed| unpacked(&packed.bytes)).transpose()?,
            client: self.client,
            created: self.created,
            seen: self.seen,
        })
    }
}

fn generation(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

/// The record of a file that comes from another state.
pub(super) fn copied(store: &Store, file: CopiedClientFile) -> Result<Document, BackendError> {
    let record = Record {
        name: store.name(&id(file.ident, file.salt)),
        app: store.domain.clone(),
        ident: file.ident,
        salt: file.salt,
        user: file.user,
        generation: file.generation,
        revision: file.revision,
        registry: file.registry.as_deref().map(registrations::binary),
        client: file.client,
        created: file.created,
        seen: file.seen,
    };
    Ok(bson::serialize_to_document(&record).map_err(mongodb::error::Error::from)?)
}

/// The name of a file's record.
fn id(ident: i64, salt: i64) -> String {
    format!("{ident:016x}{salt:016x}")
}

/// What finds it.
fn named(store: &Store, ident: u64, salt: i64) -> Document {
    store.named(&id(stored(ident), salt))
}

pub(super) async fn create(store: &Store, new: New) -> Result<ClientFile, BackendError> {
    #[derive(Deserialize)]
    struct Counted {
        client_files: i64,
    }
    let counted = store.updated::<Counted>(APPS, store.own(), doc! {"$inc": {"client_files": 1_i64}});
    let Some(Counted { client_files }) = counted.await? else {
        // Says what is wrong.
        store.app().await?;
        return Err(contended("the record of the app"));
    };
    add(store, SERVER + client_files, new_salt(), new).await
}

pub(super) async fn adopt(
    store: &Store,
    ident: u64,
    salt: i64,
    new: New,
) -> Result<ClientFile, BackendError> {
    match find(store, ident, salt).await? {
        Some(known) => Ok(known),
        None => add(store, stored(ident), salt, new).await,
    }
}

async fn add(store: &Store, ident: i64, salt: i64, new: New) -> Result<ClientFile, BackendError> {
    make_room(store, &new).await?;
    let record = Record {
        name: store.name(&id(ident, salt)),
        app: store.domain.clone(),
        ident,
        salt,
        user: new.user,
        generation: 0,
        revision: 0,
        registry: None,
        client: new.client,
        created: new.now,
        seen: new.now,
    };
    for _ in 0..TRIES {
        if store.insert(CLIENT_FILES, &record).await? {
            return record.file();
        }
        if let Some(known) = find(store, ident.unsigned_abs(), salt).await? {
            return Ok(known);
        }
        pause().await;
    }
    Err(contended("a client file"))
}

/// Forgets those of the user that were not seen for longest, where there are as many as may be: first of those that have sent nothing.
async fn make_room(store: &Store, new: &New) -> Result<(), BackendError> {
    #[derive(Deserialize)]
    struct Found {
        #[serde(rename = "_id")]
        name: Name,
    }
    let files = store.records::<Document>(CLIENT_FILES);
    let his = || store.of_app(doc! {"user": &new.user});
    let there = within(files.count_documents(his())).await?;
    let mut more = (stored(there) - new.of_user + 1).max(0);
    for revision in [doc! {"$lte": 0_i64}, doc! {"$gt": 0_i64}] {
        let Some(limit) = usize::try_from(more).ok().filter(|more| *more > 0) else {
            return Ok(());
        };
        let mut filter = his();
        filter.insert("revision", revision);
        let oldest = store.all::<Found>(CLIENT_FILES, filter, doc! {"seen": 1}, Some(limit));
        let names: Vec<_> = oldest.await?.into_iter().map(|found| found.name.id).collect();
        more -= i64::try_from(names.len()).unwrap_or(i64::MAX);
        for name in names {
            store.delete(CLIENT_FILES, store.named(&name)).await?;
        }
    }
    Ok(())
}

pub(super) async fn find(store: &Store, ident: u64, salt: i64) -> Result<Option<ClientFile>, BackendError> {
    let found = store.find::<Record>(CLIENT_FILES, named(store, ident, salt));
    found.await?.map(Record::file).transpose()
}

pub(super) async fn note(
    store: &Store,
    ident: u64,
    salt: i64,
    client: &str,
    now: i64,
) -> Result<(), BackendError> {
    let mut filter = named(store, ident, salt);
    let worth = [
        doc! {"seen": {"$lte": now - NOTED_EVERY}},
        doc! {"client": {"$ne": client}},
    ];
    filter.insert("$or", worth.to_vec());
    let change = doc! {"$set": {"client": client}, "$max": {"seen": now}};
    store.update(CLIENT_FILES, filter, change).await?;
    Ok(())
}

pub(super) async fn set_registry(
    store: &Store,
    ident: u64,
    salt: i64,
    revision: u64,
    registry: &str,
) -> Result<Option<u64>, BackendError> {
    let mut as_read = named(store, ident, salt);
    as_read.insert("revision", stored(revision));
    let packed = registrations::binary(&packed(registry)?);
    let change = doc! {"$set": {"registry": packed}, "$inc": {"revision": 1_i64}};
    let set = store.update(CLIENT_FILES, as_read, change).await?;
    Ok(set.then_some(revision.saturating_add(1)))
}

pub(super) async fn renew_generation(
    store: &Store,
    ident: u64,
    salt: i64,
    from: u32,
) -> Result<Option<u32>, BackendError> {
    let mut as_read = named(store, ident, salt);
    as_read.insert("generation", i64::from(from));
    let change = doc! {"$inc": {"generation": 1_i64}};
    if store.update(CLIENT_FILES, as_read, change).await? {
        return Ok(Some(from.saturating_add(1)));
    }
    let found = store.find::<Record>(CLIENT_FILES, named(store, ident, salt));
    Ok(found.await?.map(|record| generation(record.generation)))
}

/// Forgets those of a user.
pub(super) async fn forget(store: &Store, user: &str) -> Result<(), BackendError> {
    let his = store.of_app(doc! {"user": user});
    store.delete(CLIENT_FILES, his).await?;
    Ok(())
}

pub(super) async fn list(
    store: &Store,
    after: Option<(u64, i64)>,
    limit: usize,
) -> Result<Vec<ClientFile>, BackendError> {
    let mut filter = store.of_app(doc! {});
    if let Some((ident, salt)) = after {
        let ident = stored(ident);
        let behind = [
            doc! {"ident": {"$gt": ident}},
            doc! {"ident": ident, "salt": {"$gt": salt}},
        ];
        filter.insert("$or", behind.to_vec());
    }
    let order = doc! {"ident": 1, "salt": 1};
    let files = store.all::<Record>(CLIENT_FILES, filter, order, Some(limit));
    files.await?.into_iter().map(Record::file).collect()
}
