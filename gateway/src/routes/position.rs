//! `GET app/{app}/ingest/{outbox}`: how far an outbox has come. Also proves the token and the way.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use realm_ingest_protocol::{MAX_BATCH_BYTES, Position, batch};

use crate::auth::{AccessToken, AppId};
use crate::gateway::Gateway;
use crate::reject::Reject;

/// Answers with the highest sequence number ever acknowledged.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    _: AppId,
    _: AccessToken,
    Path(names): Path<HashMap<String, String>>,
) -> Result<Json<Position>, Reject> {
    let outbox = names.get("outbox").filter(|name| batch::is_identity(name));
    let outbox =
        outbox.ok_or_else(|| Reject::BadRequest("an outbox is named by 32 hexadecimal digits".into()))?;
    let position = gateway.sink.position(outbox).await?;
    Ok(Json(Position {
        position,
        max_batch_bytes: MAX_BATCH_BYTES,
    }))
}
