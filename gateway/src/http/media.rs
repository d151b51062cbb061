//! What the headers of a batch announce.

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::reject::Reject;

/// How a batch was packed for the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// One zstd frame or several in a row.
    Zstd,
}

/// Checks that the headers announce a batch of the version served here.
///
/// # Errors
/// With what is wrong about the content type or the encoding.
pub fn batch_encoding(headers: &HeaderMap) -> Result<Encoding, Reject> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("not readable"))
    };
    let kind = text(CONTENT_TYPE).unwrap_or("none");
    if !is_batch(kind) {
        return Err(Reject::UnsupportedMedia(format!(
            "content type '{kind}' is not served; send '{}'",
            realm_ingest_protocol::CONTENT_TYPE
        )));
    }
    match text(CONTENT_ENCODING)
        .map(|value| value.trim().to_ascii_lowercase())
        .as_deref()
    {
        None | Some("identity") => Ok(Encoding::Identity),
        Some("zstd") => Ok(Encoding::Zstd),
        Some(other) => Err(Reject::UnsupportedMedia(format!(
            "content encoding '{other}' is not served; send 'zstd' or 'identity'"
        ))),
    }
}

fn is_batch(content_type: &str) -> bool {
    let mut parts = content_type
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/vnd.realm-ingest.batch")
        && parts.any(|part| part == "version=2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_as_headers_are() {
        assert!(is_batch(realm_ingest_protocol::CONTENT_TYPE));
        assert!(is_batch("Application/vnd.realm-ingest.BATCH;version=2"));
        assert!(!is_batch("application/vnd.realm-ingest.batch"));
        assert!(!is_batch("application/vnd.realm-ingest.batch; version=1"));
        assert!(!is_batch("application/json; version=2"));
    }
}
