//! What a command asks of where users, schemas and keys are, on its own thread.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::output::time;
use super::{CommandError, DataArgs};
use crate::backend::{Answer, BackendError};
use crate::state::{ApiKey, Managed};

/// See the module.
pub(super) struct Accounts {
    state: Box<dyn Managed>,
    runtime: Arc<Runtime>,
}

impl Accounts {
    /// Those of an app, beside a server that may be running.
    pub(super) fn open(data: &DataArgs) -> Result<Self, CommandError> {
        data.open()?.accounts()
    }

    /// Over what is open; it is asked in the runtime.
    pub(super) const fn over(state: Box<dyn Managed>, runtime: Arc<Runtime>) -> Self {
        Self { state, runtime }
    }

    /// The answer to a question.
    pub(super) fn ask<'a, T>(
        &'a self,
        question: impl FnOnce(&'a dyn Managed) -> Answer<'a, T>,
    ) -> Result<T, BackendError> {
        self.runtime.block_on(question(&*self.state))
    }
}

/// An API key without its text.
pub(super) fn api_key(key: &ApiKey) -> Value {
    json!({"api_key": key.id, "name": key.name, "disabled": key.disabled, "time": time(key.created)})
}
