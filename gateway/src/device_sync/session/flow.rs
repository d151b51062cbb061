//! A session whose file is known: what is answered to its uploads, marks and subscriptions.

use std::collections::VecDeque;

use super::effect::{Binding, Effect, Note, Stored};
use super::subscriptions;
use super::versions::{Progress, Versions};
use crate::device_sync::errors::{ConnectionCode, ConnectionError, Rejected, SessionError};
use crate::device_sync::frames::{Batch, Query, ServerMessage, UploadHeader};
use crate::device_sync::version::Version;

#[derive(Debug)]
pub(super) struct Flow {
    binding: Binding,
    versions: Versions,
    /// How far the client's last upload says that it is, stored or not.
    scanned: u64,
    /// The client's last set of subscriptions, served or not.
    asked: i64,
    /// Progress of the uploads that are on their way to the store, and what is told of each once it is there: empty ones that came
    /// behind it count with it.
    uploads: VecDeque<Upload>,
    /// Whether the file is identified. Nothing is sent before, and of what a client asks meanwhile the last of each kind is
    /// answered, which answers those before it.
    is_identified: bool,
    /// Whether the bootstrap of the active subscriptions was sent. It is the first of all that has a version.
    has_begun: bool,
    /// Subscriptions that wait for either.
    query: Option<i64>,
    /// A mark that waits until the file is identified.
    mark: Option<u64>,
}

#[derive(Debug)]
struct Upload {
    progress: u64,
    told: Progress,
}

impl Flow {
    /// Of a client that has told its versions and its active subscriptions.
    pub(super) fn new(binding: Binding, versions: Versions, client: u64, query: i64) -> Self {
        Self {
            binding,
            versions,
            scanned: client,
            asked: query,
            uploads: VecDeque::new(),
            is_identified: false,
            has_begun: false,
            query: None,
            mark: None,
        }
    }

    /// The file is identified. What can be said about it is said.
    pub(super) fn identified(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::replace(&mut self.is_identified, true) {
            return;
        }
        if self.versions.are_sure() {
            self.begin(effects);
        }
        if let Some(request) = self.mark.take() {
            self.mark(request, effects);
        }
    }

    /// Sends an empty bootstrap of the active subscriptions, and of those that came behind them. The first comes at every binding, as
    /// a client can have stopped between storing one and acting on it, and takes what comes instead for it.
    fn begin(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.send(Batch::Bootstrap, effects);
        }
        if let Some(query) = self.query.take() {
            self.versions.subscribe(query);
            self.send(Batch::Bootstrap, effects);
        }
    }

    /// New subscriptions: the empty set is served, any other one refused. The session goes on in both cases.
    pub(super) fn query(
        &mut self,
        query: Query<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ConnectionError> {
        if query.version <= self.asked {
            let message = format!("subscriptions {} come behind {}", query.version, self.asked);
            return Err(ConnectionError::new(ConnectionCode::BadMessageOrder, message));
        }
        self.asked = query.version;
        if let Some(classes) = subscriptions::classes(query.body) {
            effects.push(Effect::Send(ServerMessage::QueryError {
                session: self.binding.session(),
                query: query.version,
                message: format!(
                    "this gateway serves Data Ingest alone: flexible sync subscriptions on regular classes ({classes}) are not served"
                ),
            }));
            effects.push(Effect::Note(Note::RefusedSubscriptions {
                binding: self.binding,
                classes,
            }));
        } else {
            self.query = Some(query.version);
            if self.is_identified && self.versions.are_sure() {
                self.begin(effects);
            }
        }
        Ok(())
    }

    /// Everything that is decided has been sent, so there is nothing to wait for.
    pub(super) fn mark(&mut self, request: u64, effects: &mut Vec<Effect>) {
        if self.is_identified {
            let session = self.binding.session();
            effects.push(Effect::Send(ServerMessage::Mark { session, request }));
        } else {
            self.mark = Some(request);
        }
    }

    /// An upload. One without changesets is never answered: the answer would make the client send another one. It says how far the
    /// client is all the same, once all before it is stored.
    pub(super) fn upload(
        &mut self,
        upload: UploadHeader,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ConnectionError> {
        let progress = upload.progress_client;
        // Changesets have versions of their own, beyond all that was sent.
        let least = self.scanned.saturating_add(u64::from(!upload.is_empty()));
        if progress < least {
            let message = format!(
                "an upload has progress {progress}, and an earlier one {}",
                self.scanned
            );
            return Err(ConnectionError::new(ConnectionCode::BadChangesetHeader, message));
        }
        self.scanned = progress;
        let told = Progress {
            client: progress,
            server: upload.progress_server,
        };
        if !upload.is_empty() {
            self.uploads.push_back(Upload { progress, told });
            let binding = self.binding;
            effects.push(Effect::Store { binding, upload });
        } else if let Some(last) = self.uploads.back_mut() {
            last.told = told;
        } else {
            self.versions.reach(&told);
            // Not the upload is answered by that, but subscriptions before it.
            if self.is_identified && self.query.is_some() {
                self.begin(effects);
            }
        }
        Ok(())
    }

    /// Acknowledges what is stored, with the client's progress: that covers the versions between that have no changesets.
    pub(super) fn stored(&mut self, stored: Stored, version: Version, effects: &mut Vec<Effect>) {
        let mut told = None;
        while let Some(upload) = self.uploads.front()
            && upload.progress <= stored.progress_client
        {
            told = Some(upload.told);
            self.uploads.pop_front();
        }
        let Some(told) = told else { return };
        self.versions.reach(&told);
        let is_told = !self.has_begun;
        self.begin(effects);
        let rejected = Rejected::new(stored.refused, stored.unnamed, self.versions.next());
        match rejected.filter(|_| version.reads_compensating_writes()) {
            Some(rejected) => {
                effects.push(Effect::Send(ServerMessage::SessionError {
                    session: self.binding.session(),
                    error: SessionError::compensating(rejected),
                }));
                self.send(Batch::Compensation, effects);
            }
            None if is_told => {}
            None => self.send(Batch::Acknowledgement, effects),
        }
    }

    fn send(&mut self, batch: Batch, effects: &mut Vec<Effect>) {
        let download = self.versions.download(self.binding.session(), batch);
        effects.push(Effect::Send(ServerMessage::Download(download)));
    }
}
