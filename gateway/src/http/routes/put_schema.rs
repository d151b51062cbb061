//! `PUT app/{app}/ingest/schemas/{fingerprint}`: the classes that documents are written under.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use realm_ingest_protocol::{Schema, schema};
use serde::Deserialize;
use tracing::{debug, warn};

use crate::gateway::Gateway;
use crate::http::extract::AccessToken;
use crate::http::reject::Reject;
use crate::http::{ClientAddress, body};

/// Bytes of a schema: room for thousands of properties.
const MAX_SCHEMA: u64 = 1024 * 1024;

#[derive(Deserialize)]
pub struct Names {
    fingerprint: String,
}

/// Keeps the schema. Classes that contradict what is accepted are refused by their documents, not here.
pub async fn handle(
    State(gateway): State<Arc<Gateway>>,
    AccessToken { app, claims }: AccessToken,
    ClientAddress(from): ClientAddress,
    Path(Names { fingerprint: named }): Path<Names>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Reject> {
    app.taking_documents().ok_or(Reject::Paused)?;
    let mut memory = gateway.memory.budget(&claims.sub, from);
    let bytes = body::read(&headers, body, MAX_SCHEMA, &mut memory).await?;
    let (fingerprint, schema) = gateway.work.run(from, move || read(bytes)).await??;
    if named != fingerprint {
        let text = format!("the schema's fingerprint is {fingerprint}, not the one in the path");
        return Err(Reject::BadRequest(text));
    }
    // It may have changed while the body came.
    let definition = app.taking_documents().ok_or(Reject::Paused)?;
    let added = app
        .ingest
        .add_schema(&definition, schema, &claims.sub, from, &memory);
    let conflicts = added.await?;
    debug!(fingerprint, user = claims.sub, "schema known");
    for (class, reason) in conflicts {
        warn!(
            fingerprint,
            user = claims.sub,
            class,
            reason,
            "documents of this class become dead letters until a definition is accepted, see schemas, or the app's directory is changed"
        );
    }
    Ok(StatusCode::NO_CONTENT)
}

fn read(bytes: Vec<u8>) -> Result<(String, Schema), Reject> {
    let text =
        String::from_utf8(bytes).map_err(|_| Reject::BadRequest("the schema is not UTF-8".to_owned()))?;
    let schema = Schema::parse(&text).map_err(|error| Reject::BadRequest(error.to_string()))?;
    schema.check_limits().map_err(Reject::BadRequest)?;
    schema
        .validate()
        .map_err(|findings| Reject::BadRequest(schema::validation_text(&findings)))?;
    let mut properties = schema.classes.iter().flat_map(|class| &class.properties);
    if properties.any(|property| property.guessed) {
        let text = "a device knows its classes: no property of its schema is 'guessed'";
        return Err(Reject::BadRequest(text.to_owned()));
    }
    Ok((schema.fingerprint(), schema))
}
