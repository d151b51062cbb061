//! What a door hands to the core: write transactions, and whose they are.

use std::sync::Arc;

use bytes::Bytes;
use realm_ingest_protocol::DeviceReport;
use realm_ingest_protocol::batch::Documents;

use super::batch::Checked;

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
    /// What the documents are. A door lets transactions in a row share it where they are alike: small ones nearly always
    /// are, and what is found out about it is then found out once.
    pub form: Arc<Form>,
    /// The documents back to back, as they were made on the device. Their frames are sound; their contents have not
    /// been looked at.
    pub payload: Bytes,
}

/// What the documents of a transaction are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Fingerprint of the schema they were written under.
    pub schema: Arc<str>,
    /// What they belong to, in their order.
    pub runs: Vec<Run>,
}

impl Form {
    /// Bytes that it takes, with the counters of who shares it. The names are shared more widely.
    #[must_use]
    pub const fn memory(runs: usize) -> usize {
        2 * size_of::<usize>() + size_of::<Self>() + runs * size_of::<Run>()
    }

    /// How many there are.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.runs.iter().map(|run| run.count as usize).sum()
    }
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
    /// Bytes that are held of a transaction of so many documents beside its form and the documents themselves: until it is
    /// checked, in a list that grows by doubling; after that with the indexes of what is refused of it, in such a list, too.
    #[must_use]
    pub const fn memory(documents: usize) -> usize {
        2 * size_of::<Self>() + size_of::<Checked>() + 2 * size_of::<u32>() * documents
    }

    /// Its documents in their order.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let classes = self
            .form
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
