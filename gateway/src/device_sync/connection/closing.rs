//! How a connection ends.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::limits;
use crate::device_sync::session::CloseCode;
use crate::device_sync::sockets::Place;
use crate::device_sync::websocket::{SocketError, Writer};
use crate::server::Upgraded;

/// Why.
pub(super) enum End {
    /// The protocol says so, with this code or by TCP alone.
    Close(Option<CloseCode>),
    /// The web socket ended, or what came by it cannot be taken.
    Socket(SocketError),
    /// Nobody seems to be there, and another connection has bound one of its files.
    Displaced,
    /// No file is bound on it.
    NoFile,
}

impl End {
    /// Tells it to the log.
    pub fn tell(&self) {
        match self {
            Self::Close(code) => debug!(code = code.map(CloseCode::number), "connection closed"),
            Self::Socket(error @ (SocketError::Malformed(_) | SocketError::TooLarge)) => {
                warn!(%error, "connection dropped");
            }
            Self::Socket(error) => debug!(%error, "connection ended"),
            Self::Displaced => {
                info!("connection dropped: it is silent, and one of its files is bound on another one")
            }
            Self::NoFile => debug!("connection closed: no file is bound on it"),
        }
    }
}

/// Says the last words, and waits until the client has them.
pub(super) async fn close<R, W>(mut reader: R, mut writer: Writer<W>, end: End)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    match end {
        End::Socket(_) | End::Displaced => return,
        End::Close(None) => {}
        End::Close(Some(code)) => writer.close(code.number()),
        End::NoFile => writer.close(CloseCode::Normal.number()),
    }
    let last_words = async {
        writer.send().await?;
        writer.end().await?;
        // What is closed while something lies there unread is reset, and then the client may not read the last words.
        let mut thrown_away = [0; 512];
        while reader.read(&mut thrown_away).await? > 0 {}
        Ok::<_, SocketError>(())
    };
    let _ = timeout(limits::LAST_WORDS, last_words).await;
}

/// Tells a client after a while that its token is not good. Until then it has its place among the others.
pub(in crate::device_sync) async fn deny(upgraded: Upgraded, after: Duration, _place: Place) {
    tokio::select! {
        () = tokio::time::sleep(after) => {}
        () = upgraded.stopping.begun() => {}
    }
    let (read, write) = tokio::io::split(upgraded.io);
    let end = End::Close(Some(CloseCode::Unauthorised));
    close(read, Writer::new(write), end).await;
}
