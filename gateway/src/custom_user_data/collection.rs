//! Custom user data in a collection of the operator's, which has a document for each user.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Bson, RawDocumentBuf, doc};
use mongodb::Collection;
use serde_json::value::RawValue;

use super::CustomUserData;
use crate::backend::{Answer, BackendError};
use crate::definition::{self, Definition};
use crate::ejson::{self, Form};
use crate::sink::mongodb::{DataSources, collection};
use crate::state::User;

/// How long a document may take to come. A log-in waits for it, and its client gives up after a minute.
const TIME_OUT: Duration = Duration::from_secs(5);

/// The collections that definitions name, in the deployments of their data sources. Without one that is named, what the state
/// keeps holds.
pub struct InDataSources {
    sources: DataSources,
}

/// The documents of one collection.
pub struct UserDocuments {
    collection: Collection<RawDocumentBuf>,
    field: String,
}

impl InDataSources {
    /// With the deployments of these data sources.
    #[must_use]
    pub const fn new(sources: DataSources) -> Self {
        Self { sources }
    }

    /// Those that are named. Rules are decided by them, so whatever the connection string says they are read as a majority has them.
    fn documents(&self, named: &definition::CustomUserData) -> UserDocuments {
        let database = self.sources.of(&named.data_source).database(&named.database);
        UserDocuments::new(
            collection(&database, &named.collection),
            named.user_id_field.clone(),
        )
    }
}

impl CustomUserData for InDataSources {
    fn of<'a>(&'a self, definition: &'a Definition, user: &'a User) -> Answer<'a, Option<Box<RawValue>>> {
        Box::pin(async move {
            let Some(named) = &definition.custom_user_data else {
                return Ok(user.custom_data.clone());
            };
            self.documents(named).of(&user.id).await
        })
    }
}

impl UserDocuments {
    /// Of users whose id is in this field.
    #[must_use]
    pub const fn new(collection: Collection<RawDocumentBuf>, field: String) -> Self {
        Self { collection, field }
    }

    /// The document of the user in relaxed Extended JSON, if there is one: first among those that have the id as a text,
    /// then among those that have it as an ObjectId.
    ///
    /// # Errors
    /// When the database does not answer in time, or the document cannot be shown.
    pub async fn of(&self, user: &str) -> Result<Option<Box<RawValue>>, BackendError> {
        let name = || self.collection.namespace().to_string();
        let found = tokio::time::timeout(TIME_OUT, self.find(user)).await;
        let found = found.map_err(|_| {
            let seconds = TIME_OUT.as_secs();
            BackendError::Unavailable(format!(
                "MongoDB: custom user data of '{}' did not come within {seconds} s",
                name()
            ))
        })??;
        let Some(document) = found else {
            return Ok(None);
        };
        let json = ejson::document(document.as_bytes(), Form::Relaxed);
        let text = json.and_then(|json| RawValue::from_string(json.to_string()).ok());
        text.map(Some).ok_or_else(|| {
            BackendError::Damaged(format!(
                "the document of user {user} in '{}' has no Extended JSON",
                name()
            ))
        })
    }

    async fn find(&self, user: &str) -> Result<Option<RawDocumentBuf>, BackendError> {
        let object_id = ObjectId::parse_str(user).ok().map(Bson::ObjectId);
        for id in [Some(user.into()), object_id].into_iter().flatten() {
            let filter = doc! {self.field.as_str(): id};
            let found = self.collection.find_one(filter).max_time(TIME_OUT).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria};

    use super::*;
    use crate::cluster::Cluster;

    #[tokio::test]
    async fn a_connection_string_that_reads_from_secondaries_does_not_decide_by_old_data() {
        let uri = "mongodb://127.0.0.1:1/?readPreference=secondary&readConcernLevel=local";
        let cluster = Cluster::new(&uri.into()).await.unwrap();
        let reader = InDataSources::new(DataSources::new(cluster));
        let documents = reader.documents(&definition::CustomUserData {
            data_source: "atlas".to_owned(),
            database: "app".to_owned(),
            collection: "people".to_owned(),
            user_id_field: "_id".to_owned(),
            on_user_creation: None,
        });
        let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
        assert_eq!(documents.collection.selection_criteria(), Some(&primary));
        assert_eq!(
            documents.collection.read_concern(),
            Some(&ReadConcern::majority())
        );
    }
}
