//! What clients say.

use super::FileIdent;
use super::header::{FrameError, Header};

/// A message of a client. Sessions are numbered by the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// A session begins.
    Bind {
        /// Its number.
        session: u64,
        /// JSON, or nothing for old clients.
        data: &'a str,
        /// Whether the client has no file ident yet.
        needs_ident: bool,
    },
    /// What file it is about, and what the client has of it.
    Ident {
        /// Its session.
        session: u64,
        /// The file.
        file: FileIdent,
        /// Up to where it has what the server sent: the server's version, and the client's that goes with it.
        download: (u64, u64),
        /// The latest version of the server that it has heard of.
        latest: u64,
        /// The salt that came with it.
        latest_salt: i64,
        /// Its active subscriptions.
        query: Query<'a>,
    },
    /// New subscriptions.
    Query {
        /// Their session.
        session: u64,
        /// The subscriptions.
        query: Query<'a>,
    },
    /// Changesets, as the bytes that travelled.
    Upload(UploadHeader, &'a [u8]),
    /// A question that is answered once all has been sent that there is at this moment.
    Mark {
        /// Its session.
        session: u64,
        /// Its number. It grows within a session.
        request: u64,
    },
    /// A sign of life, and a question for one.
    Ping {
        /// What the answer has to repeat.
        timestamp: u64,
    },
    /// A session ends.
    Unbind {
        /// Its number.
        session: u64,
    },
    /// The client could not use what the server sent.
    Error {
        /// Its session.
        session: u64,
        /// What kind it is.
        code: u64,
        /// JSON with a message.
        message: &'a str,
    },
    /// Something for realm-core's own tests.
    TestCommand {
        /// Its session.
        session: u64,
    },
    /// A message of another name.
    Unknown {
        /// The name.
        name: &'a str,
    },
}

/// A set of subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// Its version, 0 before there is any.
    pub version: i64,
    /// A JSON object: queries by the names of classes.
    pub body: &'a str,
}

/// What an upload says beside its changesets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadHeader {
    /// Its session.
    pub session: u64,
    /// Whether the body is a zlib stream.
    pub compressed: bool,
    /// Bytes of the changesets.
    pub uncompressed: usize,
    /// Bytes of the zlib stream, 0 without one.
    pub compressed_size: usize,
    /// The version up to which the client has sent all that it has.
    pub progress_client: u64,
    /// The version of the server that it had integrated by then.
    pub progress_server: u64,
    /// The version of the server that it has integrated.
    pub locked_server: u64,
}

impl UploadHeader {
    /// Whether there are no changesets in it. It must not be answered then.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.uncompressed == 0
    }
}

impl<'a> ClientMessage<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it does not have the one form that the protocol gives it.
    pub fn parse(message: &'a [u8]) -> Result<Self, FrameError> {
        let (mut header, body) = Header::of(message)?;
        match header.word("name")? {
            "bind" => bind(header, body),
            "ident" => ident(header, body),
            "query" => {
                let session = session(&mut header)?;
                let query = query(header, body)?;
                Ok(Self::Query { session, query })
            }
            "upload" => upload(header, body),
            "mark" => {
                let session = session(&mut header)?;
                let request = header.unsigned("request number")?;
                bare(header, body)?;
                Ok(Self::Mark { session, request })
            }
            "ping" => {
                let timestamp = header.unsigned("timestamp")?;
                header.unsigned("round trip time")?;
                bare(header, body)?;
                Ok(Self::Ping { timestamp })
            }
            "unbind" => {
                let session = session(&mut header)?;
                bare(header, body)?;
                Ok(Self::Unbind { session })
            }
            "json_error" => error(header, body),
            "test_command" => {
                let session = session(&mut header)?;
                header.unsigned("request number")?;
                sized(header, body, "test command")?;
                Ok(Self::TestCommand { session })
            }
            name => Ok(Self::Unknown { name }),
        }
    }
}

fn bind<'a>(mut header: Header<'a>, body: &'a [u8]) -> Result<ClientMessage<'a>, FrameError> {
    let session = session(&mut header)?;
    let data = header.size("size of data")?;
    let token = header.size("size of token")?;
    let needs_ident = header.flag("need for an ident")?;
    // Of sessions that one server has with another.
    header.flag("subserver")?;
    header.end()?;
    let announced = data.saturating_add(token);
    let found = body.len();
    let parts = body.split_at_checked(data);
    let parts = parts.filter(|(_, rest)| rest.len() == token);
    let (data, _) = parts.ok_or(FrameError::Length { found, announced })?;
    Ok(ClientMessage::Bind {
        session,
        data: text(data, "data")?,
        needs_ident,
    })
}

fn ident<'a>(mut header: Header<'a>, body: &'a [u8]) -> Result<ClientMessage<'a>, FrameError> {
    let session = session(&mut header)?;
    let ident = header.unsigned("file ident")?;
    let salt = header.signed("file salt")?;
    let server = header.unsigned("download server version")?;
    let client = header.unsigned("download client version")?;
    let latest = header.unsigned("latest server version")?;
    let latest_salt = header.signed("latest server version salt")?;
    Ok(ClientMessage::Ident {
        session,
        file: FileIdent { ident, salt },
        download: (server, client),
        latest,
        latest_salt,
        query: query(header, body)?,
    })
}

fn query<'a>(mut header: Header<'a>, body: &'a [u8]) -> Result<Query<'a>, FrameError> {
    let field = "query version";
    let version = header.unsigned(field)?;
    let version = i64::try_from(version).map_err(|_| FrameError::Field { field })?;
    let body = sized(header, body, "query")?;
    Ok(Query { version, body })
}

fn upload<'a>(mut header: Header<'a>, body: &'a [u8]) -> Result<ClientMessage<'a>, FrameError> {
    let upload = UploadHeader {
        session: session(&mut header)?,
        compressed: header.flag("compression")?,
        uncompressed: header.size("uncompressed size")?,
        compressed_size: header.size("compressed size")?,
        progress_client: header.unsigned("progress client version")?,
        progress_server: header.unsigned("progress server version")?,
        locked_server: header.unsigned("locked server version")?,
    };
    header.end()?;
    let (announced, other) = if upload.compressed {
        // An empty upload is one that says so.
        (upload.compressed_size, upload.is_empty())
    } else {
        (upload.uncompressed, upload.compressed_size != 0)
    };
    if other {
        return Err(FrameError::Field {
            field: "compressed size",
        });
    }
    fits(body, announced)?;
    Ok(ClientMessage::Upload(upload, body))
}

fn error<'a>(mut header: Header<'a>, body: &'a [u8]) -> Result<ClientMessage<'a>, FrameError> {
    let code = header.unsigned("error code")?;
    let size = header.size("size")?;
    let session = session(&mut header)?;
    header.end()?;
    fits(body, size)?;
    let message = text(body, "error")?;
    Ok(ClientMessage::Error {
        session,
        code,
        message,
    })
}

fn session(header: &mut Header<'_>) -> Result<u64, FrameError> {
    header.unsigned("session ident")
}

/// A text whose size is the last field.
fn sized<'a>(mut header: Header<'a>, body: &'a [u8], name: &'static str) -> Result<&'a str, FrameError> {
    let size = header.size("size")?;
    header.end()?;
    fits(body, size)?;
    text(body, name)
}

/// Says that there is nothing more in a message.
fn bare(header: Header<'_>, body: &[u8]) -> Result<(), FrameError> {
    header.end()?;
    fits(body, 0)
}

const fn fits(body: &[u8], announced: usize) -> Result<(), FrameError> {
    let found = body.len();
    if found == announced {
        Ok(())
    } else {
        Err(FrameError::Length { found, announced })
    }
}

fn text<'a>(bytes: &'a [u8], body: &'static str) -> Result<&'a str, FrameError> {
    str::from_utf8(bytes).map_err(|_| FrameError::NotUtf8 { body })
}
