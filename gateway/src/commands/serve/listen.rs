//! Where it listens, and how that is told.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::commands::CommandError;

pub(super) async fn resolve(listen: &str) -> Result<Vec<SocketAddr>, CommandError> {
    let wrong = |why: String| CommandError::Usage(format!("'{listen}' is no address to listen on: {why}"));
    let addresses: Vec<_> = tokio::net::lookup_host(listen)
        .await
        .map_err(|error| wrong(error.to_string()))?
        .collect();
    if addresses.is_empty() {
        Err(wrong("it has no address".into()))
    } else {
        Ok(addresses)
    }
}

pub(super) async fn bind(
    listen: &str,
    addresses: &[SocketAddr],
) -> Result<(TcpListener, SocketAddr), CommandError> {
    let cannot = |error| CommandError::CannotStart(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(addresses).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

/// Scripts wait for this line. Where nobody does, nobody misses it.
pub(super) fn announce(what: &str, scheme: &str, address: SocketAddr) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{what} on {scheme}://{address}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        announced => Ok(announced?),
    }
}
