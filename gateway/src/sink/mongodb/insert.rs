//! An insert command. It is built once, out of the bytes that devices sent: documents are neither decoded nor encoded.

use std::io::Write as _;

use bson::{RawDocumentBuf, rawdoc};
use mongodb::Database;
use mongodb::error::ErrorKind;

use super::errors::{self, Fault};
use super::request::answered;
use crate::backend::BackendError;

/// Bytes of documents in one command; a larger document goes alone. The server takes a command of 16 MiB and some.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Documents in one command: the server takes more, but reports every one that it refuses in one answer.
const MAX_COUNT: usize = 5_000;

/// Documents for one collection.
pub(super) struct Insert {
    command: Vec<u8>,
    /// Where the array of documents begins in it.
    array: usize,
    count: usize,
}

/// What became of the documents of one command.
#[derive(Debug)]
pub(super) enum Inserted {
    /// All are stored but these, by their index.
    Except(Vec<(usize, Fault)>),
    /// None is, and the server does not say for the sake of which.
    None,
}

/// Whether one command has room for so many documents of so many bytes, and so many more.
pub(super) const fn has_room(count: usize, bytes: usize, more: usize, bytes_more: usize) -> bool {
    count == 0 || (count + more <= MAX_COUNT && bytes + bytes_more <= MAX_BYTES)
}

impl Insert {
    /// Of nothing yet.
    pub(super) fn into(database: &Database, collection: &str) -> Result<Self, BackendError> {
        let mut head = rawdoc! {"insert": collection, "ordered": false};
        if let Some(concern) = database.write_concern() {
            let concern = bson::serialize_to_raw_document_buf(concern).map_err(invalid)?;
            head.append(bson::raw::cstr!("writeConcern"), concern);
        }
        let mut command = head.into_bytes();
        command.pop();
        command.push(0x04);
        command.extend_from_slice(b"documents\0");
        let array = command.len();
        command.extend_from_slice(&[0; 4]);
        Ok(Self {
            command,
            array,
            count: 0,
        })
    }

    /// Whether so many more of so many bytes together have room.
    pub(super) const fn has_room(&self, count: usize, bytes: usize) -> bool {
        has_room(self.count, self.command.len() - self.array, count, bytes)
    }

    /// How many documents it has.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Adds a sound document.
    pub(super) fn push(&mut self, document: &[u8]) {
        self.command.push(0x03);
        let _ = write!(self.command, "{}\0", self.count);
        self.command.extend_from_slice(document);
        self.count += 1;
    }

    /// Sends it. What is answered is as durable as the write concern of the database.
    pub(super) async fn run(self, database: &Database) -> Result<Inserted, BackendError> {
        let count = self.count;
        if count == 0 {
            return Ok(Inserted::Except(Vec::new()));
        }
        let command = RawDocumentBuf::from_bytes(self.finish()?).map_err(invalid)?;
        let request = async {
            match database.run_raw_command(command).await {
                Ok(reply) => Ok(Ok(reply)),
                Err(error) => match &*error.kind {
                    ErrorKind::Command(refused)
                        if errors::is_of_documents(refused.code, &refused.message) =>
                    {
                        Ok(Err((refused.code, refused.message.clone())))
                    }
                    _ => Err(error),
                },
            }
        };
        match answered(request).await? {
            Ok(reply) => Ok(Inserted::Except(errors::of_documents(&reply)?)),
            Err((code, message)) if count == 1 => {
                let fault = errors::fault(code, &message, None);
                Ok(Inserted::Except(vec![(0, fault)]))
            }
            Err(_) => Ok(Inserted::None),
        }
    }

    /// Closes the array and the command.
    fn finish(self) -> Result<Vec<u8>, BackendError> {
        let Self {
            mut command, array, ..
        } = self;
        for start in [array, 0] {
            command.push(0);
            let length = i32::try_from(command.len() - start).map_err(invalid)?;
            if let Some(place) = command.get_mut(start..start + 4) {
                place.copy_from_slice(&length.to_le_bytes());
            }
        }
        Ok(command)
    }
}

fn invalid(error: impl std::fmt::Display) -> BackendError {
    BackendError::Unavailable(format!("an insert command cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;

    use bson::doc;

    use super::*;
    use crate::cluster::Cluster;

    #[tokio::test]
    async fn it_is_the_command_that_the_server_reads() {
        let uri = "mongodb://db.example".into();
        let database = Cluster::new(&uri).await.unwrap().database("data");
        let mut insert = Insert::into(&database, "Reading").unwrap();
        let documents: Vec<_> = (0..12).map(|id| doc! {"_id": id}).collect();
        for document in &documents {
            insert.push(&document.to_vec().unwrap());
        }
        let command = bson::Document::from_reader(&insert.finish().unwrap()[..]).unwrap();
        let wanted = doc! {
            "insert": "Reading", "ordered": false,
            "writeConcern": {"w": "majority", "j": true},
            "documents": documents,
        };
        assert_eq!(command, wanted);
    }

    #[tokio::test]
    async fn a_large_document_goes_alone_and_small_ones_together() {
        let uri = "mongodb://db.example".into();
        let database = Arc::new(Cluster::new(&uri).await.unwrap().database("data"));
        let mut insert = Insert::into(&database, "Reading").unwrap();
        assert!(insert.has_room(1, usize::MAX / 2));
        insert.push(&doc! {"_id": 1}.to_vec().unwrap());
        assert!(insert.has_room(1, MAX_BYTES / 2) && !insert.has_room(1, MAX_BYTES));
        for id in 1..MAX_COUNT {
            insert.push(&doc! {"_id": i32::try_from(id).unwrap()}.to_vec().unwrap());
        }
        assert!(!insert.has_room(1, 1));
    }
}
