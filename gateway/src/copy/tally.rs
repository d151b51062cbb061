//! How many of one kind were copied, and what proves that they are the same on both sides.

use sha2::{Digest as _, Sha256};

/// See the module.
pub struct Tally {
    /// Of what.
    pub what: String,
    /// In the directory.
    pub there: u64,
    /// Of these, in the database.
    pub here: u64,
    /// SHA-256 of all in the directory, in their order there, as the database stores them.
    pub sent: String,
    /// The same of what was read back from the database.
    pub stored: String,
}

/// One that grows.
pub(super) struct Tallying {
    what: String,
    there: u64,
    here: u64,
    sent: Sha256,
    stored: Sha256,
}

impl Tallying {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            there: 0,
            here: 0,
            sent: Sha256::new(),
            stored: Sha256::new(),
        }
    }

    /// One more, in BSON of both sides; what was stored is none where nothing is.
    pub(super) fn add(&mut self, sent: &[u8], stored: Option<&[u8]>) {
        self.there += 1;
        self.sent.update(sent);
        if let Some(stored) = stored {
            self.here += 1;
            self.stored.update(stored);
        }
    }

    pub(super) fn finish(self) -> Tally {
        Tally {
            what: self.what,
            there: self.there,
            here: self.here,
            sent: hex(self.sent),
            stored: hex(self.stored),
        }
    }
}

fn hex(digest: Sha256) -> String {
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
