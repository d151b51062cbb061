//! What the operator sees of schemas and decides about them.

use bson::{doc, serialize_to_bson};

use super::{in_order, record};
use crate::backend::BackendError;
use crate::clock;
use crate::state::mongodb::APPS;
use crate::state::mongodb::app::Choice;
use crate::state::mongodb::standing::{accepted_of_classes, renew};
use crate::state::mongodb::store::{Store, TRIES, contended, pause};
use crate::state::operator::{Conflict, ListedSchema, chosen_classes, no_schema};

/// Makes the schema's definition of the class, and of the embedded classes in it, the accepted one; of all its classes in conflict
/// when none is named. The answer is the classes that were chosen, or what is wrong with the request.
pub(in crate::state::mongodb) async fn choose(
    store: &Store,
    fingerprint: &str,
    class: Option<&str>,
) -> Result<Result<Vec<String>, String>, BackendError> {
    for _ in 0..TRIES {
        let app = store.app().await?;
        renew(store, &app).await?;
        let Some(record) = record(store, fingerprint).await? else {
            return Ok(Err(no_schema(fingerprint)));
        };
        let (sent, compared) = (record.schema()?, record.compared()?);
        let accepted = accepted_of_classes(store, &app, &compared, None).await?;
        let chosen = match chosen_classes(&sent, &compared, &accepted, class) {
            Ok(chosen) => chosen,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut choices = app.choices;
        choices.retain(|choice| !chosen.contains(&choice.class));
        choices.extend(chosen.iter().map(|class| Choice {
            class: class.clone(),
            fingerprint: fingerprint.to_owned(),
            time: clock::unix_millis(),
        }));
        let choices = serialize_to_bson(&choices).map_err(mongodb::error::Error::from)?;
        let mut as_read = store.own();
        as_read.insert("schemas_version", app.schemas_version);
        let change = doc! {"$set": {"choices": choices}, "$inc": {"schemas_version": 1_i64}};
        if store.update(APPS, as_read, change).await? {
            renew(store, &store.app().await?).await?;
            return Ok(Ok(chosen));
        }
        pause().await;
    }
    Err(contended("what is accepted"))
}

/// Every schema for the operator, in the order they came.
pub(in crate::state::mongodb) async fn list(store: &Store) -> Result<Vec<ListedSchema>, BackendError> {
    let app = store.app().await?;
    renew(store, &app).await?;
    let mut listed = Vec::new();
    for record in in_order(store).await? {
        let classes = record.schema()?.classes.into_iter();
        let choices = app.choices.iter();
        let chosen = choices.filter(|choice| choice.fingerprint == record.fingerprint);
        let mut chosen: Vec<_> = chosen.map(|choice| choice.class.clone()).collect();
        chosen.sort_unstable();
        let conflicts = record.standing.conflicts.into_iter();
        listed.push(ListedSchema {
            classes: classes.map(|class| class.name).collect(),
            chosen,
            conflicts: conflicts
                .map(|one| Conflict {
                    class: one.class,
                    since: one.since,
                    reason: one.reason,
                })
                .collect(),
            fingerprint: record.fingerprint,
            created: record.created,
            user: Some(record.user),
        });
    }
    Ok(listed)
}
