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

/// What is to be found out.
pub(super) struct Question {
    /// The version of a changeset that has objects of classes of which not all is known.
    pub version: u64,
    pub changeset: Bytes,
    /// These classes.
    pub classes: Vec<String>,
    /// Their properties that are not known, where the rest is.
    pub lacking: Vec<(String, String)>,
}

/// What all the classes of a file are, after some were found out. It is kept with the file. None when nothing was.
pub(super) async fn define(
    client: &Client,
    definition: &Arc<Definition>,
    file: &mut File,
    question: &Question,
) -> Result<Option<Registry>, Ending> {
    let (classes, version) = (question.classes.clone(), question.version);
    let accepted = adopted::accepted(&*client.app.state, definition, &classes).await?;
    let (definition, before) = (Arc::clone(definition), Arc::clone(&file.classes));
    let changeset = question.changeset.clone();
    let looked = move || {
        let elsewhere = Elsewhere {
            definition: &definition,
            accepted: &accepted,
        };
        let mut found = before.registry.clone();
        adopted::define(&changeset, &classes, &mut found, &elsewhere).map_err(of_adopt)?;
        Ok::<_, Ending>((found != before.registry).then_some((found, before)))
    };
    let looked = client.gateway.work.run(client.from, looked).await??;
    let Some((found, before)) = looked else {
        return Ok(None);
    };
    tracing::info!(
        ident = file.name.ident,
        "what classes of the file are was found out, as it said so elsewhere"
    );
    let acked = file.bound_at;
    let learn = move |kept: &mut Kept| {
        kept.learn(version, found, &before.registry, acked);
        Ok(())
    };
    let found = keep_changed(client, file, learn).await?;
    file.version = version;
    Ok(Some(found))
}
