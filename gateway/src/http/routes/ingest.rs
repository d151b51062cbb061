//! `POST app/{app}/ingest`: a batch of write transactions.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use realm_ingest_protocol::BatchHeader;
use tokio::runtime::Handle;

use crate::gateway::Gateway;
use crate::http::extract::{AccessToken, AppId};
use crate::http::reject::Reject;
use crate::http::{body, decode, media};
use crate::ingest::{Context, Source};

/// Answers once every document is stored or refused for good.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    _: AppId,
    AccessToken(claims): AccessToken,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Reject> {
    let encoding = media::batch_encoding(&headers)?;
    let mut budget = gateway.budget();
    let sent = body::read_batch(&headers, body, &mut budget).await?;
    let runtime = Handle::current();
    let work = move || {
        let body = decode::unpack(sent, encoding, &mut budget, &runtime)?;
        let (header, transactions) = decode::transactions(body, &mut budget)?;
        Ok::<_, Reject>((header, transactions, budget))
    };
    let decoded = tokio::task::spawn_blocking(work).await;
    let (header, transactions, budget) = decoded.map_err(|error| Reject::Internal(error.to_string()))??;
    let context = Context {
        app: gateway.keyring.domain(),
        user: claims.sub,
        source: source(header),
    };
    let (ack, _memory) = gateway.ingest.ingest(context, transactions, budget).await?;
    Ok(Json(ack).into_response())
}

fn source(header: BatchHeader) -> Source {
    let BatchHeader {
        outbox,
        lineage,
        acked,
        after,
        device,
        ..
    } = header;
    Source {
        outbox,
        lineage,
        acked,
        after,
        device,
    }
}
