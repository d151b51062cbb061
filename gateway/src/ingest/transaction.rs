//! What a door hands to the core: write transactions, and whose they are.

use std::sync::Arc;

use bytes::Bytes;
use realm_ingest_protocol::DeviceReport;
use realm_ingest_protocol::batch::Documents;

/// Which way transactions come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The ingest requests.
    Http,
    /// The websocket of existing Realm SDKs.
    DeviceSync,
}

impl Door {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Http, Self::DeviceSync];

    /// What metrics call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::DeviceSync => "device_sync",
        }
    }
}

/// Who sends, for which app, and out of what.
#[derive(Clone, Debug)]
pub struct Context {
    /// The way they come in.
    pub door: Door,
    /// Internal id of the app.
    pub app: String,
    /// User who sends.
    pub user: String,
    /// Where the transactions wait until they are acknowledged.
    pub source: Source,
}

/// A queue of transactions on a device, and how far it is.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name: 32 lower-case hexadecimal digits.
    pub outbox: String,
    /// Changes whenever acknowledged transactions have left it: 32 lower-case hexadecimal digits.
    pub lineage: String,
    /// Highest sequence number that was acknowledged to it, 0 before the first.
    pub acked: i64,
    /// Sequence number of the transaction before the first of those that are sent, 0 when there is none.
    pub after: i64,
    /// What the device says of itself.
    pub device: Option<DeviceReport>,
}

/// One write transaction: all of it is stored or refused, document by document, before it is acknowledged.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its number in its outbox; ascending within what is sent.
    pub seq: i64,
    /// Fingerprint of the schema its documents were written under.
    pub schema: Arc<str>,
    /// What the documents belong to, in their order.
    pub runs: Vec<Run>,
    /// The documents back to back, as they were made on the device. Their frames are sound; their contents have not
    /// been looked at.
    pub payload: Bytes,
}

/// Documents of one class in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Name of the class.
    pub class: Arc<str>,
    /// How many documents; never 0.
    pub count: u32,
}

/// One document of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Class it was sent for.
    pub class: &'a str,
    /// Its transaction.
    pub seq: i64,
    /// Its index in the transaction, from 0 over all runs.
    pub index: u32,
    /// Its BSON.
    pub document: &'a [u8],
}

impl Transaction {
    /// Its documents in their order.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let classes = self
            .runs
            .iter()
            .flat_map(|run| (0..run.count).map(|_| &*run.class));
        let numbered = Documents::new(&self.payload).zip(classes).zip(0..);
        numbered.map(|((document, class), index)| Place {
            class,
            seq: self.seq,
            index,
            document,
        })
    }
}
