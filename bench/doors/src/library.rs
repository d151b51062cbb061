//! A device with this project's library: batches over HTTP.

use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{BatchHeader, CONTENT_TYPE, Run, Schema, TransactionHeader};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::gateway::{Gateway, sent};
use crate::readings::{CLASS, Reading, SCHEMA};
use crate::{DEVICES, Failure};

/// What the library's uploader aims at, before compression.
const BATCH_BYTES: usize = 1 << 20;

/// Its compression.
const ZSTD_LEVEL: i32 = 1;

/// See the module.
pub struct Device {
    requests: Vec<(RequestBuilder, i64)>,
}

/// Gives its fingerprint.
pub async fn put_schema(gateway: &Gateway) -> Result<String, Failure> {
    let schema = Schema::parse(SCHEMA)?;
    let url = gateway.url(&format!("/ingest/schemas/{}", schema.fingerprint()));
    let put = gateway.client.put(url).bearer_auth(&gateway.token);
    sent(put.body(schema.to_json())).await?;
    Ok(schema.fingerprint())
}

impl Device {
    /// With its batches prepared.
    pub fn new(
        gateway: &Gateway,
        number: usize,
        schema: &str,
        transactions: &[Vec<Reading>],
    ) -> Result<Self, Failure> {
        let outbox = format!("{:032x}", number % DEVICES + 1);
        let mut requests = Vec::new();
        let (mut body, mut first, mut seq, mut count) = (Vec::new(), 1, 0, 0);
        for transaction in transactions {
            seq += 1;
            count += transaction.len() as u64;
            let run = Run {
                class: CLASS.to_owned(),
                count: transaction.len().try_into()?,
            };
            let header = TransactionHeader {
                seq,
                schema: 0,
                runs: vec![run],
            };
            encode_transaction_header(&header, &mut body);
            for reading in transaction {
                body.extend(reading.document()?);
            }
            if body.len() >= BATCH_BYTES || seq == i64::try_from(transactions.len())? {
                let mut batch = Vec::new();
                let header = BatchHeader {
                    outbox: outbox.clone(),
                    lineage: outbox.clone(),
                    acked: first - 1,
                    after: first - 1,
                    first_seq: first,
                    last_seq: seq,
                    count,
                    schemas: vec![schema.to_owned()],
                    device: None,
                };
                encode_batch_header(&header, &mut batch);
                batch.append(&mut body);
                let post = gateway
                    .client
                    .post(gateway.url("/ingest"))
                    .bearer_auth(&gateway.token);
                let post = post
                    .header("content-type", CONTENT_TYPE)
                    .header("content-encoding", "zstd");
                requests.push((post.body(zstd::encode_all(batch.as_slice(), ZSTD_LEVEL)?), seq));
                (first, count) = (seq + 1, 0);
            }
        }
        Ok(Self { requests })
    }

    /// Everything; returns when all of it is acknowledged.
    pub async fn send(self) -> Result<(), Failure> {
        for (post, last) in self.requests {
            let ack: Value = serde_json::from_slice(&sent(post).await?.bytes().await?)?;
            if ack["acked"] != last {
                return Err(format!("not acknowledged: {ack}").into());
            }
        }
        Ok(())
    }
}
