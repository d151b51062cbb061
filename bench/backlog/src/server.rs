//! A server that takes everything at once, within the process: what is measured is the device's part.

use std::io::Read;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realm_ingest::transport::{Request, Response, ResponseFuture, Transport};
use realm_ingest_protocol::BatchReader;
use serde_json::{Value, json};

use crate::Failure;

/// What the gateway takes in one request.
const MAX_BATCH_BYTES: u64 = 64 << 20;

/// See the module.
struct TakesEverything;

/// As a transport.
pub fn start() -> Arc<dyn Transport> {
    Arc::new(TakesEverything)
}

impl Transport for TakesEverything {
    fn send(&self, request: Request) -> ResponseFuture {
        Box::pin(async move {
            answer(&request).unwrap_or_else(|error| Response {
                status: 500,
                body: error.to_string().into_bytes(),
                ..Response::default()
            })
        })
    }
}

fn answer(request: &Request) -> Result<Response, Failure> {
    let path = request.url.split("/client/v2.0/").nth(1).unwrap_or_default();
    let path = path
        .strip_prefix("app/")
        .and_then(|rest| rest.split_once('/'))
        .map_or(path, |(_, path)| path);
    let (status, body) = match path {
        "location" => (200, json!({"hostname": "", "ws_hostname": ""})),
        "auth/session" => (201, json!({"access_token": token(4_000_000_000)})),
        "auth/profile" => (
            200,
            json!({"identities": [{"id": "i", "provider_type": "anon-user"}], "data": {}}),
        ),
        "ingest" => (200, taken(request)?),
        _ if path.starts_with("auth/providers/") => (
            200,
            json!({"access_token": token(4_000_000_000), "refresh_token": token(5_000_000_000), "user_id": "user",
                   "device_id": "device"}),
        ),
        _ if path.starts_with("ingest/schemas/") => (204, Value::Null),
        _ => (200, json!({"position": 0, "max_batch_bytes": MAX_BATCH_BYTES})),
    };
    Ok(Response {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: if status == 204 {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        },
        ..Response::default()
    })
}

fn token(expires: u64) -> String {
    let claims = json!({"exp": expires, "iat": 1_000_000_000});
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The acknowledgement of all of it. Only the header is read, a frame of its own where the batch is compressed.
fn taken(request: &Request) -> Result<Value, Failure> {
    let compressed = request.headers.iter().any(|(_, value)| value == "zstd");
    let mut header = Vec::new();
    if compressed {
        zstd::Decoder::new(&request.body[..])?
            .single_frame()
            .read_to_end(&mut header)?;
    }
    let header = if compressed {
        &header[..]
    } else {
        &request.body[..]
    };
    let last = BatchReader::new(header)?.header().last_seq;
    Ok(json!({"acked": last, "position": last, "refused": []}))
}
