//! Classes of a file that said what they are before it was known here: others say it.

use std::sync::Arc;

use bytes::Bytes;

use super::File;
use super::failure::{Ending, of_adopt};
use super::kept::Kept;
use super::store::keep_changed;
use crate::definition::Definition;
use crate::device_sync::adopted::{self, Elsewhere};
use crate::device_sync::client::Client;
use crate::device_sync::registry::Registry;

/// What all the classes of a file are, after these of a changeset were found out. It is kept with the file. None when nothing was.
pub(super) async fn define(
    client: &Client,
    definition: &Arc<Definition>,
    file: &mut File,
    classes: Vec<String>,
    changeset: Bytes,
) -> Result<Option<Registry>, Ending> {
    let accepted = adopted::accepted(&*client.app.state, definition, &classes).await?;
    let (definition, before) = (Arc::clone(definition), Arc::clone(&file.classes));
    let find_out = move |registry: &mut Registry| {
        let elsewhere = Elsewhere {
            definition: &definition,
            accepted: &accepted,
        };
        adopted::define(&changeset, &classes, registry, &elsewhere).map_err(of_adopt)
    };
    let looked = move || {
        let mut found = before.registry.clone();
        find_out(&mut found)?;
        Ok::<_, Ending>((found != before.registry, find_out))
    };
    let (has_changed, find_out) = client.gateway.work.run(client.from, looked).await??;
    if !has_changed {
        return Ok(None);
    }
    tracing::info!(
        ident = file.name.ident,
        "what classes of the file are was found out, as it said so elsewhere"
    );
    let correct = |kept: &mut Kept| kept.correct(find_out);
    keep_changed(client, file, correct).await.map(Some)
}
