//! What the operator's commands ask.

use std::collections::BTreeMap;

use realm_ingest_protocol::Schema;

use super::{MongoState, client_files, keys, schemas, users};
use crate::backend::Answer;
use crate::state::operator::{ListedKey, ListedSchema, Operator};
use crate::state::{ClientFile, KnownSchema};

impl Operator for MongoState {
    fn count_users(&self) -> Answer<'_, u64> {
        Box::pin(async move { users::count(&self.store).await })
    }

    fn signing_keys(&self) -> Answer<'_, Vec<ListedKey>> {
        Box::pin(async move { keys::list(&self.store).await })
    }

    fn rotate_keys(&self) -> Answer<'_, i64> {
        Box::pin(async move { keys::rotate(&self.store).await })
    }

    fn retire_key(&self, key: i64, force: bool) -> Answer<'_, Result<i64, String>> {
        Box::pin(async move { keys::retire(&self.store, key, force).await })
    }

    fn list_schemas(&self) -> Answer<'_, Vec<ListedSchema>> {
        Box::pin(async move { schemas::list(&self.store).await })
    }

    fn known_schemas(&self) -> Answer<'_, BTreeMap<String, KnownSchema>> {
        Box::pin(async move { schemas::load(&self.store).await })
    }

    fn sent_schema(&self, fingerprint: &str) -> Answer<'_, Option<Schema>> {
        let fingerprint = fingerprint.to_owned();
        Box::pin(async move { schemas::sent(&self.store, &fingerprint).await })
    }

    fn accepted_schema(&self) -> Answer<'_, Schema> {
        Box::pin(async move { schemas::accepted(&self.store).await })
    }

    fn choose_schema(
        &self,
        fingerprint: &str,
        class: Option<&str>,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        let (fingerprint, class) = (fingerprint.to_owned(), class.map(str::to_owned));
        Box::pin(async move { schemas::choose(&self.store, &fingerprint, class.as_deref()).await })
    }

    fn forget_schema(&self, fingerprint: &str) -> Answer<'_, bool> {
        let fingerprint = fingerprint.to_owned();
        Box::pin(async move { schemas::forget(&self.store, &fingerprint).await })
    }

    fn forget_unused_schemas(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async move { schemas::forget_unused(&self.store).await })
    }

    fn client_files(&self, after: Option<&ClientFile>, limit: usize) -> Answer<'_, Vec<ClientFile>> {
        let after = after.map(|file| (file.ident, file.salt));
        Box::pin(async move { client_files::list(&self.store, after, limit).await })
    }
}
