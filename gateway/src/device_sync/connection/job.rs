//! What is done for a session beside its connection.

use crate::device_sync::client::Client;
use crate::device_sync::errors::SessionError;
use crate::device_sync::file::failure::Ending;
use crate::device_sync::file::{self, Done, File};
use crate::device_sync::frames::FileIdent;
use crate::turns::Turn;

/// What became of it.
pub(super) enum Outcome {
    /// A new file has a name.
    Allocated(Result<FileIdent, Ending>),
    /// A file is known.
    Identified(Result<Box<File>, Ending>),
    /// Uploads are stored, or some of them.
    Stored(Done),
}

/// Makes a name for a new file, when it is its turn.
pub(super) async fn allocate(client: &Client) -> Result<FileIdent, Ending> {
    let _turn = turn(client).await?;
    file::allocate(client).await
}

/// Finds what is known of a file, when it is its turn.
pub(super) async fn identify(client: &Client, file: FileIdent, acked: u64) -> Result<Box<File>, Ending> {
    let _turn = turn(client).await?;
    file::identify(client, file, acked).await
}

async fn turn(client: &Client) -> Result<Turn, Ending> {
    let turn = client.gateway.device_sync.names.turn(client.from.into()).await;
    turn.map_err(|busy| SessionError::later(busy.to_string()).into())
}
