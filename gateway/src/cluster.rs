//! MongoDB deployments: how they are reached, and how their failures are told. Those who store there ask for a database here
//! and share its connections.

use std::fmt;
use std::time::Duration;

use bson::doc;
use mongodb::options::{Acknowledgment, ClientOptions, ReadPreference, SelectionCriteria};
use mongodb::{Client, Database};
use serde::Deserialize;

use crate::backend::BackendError;
use crate::definition::Secret;

/// Connections of one process at most. Each is one request at the database at a time; more than its disks take at once only
/// wait there instead of here.
const CONNECTIONS: u32 = 64;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a request waits for a server that may serve it, as in an election. Then it is given up; its sender comes again.
const SELECT: Duration = Duration::from_secs(10);

/// A connection string. It may hold a password, so it is never shown; not even by who refuses one that makes no sense, which
/// [`Cluster::new`] does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Uri(Secret);

/// A deployment that an app's directory knows by a name of its own: `NAME=URI`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct NamedUri {
    /// The data source; empty where none was given.
    pub name: String,
    /// Where it is.
    pub uri: Uri,
}

/// Why a deployment cannot be reached at all; says neither password nor user.
#[derive(Debug, thiserror::Error)]
#[error("the MongoDB connection string cannot be used: {0}")]
pub struct UriError(String);

/// A deployment, over a pool of connections of its own. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
}

impl From<String> for Uri {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Uri {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for NamedUri {
    fn from(text: String) -> Self {
        // The first part of a connection string without a name has a colon.
        let named = text.split_once('=').filter(|(name, _)| !name.contains(':'));
        let (name, uri) = named.unwrap_or(("", &text));
        Self {
            name: name.to_owned(),
            uri: uri.to_owned().into(),
        }
    }
}

impl Cluster {
    /// Reads the connection string; connections are made when they are needed. What the string does not say is as safe as the
    /// deployment can be: a write is answered once a majority has it in its journal.
    ///
    /// # Errors
    /// When the string makes no sense, or its host names cannot be resolved.
    pub async fn new(uri: &Uri) -> Result<Self, UriError> {
        let wrong = |error: mongodb::error::Error| UriError(reason(&error));
        let text = uri.0.expose();
        if !text.starts_with("mongodb://") && !text.starts_with("mongodb+srv://") {
            let text = "it starts with neither mongodb:// nor mongodb+srv://";
            return Err(UriError(text.to_owned()));
        }
        // What the driver says of it may have a part of the password, where that has a character that parts something.
        let unreadable = |_| {
            UriError(
                "its hosts or options cannot be read or resolved; in user and password, each of : / ? # [ ] @ % has to be escaped, \
                 such as %3A for a colon"
                    .to_owned(),
            )
        };
        let mut options = ClientOptions::parse(text).await.map_err(unreadable)?;
        options
            .app_name
            .get_or_insert_with(|| "realm-ingest-gateway".to_owned());
        options.max_pool_size.get_or_insert(CONNECTIONS);
        options.connect_timeout.get_or_insert(CONNECT);
        options.server_selection_timeout.get_or_insert(SELECT);
        let concern = options.write_concern.get_or_insert_default();
        concern.w.get_or_insert(Acknowledgment::Majority);
        concern.journal.get_or_insert(true);
        if concern.w == Some(Acknowledgment::Nodes(0)) {
            return Err(UriError(
                "w=0 asks for no answer, so nothing could be promised to a device; leave w out".to_owned(),
            ));
        }
        Ok(Self {
            client: Client::with_options(options).map_err(wrong)?,
        })
    }

    /// Whether it answers, and can be written to.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), BackendError> {
        let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
        let admin = self.client.database("admin");
        admin
            .run_command(doc! {"ping": 1})
            .selection_criteria(primary)
            .await?;
        Ok(())
    }

    /// A database of it.
    #[must_use]
    pub fn database(&self, name: &str) -> Database {
        self.client.database(name)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Cluster")
    }
}

impl From<mongodb::error::Error> for BackendError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Unavailable(format!("MongoDB: {}", reason(&error)))
    }
}

/// The answer to a request, if it comes within this time.
pub(crate) async fn within<T>(
    limit: Duration,
    request: impl IntoFuture<Output = Result<T, mongodb::error::Error>>,
) -> Result<T, BackendError> {
    match tokio::time::timeout(limit, request.into_future()).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(BackendError::Unavailable(format!(
            "MongoDB has not answered within {} seconds",
            limit.as_secs()
        ))),
    }
}

/// What a failure says, without what it is wrapped in. The driver shows no password.
fn reason(error: &mongodb::error::Error) -> String {
    error.kind.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    async fn refused(uri: &str) -> String {
        Cluster::new(&uri.into()).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused_without_the_password() {
        for uri in [
            "https://user:hunter2@db.example",
            "mongodb://user:hunter2@db.example:port",
            "mongodb://user:hunter2@db.example/?w=0",
            "mongodb://user:hunter2@",
            "mongodb://user:hunter2?more@db.example",
            "mongodb://user:hunter2",
        ] {
            let text = refused(uri).await;
            assert!(
                text.starts_with("the MongoDB connection string cannot be used: "),
                "{text}"
            );
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_write_is_answered_by_a_majority_with_its_journal_unless_something_else_is_asked_for() {
        let concern = |uri: &'static str| async {
            let cluster = Cluster::new(&uri.into()).await.unwrap();
            cluster.client.database("any").write_concern().cloned().unwrap()
        };
        let usual = concern("mongodb://db.example").await;
        assert_eq!(
            (usual.w, usual.journal),
            (Some(Acknowledgment::Majority), Some(true))
        );
        let chosen = concern("mongodb://db.example/?w=2&journal=false").await;
        assert_eq!(
            (chosen.w, chosen.journal),
            (Some(Acknowledgment::Nodes(2)), Some(false))
        );
    }

    #[test]
    fn it_is_never_shown() {
        let uri = Uri::from("mongodb://user:hunter2@db.example");
        assert_eq!(format!("{uri:?}"), "Uri((secret))");
    }

    #[test]
    fn a_data_source_is_named_before_its_connection_string() {
        let name = |text: &str| NamedUri::from(text.to_owned()).name;
        assert_eq!(name("atlas=mongodb://db.example/?w=2"), "atlas");
        assert_eq!(name("mongodb://db.example/?w=2"), "");
        assert_eq!(name("atlas"), "");
    }
}
