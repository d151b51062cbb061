//! `POST app/{app}/ingest`: a batch of write transactions.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use realm_ingest_protocol::Ack;
use tokio::runtime::Handle;
use tracing::{debug, warn};

use crate::auth::{AccessToken, AppId};
use crate::body::{self, Budget, Encoding};
use crate::checks::{self, Checked, Schemas};
use crate::clock;
use crate::gateway::Gateway;
use crate::refusals::Refusals;
use crate::reject::Reject;
use crate::sink::Batch;

/// Answers once every document is stored or refused for good.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    _: AppId,
    AccessToken(claims): AccessToken,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Ack>, Reject> {
    let encoding = body::batch_encoding(&headers)?;
    let mut budget = gateway.budget();
    let sent = body::read_batch(&headers, body, &mut budget).await?;
    let (wire, schemas, runtime) = (sent.len(), gateway.schemas().await?, Handle::current());
    let work = move || unpack(sent, encoding, budget, &schemas, &runtime);
    let unpacked = tokio::task::spawn_blocking(work).await;
    let (body, checked, budget) = unpacked.map_err(|error| Reject::Internal(error.to_string()))??;
    let Checked {
        header,
        digest,
        refused,
    } = checked;
    let (acked, bytes) = (header.last_seq, body.len());
    let batch = Batch {
        body,
        header: header.clone(),
        digest,
        user: claims.sub,
        received: clock::unix_millis(),
        refused,
        budget,
    };
    let (refused, _memory) = gateway.sink.insert(batch).await?.into_parts();
    debug!(
        outbox = header.outbox,
        acked,
        documents = header.count,
        bytes,
        wire,
        "batch acknowledged"
    );
    if !refused.is_empty() {
        warn!(
            outbox = header.outbox,
            acked,
            refused = refused.len(),
            "documents refused, see dead-letters"
        );
    }
    Ok(Json(Ack { acked, refused }))
}

fn unpack(
    sent: Vec<u8>,
    encoding: Encoding,
    mut budget: Budget,
    schemas: &Schemas,
    runtime: &Handle,
) -> Result<(Vec<u8>, Checked, Budget), Reject> {
    let body = body::decode(sent, encoding, &mut budget, runtime)?;
    let checked = checks::check(&body, schemas, Refusals::new(budget.another()))?;
    Ok((body, checked, budget))
}
