//! Classes of a file that said what they are before it was known here: others say it.

use std::sync::Arc;

use bytes::Bytes;

use super::File;
use super::failure::Ending;
use crate::definition::Definition;
use crate::device_sync::client::Client;
use crate::device_sync::errors::SessionError;
use crate::device_sync::registry::Registry;

/// What all the classes of a file are, after these of a changeset were found out. It is kept with the file.
pub(super) async fn define(
    _client: &Client,
    _definition: &Arc<Definition>,
    _file: &mut File,
    classes: Vec<String>,
    _changeset: Bytes,
) -> Result<Registry, Ending> {
    let classes = classes.join(", ");
    Err(SessionError::later(format!("it is not known what these classes are: {classes}")).into())
}
