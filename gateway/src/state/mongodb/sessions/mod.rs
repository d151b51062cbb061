//! Sessions, which end without being touched: each names what it was opened under, and is good while all of that is as it was. So
//! whatever ends sessions is one change of one record.

mod standing;

pub(super) use standing::{HELD_KEY, HELD_REGISTRATION, HOLDER, HeldKey, HeldRegistration, Holder, Under};

use bson::{Bson, Document, doc, serialize_to_document};
use serde::{Deserialize, Serialize};
use tracing::warn;

use self::standing::Standing;
use super::copying::CopiedSession;
use super::store::{Name, Store, date};
use super::users::identity_key;
use super::{SESSIONS, USERS};
use crate::auth::Lifetimes;
use crate::backend::BackendError;
use crate::clock;
use crate::state::{Provider, Session};

/// How exactly it is known when a session was used: each note of it is a write, and there is one session a device.
pub(super) const NOTED_EVERY: i64 = 60 * 60 * 1000;

/// Milliseconds that the record of what has ended stays, as access tokens of it may have to be refused: four times their life.
pub(super) const REMEMBERED: i64 = 4 * *Lifetimes::ACCESS.end() * 1000;

/// One log-in.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(rename = "_id")]
    name: Name,
    app: String,
    pub(super) user: String,
    device: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) api_key: Option<String>,
    #[serde(flatten)]
    pub(super) under: Under,
    created: i64,
    /// When it was used last, to the hour.
    used: i64,
    expires: i64,
    remove_at: bson::DateTime,
}

impl Record {
    /// Of a session that began and was used last then.
    fn new(store: &Store, session: Session, under: Under, created: i64, used: i64) -> Self {
        Self {
            name: store.name(&session.id),
            app: store.domain.clone(),
            user: session.user,
            device: session.device,
            api_key: session.api_key,
            under,
            created,
            used,
            expires: session.expires,
            remove_at: removal(session.expires),
        }
    }

    fn session(self) -> Session {
        Session {
            id: self.name.id,
            user: self.user,
            device: self.device,
            api_key: self.api_key,
            expires: self.expires,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.name.id
    }
}

/// Adds a session, if what lets the user in still does. The answer is the key that signs its refresh token.
///
/// It is looked at once more when the session is there: what has ended sessions before that is seen then, and what does so later
/// ends this one.
pub(super) async fn open(
    store: &Store,
    session: Session,
    password_hash: Option<String>,
) -> Result<Option<i64>, BackendError> {
    let api_key = session.api_key.clone();
    let standing = Standing::read(store, &session.user, api_key.as_deref()).await?;
    let Some(standing) = standing else {
        return Ok(None);
    };
    if password_hash.is_some() && password_hash != standing.password_hash {
        return Ok(None);
    }
    let under = standing
        .under()
        .ok_or_else(|| BackendError::Damaged("there is no key to sign with".to_owned()))?;
    let now = clock::unix_millis();
    let record = Record::new(store, session, under.clone(), now, now);
    // What has ended is kept for a while, so it does not begin again.
    if !store.insert(SESSIONS, &record).await? {
        return Ok(None);
    }
    let standing = Standing::read(store, &record.user, api_key.as_deref()).await?;
    if standing.is_some_and(|standing| standing.keeps(&under)) {
        return Ok(Some(under.key));
    }
    store.delete(SESSIONS, store.named(record.id())).await?;
    Ok(None)
}

/// The record of a session that comes from another state, where it lasted.
pub(super) fn copied(store: &Store, session: CopiedSession) -> Result<Document, BackendError> {
    let CopiedSession {
        session,
        key,
        has_password,
        created,
        used,
    } = session;
    let under = Under {
        epoch: 0,
        generation: has_password.then_some(0),
        key_epoch: session.api_key.as_ref().map(|_| 0),
        key,
    };
    let record = Record::new(store, session, under, created, used);
    Ok(serialize_to_document(&record).map_err(mongodb::error::Error::from)?)
}

/// When the record of a session that ends then may go.
fn removal(expires: i64) -> bson::DateTime {
    bson::DateTime::from_millis(expires.saturating_add(REMEMBERED))
}

/// The session of this id while it lasts. That it is used is noted before it is looked whether it has ended: who tells of ended
/// sessions tells of those that were used lately.
pub(super) async fn find(store: &Store, id: &str) -> Result<Option<Session>, BackendError> {
    let now = clock::unix_millis();
    let Some(record) = store.find::<Record>(SESSIONS, store.named(id)).await? else {
        return Ok(None);
    };
    if record.expires <= now {
        return Ok(None);
    }
    if record.used <= now - NOTED_EVERY {
        let mut unnoted = store.named(id);
        unnoted.insert("used", doc! {"$lte": now - NOTED_EVERY});
        store
            .update(SESSIONS, unnoted, doc! {"$max": {"used": now}})
            .await?;
    }
    let standing = Standing::read(store, &record.user, record.api_key.as_deref()).await?;
    if standing.is_some_and(|standing| standing.keeps(&record.under)) {
        return Ok(Some(record.session()));
    }
    // What ended it may have been cut off before it came to the records.
    tidy(store, doc! {"_id": {"app": &store.domain, "id": id}}).await;
    Ok(None)
}

/// Ends a session. False when there was none.
pub(super) async fn close(store: &Store, id: &str) -> Result<bool, BackendError> {
    Ok(store.delete(SESSIONS, store.named(id)).await? == 1)
}

/// Lets the records of sessions go that have ended already, so that they are not counted and take no place. Nothing depends on it.
/// The answer is how many there were, as far as it is known.
pub(super) async fn tidy(store: &Store, ended: Document) -> u64 {
    let now = clock::unix_millis();
    let mut filter = store.of_app(ended);
    filter.insert("expires", doc! {"$gt": now});
    let change = doc! {"$set": {"expires": now, "remove_at": date(now + REMEMBERED)}};
    let sessions = store.records::<Document>(SESSIONS);
    match super::store::within(sessions.update_many(filter, change)).await {
        Ok(marked) => marked.matched_count,
        Err(error) => {
            untidied(&error);
            0
        }
    }
}

fn untidied(error: &BackendError) {
    warn!(%error, "sessions have ended, but their records could not be marked as such");
}

/// The same for those that ended when the password of the registration of this identity was replaced for the `now`th time.
pub(super) async fn tidy_of_password(store: &Store, identity: &str, now: i64) {
    let key = identity_key(Provider::Password, identity);
    let filter = store.of_app(doc! {"identities.key": &key});
    let holder = match store.find::<Holder>(USERS, filter).await {
        Ok(Some(holder)) if holder.holds(&key) => holder,
        Ok(_) => return,
        Err(error) => return untidied(&error),
    };
    let mut former = vec![doc! {"generation": {"$lt": now}}];
    if holder.linked() < Some(now) {
        former.push(doc! {"generation": {"$exists": false}});
    }
    tidy(store, doc! {"user": &holder.id, "$or": former}).await;
}

/// How many names one request asks for: what a request may hold is bounded.
pub(super) const AT_ONCE: usize = 1000;

/// Which sessions there are where `field` is any of these, of those that were used since a moment.
pub(super) async fn used_since(
    store: &Store,
    since: i64,
    field: &str,
    any: &[Bson],
) -> Result<Vec<Record>, BackendError> {
    let mut found = Vec::new();
    for some in any.chunks(AT_ONCE) {
        let filter = doc! {"used": {"$gte": since - NOTED_EVERY}, field: {"$in": some}};
        found.extend(store.all(SESSIONS, store.of_app(filter), doc! {}, None).await?);
    }
    Ok(found)
}

/// Whether an API key has opened a session of which there is a record.
pub(super) async fn has_opened(store: &Store, api_key: &str) -> Result<bool, BackendError> {
    let by_key = store.of_app(doc! {"api_key": api_key});
    Ok(store.find::<Document>(SESSIONS, by_key).await?.is_some())
}
