//! Doors to parsers that nobody outside may call, for the fuzz targets.
#![allow(missing_docs, reason = "each is what it calls")]

use std::collections::BTreeMap;

use realm_ingest_protocol::Ack;

use crate::transport::Response;
use crate::{app, ejson, uploader};

pub use crate::outbox::sqlite::fuzzing::{Pack, Unpacked};

/// What a batch of these transactions, each with the number of its objects, takes for its acknowledgement.
pub fn acknowledgement(rows: &BTreeMap<i64, u64>, body: &[u8]) -> Result<Ack, String> {
    uploader::batch::acknowledgement(rows, body)
}

pub fn check_answer(response: Response) -> crate::Result<Response> {
    app::check_answer(response)
}

/// The end and the custom data of a token.
pub fn claims(token: &str) -> Option<(i64, Option<String>)> {
    let claims = app::tokens::claims(token)?;
    let now = std::time::Instant::now();
    claims.renew_at(now);
    claims.renew_at_by_wall_clock(now, std::time::SystemTime::now());
    Some((claims.exp, claims.user_data))
}

pub fn subject(token: &str) -> Option<String> {
    app::tokens::subject(token)
}

pub fn from_bson(document: &[u8]) -> Result<String, String> {
    ejson::from_bson(document)
}

pub fn to_bson(text: &str) -> Result<Vec<u8>, String> {
    ejson::to_bson(text)
}
