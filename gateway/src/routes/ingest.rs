//! `POST app/{app}/ingest`: a batch of write transactions.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;
use tracing::{debug, warn};

use crate::auth::{AccessToken, AppId};
use crate::body::{self, Budget, Encoding};
use crate::checks::{self, Checked, Schemas};
use crate::clock;
use crate::gateway::Gateway;
use crate::reject::Reject;
use crate::sink::Batch;
use crate::verdicts::Verdicts;

/// Answers once every document is stored or refused for good.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    _: AppId,
    AccessToken(claims): AccessToken,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Reject> {
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
        verdicts,
    } = checked;
    let (acked, bytes) = (header.last_seq, body.len());
    let batch = Batch {
        body,
        header: header.clone(),
        digest,
        user: claims.sub,
        received: clock::unix_millis(),
        verdicts,
        budget,
    };
    let refusals = gateway.sink.insert(batch).await?;
    let refused = refusals.count_all();
    debug!(
        outbox = header.outbox,
        acked,
        documents = header.count,
        bytes,
        wire,
        "batch acknowledged"
    );
    if refused > 0 {
        warn!(
            outbox = header.outbox,
            acked, refused, "documents refused, see dead-letters"
        );
    }
    let (ack, _memory) = refusals.into_answer(acked);
    Ok(Json(ack).into_response())
}

fn unpack(
    sent: Vec<u8>,
    encoding: Encoding,
    mut budget: Budget,
    schemas: &Arc<Schemas>,
    runtime: &Handle,
) -> Result<(Vec<u8>, Checked, Budget), Reject> {
    let body = body::decode(sent, encoding, &mut budget, runtime)?;
    budget.grow_blocking(runtime, Verdicts::bytes_for(body.len()))?;
    let checked = checks::check(&body, schemas)?;
    Ok((body, checked, budget))
}
