//! What the realm-ingest library and gateway say to each other.
//!
//! Everything here is pure: no I/O, no clock. The library makes batches, the gateway reads them, and
//! both use one reader of BSON that borrows the bytes it is given and never re-encodes them.
//!
//! Input is taken to be hostile throughout: whatever the bytes, the answer is a value or an error.

pub mod ack;
pub mod batch;
mod check;
pub mod code;
pub mod document;
pub mod ejson;
mod key;
pub mod schema;

pub use ack::{Ack, ErrorBody, Position, Refusal, Unlisted};
pub use batch::{
    BatchError, BatchHeader, BatchReader, BatchTransaction, DeviceReport, Documents, Run, TransactionHeader,
};
pub use check::{Checker, Violation};
pub use code::RefusalCode;
pub use document::{Document, DocumentError, Limits, Value};
pub use schema::{Class, Collection, Kind, Property, PropertyType, Schema, SchemaError};

/// Media type of an ingest request's body.
pub const CONTENT_TYPE: &str = "application/vnd.realm-ingest.batch; version=2";

/// Bytes of documents one write transaction may hold. A transaction is never split over batches, so
/// this is also what the gateway must be able to take in one request.
pub const MAX_TRANSACTION_BYTES: u64 = 64 * 1024 * 1024;

/// Documents of one write transaction, and of all that one request has: what is noted of each while it is checked has to
/// fit beside it into what one user may take of the gateway's memory.
pub const MAX_TRANSACTION_DOCUMENTS: u64 = 1_000_000;

/// Bytes of one request, as it travels and after decompression: the largest transaction and room for the headers
/// around it. One limit for both, so that a transaction that the outbox takes can also be delivered when it does not
/// compress.
pub const MAX_BATCH_BYTES: u64 = MAX_TRANSACTION_BYTES + 1024 * 1024;

/// Bytes of one document: MongoDB's own limit.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// Levels of documents and arrays inside each other: MongoDB's own limit.
pub const MAX_DEPTH: usize = 100;
