//! One session from its BIND on.

use super::effect::{Binding, Effect, Failure, Note, Stored};
use super::flow::Flow;
use super::subscriptions;
use super::versions::Versions;
use crate::device_sync::errors::{ConnectionCode, ConnectionError, SessionError};
use crate::device_sync::frames::{FileIdent, Query, ServerMessage, UploadHeader};
use crate::device_sync::version::Version;

/// The least ident of a client file.
const FIRST_FILE: u64 = 2;

#[derive(Debug)]
pub(super) struct Open {
    pub(super) binding: Binding,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// A new file waits for its ident.
    Allocating,
    /// The client is to say which file it is about.
    Bound,
    /// It has said so.
    Known(Flow),
}

impl Open {
    /// A session that was bound. A client without an ident gets one.
    pub(super) fn new(binding: Binding, needs_ident: bool, effects: &mut Vec<Effect>) -> Self {
        let stage = if needs_ident {
            effects.push(Effect::Allocate { binding });
            Stage::Allocating
        } else {
            Stage::Bound
        };
        Self { binding, stage }
    }

    pub(super) fn allocated(&mut self, file: FileIdent, effects: &mut Vec<Effect>) {
        if matches!(self.stage, Stage::Allocating) {
            self.stage = Stage::Bound;
            let session = self.binding.session();
            effects.push(Effect::Send(ServerMessage::Ident { session, file }));
        }
    }

    /// The client says which file it is about, up to where it has what the server sent, and what latest version it has heard of,
    /// with its salt.
    pub(super) fn ident(
        &mut self,
        file: FileIdent,
        download: (u64, u64),
        latest: (u64, i64),
        query: Query<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Failure> {
        match self.stage {
            Stage::Bound => {}
            Stage::Allocating => return Err(disorder("a file is named before its ident was given").into()),
            Stage::Known(_) => return Err(disorder("a session names a second file").into()),
        }
        if file.ident < FIRST_FILE || file.salt == 0 {
            return Err(SessionError::never("the file has an ident or a salt that no file can have").into());
        }
        let versions = Versions::known(download, latest, query.version)?;
        let binding = self.binding;
        if let Some(classes) = subscriptions::classes(query.body) {
            effects.push(Effect::Note(Note::ActiveSubscriptions { binding, classes }));
        }
        let (_, acked) = download;
        self.stage = Stage::Known(Flow::new(binding, versions, acked, query.version));
        effects.push(Effect::Identify { binding, file, acked });
        Ok(())
    }

    pub(super) fn identified(&mut self, effects: &mut Vec<Effect>) {
        if let Stage::Known(flow) = &mut self.stage {
            flow.identified(effects);
        }
    }

    pub(super) fn query(&mut self, query: Query<'_>, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        Ok(self.known()?.query(query, effects)?)
    }

    pub(super) fn mark(&mut self, request: u64, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        self.known()?.mark(request, effects);
        Ok(())
    }

    pub(super) fn upload(&mut self, upload: UploadHeader, effects: &mut Vec<Effect>) -> Result<(), Failure> {
        Ok(self.known()?.upload(upload, effects)?)
    }

    pub(super) fn stored(&mut self, stored: Stored, version: Version, effects: &mut Vec<Effect>) {
        if let Stage::Known(flow) = &mut self.stage {
            flow.stored(stored, version, effects);
        }
    }

    fn known(&mut self) -> Result<&mut Flow, ConnectionError> {
        match &mut self.stage {
            Stage::Known(flow) => Ok(flow),
            Stage::Allocating | Stage::Bound => Err(disorder("a session goes on before it names its file")),
        }
    }
}

fn disorder(message: &str) -> ConnectionError {
    ConnectionError::new(ConnectionCode::BadMessageOrder, message)
}
