//! `POST app/{app}/ingest`: a batch of write transactions.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use realm_ingest_protocol::{BatchHeader, MAX_BATCH_BYTES};

use crate::gateway::Gateway;
use crate::http::extract::AccessToken;
use crate::http::reject::Reject;
use crate::http::{ClientAddress, answer, body, decode, media};
use crate::ingest::{Context, Door, Source};

/// Answers once every document is stored or refused for good.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    AccessToken { app, claims }: AccessToken,
    ClientAddress(from): ClientAddress,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Reject> {
    app.taking_documents().ok_or(Reject::Paused)?;
    let encoding = media::batch_encoding(&headers)?;
    let mut budget = gateway.memory.budget(&claims.sub, from);
    let sent = body::read(&headers, body, MAX_BATCH_BYTES, &mut budget).await?;
    let work = move || {
        let body = decode::unpack(sent, encoding, &mut budget)?;
        let (header, transactions) = decode::transactions(body, &mut budget)?;
        Ok::<_, Reject>((header, transactions, budget))
    };
    let (header, transactions, budget) = gateway.work.run(from, work).await??;
    let context = Context {
        door: Door::Http,
        app: app.domain().to_owned(),
        user: claims.sub,
        source: source(header),
    };
    // It may have changed while the body came.
    let definition = app.taking_documents().ok_or(Reject::Paused)?;
    let (ack, memory) = app
        .ingest
        .ingest(definition, context, from, transactions, budget)
        .await?;
    if ack.refused.is_empty() {
        return answer::json(&ack, memory);
    }
    // It may have megabytes, and what is stored is answered however busy the gateway is.
    let answer = move || answer::json(&ack, memory);
    gateway.work.complete(from, answer).await?
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
