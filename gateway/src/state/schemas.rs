//! What documents are written under.

use realm_ingest_protocol::Schema;

use super::KnownSchema;
use crate::backend::Answer;

/// Keeps schemas. See [`acceptance`](super::acceptance) for what becomes of those that contradict each other.
pub trait Schemas {
    /// Grows whenever the operator decides something about schemas, also in another process.
    fn schemas_version(&self) -> Answer<'_, i64>;
    /// The same as it was at most some seconds ago, where reading it costs more than waiting for what another process decides.
    fn recent_schemas_version(&self) -> Answer<'_, i64> {
        self.schemas_version()
    }
    /// The schema of this fingerprint and the version it was read under, none when it was never sent.
    fn schema(&self, fingerprint: &str) -> Answer<'_, Option<(i64, KnownSchema)>>;
    /// Keeps a schema that the user sent. It extends the accepted definitions by those of its classes that do not contradict
    /// them; the others are in conflict. Those under which nobody has written may have to make room for it. False, and
    /// nothing is kept, when there are too many of this user or in all.
    fn add_schema(&self, schema: Schema, user: &str) -> Answer<'_, bool>;
    /// The same of a schema of which only `compared` extends the accepted definitions and can be in conflict with them: the
    /// application describes the rest. A state that does not keep `compared` compares all of it, and says so by telling none of it.
    fn add_compared_schema(&self, schema: Schema, compared: Schema, user: &str) -> Answer<'_, bool> {
        drop(compared);
        self.add_schema(schema, user)
    }
    /// The accepted definition of a class, with those of the embedded classes that its objects can hold; none where no schema has it.
    fn accepted_class(&self, class: &str) -> Answer<'_, Option<Schema>>;
    /// Notes that somebody writes under a schema, so that it does not have to make room. False when it is not there.
    fn note_schema_use(&self, fingerprint: &str) -> Answer<'_, bool>;
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Schemas that one user may send.
    pub(super) of_user: i64,
    /// Schemas in all.
    pub(super) in_all: i64,
    /// Bytes of them as JSON.
    pub(super) bytes: i64,
}

impl Limits {
    /// A device has a schema for each release it runs, a fleet as many as its applications have had releases, of a few
    /// kilobytes each.
    pub(super) const USUAL: Self = Self {
        of_user: 50,
        in_all: 10_000,
        bytes: 64 * 1024 * 1024,
    };
}
