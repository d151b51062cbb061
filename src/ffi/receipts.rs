//! Receipts, status and progress as the bridge has them.

use std::time::Duration;

use cxx::UniquePtr;

use super::bridge::ffi::{
    LastError, Outcome, OutcomeObserver, Progress, ProgressObserver, RefusedObject, UploadStatus,
};
use super::bridge::{Pending, Status};
use super::handles::Realm;
use super::{Handle, callbacks, convert};
use crate::{outbox, realm};

pub(super) struct Receipts(Handle<realm::Receipts>);

impl Realm {
    pub(super) fn receipts(&self) -> Box<Receipts> {
        let receipts = self.0.call(|realm| Ok(Handle::new(realm.receipts())));
        Box::new(Receipts(receipts.unwrap_or(Handle::null())))
    }

    pub(super) fn upload_status(&self, status: &mut Status) -> UploadStatus {
        let found = self.0.call(realm::Realm::status).map(UploadStatus::from);
        convert::or(UploadStatus::default(), status, found)
    }

    pub(super) fn observe_progress(&self, observer: UniquePtr<ProgressObserver>, status: &mut Status) -> u64 {
        let observer = callbacks::progress_observer(observer);
        let token = self.0.call(|realm| realm.observe_progress(observer));
        convert::or(0, status, token)
    }

    pub(super) fn unobserve_progress(&self, token: u64) {
        self.0.read((), |realm| realm.unobserve_progress(token));
    }
}

impl Receipts {
    pub(super) fn outcome(&self, number: u64, status: &mut Status) -> Outcome {
        let found = self.0.call(|receipts| receipts.outcome(number));
        convert::or(Outcome::default(), status, found.map(Outcome::from))
    }

    /// Below 0 there is no limit.
    pub(super) fn wait(&self, number: u64, timeout_ms: i64, status: &mut Status) -> Outcome {
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let found = self.0.call(|receipts| receipts.wait(number, timeout));
        convert::or(Outcome::default(), status, found.map(Outcome::from))
    }

    pub(super) fn on_settled(&self, number: u64, observer: UniquePtr<OutcomeObserver>) -> Status {
        let observer = callbacks::outcome_observer(observer);
        Status::of(
            self.0
                .call(|receipts| receipts.on_settled(number, observer).map(drop)),
        )
    }
}

impl From<realm::Outcome> for Outcome {
    fn from(outcome: realm::Outcome) -> Outcome {
        Outcome {
            state: outcome.state as u8,
            complete: outcome.refusals.complete,
            refused: outcome
                .refusals
                .objects
                .into_iter()
                .map(RefusedObject::from)
                .collect(),
        }
    }
}

impl From<outbox::RefusedObject> for RefusedObject {
    fn from(object: outbox::RefusedObject) -> RefusedObject {
        RefusedObject {
            index: object.index,
            class_name: object.class,
            primary_key_json: object.primary_key,
            reason: object.reason,
        }
    }
}

impl From<realm::Progress> for Progress {
    fn from(progress: realm::Progress) -> Progress {
        Progress {
            fraction: progress.fraction,
            uploaded_objects: progress.uploaded_objects,
            waiting_objects: progress.waiting_objects,
        }
    }
}

impl From<realm::UploadStatus> for UploadStatus {
    fn from(status: realm::UploadStatus) -> UploadStatus {
        let tally = status.tally;
        UploadStatus {
            waiting: Pending::from(tally.waiting),
            oldest_age_ms: status.oldest_age.unwrap_or(-1),
            last_acknowledged_ms: status.last_acknowledged.unwrap_or(-1),
            last_error: status.last_error.map(LastError::from).unwrap_or_default(),
            dropped: Pending::from(tally.dropped),
            damaged_transactions: tally.damaged,
            refused_objects: tally.refused_objects,
            sent_objects: tally.sent_objects,
            sent_bytes: tally.sent_bytes,
        }
    }
}

impl From<realm::LastError> for LastError {
    fn from(error: realm::LastError) -> LastError {
        LastError {
            code: error.code.number(),
            name: error.code.name().to_owned(),
            message: error.message,
            at_ms: error.at,
            is_current: error.is_current,
        }
    }
}
