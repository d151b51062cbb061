//! The format of the database: what leads to it from each that there was. Each step can be done again, and by several at once, as
//! several gateways may start at the same moment, and any be cut off.

use bson::doc;
use mongodb::{Database, IndexModel};
use serde::{Deserialize, Serialize};

use super::store::{expiry, index, unless_overtaken, within};
use super::{API_KEYS, CLIENT_FILES, FORMATS, LOGIN_FAILURES, REGISTRATIONS, SCHEMAS, SESSIONS, USERS};
use crate::backend::{Answer, BackendError};

/// What leads from each format to the next, from an empty database on. The number of steps is the format of this version.
const STEPS: &[fn(&Database) -> Answer<'_, ()>] = &[format_1];

/// The name of the one record of the format.
const RECORD: &str = "format";

#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(rename = "_id")]
    name: String,
    version: i64,
}

/// Brings the database to the format of this version.
pub(super) async fn prepare(database: &Database) -> Result<(), BackendError> {
    let found = found(database).await?;
    refuse_newer(database, found)?;
    if found == 0 {
        let record = Record {
            name: RECORD.to_owned(),
            version: 0,
        };
        unless_overtaken(formats(database).insert_one(record)).await?;
    }
    for (version, step) in (1_i64..).zip(STEPS) {
        if version > found {
            step(database).await?;
            let noted = doc! {"$max": {"version": version}};
            within(formats(database).update_one(doc! {"_id": RECORD}, noted)).await?;
        }
    }
    // Another may have come from a later release meanwhile.
    refuse_newer(database, self::found(database).await?)
}

/// Refuses a database that is not of this format: who does not serve it leaves it as it is.
pub(super) async fn expect(database: &Database) -> Result<(), BackendError> {
    let (found, name) = (found(database).await?, database.name());
    if found == 0 {
        return Err(BackendError::Missing(format!(
            "there is no gateway data in database '{name}'; start the server on it once"
        )));
    }
    if found < latest() {
        return Err(BackendError::Damaged(format!(
            "database '{name}' has format {found}, not {}; start the server of this version on it once",
            latest()
        )));
    }
    refuse_newer(database, found)
}

fn refuse_newer(database: &Database, found: i64) -> Result<(), BackendError> {
    if found <= latest() {
        return Ok(());
    }
    Err(BackendError::Damaged(format!(
        "database '{}' has format {found}, this version reads up to {}; use the gateway that wrote it",
        database.name(),
        latest()
    )))
}

fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The format of the database, 0 of an empty one.
async fn found(database: &Database) -> Result<i64, BackendError> {
    let record = within(formats(database).find_one(doc! {"_id": RECORD})).await?;
    Ok(record.map_or(0, |record| record.version))
}

fn formats(database: &Database) -> mongodb::Collection<Record> {
    database.collection(FORMATS)
}

/// The indexes. What must be there once is a unique one: the identity of a user, that of a registration, the hash of an API key and
/// its name with its owner. So is the number of a key and of a schema, so that who counts them and then adds one was not overtaken.
fn format_1(database: &Database) -> Answer<'_, ()> {
    let unique = |keys| index(keys, true);
    let usual = |keys| index(keys, false);
    let wanted: [(&str, Vec<IndexModel>); 7] = [
        (
            USERS,
            vec![
                unique(doc! {"app": 1, "identities.key": 1}),
                usual(doc! {"app": 1, "created": 1, "id": 1}),
                usual(doc! {"app": 1, "revoked": 1}),
            ],
        ),
        (
            REGISTRATIONS,
            vec![
                unique(doc! {"app": 1, "identity": 1}),
                usual(doc! {"app": 1, "email": 1}),
                usual(doc! {"app": 1, "tokens.id": 1}),
                usual(doc! {"app": 1, "revoked": 1}),
            ],
        ),
        (
            API_KEYS,
            vec![
                unique(doc! {"app": 1, "hash": 1}),
                unique(doc! {"app": 1, "owner": 1, "name": 1}),
                unique(doc! {"app": 1, "owner": 1, "number": 1}),
                usual(doc! {"app": 1, "revoked": 1}),
                expiry(),
            ],
        ),
        (
            SESSIONS,
            vec![
                usual(doc! {"app": 1, "user": 1}),
                usual(doc! {"app": 1, "api_key": 1}),
                usual(doc! {"app": 1, "key": 1}),
                expiry(),
            ],
        ),
        (
            SCHEMAS,
            vec![
                unique(doc! {"app": 1, "number": 1}),
                usual(doc! {"app": 1, "user": 1}),
                usual(doc! {"app": 1, "version": 1, "number": 1}),
                usual(doc! {"app": 1, "extends": 1, "number": 1}),
            ],
        ),
        (
            CLIENT_FILES,
            vec![
                usual(doc! {"app": 1, "ident": 1, "salt": 1}),
                usual(doc! {"app": 1, "user": 1, "seen": 1}),
            ],
        ),
        (LOGIN_FAILURES, vec![expiry()]),
    ];
    Box::pin(async move {
        for (collection, indexes) in wanted {
            let collection = database.collection::<bson::Document>(collection);
            within(collection.create_indexes(indexes)).await?;
        }
        Ok(())
    })
}
