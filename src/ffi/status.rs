//! Results as the bridge's `Status`.

use super::bridge::Status;

impl Status {
    pub(crate) fn failed(code: u32, name: &str, message: impl Into<String>) -> Self {
        Status {
            code,
            name: name.to_owned(),
            message: message.into(),
            link: String::new(),
        }
    }
}

pub(crate) fn ok_or_default<T: Default>(result: Result<T, Status>, status: &mut Status) -> T {
    match result {
        Ok(value) => {
            *status = Status::default();
            value
        }
        Err(failed) => {
            *status = failed;
            T::default()
        }
    }
}
