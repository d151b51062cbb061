//! `GET app/{app}/ingest/{outbox}`: how far an outbox has come. Also proves the token and the way.

use axum::Json;
use axum::extract::Path;
use realm_ingest_protocol::{MAX_BATCH_BYTES, Position, batch};
use serde::Deserialize;

use crate::http::extract::AccessToken;
use crate::http::reject::Reject;
use crate::sink::OutboxKey;

#[derive(Deserialize)]
pub struct Names {
    outbox: String,
}

/// Answers with the sequence number up to which everything of the outbox is settled.
pub async fn handle(
    AccessToken { app, claims }: AccessToken,
    Path(Names { outbox }): Path<Names>,
) -> Result<Json<Position>, Reject> {
    if !batch::is_identity(&outbox) {
        let text = "an outbox is named by 32 lower-case hexadecimal digits".to_owned();
        return Err(Reject::BadRequest(text));
    }
    let key = OutboxKey {
        app: app.domain().to_owned(),
        user: claims.sub,
        outbox,
    };
    let position = app.sink.position(&key).await?;
    Ok(Json(Position {
        position,
        max_batch_bytes: MAX_BATCH_BYTES,
    }))
}
